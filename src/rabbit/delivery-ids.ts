// Thread: main
/**
 * Ids for messages that have none: MongooseIM sends no id (mongooseim 5.3), and without one the engine could not tell
 * a repetition. RabbitMQ delivers again what was not acknowledged when a connection ended, with no word that says which
 * delivery it repeats. So the ids given are kept by content, and a redelivered message takes one back: first those of
 * messages that were not acknowledged, then those whose acknowledgement may not have arrived. Equal messages that
 * were written twice keep two ids. What a process before this one was given is not known: nor does the engine know it.
 */
import type { Random } from '../core/random.ts';

export class DeliveryIds {
  readonly #random: Random;
  /** Acknowledged messages that are remembered: as many as one connection may have unacknowledged. */
  readonly #doneMax: number;
  /** Ids of messages under way, and what they are of. */
  readonly #open = new Map<string, string>();
  readonly #done = new Map<string, string>();
  /** By content: ids that a redelivered message takes back, the next one last. */
  #lost = new Map<string, string[]>();

  constructor(random: Random, prefetch: number) {
    this.#random = random;
    this.#doneMax = prefetch;
  }

  /** Ids that are kept. */
  get size(): number {
    let lost = 0;
    for (const ids of this.#lost.values()) lost += ids.length;
    return this.#open.size + this.#done.size + lost;
  }

  /** @param content stands for the message's whole content, a hash of it. */
  give(content: string, isRedelivered: boolean): string {
    const id = (isRedelivered ? this.#takeBack(content) : undefined) ?? `rabbit:${this.#random.uuid()}`;
    this.#open.set(id, content);
    return id;
  }

  acknowledged(id: string): void {
    const content = this.#open.get(id);
    if (content === undefined) return;
    this.#open.delete(id);
    this.#done.set(id, content);
    for (const oldest of this.#done.keys()) {
      if (this.#done.size <= this.#doneMax) break;
      this.#done.delete(oldest);
    }
  }

  /** The connection has ended: whatever was under way is delivered again. */
  connectionLost(): void {
    // Ids of the connection before that nobody has taken back go after this one's, as far as there is room.
    const before = this.#lost;
    this.#lost = new Map();
    let room = 3 * this.#doneMax;
    for (const ids of [this.#open, this.#done]) {
      for (const [id, content] of ids) room -= this.#lose(content, id);
    }
    for (const [content, ids] of before) {
      for (const id of ids.toReversed()) if (room > 0) room -= this.#lose(content, id);
    }
    for (const ids of this.#lost.values()) ids.reverse();
    this.#open.clear();
    this.#done.clear();
  }

  #lose(content: string, id: string): number {
    const ids = this.#lost.get(content);
    if (ids === undefined) this.#lost.set(content, [id]);
    else ids.push(id);
    return 1;
  }

  #takeBack(content: string): string | undefined {
    const ids = this.#lost.get(content);
    const id = ids?.pop();
    if (ids?.length === 0) this.#lost.delete(content);
    return id;
  }
}
