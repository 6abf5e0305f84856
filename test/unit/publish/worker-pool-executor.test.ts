/** The pool of publishing threads, as far as it can be seen without a gateway; the rest is in test/integration. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../../src/core/clock.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { silentLogger } from '../../../src/core/log.ts';
import { WorkerPoolExecutor } from '../../../src/publish/worker-pool-executor.ts';
import { providerName, sampleNotification } from '../../conformance/provider.ts';
import { within } from '../../peers/deadline.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import type { BlackholeConfig } from '../../../config/engine-config.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { BatchReceipt } from '../../../src/publish/wire.ts';

function setup(stallShare: number) {
  const provider = providerName('trial');
  const config: BlackholeConfig = {
    kind: 'blackhole',
    name: provider,
    apps: [],
    tags: [],
    mode: 'prod',
    creditMax: 1_000,
    requestMs: 10_000,
    services: ['apns'],
    stallShare,
    stallMs: 60_000,
  };
  const lines: string[] = [];
  const logger = { ...silentLogger, error: (_fields: unknown, message: string) => lines.push(message) };
  const pool = new WorkerPoolExecutor({ threads: 1, heapMbMax: 24, providers: [config], clock: systemClock, logger });
  const outcomes: string[] = [];
  const settled = (batchId: number, index: number, outcome: Outcome): void => {
    const reached = outcome.kind === 'unavailable' ? ` ${outcome.reached}` : '';
    outcomes.push(`${batchId}.${index} ${outcome.kind}${reached}`);
  };
  const execute = (batchId: number, count: number, body = 'Hello'): Promise<BatchReceipt> => {
    const notifications = Array.from({ length: count }, () => sampleNotification({ body }));
    const deadlineMs = epochMs(systemClock.now() + 30_000);
    return pool.execute({ batchId, provider, revision: 0, authorization: '', deadlineMs, notifications }, { settled });
  };
  return { pool, outcomes, lines, execute };
}

describe('worker pool', () => {
  it('drains at once when it has sent nothing, though its threads are still starting', async () => {
    // The budget never ends on this clock: whoever waits for it waits for ever.
    const clock = new VirtualClock();
    const pool = new WorkerPoolExecutor({ threads: 2, heapMbMax: 128, providers: [], clock, logger: silentLogger });
    await within('the pool drains', pool.drain(60_000), 10_000);
  });

  it('a thread that dies settles all that it held, each once, and another takes its place', async () => {
    const { pool, outcomes, lines, execute } = setup(0);
    assert.deepEqual(await within('the first batch', execute(1, 2), 10_000), { batchId: 1, settled: 2 });
    // More text than the heap of the thread may hold.
    const fatal = execute(2, 30, 'x'.repeat(4_000_000));
    assert.deepEqual(await within('the fatal batch', fatal, 20_000), { batchId: 2, settled: 30 });
    const held = outcomes.slice(2);
    assert.deepEqual(
      held,
      Array.from({ length: 30 }, (_, index) => `2.${index} unavailable unknown`),
    );
    assert.ok(lines.includes('a publishing thread died with notifications in flight'));
    assert.deepEqual(await within('the batch after', execute(3, 1), 20_000), { batchId: 3, settled: 1 });
    assert.equal(outcomes.at(-1), '3.0 accepted');
    await pool.drain(2_000);
  });

  it('what has no answer when the pool drains is settled, and what comes after is refused', async () => {
    const { pool, outcomes, execute } = setup(1);
    const stalled = execute(1, 2);
    await within('the pool drains', pool.drain(100), 10_000);
    assert.deepEqual(await stalled, { batchId: 1, settled: 2 });
    assert.deepEqual(await execute(2, 1), { batchId: 2, settled: 1 });
    assert.equal(outcomes.length, 3);
    assert.ok(outcomes.every((outcome) => outcome.includes('unavailable')));
    assert.equal(outcomes[2], '2.0 unavailable no');
  });
});
