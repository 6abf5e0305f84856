/** The engine inside another program: the public API, real threads, a real gateway connection, no XMPP server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { WireStream } from '../../bench/wire-stream.ts';
import { systemClock } from '../../src/core/clock.ts';
import { limits } from '../../src/core/limits.ts';
import { accepted, unavailable } from '../../src/core/outcome.ts';
import { seededRandom } from '../../src/core/random.ts';
import { startGatewaySet } from '../../src/fake/gateway-set.ts';
import { registeredTarget, Traffic } from '../../src/fake/traffic.ts';
import { createEngine, EngineError } from '../../src/index.ts';
import { within } from '../peers/deadline.ts';
import { lastFirst } from '../peers/last-first.ts';
import type { TestContext } from 'node:test';
import type {
  Engine,
  EngineConfigInput,
  EngineOptions,
  Notification,
  Plugin,
  PublishRequest,
} from '../../src/index.ts';

const token = 'a1'.repeat(32);

async function setup(t: TestContext) {
  const after = lastFirst(t);
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-embedding-'));
  after(() => rmSync(dataDir, { recursive: true, force: true }));
  const gateways = await startGatewaySet({ gateways: ['apns'] }, { clock: systemClock, random: seededRandom(1) });
  after(() => gateways.stop());
  const caFile = join(dataDir, 'ca.pem');
  writeFileSync(caFile, gateways.caPem);
  const { keyPem, keyId, teamId, topic } = gateways.credentials.apns;
  let engines = 0;
  return {
    gateways,
    engine: async (over: EngineConfigInput = {}, options: EngineOptions = {}): Promise<Engine> => {
      const made = await createEngine(
        {
          engine: { data_dir: join(dataDir, `engine-${engines++}`), stop_ms: 2_000 },
          registrations: { shards: 2, map_bytes: 16_777_216 },
          workers: { threads: 1 },
          providers: [
            {
              ...{ name: 'apns-prod', kind: 'apns', host: 'localhost', port: gateways.ports.apns, ca_file: caFile },
              ...{ topic, key: keyPem, key_id: keyId, team_id: teamId },
            },
          ],
          ...over,
        },
        options,
      );
      after(() => made.stop());
      return made;
    },
  };
}

function isStateError(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'E_ENGINE_STATE';
}

describe('embedding', { timeout: 60_000 }, () => {
  it('a publish is accepted by the gateway, with the payload that was asked for', async (t) => {
    const { engine, gateways } = await setup(t);
    const started = await engine();
    await started.start();
    const outcome = await started.publish({ service: 'apns', token, title: 'Anna', body: 'hello', badge: 3 });
    assert.equal(outcome.kind, 'accepted');
    const [received] = gateways.recent('apns', 1);
    assert.equal(received?.token, token);
    assert.match(received.payload, /"title":"Anna"/);
    assert.match(received.payload, /"badge":3/);
    assert.equal(started.figures().embedded, 0);
  });

  it('a dead token, a refusal and a gateway that is gone are told apart', async (t) => {
    const { engine, gateways } = await setup(t);
    const started = await engine();
    await started.start();
    gateways.unregister('apns', 'de'.repeat(32));
    assert.equal((await started.publish({ service: 'apns', token: 'de'.repeat(32) })).kind, 'unregistered');
    gateways.script('apns', { kind: 'next', count: 1, behaviour: { kind: 'reject', status: 400, reason: 'BadTopic' } });
    assert.deepEqual(await started.publish({ service: 'apns', token }), { kind: 'rejected', reason: 'BadTopic' });
    await gateways.stop();
    const gone = await started.publish({ service: 'apns', token, waitMs: 2_000 });
    assert.equal(gone.kind, 'unavailable');
  });

  it('many requests in one call have one outcome each, in their order, and none costs another', async (t) => {
    const { engine, gateways } = await setup(t);
    const started = await engine();
    await started.start();
    const dead = 'de'.repeat(32);
    gateways.unregister('apns', dead);
    const requests = Array.from({ length: 300 }, (_, index): PublishRequest => {
      if (index === 7) return { service: 'apns', token: '' };
      if (index === 8) return { service: 'fcm', token };
      return { service: 'apns', token: index === 150 ? dead : token, body: `Number ${index}` };
    });
    const outcomes = await started.publishMany(requests);
    const others = outcomes.flatMap(({ kind }, index) => (kind === 'accepted' ? [] : [`${index} ${kind}`]));
    assert.equal(outcomes.length, 300);
    assert.deepEqual(others, ['7 rejected', '8 rejected', '150 unregistered']);
    assert.equal(gateways.counts().apns.received, 298);
    assert.equal(started.figures().embedded, 0);
    assert.deepEqual(await started.publishMany([]), []);
  });

  it('what the queue of a provider cannot take is unavailable at once, and was not sent', async (t) => {
    const { engine, gateways } = await setup(t);
    const started = await engine();
    await started.start();
    gateways.script('apns', { kind: 'all', behaviour: { kind: 'stall', answerAfterMs: 0 } });
    const count = limits.dispatcherMailbox + 10;
    const some = started.publishMany(
      Array.from({ length: count }, () => ({ service: 'apns', token })),
      500,
    );
    assert.equal(started.figures().embedded, limits.dispatcherMailbox);
    const outcomes = await within('outcomes', some, 10_000);
    const refused = unavailable('no', 'the queue of the provider is full');
    assert.deepEqual(
      outcomes.slice(-10),
      Array.from({ length: 10 }, () => refused),
    );
    assert.ok(outcomes.slice(0, -10).every(({ kind }) => kind === 'expired' || kind === 'unavailable'));
    assert.equal(started.figures().embedded, 0);
  });

  it('a request no gateway could take is rejected without being sent, and says why', async (t) => {
    const { engine, gateways } = await setup(t);
    const started = await engine();
    await started.start();
    const reasonOf = async (request: Parameters<Engine['publish']>[0]): Promise<string> => {
      const outcome = await started.publish(request);
      assert.equal(outcome.kind, 'rejected');
      return outcome.reason;
    };
    assert.match(await reasonOf({ service: 'apns', token: '' }), /^token/);
    assert.match(await reasonOf({ service: 'apns', token: 'a b' }), /^token/);
    assert.match(await reasonOf({ service: 'apns', token, collapseId: 'x'.repeat(65) }), /^collapseId/);
    assert.match(await reasonOf({ service: 'apns', token, badge: -1 }), /^badge/);
    assert.match(await reasonOf({ service: 'apns', token, timeToLiveSeconds: Number.NaN }), /^timeToLiveSeconds/);
    assert.match(await reasonOf({ service: 'fcm', token }), /no provider serves fcm/);
    assert.equal(gateways.counts().apns.received, 0);
  });

  it('publishing before the start and after the stop is a state error, and so is a second start', async (t) => {
    const { engine } = await setup(t);
    const made = await engine();
    await assert.rejects(made.publish({ service: 'apns', token }), isStateError);
    await assert.rejects(made.publishMany([{ service: 'apns', token }]), isStateError);
    await made.start();
    await assert.rejects(made.start(), isStateError);
    await made.stop();
    await assert.rejects(made.publish({ service: 'apns', token }), isStateError);
    await assert.rejects(made.start(), isStateError);
  });

  it('stop may be called twice, at once or later, and before the start', async (t) => {
    const { engine, gateways } = await setup(t);
    const made = await engine();
    await made.start();
    assert.equal((await made.publish({ service: 'apns', token })).kind, 'accepted');
    let first = false;
    const stopping = made.stop().then(() => (first = true));
    await made.stop();
    await Promise.resolve();
    assert.ok(first, 'the second call has waited for the first');
    await stopping;
    await made.stop();
    assert.equal(gateways.counts().apns.connections, 0);
    const never = await engine();
    await never.stop();
    await assert.rejects(never.start(), isStateError);
  });

  it('stop during the start leaves nothing behind', async (t) => {
    const { engine } = await setup(t);
    const server = { name: 's', host: '127.0.0.1', port: 1, domain: 'push.example.net', secret: 'x' };
    const made = await engine({ servers: [server] });
    const refused = assert.rejects(made.start(), isStateError);
    await made.stop();
    await refused;
    // Past the opening, while it waits for a server that is not there.
    const waits = await engine({ servers: [server] });
    const waiting = waits.start();
    await waits.publish({ service: 'apns', token }).catch(() => undefined);
    while (waits.figures().routers.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await waits.stop();
    await within(
      'start ends',
      waiting.catch(() => undefined),
      1_000,
    );
  });

  it('what is in flight when the engine stops has an outcome', async (t) => {
    const { engine, gateways } = await setup(t);
    const made = await engine();
    await made.start();
    gateways.script('apns', { kind: 'all', behaviour: { kind: 'stall', answerAfterMs: 0 } });
    const outcomes = Promise.all(Array.from({ length: 50 }, () => made.publish({ service: 'apns', token })));
    await made.stop(300);
    const kinds = new Set((await within('outcomes', outcomes, 5_000)).map(({ kind }) => kind));
    // Unsent because the first stream of a connection has stalled: its time has passed, and nobody has it.
    kinds.delete('expired');
    assert.deepEqual([...kinds], ['unavailable']);
    assert.equal(made.figures().embedded, 0);
  });

  it('a configuration with mistakes is refused with all of them', async () => {
    const wrong: Record<string, unknown> = {
      engine: { iq_reply_ms: 1, data_dirs: 'x' },
      providers: [{ name: 'a', kind: 'apns' }],
    };
    await assert.rejects(createEngine(wrong), (error: unknown) => {
      assert.ok(error instanceof EngineError);
      assert.equal(error.code, 'E_CONFIG_INVALID');
      assert.ok(error.issues.length >= 3, error.issues.join('\n'));
      assert.ok(error.issues.some((issue) => issue.includes('iq_reply_ms')));
      assert.ok(error.issues.some((issue) => issue.includes('data_dirs')));
      return true;
    });
  });

  it('two engines live in one process, and one that stops does not disturb the other', async (t) => {
    const { engine } = await setup(t);
    const [one, other] = [await engine(), await engine()];
    await Promise.all([one.start(), other.start()]);
    const both = await Promise.all([one, other].map((each) => each.publish({ service: 'apns', token })));
    assert.deepEqual(
      both.map(({ kind }) => kind),
      ['accepted', 'accepted'],
    );
    const during = Promise.all(Array.from({ length: 100 }, () => other.publish({ service: 'apns', token })));
    await one.stop();
    for (const outcome of await during) assert.equal(outcome.kind, 'accepted');
    assert.equal((await other.publish({ service: 'apns', token })).kind, 'accepted');
  });

  it('a program that has stopped its engine ends by itself', async () => {
    const program = fileURLToPath(new URL('embedding-program.js', import.meta.url));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], { timeout: 20_000 });
    assert.match(stdout, /^accepted (unavailable|expired)\n$/);
    assert.equal(stderr, '');
  });
});

/** An engine between a stream without a socket and a gateway that notes what it gets, with one user registered. */
async function pluggedIn(t: TestContext, plugins: readonly Plugin[]) {
  const sent: Notification[] = [];
  let made: WireStream | undefined;
  const engine = await createEngine(
    {
      engine: { secret_key: 'sixteen bytes or more' },
      servers: [{ name: 's', host: '127.0.0.1', port: 5347, domain: 'push.example.net', secret: 'x' }],
      registrations: { store: 'memory', shards: 2 },
      notifications: { content: 'full' },
      providers: [{ name: 'noting', kind: 'blackhole', services: ['apns'] }],
    },
    {
      plugins,
      streams: (_server, owner) => [(made = new WireStream(owner, 262_144))],
      providers: {
        create: (_config, { settle }) => ({
          publish: (notification, _authorization, _deadlineMs, tag) => {
            sent.push(notification);
            settle(tag, accepted(''));
          },
          drain: async () => undefined,
        }),
        credentials: () => undefined,
      },
    },
  );
  await engine.start();
  t.after(() => engine.stop());
  assert.ok(made !== undefined);
  const stream = made;
  stream.keepAnswers = true;
  const random = seededRandom(1);
  const traffic = new Traffic({ profile: 'ejabberd', domain: 'example.com', component: 'push.example.net', random });
  await stream.feed([Buffer.from(traffic.register('r', 0))], 1);
  const target = registeredTarget(stream.answers[0] ?? '');
  assert.ok(target !== null, stream.answers[0]);
  traffic.use([target]);
  return {
    engine,
    sent,
    target,
    /** The answer to one publish. */
    publish: async (): Promise<string> => {
      await stream.feed([Buffer.from(traffic.publish('p'))], 1);
      return stream.answers.at(-1) ?? '';
    },
  };
}

describe('plugins', () => {
  it('skip answers result and sends nothing', async (t) => {
    const { publish, sent } = await pluggedIn(t, [{ name: 'quiet', rewriteNotification: () => 'skip' }]);
    assert.match(await publish(), /^<iq type='result'/);
    assert.deepEqual(sent, []);
  });

  it('a changed notification is the one that is sent, and the next plugin sees it', async (t) => {
    const seen: string[] = [];
    const { publish, sent, target } = await pluggedIn(t, [
      { name: 'title', rewriteNotification: (_event, notification) => ({ ...notification, title: 'Changed' }) },
      {
        name: 'reader',
        rewriteNotification: ({ from, registration }, notification) => {
          seen.push(`${from} ${registration.node} ${notification.title}`);
          return notification;
        },
      },
    ]);
    assert.match(await publish(), /^<iq type='result'/);
    assert.deepEqual(
      sent.map(({ title }) => title),
      ['Changed'],
    );
    assert.deepEqual(seen, [`example.com ${target.node} Changed`]);
  });

  it('one that throws is counted and costs the push nothing', async (t) => {
    const thrower: Plugin = {
      name: 'thrower',
      rewriteNotification() {
        throw new Error('no');
      },
    };
    const { engine, publish, sent } = await pluggedIn(t, [thrower]);
    assert.match(await publish(), /^<iq type='result'/);
    assert.equal(sent.length, 1);
    assert.deepEqual(engine.figures().pluginThrows, { thrower: 1 });
  });

  it('what is no plugin, and a name used twice, are refused when the engine is made', async () => {
    const isInvalid = (error: unknown): boolean => error instanceof EngineError && error.code === 'E_PLUGIN_INVALID';
    const providers = [{ name: 'p', kind: 'blackhole', services: ['apns'] }] as const;
    const config: EngineConfigInput = { providers: [...providers] };
    await assert.rejects(createEngine(config, { plugins: [{ name: '' }] }), isInvalid);
    await assert.rejects(createEngine(config, { plugins: [{ name: 'a' }, { name: 'a' }] }), isInvalid);
  });
});
