// Thread: worker
/**
 * Slot numbers in the order they wait. Those that a connection has given back go before the others, in the order they
 * came back: what was first stays first.
 */
export class SlotQueue {
  readonly #returned = new Fifo();
  readonly #fresh = new Fifo();

  get size(): number {
    return this.#returned.size + this.#fresh.size;
  }

  push(slot: number): void {
    this.#fresh.push(slot);
  }

  /** For what is sent again: it has waited already. */
  pushReturned(slot: number): void {
    this.#returned.push(slot);
  }

  /** For what was taken out and could not be sent at all. */
  pushFront(slot: number): void {
    this.#returned.pushFront(slot);
  }

  shift(): number | undefined {
    return this.#returned.shift() ?? this.#fresh.shift();
  }

  /** Takes out, in order, all that `leaves` says. */
  removeWhere(leaves: (slot: number) => boolean): readonly number[] {
    return [...this.#returned.removeWhere(leaves), ...this.#fresh.removeWhere(leaves)];
  }
}

/** An array with a moving start, because `shift` on a long array copies it. */
class Fifo {
  #slots: number[] = [];
  #start = 0;

  get size(): number {
    return this.#slots.length - this.#start;
  }

  push(slot: number): void {
    this.#slots.push(slot);
  }

  pushFront(slot: number): void {
    if (this.#start > 0) this.#slots[--this.#start] = slot;
    else this.#slots.unshift(slot);
  }

  shift(): number | undefined {
    if (this.size === 0) return undefined;
    const slot = this.#slots[this.#start++];
    if (this.#start > 1024 && this.#start * 2 > this.#slots.length) {
      this.#slots = this.#slots.slice(this.#start);
      this.#start = 0;
    }
    return slot;
  }

  removeWhere(leaves: (slot: number) => boolean): readonly number[] {
    const removed: number[] = [];
    const kept: number[] = [];
    for (let index = this.#start; index < this.#slots.length; index++) {
      const slot = this.#slots[index];
      if (slot === undefined) continue;
      (leaves(slot) ? removed : kept).push(slot);
    }
    this.#slots = kept;
    this.#start = 0;
    return removed;
  }
}
