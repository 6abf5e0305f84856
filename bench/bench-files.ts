// Thread: main
/** The list of benchmarks, in the order they run. A new `*.bench.ts` is added here and to baseline.json. */
import { calibration } from './harness.ts';
import type { BenchFile } from './harness.ts';

export const benchFiles: readonly BenchFile[] = [calibration];
