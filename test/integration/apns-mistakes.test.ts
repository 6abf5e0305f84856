/** The engine against a fake APNs: all that Apple distinguishes, and mistakes of a configuration that it shows. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import { ApnsGateway } from '../../src/fake/apns-gateway.ts';
import { makeApnsKey } from '../../src/fake/apns-token.ts';
import { makeAuthority } from '../../src/fake/certificates.ts';
import { createEngine } from '../../src/index.ts';
import { pushTypeRules } from '../../src/provider/apns-push-types.ts';
import { writeTrusted } from '../conformance/trusted-file.ts';
import type { TestContext } from 'node:test';
import type { Engine, PublishRequest } from '../../src/index.ts';

const app = 'com.example.app';
const deadline = { timeout: 30_000 };

interface World {
  readonly engine: Engine;
  readonly gateway: ApnsGateway;
  readonly errors: Readonly<Record<string, unknown>>[];
}

async function setup(t: TestContext, auth: 'token' | 'certificate'): Promise<World> {
  const authority = await makeAuthority(systemClock);
  const key = await makeApnsKey({ keyId: 'ABC123DEFG', teamId: 'TEAM123456' });
  const client = await authority.client({ topic: app, topics: [`${app}.voip`] });
  const gateway = new ApnsGateway({
    clock: systemClock,
    random: seededRandom(5),
    tls: await authority.server(),
    keys: [key],
    ...(auth === 'certificate' ? { clientCaPem: authority.caPem } : {}),
  });
  const { port } = await gateway.start();
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-apns-'));
  const credential =
    auth === 'token'
      ? { key: key.keyPem, key_id: key.keyId, team_id: key.teamId, topic: app }
      : { certificate: client.certPem, certificate_key: client.keyPem };
  const place = { host: 'localhost', port, ca_file: await writeTrusted(t, authority.caPem) };
  const errors: Readonly<Record<string, unknown>>[] = [];
  const engine = await createEngine(
    {
      engine: { data_dir: dataDir },
      workers: { threads: 0 },
      servers: [],
      registrations: { shards: 1, map_bytes: 16_777_216 },
      providers: [{ name: 'apple', kind: 'apns', mode: 'dev', ...place, ...credential }],
    },
    { logger: { ...silentLogger, error: (fields, message) => void errors.push({ ...fields, message }) } },
  );
  // In this order: a gateway that goes first would be connected to again.
  t.after(async () => {
    await engine.stop();
    await gateway.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  await engine.start();
  return { engine, gateway, errors };
}

function requestOf(index: number, more: Partial<PublishRequest> = {}): PublishRequest {
  return { service: 'apns', token: index.toString(16).padStart(64, '0'), body: 'Hello', ...more };
}

test('3.3 Apple accepts every push type as it is sent with a token', deadline, async (t) => {
  const { engine, gateway } = await setup(t, 'token');
  const pushTypes = Object.values(pushTypeRules).map(({ pushType }) => pushType);
  for (const priority of ['high', 'normal', 'low'] as const) {
    const outcomes = await engine.publishMany(pushTypes.map((pushType, at) => requestOf(at, { pushType, priority })));
    assert.deepEqual([...new Set(outcomes.map(({ kind }) => kind))], ['accepted']);
  }
  const topics = gateway.received.items.map(({ fields }) => fields['apns-topic'] ?? '');
  for (const { suffix } of Object.values(pushTypeRules)) assert.ok(topics.includes(`${app}${suffix}`), suffix);
});

test(
  '1.10 3.5 with a certificate the topics are its own, and what needs a token is refused here',
  deadline,
  async (t) => {
    const { engine, gateway } = await setup(t, 'certificate');
    const [alert, call, activity] = await engine.publishMany([
      requestOf(1),
      requestOf(2, { kind: 'call' }),
      requestOf(3, { pushType: 'liveactivity' }),
    ]);
    assert.deepEqual([alert?.kind, call?.kind], ['accepted', 'accepted']);
    assert.deepEqual(activity, { kind: 'rejected', reason: 'PushTypeNeedsToken' });
    const topics = gateway.received.items.map(({ fields }) => fields['apns-topic']);
    assert.deepEqual(new Set(topics), new Set([app, `${app}.voip`]));
    assert.ok(gateway.received.items.every(({ fields }) => fields['authorization'] === undefined));
  },
);

test('3.7 tokens of the other environment are told once, and rejected each', deadline, async (t) => {
  const { engine, gateway, errors } = await setup(t, 'token');
  gateway.script({ kind: 'all', behaviour: { kind: 'reject', status: 400, reason: 'BadDeviceToken' } });
  const outcomes = await engine.publishMany(Array.from({ length: 60 }, (_, index) => requestOf(index)));
  for (const outcome of outcomes) assert.deepEqual(outcome, { kind: 'rejected', reason: 'BadDeviceToken' });
  assert.equal(errors.length, 1);
  const [{ message, ...fields } = {}] = errors;
  assert.match(String(message), /of the other environment/);
  assert.deepEqual(fields, { provider: 'apple', mode: 'dev', reason: 'BadDeviceToken', inARow: 20, accepted: 0 });
});
