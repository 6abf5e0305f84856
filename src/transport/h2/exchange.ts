// Thread: worker
/**
 * The open streams of one connection: for each a record that is used again, because there is one for every
 * notification. Streams that we have cancelled are remembered for a while: the peer may not know yet (RFC 9113 §5.1).
 */
import { limits } from '../../core/limits.ts';
import { streamIdMax } from './frames.ts';

/** One request and what has come of its response. */
export interface Exchange {
  streamId: number;
  slot: number;
  /** 0 until the final response's fields have come. */
  status: number;
  fields: Readonly<Record<string, string>>;
  /** -1: not said. */
  contentLength: number;
  bodyBytes: number;
  /** Of DATA with its padding: what has been taken of the stream's receive window, which is never widened. */
  takenBytes: number;
  /** A copy of the body that came before the last of it, and room for more. */
  held: Buffer | undefined;
  /** What the stream's send window is more or less than SETTINGS_INITIAL_WINDOW_SIZE (§6.9.2). */
  windowDelta: number;
  /** What of the request's body flow control holds back. */
  unsent: Buffer | undefined;
}

const noFields: Readonly<Record<string, string>> = Object.freeze({});
const sparesMax = 1_024;
const slotsAtFirst = 1_024;

export class ExchangeTable {
  readonly #open = new Map<number, Exchange>();
  readonly #spares: Exchange[] = [];
  /** The last stream of each slot, for `bySlot`; perhaps over. 0: none. */
  #streamIdBySlot = new Int32Array(slotsAtFirst);
  readonly #cancelled = new Set<number>();
  #nextStreamId = 1;
  /** Cancelled ids up to here may have been forgotten. */
  #forgottenId = 0;

  get size(): number {
    return this.#open.size;
  }

  values(): IterableIterator<Exchange> {
    return this.#open.values();
  }

  /** The ids of this connection are used up (RFC 9113 §5.1.1). */
  get usedUp(): boolean {
    return this.#nextStreamId > streamIdMax;
  }

  /** A new stream, with the next id of a client. */
  open(slot: number): Exchange {
    const exchange = this.#spares.pop() ?? blank();
    const streamId = this.#nextStreamId;
    this.#nextStreamId += 2;
    exchange.streamId = streamId;
    exchange.slot = slot;
    this.#open.set(streamId, exchange);
    if (slot >= this.#streamIdBySlot.length) this.#grow(slot);
    this.#streamIdBySlot[slot] = streamId;
    return exchange;
  }

  get(streamId: number): Exchange | undefined {
    return this.#open.get(streamId);
  }

  bySlot(slot: number): Exchange | undefined {
    return this.#open.get(this.#streamIdBySlot[slot] ?? 0);
  }

  /** It has ended: its record is used again. */
  remove(exchange: Exchange): void {
    this.#open.delete(exchange.streamId);
    exchange.status = 0;
    exchange.fields = noFields;
    exchange.contentLength = -1;
    exchange.bodyBytes = 0;
    exchange.takenBytes = 0;
    exchange.held = undefined;
    exchange.windowDelta = 0;
    exchange.unsent = undefined;
    if (this.#spares.length < sparesMax) this.#spares.push(exchange);
  }

  /** We have reset it: what still comes of it is nobody's fault. */
  cancel(exchange: Exchange): void {
    this.#cancelled.add(exchange.streamId);
    if (this.#cancelled.size > limits.h2CancelledStreamsMax) {
      for (const oldest of this.#cancelled) {
        this.#cancelled.delete(oldest);
        this.#forgottenId = Math.max(this.#forgottenId, oldest);
        break;
      }
    }
    this.remove(exchange);
  }

  /** One of ours, whether it is over or not. Of any other the peer may not speak. */
  wasOpened(streamId: number): boolean {
    return (streamId & 1) === 1 && streamId < this.#nextStreamId;
  }

  wasCancelled(streamId: number): boolean {
    return streamId <= this.#forgottenId || this.#cancelled.has(streamId);
  }

  #grow(slot: number): void {
    const larger = new Int32Array(2 * (slot + 1));
    larger.set(this.#streamIdBySlot);
    this.#streamIdBySlot = larger;
  }
}

function blank(): Exchange {
  return {
    streamId: 0,
    slot: 0,
    status: 0,
    fields: noFields,
    contentLength: -1,
    bodyBytes: 0,
    takenBytes: 0,
    held: undefined,
    windowDelta: 0,
    unsent: undefined,
  };
}
