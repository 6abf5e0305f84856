/**
 * What clocks have in common that move only when a test says so. Tasks run in the order of their due time, ties in the
 * order they were set; `soon` tasks run when a turn does. How turns follow each other is for the two kinds to say.
 */
import { epochMs } from '../../src/core/ids.ts';
import type { Cancel, Clock } from '../../src/core/clock.ts';
import type { EpochMs } from '../../src/core/ids.ts';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly task: () => void;
}

export abstract class MovedClock implements Clock {
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

  after(delayMs: number, task: () => void): Cancel {
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

  /** Moves wall time and nothing else: the jump of a system clock, in either direction. */
  jump(durationMs: number): void {
    this.#jumpedMs += durationMs;
  }

  /** One turn: what waited for it, and nothing of what that starts. False: nothing waited. */
  turn(): boolean {
    const tasks = this.#soon;
    this.#soon = [];
    for (const task of tasks) task();
    return tasks.length > 0;
  }

  /** Moves to the next timer that is due by then, and fires it; false: there is none. */
  protected fireNext(endMs: number): boolean {
    const next = this.#earliest();
    if (next === undefined || next.dueMs > endMs) return false;
    this.#timers.splice(this.#timers.indexOf(next), 1);
    this.#nowMs = Math.max(this.#nowMs, next.dueMs);
    next.task();
    return true;
  }

  protected arriveAt(endMs: number): void {
    this.#nowMs = endMs;
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
