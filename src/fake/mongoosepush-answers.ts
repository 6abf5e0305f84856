// Thread: any
/**
 * How MongoosePush tells its clients what a provider said: from the provider's reason to a category, and from that to
 * status and body, which differ between v1/v2 and v3. Tables of MongoosePush 2.3.
 */
import type { FakeAnswer } from './fake-listener.ts';
import type { ApiVersion } from './mongoosepush-schema.ts';

type Category =
  | 'invalid_request'
  | 'internal_config'
  | 'auth'
  | 'unregistered'
  | 'too_many_requests'
  | 'service_internal'
  | 'payload_too_large'
  | 'unspecified'
  | 'generic';

const apnsCategories: readonly (readonly [Category, readonly string[]])[] = [
  [
    'invalid_request',
    [
      'BadCollapseId',
      'BadDeviceToken',
      'DeviceTokenNotForTopic',
      'IdleTimeout',
      'PayloadEmpty',
      'TopicDisallowed',
      'Forbidden',
    ],
  ],
  [
    'internal_config',
    [
      'BadMessageId',
      'BadPriority',
      'BadTopic',
      'DuplicateHeaders',
      'MissingDeviceToken',
      'MethodNotAllowed',
      'BadPath',
      'MissingTopic',
      'BadExpirationDate',
    ],
  ],
  [
    'auth',
    [
      'ExpiredProviderToken',
      'InvalidProviderToken',
      'MissingProviderToken',
      'BadCertificate',
      'BadCertificateEnvironment',
    ],
  ],
  ['unregistered', ['Unregistered']],
  ['too_many_requests', ['TooManyProviderTokenUpdates', 'TooManyRequests']],
  ['service_internal', ['ServiceUnavailable', 'Shutdown', 'InternalServerError']],
  ['payload_too_large', ['PayloadTooLarge']],
];

const fcmCategories: readonly (readonly [Category, readonly string[]])[] = [
  ['invalid_request', ['INVALID_ARGUMENT']],
  ['unregistered', ['UNREGISTERED']],
  ['auth', ['SENDER_ID_MISMATCH', 'APNS_AUTH_ERROR', 'THIRD_PARTY_AUTH_ERROR']],
  ['too_many_requests', ['QUOTA_EXCEEDED']],
  ['service_internal', ['UNAVAILABLE', 'INTERNAL']],
  ['unspecified', ['UNSPECIFIED']],
];

// The two providers' words do not overlap.
const categoryOfReason = new Map<string, Category>(
  [...apnsCategories, ...fcmCategories].flatMap(([category, reasons]) =>
    reasons.map((reason) => [reason, category] as const),
  ),
);

const v3StatusOfCategory: Readonly<Record<Exclude<Category, 'generic'>, readonly [number, string]>> = {
  invalid_request: [400, 'invalid_request'],
  unregistered: [410, 'unregistered'],
  payload_too_large: [413, 'payload_too_large'],
  too_many_requests: [429, 'too_many_requests'],
  service_internal: [503, 'service_internal'],
  auth: [503, 'service_internal'],
  internal_config: [503, 'internal_config'],
  unspecified: [520, 'unspecified'],
};

/** Reasons of MongoosePush itself. */
const v3StatusOfGeneric: Readonly<Record<string, number>> = {
  no_matching_pool: 400,
  invalid_notification: 400,
  unable_to_connect: 503,
  connection_lost: 503,
};

/** @param reason the provider's word (`BadDeviceToken`), or MongoosePush's own (`unable_to_connect`). */
export function answerForReason(version: ApiVersion, reason: string): FakeAnswer {
  if (version !== 'v3') {
    if (reason === 'unable_to_connect') return answerJson(503, { details: 'Please try again later' });
    return answerJson(500, { details: reason });
  }
  const category = categoryOfReason.get(reason) ?? 'generic';
  if (category === 'generic') return answerJson(v3StatusOfGeneric[reason] ?? 500, { reason });
  const [status, word] = v3StatusOfCategory[category];
  return answerJson(status, { reason: word });
}

export function answerJson(status: number, body: object | null): FakeAnswer {
  return { status, fields: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(body) };
}
