// Thread: main
/**
 * `npm run bench:guard`: measures the numbers that matter and compares them with baseline.json. Rates are kept in
 * calibration units, so that a baseline means something on another machine; the best of three runs counts, of the unit
 * as well, because noise only ever slows down. Exits 1 when one is under 85 % of its baseline. `--set` writes a new
 * baseline, which is a commit of its own that says why.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { keepElementsYoung } from '../src/core/v8-flags.ts';
import { benchFiles } from './bench-files.ts';
import { coreBench } from './core.bench.ts';
import { deliveryBench } from './delivery.bench.ts';
import { eventsBench } from './events.bench.ts';
import { calibration, isRow } from './harness.ts';
import { parseBench } from './parse.bench.ts';
import { registrationBench } from './registration.bench.ts';
import { stallsBench } from './stalls.bench.ts';
import { wireBench } from './wire.bench.ts';
import type { BenchFile } from './harness.ts';

const guarded: readonly BenchFile[] = [
  parseBench,
  registrationBench,
  coreBench,
  eventsBench,
  wireBench,
  deliveryBench,
  stallsBench,
];
const runs = 3;
const leastShare = 0.85;
const baselinePath = 'bench/baseline.json';

const { values } = parseArgs({ options: { set: { type: 'boolean', default: false } } });

// Rates that only serve a ratio: the gateway's process, other clients, the bare parser or another bench have a say in
// them. And a ratio to a program that is not installed everywhere.
const unguarded = /^(?:stalls|wire|delivery): |^core: parse alone|^events: the core|^ratio wire-rate\/h2load/;

// As the `meerkat` command does.
keepElementsYoung();

const bestRates = new Map<string, number>();
const bestRatios = new Map<string, number>();
let bestUnit = 0;
for (let run = 1; run <= runs; run++) {
  console.error(`run ${run} of ${runs} ...`);
  for (const file of guarded) await measureOnce(file);
}
// Rates in units of the calibration, ratios as they are.
const best = new Map([
  ...[...bestRates].map(([name, rate]): [string, number] => [name, rate / bestUnit]),
  ...bestRatios,
]);
if (values.set) {
  const entries = [...best].map(([name, value]): [string, number] => [name, Number(value.toPrecision(4))]);
  const benches = benchFiles.map((file) => file.name);
  writeFileSync(baselinePath, `${JSON.stringify({ benches, guarded: Object.fromEntries(entries) }, null, 2)}\n`);
  console.log(`${baselinePath} written`);
  process.exit(0);
}
process.exit(compare(readBaseline()) ? 0 : 1);

async function measureOnce(file: BenchFile): Promise<void> {
  for (const unit of (await calibration.run('real')).filter(isRow)) bestUnit = Math.max(bestUnit, unit.opsPerSecond);
  for (const result of await file.run('real')) {
    const name = isRow(result) ? result.task : `ratio ${result.ratio}`;
    if (unguarded.test(name)) continue;
    if (isRow(result)) keepBest(bestRates, name, result.opsPerSecond);
    else keepBest(bestRatios, name, result.value);
  }
}

function keepBest(kept: Map<string, number>, name: string, value: number): void {
  kept.set(name, Math.max(kept.get(name) ?? 0, value));
}

function readBaseline(): ReadonlyMap<string, number> {
  const read: unknown = JSON.parse(readFileSync(baselinePath, 'utf8'));
  const rows = typeof read === 'object' && read !== null && 'guarded' in read ? read.guarded : undefined;
  if (typeof rows !== 'object' || rows === null) throw new Error(`${baselinePath} has no "guarded" numbers`);
  return new Map(Object.entries(rows).map(([name, value]) => [name, Number(value)]));
}

function compare(baseline: ReadonlyMap<string, number>): boolean {
  let passed = true;
  for (const name of best.keys()) {
    if (baseline.has(name)) continue;
    passed = false;
    console.log(`${name.padEnd(64)} has no baseline; \`npm run bench:guard -- --set\` writes one`);
  }
  for (const [name, before] of baseline) {
    const now = best.get(name);
    const share = now === undefined ? 0 : now / before;
    if (share < leastShare) passed = false;
    const verdict = share < leastShare ? 'TOO SLOW' : 'ok';
    const figures = `${before.toFixed(3).padStart(9)} -> ${(now ?? 0).toFixed(3).padStart(9)}`;
    console.log(`${name.padEnd(64)} ${figures}  ${verdict}`);
  }
  return passed;
}
