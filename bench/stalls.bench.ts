// Thread: main
/** The same road with 1 % of the requests answered 2 s late: one slow answer must not hold up the others. */
import { sustain } from './engine-bench.ts';
import { startGatewayEngine } from './gateway-engine.ts';
import { ratioOf } from './harness.ts';
import { medianBy, middleRow, rateOf } from './sustained.ts';
import type { Load } from './engine-bench.ts';
import type { BenchFile, Mode, Result } from './harness.ts';
import type { Sustained } from './sustained.ts';

const stalledShare = 0.01;
const stalledMs = 2_000;

interface Parameters extends Load {
  readonly rounds: number;
  readonly users: number;
}

const parameters: Readonly<Record<Mode, Parameters>> = {
  smoke: { rounds: 1, users: 20, window: 256, warmupMs: 100, measureMs: 300 },
  // The warm-up is longer than a stall: then as many end as begin.
  real: { rounds: 3, users: 2_000, window: 2_048, warmupMs: 3_000, measureMs: 3_000 },
};

async function run(mode: Mode): Promise<readonly Result[]> {
  const given = parameters[mode];
  const bench = await startGatewayEngine(given.users);
  const unstalled: Sustained[] = [];
  const stalled: Sustained[] = [];
  for (let round = 0; round < given.rounds; round++) {
    await bench.gateway.stall(0, 0);
    unstalled.push(await sustain(bench, given));
    await bench.gateway.stall(stalledShare, stalledMs);
    stalled.push(await sustain(bench, given));
  }
  await bench.stop();
  return [
    middleRow('stalls', 'stalls: none', unstalled),
    middleRow('stalls', 'stalls: 1 % answered 2 s late', stalled),
    ratioOf('stalls/unstalled', medianBy(stalled, rateOf) / medianBy(unstalled, rateOf), 0.8),
  ];
}

export const stallsBench: BenchFile = { name: 'stalls', run };
