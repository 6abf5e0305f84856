// Thread: worker
/**
 * MongoosePush: its REST API v2 or v3, over HTTP/1.1. The body is what MongooseIM's own connector builds
 * (`mod_push_service_mongoosepush`), but `mutable_content` and `time_to_live` have the types of the API's schema and
 * the token is percent-encoded in the path. Source: github.com/esl/MongoosePush, doc/http_api.md and its REST views.
 */
import { unreachable } from '../core/assert.ts';
import { limits } from '../core/limits.ts';
import { accepted, rejected, throttled, unauthorized, unavailable, unregistered } from '../core/outcome.ts';
import { HttpsRequests } from '../transport/https-requests.ts';
import { readTrustedAuthorities } from '../transport/trusted-authorities.ts';
import { apnsReasons } from './apns-reasons.ts';
import { fcmErrorCodes } from './fcm-reasons.ts';
import { outcomeOfFailure } from './gateway-failure.ts';
import { fitPayload, parseObject, pathSegment, reasonOr, retryAfterMs } from './gateway-text.ts';
import type { MongoosePushConfig } from '../../config/engine-config.ts';
import type { Clock } from '../core/clock.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Notification } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Mode } from '../core/registration.ts';
import type { HttpsResult } from '../transport/https-requests.ts';
import type { GatewayResponse } from './apns.ts';
import type { Provider, ProviderContext, Settle } from './provider.ts';

export class MongoosePushProvider implements Provider {
  readonly #requests: HttpsRequests;
  readonly #settle: Settle;
  readonly #clock: Clock;
  readonly #prefix: string;
  readonly #mode: Mode;

  constructor(config: MongoosePushConfig, context: ProviderContext) {
    const url = new URL(config.url);
    this.#settle = context.settle;
    this.#clock = context.clock;
    this.#mode = config.mode;
    this.#prefix = `${url.pathname.replace(/\/+$/, '')}/${config.api}/notification/`;
    this.#requests = new HttpsRequests({
      clock: context.clock,
      origin: url.origin,
      ca: readTrustedAuthorities(config.caFile),
      connections: config.connections,
      waitingMax: config.creditMax,
    });
  }

  publish(notification: Notification, _authorization: string, deadlineMs: EpochMs, tag: number): void {
    const path = `${this.#prefix}${pathSegment(notification.token)}`;
    const body = renderMongoosePush(notification, this.#mode, this.#clock.now());
    // The promise never rejects.
    void this.#requests
      .post({ path, fields: { 'content-type': 'application/json' }, body }, deadlineMs)
      .then((result) => this.#settle(tag, this.#outcomeOf(result)));
  }

  drain(budgetMs: number): Promise<void> {
    return this.#requests.drain(budgetMs);
  }

  #outcomeOf(result: HttpsResult): Outcome {
    switch (result.kind) {
      case 'response':
        return classifyMongoosePush({ ...result, nowMs: this.#clock.now() });
      case 'failed':
        return outcomeOfFailure(result.failure, result.reason);
      case 'full':
        return unavailable('no', 'full');
      default:
        return unreachable(result);
    }
  }
}

/** `mode`: for notifications that name none. Shortened to what either gateway takes: ours is the larger document. */
export function renderMongoosePush(notification: Notification, mode: Mode, nowMs: number): string {
  const build = (title: string, body: string): string => bodyText(notification, { title, body, mode, nowMs });
  const whole = build(notification.title, notification.body);
  if (Buffer.byteLength(whole) <= limits.apnsPayloadBytesMax) return whole;
  // Too large for its data alone: the gateway's answer says so.
  return fitPayload(notification, limits.apnsPayloadBytesMax, build) ?? whole;
}

interface Parts {
  readonly title: string;
  readonly body: string;
  readonly mode: Mode;
  readonly nowMs: number;
}

function bodyText(notification: Notification, { title, body, mode, nowMs }: Parts): string {
  const document: Record<string, unknown> = { service: notification.service };
  const wanted = notification.mode === '' ? mode : notification.mode;
  if (wanted !== '') document['mode'] = wanted;
  // A silent push with Apple's priority 10 is refused by Apple, and MongoosePush passes `high` on as it is.
  const isQuiet = notification.kind === 'silent' && notification.service === 'apns';
  document['priority'] = isQuiet ? 'normal' : notification.kind === 'call' ? 'high' : notification.priority;
  if (notification.topic !== '') document['topic'] = notification.topic;
  if (notification.mutableContent) document['mutable_content'] = true;
  if (notification.expiresAtMs > 0) {
    document['time_to_live'] = Math.min(int32Max, Math.max(0, Math.ceil((notification.expiresAtMs - nowMs) / 1_000)));
  }
  // Never both: with an alert, data would make it another kind of notification.
  if (notification.kind === 'silent') document['data'] = dataOf(notification);
  else document['alert'] = alertOf(notification, title, body);
  return JSON.stringify(document);
}

const int32Max = 2_147_483_647;

function alertOf(notification: Notification, title: string, body: string): Readonly<Record<string, unknown>> {
  const { thread, badge, category, sound } = notification;
  const alert: Record<string, unknown> = { title, body };
  if (thread !== '') alert['tag'] = thread;
  if (badge >= 0) alert['badge'] = badge;
  if (category !== '') alert['click_action'] = category;
  if (sound !== '') alert['sound'] = sound;
  return alert;
}

function dataOf(notification: Notification): Readonly<Record<string, unknown>> {
  const data: Record<string, unknown> = { ...notification.data };
  const count = notification.data['message-count'];
  if (count !== undefined && /^\d{1,9}$/.test(count)) data['message-count'] = Number(count);
  return data;
}

/** Its own words for what went wrong between it and the gateways. */
const ownReasons: ReadonlyMap<string, Outcome['kind']> = new Map([
  ['unregistered', 'unregistered'],
  ['probably_unregistered', 'unregistered'],
  ['invalid_request', 'rejected'],
  ['invalid_notification', 'rejected'],
  ['no_matching_pool', 'rejected'],
  ['payload_too_large', 'rejected'],
  ['too_many_requests', 'throttled'],
  // Died with the request in flight, or was not answered in time: the device may have it.
  ['connection_lost', 'unavailable'],
  ['request_timeout', 'unavailable'],
]);
const maybeReached: ReadonlySet<string> = new Set(['connection_lost', 'request_timeout']);

/**
 * v3 answers 410 for a dead device. v2 answers 500 to everything, with the gateway's own word in `details`: it is
 * looked up in that gateway's table, so that dead devices are noticed through v2 too.
 */
export function classifyMongoosePush({ status, fields, body, nowMs }: GatewayResponse): Outcome {
  if (status >= 200 && status < 300) return accepted('');
  const parsed = parseObject(body);
  const reason = reasonOr(status, parsed?.['reason'] ?? parsed?.['details']);
  const laterMs = retryAfterMs(fields['retry-after'], nowMs);
  const kind = status === 410 ? 'unregistered' : (ownReasons.get(reason) ?? relayed(reason) ?? kindOfStatus(status));
  switch (kind) {
    case 'unregistered':
      return unregistered(reason, 0);
    case 'throttled':
      return throttled(reason, laterMs);
    case 'unauthorized':
      return unauthorized(reason);
    case 'unavailable':
      return unavailable(status === 503 && !maybeReached.has(reason) ? 'no' : 'unknown', reason, laterMs);
    case 'rejected':
    case 'accepted':
    case 'expired':
      return rejected(reason);
    default:
      return unreachable(kind);
  }
}

function relayed(reason: string): Outcome['kind'] | undefined {
  return apnsReasons.get(reason)?.kind ?? fcmErrorCodes.get(reason)?.kind;
}

function kindOfStatus(status: number): Outcome['kind'] {
  if (status === 429) return 'throttled';
  if (status >= 500 || status === 408) return 'unavailable';
  return 'rejected';
}
