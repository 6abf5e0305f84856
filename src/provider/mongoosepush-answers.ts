// Thread: worker
/**
 * What MongoosePush answers, and what it means for the notification and for the gateway itself. v3 tells errors apart
 * by status and its own words. v1 and v2 answer 500 to nearly everything, with the raw word of Apple or Google in
 * `details`: it is looked up in that one's table, so that dead devices are noticed there, too. Source:
 * github.com/esl/MongoosePush 2.3, its REST views and error tables.
 */
import { accepted } from '../core/outcome.ts';
import { apnsReasons } from './apns-reasons.ts';
import { fcmErrorCodes, fcmStatuses } from './fcm-reasons.ts';
import { isForeign, isObject, parseObject, reasonOr, retryAfterMs } from './gateway-text.ts';
import { outcomeOfReason } from './reason-outcome.ts';
import type { Outcome } from '../core/outcome.ts';
import type { GatewayEnd } from '../transport/gateway-choice.ts';
import type { GatewayResponse } from './reason-outcome.ts';
import type { ReasonMeaning } from './reason-outcome.ts';

function row(kind: ReasonMeaning['kind'], reached: ReasonMeaning['reached'] = 'no'): ReasonMeaning {
  return { kind, reached };
}

/** Its own words. A category is `no` only where each of the reasons that it stands for is. */
const ownWords: ReadonlyMap<string, ReasonMeaning> = new Map([
  ['unregistered', row('unregistered')],
  ['probably_unregistered', row('unregistered')],
  // Among others what every healthy token of the other environment gets: never a dead device.
  ['invalid_request', row('rejected')],
  ['invalid_notification', row('rejected')],
  // The service is off, or has no pool of this mode: the gateway's configuration, or a client's wrong `mode`.
  ['no_matching_pool', row('rejected')],
  ['payload_too_large', row('rejected')],
  ['too_many_requests', row('throttled')],
  // Apple found fault with topic, priority or expiration: the same notification meets the same.
  ['internal_config', row('rejected')],
  // Apple or Google in trouble, some of it after they took the notification; and refused credentials of the gateway.
  ['service_internal', row('unavailable', 'unknown')],
  ['unspecified', row('unavailable', 'unknown')],
  // Died with the request in flight, or was not answered in time: the device may have it.
  ['connection_lost', row('unavailable', 'unknown')],
  ['request_timeout', row('unavailable', 'unknown')],
  ['unable_to_connect', row('unavailable')],
]);

/** What v1 and v2 say for `unable_to_connect`. */
const laterPhrase = 'Please try again later';

export function classifyMongoosePush({ status, fields, body, nowMs }: GatewayResponse): Outcome {
  if (status >= 200 && status < 300) return accepted('');
  const reason = reasonOf(status, body);
  const said = { reason, sinceMs: 0, laterMs: retryAfterMs(fields['retry-after'], nowMs), gatewayAtMs: 0 };
  // A retired address says 410 of itself, in HTML: no word about a device.
  const isDead = status === 410 && !isForeign(body);
  return outcomeOfReason(isDead ? row('unregistered') : (meaningOf(reason) ?? meaningOfStatus(status)), said);
}

function reasonOf(status: number, body: string): string {
  const parsed = parseObject(body);
  const said = parsed?.['reason'] ?? parsed?.['details'];
  return said === laterPhrase ? 'unable_to_connect' : reasonOr(status, said);
}

function meaningOf(reason: string): ReasonMeaning | undefined {
  return ownWords.get(reason) ?? apnsReasons.get(reason) ?? fcmErrorCodes.get(reason) ?? fcmStatuses.get(reason);
}

/**
 * Without a word that is known: a crash of the gateway, its schema (422), or whatever stands in front of it. A 404 or a
 * 406 is a wrong `urls` or `api` of ours.
 */
function meaningOfStatus(status: number): ReasonMeaning {
  if (status === 401 || status === 403 || status === 407) return row('unauthorized');
  if (status === 429) return row('throttled');
  // What stands in front of it has nobody to give it to.
  if (status === 503) return row('unavailable');
  if (status === 408 || status >= 500) return row('unavailable', 'unknown');
  return row('rejected');
}

/** Words for what is the gateway's own trouble, and not what Apple or Google told it. */
const ownTroubles: ReadonlySet<string> = new Set(['unable_to_connect', 'connection_lost', 'request_timeout']);

/** Whether the next request had better go to another gateway. */
export function endAtGateway({ status, body }: Pick<GatewayResponse, 'status' | 'body'>): GatewayEnd {
  if (status < 500) return 'worked';
  const reason = reasonOf(status, body);
  return ownTroubles.has(reason) || meaningOf(reason) === undefined ? 'troubled' : 'worked';
}

/**
 * The health check is 503 when no pool has a connection, and when there is no pool at all (then with the word `pass`).
 * Whoever answers something else, 404 perhaps because a proxy hides it, is there.
 */
export function isWell({ status, body }: Pick<GatewayResponse, 'status' | 'body'>): boolean {
  if (status >= 500) return false;
  const checks = parseObject(body)?.['checks'];
  return status !== 200 || !isObject(checks) || Object.keys(checks).length > 0;
}
