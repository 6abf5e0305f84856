import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epochMs, parseProviderName } from '../../../src/core/ids.ts';
import { accepted } from '../../../src/core/outcome.ts';
import { InlineExecutor } from '../../../src/publish/inline-executor.ts';
import { sampleNotification } from '../../conformance/provider.ts';
import type { BlackholeConfig } from '../../../config/engine-config.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { Provider, Settle } from '../../../src/provider/provider.ts';
import type { PublishBatch } from '../../../src/publish/wire.ts';

const name = parseProviderName('inline');
assert.ok(name.ok);
const provider = name.value;
const config: BlackholeConfig = {
  ...{ kind: 'blackhole', name: provider, apps: [], tags: [], mode: 'prod', creditMax: 10, requestMs: 5_000 },
  ...{ services: ['apns'], stallShare: 0, stallMs: 0 },
};

function setup(make: (settle: Settle) => Provider) {
  const outcomes: string[] = [];
  const executor = new InlineExecutor([config], (_config, settle) => make(settle));
  let batchId = 0;
  const execute = (count: number) => {
    const notifications = Array.from({ length: count }, () => sampleNotification());
    const batch: PublishBatch = {
      batchId: ++batchId,
      provider,
      revision: 0,
      authorization: '',
      deadlineMs: epochMs(9),
      notifications,
    };
    const settled = (_batch: number, index: number, outcome: Outcome): void => {
      outcomes.push(`${index} ${outcome.kind}`);
    };
    return executor.execute(batch, { settled });
  };
  return { executor, execute, outcomes };
}

const drain = (): Promise<void> => Promise.resolve();

test('each notification is settled once, also when the provider settles twice', async () => {
  const world = setup((settle) => ({
    publish(_notification, _authorization, _deadlineMs, tag) {
      settle(tag, accepted('id'));
      settle(tag, accepted('again'));
    },
    drain,
  }));
  assert.deepEqual(await world.execute(2), { batchId: 1, settled: 2 });
  assert.deepEqual(world.outcomes, ['0 accepted', '1 accepted']);
});

test('a provider that throws costs its own notification, and nothing is left waiting', async () => {
  let calls = 0;
  const world = setup((settle) => ({
    publish(_notification, _authorization, _deadlineMs, tag) {
      if (++calls === 2) throw new Error('a defect');
      settle(tag, accepted('id'));
    },
    drain,
  }));
  assert.deepEqual(await world.execute(3), { batchId: 1, settled: 3 });
  assert.deepEqual(world.outcomes, ['0 accepted', '1 unavailable', '2 accepted']);
});

test('draining settles what no answer came for, and refuses what comes after', async () => {
  const world = setup(() => ({ publish: () => undefined, drain }));
  const first = world.execute(2);
  await world.executor.drain(1);
  assert.equal((await first).settled, 2);
  await world.execute(1);
  assert.deepEqual(world.outcomes, ['0 unavailable', '1 unavailable', '0 unavailable']);
});
