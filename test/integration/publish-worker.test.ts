/** The real worker under the real Piscina: a batch over, outcomes streamed back, drain by BroadcastChannel. */
import assert from 'node:assert/strict';
import { BroadcastChannel } from 'node:worker_threads';
import { test } from 'node:test';
import { Piscina } from 'piscina';
import { systemClock } from '../../src/core/clock.ts';
import { epochMs } from '../../src/core/ids.ts';
import { seededRandom } from '../../src/core/random.ts';
import { ApnsGateway } from '../../src/fake/apns-gateway.ts';
import { makeApnsKey } from '../../src/fake/apns-token.ts';
import { makeAuthority } from '../../src/fake/certificates.ts';
import { createApnsCredentials } from '../../src/provider/apns-jwt.ts';
import { withoutSigningKeys } from '../../src/provider/provider-kinds.ts';
import { Watch } from '../conformance/http2-peer.ts';
import { sampleNotification } from '../conformance/provider.ts';
import { writeTrusted } from '../conformance/trusted-file.ts';
import { apnsConfig } from '../provider-configs.ts';
import type { TestContext } from 'node:test';
import type { ProviderConfig } from '../../config/engine-config.ts';
import { packNotification, unpackOutcome } from '../../src/publish/notification-pack.ts';
import type { BatchReceipt, PackedBatch, PublishingThreadData, Settled } from '../../src/publish/wire.ts';

async function setup(t: TestContext) {
  const authority = await makeAuthority(systemClock);
  const key = await makeApnsKey({ keyId: 'ABC123DEFG', teamId: 'TEAM123456' });
  const tls = await authority.server();
  const random = seededRandom(5);
  const gateway = new ApnsGateway({ clock: systemClock, random, tls, keys: [key], environment: 'production' });
  const { port } = await gateway.start();
  const provider = apnsConfig.name;
  const config: ProviderConfig = withoutSigningKeys({
    ...apnsConfig,
    port,
    caFile: await writeTrusted(t, authority.caPem),
    sessionsMax: 1,
    auth: { kind: 'token', keyPem: key.keyPem, keyId: key.keyId, teamId: key.teamId },
  });
  const data: PublishingThreadData = { providers: [config], controlChannel: `meerkat-test-${provider}-${port}` };
  const pool = new Piscina<PackedBatch, BatchReceipt>({
    filename: new URL('../../workers/publish.js', import.meta.url).href,
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: 64,
    atomics: 'disabled',
    workerData: data,
  });
  t.after(async () => {
    await pool.destroy();
    await gateway.stop();
  });
  const watch = new Watch();
  const messages: Settled[] = [];
  pool.on('message', (message: Settled) => {
    messages.push(message);
    watch.changed();
  });
  const minted = await createApnsCredentials(key).mint(systemClock.now());
  assert.ok(minted.ok);
  const { authorization } = minted.value;
  const run = (batchId: number, count: number): Promise<BatchReceipt> => {
    const notifications = Array.from({ length: count }, () => sampleNotification());
    const deadlineMs = epochMs(Date.now() + 10_000);
    const packed = notifications.map(packNotification);
    return pool.run(
      { batchId, provider, revision: 0, authorization, deadlineMs, notifications: packed },
      { name: 'publish' },
    );
  };
  const settled = (count: number): Promise<void> =>
    watch.until(`${count} outcomes`, () => messages.reduce((sum, one) => sum + one.outcomes.length, 0) >= count);
  return { gateway, messages, run, settled, config, controlChannel: data.controlChannel };
}

test(
  'publish worker: batches are accepted by the gateway and their outcomes streamed',
  { timeout: 20_000 },
  async (t) => {
    const { gateway, messages, run, settled } = await setup(t);
    const receipts = await Promise.all([run(1, 32), run(2, 32), run(3, 1)]);
    assert.deepEqual(receipts, [
      { batchId: 1, settled: 32 },
      { batchId: 2, settled: 32 },
      { batchId: 3, settled: 1 },
    ]);
    await settled(65);
    assert.ok(
      messages.flatMap((message) => message.outcomes).every((outcome) => unpackOutcome(outcome).kind === 'accepted'),
    );
    assert.equal(gateway.accepted, 65);
    assert.equal(gateway.connectionsTotal, 1);
  },
);

test(
  'publish worker: one stalled notification holds back its batch and no other outcome',
  { timeout: 20_000 },
  async (t) => {
    const { gateway, messages, run, settled } = await setup(t);
    await run(1, 1);
    gateway.script({ kind: 'next', count: 1, behaviour: { kind: 'stall', answerAfterMs: 300 } });
    const stalled = run(2, 4);
    await settled(4);
    assert.ok(!messages.some((message) => message.batchIds.includes(2) && message.indexes.includes(0)));
    assert.deepEqual(await stalled, { batchId: 2, settled: 4 });
  },
);

test('publish worker: drain is asked for and answered on the control channel', { timeout: 20_000 }, async (t) => {
  const { gateway, run, controlChannel } = await setup(t);
  await run(1, 1);
  const channel = new BroadcastChannel(controlChannel);
  t.after(() => channel.close());
  const answered = new Promise<unknown>((resolve) => {
    channel.onmessage = (event: unknown) => resolve((event as { data: unknown }).data);
  });
  channel.postMessage({ kind: 'drain', budgetMs: 2_000 });
  assert.deepEqual(await answered, { kind: 'drained' });
  assert.equal(gateway.connections, 0);
});

test('publish worker: no signing key reaches it', async (t) => {
  const { config } = await setup(t);
  assert.doesNotMatch(JSON.stringify(config), /PRIVATE KEY/);
});
