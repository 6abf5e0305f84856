// Thread: main
/** The list of benchmarks, in the order they run. A new `*.bench.ts` is added here and to baseline.json. */
import { coreBench } from './core.bench.ts';
import { crossingBench } from './crossing.bench.ts';
import { deliveryBench } from './delivery.bench.ts';
import { eventsBench } from './events.bench.ts';
import { gatewayBench } from './gateway.bench.ts';
import { calibration } from './harness.ts';
import { mailboxBench } from './mailbox.bench.ts';
import { parseBench } from './parse.bench.ts';
import { registrationBench } from './registration.bench.ts';
import { renderBench } from './render.bench.ts';
import { stallsBench } from './stalls.bench.ts';
import { wireBench } from './wire.bench.ts';
import type { BenchFile } from './harness.ts';

export const benchFiles: readonly BenchFile[] = [
  calibration,
  mailboxBench,
  parseBench,
  registrationBench,
  crossingBench,
  renderBench,
  coreBench,
  eventsBench,
  wireBench,
  deliveryBench,
  gatewayBench,
  stallsBench,
];
