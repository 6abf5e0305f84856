/**
 * A clock for code that makes no promises: turns and timers run inside the call that moves it, in microseconds. The
 * virtual clock of the simulation lets promises resolve as well, which costs it an event loop's turn each time.
 */
import { epochMs } from '../../src/core/ids.ts';
import type { Cancel, Clock } from '../../src/core/clock.ts';
import type { EpochMs } from '../../src/core/ids.ts';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly task: () => void;
}

// Far more than any test needs: what feeds itself fails instead of hanging.
const turnsMax = 10_000;

export class TurnClock implements Clock {
  #nowMs = 0;
  #order = 0;
  #timers: Timer[] = [];
  #soon: (() => void)[] = [];

  now(): EpochMs {
    return epochMs(Date.UTC(2026, 0, 1) + this.#nowMs);
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

  /** Timers that have not fired: what ends and leaves some has a leak. */
  get pending(): number {
    return this.#timers.length;
  }

  /** One turn: what waited for it, and nothing of what that starts. */
  turn(): void {
    const tasks = this.#soon;
    this.#soon = [];
    for (const task of tasks) task();
  }

  /** Turns until nothing is left to do at this moment. */
  settle(): void {
    for (let turns = 0; this.#soon.length > 0; turns++) {
      if (turns > turnsMax) throw new Error(`the turn did not settle within ${turnsMax} rounds`);
      this.turn();
    }
  }

  /** Moves time forward, firing what falls due on the way, each at its own moment. */
  advance(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    this.settle();
    for (let fired = 0; this.#timers.length > 0; fired++) {
      if (fired > turnsMax) throw new Error(`${turnsMax} timers in ${durationMs} ms: one sets itself again and again`);
      const next = this.#timers.reduce((first, timer) =>
        timer.dueMs < first.dueMs || (timer.dueMs === first.dueMs && timer.order < first.order) ? timer : first,
      );
      if (next.dueMs > endMs) break;
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.task();
      this.settle();
    }
    this.#nowMs = endMs;
  }
}
