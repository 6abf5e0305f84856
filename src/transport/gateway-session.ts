// Thread: worker
/**
 * The port to a gateway over HTTP/2: many small POSTs on few connections. No promise, closure or event per request:
 * the caller numbers its requests with a `tag`, and every tag that was taken ends exactly once through
 * `GatewayReplies`.
 */
import type { Clock } from '../core/clock.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Random } from '../core/random.ts';

export interface GatewayRequest {
  /** `:path`, already escaped. */
  readonly path: string;
  /**
   * Fields that come again in many requests (authorization, topic, push type). Give the same object for the same
   * fields: a transport encodes it once for each connection. Lower-case names; order is kept.
   */
  readonly shared: Readonly<Record<string, string>>;
  /** Fields of this request alone: they enter no compression table. Lower-case names. */
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How a request ended without a response. */
export type GatewayFailure =
  /** The gateway has certainly not acted on it: no connection, REFUSED_STREAM, or above GOAWAY's last stream id
   *  (RFC 9113 §6.8, §8.7). May be sent again at once. */
  | 'not-sent'
  /** It was written and no answer came: the gateway may have acted on it. */
  | 'no-answer'
  /** Its deadline passed after it was written; the stream was cancelled. */
  | 'deadline'
  /** Its deadline passed before it could be written: it waited for a connection or a free stream. */
  | 'deadline-unsent';

export interface GatewayReplies {
  /**
   * `fields`: those of `replyFields` that came, by lower-case names. `body`: UTF-8; `''` if it was larger than
   * `limits.gatewayResponseBytesMax`.
   */
  responded(tag: number, status: number, fields: Readonly<Record<string, string>>, body: string): void;
  /** `reason`: for people, without secrets: `ECONNREFUSED`, `GOAWAY ENHANCE_YOUR_CALM`. */
  failed(tag: number, failure: GatewayFailure, reason: string): void;
}

export interface GatewaySession {
  /**
   * Starts one request. `full`: as many requests wait as may wait; nothing happens, and `tag` does not end.
   * `closed`: after `drain`; likewise.
   */
  request(request: GatewayRequest, tag: number, deadlineMs: EpochMs): 'taken' | 'full' | 'closed';
  /**
   * The credential the connections were opened with is refused: open new ones for what comes (Apple:
   * ExpiredProviderToken).
   */
  renew(): void;
  /**
   * No new requests; those in flight may end within `budgetMs`, then they fail; resolves when all connections are
   * closed.
   */
  drain(budgetMs: number): Promise<void>;
}

/** What every implementation is made from; the rules of the pool are the same for all of them. */
export interface GatewaySessionOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly replies: GatewayReplies;
  readonly host: string;
  readonly port: number;
  /** Name the certificate must carry, also sent as SNI and `:authority`; `''` = `host`. */
  readonly servername: string;
  /** PEM text of the authorities to trust; `''` = the system's. */
  readonly ca: string;
  /** Client certificate and its key, PEM text; both `''` = none. */
  readonly certificatePem: string;
  readonly keyPem: string;
  /** `http://user:password@host:port` of an HTTP CONNECT proxy; `''` = none. Secret. */
  readonly proxyUrl: string;
  /** Fields that every request carries. Lower-case names. */
  readonly fields: Readonly<Record<string, string>>;
  /** Names of the response fields that are told, lower case. */
  readonly replyFields: readonly string[];
  /** Connections; those that only finish what is in flight do not count. */
  readonly sessionsMax: number;
  /** Requests on one connection, whatever more the peer allows. */
  readonly streamsMax: number;
  /** Requests that may wait for a connection or a free stream. */
  readonly waitingMax: number;
  /** Apple, token authentication: nothing beside the first request until it is answered. */
  readonly firstAlone: boolean;
  /** PING after this much silence; 0 = never. */
  readonly pingAfterMs: number;
  /** A connection without requests for this long is closed; 0 = never. */
  readonly idleMs: number;
  /** A connection of this age is replaced: what it carries finishes there; 0 = never. */
  readonly ageMs: number;
}

/** Opens nothing yet: connections are made when requests need them. */
export type OpenGatewaySession = (options: GatewaySessionOptions) => GatewaySession;
