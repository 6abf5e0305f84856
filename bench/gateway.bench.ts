// Thread: main
/**
 * The whole engine against a gateway in another process: wire text, APNs over TLS HTTP/2, reply text; against what
 * `@parse/node-apn` sends to the same gateway in the same run, with no XMPP, no store and no routing at all.
 */
import { sustain } from './engine-bench.ts';
import { startGatewayEngine } from './gateway-engine.ts';
import { ratioOf } from './harness.ts';
import { sustainNodeApn } from './node-apn.ts';
import { medianBy, middleRow, rateOf } from './sustained.ts';
import type { Load } from './engine-bench.ts';
import type { GatewayEngine } from './gateway-engine.ts';
import type { BenchFile, Mode, Result } from './harness.ts';
import type { Sustained } from './sustained.ts';

interface Parameters extends Load {
  readonly rounds: number;
  readonly users: number;
}

const parameters: Readonly<Record<Mode, Parameters>> = {
  smoke: { rounds: 1, users: 20, window: 64, warmupMs: 0, measureMs: 200 },
  real: { rounds: 3, users: 2_000, window: 1_024, warmupMs: 1_500, measureMs: 3_000 },
};

async function run(mode: Mode): Promise<readonly Result[]> {
  const given = parameters[mode];
  const bench = await startGatewayEngine(given.users);
  const mine: Sustained[] = [];
  const theirs: Sustained[] = [];
  for (let round = 0; round < given.rounds; round++) {
    mine.push(await sustainEngine(bench, given));
    theirs.push(await sustainNodeApn(bench.gateway, given));
  }
  await bench.stop();
  return [
    middleRow('gateway', 'gateway: wire text to APNs over TLS to reply text', mine),
    middleRow('gateway', 'gateway: bare sends of @parse/node-apn', theirs),
    ratioOf('gateway-rate/node-apn', medianBy(mine, rateOf) / medianBy(theirs, rateOf), 1.5),
  ];
}

/** Throws unless the gateway has seen at least what was answered in the time that counts. */
async function sustainEngine(bench: GatewayEngine, given: Parameters): Promise<Sustained> {
  const seenBefore = await bench.gateway.requests();
  const measured = await sustain(bench, given);
  const seen = (await bench.gateway.requests()) - seenBefore;
  if (seen < measured.answers)
    throw new Error(`${measured.answers} answers, but the gateway has seen ${seen} requests`);
  return measured;
}

export const gatewayBench: BenchFile = { name: 'gateway', run };
