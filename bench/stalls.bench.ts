// Thread: main
/** The same road with 1 % of the requests answered 2 s late: one slow answer must not hold up the others. */
import { sustain } from './engine-bench.ts';
import { startGatewayEngine } from './gateway-engine.ts';
import { ratioOf, rowOf } from './harness.ts';
import { rateOf } from './sustained.ts';
import type { BenchFile, Mode, Result } from './harness.ts';

const stalledShare = 0.01;
const stalledMs = 2_000;

async function run(mode: Mode): Promise<readonly Result[]> {
  const bench = await startGatewayEngine(mode === 'smoke' ? 20 : 2_000);
  const load =
    mode === 'smoke'
      ? { window: 256, warmupMs: 100, measureMs: 300 }
      : { window: 2_048, warmupMs: 3_000, measureMs: 4_000 };
  const unstalled = await sustain(bench, load);
  await bench.gateway.stall(stalledShare, stalledMs);
  const stalled = await sustain(bench, load);
  await bench.stop();
  return [
    rowOf('stalls', 'stalls: none', unstalled.answers, unstalled.elapsedMs, unstalled.cpuMicros),
    rowOf('stalls', 'stalls: 1 % answered 2 s late', stalled.answers, stalled.elapsedMs, stalled.cpuMicros),
    ratioOf('stalls/unstalled', rateOf(stalled) / rateOf(unstalled), 0.8),
  ];
}

export const stallsBench: BenchFile = { name: 'stalls', run };
