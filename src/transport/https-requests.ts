// Thread: any
/**
 * HTTPS for everything that is not a hot HTTP/2 gateway: Google's token endpoint and MongoosePush. One undici pool for
 * each origin, HTTP/1.1, with our own bound on what flies and waits, because undici's queue has none. A request is a
 * promise here: these paths carry thousands a second, not tens of thousands.
 */
import { Pool } from 'undici';
import { limits } from '../core/limits.ts';
import type { Dispatcher } from 'undici';
import type { Cancel, Clock } from '../core/clock.ts';
import type { EpochMs } from '../core/ids.ts';
import type { GatewayFailure } from './gateway-session.ts';

export interface HttpsRequest {
  /** With query, already escaped. */
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
}

export type HttpsResult =
  | {
      readonly kind: 'response';
      readonly status: number;
      readonly fields: Readonly<Record<string, string>>;
      /** `''` if it was larger than `limits.gatewayResponseBytesMax`. */
      readonly body: string;
    }
  | { readonly kind: 'failed'; readonly failure: GatewayFailure; readonly reason: string }
  /** As many requests wait as may wait. */
  | { readonly kind: 'full' };

export interface HttpsRequestsOptions {
  readonly clock: Clock;
  /** `https://push.example.net:8443`, without a path. */
  readonly origin: string;
  /** PEM text of the authorities to trust; `''` = the system's. */
  readonly ca: string;
  /** Requests in flight, one on each connection. */
  readonly connections: number;
  /** Requests that may wait for a connection. */
  readonly waitingMax: number;
}

export class HttpsRequests {
  readonly #options: HttpsRequestsOptions;
  readonly #pool: Pool;
  #waiting: HttpsExchange[] = [];
  readonly #flying = new Set<HttpsExchange>();
  #idle: (() => void) | undefined;
  #draining = false;

  constructor(options: HttpsRequestsOptions) {
    this.#options = options;
    this.#pool = new Pool(options.origin, {
      connections: options.connections,
      pipelining: 1,
      allowH2: false,
      // The deadline of each request governs.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: limits.gatewayConnectMs, ...(options.ca === '' ? {} : { ca: options.ca }) },
    });
  }

  /** POSTs. Never rejects. */
  post(request: HttpsRequest, deadlineMs: EpochMs): Promise<HttpsResult> {
    if (this.#draining) return Promise.resolve(failed('not-sent', 'draining'));
    if (this.#flying.size >= this.#options.connections && this.#waiting.length >= this.#options.waitingMax) {
      return Promise.resolve({ kind: 'full' });
    }
    return new Promise((resolve) => {
      const { clock } = this.#options;
      const exchange = new HttpsExchange(request, resolve, (ended) => this.#left(ended));
      exchange.expireWith(clock.after(Math.max(0, deadlineMs - clock.now()), () => this.#expire(exchange)));
      this.#waiting.push(exchange);
      this.#next();
    });
  }

  /** Lets what is in flight end within `budgetMs`, then closes all connections. */
  async drain(budgetMs: number): Promise<void> {
    this.#draining = true;
    if (this.#flying.size > 0 || this.#waiting.length > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#options.clock.after(budgetMs, resolve);
        this.#idle = () => {
          cancel();
          resolve();
        };
      });
    }
    for (const exchange of this.#waiting.splice(0)) exchange.end(failed('not-sent', 'drained'));
    for (const exchange of this.#flying) exchange.abandon('no-answer', 'drained');
    await this.#pool.destroy();
  }

  #next(): void {
    while (this.#flying.size < this.#options.connections) {
      const exchange = this.#waiting.shift();
      if (exchange === undefined) break;
      this.#flying.add(exchange);
      exchange.start(this.#pool);
    }
    if (this.#flying.size === 0) this.#idle?.();
  }

  #expire(exchange: HttpsExchange): void {
    const at = this.#waiting.indexOf(exchange);
    if (at === -1) {
      exchange.abandon('deadline', 'deadline');
      return;
    }
    this.#waiting.splice(at, 1);
    exchange.end(failed('deadline-unsent', 'deadline'));
    this.#next();
  }

  #left(exchange: HttpsExchange): void {
    this.#flying.delete(exchange);
    this.#next();
  }
}

/** One request, as undici's dispatch handler. It may be told of its end before undici has let go of it. */
class HttpsExchange implements Dispatcher.DispatchHandler {
  readonly #request: HttpsRequest;
  readonly #resolve: (result: HttpsResult) => void;
  readonly #left: (exchange: HttpsExchange) => void;
  #cancelDeadline: Cancel = () => undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #fields: Readonly<Record<string, string>> = {};
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #ended = false;

  constructor(request: HttpsRequest, resolve: (result: HttpsResult) => void, left: (exchange: HttpsExchange) => void) {
    this.#request = request;
    this.#resolve = resolve;
    this.#left = left;
  }

  expireWith(cancel: Cancel): void {
    this.#cancelDeadline = cancel;
  }

  start(pool: Pool): void {
    const { path, fields, body } = this.#request;
    try {
      pool.dispatch({ method: 'POST', path, headers: { ...fields }, body }, this);
    } catch (error) {
      this.onResponseError(undefined, error); // a field that HTTP cannot carry, or a destroyed pool
    }
  }

  end(result: HttpsResult): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelDeadline();
    this.#resolve(result);
  }

  /** Ends it as this if it was written, as the unsent kind if not, and frees its connection. */
  abandon(failure: 'deadline' | 'no-answer', reason: string): void {
    const unsent = failure === 'deadline' ? 'deadline-unsent' : 'not-sent';
    this.end(failed(this.#controller === undefined ? unsent : failure, reason));
    this.#controller?.abort(new Error(reason));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#ended) controller.abort(new Error('ended before it was written'));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    this.#status = status;
    const fields: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) {
      if (typeof value === 'string') fields[name.toLowerCase()] = value;
    }
    this.#fields = fields;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= limits.gatewayResponseBytesMax) {
      this.#chunks.push(chunk);
      return;
    }
    this.end({ kind: 'response', status: this.#status, fields: this.#fields, body: '' });
    controller.abort(new Error('response too large'));
  }

  onResponseEnd(): void {
    const body = Buffer.concat(this.#chunks).toString('utf8');
    this.end({ kind: 'response', status: this.#status, fields: this.#fields, body });
    this.#left(this);
  }

  onResponseError(_controller: unknown, error: unknown): void {
    this.end(failed(this.#controller === undefined ? 'not-sent' : 'no-answer', reasonOf(error)));
    this.#left(this);
  }
}

function failed(failure: GatewayFailure, reason: string): HttpsResult {
  return { kind: 'failed', failure, reason };
}

/** A code where there is one: messages may carry what was sent. */
function reasonOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown error';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.name : 'unknown error';
}
