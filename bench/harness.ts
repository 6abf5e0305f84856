// Thread: main
/**
 * Benchmarks on tinybench: named tasks, warm-up, CPU per operation beside the rate, and one calibration task in every
 * run, so that a baseline means something on another machine. Each bench has two sets of parameters: `smoke` proves in
 * `npm test` that it still runs and computes what it says; `real` is for figures.
 */
import { createHash } from 'node:crypto';
import { Bench } from 'tinybench';
import { systemClock } from '../src/core/clock.ts';

export type Mode = 'smoke' | 'real';

export interface Task {
  readonly name: string;
  /** Operations of one call of `run`. */
  readonly operations: number;
  run(): unknown;
}

export interface Row {
  readonly bench: string;
  readonly task: string;
  readonly opsPerSecond: number;
  /** CPU of the whole process, all threads, divided by the operations. */
  readonly cpuMicrosPerOp: number;
}

/** A promise of the project, measured within one run. */
export interface Ratio {
  readonly ratio: string;
  readonly value: number;
  readonly goal: number;
}

export type Result = Row | Ratio;

export interface BenchFile {
  readonly name: string;
  run(mode: Mode): Promise<readonly Result[]>;
}

export function isRow(result: Result): result is Row {
  return 'bench' in result;
}

const realMs = 1_500;
const warmupMs = 300;

/** Runs the tasks one after the other and gives a row for each. A task that throws fails the run. */
export async function measure(bench: string, mode: Mode, tasks: readonly Task[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const task of tasks) {
    const subject = new Bench({
      name: bench,
      throws: true,
      ...(mode === 'smoke'
        ? { time: 0, iterations: 1, warmup: false }
        : { time: realMs, iterations: 3, warmup: true, warmupTime: warmupMs, warmupIterations: 1 }),
    });
    let cpu = process.cpuUsage();
    let startedMs = 0;
    let endedMs = 0;
    let spentMicros = 0;
    let calls = 0;
    subject.add(
      task.name,
      async () => {
        calls++;
        await task.run();
      },
      {
        beforeAll: () => {
          calls = 0;
          cpu = process.cpuUsage();
          startedMs = systemClock.monotonicMs();
        },
        afterAll: () => {
          endedMs = systemClock.monotonicMs();
          const spent = process.cpuUsage(cpu);
          spentMicros = spent.user + spent.system;
        },
      },
    );
    await subject.run();
    const operations = calls * task.operations;
    rows.push({
      bench,
      task: task.name,
      opsPerSecond: round((operations * 1_000) / (endedMs - startedMs)),
      cpuMicrosPerOp: round(spentMicros / operations),
    });
  }
  return rows;
}

/** A rate measured by the bench itself, for whole-engine runs that tinybench cannot repeat. */
export function rowOf(bench: string, task: string, operations: number, elapsedMs: number, cpuMicros: number): Row {
  return {
    bench,
    task,
    opsPerSecond: round((operations * 1_000) / elapsedMs),
    cpuMicrosPerOp: round(cpuMicros / operations),
  };
}

export function ratioOf(ratio: string, value: number, goal: number): Ratio {
  return { ratio, value: round(value), goal };
}

function round(value: number): number {
  const digits = value >= 1_000 ? 0 : 3;
  return Number(value.toFixed(digits));
}

// JSON, hashing and array work in a fixed mix: what the engine's own time goes into, without any of its code.
const calibrationText = JSON.stringify(Array.from({ length: 40 }, (_, index) => ({ index, name: `entry-${index}` })));
const calibrationDigest = 'a46e06be';

/** The unit in which baselines are kept. */
export const calibration: BenchFile = {
  name: 'calibration',
  run: (mode) =>
    measure('calibration', mode, [
      {
        name: 'calibration: json, hash and array',
        operations: 1,
        run() {
          const text = JSON.stringify(JSON.parse(calibrationText));
          const digest = createHash('sha256').update(text).digest('hex').slice(0, 8);
          const sorted = Array.from({ length: 200 }, (_, index) => (index * 7919) % 200).toSorted((a, b) => a - b);
          if (sorted[7] !== 7 || digest !== calibrationDigest) throw new Error(`calibration went wrong: ${digest}`);
        },
      },
    ]),
};
