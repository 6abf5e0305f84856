// Thread: worker
/**
 * The frames that carry no response: PRIORITY, SETTINGS, PING, GOAWAY, WINDOW_UPDATE (RFC 9113 §6.3, §6.5, §6.7 to
 * §6.9). Each is checked and obeyed, or told by the error code with which the connection must end.
 */
import {
  errorCodes,
  errorName,
  frameFlags,
  frameTypes,
  goawayBytesMin,
  goawayReason,
  pingBytes,
  readUint32,
  smallFrame,
  streamIdMax,
  uint32Bytes,
} from './frames.ts';
import type { ExchangeTable } from './exchange.ts';
import type { FrameHead } from './frames.ts';
import type { HpackEncoder } from './hpack-encoder.ts';
import type { OutputBuffer } from './output-buffer.ts';
import type { PeerSettings } from './peer-settings.ts';
import type { ResponseReader } from './response-reader.ts';
import type { SendWindow } from './send-window.ts';

export interface ControlOwner {
  /** The peer's first SETTINGS have not come. */
  readonly isGreeting: boolean;
  settingsCame(): void;
  settingsAcknowledged(): void;
  /** The peer takes more of the bodies than before. */
  windowWidened(): void;
  /** GOAWAY. */
  left(reason: string): void;
}

export interface ControlFramesParts {
  readonly encoder: HpackEncoder;
  readonly exchanges: ExchangeTable;
  readonly output: OutputBuffer;
  readonly responses: ResponseReader;
  readonly settings: PeerSettings;
  readonly window: SendWindow;
}

const { noError, protocolError, frameSizeError } = errorCodes;
const priorityBytes = 5;
const uint31Mask = streamIdMax;
const nothing = Buffer.alloc(0);

/** Each of these: `NO_ERROR`, or the code with which the connection must end. */
export class ControlFrames {
  readonly #owner: ControlOwner;
  readonly #parts: ControlFramesParts;
  #lastStreamId = streamIdMax;

  constructor(owner: ControlOwner, parts: ControlFramesParts) {
    this.#owner = owner;
    this.#parts = parts;
  }

  /** What it says is nothing to us; of a wrong length it costs its stream. A stream that is idle cannot be reset. */
  priority({ length, streamId }: Readonly<FrameHead>): number {
    if (streamId === 0) return protocolError;
    if (length === priorityBytes) return noError;
    if (!this.#parts.exchanges.wasOpened(streamId)) return frameSizeError;
    const exchange = this.#parts.exchanges.get(streamId);
    if (exchange !== undefined) {
      this.#parts.responses.lose(exchange, `PRIORITY: ${errorName(frameSizeError)}`, frameSizeError);
    }
    return noError;
  }

  windowUpdate({ length, streamId }: Readonly<FrameHead>, bytes: Buffer, at: number): number {
    const { window, exchanges, responses } = this.#parts;
    if (length !== uint32Bytes) return frameSizeError;
    const increment = readUint32(bytes, at) & uint31Mask;
    if (streamId === 0) {
      if (increment === 0) return protocolError;
      const code = window.widen(increment);
      this.#owner.windowWidened();
      return code;
    }
    if (!exchanges.wasOpened(streamId)) return protocolError;
    const exchange = exchanges.get(streamId);
    if (exchange === undefined) return noError; // it is over, and the peer did not know yet
    const code = increment === 0 ? protocolError : window.widenStream(exchange, increment);
    if (code !== noError) responses.lose(exchange, `WINDOW_UPDATE: ${errorName(code)}`, code);
    else this.#owner.windowWidened();
    return noError;
  }

  settings({ flags, length, streamId }: Readonly<FrameHead>, bytes: Buffer, at: number): number {
    const { settings, encoder, output, window, exchanges } = this.#parts;
    if (streamId !== 0) return protocolError;
    if ((flags & frameFlags.ack) !== 0) {
      if (length !== 0) return frameSizeError;
      if (this.#owner.isGreeting) return protocolError;
      this.#owner.settingsAcknowledged();
      return noError;
    }
    const code = settings.read(bytes, at, length);
    if (code !== noError) return code;
    encoder.setTableBytesMax(settings.headerTableBytes);
    // Before what makes use of them: until then the peer holds us to the old ones (§6.5.3).
    output.append(smallFrame(frameTypes.settings, frameFlags.ack, 0, nothing));
    const resized = window.resized(exchanges);
    if (resized === noError) this.#owner.settingsCame();
    return resized;
  }

  ping({ flags, length, streamId }: Readonly<FrameHead>, bytes: Buffer, at: number): number {
    if (streamId !== 0) return protocolError;
    if (length !== pingBytes) return frameSizeError;
    if ((flags & frameFlags.ack) === 0) {
      const answer = smallFrame(frameTypes.ping, frameFlags.ack, 0, bytes.subarray(at, at + length));
      this.#parts.output.append(answer);
    }
    return noError;
  }

  goaway({ length, streamId }: Readonly<FrameHead>, bytes: Buffer, at: number): number {
    if (streamId !== 0) return protocolError;
    if (length < goawayBytesMin) return frameSizeError;
    const lastStreamId = readUint32(bytes, at) & uint31Mask;
    if (lastStreamId > this.#lastStreamId) return protocolError; // it may only become less (§6.8)
    this.#lastStreamId = lastStreamId;
    const code = readUint32(bytes, at + uint32Bytes);
    const reason = goawayReason(code, bytes.subarray(at + goawayBytesMin, at + length));
    this.#owner.left(reason);
    this.#parts.responses.loseAbove(lastStreamId, reason);
    return noError;
  }
}
