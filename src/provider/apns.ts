// Thread: worker
/**
 * Apple's push service: joins what is sent (apns-requests.ts) and what comes back (`classifyApns`) to the gateway port.
 * Source: developer.apple.com, UserNotifications, "Handling notification responses from APNs".
 */
import { limits } from '../core/limits.ts';
import { accepted, rejected, unavailable } from '../core/outcome.ts';
import { readTrustedAuthorities } from '../transport/trusted-authorities.ts';
import { apnsReasonOfStatus, apnsReasons } from './apns-reasons.ts';
import { ApnsRequests } from './apns-requests.ts';
import { outcomeOfFailure } from './gateway-failure.ts';
import { dateMs, isForeign, parseObject, reasonOr, retryAfterMs } from './gateway-text.ts';
import { outcomeOfReason } from './reason-outcome.ts';
import type { ApnsConfig } from '../../config/engine-config.ts';
import type { Clock } from '../core/clock.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Notification } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';
import type {
  GatewayFailure,
  GatewayReplies,
  GatewaySession,
  OpenGatewaySession,
} from '../transport/gateway-session.ts';
import type { Provider, ProviderContext, Settle } from './provider.ts';
import type { GatewayResponse } from './reason-outcome.ts';

export class ApnsProvider implements Provider, GatewayReplies {
  readonly #session: GatewaySession;
  readonly #settle: Settle;
  readonly #clock: Clock;
  readonly #requests: ApnsRequests;

  constructor(config: ApnsConfig, context: ProviderContext, open: OpenGatewaySession) {
    this.#settle = context.settle;
    this.#clock = context.clock;
    this.#requests = new ApnsRequests(config.topic);
    const { auth } = config;
    this.#session = open({
      clock: context.clock,
      random: context.random,
      replies: this,
      host: config.host,
      port: config.port,
      servername: '',
      ca: readTrustedAuthorities(config.caFile),
      certificatePem: auth.kind === 'certificate' ? auth.certificatePem : '',
      keyPem: auth.kind === 'certificate' ? auth.keyPem : '',
      proxyUrl: config.proxyUrl,
      fields: { 'content-type': 'application/json' },
      replyFields: ['apns-id', 'retry-after', 'date'],
      sessionsMax: config.sessionsMax,
      streamsMax: limits.apnsStreamsMax,
      waitingMax: config.creditMax,
      firstAlone: auth.kind === 'token',
      pingAfterMs: limits.gatewayPingAfterMs,
      idleMs: 0,
      ageMs: limits.gatewayAgeMs,
    });
  }

  publish(notification: Notification, authorization: string, deadlineMs: EpochMs, tag: number): void {
    const request = this.#requests.render(notification, authorization, this.#clock.now());
    if (!request.ok) {
      this.#settle(tag, rejected(request.error));
      return;
    }
    const admission = this.#session.request(request.value, tag, deadlineMs);
    if (admission !== 'taken') this.#settle(tag, unavailable('no', admission));
  }

  drain(budgetMs: number): Promise<void> {
    return this.#session.drain(budgetMs);
  }

  responded(tag: number, status: number, fields: Readonly<Record<string, string>>, body: string): void {
    const outcome = classifyApns({ status, fields, body, nowMs: this.#clock.now() });
    if (outcome.kind !== 'accepted' && apnsReasons.get(outcome.reason)?.renew === true) this.#session.renew();
    this.#settle(tag, outcome);
  }

  failed(tag: number, failure: GatewayFailure, reason: string): void {
    this.#settle(tag, outcomeOfFailure(failure, reason));
  }
}

export function classifyApns({ status, fields, body, nowMs }: GatewayResponse): Outcome {
  if (status >= 200 && status < 300) return accepted(fields['apns-id'] ?? '');
  const parsed = parseObject(body);
  const reason = reasonOr(status, parsed?.['reason']);
  const meaning = apnsReasons.get(reason) ?? apnsReasonOfStatus(status, isForeign(body));
  const laterMs = retryAfterMs(fields['retry-after'], nowMs) || meaning.retryAfterMs;
  const sinceMs = sinceOf(parsed?.['timestamp']);
  return outcomeOfReason(meaning, { reason, sinceMs, laterMs, gatewayAtMs: dateMs(fields['date']) });
}

/** Milliseconds, as Apple says it for a 410: the last moment at which it knew the token to be dead. */
function sinceOf(timestamp: unknown): number {
  return typeof timestamp === 'number' && Number.isFinite(timestamp) && timestamp > 0 ? Math.floor(timestamp) : 0;
}
