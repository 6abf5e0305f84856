// Thread: any
/**
 * Time as an input. This is the only file that may call `Date.now` or a timer; everything else asks a `Clock`, so that
 * the whole engine runs under a virtual clock (test/simulation/virtual-clock.ts).
 */
import { epochMs } from './ids.ts';
import type { EpochMs } from './ids.ts';

/** Stops a timer; does nothing when it has already fired. */
export type Cancel = () => void;

export interface Clock {
  /** Wall time; may jump. */
  now(): EpochMs;
  /** Monotonic milliseconds with a fraction, for measuring; the origin means nothing. */
  monotonicMs(): number;
  /** Runs `task` once after `delayMs` (0 or more). The timer keeps the process alive only if `keepAlive` is true. */
  after(delayMs: number, task: () => void, keepAlive?: boolean): Cancel;
  /** Runs `task` in a later turn of the event loop, after sockets have had theirs. */
  soon(task: () => void): void;
}

export const systemClock: Clock = {
  now: () => epochMs(Date.now()),
  monotonicMs: () => performance.now(),
  after(delayMs, task, keepAlive = true) {
    const timer = setTimeout(task, delayMs);
    if (!keepAlive) timer.unref();
    return () => clearTimeout(timer);
  },
  soon(task) {
    setImmediate(task);
  },
};
