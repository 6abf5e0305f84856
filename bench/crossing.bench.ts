// Thread: main
/**
 * What the thread boundary costs: a batch to a publishing thread, its outcomes streamed back. The provider accepts at
 * once.
 */
import { systemClock } from '../src/core/clock.ts';
import { epochMs, parseProviderName } from '../src/core/ids.ts';
import { silentLogger } from '../src/core/log.ts';
import { WorkerPoolExecutor } from '../src/publish/worker-pool-executor.ts';
import { benchNotifications } from './bench-notifications.ts';
import { measure } from './harness.ts';
import type { BenchFile, Mode, Result, Task } from './harness.ts';
import type { BlackholeConfig } from '../config/engine-config.ts';
import type { BatchReceipt } from '../src/publish/wire.ts';

async function run(mode: Mode): Promise<readonly Result[]> {
  const name = parseProviderName('bench');
  if (!name.ok) throw new Error(name.error);
  const blackhole: BlackholeConfig = {
    kind: 'blackhole',
    name: name.value,
    apps: [],
    tags: [],
    mode: 'prod',
    creditMax: 2_048,
    requestMs: 10_000,
    services: ['apns', 'fcm'],
    stallShare: 0,
    stallMs: 0,
  };
  const executor = new WorkerPoolExecutor({
    threads: 1,
    heapMbMax: 256,
    providers: [blackhole],
    clock: systemClock,
    logger: silentLogger,
  });
  let batchId = 0;
  const rounds = mode === 'smoke' ? 4 : 200;
  const task = (size: number): Task => {
    const notifications = benchNotifications('apns', size);
    return {
      name: `crossing: clone, batch ${size}`,
      operations: rounds * size,
      async run() {
        let accepted = 0;
        const settle = {
          settled: (_batchId: number, _index: number, outcome: { readonly kind: string }) => {
            if (outcome.kind === 'accepted') accepted++;
          },
        };
        const flights: Promise<BatchReceipt>[] = [];
        for (let round = 0; round < rounds; round++) {
          const deadlineMs = epochMs(systemClock.now() + 10_000);
          flights.push(
            executor.execute(
              { batchId: ++batchId, provider: name.value, revision: 0, authorization: '', deadlineMs, notifications },
              settle,
            ),
          );
        }
        await Promise.all(flights);
        if (accepted !== rounds * size) throw new Error(`${accepted} of ${rounds * size} were accepted`);
      },
    };
  };
  const results = await measure('crossing', mode, [task(1), task(8), task(32), task(128)]);
  await executor.drain(1_000);
  return results;
}

export const crossingBench: BenchFile = { name: 'crossing', run };
