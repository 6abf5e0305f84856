// Thread: main
/** What a steady load does in the middle of a run: neither the start of connections nor the last answers count. */
import { systemClock } from '../src/core/clock.ts';
import { rowOf } from './harness.ts';
import type { Row } from './harness.ts';

export interface Sustained {
  readonly answers: number;
  readonly elapsedMs: number;
  /** Of the whole process, all threads. */
  readonly cpuMicros: number;
}

export interface Window {
  readonly warmupMs: number;
  readonly measureMs: number;
}

/** @param count what has ended until now. */
export async function measureWindow(count: () => number, { warmupMs, measureMs }: Window): Promise<Sustained> {
  await pause(warmupMs);
  const started = { atMs: systemClock.monotonicMs(), answers: count(), cpu: process.cpuUsage() };
  // A busy machine may show nothing for as short a while as smoke mode looks.
  do await pause(measureMs);
  while (count() === started.answers);
  const spent = process.cpuUsage(started.cpu);
  return {
    answers: count() - started.answers,
    elapsedMs: systemClock.monotonicMs() - started.atMs,
    cpuMicros: spent.user + spent.system,
  };
}

export function rateOf({ answers, elapsedMs }: Sustained): number {
  return (answers * 1_000) / elapsedMs;
}

export function cpuOf({ answers, cpuMicros }: Sustained): number {
  return cpuMicros / answers;
}

/** The run in the middle by `value`: one that was disturbed, or lucky, does not count. */
export function medianBy(runs: readonly Sustained[], value: (run: Sustained) => number): number {
  const sorted = runs.map(value).toSorted((one, other) => one - other);
  const middle = sorted[sorted.length >> 1];
  if (middle === undefined) throw new Error('no run');
  return middle;
}

/** The middle of each figure, which need not be of one run. */
export function middleRow(bench: string, task: string, runs: readonly Sustained[]): Row {
  return rowOf(bench, task, 1, 1_000 / medianBy(runs, rateOf), medianBy(runs, cpuOf));
}

/** After sockets have had their turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => systemClock.soon(resolve));
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => systemClock.after(durationMs, resolve));
}
