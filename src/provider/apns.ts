// Thread: worker
/**
 * Apple's push service. `renderApns` and `classifyApns` are pure; `ApnsProvider` joins them to the gateway port.
 * Sources: developer.apple.com, UserNotifications, "Sending notification requests to APNs", "Generating a remote
 * notification", "Handling notification responses from APNs".
 */
import { createHash } from 'node:crypto';
import { limits } from '../core/limits.ts';
import { accepted, rejected, unavailable } from '../core/outcome.ts';
import { err, ok } from '../core/result.ts';
import { readTrustedAuthorities } from '../transport/trusted-authorities.ts';
import { apnsReasonOfStatus, apnsReasons } from './apns-reasons.ts';
import { outcomeOfFailure } from './gateway-failure.ts';
import { dateMs, fitPayload, isFieldText, parseObject, pathSegment, reasonOr, retryAfterMs } from './gateway-text.ts';
import { outcomeOfReason } from './reason-outcome.ts';
import type { ApnsConfig } from '../../config/engine-config.ts';
import type { Clock } from '../core/clock.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Notification } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Result } from '../core/result.ts';
import type {
  GatewayFailure,
  GatewayReplies,
  GatewayRequest,
  GatewaySession,
  OpenGatewaySession,
} from '../transport/gateway-session.ts';
import type { Provider, ProviderContext, Settle } from './provider.ts';

export class ApnsProvider implements Provider, GatewayReplies {
  readonly #session: GatewaySession;
  readonly #settle: Settle;
  readonly #clock: Clock;
  readonly #topic: string;

  constructor(config: ApnsConfig, context: ProviderContext, open: OpenGatewaySession) {
    this.#settle = context.settle;
    this.#clock = context.clock;
    this.#topic = config.topic;
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
    const request = renderApns(notification, { authorization, topic: this.#topic, nowMs: this.#clock.now() });
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

export interface ApnsRendering {
  /** `''` with a client certificate: Apple ignores the field then. */
  readonly authorization: string;
  /** For notifications that name none; `''` = the certificate's own. */
  readonly topic: string;
  readonly nowMs: number;
}

/** The error is the reason for which Apple would refuse it. */
export function renderApns(notification: Notification, rendering: ApnsRendering): Result<GatewayRequest, string> {
  const payload = renderPayload(notification);
  if (payload === undefined) return err('PayloadTooLarge');
  const { kind } = notification;
  const fields: Record<string, string> = {
    'apns-push-type': kind === 'alert' ? 'alert' : kind === 'silent' ? 'background' : 'voip',
    'apns-id': notification.id,
    // A background push with 10 is an error (BadPriority); a call that may wait is no call.
    'apns-priority': kind === 'call' || (kind === 'alert' && notification.priority === 'high') ? '10' : '5',
  };
  if (rendering.authorization !== '') fields['authorization'] = rendering.authorization;
  const topic = topicFor(kind, notification.topic === '' ? rendering.topic : notification.topic);
  if (topic !== '') {
    if (!isFieldText(topic)) return err('BadTopic');
    fields['apns-topic'] = topic;
  }
  if (notification.expiresAtMs > 0) {
    // 0 = one attempt, now: also the best that can be done for one that has expired on its way here.
    const isPast = notification.expiresAtMs <= rendering.nowMs;
    fields['apns-expiration'] = isPast ? '0' : String(Math.floor(notification.expiresAtMs / 1_000));
  }
  if (notification.collapseId !== '') fields['apns-collapse-id'] = collapseIdFor(notification.collapseId);
  return ok({ path: `/3/device/${pathSegment(notification.token)}`, shared: {}, fields, body: payload });
}

function topicFor(kind: Notification['kind'], topic: string): string {
  return kind !== 'call' || topic === '' || topic.endsWith('.voip') ? topic : `${topic}.voip`;
}

// The same id for the same text, whatever its length and letters: 64 hex digits are the 64 bytes Apple allows.
function collapseIdFor(text: string): string {
  if (text.length <= limits.collapseIdBytesMax && isFieldText(text)) return text;
  return createHash('sha256').update(text).digest('hex');
}

function renderPayload(notification: Notification): string | undefined {
  const bytesMax = notification.kind === 'call' ? limits.apnsVoipPayloadBytesMax : limits.apnsPayloadBytesMax;
  const whole = payloadText(notification, notification.title, notification.body);
  if (Buffer.byteLength(whole) <= bytesMax) return whole;
  return fitPayload(notification, bytesMax, (title, body) => payloadText(notification, title, body));
}

function payloadText(notification: Notification, title: string, body: string): string {
  const aps: Record<string, unknown> = {};
  if (notification.kind === 'silent') {
    aps['content-available'] = 1; // and no alert, badge or sound: Apple would not deliver it
  } else {
    if (title !== '' || body !== '') aps['alert'] = alertOf(title, body);
    if (notification.badge >= 0) aps['badge'] = notification.badge;
    if (notification.sound !== '') aps['sound'] = notification.sound;
    if (notification.thread !== '') aps['thread-id'] = notification.thread;
    if (notification.category !== '') aps['category'] = notification.category;
    if (notification.mutableContent) aps['mutable-content'] = 1;
  }
  const payload: Record<string, unknown> = { aps };
  for (const key in notification.data) {
    if (key !== 'aps') payload[key] = notification.data[key];
  }
  return JSON.stringify(payload);
}

function alertOf(title: string, body: string): Readonly<Record<string, string>> {
  if (title === '') return { body };
  return body === '' ? { title } : { title, body };
}

export interface GatewayResponse {
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
  readonly nowMs: number;
}

export function classifyApns({ status, fields, body, nowMs }: GatewayResponse): Outcome {
  if (status >= 200 && status < 300) return accepted(fields['apns-id'] ?? '');
  const parsed = parseObject(body);
  const reason = reasonOr(status, parsed?.['reason']);
  const meaning = apnsReasons.get(reason) ?? apnsReasonOfStatus(status);
  const laterMs = retryAfterMs(fields['retry-after'], nowMs) || meaning.retryAfterMs;
  const sinceMs = sinceOf(parsed?.['timestamp']);
  return outcomeOfReason(meaning, { reason, sinceMs, laterMs, gatewayAtMs: dateMs(fields['date']) });
}

/** Milliseconds, as Apple says it for a 410: the last moment at which it knew the token to be dead. */
function sinceOf(timestamp: unknown): number {
  return typeof timestamp === 'number' && Number.isFinite(timestamp) && timestamp > 0 ? Math.floor(timestamp) : 0;
}
