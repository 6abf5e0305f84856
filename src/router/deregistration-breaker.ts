// Thread: main
/**
 * Guards users against us: `item-not-found` for a node we do not know makes every XMPP server forget a registration, so
 * an engine that was started on an empty or wrong store would wipe a whole server in minutes. When such answers come
 * far more often than they used to, they are turned into `wait` and somebody is told. Dead tokens that a gateway has
 * just reported are not counted: those are known.
 */
import { limits } from '../core/limits.ts';
import type { EpochMs } from '../core/ids.ts';

const minuteMs = 60_000;
// The usual number of a minute is learnt over about a week, so that a bad hour does not teach a bad habit.
const learningMinutes = 7 * 24 * 60;

export class DeregistrationBreaker {
  #minuteAtMs = 0;
  #count = 0;
  #usualPerMinute = 0;
  #tripped = false;

  /** True: this answer may say item-not-found. False: say `wait`. */
  allows(nowMs: EpochMs): boolean {
    this.#turnMinute(nowMs);
    const most = this.#countMax();
    // Once a minute: the first that is over, not each of thousands.
    if (this.#count <= most && this.#count + 1 > most) this.#tripped = true;
    this.#count++;
    return this.#count <= most;
  }

  /** True once for each minute in which the breaker has tripped: the moment to tell somebody. */
  takeAlarm(): boolean {
    const tripped = this.#tripped;
    this.#tripped = false;
    return tripped;
  }

  #countMax(): number {
    return Math.max(limits.unknownNodesPerMinute, limits.unknownNodesFactor * this.#usualPerMinute);
  }

  #turnMinute(nowMs: EpochMs): void {
    const minutes = Math.floor((nowMs - this.#minuteAtMs) / minuteMs);
    if (minutes <= 0) return;
    // Quiet minutes count as zero; a clock that jumped by more than the learning time teaches nothing.
    const share = 1 / learningMinutes;
    this.#usualPerMinute += (this.#count - this.#usualPerMinute) * share;
    if (this.#minuteAtMs !== 0) this.#usualPerMinute *= (1 - share) ** Math.min(minutes - 1, learningMinutes);
    this.#minuteAtMs = nowMs;
    this.#count = 0;
  }
}
