// Thread: worker
/**
 * One HTTP/2 connection as the session pool sees it: streams are named by the pool's slot numbers, and nothing is
 * decided here. Whatever a connection reports, it reports from a later turn, never from inside a call of the pool; from
 * inside a report the pool may call anything.
 */
import type { GatewayRequest } from './gateway-session.ts';

export interface GatewayConnection {
  /** The peer's live MAX_CONCURRENT_STREAMS; `Infinity` when it names none. Read for each request: a field. */
  readonly streamsMax: number;
  /**
   * A body would go out at once. False: the peer's flow control holds back what was sent already; more would overtake
   * it inside the client library, which starves the oldest streams (seen: 64 KiB window, 500 streams of 300 bytes).
   * Read for each request.
   */
  readonly writable: boolean;
  /**
   * Starts a stream. Each `sent` ends by exactly one `responded` or `lost`, unless it is cancelled.
   * `closed`: no new streams here. `invalid`: a field cannot be written in HTTP/2. Neither ends.
   */
  send(slot: number, request: GatewayRequest): 'sent' | 'closed' | 'invalid';
  /** RST_STREAM CANCEL; nothing more is reported for this slot. */
  cancel(slot: number): void;
  ping(): void;
  /** Takes no new streams and closes when the last one has ended. Once more: nothing. */
  close(): void;
  /** Ends at once; every open stream is reported `lost` before `closed`. Once more: nothing. */
  destroy(reason: string): void;
}

/** One for each connection, told in this order: `opened`, then anything, then `closed` exactly once, last. */
export interface ConnectionEvents {
  opened(): void;
  /** SETTINGS have arrived: `streamsMax` may have changed. */
  streamsChanged(): void;
  /** It was not `writable` when asked, and is now. */
  writableAgain(): void;
  responded(slot: number, status: number, fields: Readonly<Record<string, string>>, body: string): void;
  /** `unprocessed`: REFUSED_STREAM, or above GOAWAY's last stream id; the peer has certainly not acted on it. */
  lost(slot: number, unprocessed: boolean, reason: string): void;
  /**
   * The peer was heard: once for each read of the socket, also one that brought nothing to tell (the answer to a PING,
   * WINDOW_UPDATE), after all that it brought. In the room that `responded` has left, waiting requests are sent from
   * here.
   */
  turnEnded(): void;
  /** GOAWAY. */
  leaving(reason: string): void;
  closed(reason: string): void;
}

/** Starts a connection with a fresh DNS question; failure is told by `closed`. Never throws. */
export type Dial = (events: ConnectionEvents) => GatewayConnection;
