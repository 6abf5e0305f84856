/**
 * A clock that moves only when a test says so. Tasks run in the order of their due time, ties in the order they were
 * set;
 * `soon` tasks run when the test settles the turn. Nothing here sleeps.
 */
import { epochMs } from '../../src/core/ids.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { EpochMs } from '../../src/core/ids.ts';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly task: () => void;
}

/** Every promise that can go on without a timer has gone on; what a test runs under this clock does no I/O. */
function microtasksDone(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

// Far more turns than any test needs: a loop that feeds itself fails instead of hanging.
const turnsMax = 100_000;

export class VirtualClock implements Clock {
  #nowMs: number;
  #jumpedMs = 0;
  #order = 0;
  readonly #timers: Timer[] = [];
  #soon: (() => void)[] = [];

  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  now(): EpochMs {
    return epochMs(this.#nowMs + this.#jumpedMs);
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, task: () => void): () => void {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, task };
    this.#timers.push(timer);
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index !== -1) this.#timers.splice(index, 1);
    };
  }

  soon(task: () => void): void {
    this.#soon.push(task);
  }

  /** Timers that have not fired: a test that ends with some has found a leak. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Runs turns, and lets promises resolve between them, until nothing is left to do at this moment. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < turnsMax; turn++) {
      await microtasksDone();
      const tasks = this.#soon;
      if (tasks.length === 0) return;
      this.#soon = [];
      for (const task of tasks) task();
    }
    throw new Error(`the turn did not settle within ${turnsMax} rounds`);
  }

  /** Moves time forward, firing what falls due on the way, each at its own moment. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await this.settle();
    for (let fired = 0; ; fired++) {
      if (fired > turnsMax) throw new Error(`${turnsMax} timers in ${durationMs} ms: one sets itself again and again`);
      const next = this.#earliest();
      if (next === undefined || next.dueMs > endMs) break;
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.task();
      await this.settle();
    }
    this.#nowMs = endMs;
  }

  /** Moves wall time and nothing else: the jump of a system clock, in either direction. */
  jump(durationMs: number): void {
    this.#jumpedMs += durationMs;
  }

  #earliest(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (
        first === undefined ||
        timer.dueMs < first.dueMs ||
        (timer.dueMs === first.dueMs && timer.order < first.order)
      ) {
        first = timer;
      }
    }
    return first;
  }
}
