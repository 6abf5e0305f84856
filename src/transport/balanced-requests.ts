// Thread: any
/**
 * HTTPS requests to whichever of several equal gateways has the least in flight (gateway-choice.ts). A request that
 * surely did not reach one goes to another, once; one that may have is never repeated. A gateway is asked how it is
 * while it is left out, and now and then while it is in use beside others.
 */
import { unreachable } from '../core/assert.ts';
import { limits } from '../core/limits.ts';
import { epochMs } from '../core/ids.ts';
import { GatewayChoice } from './gateway-choice.ts';
import { HttpsRequests } from './https-requests.ts';
import type { Cancel } from '../core/clock.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Random } from '../core/random.ts';
import type { GatewayEnd } from './gateway-choice.ts';
import type { HttpsReceiver, HttpsRequest, HttpsResult } from './https-exchange.ts';
import type { HttpsRequestsOptions } from './https-requests.ts';

export type BalancedResult =
  | HttpsResult
  /** All gateways are left out: nothing was sent. */
  | { readonly kind: 'none' };

type Response = Extract<HttpsResult, { kind: 'response' }>;

export interface BalancedRequestsOptions extends Omit<HttpsRequestsOptions, 'origin'> {
  readonly random: Random;
  /** Each with the path in front of all others: `https://push.example.net:8443/push`. */
  readonly urls: readonly string[];
  /** Of every request. */
  readonly fields: Readonly<Record<string, string>>;
  readonly judge: (response: Response) => GatewayEnd;
  /** Path of the health check, and whether its answer lets pushes through. */
  readonly checkPath: string;
  readonly isWell: (response: Response) => boolean;
  /** Told exactly once for each `send`, with its tag. */
  readonly ended: (tag: number, result: BalancedResult) => void;
}

interface Gateway {
  readonly requests: HttpsRequests;
  readonly prefix: string;
  /** Requests since it was last asked how it is. */
  sent: number;
  cancelCheck: Cancel | undefined;
}

export class BalancedRequests {
  readonly #options: BalancedRequestsOptions;
  readonly #choice: GatewayChoice;
  readonly #gateways: readonly Gateway[];
  #draining = false;

  constructor(options: BalancedRequestsOptions) {
    this.#options = options;
    this.#choice = new GatewayChoice(options.urls.length, options.random);
    this.#gateways = options.urls.map((text) => {
      const { origin, pathname } = new URL(text);
      const requests = new HttpsRequests({ ...options, origin });
      return { requests, prefix: pathname.replace(/\/+$/, ''), sent: 0, cancelCheck: undefined };
    });
    // With one alone there is nothing to choose, so that only its failures count.
    if (this.#gateways.length > 1) for (const index of this.#gateways.keys()) this.#checkLater(index);
  }

  /** POSTs to `path` below the prefix of the gateway that is chosen. */
  send(path: string, body: string, deadlineMs: EpochMs, tag: number): void {
    if (this.#draining) return this.#options.ended(tag, { kind: 'none' });
    this.#sendTo(this.#choice.choose(-1), new Flight(this, path, body, deadlineMs, tag));
  }

  async drain(budgetMs: number): Promise<void> {
    this.#draining = true;
    for (const { cancelCheck } of this.#gateways) cancelCheck?.();
    await Promise.all(this.#gateways.map(({ requests }) => requests.drain(budgetMs)));
  }

  /** For flights alone. */
  flightEnded(flight: Flight, result: HttpsResult): void {
    const { index } = flight;
    this.#choice.ended(index);
    const end = endOf(result, this.#options.judge);
    if (end !== undefined && !this.#draining && this.#choice.judge(index, end)) this.#checkLater(index);
    if (result.kind === 'failed' && result.failure === 'not-sent' && !flight.isMoved && !this.#draining) {
      const other = this.#choice.choose(index);
      if (other !== -1) {
        flight.isMoved = true;
        return this.#sendTo(other, flight);
      }
    }
    this.#options.ended(flight.tag, result);
  }

  #sendTo(index: number, flight: Flight): void {
    const gateway = this.#gateways[index];
    if (gateway === undefined) return this.#options.ended(flight.tag, { kind: 'none' });
    flight.index = index;
    gateway.sent++;
    this.#choice.began(index);
    gateway.requests.send(flight.requestTo(gateway.prefix, this.#options.fields), flight.deadlineMs, flight);
  }

  #checkLater(index: number): void {
    const gateway = this.#gateways[index];
    if (gateway === undefined || this.#draining) return;
    gateway.cancelCheck?.();
    gateway.cancelCheck = this.#options.clock.after(this.#choice.waitMs(index), () => this.#check(index), false);
  }

  #check(index: number): void {
    const gateway = this.#gateways[index];
    if (gateway === undefined || this.#draining) return;
    if (this.#choice.isUp(index)) {
      // It has answered a push meanwhile, or nobody uses it.
      if (this.#gateways.length === 1) return;
      if (gateway.sent === 0) return this.#checkLater(index);
    }
    gateway.sent = 0;
    const { clock, checkPath } = this.#options;
    const path = `${gateway.prefix}${checkPath}`;
    const request: HttpsRequest = { method: 'GET', path, fields: { accept: 'application/json' }, body: '' };
    const ended = (result: HttpsResult): void => this.#checked(index, result);
    gateway.requests.send(request, epochMs(clock.now() + limits.gatewayCheckMs), { ended });
  }

  /** One that is in use is taken out by a clear answer alone: its health check may be slower than its pushes. */
  #checked(index: number, result: HttpsResult): void {
    if (this.#draining) return;
    const isWell = result.kind === 'response' && this.#options.isWell(result);
    if (!this.#choice.isUp(index)) this.#choice.asked(index, isWell);
    else if (result.kind === 'response' && !isWell) this.#choice.leaveOut(index);
    if (this.#gateways.length > 1 || !this.#choice.isUp(index)) this.#checkLater(index);
  }
}

/** One request on its way, to one gateway or the next. */
class Flight implements HttpsReceiver {
  readonly deadlineMs: EpochMs;
  readonly tag: number;
  index = -1;
  isMoved = false;
  readonly #owner: BalancedRequests;
  readonly #path: string;
  readonly #body: string;

  constructor(owner: BalancedRequests, path: string, body: string, deadlineMs: EpochMs, tag: number) {
    this.#owner = owner;
    this.#path = path;
    this.#body = body;
    this.deadlineMs = deadlineMs;
    this.tag = tag;
  }

  requestTo(prefix: string, fields: HttpsRequest['fields']): HttpsRequest {
    return { method: 'POST', path: prefix + this.#path, fields, body: this.#body };
  }

  ended(result: HttpsResult): void {
    this.#owner.flightEnded(this, result);
  }
}

/** `undefined`: it says nothing about the gateway. */
function endOf(result: HttpsResult, judge: BalancedRequestsOptions['judge']): GatewayEnd | undefined {
  switch (result.kind) {
    case 'response':
      return judge(result);
    case 'failed':
      if (result.failure === 'deadline-unsent') return undefined;
      return result.failure === 'deadline' ? 'troubled' : 'unreached';
    case 'full':
      return undefined;
    default:
      return unreachable(result);
  }
}
