// Thread: any
/**
 * HTTPS for everything that is not a hot HTTP/2 gateway: Google's token endpoint and MongoosePush. Connections of
 * undici to one origin, HTTP/1.1 with one request on each at a time or HTTP/2 with many, and our own bound on what
 * flies and waits, because undici's queue has none. They are in no undici pool: that one forgets a connection which
 * said GOAWAY without closing it (undici 7.30).
 */
import { Client, buildConnector } from 'undici';
import { limits } from '../core/limits.ts';
import { reasonOfError } from './connection-error.ts';
import { HttpsExchange, failed } from './https-exchange.ts';
import { openTunnel } from './proxy-tunnel.ts';
import type { Clock } from '../core/clock.ts';
import type { EpochMs } from '../core/ids.ts';
import type { HttpsExchanges, HttpsLane, HttpsReceiver, HttpsRequest, HttpsResult } from './https-exchange.ts';

export interface HttpsRequestsOptions {
  readonly clock: Clock;
  /** `https://push.example.net:8443`, without a path. */
  readonly origin: string;
  /** PEM text of the authorities to trust; `''` = the system's. */
  readonly ca: string;
  /** `http://user:password@host:port` of an HTTP CONNECT proxy; `''` = none. Secret. */
  readonly proxyUrl: string;
  /** `2`: a server that does not choose it is no use. */
  readonly httpVersion: '1.1' | '2';
  /** Connections at most; each is opened when those before it have no room. */
  readonly connections: number;
  /** Requests that may wait for a connection. */
  readonly waitingMax: number;
}

export class HttpsRequests implements HttpsExchanges {
  readonly #options: HttpsRequestsOptions;
  readonly #connector: buildConnector.connector;
  /** Requests at a time on one connection. */
  readonly #laneMax: number;
  readonly #lanes: HttpsLane[] = [];
  /** Those with room, the last used on top: few connections carry what there is. */
  readonly #roomy: HttpsLane[] = [];
  readonly #waiting = new Set<HttpsExchange>();
  readonly #flying = new Set<HttpsExchange>();
  #left: HttpsExchange[] = [];
  readonly #finish = (): void => this.#finishLeft();
  #idle: (() => void) | undefined;
  #draining = false;

  constructor(options: HttpsRequestsOptions) {
    this.#options = options;
    this.#laneMax = options.httpVersion === '2' ? limits.httpsStreamsMax : 1;
    this.#connector = connectorOf(options);
  }

  /** `receiver` is told exactly once, perhaps before this returns. */
  send(request: HttpsRequest, deadlineMs: EpochMs, receiver: HttpsReceiver): void {
    const { clock, waitingMax } = this.#options;
    if (this.#draining) return receiver.ended(failed('not-sent', 'draining'));
    const lane = this.#waiting.size > 0 ? undefined : this.#laneWithRoom();
    if (lane === undefined && this.#waiting.size >= waitingMax) return receiver.ended({ kind: 'full' });
    const exchange = new HttpsExchange(request, receiver, this);
    exchange.cancelDeadline = clock.after(Math.max(0, deadlineMs - clock.now()), () => this.#expire(exchange));
    if (lane === undefined) this.#waiting.add(exchange);
    else this.#start(exchange, lane);
  }

  /** `send` for those with few requests. Never rejects. */
  post(request: Omit<HttpsRequest, 'method'>, deadlineMs: EpochMs): Promise<HttpsResult> {
    return new Promise((ended) => this.send({ method: 'POST', ...request }, deadlineMs, { ended }));
  }

  /** Lets what is in flight end within `budgetMs`, then closes all connections. */
  async drain(budgetMs: number): Promise<void> {
    this.#draining = true;
    if (this.#flying.size > 0 || this.#waiting.size > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#options.clock.after(budgetMs, resolve);
        this.#idle = () => {
          cancel();
          resolve();
        };
      });
    }
    const unsent = [...this.#waiting];
    this.#waiting.clear();
    for (const exchange of unsent) exchange.end(failed('not-sent', 'drained'));
    for (const exchange of this.#flying) exchange.abandon('no-answer', 'drained');
    await Promise.all(this.#lanes.map(({ client }) => client.destroy()));
  }

  left(exchange: HttpsExchange): void {
    this.#left.push(exchange);
    if (this.#left.length === 1) queueMicrotask(this.#finish);
  }

  #finishLeft(): void {
    const left = this.#left;
    this.#left = [];
    for (const exchange of left) {
      const { lane } = exchange;
      this.#flying.delete(exchange);
      if (lane !== undefined && lane.running-- === this.#laneMax) this.#roomy.push(lane);
    }
    for (const exchange of left) exchange.finish();
    while (this.#waiting.size > 0) {
      const next = this.#laneWithRoom();
      const [first] = this.#waiting;
      if (next === undefined || first === undefined) break;
      this.#waiting.delete(first);
      this.#start(first, next);
    }
    if (this.#flying.size === 0) this.#idle?.();
  }

  #start(exchange: HttpsExchange, lane: HttpsLane): void {
    this.#flying.add(exchange);
    if (++lane.running === this.#laneMax) this.#roomy.pop();
    exchange.start(lane);
  }

  /** The top of `#roomy`. */
  #laneWithRoom(): HttpsLane | undefined {
    const lane = this.#roomy.at(-1);
    if (lane !== undefined || this.#lanes.length >= this.#options.connections) return lane;
    const opened = { client: this.#open(), running: 0, unanswered: 0 };
    this.#lanes.push(opened);
    this.#roomy.push(opened);
    return opened;
  }

  #open(): Client {
    return new Client(this.#options.origin, {
      connect: this.#connector,
      // What is queued in it counts as well: undici sends more than one at a time over HTTP/2 alone.
      pipelining: this.#laneMax,
      maxConcurrentStreams: this.#laneMax,
      allowH2: this.#options.httpVersion === '2',
      // The deadline of each request governs.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  #expire(exchange: HttpsExchange): void {
    if (this.#waiting.delete(exchange)) {
      exchange.end(failed('deadline-unsent', 'deadline'));
      if (this.#flying.size === 0 && this.#waiting.size === 0) this.#idle?.();
      return;
    }
    exchange.abandon('deadline', 'deadline');
    const { lane } = exchange;
    if (lane === undefined || ++lane.unanswered < limits.httpsUnansweredMax || this.#draining) return;
    // A connection that died without a word: over HTTP/2 nothing else would notice for a quarter of an hour.
    lane.unanswered = 0;
    const { client } = lane;
    lane.client = this.#open();
    void client.destroy(new Error('unanswered'));
  }
}

function connectorOf(options: HttpsRequestsOptions): buildConnector.connector {
  const connect = directConnectorOf(options);
  const { proxyUrl, clock, origin } = options;
  if (proxyUrl === '') return connect;
  const { hostname, port } = new URL(origin);
  const target = `${hostname}:${port === '' ? '443' : port}`;
  return (connecting, callback) => {
    const abort = new AbortController();
    const cancel = clock.after(limits.gatewayConnectMs, () => abort.abort(), false);
    openTunnel({ proxyUrl, target, signal: abort.signal }).then(
      (httpSocket) => {
        cancel();
        connect({ ...connecting, httpSocket }, callback);
      },
      (error: unknown) => {
        cancel();
        const reason = reasonOfError(error);
        callback(Object.assign(new Error(reason), { code: reason }), null);
      },
    );
  };
}

function directConnectorOf({ ca, httpVersion }: HttpsRequestsOptions): buildConnector.connector {
  const allowH2 = httpVersion === '2';
  const connect = buildConnector({
    allowH2,
    timeout: limits.gatewayConnectMs,
    // Said, because NODE_TLS_REJECT_UNAUTHORIZED in the environment is the default.
    rejectUnauthorized: true,
    ...(ca === '' ? {} : { ca }),
  });
  if (!allowH2) return connect;
  return (options, callback) =>
    connect(options, (error, socket) => {
      if (error !== null) return callback(error, null);
      if ('alpnProtocol' in socket && socket.alpnProtocol === 'h2') return callback(null, socket);
      socket.destroy();
      callback(Object.assign(new Error('the server does not choose HTTP/2'), { code: 'ERR_NO_HTTP2' }), null);
    });
}
