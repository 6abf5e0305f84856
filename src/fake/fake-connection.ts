// Thread: any
/**
 * One connection of a client to a fake gateway, seen from the gateway. Exists because Node's server cannot send a
 * GOAWAY whose last stream id is below what it has read (RFC 9113 §6.8), which is the case a client has to get right.
 */
import type { Http2Session } from 'node:http2';
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

export interface Goaway {
  readonly code: number;
  /** Debug data; Apple puts JSON there. */
  readonly debug: string;
  /** `finish`: streams at or below the last stream id are answered first; `drop`: the connection is cut at once. */
  readonly open: 'finish' | 'drop';
}

const frameHeadBytes = 9;
const goawayType = 0x07;

export class FakeConnection {
  /** Counts from 1 in the order of arrival. */
  readonly id: number;
  readonly socket: TLSSocket;
  /** What the HTTP/2 library writes to and reads from; on HTTP/1.1 the socket itself. */
  readonly gate: Duplex;
  /** Absent on HTTP/1.1, and until the library has made it. */
  session: Http2Session | undefined;
  /** Requests that are being read or wait for their answer. */
  open = 0;
  /** The highest stream that was processed: GOAWAY must not name a lower one. */
  #processedMax = 0;
  /** -1: no GOAWAY yet. */
  #lastStreamId = -1;
  #isMute = false;

  constructor(id: number, socket: TLSSocket, protocol: 'h2' | 'http/1.1') {
    this.id = id;
    this.socket = socket;
    this.gate = protocol === 'h2' ? gateBefore(socket, () => this.#isMute) : socket;
  }

  /** Above GOAWAY's last stream id: such a request must not be answered. */
  isBeyondGoaway(streamId: number): boolean {
    return this.#lastStreamId !== -1 && streamId > this.#lastStreamId;
  }

  /** Could a GOAWAY still declare this stream unprocessed? */
  canDisown(streamId: number): boolean {
    return streamId > this.#processedMax && !(this.#lastStreamId >= streamId);
  }

  markProcessed(streamId: number): void {
    if (streamId > this.#processedMax) this.#processedMax = streamId;
  }

  limitStreams(max: number): void {
    const { session } = this;
    if (session !== undefined && !session.destroyed) session.settings({ maxConcurrentStreams: max });
  }

  /** Everything above the streams processed so far is declared unprocessed. On HTTP/1.1 the connection ends. */
  goaway({ code, debug, open }: Goaway): void {
    if (this.session === undefined) {
      this.gate.end();
      return;
    }
    if (this.socket.destroyed || this.#lastStreamId !== -1) return;
    this.#lastStreamId = this.#processedMax;
    this.socket.write(goawayFrame(this.#lastStreamId, code, debug));
    if (open === 'drop') this.socket.destroySoon();
    else if (this.open === 0) this.gate.end();
  }

  /** To be called when a request has ended: after a GOAWAY the last one closes the connection. */
  ended(): void {
    this.open--;
    if (this.open === 0 && this.#lastStreamId !== -1) this.gate.end();
  }

  /** From now on what comes is not read and what goes is not sent. On HTTP/1.1 nothing happens. */
  mute(): void {
    this.#isMute = true;
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/**
 * A stream in front of the socket. The library takes over a socket's native half, after which nobody else can write to
 * it; through the gate we can, and since the library writes whole frames, ours cannot land inside one of them.
 */
function gateBefore(socket: TLSSocket, isMute: () => boolean): Duplex {
  const gate = new Duplex({
    read: () => {
      socket.resume();
    },
    write: (chunk: Buffer, _encoding, done) => {
      if (isMute()) done();
      else socket.write(chunk, done);
    },
    final: (done) => {
      socket.destroySoon();
      done();
    },
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (chunk: Buffer) => {
    if (!isMute() && !gate.push(chunk)) socket.pause();
  });
  socket.on('end', () => gate.push(null));
  socket.on('close', () => gate.destroy());
  gate.on('error', () => undefined);
  return gate;
}

function goawayFrame(lastStreamId: number, code: number, debug: string): Buffer {
  const data = Buffer.from(debug);
  const frame = Buffer.alloc(frameHeadBytes + 8 + data.length);
  frame.writeUIntBE(8 + data.length, 0, 3);
  frame[3] = goawayType;
  frame.writeUInt32BE(lastStreamId, frameHeadBytes);
  frame.writeUInt32BE(code, frameHeadBytes + 4);
  data.copy(frame, frameHeadBytes + 8);
  return frame;
}
