// Thread: worker
/**
 * Firebase Cloud Messaging, HTTP v1. `renderFcm` and `classifyFcm` are pure; `FcmProvider` joins them to the gateway
 * port. Sources: firebase.google.com, "FCM Error Codes" and "Best practices when sending FCM messages at scale". A
 * connection takes 100 streams, and one that is sent PINGs is ended with `too_many_pings`: none are sent. How fast
 * messages leave is decided before they come here, in publish/quota-pace.ts.
 */
import { limits } from '../core/limits.ts';
import { accepted, rejected, unavailable, unregistered } from '../core/outcome.ts';
import { readTrustedAuthorities } from '../transport/trusted-authorities.ts';
import { renderFcm } from './fcm-message.ts';
import { textOf } from './fcm-parts.ts';
import { fcmErrorCodes, fcmReasonOfStatus, fcmRetryMsMin, fcmStatuses } from './fcm-reasons.ts';
import { outcomeOfFailure } from './gateway-failure.ts';
import { isObject, parseObject, pathSegment, reasonOr, retryAfterMs } from './gateway-text.ts';
import { outcomeOfReason } from './reason-outcome.ts';
import type { FcmConfig } from '../../config/engine-config.ts';
import type { Clock } from '../core/clock.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Notification } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';
import type {
  GatewayFailure,
  GatewayReplies,
  GatewayRequest,
  GatewaySession,
  OpenGatewaySession,
} from '../transport/gateway-session.ts';
import type { GatewayResponse } from './reason-outcome.ts';
import type { Provider, ProviderContext, Settle } from './provider.ts';

type Fields = Readonly<Record<string, string>>;

const noFields: Fields = Object.freeze({});

export class FcmProvider implements Provider, GatewayReplies {
  readonly #session: GatewaySession;
  readonly #settle: Settle;
  readonly #clock: Clock;
  readonly #path: string;
  /** One object as long as the authorization is the same: the transport encodes it once for each connection. */
  #shared: Fields = noFields;

  constructor(config: FcmConfig, context: ProviderContext, open: OpenGatewaySession) {
    this.#settle = context.settle;
    this.#clock = context.clock;
    this.#path = `/v1/projects/${pathSegment(config.projectId)}/messages:send`;
    this.#session = open({
      clock: context.clock,
      random: context.random,
      replies: this,
      host: config.host,
      port: config.port,
      servername: '',
      ca: readTrustedAuthorities(config.caFile),
      certificatePem: '',
      keyPem: '',
      proxyUrl: config.proxyUrl,
      fields: { 'content-type': 'application/json' },
      replyFields: ['retry-after'],
      sessionsMax: config.sessionsMax,
      streamsMax: limits.fcmStreamsMax,
      waitingMax: config.creditMax,
      firstAlone: false,
      pingAfterMs: 0,
      idleMs: limits.gatewayUncheckedIdleMs,
      ageMs: limits.gatewayAgeMs,
    });
  }

  publish(notification: Notification, authorization: string, deadlineMs: EpochMs, tag: number): void {
    const body = renderFcm(notification, this.#clock.now());
    if (!body.ok) {
      this.#settle(tag, rejected(body.error));
      return;
    }
    if (this.#shared['authorization'] !== authorization) this.#shared = Object.freeze({ authorization });
    const request: GatewayRequest = { path: this.#path, shared: this.#shared, fields: noFields, body: body.value };
    const admission = this.#session.request(request, tag, deadlineMs);
    if (admission !== 'taken') this.#settle(tag, unavailable('no', admission));
  }

  drain(budgetMs: number): Promise<void> {
    return this.#session.drain(budgetMs);
  }

  responded(tag: number, status: number, fields: Readonly<Record<string, string>>, body: string): void {
    this.#settle(tag, classifyFcm({ status, fields, body, nowMs: this.#clock.now() }));
  }

  failed(tag: number, failure: GatewayFailure, reason: string): void {
    this.#settle(tag, outcomeOfFailure(failure, reason, fcmRetryMsMin));
  }
}

export function classifyFcm({ status, fields, body, nowMs }: GatewayResponse): Outcome {
  const parsed = parseObject(body);
  if (status >= 200 && status < 300) return accepted(textOf(parsed?.['name']));
  const error = isObject(parsed?.['error']) ? parsed['error'] : {};
  const details = Array.isArray(error['details']) ? error['details'].filter(isObject) : [];
  const errorCode = textOf(details.find((detail) => isType(detail, 'FcmError'))?.['errorCode']);
  const table = errorCode === '' ? fcmStatuses : fcmErrorCodes;
  const said = errorCode === '' ? textOf(error['status']) : errorCode;
  const reason = reasonOr(status, said === '' ? undefined : said);
  if (isDeadToken(errorCode, details, textOf(error['message']))) return unregistered(reason, 0);
  const meaning = table.get(said) ?? fcmReasonOfStatus(status);
  const saidMs = retryAfterMs(fields['retry-after'], nowMs);
  const laterMs = saidMs === 0 ? meaning.retryAfterMs : Math.max(saidMs, fcmRetryMsMin);
  const narrower = meaning.kind === 'throttled' ? quotaOfOne(details) : undefined;
  return outcomeOfReason(meaning, { reason: narrower ?? reason, sinceMs: 0, laterMs, gatewayAtMs: 0 });
}

type Detail = Readonly<Record<string, unknown>>;

/**
 * INVALID_ARGUMENT is about the token only when FCM itself says so, in those words, and names no field of ours: with
 * `fieldViolations` our own message was wrong, and a token is never deleted for that.
 */
function isDeadToken(errorCode: string, details: readonly Detail[], message: string): boolean {
  if (errorCode !== 'INVALID_ARGUMENT') return false;
  const violated = details.some((detail) => isType(detail, 'BadRequest') && Array.isArray(detail['fieldViolations']));
  return !violated && /registration token/i.test(message);
}

/** Which quota of one device or topic is used up; `undefined`: that of the project, or it is not said. */
function quotaOfOne(details: readonly Detail[]): string | undefined {
  const failure = details.find((detail) => isType(detail, 'QuotaFailure'))?.['violations'];
  const violations = Array.isArray(failure) ? failure.filter(isObject) : [];
  const names = violations.map(({ subject, description }) => quotaNamed(textOf(subject), textOf(description)));
  return names.includes(undefined) ? undefined : names[0];
}

function quotaNamed(subject: string, description: string): string | undefined {
  const named = /^(device|topic)\b/i.exec(description) ?? /^(device|topic)\b/i.exec(subject);
  return named === null ? undefined : `${named[0].toUpperCase()}_QUOTA_EXCEEDED`;
}

function isType(detail: Detail, name: string): boolean {
  return textOf(detail['@type']).endsWith(`.${name}`);
}
