/**
 * More publishes than the gateway takes, for as long as it takes to see what grows: each is answered once, what does
 * not fit is told `wait`, and the engine's memory stays what it was.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { startGateways } from '../../src/fake/gateways-process.ts';
import { XmppServerProcess } from '../../src/fake/xmpp-server-process.ts';
import { until, within } from '../peers/deadline.ts';
import { lastFirst } from '../peers/last-first.ts';
import type { TestContext } from 'node:test';
import type { FloodLook, ToFloodEngine } from './flood-engine.ts';

const component = 'push.example.net';
const secret = 'flood';
const publishes = 240_000;
// More than the credit and the queue of the provider hold together.
const window = 30_000;
const mebibyte = 1_048_576;

async function setup(t: TestContext) {
  const after = lastFirst(t);
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-flood-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const gateways = await startGateways({ gateways: ['answering'] });
  after(() => gateways.stop());
  const start = { profile: 'ejabberd', domain: 'example.com', component, secret, port: 0, seed: 1 } as const;
  const server = await XmppServerProcess.start(start);
  after(() => server.stop());
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, gateways.caPem);
  const child = fork(new URL('flood-engine.js', import.meta.url), {
    execArgv: ['--expose-gc', '--max-semi-space-size=4', '--max-old-space-size=160'],
  });
  after(() => void child.kill());
  const ask = async (message: ToFloodEngine): Promise<FloodLook> => {
    const answered = once(child, 'message');
    child.send(message);
    const [look] = await within(message.kind, answered);
    assert.ok(isLook(look));
    return look;
  };
  const { keyPem, keyId, teamId, topic } = gateways.credentials.apns;
  const gateway = { host: 'localhost', port: gateways.ports.answering, ca_file: caFile, request_ms: 1_000 };
  await ask({
    kind: 'start',
    config: {
      engine: { data_dir: folder, log_level: 'silent', iq_reply_ms: 1_500, stop_ms: 2_000 },
      servers: [{ name: 'fake', host: '127.0.0.1', port: server.port, domain: component, secret }],
      registrations: { shards: 2, map_bytes: 67_108_864 },
      workers: { threads: 1, heap_mb_max: 64 },
      providers: [
        { name: 'apns', kind: 'apns', ...gateway, topic, key: keyPem, key_id: keyId, team_id: teamId },
        { name: 'fcm', kind: 'blackhole', services: ['fcm'] },
      ],
    },
  });
  await server.whenOnline();
  const registered = await server.register(0, 200);
  assert.equal(registered.count, 200);
  return { gateways, server, ask };
}

function isLook(value: unknown): value is FloodLook {
  return typeof value === 'object' && value !== null && 'rssBytes' in value;
}

it(
  'a flood past a slow gateway: every publish is answered once, and memory stays flat',
  { timeout: 60_000 },
  async (t) => {
    const { gateways, server, ask } = await setup(t);
    const behaviour = { kind: 'stall', answerAfterMs: 700 } as const;
    await gateways.script('answering', { kind: 'all', behaviour });
    const load = { durationMs: 0, ratePerSecond: 0, inFlightMax: window, batchMax: 512, settleMs: 8_000 };
    const before = await ask({ kind: 'look' });
    const fired = server.fire({ count: publishes, ...load });
    const sent = async (): Promise<number> => (await server.progress())?.sent ?? publishes;
    await until('a third is sent', async () => (await sent()) >= publishes / 3 || undefined);
    const first = await ask({ kind: 'look' });
    await until('most are sent', async () => (await sent()) >= publishes * 0.8 || undefined, 40_000);
    const later = await ask({ kind: 'look' });
    const report = await within('the end of the flood', fired, 40_000);
    const last = await ask({ kind: 'look' });

    assert.equal(report.sent, publishes);
    assert.equal(report.lost, 0);
    const { wait = 0, ...others } = report.errors;
    assert.deepEqual(others, {}, 'nothing but wait');
    assert.equal(report.results + wait, publishes);
    assert.ok(report.results > 10_000, `only ${report.results} results`);
    assert.ok(wait > 1_000, `only ${wait} were told to wait: this was no flood`);
    assert.deepEqual(
      Object.keys(report.conditions).filter((name) => !['service-unavailable', 'remote-server-timeout'].includes(name)),
      [],
    );
    assert.equal((await server.counters()).unasked, 0, 'a second answer');
    const grownMb = {
      heap: Math.round((later.heapBytes - first.heapBytes) / mebibyte),
      rss: Math.round((later.rssBytes - first.rssBytes) / mebibyte),
    };
    const [heapMb, rssMb] = [first.heapBytes, first.rssBytes].map((bytes) => Math.round(bytes / mebibyte));
    t.diagnostic(`heap ${heapMb} MiB ${grownMb.heap}, resident ${rssMb} MiB ${grownMb.rss}; ${wait} told to wait`);
    // A look may fall before or after a collection, which is 40 MiB; one KiB kept for each publish would be 110.
    assert.ok(grownMb.heap < 80 && grownMb.rss < 80, JSON.stringify(grownMb));
    for (const { overdue, provider } of last.figures?.dispatchers ?? []) assert.equal(overdue, 0, provider);
    const rest = await until('rest', async () => {
      const { figures } = await ask({ kind: 'look' });
      return figures?.dispatchers.every(({ inFlight, waiting }) => inFlight + waiting === 0) === true
        ? figures
        : undefined;
    });
    assert.equal(rest.routers[0]?.waiting, 0);
    assert.deepEqual(rest.actors, { lost: 0, restarts: 0 });
    const after = await ask({ kind: 'look' });
    const keptMb = Math.round((after.heapBytes - before.heapBytes) / mebibyte);
    t.diagnostic(`${keptMb} MiB of heap are kept when all is over`);
    assert.ok(keptMb < 16, `${keptMb} MiB are kept`);
    await ask({ kind: 'stop' });
  },
);
