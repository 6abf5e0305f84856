// Thread: main
/**
 * Which events still wait for the ends of their publishes. Every event ends exactly once: when its last publish has
 * ended, or at its deadline, when those that are still under way are told as `unavailable`, `reached: 'unknown'`. A
 * publish that ends after that still has its consequences; only nobody waits for it any more.
 */
import { limits } from '../core/limits.ts';
import { unavailable } from '../core/outcome.ts';
import type { EnabledRegistration } from '../core/enabled.ts';
import type { EventResult, MessageEvent, PublishEnd } from '../core/event.ts';
import type { Summary } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';
import type { EventReply } from './commands.ts';
import type { NotifierFigures } from './notifier-figures.ts';

/** One event whose publishes are under way. */
export interface WaitingEvent {
  readonly reply: EventReply;
  readonly tag: number;
  readonly deadlineMs: number;
  readonly ends: PublishEnd[];
  /** Publishes under way, and one while more may be started. */
  left: number;
  /** Why nothing was sent, for as long as nothing was. */
  skipReason: string;
  /** Set when it was not carried out, for as long as nothing was sent. */
  refusal: 'store-failed' | 'stopping' | '';
  isClosed: boolean;
}

/** One publish under way. */
export interface Flight {
  readonly waiting: WaitingEvent;
  readonly event: MessageEvent;
  readonly row: EnabledRegistration;
  readonly summary: Summary;
  /** How often it was tried again. */
  retries: number;
  /** The event has ended at its deadline: nobody is to be told. */
  isTold: boolean;
}

export class EventFlights {
  readonly #flights = new Map<number, Flight>();
  /** A key for each reason there is: some dozens of our own words. */
  readonly #skips = new Map<string, number>();
  #lastTag = 0;

  /** Publishes under way. */
  get size(): number {
    return this.#flights.size;
  }

  get skipFigures(): Pick<NotifierFigures, 'skipped' | 'skips'> {
    let skipped = 0;
    for (const count of this.#skips.values()) skipped += count;
    return { skipped, skips: Object.fromEntries(this.#skips) };
  }

  /** Of an event that was never opened. */
  countSkip(reason: string): void {
    this.#skips.set(reason, (this.#skips.get(reason) ?? 0) + 1);
  }

  /** An event that may start publishes until `close`. */
  open(reply: EventReply, tag: number, deadlineMs: number): WaitingEvent {
    return { reply, tag, deadlineMs, ends: [], left: 1, skipReason: '', refusal: '', isClosed: false };
  }

  /** No more publishes will be started for it. */
  close(waiting: WaitingEvent): void {
    waiting.isClosed = true;
    this.#oneLess(waiting);
  }

  /** A number for one more publish of an event; `undefined` when too many are under way. */
  add(flight: Flight): number | undefined {
    if (this.#flights.size >= limits.eventFlightsMax) return undefined;
    flight.waiting.left++;
    this.#flights.set(++this.#lastTag, flight);
    return this.#lastTag;
  }

  /** It stays; `undefined` if it has ended. */
  peek(tag: number): Flight | undefined {
    return this.#flights.get(tag);
  }

  /** Takes it out; `undefined` if it has ended. */
  take(tag: number): Flight | undefined {
    const flight = this.#flights.get(tag);
    if (flight !== undefined) this.#flights.delete(tag);
    return flight;
  }

  /** Of a flight that was taken out. */
  end({ waiting, row, isTold }: Flight, outcome: Outcome): void {
    if (isTold) return;
    waiting.ends.push(endOf(row, outcome));
    this.#oneLess(waiting);
  }

  /** A publish that ended before it was under way. */
  endAtOnce(waiting: WaitingEvent, row: EnabledRegistration, outcome: Outcome): void {
    waiting.ends.push(endOf(row, outcome));
  }

  /** Tells the events whose time is over. */
  expire(nowMs: number): void {
    for (const flight of this.#flights.values()) {
      if (flight.isTold || flight.waiting.deadlineMs > nowMs) continue;
      flight.isTold = true;
      this.#tellUnknown(flight, 'no answer by the deadline');
    }
  }

  /** Everything under way ends. */
  stop(): void {
    const open = [...this.#flights.values()];
    this.#flights.clear();
    for (const flight of open) if (!flight.isTold) this.#tellUnknown(flight, 'stopping');
  }

  #tellUnknown({ waiting, row }: Flight, reason: string): void {
    waiting.ends.push(endOf(row, unavailable('unknown', reason)));
    this.#oneLess(waiting);
  }

  #oneLess(waiting: WaitingEvent): void {
    if (--waiting.left > 0) return;
    const result = resultOf(waiting);
    if (result.kind === 'skipped') this.countSkip(result.reason);
    waiting.reply.ended(waiting.tag, result);
  }
}

function endOf({ owner, service, node }: EnabledRegistration, outcome: Outcome): PublishEnd {
  return { owner, service, node, outcome };
}

function resultOf({ ends, skipReason, refusal }: WaitingEvent): EventResult {
  if (ends.length > 0) return { kind: 'pushed', publishes: ends };
  return refusal === '' ? { kind: 'skipped', reason: skipReason } : { kind: 'refused', reason: refusal };
}
