// Thread: main
/** The whole engine against a gateway in another process: wire text, APNs over TLS HTTP/2, reply text. */
import { sustain } from './engine-bench.ts';
import { startGatewayEngine } from './gateway-engine.ts';
import { rowOf } from './harness.ts';
import type { BenchFile, Mode, Result } from './harness.ts';

async function run(mode: Mode): Promise<readonly Result[]> {
  const bench = await startGatewayEngine(mode === 'smoke' ? 20 : 2_000);
  const { answers, elapsedMs, cpuMicros } = await sustain(bench, {
    window: mode === 'smoke' ? 64 : 1_024,
    warmupMs: mode === 'smoke' ? 100 : 2_000,
    measureMs: mode === 'smoke' ? 200 : 4_000,
  });
  const { answering } = await bench.gateways.counts();
  await bench.stop();
  if (answers === 0 || answering.accepted < answers) {
    throw new Error(`${answers} answers, but the gateway has seen ${answering.accepted} requests`);
  }
  return [rowOf('gateway', 'gateway: wire text to APNs over TLS to reply text', answers, elapsedMs, cpuMicros)];
}

export const gatewayBench: BenchFile = { name: 'gateway', run };
