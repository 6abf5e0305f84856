/** The pool of publishing threads, as far as it can be seen without a gateway; the rest is in test/integration. */
import { describe, it } from 'node:test';
import { silentLogger } from '../../../src/core/log.ts';
import { WorkerPoolExecutor } from '../../../src/publish/worker-pool-executor.ts';
import { within } from '../../peers/deadline.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';

describe('worker pool', () => {
  it('drains at once when it has sent nothing, though its threads are still starting', async () => {
    // The budget never ends on this clock: whoever waits for it waits for ever.
    const clock = new VirtualClock();
    const pool = new WorkerPoolExecutor({ threads: 2, heapMbMax: 128, providers: [], clock, logger: silentLogger });
    await within('the pool drains', pool.drain(60_000), 10_000);
  });
});
