// Thread: any
/**
 * Everything Apple may answer, and what it means for us. Sources: developer.apple.com, UserNotifications, "Handling
 * notification responses from APNs" (table of reasons) and "Sending channel management requests to APNs" (the last
 * ones).
 */
import type { ReasonMeaning } from './reason-outcome.ts';

export interface ApnsReason extends ReasonMeaning {
  /** The status Apple documents for it; what arrives is not compared with it. */
  readonly status: number;
  /** When Apple does not say it in Retry-After; 0 = nothing known. */
  readonly retryAfterMs: number;
  /** The connection is of no more use: open another. */
  readonly renew: boolean;
}

function row(status: number, kind: ApnsReason['kind'], more: Partial<ApnsReason> = {}): ApnsReason {
  return { status, kind, reached: 'no', retryAfterMs: 0, renew: false, ...more };
}

const newConnection = { renew: true } as const;

/**
 * `BadDeviceToken` and `DeviceTokenNotForTopic` are `rejected`, not `unregistered`, on purpose: the first is also what
 * every healthy token of the other environment gets, the second what a wrong `topic` of ours gets. One wrong line of
 * configuration would otherwise delete the registrations of all users. Only a 410 says that the token was once good
 * and is dead now; that answer comes for a token that is truly gone.
 */
export const apnsReasons: ReadonlyMap<string, ApnsReason> = new Map([
  ['BadCollapseId', row(400, 'rejected')],
  ['BadDeviceToken', row(400, 'rejected')],
  ['BadExpirationDate', row(400, 'rejected')],
  ['BadMessageId', row(400, 'rejected')],
  ['BadPriority', row(400, 'rejected')],
  ['BadTopic', row(400, 'rejected')],
  ['DeviceTokenNotForTopic', row(400, 'rejected')],
  ['DuplicateHeaders', row(400, 'rejected')],
  // The connection was idle and is being closed: nothing is wrong with the notification.
  ['IdleTimeout', row(400, 'unavailable', newConnection)],
  ['InvalidPushType', row(400, 'rejected')],
  ['MissingDeviceToken', row(400, 'rejected')],
  ['MissingTopic', row(400, 'rejected')],
  ['PayloadEmpty', row(400, 'rejected')],
  // The topic may be a client's choice, so one wrong client must not look like a wrong credential.
  ['TopicDisallowed', row(400, 'rejected')],
  ['BadCertificate', row(403, 'unauthorized')],
  ['BadCertificateEnvironment', row(403, 'unauthorized')],
  ['BadEnvironmentKeyIdInToken', row(403, 'unauthorized')],
  // A new token on the old connection was seen to stay refused: both are renewed.
  ['ExpiredProviderToken', row(403, 'unauthorized', newConnection)],
  ['Forbidden', row(403, 'unauthorized')],
  ['InvalidProviderToken', row(403, 'unauthorized')],
  ['MissingProviderToken', row(403, 'unauthorized')],
  // Keys of different scope were mixed on one connection.
  ['UnrelatedKeyIdInToken', row(403, 'unauthorized', newConnection)],
  ['BadPath', row(404, 'rejected')],
  ['MethodNotAllowed', row(405, 'rejected')],
  ['ExpiredToken', row(410, 'unregistered')],
  ['Unregistered', row(410, 'unregistered')],
  ['PayloadTooLarge', row(413, 'rejected')],
  // The token may change once in 20 minutes; the connection on which it changed too often can stay unusable.
  ['TooManyProviderTokenUpdates', row(429, 'throttled', { retryAfterMs: 60_000, renew: true })],
  // Too many to this one device.
  ['TooManyRequests', row(429, 'throttled')],
  // Apple asks for 15 minutes before the next try.
  ['InternalServerError', row(500, 'unavailable', { reached: 'unknown', retryAfterMs: 900_000 })],
  ['ServiceUnavailable', row(503, 'unavailable')],
  ['Shutdown', row(503, 'unavailable', newConnection)],
  ['BadChannelId', row(400, 'rejected')],
  ['BadRequestParams', row(400, 'rejected')],
  ['BadRequestPayload', row(400, 'rejected')],
  ['CannotCreateChannelConfig', row(400, 'rejected')],
  ['ChannelNotRegistered', row(400, 'rejected')],
  ['FeatureNotEnabled', row(400, 'rejected')],
  ['MissingChannelId', row(400, 'rejected')],
  ['MissingPushType', row(400, 'rejected')],
  ['TopicMismatch', row(403, 'rejected')],
]);

/**
 * For a reason Apple has added since, or a body that cannot be read: by the status alone. Whoever answers 410 in the
 * place of Apple knows of no device.
 */
export function apnsReasonOfStatus(status: number, isForeign: boolean): ApnsReason {
  if (status === 401 || status === 403) return row(status, 'unauthorized');
  if (status === 410 && !isForeign) return row(status, 'unregistered');
  if (status === 429) return row(status, 'throttled');
  if (status === 503) return row(status, 'unavailable');
  if (status >= 500) return row(status, 'unavailable', { reached: 'unknown' });
  return row(status, 'rejected');
}
