import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError } from '../../../src/core/errors.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { accepted } from '../../../src/core/outcome.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { PublishingThread } from '../../../workers/publishing-thread.ts';
import { providerName, sampleNotification } from '../../conformance/provider.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import { unpackOutcome } from '../../../src/publish/notification-pack.ts';
import type { ProviderConfig } from '../../../config/engine-config.ts';
import type { Provider, ProviderContext } from '../../../src/provider/provider.ts';
import type { BatchReceipt, Settled } from '../../../src/publish/wire.ts';

const name = providerName('hole');
const config: ProviderConfig = {
  kind: 'blackhole',
  name,
  apps: [],
  tags: [],
  mode: 'prod',
  creditMax: 10,
  requestMs: 5_000,
  services: ['apns'],
  stallShare: 0,
  stallMs: 0,
};

/** Keeps the tags until the test settles them. */
function setup(behaviour: Partial<Provider> = {}) {
  const clock = new VirtualClock();
  const posted: Settled[] = [];
  const receipts: BatchReceipt[] = [];
  const tags: number[] = [];
  const contexts: ProviderContext[] = [];
  const thread = new PublishingThread({
    providers: [config],
    clock,
    random: seededRandom(1),
    create: (_config, context) => {
      contexts.push(context);
      return { publish: (_n, _a, _d, tag) => void tags.push(tag), drain: () => Promise.resolve(), ...behaviour };
    },
    post: (settled) => posted.push(settled),
  });
  const publish = (batchId: number, count: number, provider = name): void => {
    const notifications = Array.from({ length: count }, () => sampleNotification());
    const batch = {
      batchId,
      provider,
      revision: 0,
      authorization: '',
      deadlineMs: epochMs(clock.now() + 1_000),
      notifications,
    };
    void thread.publish(batch).then((receipt) => receipts.push(receipt));
  };
  const settle = (tag: number | undefined): void => contexts[0]?.settle(tag ?? -1, accepted('x'));
  return { clock, thread, posted, receipts, tags, contexts, publish, settle };
}

test('publishing thread: outcomes of one turn go back in one message, before the batch is complete', async () => {
  const { clock, posted, receipts, tags, publish, settle } = setup();
  publish(1, 3);
  publish(2, 1);
  settle(tags[2]);
  settle(tags[3]);
  await clock.settle();
  assert.deepEqual(posted, [{ kind: 'settled', batchIds: [1, 2], indexes: [2, 0], outcomes: ['x', 'x'] }]);
  assert.deepEqual(receipts, [{ batchId: 2, settled: 1 }]);
  settle(tags[0]);
  settle(tags[1]);
  await clock.settle();
  assert.deepEqual(receipts[1], { batchId: 1, settled: 3 });
});

test('publishing thread: slots are used again and never confuse batches', async () => {
  const { clock, posted, tags, publish, settle } = setup();
  for (let batch = 0; batch < 50; batch++) {
    publish(batch, 4);
    for (const tag of tags.splice(0)) settle(tag);
    await clock.settle();
  }
  assert.deepEqual(
    posted.flatMap((message) => message.batchIds),
    Array.from({ length: 200 }, (_, at) => at >> 2),
  );
  assert.ok(posted.every((message) => new Set(message.indexes).size === 4));
});

test('publishing thread: a provider is built once, for its first batch', () => {
  const { contexts, publish } = setup();
  assert.equal(contexts.length, 0);
  publish(1, 1);
  publish(2, 1);
  assert.equal(contexts.length, 1);
});

test('publishing thread: a second settle for the same notification changes nothing', async () => {
  const { clock, posted, tags, publish, settle } = setup();
  publish(1, 1);
  settle(tags[0]);
  settle(tags[0]);
  await clock.settle();
  assert.equal(posted[0]?.outcomes.length, 1);
});

test('publishing thread: an unknown provider settles its batch as unavailable', async () => {
  const { clock, posted, receipts, publish } = setup();
  publish(1, 2, providerName('stranger'));
  await clock.settle();
  assert.deepEqual(
    posted[0]?.outcomes.map((outcome) => unpackOutcome(outcome).kind),
    ['unavailable', 'unavailable'],
  );
  assert.equal(receipts.length, 1);
});

test('publishing thread: a provider that throws costs its notification, not the thread', async () => {
  const { clock, posted, publish } = setup({
    publish: () => {
      throw new Error('broken');
    },
  });
  publish(1, 2);
  await clock.settle();
  assert.deepEqual(
    posted[0]?.outcomes.map((outcome) => unpackOutcome(outcome).kind),
    ['unavailable', 'unavailable'],
  );
});

test('publishing thread: a provider that cannot be built says why', async () => {
  const clock = new VirtualClock();
  const posted: Settled[] = [];
  const thread = new PublishingThread({
    providers: [config],
    clock,
    random: seededRandom(1),
    create: () => {
      throw new EngineError('E_CONFIG_UNREADABLE', 'no such file');
    },
    post: (settled) => posted.push(settled),
  });
  const deadlineMs = epochMs(clock.now() + 1_000);
  void thread.publish({
    batchId: 1,
    provider: name,
    revision: 0,
    authorization: '',
    deadlineMs,
    notifications: [sampleNotification()],
  });
  await clock.settle();
  const outcome = unpackOutcome(posted[0]?.outcomes[0] ?? '');
  assert.ok(outcome?.kind === 'unavailable' && outcome.reason === 'E_CONFIG_UNREADABLE');
});

test('publishing thread: after drain batches are answered draining', async () => {
  const { clock, thread, posted, publish } = setup();
  publish(1, 1);
  await thread.drain(10);
  publish(2, 1);
  await clock.settle();
  const outcome = unpackOutcome(posted.at(-1)?.outcomes[0] ?? '');
  assert.ok(outcome?.kind === 'unavailable' && outcome.reason === 'draining');
});
