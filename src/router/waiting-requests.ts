// Thread: main
/**
 * The table of pending-iqs.ts with its clock: ends what has waited too long, with one timer, and knows when nobody
 * waits any more.
 */
import { pendingIqs } from './pending-iqs.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { PendingIqs } from './pending-iqs.ts';

export interface WaitingRequestsOptions<E> {
  readonly clock: Clock;
  readonly sizeMax: number;
  readonly waitMs: number;
  /** The entry has left the table because its time was over. */
  readonly expired: (entry: E) => void;
}

export class WaitingRequests<E> {
  readonly #clock: Clock;
  readonly #expired: (entry: E) => void;
  readonly #pending: PendingIqs<E>;
  readonly #emptyWaiters: (() => void)[] = [];
  #cancelExpiry: Cancel | undefined;

  constructor({ clock, sizeMax, waitMs, expired }: WaitingRequestsOptions<E>) {
    this.#clock = clock;
    this.#expired = expired;
    this.#pending = pendingIqs(sizeMax, waitMs);
  }

  get size(): number {
    return this.#pending.size;
  }

  /** A number for the entry, or `undefined` when the table is full. */
  add(entry: E): number | undefined {
    const nowMs = this.#clock.monotonicMs();
    const tag = this.#pending.add(entry, nowMs);
    if (tag !== undefined && this.#cancelExpiry === undefined) this.#expireLater(nowMs);
    return tag;
  }

  /** The entry, which stays; `undefined`: its time was over, and it was told so. */
  peek(tag: number): E | undefined {
    return this.#pending.peek(tag);
  }

  take(tag: number): E | undefined {
    const entry = this.#pending.take(tag);
    if (this.#emptyWaiters.length > 0) this.#tellEmpty();
    return entry;
  }

  /** Takes out all, whatever time they have left. */
  takeAll(): E[] {
    this.#cancelExpiry?.();
    this.#cancelExpiry = undefined;
    return this.#pending.expire(Number.POSITIVE_INFINITY);
  }

  /** Resolves when nobody waits, at the latest after `budgetMs`. */
  empty(budgetMs: number): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#clock.after(budgetMs, resolve);
      this.#emptyWaiters.push(() => {
        cancel();
        resolve();
      });
    });
  }

  #tellEmpty(): void {
    if (this.#pending.size > 0) return;
    for (const resolve of this.#emptyWaiters.splice(0)) resolve();
  }

  #expireLater(nowMs: number): void {
    const { nextMs } = this.#pending;
    if (nextMs === undefined) return;
    this.#cancelExpiry = this.#clock.after(Math.max(0, nextMs - nowMs), () => this.#expire(), false);
  }

  #expire(): void {
    this.#cancelExpiry = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (const entry of this.#pending.expire(nowMs)) this.#expired(entry);
    this.#tellEmpty();
    this.#expireLater(nowMs);
  }
}
