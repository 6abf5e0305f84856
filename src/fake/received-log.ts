// Thread: any
/**
 * What a fake gateway received: the newest requests, and a count of all. Tests wait for a count instead of sleeping.
 */
export class ReceivedLog<T> {
  readonly #capacity: number;
  readonly #items: T[] = [];
  #waiters: { readonly count: number; resolve: () => void; reject: (error: Error) => void }[] = [];
  #oldest = 0;
  #total = 0;
  #closed = false;

  /** @param capacity items that are kept; older ones are forgotten but counted. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** All that was ever received. */
  get total(): number {
    return this.#total;
  }

  /** The newest, oldest first. */
  get items(): readonly T[] {
    return [...this.#items.slice(this.#oldest), ...this.#items.slice(0, this.#oldest)];
  }

  push(item: T): void {
    if (this.#items.length < this.#capacity) this.#items.push(item);
    else if (this.#capacity > 0) {
      this.#items[this.#oldest] = item;
      this.#oldest = (this.#oldest + 1) % this.#capacity;
    }
    this.#total++;
    if (this.#waiters.length > 0) this.#wake();
  }

  /**
   * Resolves with what is kept once `count` items were received since the start or the last `clear`.
   * Rejects when the gateway stops before that.
   */
  async waitFor(count: number): Promise<readonly T[]> {
    if (this.#total < count) {
      if (this.#closed) throw new Error(`the gateway has stopped after ${this.#total} of ${count} requests`);
      await new Promise<void>((resolve, reject) => this.#waiters.push({ count, resolve, reject }));
    }
    return this.items;
  }

  clear(): void {
    this.#items.length = 0;
    this.#oldest = 0;
    this.#total = 0;
  }

  close(): void {
    this.#closed = true;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { count, reject } of waiters) {
      reject(new Error(`the gateway stopped after ${this.#total} of ${count} requests`));
    }
  }

  #wake(): void {
    const due = this.#waiters.filter((waiter) => waiter.count <= this.#total);
    this.#waiters = this.#waiters.filter((waiter) => waiter.count > this.#total);
    for (const { resolve } of due) resolve();
  }
}
