// Thread: worker
/**
 * MongoosePush: its REST API over HTTP/1.1 or HTTP/2, at one or several gateways of which that with the least in flight
 * takes the next. Body: mongoosepush-body.ts; answers: mongoosepush-answers.ts.
 */
import { unreachable } from '../core/assert.ts';
import { rejected, unavailable } from '../core/outcome.ts';
import { BalancedRequests } from '../transport/balanced-requests.ts';
import { readTrustedAuthorities } from '../transport/trusted-authorities.ts';
import { outcomeOfFailure } from './gateway-failure.ts';
import { pathSegment } from './gateway-text.ts';
import { classifyMongoosePush, endAtGateway, isWell } from './mongoosepush-answers.ts';
import { renderMongoosePush, unsayableTo } from './mongoosepush-body.ts';
import type { MongoosePushConfig } from '../../config/engine-config.ts';
import type { Clock } from '../core/clock.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Notification } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';
import type { BalancedResult } from '../transport/balanced-requests.ts';
import type { Provider, ProviderContext, Settle } from './provider.ts';

export class MongoosePushProvider implements Provider {
  readonly #config: MongoosePushConfig;
  readonly #requests: BalancedRequests;
  readonly #settle: Settle;
  readonly #clock: Clock;

  constructor(config: MongoosePushConfig, { clock, random, settle }: ProviderContext) {
    this.#config = config;
    this.#settle = settle;
    this.#clock = clock;
    this.#requests = new BalancedRequests({
      clock,
      random,
      urls: config.urls,
      proxyUrl: '',
      ca: readTrustedAuthorities(config.caFile),
      httpVersion: config.httpVersion,
      connections: config.connections,
      waitingMax: config.creditMax,
      fields: { 'content-type': 'application/json' },
      judge: endAtGateway,
      checkPath: '/healthcheck',
      isWell,
      ended: (tag, result) => this.#settle(tag, this.#outcomeOf(result)),
    });
  }

  publish(notification: Notification, _authorization: string, deadlineMs: EpochMs, tag: number): void {
    const { api } = this.#config;
    const problem = unsayableTo(api, notification);
    if (problem !== '') return this.#settle(tag, rejected(problem));
    const body = renderMongoosePush(notification, this.#config, this.#clock.now());
    this.#requests.send(`/${api}/notification/${pathSegment(notification.token)}`, body, deadlineMs, tag);
  }

  drain(budgetMs: number): Promise<void> {
    return this.#requests.drain(budgetMs);
  }

  #outcomeOf(result: BalancedResult): Outcome {
    switch (result.kind) {
      case 'response':
        return classifyMongoosePush({ ...result, nowMs: this.#clock.now() });
      case 'failed':
        return outcomeOfFailure(result.failure, result.reason);
      case 'full':
        return unavailable('no', 'full');
      case 'none':
        return unavailable('no', 'no gateway');
      default:
        return unreachable(result);
    }
  }
}
