/**
 * The other end of an HTTP/2 client's wire, in memory. It reads each frame the client writes and throws at the first
 * that breaks RFC 9113: windows, stream ids and limit, frame sizes, order, HPACK. What it sends is the test's choice.
 */
import assert from 'node:assert/strict';
import { FrameReader, clientPreface, nameOf, settings, settingsAck, settingsOf } from './h2-frames.ts';
import { RequestDecoder } from './h2-hpack.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { Frame, Settings } from './h2-frames.ts';
import type { DecodedField } from './h2-hpack.ts';

/** What a peer needs of the client it talks to. */
export interface ClientEnd {
  received(bytes: Uint8Array): void;
  wireClosed(reason: string): void;
}

/** A request as it arrives. */
export interface PeerStream {
  readonly id: number;
  readonly block: readonly DecodedField[];
  readonly fields: Readonly<Record<string, string>>;
  body: string;
  /** Sizes of its DATA frames. */
  readonly pieces: number[];
  /** END_STREAM has come. */
  ended: boolean;
  resetCode: number | undefined;
  /** How many more bytes of DATA we take; negative after a smaller INITIAL_WINDOW_SIZE (§6.9.2). */
  window: number;
  /** How many bytes of DATA the client takes from us. */
  sendWindow: number;
  /** We have sent END_STREAM or RST_STREAM. */
  answered: boolean;
}

interface Write {
  readonly bytes: Uint8Array;
  readonly written: () => void;
}

interface Goaway {
  readonly lastStreamId: number;
  readonly code: number;
  readonly debug: string;
}

export class H2Peer {
  readonly streams: Map<number, PeerStream> = new Map();
  readonly pings: string[] = [];
  readonly pongs: string[] = [];
  readonly goaways: Goaway[] = [];
  /** Of the client's first SETTINGS frame. */
  clientSettings: Settings | undefined;
  settingsAcks = 0;
  /** Calls of `write`. */
  writes = 0;
  bytesWritten = 0;
  ended = false;
  destroyed = false;
  /** Bytes stay unwritten, as on a socket whose peer does not read. */
  holds = false;
  /** The client has ended the wire, or the peer has: nothing comes any more. */
  closed = false;
  /** Whether we close when the client has ended its side, as servers do. */
  closesAfterEnd = true;
  /** DATA that we take on the connection, and that the client takes. */
  window = 65_535;
  sendWindow = 65_535;

  readonly #clock: Clock;
  readonly #reader = new FrameReader();
  readonly #decoder = new RequestDecoder();
  readonly #held: Write[] = [];
  readonly #unacknowledged: Settings[] = [];
  #client: ClientEnd | undefined;
  #prefaceLeft = clientPreface;
  #settings: Settings = {};
  #lastStreamId = 0;
  #block: { readonly streamId: number; readonly end: boolean; readonly parts: Buffer[] } | undefined;
  #clientInitialWindow = 65_535;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  attach(client: ClientEnd): void {
    this.#client = client;
  }

  // The client's wire.

  write(bytes: Uint8Array, written: () => void): void {
    assert.ok(!this.ended && !this.destroyed, 'nothing is written after the end');
    assert.ok(bytes.length > 0, 'no empty write');
    this.writes += 1;
    this.bytesWritten += bytes.length;
    this.#held.push({ bytes, written });
    if (!this.holds) this.#clock.soon(() => this.#take());
  }

  end(): void {
    assert.ok(!this.ended && !this.destroyed, 'a wire ends once');
    this.ended = true;
    if (this.closesAfterEnd) this.close('closed');
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.close('destroyed');
  }

  // The peer's side.

  /** Frames, in one piece; the client may not keep the memory. */
  send(...frames: readonly Uint8Array[]): void {
    if (this.closed) return;
    const bytes = Buffer.concat(frames);
    for (const frame of new FrameReader().push(bytes)) this.#sent(frame);
    this.#client?.received(bytes);
    bytes.fill(0xee);
  }

  /** SETTINGS that count as soon as the client has acknowledged them (§6.5.3). */
  settings(values: Settings): void {
    this.send(settings(values));
  }

  /** The first thing a server sends (§3.4). */
  open(values: Settings = {}): void {
    this.settings(values);
    this.send(settingsAck());
  }

  /** Everything that `holds` kept back has been written. */
  release(): void {
    this.holds = false;
    while (this.#held.length > 0) this.#take();
  }

  /** The connection is gone, told in a later turn. */
  close(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.#clock.soon(() => {
      while (this.#held.length > 0) this.#take();
      this.#client?.wireClosed(reason);
    });
  }

  /** The request on this stream, which must have come. */
  expectHeaders(streamId: number): PeerStream {
    const stream = this.streams.get(streamId);
    assert.ok(stream !== undefined, `HEADERS on stream ${streamId}; came on ${[...this.streams.keys()].join(', ')}`);
    return stream;
  }

  /** Likewise, whole. */
  expectRequest(streamId: number): PeerStream {
    const stream = this.expectHeaders(streamId);
    assert.ok(stream.ended, `END_STREAM on stream ${streamId}`);
    return stream;
  }

  expectReset(streamId: number, code: number): void {
    assert.equal(this.expectHeaders(streamId).resetCode, code, `RST_STREAM of stream ${streamId}`);
  }

  get unacknowledged(): number {
    return this.#unacknowledged.length;
  }

  #take(): void {
    const next = this.#held.shift();
    if (next === undefined) return;
    let bytes = next.bytes;
    if (this.#prefaceLeft !== '') {
      const part = Buffer.from(bytes.subarray(0, this.#prefaceLeft.length)).toString('latin1');
      assert.ok(this.#prefaceLeft.startsWith(part), 'the preface comes first (§3.4)');
      this.#prefaceLeft = this.#prefaceLeft.slice(part.length);
      bytes = bytes.subarray(part.length);
    }
    for (const frame of this.#reader.push(bytes)) this.#came(frame);
    next.written();
  }

  #came(frame: Frame): void {
    const { type, flags, streamId, payload } = frame;
    const say = nameOf(frame);
    assert.ok(this.clientSettings !== undefined || (type === 4 && (flags & 1) === 0), `SETTINGS first, not ${say}`);
    assert.ok(payload.length <= (this.#settings.maxFrameSize ?? 16_384), `larger than MAX_FRAME_SIZE: ${say}`);
    assert.ok(this.#block === undefined || (type === 9 && streamId === this.#block.streamId), `in a block: ${say}`);
    if (type === 0) this.#dataCame(frame, say);
    else if (type === 1) this.#headersCame(frame, say);
    else if (type === 3) {
      assert.equal(payload.length, 4, say);
      const stream = this.streams.get(streamId);
      assert.ok(stream !== undefined && stream.resetCode === undefined, `an open stream: ${say}`);
      stream.resetCode = payload.readUInt32BE();
    } else if (type === 4) this.#settingsCame(frame, say);
    else if (type === 6) {
      assert.ok(streamId === 0 && payload.length === 8, say);
      ((flags & 1) === 0 ? this.pings : this.pongs).push(payload.toString('latin1'));
    } else if (type === 7) {
      assert.ok(streamId === 0 && payload.length >= 8, say);
      this.goaways.push({
        lastStreamId: payload.readUInt32BE(),
        code: payload.readUInt32BE(4),
        debug: payload.toString('latin1', 8),
      });
    } else if (type === 8) this.#windowCame(frame, say);
    else if (type === 9) this.#continuationCame(frame, say);
    else assert.fail(`not from a client: ${say}`);
  }

  #dataCame({ flags, streamId, payload }: Frame, say: string): void {
    const stream = this.streams.get(streamId);
    assert.ok(stream !== undefined && !stream.ended && stream.resetCode === undefined, `an open stream: ${say}`);
    assert.equal(flags & ~1, 0, `no padding: ${say}`);
    stream.window -= payload.length;
    this.window -= payload.length;
    assert.ok(payload.length === 0 || (stream.window >= 0 && this.window >= 0), `within the windows: ${say}`);
    stream.body += payload.toString('latin1');
    stream.pieces.push(payload.length);
    stream.ended = (flags & 1) !== 0;
  }

  #headersCame({ flags, streamId, payload }: Frame, say: string): void {
    assert.ok(streamId % 2 === 1 && streamId > this.#lastStreamId, `a new odd stream: ${say}`);
    assert.equal(flags & ~0x5, 0, `END_STREAM and END_HEADERS alone: ${say}`);
    const open = [...this.streams.values()].filter((stream) => !isClosed(stream)).length;
    assert.ok(open < (this.#settings.maxConcurrentStreams ?? Infinity), `over the stream limit: ${say}`);
    assert.equal(this.goaways.length, 0, `no stream after GOAWAY: ${say}`);
    this.#lastStreamId = streamId;
    this.#block = { streamId, end: (flags & 1) !== 0, parts: [payload] };
    if ((flags & 4) !== 0) this.#blockCame();
  }

  #continuationCame({ flags, payload }: Frame, say: string): void {
    assert.ok(this.#block !== undefined, `no block: ${say}`);
    this.#block.parts.push(payload);
    if ((flags & 4) !== 0) this.#blockCame();
  }

  #blockCame(): void {
    if (this.#block === undefined) return;
    const { streamId, end, parts } = this.#block;
    this.#block = undefined;
    const block = this.#decoder.decode(Buffer.concat(parts));
    const firstPlain = block.findIndex(({ name }) => !name.startsWith(':'));
    assert.ok(firstPlain === -1 || block.slice(firstPlain).every(({ name }) => !name.startsWith(':')), '§8.3');
    this.streams.set(streamId, {
      id: streamId,
      block,
      fields: Object.fromEntries(block.map(({ name, value }) => [name, value])),
      body: '',
      pieces: [],
      ended: end,
      resetCode: undefined,
      window: this.#settings.initialWindowSize ?? 65_535,
      sendWindow: this.#clientInitialWindow,
      answered: false,
    });
  }

  #settingsCame(frame: Frame, say: string): void {
    assert.equal(frame.streamId, 0, say);
    if ((frame.flags & 1) === 0) {
      const values = settingsOf(frame);
      this.clientSettings ??= values;
      this.#clientInitialWindow = values.initialWindowSize ?? this.#clientInitialWindow;
      return;
    }
    assert.equal(frame.payload.length, 0, say);
    const acknowledged = this.#unacknowledged.shift();
    assert.ok(acknowledged !== undefined, `one acknowledgement for each SETTINGS: ${say}`);
    this.settingsAcks += 1;
    const before = this.#settings.initialWindowSize ?? 65_535;
    this.#settings = { ...this.#settings, ...acknowledged };
    const change = (this.#settings.initialWindowSize ?? 65_535) - before;
    for (const stream of this.streams.values()) stream.window += change;
    if (acknowledged.headerTableSize !== undefined) this.#decoder.allow(acknowledged.headerTableSize);
  }

  #windowCame({ streamId, payload }: Frame, say: string): void {
    const increment = payload.readUInt32BE();
    assert.ok(payload.length === 4 && increment > 0 && increment < 2 ** 31, say);
    if (streamId === 0) this.sendWindow += increment;
    const stream = this.streams.get(streamId);
    assert.ok(streamId === 0 || stream !== undefined, `a stream there is: ${say}`);
    if (stream !== undefined) stream.sendWindow += increment;
    assert.ok(Math.max(this.sendWindow, stream?.sendWindow ?? 0) < 2 ** 31, `no window above 2^31-1: ${say}`);
  }

  /** What we have sent, for our own account. */
  #sent(frame: Frame): void {
    const { type, flags, streamId, payload } = frame;
    const stream = this.streams.get(streamId);
    if (type === 0) {
      this.sendWindow -= payload.length;
      if (stream !== undefined) stream.sendWindow -= payload.length;
    }
    if ((type === 0 || type === 1) && (flags & 1) !== 0 && stream !== undefined) stream.answered = true;
    if (type === 3 && stream !== undefined) stream.answered = true;
    if (type === 4 && (flags & 1) === 0 && payload.length % 6 === 0) this.#unacknowledged.push(settingsOf(frame));
    if (type === 8 && payload.length === 4) {
      if (streamId === 0) this.window += payload.readUInt32BE();
      else if (stream !== undefined) stream.window += payload.readUInt32BE();
    }
  }
}

function isClosed(stream: PeerStream): boolean {
  return stream.resetCode !== undefined || stream.answered;
}
