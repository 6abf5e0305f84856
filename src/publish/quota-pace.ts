// Thread: main
/**
 * How fast the messages of one Google project may leave ("Best practices when sending FCM messages at scale",
 * "Throttling and quotas"): a token bucket that refills continuously, a rate that is approached and not jumped to, and
 * a pause when Google says that the quota is used up. Pure: times come in, counts go out. The minutes around :00, :15,
 * :30 and :45, which Google asks bulk senders to avoid, are not avoided: a message of a chat is worth nothing later.
 */
import { limits } from '../core/limits.ts';
import type { Outcome } from '../core/outcome.ts';

export interface QuotaPaceFigures {
  /** Messages a second that may leave at present. */
  readonly perSecond: number;
  /** Until messages may leave again after Google has said stop; 0 = they may. */
  readonly pausedMs: number;
}

/** The rate is looked at this often. */
const windowMs = 1_000;
/** Google: from nothing to the highest rate in no less than this. */
const rampMs = 60_000;
/**
 * Where a sender that has been quiet begins: at a tenth, or at what one connection to Google carries at a time where
 * that is more. Google's word is nothing; but people wait for the messages of a chat server that was restarted, and
 * what Google fears are jumps to all of a quota.
 */
const startShare = 0.1;
const startPerMsMin = limits.fcmStreamsMax / 1_000;
/** Less than half of what may leave does: the allowance shrinks as it grew, for it is not being tried. */
const usedShareMin = 0.5;
/** Google: send less when more than 1 % of the requests end in errors. A handful says nothing. */
const errorShareMax = 0.01;
const errorsMin = 10;
const slowerFactor = 0.8;
const quotaUsedUpMs = 60_000;
/** A waiter is let go for this much of the rate at once, so that messages leave in batches. */
const wakeMs = 10;

export class QuotaPace {
  readonly #perMsMax: number;
  readonly #perMsStart: number;
  #perMs: number;
  #left: number;
  /** Up to when the bucket is filled; ahead of now during a pause. */
  #filledAtMs: number;
  #windowAtMs: number;
  #windowSent = 0;
  #windowErrors = 0;

  constructor(perMinute: number, nowMs: number) {
    // A second's worth may leave at once, and 59 parts of 60 flow: together no minute, wherever it begins, has more
    // than the quota. A second is what pauses of an engine (a full collection, a slow disk) may pile up.
    this.#perMsMax = (perMinute - perMinute / 60) / 60_000;
    this.#perMsStart = Math.min(this.#perMsMax, Math.max(this.#perMsMax * startShare, startPerMsMin));
    this.#perMs = this.#perMsStart;
    this.#left = this.#burst;
    this.#filledAtMs = nowMs;
    this.#windowAtMs = nowMs;
  }

  /** How many of `wanted` may leave now; they are counted as sent. */
  take(wanted: number, nowMs: number): number {
    this.#refill(nowMs);
    const count = Math.min(wanted, Math.floor(this.#left));
    this.#left -= count;
    this.#windowSent += count;
    return count;
  }

  /** All of them or none. */
  takeAll(count: number, nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#left >= count && this.take(count, nowMs) === count;
  }

  /** Until it is worth asking again. */
  waitMs(nowMs: number): number {
    this.#refill(nowMs);
    const enough = Math.min(this.#burst, Math.max(1, this.#perMs * wakeMs));
    return Math.max(0, this.#filledAtMs - nowMs) + Math.max(0, enough - this.#left) / this.#perMs;
  }

  /** What the gateway thinks of the pace: each outcome that is not `accepted`. */
  note(outcome: Outcome, nowMs: number): void {
    if (outcome.kind === 'throttled') {
      if (!isOfOne(outcome.reason)) this.#pause(outcome.retryAfterMs, nowMs);
      else if (this.#filledAtMs <= nowMs) this.#left = Math.min(this.#burst, this.#left + 1); // it has cost no quota
    } else if (outcome.kind === 'unavailable' && (outcome.reached === 'unknown' || outcome.retryAfterMs > 0)) {
      this.#windowErrors++; // an answer that failed, or one that never came; what was not sent says nothing
    }
  }

  figures(nowMs: number): QuotaPaceFigures {
    return { perSecond: this.#perMs * 1_000, pausedMs: Math.max(0, this.#filledAtMs - nowMs) };
  }

  get #burst(): number {
    return Math.max(1, this.#perMs * windowMs);
  }

  #pause(askedMs: number, nowMs: number): void {
    // Of the many answers to what flew at that time one is enough to go slower.
    if (this.#filledAtMs <= nowMs) this.#perMs = Math.max(this.#perMsStart, this.#perMs / 2);
    const pauseMs = Math.min(askedMs === 0 ? quotaUsedUpMs : askedMs, limits.quotaPauseMsMax);
    this.#left = 0;
    this.#filledAtMs = Math.max(this.#filledAtMs, nowMs + pauseMs);
    this.#newWindow(this.#filledAtMs);
  }

  #refill(nowMs: number): void {
    const elapsedMs = nowMs - this.#filledAtMs;
    if (elapsedMs <= 0) return;
    if (nowMs - this.#windowAtMs >= windowMs) this.#adjust(nowMs);
    this.#filledAtMs = nowMs;
    this.#left = Math.min(this.#burst, this.#left + elapsedMs * this.#perMs);
  }

  #adjust(nowMs: number): void {
    const elapsedMs = nowMs - this.#windowAtMs;
    const changed = ((this.#perMsMax - this.#perMsStart) * elapsedMs) / rampMs;
    const errors = this.#windowErrors;
    if (errors >= errorsMin && errors > this.#windowSent * errorShareMax) this.#perMs *= slowerFactor;
    else if (this.#windowSent >= this.#perMs * elapsedMs * usedShareMin) this.#perMs += changed;
    else this.#perMs -= changed;
    this.#perMs = Math.min(this.#perMsMax, Math.max(this.#perMsStart, this.#perMs));
    this.#newWindow(nowMs);
  }

  #newWindow(atMs: number): void {
    this.#windowAtMs = atMs;
    this.#windowSent = 0;
    this.#windowErrors = 0;
  }
}

/** The quota of one device or topic is its own: the others of the project may go on (provider/fcm.ts names them). */
function isOfOne(reason: string): boolean {
  return reason === 'DEVICE_QUOTA_EXCEEDED' || reason === 'TOPIC_QUOTA_EXCEEDED';
}
