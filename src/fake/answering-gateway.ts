// Thread: any
/**
 * A gateway that only answers: 200 to every request, over TLS HTTP/2. For benchmarks, where the fake must cost less
 * than what is measured; so it reads frame heads (RFC 9113 §4.1) and never decodes a header or looks at a body.
 */
import { createServer } from 'node:tls';
import type { Server, TLSSocket } from 'node:tls';
import { assert } from '../core/assert.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { Random } from '../core/random.ts';
import type { IssuedCertificate } from './certificates.ts';

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

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const headBytes = 9;
const frameBytesMax = 16_384;
const streamsDefault = 1000;
// Frame types and flags (RFC 9113 §6).
const typeData = 0x0;
const typeHeaders = 0x1;
const typeSettings = 0x4;
const typePing = 0x6;
const typeGoaway = 0x7;
const typeWindowUpdate = 0x8;
const flagEndStream = 0x1;
const flagAck = 0x1;
const flagEndHeaders = 0x4;
const settingMaxStreams = 0x3;
const settingInitialWindow = 0x4;
// The static table's `:status: 200` (RFC 7541 Appendix A).
const status200 = 0x88;
// The connection window is opened once, as wide as it goes, and again after half of it.
const windowMax = 2_147_483_647;
const windowDefault = 65_535;

export class AnsweringGateway {
  readonly #options: AnsweringGatewayOptions;
  readonly #server: Server;
  readonly #connections = new Set<AnsweringConnection>();
  #stall: AnsweringStall = { share: 0, answerAfterMs: 0 };
  #requests = 0;
  #connectionsTotal = 0;

  constructor(options: AnsweringGatewayOptions) {
    const bytesInFlight = Buffer.byteLength(options.body ?? '') * (options.streamsMax ?? streamsDefault);
    assert(bytesInFlight <= windowDefault, `bodies of all streams of ${windowDefault} bytes, not ${bytesInFlight}`);
    this.#options = options;
    this.#server = createServer({ cert: options.tls.certPem, key: options.tls.keyPem, ALPNProtocols: ['h2'] });
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
      body: Buffer.from(this.#options.body ?? ''),
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
  readonly body: Buffer;
  readonly delayMs: () => number;
}

class AnsweringConnection {
  readonly #socket: TLSSocket;
  readonly #options: ConnectionOptions;
  readonly #delays = new Set<Cancel>();
  #rest: Buffer = Buffer.alloc(0);
  #prefaceRead = false;
  /** Bytes of DATA since the window was last opened. */
  #received = 0;
  /** Answers of one chunk of input, written together. */
  #out: Buffer[] = [];

  constructor(socket: TLSSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.write(Buffer.concat([settingsFrame(options.streamsMax), windowUpdate(windowMax - windowDefault)]));
  }

  close(): void {
    for (const cancel of this.#delays) cancel();
    this.#delays.clear();
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (!this.#prefaceRead) {
      if (bytes.length < preface.length) {
        this.#rest = bytes;
        return;
      }
      if (!bytes.subarray(0, preface.length).equals(preface)) return this.close();
      this.#prefaceRead = true;
      bytes = bytes.subarray(preface.length);
    }
    let at = 0;
    while (bytes.length - at >= headBytes) {
      const length = bytes.readUIntBE(at, 3);
      if (length > frameBytesMax) return this.close();
      if (bytes.length - at < headBytes + length) break;
      this.#frame(bytes, at, length);
      at += headBytes + length;
    }
    this.#rest = bytes.subarray(at);
    if (this.#out.length > 0) {
      this.#socket.write(this.#out.length === 1 ? (this.#out[0] ?? '') : Buffer.concat(this.#out));
      this.#out = [];
    }
  }

  #frame(bytes: Buffer, at: number, length: number): void {
    const flags = bytes[at + 4] ?? 0;
    switch (bytes[at + 3] ?? 0) {
      case typeData:
        this.#received += length;
        if (this.#received > windowMax / 2) {
          this.#out.push(windowUpdate(this.#received));
          this.#received = 0;
        }
        if ((flags & flagEndStream) !== 0) this.#answer(bytes.readUInt32BE(at + 5));
        return;
      case typeHeaders:
        if ((flags & flagEndStream) !== 0) this.#answer(bytes.readUInt32BE(at + 5));
        return;
      case typeSettings:
        if ((flags & flagAck) === 0) this.#out.push(frame({ type: typeSettings, flags: flagAck }));
        return;
      case typePing:
        if ((flags & flagAck) === 0) {
          const payload = Buffer.from(bytes.subarray(at + headBytes, at + headBytes + length));
          this.#out.push(frame({ type: typePing, flags: flagAck, payload }));
        }
        return;
      case typeGoaway:
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
    if (delayMs === -1) return;
    const answer = this.#answerFrames(streamId);
    if (delayMs === 0) {
      this.#out.push(answer);
      return;
    }
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#delays.delete(cancel);
      this.#socket.write(answer);
    });
    this.#delays.add(cancel);
  }

  #answerFrames(streamId: number): Buffer {
    const { body } = this.#options;
    const bare = body.length === 0;
    const answer = Buffer.allocUnsafe(headBytes + 1 + (bare ? 0 : headBytes + body.length));
    answer.writeUIntBE(1, 0, 3);
    answer[3] = typeHeaders;
    answer[4] = bare ? flagEndHeaders | flagEndStream : flagEndHeaders;
    answer.writeUInt32BE(streamId, 5);
    answer[headBytes] = status200;
    if (bare) return answer;
    const at = headBytes + 1;
    answer.writeUIntBE(body.length, at, 3);
    answer[at + 3] = typeData;
    answer[at + 4] = flagEndStream;
    answer.writeUInt32BE(streamId, at + 5);
    body.copy(answer, at + headBytes);
    return answer;
  }
}

function frame(parts: { readonly type: number; readonly flags: number; readonly payload?: Buffer }): Buffer {
  const payload = parts.payload ?? Buffer.alloc(0);
  const head = Buffer.alloc(headBytes);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = parts.type;
  head[4] = parts.flags;
  return Buffer.concat([head, payload]);
}

function settingsFrame(streamsMax: number): Buffer {
  const payload = Buffer.alloc(12);
  payload.writeUInt16BE(settingMaxStreams, 0);
  payload.writeUInt32BE(streamsMax, 2);
  payload.writeUInt16BE(settingInitialWindow, 6);
  payload.writeUInt32BE(windowMax, 8);
  return frame({ type: typeSettings, flags: 0, payload });
}

function windowUpdate(bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame({ type: typeWindowUpdate, flags: 0, payload });
}
