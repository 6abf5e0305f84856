// Thread: any
/**
 * The bounded queue of one actor: a ring buffer that grows up to its capacity and never past it. Taking empties the
 * slots, so that a message does not outlive its turn.
 */
import { assert } from '../core/assert.ts';

// Most mailboxes hold a few messages; a ring starts here and doubles when it is full.
const firstSize = 16;

export class Mailbox<M> {
  readonly capacity: number;
  #ring: (M | undefined)[];
  #head = 0;
  #depth = 0;

  constructor(capacity: number) {
    assert(Number.isSafeInteger(capacity) && capacity > 0, `mailbox capacity must be a positive integer: ${capacity}`);
    this.capacity = capacity;
    this.#ring = Array.from({ length: Math.min(firstSize, capacity) }, () => undefined);
  }

  /** Messages waiting. */
  get depth(): number {
    return this.#depth;
  }

  /** False when the mailbox is full; nothing happens then. */
  put(message: M): boolean {
    if (this.#depth === this.#ring.length) {
      if (this.#depth === this.capacity) return false;
      this.#grow();
    }
    let tail = this.#head + this.#depth;
    if (tail >= this.#ring.length) tail -= this.#ring.length;
    this.#ring[tail] = message;
    this.#depth++;
    return true;
  }

  /** Up to `max` messages, oldest first. */
  take(max: number): M[] {
    const count = Math.min(max, this.#depth);
    const taken: M[] = [];
    let at = this.#head;
    for (let index = 0; index < count; index++) {
      const message = this.#ring[at];
      this.#ring[at] = undefined;
      if (++at === this.#ring.length) at = 0;
      if (message !== undefined) taken.push(message);
    }
    this.#head = at;
    this.#depth -= count;
    return taken;
  }

  #grow(): void {
    const waiting = this.#depth;
    const messages = this.take(waiting);
    this.#ring = Array.from({ length: Math.min(this.capacity, this.#ring.length * 2) }, () => undefined);
    this.#head = 0;
    this.#depth = waiting;
    for (let index = 0; index < messages.length; index++) this.#ring[index] = messages[index];
  }
}
