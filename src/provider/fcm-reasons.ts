// Thread: any
/**
 * Everything FCM may answer, and what it means for us. Sources: firebase.google.com, "FCM Error Codes"
 * (reference/fcm/rest/v1/ErrorCode) and "Best practices when sending FCM messages at scale" (scale-fcm: the waits).
 */
import type { ReasonMeaning } from './reason-outcome.ts';

export interface FcmReason extends ReasonMeaning {
  /** When Google does not say it in Retry-After. */
  readonly retryAfterMs: number;
}

/** Google: nothing is tried again sooner than this, whatever Retry-After says. */
export const fcmRetryMsMin = 10_000;
/** Google: after a 429 without Retry-After. */
const afterQuotaMs = 60_000;

function row(kind: FcmReason['kind'], more: Partial<FcmReason> = {}): FcmReason {
  return { kind, reached: 'no', retryAfterMs: 0, ...more };
}

const broken = { reached: 'unknown', retryAfterMs: fcmRetryMsMin } as const;

/**
 * By `errorCode` of the FcmError detail. A dead token is only what Google says in those words: `UNREGISTERED`, and
 * `INVALID_ARGUMENT` about the registration token itself (`isDeadToken` in fcm.ts). `SENDER_ID_MISMATCH` is `rejected`:
 * the token belongs to another project, which is also what a wrong service account of ours makes of every token.
 */
export const fcmErrorCodes: ReadonlyMap<string, FcmReason> = new Map([
  ['UNREGISTERED', row('unregistered')],
  ['INVALID_ARGUMENT', row('rejected')],
  ['SENDER_ID_MISMATCH', row('rejected')],
  ['QUOTA_EXCEEDED', row('throttled', { retryAfterMs: afterQuotaMs })],
  ['UNAVAILABLE', row('unavailable', { retryAfterMs: fcmRetryMsMin })],
  ['INTERNAL', row('unavailable', broken)],
  // The APNs or web push credential stored in the Firebase project; the second is its older name. An access token of
  // ours, however fresh, changes nothing.
  ['THIRD_PARTY_AUTH_ERROR', row('unauthorized', { renewable: false })],
  ['APNS_AUTH_ERROR', row('unauthorized', { renewable: false })],
  // UNSPECIFIED_ERROR is not here on purpose: it says nothing, so the HTTP status decides, as for new words.
]);

/** By `error.status`, for answers without an FcmError detail. */
export const fcmStatuses: ReadonlyMap<string, FcmReason> = new Map([
  ['UNAUTHENTICATED', row('unauthorized')],
  // The API is not enabled in the project, or the account lacks the role.
  ['PERMISSION_DENIED', row('unauthorized', { renewable: false })],
  ['INVALID_ARGUMENT', row('rejected')],
  // Perhaps the wrong project: never a dead token.
  ['NOT_FOUND', row('rejected')],
  ['RESOURCE_EXHAUSTED', row('throttled', { retryAfterMs: afterQuotaMs })],
  ['UNAVAILABLE', row('unavailable', { retryAfterMs: fcmRetryMsMin })],
  ['INTERNAL', row('unavailable', broken)],
  ['DEADLINE_EXCEEDED', row('unavailable', broken)],
]);

/** For a body that cannot be read (Google's front end answers in HTML), or words that are new: by the status alone. */
export function fcmReasonOfStatus(status: number): FcmReason {
  if (status === 401) return row('unauthorized');
  if (status === 403) return row('unauthorized', { renewable: false });
  if (status === 429) return row('throttled', { retryAfterMs: afterQuotaMs });
  if (status === 503) return row('unavailable', { retryAfterMs: fcmRetryMsMin });
  if (status === 408 || status >= 500) return row('unavailable', broken);
  return row('rejected');
}
