// Thread: any
/**
 * The checks of Apple's gateway on one request, in the order a strict mock makes them. Pure: what the gateway knows
 * (dead tokens, bound topics) comes in, a reason or nothing goes out.
 * Apple: "Sending notification requests to APNs", "Handling notification responses from APNs".
 */
import { limits } from '../core/limits.ts';
import type { FakeRequest } from './fake-listener.ts';

export interface ApnsRejection {
  readonly status: number;
  readonly reason: string;
  /** Milliseconds, only with 410; 0 = absent. */
  readonly timestampMs: number;
}

/** What became of a device token. */
export interface DeadToken {
  readonly sinceMs: number;
  readonly reason: 'Unregistered' | 'ExpiredToken';
}

export interface TokenStates {
  readonly dead: ReadonlyMap<string, DeadToken>;
  /** Tokens that belong to one app; others are accepted for every topic. */
  readonly topics: ReadonlyMap<string, string>;
}

/** HTTP status of each reason. */
const statusOfReason: Readonly<Record<string, number>> = {
  ExpiredProviderToken: 403,
  InvalidProviderToken: 403,
  MissingProviderToken: 403,
  UnrelatedKeyIdInToken: 403,
  BadEnvironmentKeyIdInToken: 403,
  BadCertificate: 403,
  BadCertificateEnvironment: 403,
  Forbidden: 403,
  BadPath: 404,
  MethodNotAllowed: 405,
  Unregistered: 410,
  ExpiredToken: 410,
  PayloadTooLarge: 413,
  TooManyRequests: 429,
  TooManyProviderTokenUpdates: 429,
  InternalServerError: 500,
  ServiceUnavailable: 503,
  Shutdown: 503,
};

export function apnsRejection(reason: string, timestampMs = 0): ApnsRejection {
  return { status: statusOfReason[reason] ?? 400, reason, timestampMs };
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const tokenPattern = /^[0-9a-f]{64}$/i;
// Live Activity tokens of 160 digits have been seen; Apple tells providers not to assume a length.
const activityTokenPattern = /^(?:[0-9a-f]{2}){32,100}$/i;
const priorities = new Set(['10', '5', '1']);
const pushTypes = new Set([
  'alert',
  'background',
  'complication',
  'controls',
  'fileprovider',
  'liveactivity',
  'location',
  'mdm',
  'pushtotalk',
  'voip',
  'widgets',
]);
const devicePath = '/3/device/';

/** The device token of the path, lower-case; `''` if the path is another. */
export function deviceTokenOf(path: string): string {
  return path.startsWith(devicePath) ? path.slice(devicePath.length).toLowerCase() : '';
}

/** The first ten checks: everything but authentication and payload. */
export function checkRequest(request: FakeRequest, topic: string, states: TokenStates): ApnsRejection | undefined {
  return checkFields(request, topic) ?? checkToken(request, topic, states);
}

function checkFields({ method, fields, duplicates }: FakeRequest, topic: string): ApnsRejection | undefined {
  if (duplicates.some((name) => name.startsWith('apns-'))) return apnsRejection('DuplicateHeaders');
  const id = fields['apns-id'];
  if (id !== undefined && !uuidPattern.test(id)) return apnsRejection('BadMessageId');
  if (method !== 'POST') return apnsRejection('MethodNotAllowed');
  if (topic === '') return apnsRejection('MissingTopic');
  const collapseId = fields['apns-collapse-id'];
  if (collapseId !== undefined && Buffer.byteLength(collapseId, 'latin1') > limits.collapseIdBytesMax) {
    return apnsRejection('BadCollapseId');
  }
  const expiration = fields['apns-expiration'];
  if (expiration !== undefined && !/^\d{1,10}$/.test(expiration)) return apnsRejection('BadExpirationDate');
  const priority = fields['apns-priority'] ?? '10'; // Apple's default, illegal for background
  const pushType = fields['apns-push-type'];
  if (!priorities.has(priority)) return apnsRejection('BadPriority');
  if (pushType === 'background' && priority !== '5') return apnsRejection('BadPriority');
  if ((pushType === 'liveactivity' || pushType === 'location') && priority === '1') return apnsRejection('BadPriority');
  if (pushType !== undefined && !pushTypes.has(pushType)) return apnsRejection('InvalidPushType');
  return undefined;
}

function checkToken({ path, fields }: FakeRequest, topic: string, states: TokenStates): ApnsRejection | undefined {
  if (!path.startsWith(devicePath)) return apnsRejection('BadPath');
  const token = deviceTokenOf(path);
  if (token === '') return apnsRejection('MissingDeviceToken');
  const pattern = fields['apns-push-type'] === 'liveactivity' ? activityTokenPattern : tokenPattern;
  if (!pattern.test(token)) return apnsRejection('BadDeviceToken');
  const dead = states.dead.get(token);
  if (dead !== undefined) return apnsRejection(dead.reason, dead.sinceMs);
  const own = states.topics.get(token);
  return own === undefined || own === topic ? undefined : apnsRejection('DeviceTokenNotForTopic');
}

/** The last check. VoIP pushes may be larger (Apple: "Generating a remote notification"). */
export function checkPayload({ body, bodyBytes, fields }: FakeRequest): ApnsRejection | undefined {
  if (bodyBytes === 0) return apnsRejection('PayloadEmpty');
  const isVoip = fields['apns-push-type'] === 'voip';
  const bytesMax = isVoip ? limits.apnsVoipPayloadBytesMax : limits.apnsPayloadBytesMax;
  if (bodyBytes > bytesMax) return apnsRejection('PayloadTooLarge');
  // No reason is documented for bytes that are no dictionary: they carry no payload.
  return isDictionary(body) ? undefined : apnsRejection('PayloadEmpty');
}

function isDictionary(body: string): boolean {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
