// Thread: any
/**
 * A gateway that only answers: 200 to every request, over TLS HTTP/2. For benchmarks, where the fake must cost less
 * than what is measured; so it reads frame heads (RFC 9113 §4.1) and never decodes a header or looks at a body.
 */
import { createServer } from 'node:tls';
import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { assert } from '../core/assert.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { Random } from '../core/random.ts';
import type { IssuedCertificate } from './certificates.ts';
import {
  frameBytesDefault,
  frameFlags,
  frameHeadBytes,
  frameTypes,
  preface,
  readUint24,
  readUint32,
  settingIds,
  smallFrame,
  windowBytesDefault,
  windowBytesMax,
  writeUint32,
} from '../transport/h2/frames.ts';

export interface AnsweringGatewayOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly tls: IssuedCertificate;
  /** MAX_CONCURRENT_STREAMS; default 1000. */
  readonly streamsMax?: number;
  /**
   * Body of every answer; default none. FCM's clients read one: `{"name":"projects/p/messages/1"}`. Times `streamsMax`
   * at most 65 535 bytes: flow control is not followed.
   */
  readonly body?: string;
}

/** A share of the requests, 0 to 1, is answered only after a while; 0 ms = never. */
export interface AnsweringStall {
  readonly share: number;
  readonly answerAfterMs: number;
}

const streamsDefault = 1_000;
// The static table's `:status: 200` (RFC 7541 Appendix A).
const status200 = 0x88;
// Answers are written side by side into blocks of this size; a block that was handed to the socket is never rewritten.
const blockBytes = 65_536;
const noBytes = new Uint8Array(0);

export class AnsweringGateway {
  readonly #options: AnsweringGatewayOptions;
  readonly #server: Server;
  readonly #answer: Uint8Array;
  /** Under the connections, and of those whose handshake goes on. */
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Set<AnsweringConnection>();
  #stall: AnsweringStall = { share: 0, answerAfterMs: 0 };
  #requests = 0;
  #connectionsTotal = 0;

  constructor(options: AnsweringGatewayOptions) {
    const bytesInFlight = Buffer.byteLength(options.body ?? '') * (options.streamsMax ?? streamsDefault);
    assert(
      bytesInFlight <= windowBytesDefault,
      `bodies of all streams of ${windowBytesDefault} bytes, not ${bytesInFlight}`,
    );
    this.#options = options;
    this.#answer = answerOf(Buffer.from(options.body ?? ''));
    this.#server = createServer({ cert: options.tls.certPem, key: options.tls.keyPem, ALPNProtocols: ['h2'] });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('secureConnection', (socket) => this.#connected(socket));
    this.#server.on('tlsClientError', () => undefined);
  }

  /** Requests whose end was read, answered or not. */
  get requests(): number {
    return this.#requests;
  }

  get connections(): number {
    return this.#connections.size;
  }

  get connectionsTotal(): number {
    return this.#connectionsTotal;
  }

  start(port = 0): Promise<{ readonly port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => {
        this.#server.off('error', reject);
        const address = this.#server.address();
        assert(address !== null && typeof address !== 'string', 'a TCP server has an address');
        resolve({ port: address.port });
      });
    });
  }

  stop(): Promise<void> {
    for (const connection of this.#connections) connection.close();
    // A client that waits in its handshake would hold the end for as long as it likes.
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  stall(stall: AnsweringStall): void {
    this.#stall = stall;
  }

  #connected(socket: TLSSocket): void {
    this.#connectionsTotal++;
    const connection = new AnsweringConnection(socket, {
      clock: this.#options.clock,
      streamsMax: this.#options.streamsMax ?? streamsDefault,
      answer: this.#answer,
      delayMs: () => this.#delayMs(),
    });
    this.#connections.add(connection);
    socket.on('close', () => {
      connection.close();
      this.#connections.delete(connection);
    });
  }

  /** Counts a request and says when to answer it: 0 at once, -1 never. */
  #delayMs(): number {
    this.#requests++;
    const { share, answerAfterMs } = this.#stall;
    if (share === 0 || this.#options.random.unit() >= share) return 0;
    return answerAfterMs === 0 ? -1 : answerAfterMs;
  }
}

interface ConnectionOptions {
  readonly clock: Clock;
  readonly streamsMax: number;
  /** All frames of one answer, to which only the stream's id is missing. */
  readonly answer: Uint8Array;
  readonly delayMs: () => number;
}

class AnsweringConnection {
  readonly #socket: TLSSocket;
  readonly #options: ConnectionOptions;
  readonly #delays = new Set<Cancel>();
  /** The beginning of a frame whose end has not come. */
  #rest: Uint8Array = noBytes;
  #prefaceRead = false;
  /** Bytes of DATA since the window was last opened. */
  #received = 0;
  #block = Buffer.allocUnsafeSlow(blockBytes);
  /** What of the block was handed to the socket, and what is written. */
  #handed = 0;
  #written = 0;

  constructor(socket: TLSSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    // The connection's window is opened once, as wide as it goes, and again after half of it.
    socket.write(Buffer.concat([settingsFrame(options.streamsMax), windowUpdate(windowBytesMax - windowBytesDefault)]));
  }

  close(): void {
    for (const cancel of this.#delays) cancel();
    this.#delays.clear();
    this.#socket.destroy();
  }

  #read(chunk: Uint8Array): void {
    let at = this.#prefaceRead ? this.#across(chunk) : this.#readPreface(chunk);
    while (chunk.length - at >= frameHeadBytes) {
      const length = readUint24(chunk, at);
      if (length > frameBytesDefault) return this.close();
      const end = at + frameHeadBytes + length;
      if (end > chunk.length) break;
      this.#frame(chunk, at, length);
      at = end;
    }
    if (at < chunk.length) this.#rest = chunk.subarray(at);
    this.#flush();
  }

  /** Returns how much of the chunk is read. */
  #readPreface(chunk: Uint8Array): number {
    const used = Math.min(chunk.length, preface.length - this.#rest.length);
    const bytes = Buffer.concat([this.#rest, chunk.subarray(0, used)]);
    this.#rest = bytes;
    if (Buffer.compare(bytes, preface.subarray(0, bytes.length)) !== 0) {
      this.close();
      return chunk.length;
    }
    if (bytes.length < preface.length) return used;
    this.#prefaceRead = true;
    this.#rest = noBytes;
    return used;
  }

  /**
   * Completes the frame that the last chunk began; returns how much of this one is read. Only that frame is put
   * together: a copy of every chunk would be most of what an answer costs.
   */
  #across(chunk: Uint8Array): number {
    let rest = this.#rest;
    let at = 0;
    while (rest.length > 0) {
      const length = rest.length < frameHeadBytes ? 0 : readUint24(rest, 0);
      const missing = frameHeadBytes + length - rest.length;
      if (length > frameBytesDefault) {
        this.close();
        return chunk.length;
      }
      if (missing === 0) {
        this.#frame(rest, 0, length);
        rest = noBytes;
      } else if (at === chunk.length) {
        break;
      } else {
        const taken = chunk.subarray(at, at + missing);
        rest = Buffer.concat([rest, taken]);
        at += taken.length;
      }
    }
    this.#rest = rest;
    return at;
  }

  #frame(bytes: Uint8Array, at: number, length: number): void {
    const flags = bytes[at + 4] ?? 0;
    switch (bytes[at + 3] ?? 0) {
      case frameTypes.data:
        this.#received += length;
        if (this.#received > windowBytesMax / 2) {
          this.#put(windowUpdate(this.#received));
          this.#received = 0;
        }
        if ((flags & frameFlags.endStream) !== 0) this.#answer(readUint32(bytes, at + 5));
        return;
      case frameTypes.headers:
        if ((flags & frameFlags.endStream) !== 0) this.#answer(readUint32(bytes, at + 5));
        return;
      case frameTypes.settings:
        if ((flags & frameFlags.ack) === 0) this.#put(smallFrame(frameTypes.settings, frameFlags.ack, 0, noBytes));
        return;
      case frameTypes.ping: {
        const payload = bytes.subarray(at + frameHeadBytes, at + frameHeadBytes + length);
        if ((flags & frameFlags.ack) === 0) this.#put(smallFrame(frameTypes.ping, frameFlags.ack, 0, payload));
        return;
      }
      case frameTypes.goaway:
        this.#socket.end();
        return;
      default:
      // RST_STREAM: an answer that is still to come goes to a closed stream, which clients must bear (§5.1).
      // WINDOW_UPDATE: what we send fits the default window, see the constructor. PRIORITY, CONTINUATION: nothing to
      // do.
    }
  }

  #answer(streamId: number): void {
    const delayMs = this.#options.delayMs();
    if (delayMs === 0) this.#putAnswer(streamId);
    else if (delayMs > 0) this.#answerLater(streamId, delayMs);
  }

  #answerLater(streamId: number, delayMs: number): void {
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#delays.delete(cancel);
      this.#putAnswer(streamId);
      this.#flush();
    });
    this.#delays.add(cancel);
  }

  #putAnswer(streamId: number): void {
    const { answer } = this.#options;
    const at = this.#put(answer);
    writeUint32(this.#block, at + 5, streamId);
    const second = frameHeadBytes + 1;
    if (answer.length > second) writeUint32(this.#block, at + second + 5, streamId);
  }

  /** Appends a copy; returns where it begins. */
  #put(bytes: Uint8Array): number {
    if (this.#written + bytes.length > this.#block.length) {
      this.#flush();
      this.#block = Buffer.allocUnsafeSlow(Math.max(blockBytes, bytes.length));
      this.#handed = 0;
      this.#written = 0;
    }
    const at = this.#written;
    // A call of `set` costs more than the ten bytes of a bare answer.
    for (let index = 0; index < bytes.length; index++) this.#block[at + index] = bytes[index] ?? 0;
    this.#written = at + bytes.length;
    return at;
  }

  #flush(): void {
    if (this.#written === this.#handed) return;
    this.#socket.write(this.#block.subarray(this.#handed, this.#written));
    this.#handed = this.#written;
  }
}

/** HEADERS, and DATA if there is a body, on stream 0. */
function answerOf(body: Uint8Array): Uint8Array {
  const bare = body.length === 0;
  const flags = bare ? frameFlags.endHeaders | frameFlags.endStream : frameFlags.endHeaders;
  const headers = smallFrame(frameTypes.headers, flags, 0, Uint8Array.of(status200));
  return bare ? headers : Buffer.concat([headers, smallFrame(frameTypes.data, frameFlags.endStream, 0, body)]);
}

function settingsFrame(streamsMax: number): Buffer {
  const payload = Buffer.alloc(12);
  payload.writeUInt16BE(settingIds.maxConcurrentStreams, 0);
  payload.writeUInt32BE(streamsMax, 2);
  payload.writeUInt16BE(settingIds.initialWindowSize, 6);
  payload.writeUInt32BE(windowBytesMax, 8);
  return smallFrame(frameTypes.settings, 0, 0, payload);
}

function windowUpdate(bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return smallFrame(frameTypes.windowUpdate, 0, 0, payload);
}
