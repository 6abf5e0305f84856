// Thread: worker
/**
 * Our HTTP/2 client: one connection (RFC 9113), for very many small POSTs. No I/O: bytes go to a `ByteWire`, and come
 * by `received`. Requests of one turn of the event loop leave in one write, replies are read where they lie, and no
 * object, event or promise stands for a frame: that is where other clients spend 40 to 220 µs for each request.
 * Whatever the peer does wrong ends its stream or the connection with the code of §7; nothing is thrown.
 */
import { limits } from '../../core/limits.ts';
import { CalmMeter } from './calm-meter.ts';
import { ControlFrames } from './control-frames.ts';
import { ExchangeTable } from './exchange.ts';
import { FrameReader } from './frame-reader.ts';
import {
  errorCodes,
  errorName,
  frameTypes,
  frameFlags,
  goawayBytesMin,
  pingBytes,
  preface,
  settingIds,
  settingsFrame,
  smallFrame,
  uint32Bytes,
  windowBytesDefault,
  writeUint32,
} from './frames.ts';
import { HpackEncoder } from './hpack-encoder.ts';
import { OutputBuffer } from './output-buffer.ts';
import { PeerSettings } from './peer-settings.ts';
import { RequestWriter } from './request-writer.ts';
import { ResponseReader } from './response-reader.ts';
import { SendWindow } from './send-window.ts';
import type { Cancel, Clock } from '../../core/clock.ts';
import type { ConnectionEvents, GatewayConnection } from '../gateway-connection.ts';
import type { GatewayRequest } from '../gateway-session.ts';
import type { ByteWire } from './byte-wire.ts';
import type { ControlOwner } from './control-frames.ts';
import type { Exchange } from './exchange.ts';
import type { FrameHandler } from './frame-reader.ts';
import type { FrameHead } from './frames.ts';
import type { ResponseOwner } from './response-reader.ts';

export interface H2ConnectionOptions {
  readonly clock: Clock;
  readonly events: ConnectionEvents;
  readonly wire: ByteWire;
  /** `:authority`. */
  readonly authority: string;
  /** Of every request. */
  readonly fields: Readonly<Record<string, string>>;
  readonly replyFields: readonly string[];
}

const { noError, protocolError, frameSizeError, enhanceYourCalm } = errorCodes;
/** A body of this size goes out at once, or the connection is not `writable`: the largest that APNs takes. */
const windowFloorBytes = limits.apnsVoipPayloadBytesMax;
// WINDOW_UPDATE is cheap, and usual: once or twice for each request.
const windowUpdateWeight = 0.01;

export class H2Connection implements GatewayConnection, FrameHandler, ResponseOwner, ControlOwner {
  readonly #clock: Clock;
  readonly #events: ConnectionEvents;
  readonly #wire: ByteWire;
  readonly #output: OutputBuffer;
  readonly #settings = new PeerSettings();
  readonly #exchanges = new ExchangeTable();
  readonly #encoder: HpackEncoder;
  readonly #window: SendWindow;
  readonly #requests: RequestWriter;
  readonly #responses: ResponseReader;
  readonly #control: ControlFrames;
  readonly #frames = new FrameReader(this);
  readonly #calm: CalmMeter;
  /** `greeting`: the peer's SETTINGS have not come. `leaving`: no new streams. */
  #state: 'greeting' | 'open' | 'leaving' | 'closed' = 'greeting';
  #closing = false;
  /** Bytes of DATA since the connection's receive window was last widened. */
  #unreturnedBytes = 0;
  #starved = false;
  #cancelAckTimer: Cancel = () => undefined;
  #reason = '';

  constructor({ clock, events, wire, authority, fields, replyFields }: H2ConnectionOptions) {
    this.#clock = clock;
    this.#events = events;
    this.#wire = wire;
    this.#calm = new CalmMeter(clock);
    this.#output = new OutputBuffer(wire, clock, () => this.#maybeWritable());
    this.#encoder = new HpackEncoder({ ':method': 'POST', ':scheme': 'https', ':authority': authority, ...fields });
    this.#window = new SendWindow(this.#output, this.#settings);
    this.#requests = new RequestWriter({
      encoder: this.#encoder,
      output: this.#output,
      settings: this.#settings,
      window: this.#window,
    });
    this.#responses = new ResponseReader(this, this.#exchanges, replyFields);
    this.#control = new ControlFrames(this, {
      encoder: this.#encoder,
      exchanges: this.#exchanges,
      output: this.#output,
      responses: this.#responses,
      settings: this.#settings,
      window: this.#window,
    });
  }

  /** The wire is open: preface and SETTINGS go out (§3.4). */
  start(): void {
    const output = this.#output;
    output.append(preface);
    output.append(
      settingsFrame([
        [settingIds.enablePush, 0],
        [settingIds.initialWindowSize, limits.h2StreamWindowBytes],
        [settingIds.maxHeaderListSize, limits.h2HeaderListBytesMax],
      ]),
    );
    output.append(uint32Frame(frameTypes.windowUpdate, 0, limits.h2ConnectionWindowBytes - windowBytesDefault));
    this.#cancelAckTimer = this.#clock.after(
      limits.h2SettingsAckMs,
      () => this.#fail(errorCodes.settingsTimeout, 'our SETTINGS were not acknowledged'),
      false,
    );
  }

  /** Bytes from the peer; may be used again after the call. */
  received(bytes: Buffer): void {
    if (this.#state === 'closed') return;
    this.#frames.read(bytes);
    if (!this.#isClosed()) this.#events.turnEnded();
  }

  /** The wire has ended: every open stream is reported lost, then `closed`. */
  wireClosed(reason: string): void {
    this.#end(reason);
  }

  get streamsMax(): number {
    return this.#settings.streamsMax;
  }

  get isGreeting(): boolean {
    return this.#state === 'greeting';
  }

  get writable(): boolean {
    if (
      this.#window.bytes >= windowFloorBytes &&
      !this.#window.isHolding &&
      this.#output.backlogBytes < limits.h2OutputBytesMax
    ) {
      return true;
    }
    this.#starved = true;
    return false;
  }

  send(slot: number, request: GatewayRequest): 'sent' | 'closed' | 'invalid' {
    if (this.#state !== 'open' || this.#exchanges.usedUp) return 'closed';
    const bound = this.#requests.boundOf(request);
    if (bound === -1) return 'invalid';
    this.#requests.write(this.#exchanges.open(slot), request, bound);
    return 'sent';
  }

  cancel(slot: number): void {
    const exchange = this.#exchanges.bySlot(slot);
    if (exchange !== undefined) this.ended(exchange, errorCodes.cancel);
  }

  ping(): void {
    if (this.#state === 'closed') return;
    this.#output.append(smallFrame(frameTypes.ping, 0, 0, Buffer.alloc(pingBytes)));
  }

  close(): void {
    if (this.#state === 'closed' || this.#closing) return;
    this.#closing = true;
    this.#state = 'leaving';
    this.#closeIfDone();
  }

  destroy(reason: string): void {
    if (this.#state === 'closed') return;
    if (this.#reason === '') this.#reason = reason;
    this.#output.close();
    this.#wire.destroy();
    this.#clock.soon(() => this.#end(reason));
  }

  frame(head: Readonly<FrameHead>, bytes: Buffer, at: number): boolean {
    const code = this.#obey(head, bytes, at);
    // Something told may have ended the connection meanwhile.
    if (code !== noError) this.#fail(code, '');
    return !this.#isClosed();
  }

  frameTooLong(): void {
    this.#fail(frameSizeError, '');
  }

  ended(exchange: Exchange, reset: number): void {
    const { streamId } = exchange;
    this.#window.forget(exchange);
    if (reset === -1) {
      this.#exchanges.remove(exchange);
    } else {
      this.#exchanges.cancel(exchange);
      this.#output.append(uint32Frame(frameTypes.resetStream, streamId, reset));
    }
    if (this.#closing) this.#closeIfDone();
    if (this.#starved) this.#maybeWritable();
  }

  responded(slot: number, status: number, fields: Readonly<Record<string, string>>, body: string): void {
    this.#calm.served();
    this.#events.responded(slot, status, fields, body);
  }

  lost(slot: number, unprocessed: boolean, reason: string): void {
    this.#events.lost(slot, unprocessed, reason);
  }

  interim(): number {
    return this.#calmAfter(1);
  }

  settingsCame(): void {
    if (this.#state === 'greeting') {
      this.#state = 'open';
      this.#events.opened();
    } else {
      this.#events.streamsChanged();
      this.#maybeWritable();
    }
  }

  settingsAcknowledged(): void {
    this.#cancelAckTimer();
  }

  windowWidened(): void {
    this.#maybeWritable();
  }

  left(reason: string): void {
    this.#reason = reason;
    this.#state = 'leaving';
    this.#events.leaving(reason);
  }

  /** A call, because what is told between may close it. */
  #isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** `NO_ERROR`, or the code with which the connection must end. */
  #obey(head: Readonly<FrameHead>, bytes: Buffer, at: number): number {
    const { type, length } = head;
    if (this.#state === 'greeting' && type !== frameTypes.settings) return protocolError; // §3.4
    if (this.#responses.blockStreamId !== 0 && type !== frameTypes.continuation) return protocolError; // §4.3
    switch (type) {
      case frameTypes.headers:
        return this.#responses.headers(head, bytes, at) || this.#calmAfter(length === 0 ? 1 : 0);
      case frameTypes.data:
        return this.#data(head, bytes, at);
      case frameTypes.windowUpdate:
        return this.#calmAfter(windowUpdateWeight) || this.#control.windowUpdate(head, bytes, at);
      case frameTypes.continuation:
        return this.#responses.continuation(head, bytes, at) || this.#calmAfter(length === 0 ? 1 : 0);
      case frameTypes.resetStream:
        return this.#responses.reset(head, bytes, at) || this.#calmAfter(windowUpdateWeight);
      case frameTypes.settings:
        return this.#calmAfter(1) || this.#control.settings(head, bytes, at);
      case frameTypes.ping:
        return this.#calmAfter(1) || this.#control.ping(head, bytes, at);
      case frameTypes.goaway:
        return this.#calmAfter(1) || this.#control.goaway(head, bytes, at);
      case frameTypes.pushPromise:
        return protocolError; // we have said that we want none (§6.6)
      case frameTypes.priority:
        return this.#calmAfter(1) || this.#control.priority(head);
      default:
        return this.#calmAfter(1); // unknown: ignored (§4.1)
    }
  }

  #calmAfter(weight: number): number {
    return weight === 0 || this.#calm.allows(weight) ? noError : enhanceYourCalm;
  }

  #data(head: Readonly<FrameHead>, bytes: Buffer, at: number): number {
    const { length, flags } = head;
    if (head.streamId === 0) return protocolError;
    // Padding counts too (§6.9.1), and what comes on streams that are over.
    this.#unreturnedBytes += length;
    if (this.#unreturnedBytes > limits.h2ConnectionWindowBytes) return errorCodes.flowControlError;
    if (this.#unreturnedBytes > limits.h2ConnectionWindowBytes / 2) {
      this.#output.append(uint32Frame(frameTypes.windowUpdate, 0, this.#unreturnedBytes));
      this.#unreturnedBytes = 0;
    }
    const paddedBytes = (flags & frameFlags.padded) === 0 ? 0 : 1 + (bytes[at] ?? 0);
    const saysNothing = length === paddedBytes && (flags & frameFlags.endStream) === 0;
    return this.#responses.data(head, bytes, at) || this.#calmAfter(saysNothing ? 1 : 0);
  }

  #maybeWritable(): void {
    if (!this.#starved || this.#state === 'closed') return;
    this.#starved = false;
    if (this.writable) this.#events.writableAgain();
  }

  #closeIfDone(): void {
    if (this.#exchanges.size > 0 || this.#output.closed) return;
    this.#endWire(noError, '');
  }

  #endWire(code: number, debug: string): void {
    this.#sayGoaway(code, debug);
    this.#output.flush();
    this.#output.close();
    this.#wire.end();
  }

  #sayGoaway(code: number, debug: string): void {
    // We have taken no stream of the peer's: the last one is 0.
    const payload = Buffer.alloc(goawayBytesMin + debug.length);
    writeUint32(payload, uint32Bytes, code);
    payload.write(debug, goawayBytesMin, 'latin1');
    this.#output.append(smallFrame(frameTypes.goaway, 0, 0, payload));
  }

  /** A fault of the peer that leaves the connection in doubt (§5.4.1). */
  #fail(code: number, debug: string): void {
    if (this.#state === 'closed') return;
    if (!this.#output.closed) this.#endWire(code, debug);
    this.#end(`the gateway broke HTTP/2: ${errorName(code)}`);
  }

  #end(reason: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#cancelAckTimer();
    this.#output.close();
    const said = this.#reason === '' ? reason : this.#reason;
    this.#responses.loseAll(said, this.#requests.unwrittenFromId);
    this.#events.closed(said);
  }
}

function uint32Frame(type: number, streamId: number, value: number): Buffer {
  const payload = Buffer.alloc(uint32Bytes);
  writeUint32(payload, 0, value);
  return smallFrame(type, 0, streamId, payload);
}
