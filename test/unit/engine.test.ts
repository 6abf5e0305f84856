import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createEngine } from '../../src/index.ts';
import type { Engine, EngineOptions } from '../../src/index.ts';

const deadline = { timeout: 20_000 };
const request = { service: 'fcm', token: 'a-token-of-a-phone-0123456789', body: 'Hello' } as const;

async function setup(t: TestContext, options: EngineOptions & { readonly withServer?: boolean } = {}) {
  const { withServer = false, ...rest } = options;
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-engine-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const engine = await createEngine(
    {
      engine: { data_dir: dataDir },
      // Nobody listens on port 1.
      servers: withServer ? [{ name: 'away', port: 1, domain: 'push.example.net', secret: 's' }] : [],
      registrations: { shards: 2, map_bytes: 16_777_216 },
      providers: [{ name: 'trial', kind: 'blackhole' }],
    },
    rest,
  );
  return { engine, dataDir };
}

async function assertStopped(engine: Engine): Promise<void> {
  await assert.rejects(engine.publish(request), { code: 'E_ENGINE_STATE' });
  await assert.rejects(engine.start(), { code: 'E_ENGINE_STATE' });
}

test('without an XMPP server the engine is a push library', deadline, async (t) => {
  const { engine } = await setup(t);
  await assert.rejects(engine.publish(request), { code: 'E_ENGINE_STATE' });
  await engine.start();
  assert.equal((await engine.publish(request)).kind, 'accepted');
  await engine.stop();
  await assertStopped(engine);
});

test('stop before start leaves nothing to start', deadline, async (t) => {
  const { engine, dataDir } = await setup(t);
  await engine.stop();
  await assertStopped(engine);
  assert.equal(existsSync(join(dataDir, 'registrations')), false);
});

test('stop during start ends what start has opened, and start says so', deadline, async (t) => {
  const { engine, dataDir } = await setup(t);
  const started = engine.start();
  const stopped = engine.stop();
  await assert.rejects(started, { code: 'E_ENGINE_STATE', message: 'stop() was called during start()' });
  await stopped;
  await assertStopped(engine);
  const again = await createEngine({
    engine: { data_dir: dataDir },
    registrations: { shards: 2 },
    servers: [],
    providers: [{ name: 'trial', kind: 'blackhole' }],
  });
  await again.start();
  await again.stop();
});

test('stop while start waits for a server that is away ends that wait at once', deadline, async (t) => {
  const { engine } = await setup(t, { withServer: true });
  const started = engine.start();
  // Running means that only the wait for the first stream is left.
  while (
    await engine.publish(request).then(
      () => false,
      () => true,
    )
  )
    await new Promise((resolve) => setImmediate(resolve));
  const sinceMs = performance.now();
  await engine.stop();
  await started;
  assert.ok(performance.now() - sinceMs < 8_000, 'not the ten seconds that a server has');
});

test('every call of stop waits for the one end', deadline, async (t) => {
  const { engine } = await setup(t);
  await engine.start();
  const first = engine.stop();
  await Promise.all([first, engine.stop(), engine.stop(0)]);
  assert.equal(engine.stop(), first);
});

test('what is wrong with configuration or plugins rejects', async () => {
  const providers = [{ name: 'trial', kind: 'blackhole' } as const];
  await assert.rejects(createEngine({ providers, registrations: { shards: 3 } }), { code: 'E_CONFIG_INVALID' });
  const plugin: unknown = { name: 'no function', shouldPublish: 1 };
  await assert.rejects(async () => Reflect.apply(createEngine, undefined, [{ providers }, { plugins: [plugin] }]), {
    code: 'E_PLUGIN_INVALID',
  });
});
