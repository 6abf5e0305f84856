// Thread: worker
/**
 * Flow control towards the peer (RFC 9113 §5.2, §6.9): the connection's window, each stream's, and the bodies that wait
 * for either. A stream's window may be negative after SETTINGS have made it smaller (§6.9.2).
 */
import {
  errorCodes,
  frameFlags,
  frameHeadBytes,
  frameTypes,
  windowBytesDefault,
  windowBytesMax,
  writeFrameHead,
} from './frames.ts';
import type { Exchange, ExchangeTable } from './exchange.ts';
import type { OutputBuffer } from './output-buffer.ts';
import type { PeerSettings } from './peer-settings.ts';

export class SendWindow {
  readonly #output: OutputBuffer;
  readonly #settings: PeerSettings;
  /** Those with unsent bodies, in the order of their streams. */
  #held: Exchange[] = [];
  #bytes: number = windowBytesDefault;

  constructor(output: OutputBuffer, settings: PeerSettings) {
    this.#output = output;
    this.#settings = settings;
  }

  /** Of the connection. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bodies wait: a new one would overtake them. */
  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /** The most a new stream may send at once, in one frame. */
  get atOnceBytes(): number {
    if (this.#held.length > 0) return 0;
    return Math.min(this.#bytes, this.#settings.windowBytes, this.#settings.frameBytes);
  }

  /** A body within `atOnceBytes` has been written. */
  spent(exchange: Exchange, bytes: number): void {
    this.#bytes -= bytes;
    exchange.windowDelta -= bytes;
  }

  /** Sends what may be sent of a body, and the rest when the peer allows. */
  hold(exchange: Exchange, body: Buffer): void {
    exchange.unsent = body;
    this.#held.push(exchange);
    this.sendHeld();
  }

  /** Its stream has ended. */
  forget(exchange: Exchange): void {
    if (exchange.unsent !== undefined) this.#held = this.#held.filter((other) => other !== exchange);
  }

  /** WINDOW_UPDATE of the connection. `NO_ERROR`, or how the connection must end. */
  widen(increment: number): number {
    if (this.#bytes + increment > windowBytesMax) return errorCodes.flowControlError;
    this.#bytes += increment;
    this.sendHeld();
    return errorCodes.noError;
  }

  /** WINDOW_UPDATE of a stream. `NO_ERROR`, or how the stream must end. */
  widenStream(exchange: Exchange, increment: number): number {
    if (this.#settings.windowBytes + exchange.windowDelta + increment > windowBytesMax)
      return errorCodes.flowControlError;
    exchange.windowDelta += increment;
    this.sendHeld();
    return errorCodes.noError;
  }

  /** SETTINGS have changed every stream's window (§6.9.2). `NO_ERROR`, or how the connection must end. */
  resized(exchanges: ExchangeTable): number {
    for (const { windowDelta } of exchanges.values()) {
      if (this.#settings.windowBytes + windowDelta > windowBytesMax) return errorCodes.flowControlError;
    }
    this.sendHeld();
    return errorCodes.noError;
  }

  sendHeld(): void {
    if (this.#held.length === 0) return;
    for (const exchange of this.#held) this.#sendSome(exchange);
    this.#held = this.#held.filter(({ unsent }) => unsent !== undefined);
  }

  #sendSome(exchange: Exchange): void {
    for (;;) {
      const { unsent, windowDelta } = exchange;
      const { windowBytes, frameBytes } = this.#settings;
      if (unsent === undefined) return;
      const count = Math.min(unsent.length, this.#bytes, windowBytes + windowDelta, frameBytes);
      if (count <= 0) return;
      const isLast = count === unsent.length;
      exchange.unsent = isLast ? undefined : unsent.subarray(count);
      this.#writeData(exchange.streamId, unsent.subarray(0, count), isLast);
      this.spent(exchange, count);
    }
  }

  #writeData(streamId: number, data: Buffer, isLast: boolean): void {
    const output = this.#output;
    const at = output.reserve(frameHeadBytes + data.length);
    const flags = isLast ? frameFlags.endStream : 0;
    const from = writeFrameHead(output.bytes, at, { length: data.length, type: frameTypes.data, flags, streamId });
    output.bytes.set(data, from);
    output.advanceTo(from + data.length);
  }
}
