// Thread: any
/**
 * One connection of a client to a fake gateway, seen from the gateway. Exists because Node's server cannot send a GOAWAY
 * whose last stream id is below what it has read (RFC 9113 §6.8), which is the case a client has to get right.
 */
import type { Http2Session } from 'node:http2';
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
  /** Absent on HTTP/1.1. */
  readonly session: Http2Session | undefined;
  /** Requests that are being read or wait for their answer. */
  open = 0;
  /** The highest stream that was processed: GOAWAY must not name a lower one. */
  #processedMax = 0;
  /** -1: no GOAWAY yet. */
  #lastStreamId = -1;

  constructor(id: number, socket: TLSSocket, session: Http2Session | undefined) {
    this.id = id;
    this.socket = socket;
    this.session = session;
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
      this.socket.destroySoon();
      return;
    }
    if (this.socket.destroyed || this.#lastStreamId !== -1) return;
    this.#lastStreamId = this.#processedMax;
    this.socket.write(goawayFrame(this.#lastStreamId, code, debug));
    if (open === 'drop' || this.open === 0) this.socket.destroySoon();
  }

  /** To be called when a request has ended: after a GOAWAY the last one closes the connection. */
  ended(): void {
    this.open--;
    if (this.open === 0 && this.#lastStreamId !== -1) this.socket.destroySoon();
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** The frame is written past the HTTP/2 library, which sends whole frames only, so that it cannot land inside one. */
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
