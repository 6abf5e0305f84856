// Thread: any
/**
 * One HTTPS request on its way through undici: its dispatch handler, its deadline, and what its end says about whether
 * the server can have acted on it. Nobody is told from inside undici: a request that somebody sends in answer to the
 * failure of another trips its assertions (7.30), and with them the thread.
 */
import { limits } from '../core/limits.ts';
import type { Client, Dispatcher } from 'undici';
import type { Cancel } from '../core/clock.ts';
import type { GatewayFailure } from './gateway-session.ts';

export interface HttpsRequest {
  readonly method: 'GET' | 'POST';
  /** With query, already escaped. */
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
  /** `''`: none. */
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

/** Who is told of the end of a request, exactly once. */
export interface HttpsReceiver {
  ended(result: HttpsResult): void;
}

/** One connection, by and by several: undici's client opens the next when one is lost. */
export interface HttpsLane {
  client: Client;
  running: number;
  /** Requests in a row that had to be abandoned, without an answer between them. */
  unanswered: number;
}

/** Where exchanges come from and go back to. */
export interface HttpsExchanges {
  /** undici has let go of it: call `finish` in a later turn, then there is room for another. */
  left(exchange: HttpsExchange): void;
}

const noCancel: Cancel = () => undefined;

export class HttpsExchange implements Dispatcher.DispatchHandler {
  cancelDeadline: Cancel = noCancel;
  /** `undefined`: it waits for room. */
  lane: HttpsLane | undefined;
  readonly #request: HttpsRequest;
  readonly #receiver: HttpsReceiver;
  readonly #exchanges: HttpsExchanges;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #fields: Readonly<Record<string, string>> = {};
  #first: Buffer | undefined;
  #more: Buffer[] | undefined;
  #bytes = 0;
  /** What undici says of its end; the first word counts. */
  #result: HttpsResult | undefined;
  #ended = false;
  #left = false;

  constructor(request: HttpsRequest, receiver: HttpsReceiver, exchanges: HttpsExchanges) {
    this.#request = request;
    this.#receiver = receiver;
    this.#exchanges = exchanges;
  }

  start(lane: HttpsLane): void {
    this.lane = lane;
    const { method, path, fields, body } = this.#request;
    // Of others undici sends one at a time, over HTTP/2 too. It may write these again: see `onRequestStart`.
    const idempotent = true;
    try {
      lane.client.dispatch({ method, path, headers: fields, body: body === '' ? null : body, idempotent }, this);
    } catch (error) {
      this.onResponseError(undefined, error); // a field that HTTP cannot carry, or a destroyed client
    }
  }

  end(result: HttpsResult): void {
    if (this.#ended) return;
    this.#ended = true;
    this.cancelDeadline();
    this.#receiver.ended(result);
  }

  /** Ends it as this if it was written, as the unsent kind if not, and frees its place. */
  abandon(failure: 'deadline' | 'no-answer', reason: string): void {
    const unsent = failure === 'deadline' ? 'deadline-unsent' : 'not-sent';
    this.end(failed(this.#controller === undefined ? unsent : failure, reason));
    this.#controller?.abort(new Error(reason));
  }

  /** Tells its end, where a deadline has not done so. */
  finish(): void {
    if (this.#result !== undefined) this.end(this.#result);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // After a GOAWAY undici would write what was in flight once more; the first copy may have arrived (§8.7).
    if (this.#controller !== undefined) this.#result ??= failed('no-answer', 'connection lost');
    this.#controller = controller;
    if (this.#ended || this.#result !== undefined) controller.abort(new Error('not to be written'));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    this.#status = status;
    const fields: Record<string, string> = {};
    for (const name in headers) {
      const value = headers[name];
      if (typeof value === 'string') fields[name.toLowerCase()] = value;
    }
    this.#fields = fields;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > limits.gatewayResponseBytesMax) {
      this.#answer('');
      controller.abort(new Error('response too large'));
    } else if (this.#first === undefined) this.#first = chunk;
    else (this.#more ??= [this.#first]).push(chunk);
  }

  onResponseEnd(): void {
    const whole = this.#more === undefined ? this.#first : Buffer.concat(this.#more);
    this.#answer(whole?.toString('utf8') ?? '');
    this.#leave();
  }

  onResponseError(_controller: unknown, error: unknown): void {
    const isUnsent = this.#controller === undefined || (this.#status === 0 && isRefusedStream(error));
    this.#result ??= failed(isUnsent ? 'not-sent' : 'no-answer', reasonOf(error));
    this.#leave();
  }

  #answer(body: string): void {
    if (this.lane !== undefined) this.lane.unanswered = 0;
    this.#result ??= { kind: 'response', status: this.#status, fields: this.#fields, body };
  }

  #leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#exchanges.left(this);
  }
}

export function failed(failure: GatewayFailure, reason: string): HttpsResult {
  return { kind: 'failed', failure, reason };
}

/** RFC 9113 §8.7: such a request was not acted on. Node.js says so in words alone. */
function isRefusedStream(error: unknown): boolean {
  return error instanceof Error && error.message.endsWith('NGHTTP2_REFUSED_STREAM');
}

/** A code where there is one: messages may carry what was sent. */
function reasonOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown error';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.name : 'unknown error';
}
