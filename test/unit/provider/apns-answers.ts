/**
 * Every reason of 3.7 with its status, and what must come of it: written down from Apple's pages a second time, so that
 * a slip in the product's own table shows.
 */
import type { OutcomeKind } from '../../../src/core/outcome.ts';

interface Besides {
  /** For `unavailable`. */
  readonly reached?: 'no' | 'unknown';
  /** For `throttled` and `unavailable`, where Apple says nothing; default 0. */
  readonly retryAfterMs?: number;
  /** The connection is given up; default false. */
  readonly renews?: boolean;
}

const minuteMs = 60_000;
const unsent = { reached: 'no' } as const;

export const apnsAnswers: readonly (readonly [reason: string, status: number, kind: OutcomeKind, besides?: Besides])[] =
  [
    ['BadCollapseId', 400, 'rejected'],
    ['BadDeviceToken', 400, 'rejected'],
    ['BadExpirationDate', 400, 'rejected'],
    ['BadMessageId', 400, 'rejected'],
    ['BadPriority', 400, 'rejected'],
    ['BadTopic', 400, 'rejected'],
    ['DeviceTokenNotForTopic', 400, 'rejected'],
    ['DuplicateHeaders', 400, 'rejected'],
    ['InvalidPushType', 400, 'rejected'],
    ['MissingDeviceToken', 400, 'rejected'],
    ['MissingTopic', 400, 'rejected'],
    ['PayloadEmpty', 400, 'rejected'],
    ['TopicDisallowed', 400, 'rejected'],
    ['IdleTimeout', 400, 'unavailable', { ...unsent, renews: true }],
    ['BadCertificate', 403, 'unauthorized'],
    ['BadCertificateEnvironment', 403, 'unauthorized'],
    ['BadEnvironmentKeyIdInToken', 403, 'unauthorized'],
    ['Forbidden', 403, 'unauthorized'],
    ['InvalidProviderToken', 403, 'unauthorized'],
    ['MissingProviderToken', 403, 'unauthorized'],
    ['ExpiredProviderToken', 403, 'unauthorized', { renews: true }],
    ['UnrelatedKeyIdInToken', 403, 'unauthorized', { renews: true }],
    ['BadPath', 404, 'rejected'],
    ['MethodNotAllowed', 405, 'rejected'],
    ['ExpiredToken', 410, 'unregistered'],
    ['Unregistered', 410, 'unregistered'],
    ['PayloadTooLarge', 413, 'rejected'],
    ['TooManyProviderTokenUpdates', 429, 'throttled', { retryAfterMs: minuteMs, renews: true }],
    ['TooManyRequests', 429, 'throttled'],
    ['InternalServerError', 500, 'unavailable', { reached: 'unknown', retryAfterMs: 15 * minuteMs }],
    ['ServiceUnavailable', 503, 'unavailable', unsent],
    ['Shutdown', 503, 'unavailable', { ...unsent, renews: true }],
    ['BadChannelId', 400, 'rejected'],
    ['BadRequestParams', 400, 'rejected'],
    ['BadRequestPayload', 400, 'rejected'],
    ['CannotCreateChannelConfig', 400, 'rejected'],
    ['ChannelNotRegistered', 400, 'rejected'],
    ['FeatureNotEnabled', 400, 'rejected'],
    ['MissingChannelId', 400, 'rejected'],
    ['MissingPushType', 400, 'rejected'],
    ['TopicMismatch', 403, 'rejected'],
  ];
