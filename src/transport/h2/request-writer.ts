// Thread: worker
/**
 * A request as frames: HEADERS, then the body as DATA, written straight into the output. Nearly all fit into one frame
 * each and into the peer's windows; what does not goes the long way (RFC 9113 §6.2, §6.10).
 */
import { frameFlags, frameHeadBytes, frameTypes, writeFrameHead } from './frames.ts';
import type { GatewayRequest } from '../gateway-session.ts';
import type { Exchange } from './exchange.ts';
import type { HpackEncoder } from './hpack-encoder.ts';
import type { OutputBuffer } from './output-buffer.ts';
import type { PeerSettings } from './peer-settings.ts';
import type { SendWindow } from './send-window.ts';

export interface RequestWriterParts {
  readonly encoder: HpackEncoder;
  readonly output: OutputBuffer;
  readonly settings: PeerSettings;
  readonly window: SendWindow;
}

// UTF-8 of one UTF-16 code unit.
const utf8BytesMax = 3;

export class RequestWriter {
  readonly #encoder: HpackEncoder;
  readonly #output: OutputBuffer;
  readonly #settings: PeerSettings;
  readonly #window: SendWindow;

  /** The first stream written since `#output` was flushed for the `#firstSince`th time. */
  #firstId = 0;
  #firstSince = -1;

  constructor({ encoder, output, settings, window }: RequestWriterParts) {
    this.#encoder = encoder;
    this.#output = output;
    this.#settings = settings;
    this.#window = window;
  }

  /** -1: a field cannot be carried, or there are more of them than the peer takes. Otherwise a bound on their block. */
  boundOf(request: GatewayRequest): number {
    const { headerListBytes } = this.#settings;
    const isTooLong = headerListBytes !== Infinity && this.#encoder.listBytesOf(request) > headerListBytes;
    return isTooLong ? -1 : this.#encoder.boundOf(request);
  }

  /** Requests of streams from here on wait for the end of the turn: the peer has seen nothing of them. */
  get unwrittenFromId(): number {
    return this.#firstSince === this.#output.flushes ? this.#firstId : Number.POSITIVE_INFINITY;
  }

  /** @param bound what `boundOf` said */
  write(exchange: Exchange, request: GatewayRequest, bound: number): void {
    const { body } = request;
    if (this.#firstSince !== this.#output.flushes) {
      this.#firstSince = this.#output.flushes;
      this.#firstId = exchange.streamId;
    }
    if (bound > this.#settings.frameBytes) this.#writeLongBlock(exchange.streamId, request, bound);
    else if (this.#writeAtOnce(exchange, request, bound)) return;
    if (body !== '') this.#window.hold(exchange, Buffer.from(body));
  }

  /** False: the body has still to follow. */
  #writeAtOnce(exchange: Exchange, request: GatewayRequest, bound: number): boolean {
    const { body } = request;
    const { streamId } = exchange;
    const bodyMax = body.length * utf8BytesMax;
    const fits = bodyMax <= this.#window.atOnceBytes;
    const output = this.#output;
    const at = output.reserve(frameHeadBytes * 2 + bound + (fits ? bodyMax : 0));
    const { bytes } = output;
    const blockAt = at + frameHeadBytes;
    const blockEnd = this.#encoder.write(bytes, blockAt, request);
    const flags = body === '' ? frameFlags.endHeaders | frameFlags.endStream : frameFlags.endHeaders;
    writeFrameHead(bytes, at, { length: blockEnd - blockAt, type: frameTypes.headers, flags, streamId });
    if (body === '' || !fits) {
      output.advanceTo(blockEnd);
      return body === '';
    }
    const bodyAt = blockEnd + frameHeadBytes;
    const bodyBytes = bytes.write(body, bodyAt, 'utf8');
    writeFrameHead(bytes, blockEnd, {
      length: bodyBytes,
      type: frameTypes.data,
      flags: frameFlags.endStream,
      streamId,
    });
    output.advanceTo(bodyAt + bodyBytes);
    this.#window.spent(exchange, bodyBytes);
    return true;
  }

  /** Nothing may stand between a HEADERS frame and its CONTINUATION frames. */
  #writeLongBlock(streamId: number, request: GatewayRequest, bound: number): void {
    const block = Buffer.allocUnsafe(bound);
    const length = this.#encoder.write(block, 0, request);
    const { frameBytes } = this.#settings;
    for (let from = 0; from < length; from += frameBytes) {
      const part = block.subarray(from, Math.min(length, from + frameBytes));
      const isFirst = from === 0;
      const type = isFirst ? frameTypes.headers : frameTypes.continuation;
      const ends = from + part.length === length ? frameFlags.endHeaders : 0;
      const flags = ends | (isFirst && request.body === '' ? frameFlags.endStream : 0);
      const at = this.#output.reserve(frameHeadBytes + part.length);
      const { bytes } = this.#output;
      const partAt = writeFrameHead(bytes, at, { length: part.length, type, flags, streamId });
      bytes.set(part, partAt);
      this.#output.advanceTo(partAt + part.length);
    }
  }
}
