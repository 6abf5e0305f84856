// Thread: main
/**
 * Which messages have been pushed to which registrations: servers tell of a message again when a session dies, when it
 * is resumed, and when offline messages are replayed (mongooseim 1, 2.14; xmpp 7.56). In memory, in two generations
 * that take turns, without a timer: what is full or old goes as a whole.
 */
import { hash } from 'node:crypto';
import { limits } from '../core/limits.ts';
import type { Clock } from '../core/clock.ts';
import type { MessageEvent } from '../core/event.ts';
import type { EnabledKey } from '../storage/enabled-store.ts';

/** A message without an id is never known. Its sender is part of it: clients count `1`, `2`, `3`. */
type Message = Pick<MessageEvent, 'id' | 'from'>;

export class MessageDedupe {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #max: number;
  /** Key to the monotonic ms at which it was noted. */
  #recent = new Map<string, number>();
  #former = new Map<string, number>();
  #sinceMs: number;
  /** What was asked for last is what is noted next. */
  #message: Message | undefined;
  #row: EnabledKey | undefined;
  #key = '';

  /** @param ttlMs 0: nothing is ever known. @param max of each generation. */
  constructor(clock: Clock, ttlMs: number, max: number = limits.dedupeMax) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
    this.#max = max;
    this.#sinceMs = clock.monotonicMs();
  }

  isKnown(message: Message, row: EnabledKey): boolean {
    if (message.id === '' || this.#ttlMs === 0) return false;
    const key = this.#keyOf(message, row);
    const notedMs = this.#recent.get(key) ?? this.#former.get(key);
    return notedMs !== undefined && this.#clock.monotonicMs() - notedMs < this.#ttlMs;
  }

  note(message: Message, row: EnabledKey): void {
    if (message.id === '' || this.#ttlMs === 0) return;
    // Whole ones: a fraction would be an object of its own in the table.
    const nowMs = Math.floor(this.#clock.monotonicMs());
    if (nowMs - this.#sinceMs >= this.#ttlMs || this.#recent.size >= this.#max) {
      this.#former = this.#recent;
      this.#recent = new Map();
      this.#sinceMs = nowMs;
    }
    this.#recent.set(this.#keyOf(message, row), nowMs);
  }

  /** The push did not reach its service after all. */
  forget(message: Message, row: EnabledKey): void {
    if (message.id === '' || this.#ttlMs === 0) return;
    const key = this.#keyOf(message, row);
    this.#recent.delete(key);
    this.#former.delete(key);
  }

  /**
   * A hash, so that long names take no more room than others. JIDs cannot hold the separator; the length of the node
   * keeps node and id apart.
   */
  #keyOf(message: Message, row: EnabledKey): string {
    if (message !== this.#message || row !== this.#row) {
      const { owner, service, node } = row;
      const text = `${owner}\n${service}\n${message.from}\n${node.length} ${node}${message.id}`;
      this.#key = hash('sha256', text, 'base64');
      this.#message = message;
      this.#row = row;
    }
    return this.#key;
  }
}
