// Thread: main
/** What one dispatcher will send again, each at its time: one timer for all of them. */
import type { Cancel, Clock } from '../core/clock.ts';
import type { DispatchMessage } from './commands.ts';

interface WaitingRetry {
  readonly message: DispatchMessage;
  readonly attempt: number;
  /** Monotonic. */
  readonly atMs: number;
}

export class WaitingRetries {
  readonly #clock: Clock;
  readonly #due: (messages: readonly DispatchMessage[], attempt: number) => void;
  #waiting: WaitingRetry[] = [];
  #cancelTimer: Cancel | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;

  /** @param due takes what falls due, once for each attempt number; may add some of it again. */
  constructor(clock: Clock, due: (messages: readonly DispatchMessage[], attempt: number) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  /** @param attempt sends that have ended before. */
  add(message: DispatchMessage, attempt: number, atMs: number): void {
    this.#waiting.push({ message, attempt, atMs });
    this.#wakeAt(atMs);
  }

  /** Returns what waited; nothing falls due any more. */
  stop(): readonly DispatchMessage[] {
    this.#cancelTimer?.();
    return this.#waiting.splice(0).map(({ message }) => message);
  }

  #wakeAt(atMs: number): void {
    if (atMs >= this.#timerAtMs) return;
    this.#cancelTimer?.();
    this.#timerAtMs = atMs;
    // Keeps the process alive: somebody waits for how these end, and perhaps nothing else is under way.
    this.#cancelTimer = this.#clock.after(Math.max(0, atMs - this.#clock.monotonicMs()), () => this.#look());
  }

  #look(): void {
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.monotonicMs();
    const due = this.#waiting.filter((waiting) => waiting.atMs <= nowMs);
    this.#waiting = this.#waiting.filter((waiting) => waiting.atMs > nowMs);
    // After an outage many fall due at once: they leave in batches, as they came.
    const byAttempt = new Map<number, DispatchMessage[]>();
    for (const { message, attempt } of due) {
      const others = byAttempt.get(attempt);
      if (others === undefined) byAttempt.set(attempt, [message]);
      else others.push(message);
    }
    for (const [attempt, messages] of byAttempt) this.#due(messages, attempt);
    for (const waiting of this.#waiting) this.#wakeAt(waiting.atMs);
  }
}
