// Thread: worker
/**
 * Firebase Cloud Messaging, HTTP v1. `renderFcm` and `classifyFcm` are pure; `FcmProvider` joins them to the gateway
 * port. Sources: firebase.google.com, reference/fcm/rest/v1/projects.messages and "FCM Error Codes". A connection takes
 * 100 streams, and one that is sent PINGs is ended with `too_many_pings`: none are sent.
 */
import { limits } from '../core/limits.ts';
import { accepted, rejected, unavailable, unregistered } from '../core/outcome.ts';
import { err, ok } from '../core/result.ts';
import { readTrustedAuthorities } from '../transport/trusted-authorities.ts';
import { fcmErrorCodes, fcmReasonOfStatus, fcmStatuses } from './fcm-reasons.ts';
import { outcomeOfFailure } from './gateway-failure.ts';
import { fitPayload, isObject, parseObject, pathSegment, reasonOr, retryAfterMs } from './gateway-text.ts';
import { outcomeOfReason } from './reason-outcome.ts';
import type { FcmConfig } from '../../config/engine-config.ts';
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
import type { GatewayResponse } from './apns.ts';
import type { Provider, ProviderContext, Settle } from './provider.ts';

export class FcmProvider implements Provider, GatewayReplies {
  readonly #session: GatewaySession;
  readonly #settle: Settle;
  readonly #clock: Clock;
  readonly #path: string;

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
    const request: GatewayRequest = { path: this.#path, shared: {}, fields: { authorization }, body: body.value };
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
    this.#settle(tag, outcomeOfFailure(failure, reason));
  }
}

/** Google keeps a message four weeks at most. */
const ttlSecondsMax = 2_419_200;

/** The request's body. The error is the reason for which Google would refuse it. */
export function renderFcm(notification: Notification, nowMs: number): Result<string, string> {
  const data = dataOf(notification);
  const { title, body } = notification;
  const bytesMax = limits.fcmPayloadBytesMax;
  // Google counts keys and values of the payload, not the token or the delivery options.
  if (payloadBytes(notification, data, title, body) <= bytesMax) {
    return ok(messageText(notification, data, { title, body, nowMs }));
  }
  let fitted = { title, body };
  const fits = fitPayload(notification, bytesMax, (shortTitle, shortBody) => {
    fitted = { title: shortTitle, body: shortBody };
    return payloadText(notification, data, shortTitle, shortBody);
  });
  return fits === undefined ? err('PayloadTooLarge') : ok(messageText(notification, data, { ...fitted, nowMs }));
}

function payloadBytes(notification: Notification, data: Data, title: string, body: string): number {
  return Buffer.byteLength(payloadText(notification, data, title, body));
}

function payloadText(notification: Notification, data: Data, title: string, body: string): string {
  return JSON.stringify(notification.kind === 'alert' ? { data, title, body } : data);
}

interface Texts {
  readonly title: string;
  readonly body: string;
  readonly nowMs: number;
}

function messageText(notification: Notification, data: Data, { title, body, nowMs }: Texts): string {
  const android: Record<string, unknown> = {
    priority: notification.priority === 'high' || notification.kind === 'call' ? 'HIGH' : 'NORMAL',
  };
  const message: Record<string, unknown> = { token: notification.token };
  // Without a notification part the message goes to the app's own code, also in the background: what silent pushes and
  // calls need.
  if (notification.kind === 'alert') {
    message['notification'] = { title, body };
    const shown = androidNotification(notification);
    if (Object.keys(shown).length > 0) android['notification'] = shown;
  }
  if (Object.keys(data).length > 0) message['data'] = data;
  if (notification.expiresAtMs > 0) {
    const seconds = Math.ceil((notification.expiresAtMs - nowMs) / 1_000);
    android['ttl'] = `${Math.min(ttlSecondsMax, Math.max(0, seconds))}s`;
  }
  if (notification.collapseId !== '') android['collapse_key'] = notification.collapseId;
  message['android'] = android;
  return JSON.stringify({ message });
}

function androidNotification(notification: Notification): Readonly<Record<string, unknown>> {
  const shown: Record<string, unknown> = {};
  if (notification.sound !== '') shown['sound'] = notification.sound;
  if (notification.thread !== '') shown['tag'] = notification.thread;
  if (notification.category !== '') shown['click_action'] = notification.category;
  if (notification.badge >= 0) shown['notification_count'] = notification.badge;
  return shown;
}

type Data = Readonly<Record<string, string>>;

/** Reserved words would make Google refuse the whole message. */
const reservedKey = /^(from|message_type|google|gcm|google\..*|gcm\..*)$/;

function dataOf(notification: Notification): Data {
  const data: Record<string, string> = {};
  for (const key in notification.data) {
    // Values must be text; the type says so, a plugin may not.
    if (!reservedKey.test(key)) data[key] = String(notification.data[key]);
  }
  return data;
}

export function classifyFcm({ status, fields, body, nowMs }: GatewayResponse): Outcome {
  const parsed = parseObject(body);
  if (status >= 200 && status < 300) return accepted(textOf(parsed?.['name']));
  const error = isObject(parsed?.['error']) ? parsed['error'] : {};
  const details = Array.isArray(error['details']) ? error['details'].filter(isObject) : [];
  const errorCode = textOf(details.find((detail) => isType(detail, 'FcmError'))?.['errorCode']);
  const said = errorCode === '' ? textOf(error['status']) : errorCode;
  const reason = reasonOr(status, said === '' ? undefined : said);
  if (isDeadToken(errorCode, details, textOf(error['message']))) return unregistered(reason, 0);
  const table = errorCode === '' ? fcmStatuses : fcmErrorCodes;
  const meaning = table.get(said) ?? fcmReasonOfStatus(status);
  const laterMs = retryAfterMs(fields['retry-after'], nowMs) || meaning.retryAfterMs;
  return outcomeOfReason(meaning, { reason, sinceMs: 0, laterMs, gatewayAtMs: 0 });
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

function isType(detail: Detail, name: string): boolean {
  return textOf(detail['@type']).endsWith(`.${name}`);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
