// Thread: worker
/**
 * The response frames of all streams of a connection: HEADERS with CONTINUATION, DATA, RST_STREAM (RFC 9113 §6.1 to
 * §6.4, §6.10, §8.1). Ends each stream exactly once. A malformed response costs its own stream (§8.1.1); a fault that
 * leaves the connection in doubt is told by its error code.
 */
import { limits } from '../../core/limits.ts';
import { errorCodes, errorName, frameFlags, readUint32, uint32Bytes } from './frames.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import type { Exchange, ExchangeTable } from './exchange.ts';
import type { FrameHead } from './frames.ts';

export interface ResponseOwner {
  /** What we still had to send for it is forgotten. `reset`: the code with which the peer is told; -1: it knows. */
  ended(exchange: Exchange, reset: number): void;
  responded(slot: number, status: number, fields: Readonly<Record<string, string>>, body: string): void;
  lost(slot: number, unprocessed: boolean, reason: string): void;
  /** An interim response has come. `NO_ERROR`, or the code with which the connection must end. */
  interim(): number;
}

const { noError, protocolError, frameSizeError, streamClosed, compressionError, enhanceYourCalm } = errorCodes;
const empty = Buffer.alloc(0);
const paddingLengthBytes = 1;
const priorityBytes = 5;

export class ResponseReader {
  readonly #owner: ResponseOwner;
  readonly #exchanges: ExchangeTable;
  readonly #decoder: HpackDecoder;
  /** A block of fields whose end has not come: nothing but CONTINUATION of this stream may follow. 0: none. */
  #blockStreamId = 0;
  #blockEndsStream = false;
  #block: Buffer = empty;
  #from = 0;
  #end = 0;

  constructor(owner: ResponseOwner, exchanges: ExchangeTable, wanted: readonly string[]) {
    this.#owner = owner;
    this.#exchanges = exchanges;
    this.#decoder = new HpackDecoder({ wanted, listBytesMax: limits.h2HeaderListBytesMax });
  }

  /** Of the block that is not complete; 0: none. */
  get blockStreamId(): number {
    return this.#blockStreamId;
  }

  /** Each of these: `NO_ERROR`, or the code with which the connection must end. */
  headers(head: Readonly<FrameHead>, bytes: Buffer, at: number): number {
    const { flags, length, streamId } = head;
    if (!this.#exchanges.wasOpened(streamId)) return protocolError;
    const code = this.#unpad(head, bytes, at);
    if (code !== noError) return code;
    const from = (flags & frameFlags.priority) === 0 ? this.#from : this.#from + priorityBytes;
    const end = this.#end;
    if (from > end) return from > at + length ? frameSizeError : protocolError;
    const endsStream = (flags & frameFlags.endStream) !== 0;
    if ((flags & frameFlags.endHeaders) !== 0) return this.#decode(streamId, endsStream, bytes, from, end);
    this.#blockStreamId = streamId;
    this.#blockEndsStream = endsStream;
    this.#block = Buffer.from(bytes.subarray(from, end));
    return noError;
  }

  continuation({ flags, length, streamId }: Readonly<FrameHead>, bytes: Buffer, at: number): number {
    if (streamId === 0 || streamId !== this.#blockStreamId) return protocolError;
    if (this.#block.length + length > limits.h2HeaderBlockBytesMax) return enhanceYourCalm;
    this.#block = Buffer.concat([this.#block, bytes.subarray(at, at + length)]);
    if ((flags & frameFlags.endHeaders) === 0) return noError;
    const block = this.#block;
    this.#blockStreamId = 0;
    this.#block = empty;
    return this.#decode(streamId, this.#blockEndsStream, block, 0, block.length);
  }

  data(head: Readonly<FrameHead>, bytes: Buffer, at: number): number {
    const code = this.#unpad(head, bytes, at);
    if (code !== noError) return code;
    const { flags, length, streamId } = head;
    const from = this.#from;
    const end = this.#end;
    const exchange = this.#exchanges.get(streamId);
    if (exchange === undefined) return this.#strayCode(streamId);
    if (exchange.status === 0) {
      this.#malformed(exchange, 'DATA before HEADERS');
      return noError;
    }
    exchange.bodyBytes += end - from;
    exchange.takenBytes += length;
    const endsStream = (flags & frameFlags.endStream) !== 0;
    const isFull = exchange.takenBytes >= limits.h2StreamWindowBytes && !endsStream;
    if (exchange.bodyBytes > limits.gatewayResponseBytesMax || isFull) {
      this.#finish(exchange, '', errorCodes.cancel); // more than any gateway says: the status alone must do
    } else if (endsStream) {
      this.#finishWith(exchange, bytes.subarray(from, end));
    } else if (end > from) {
      hold(exchange, bytes.subarray(from, end));
    }
    return noError;
  }

  reset({ length, streamId }: Readonly<FrameHead>, bytes: Buffer, at: number): number {
    if (length !== uint32Bytes) return frameSizeError;
    if (!this.#exchanges.wasOpened(streamId)) return protocolError;
    const exchange = this.#exchanges.get(streamId);
    if (exchange === undefined) return noError;
    const code = readUint32(bytes, at);
    const unprocessed = code === errorCodes.refusedStream && exchange.status === 0;
    this.#lose(exchange, { unprocessed, reason: `RST_STREAM ${errorName(code)}`, reset: -1 });
    return noError;
  }

  /** Streams that the peer has certainly not acted on (§6.8). */
  loseAbove(lastStreamId: number, reason: string): void {
    for (const exchange of this.#above(lastStreamId)) {
      this.#lose(exchange, { unprocessed: exchange.status === 0, reason, reset: -1 });
    }
  }

  /** @param unwrittenFromId streams from here on have never left. */
  loseAll(reason: string, unwrittenFromId: number): void {
    for (const exchange of this.#above(0)) {
      this.#lose(exchange, { unprocessed: exchange.streamId >= unwrittenFromId, reason, reset: -1 });
    }
  }

  /** Those still open at their turn: whoever is told of one may cancel another. */
  *#above(lastStreamId: number): Iterable<Exchange> {
    for (const exchange of [...this.#exchanges.values()]) {
      const { streamId } = exchange;
      if (streamId > lastStreamId && this.#exchanges.get(streamId) === exchange) yield exchange;
    }
  }

  lose(exchange: Exchange, reason: string, reset: number): void {
    this.#lose(exchange, { unprocessed: false, reason, reset });
  }

  /** Leaves in `#from` and `#end` what is not padding (§6.1, §6.2). */
  #unpad({ flags, length }: Readonly<FrameHead>, bytes: Buffer, at: number): number {
    this.#from = at;
    this.#end = at + length;
    if ((flags & frameFlags.padded) === 0) return noError;
    if (length < paddingLengthBytes) return frameSizeError;
    this.#from += paddingLengthBytes;
    this.#end -= bytes[at] ?? 0;
    return this.#from > this.#end ? protocolError : noError;
  }

  /** DATA or HEADERS of a stream that is not open (§5.1). */
  #strayCode(streamId: number): number {
    if (!this.#exchanges.wasOpened(streamId)) return protocolError;
    return this.#exchanges.wasCancelled(streamId) ? noError : streamClosed;
  }

  #decode(streamId: number, endsStream: boolean, bytes: Buffer, from: number, end: number): number {
    const decoder = this.#decoder;
    const exchange = this.#exchanges.get(streamId);
    const isTrailers = exchange !== undefined && exchange.status !== 0;
    const verdict = decoder.decode(bytes, from, end, isTrailers);
    if (verdict === 'compression-error') return compressionError;
    if (exchange === undefined) return this.#strayCode(streamId);
    if (verdict !== 'ok') {
      this.#malformed(exchange, verdict === 'too-large' ? 'response fields too large' : 'malformed response');
      return noError;
    }
    if (isTrailers) {
      if (endsStream) this.#finishWith(exchange, empty);
      else this.#malformed(exchange, 'trailers that do not end the stream');
      return noError;
    }
    const { status } = decoder;
    if (status < 200) {
      // Interim responses say nothing to us; switching protocols is not in HTTP/2 (§8.6).
      if (endsStream || status === 101) this.#malformed(exchange, 'malformed response');
      return this.#owner.interim();
    }
    exchange.status = status;
    exchange.fields = decoder.fields;
    exchange.contentLength = decoder.contentLength;
    if (endsStream) this.#finishWith(exchange, empty);
    return noError;
  }

  /** The last piece has come; it is still in the read buffer. */
  #finishWith(exchange: Exchange, last: Buffer): void {
    const { contentLength, bodyBytes, status } = exchange;
    // A 304 says the length of what it does not carry (RFC 9110 §8.6).
    if (contentLength !== -1 && contentLength !== bodyBytes && status !== 304) {
      this.#malformed(exchange, 'content-length is not the length of the body');
      return;
    }
    const body = whole(exchange, last);
    // With the request still on its way the peer has answered early: it need not read the rest (§8.1).
    this.#finish(exchange, body.length === 0 ? '' : body.toString(), exchange.unsent === undefined ? -1 : noError);
  }

  #finish(exchange: Exchange, body: string, reset: number): void {
    const { slot, status, fields } = exchange;
    this.#owner.ended(exchange, reset);
    this.#owner.responded(slot, status, fields, body);
  }

  #malformed(exchange: Exchange, reason: string): void {
    this.#lose(exchange, { unprocessed: false, reason, reset: protocolError });
  }

  #lose(
    exchange: Exchange,
    { unprocessed, reason, reset }: { readonly unprocessed: boolean; readonly reason: string; readonly reset: number },
  ): void {
    const { slot } = exchange;
    this.#owner.ended(exchange, reset);
    this.#owner.lost(slot, unprocessed, reason);
  }
}

/** Copies, in one buffer however small the pieces are: one object for each would weigh a hundred times its bytes. */
function hold(exchange: Exchange, piece: Buffer): Buffer {
  const { held, bodyBytes } = exchange;
  const at = bodyBytes - piece.length;
  let room = held;
  if (room === undefined || room.length < bodyBytes) {
    room = Buffer.allocUnsafe(2 * bodyBytes);
    held?.copy(room, 0, 0, at);
    exchange.held = room;
  }
  room.set(piece, at);
  return room;
}

function whole(exchange: Exchange, last: Buffer): Buffer {
  return exchange.held === undefined ? last : hold(exchange, last).subarray(0, exchange.bodyBytes);
}
