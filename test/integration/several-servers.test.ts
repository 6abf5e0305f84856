import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import { seededRandom } from '../../src/core/random.ts';
import { registeredTarget, Traffic } from '../../src/fake/traffic.ts';
import type { PushTarget } from '../../src/fake/traffic.ts';
import { FakeXmppServer } from '../../src/fake/xmpp-server.ts';
import { createEngine } from '../../src/index.ts';

const deadline = { timeout: 30_000 };
const secret = 'long-random';

interface Site {
  readonly server: FakeXmppServer;
  readonly traffic: Traffic;
  readonly target: PushTarget;
}

/** One engine with several streams to an ejabberd and one to a Prosody, and a user of each who is registered. */
async function setup(t: TestContext) {
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-servers-'));
  const random = seededRandom(11);
  const made = (['ejabberd', 'prosody'] as const).map((profile) => {
    const component = `push.${profile}.example`;
    const domain = `${profile}.example`;
    const components = { [component]: secret };
    const server = new FakeXmppServer({ profile, domain, components, clock: systemClock, random });
    return { profile, component, server, traffic: new Traffic({ profile, domain, component, random }) };
  });
  const [one, other] = made;
  assert.ok(one && other);
  const engine = await createEngine({
    engine: { data_dir: dataDir },
    servers: [
      { name: 'one', port: await one.server.start(), domain: one.component, secret, connections: 3 },
      { name: 'other', port: await other.server.start(), domain: other.component, secret },
    ],
    registrations: { shards: 4, map_bytes: 16_777_216 },
    providers: [{ name: 'trial', kind: 'blackhole' }],
  });
  t.after(async () => {
    await engine.stop();
    for (const { server } of made) await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  await engine.start();
  await one.server.whenOnline(3);
  const siteOf = async ({ server, traffic }: (typeof made)[number]): Promise<Site> => {
    const id = server.newId();
    const answer = await server.request(id, traffic.register(id, 0));
    const target = answer.kind === 'result' ? registeredTarget(answer.xml) : null;
    assert.ok(target !== null, JSON.stringify(answer));
    traffic.use([target]);
    return { server, traffic, target };
  };
  return { engine, one: await siteOf(one), other: await siteOf(other) };
}

const load = { count: 2_000, durationMs: 0, ratePerSecond: 0, inFlightMax: 500, batchMax: 50, settleMs: 10_000 };

test(
  '1.23 and 1.E each server gets the answers to what it asked, over several streams, and no others',
  deadline,
  async (t) => {
    const { one, other, engine } = await setup(t);
    const reports = await Promise.all(
      [one, other].map(({ server, traffic }) => server.fire(load, (id) => traffic.publish(id))),
    );
    for (const report of reports) assert.deepEqual([report.results, report.lost, report.errors], [load.count, 0, {}]);
    for (const { server } of [one, other]) assert.deepEqual([server.counters.unasked, server.received], [0, []]);
    assert.deepEqual(
      engine.figures().routers.map(({ server, streams, answered, errors }) => [server, streams, answered, errors]),
      [
        ['one', 3, load.count + 1, 0],
        ['other', 1, load.count + 1, 0],
      ],
    );
  },
);

test('4.48 a node of one server is unknown to the other without its secret', deadline, async (t) => {
  const { one, other } = await setup(t);
  const { node } = one.target;
  assert.equal((await one.server.publish({ node, secret: one.target.secret })).kind, 'result');
  for (const wrong of ['', other.target.secret]) {
    const answer = await other.server.publish({ node, secret: wrong });
    assert.deepEqual(
      [answer.kind, answer.kind === 'error' && `${answer.type}/${answer.condition}`],
      ['error', 'cancel/item-not-found'],
    );
  }
});

test('1.20 a server that goes away does not disturb the other', deadline, async (t) => {
  const { one, other } = await setup(t);
  await one.server.stop();
  const report = await other.server.fire({ ...load, count: 200 }, (id) => other.traffic.publish(id));
  assert.deepEqual([report.results, report.lost], [200, 0]);
});
