// Thread: main
/**
 * Which frames acknowledge what has ended on one channel: one for everything up to the oldest message that is still
 * under way, and one for each message beyond that. Pure. RabbitMQ numbers the deliveries of a channel upwards.
 */

export interface AcknowledgementFrames {
  /** It and all below it; 0: none. Never one that was acknowledged before: RabbitMQ would close the channel. */
  readonly upTo: number;
  readonly alone: readonly number[];
}

export class Acknowledgements {
  /** Tags that have been delivered and have not ended, upwards: no more than the prefetch. */
  readonly #open = new Set<number>();
  /** Have ended since the last frames. */
  #ended: number[] = [];

  /** Tags must come as RabbitMQ counts them. */
  delivered(tag: number): void {
    this.#open.add(tag);
  }

  /** True: the first since the last frames. What is not under way is left alone. */
  ended(tag: number): boolean {
    if (!this.#open.delete(tag)) return false;
    this.#ended.push(tag);
    return this.#ended.length === 1;
  }

  /** For all that have ended since the last call. */
  take(): AcknowledgementFrames {
    const ended = this.#ended;
    this.#ended = [];
    const [oldest = Infinity] = this.#open;
    let upTo = 0;
    const alone: number[] = [];
    for (const tag of ended) {
      if (tag < oldest) upTo = Math.max(upTo, tag);
      else alone.push(tag);
    }
    return { upTo, alone };
  }

  /** The channel is gone, and its tags with it. */
  clear(): void {
    this.#open.clear();
    this.#ended = [];
  }
}
