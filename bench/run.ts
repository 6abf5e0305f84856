// Thread: main
/**
 * `npm run bench`: runs all benchmarks, or those that are named, prints a table and, with `--json FILE`, writes the
 * results as an array. `--smoke` uses the small parameters.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { keepElementsYoung } from '../src/core/v8-flags.ts';
import { benchFiles } from './bench-files.ts';
import { isRow } from './harness.ts';
import type { BenchFile, Mode, Result } from './harness.ts';

// As the `meerkat` command does.
keepElementsYoung();

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    smoke: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const names = benchFiles.map((file) => file.name);
if (values.help) {
  console.log(`npm run bench -- [NAME ...] [--json FILE] [--smoke]\n\nNames: ${names.join(', ')}`);
  process.exit(0);
}
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`No such benchmark: ${unknown.join(', ')}. There are: ${names.join(', ')}`);
  process.exit(2);
}

const chosen = positionals.length === 0 ? benchFiles : benchFiles.filter((file) => positionals.includes(file.name));
const results = await runAll(chosen, values.smoke ? 'smoke' : 'real');
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
process.exit(0);

async function runAll(files: readonly BenchFile[], mode: Mode): Promise<Result[]> {
  const all: Result[] = [];
  for (const file of files) {
    const some = await file.run(mode);
    for (const result of some) console.log(line(result));
    all.push(...some);
  }
  return all;
}

function line(result: Result): string {
  if (isRow(result)) {
    const rate = result.opsPerSecond.toLocaleString('en').padStart(12);
    return `${result.task.padEnd(64)} ${rate} /s ${result.cpuMicrosPerOp.toFixed(2).padStart(9)} µs CPU`;
  }
  const verdict = result.value >= result.goal ? 'met' : 'MISSED';
  const value = result.value.toFixed(3).padStart(12);
  return `${`ratio ${result.ratio}`.padEnd(64)} ${value}    goal ${result.goal} ${verdict}`;
}
