// Thread: any
/**
 * What Google's gateway accepts as a message, and the four shapes in which it says no. Pure.
 * Firebase: "REST resource: projects.messages", "ErrorCode"; google.rpc.Status, BadRequest, QuotaFailure.
 */
import { isObject } from './apns-token.ts';
import type { FakeAnswer } from './fake-listener.ts';

export interface FcmMessage {
  /** The one target: token, topic, condition or fid. */
  readonly target: string;
  readonly targetKind: TargetKind;
  readonly message: Readonly<Record<string, unknown>>;
  readonly validateOnly: boolean;
}

type TargetKind = 'token' | 'topic' | 'condition' | 'fid';

export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

const targetKinds: readonly TargetKind[] = ['token', 'topic', 'condition', 'fid'];
const messageFields = new Set(['name', 'data', 'notification', 'android', 'apns', 'webpush', ...targetKinds]);
messageFields.add('fcm_options').add('fcmOptions').add('android_v2').add('androidV2');
const ttlPattern = /^(\d{1,7})(?:\.\d{1,9})?s$/;
const ttlMaxSeconds = 2_419_200;
const dataBytesMax = 4096;
const topicDataBytesMax = 2048;

/** Returns the message, or what is wrong with it. */
export function readMessage(body: string): FcmMessage | readonly FieldViolation[] {
  const parsed = parseObject(body);
  const message = parsed?.['message'];
  if (parsed === undefined || !isObject(message)) return violation('message', 'Request must contain a message.');
  const targets = targetKinds.filter((kind) => message[kind] !== undefined);
  const [targetKind] = targets;
  const target = targetKind === undefined ? undefined : message[targetKind];
  if (targets.length !== 1 || targetKind === undefined) {
    return violation('message', 'Exactly one of token, topic or condition is required.');
  }
  if (typeof target !== 'string' || target === '') return violation(`message.${targetKind}`, 'Must be a string.');
  const android = message['android'];
  const violations = [
    ...unknownFields(message),
    ...checkData('message.data', message['data']),
    ...(android === undefined ? [] : checkAndroid(android)),
    ...checkSize(message, targetKind),
  ];
  if (violations.length > 0) return violations;
  return { target, targetKind, message, validateOnly: parsed['validate_only'] === true };
}

function parseObject(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function violation(field: string, description: string): readonly FieldViolation[] {
  return [{ field, description }];
}

function unknownFields(message: Readonly<Record<string, unknown>>): readonly FieldViolation[] {
  const unknown = Object.keys(message).find((field) => !messageFields.has(field));
  if (unknown === undefined) return [];
  return violation('message', `Invalid JSON payload received. Unknown name "${unknown}": Cannot find field.`);
}

function checkData(field: string, data: unknown): readonly FieldViolation[] {
  if (data === undefined) return [];
  if (!isObject(data)) return violation(field, 'Must be a map of strings.');
  const violations: FieldViolation[] = [];
  for (const [key, value] of Object.entries(data)) {
    if (typeof value !== 'string') violations.push({ field: `${field}[${key}]`, description: 'Must be a string.' });
    else if (isReserved(key)) violations.push({ field, description: `Invalid data payload key: ${key}` });
  }
  return violations;
}

function isReserved(key: string): boolean {
  return key === 'from' || key === 'message_type' || key.startsWith('google.') || key.startsWith('gcm.');
}

function checkAndroid(android: unknown): readonly FieldViolation[] {
  if (!isObject(android)) return violation('message.android', 'Must be an object.');
  const { ttl, priority, data } = android;
  const violations = [...checkData('message.android.data', data)];
  if (ttl !== undefined && !isTtl(ttl)) {
    violations.push({ field: 'message.android.ttl', description: 'Invalid duration: seconds with the suffix s.' });
  }
  if (priority !== undefined && priority !== 'NORMAL' && priority !== 'HIGH') {
    violations.push({ field: 'message.android.priority', description: 'Invalid value: NORMAL or HIGH.' });
  }
  return violations;
}

function isTtl(ttl: unknown): boolean {
  const seconds = typeof ttl === 'string' ? ttlPattern.exec(ttl)?.[1] : undefined;
  return seconds !== undefined && Number(seconds) <= ttlMaxSeconds;
}

/** Keys and values of data and notification count (Firebase: "About FCM messages"). */
function checkSize(message: Readonly<Record<string, unknown>>, targetKind: TargetKind): readonly FieldViolation[] {
  const android = isObject(message['android']) ? message['android'] : {};
  let bytes = 0;
  for (const part of [message['data'], message['notification'], android['data'], android['notification']]) {
    if (!isObject(part)) continue;
    for (const [key, value] of Object.entries(part)) {
      bytes += Buffer.byteLength(key) + (typeof value === 'string' ? Buffer.byteLength(value) : 0);
    }
  }
  const bytesMax = targetKind === 'topic' ? topicDataBytesMax : dataBytesMax;
  return bytes <= bytesMax ? [] : violation('message', 'Message is too big.');
}

const fcmErrorType = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';

interface KnownError {
  readonly code: number;
  /** google.rpc.Code name, where it is not the error code itself. */
  readonly status: string;
  readonly message: string;
}

/** Error codes that come in an FcmError detail. */
const fcmErrors: Readonly<Record<string, KnownError>> = {
  UNREGISTERED: { code: 404, status: 'NOT_FOUND', message: 'Requested entity was not found.' },
  INVALID_ARGUMENT: {
    code: 400,
    status: 'INVALID_ARGUMENT',
    message: 'The registration token is not a valid FCM registration token',
  },
  SENDER_ID_MISMATCH: { code: 403, status: 'PERMISSION_DENIED', message: 'SenderId mismatch' },
  QUOTA_EXCEEDED: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'Quota exceeded.' },
  UNAVAILABLE: { code: 503, status: 'UNAVAILABLE', message: 'The service is currently unavailable.' },
  INTERNAL: { code: 500, status: 'INTERNAL', message: 'Internal error encountered.' },
  THIRD_PARTY_AUTH_ERROR: { code: 401, status: 'UNAUTHENTICATED', message: 'Auth error from APNS or Web Push Service' },
  UNSPECIFIED_ERROR: { code: 500, status: 'UNKNOWN', message: 'Unknown error.' },
};

const quotaViolations = {
  project: { subject: 'project', description: 'Message rate exceeded.' },
  device: { subject: 'device', description: 'Device message rate exceeded.' },
  topic: { subject: 'topic', description: 'Topic message rate exceeded.' },
};

/**
 * An error as Google words it. Codes of the FCM table come with an FcmError detail, others (`UNAUTHENTICATED`,
 * `PERMISSION_DENIED`, `NOT_FOUND`: a wrong project) with none. `QUOTA_EXCEEDED` is the quota of the project,
 * `QUOTA_EXCEEDED device` and `QUOTA_EXCEEDED topic` are those of one.
 */
export function fcmError(reason: string, status: number, fields: Readonly<Record<string, string>> = {}): FakeAnswer {
  const [code = reason, whose] = reason.split(' ');
  const known = fcmErrors[code];
  const details: object[] = known === undefined ? [] : [{ '@type': fcmErrorType, errorCode: code }];
  if (code === 'QUOTA_EXCEEDED') {
    const violations = [quotaViolations[whose === 'device' || whose === 'topic' ? whose : 'project']];
    details.push({ '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations });
  }
  const message = known?.message ?? `Request failed: ${reason}.`;
  return errorAnswer({ code: status, message, status: known?.status ?? code, details }, fields);
}

/** Our message is wrong, whoever it is for: no FcmError. */
export function badRequest(violations: readonly FieldViolation[]): FakeAnswer {
  const details = [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: violations }];
  const message = violations[0]?.description ?? 'Request contains an invalid argument.';
  return errorAnswer({ code: 400, message, status: 'INVALID_ARGUMENT', details }, {});
}

/** What Google's front end says when there is nothing behind it. */
export function htmlError(status: number, fields: Readonly<Record<string, string>> = {}): FakeAnswer {
  const body = `<!DOCTYPE html>\n<html lang=en><title>Error ${status}</title><p>${status}. That is an error.`;
  return { status, fields: { ...fields, 'content-type': 'text/html; charset=UTF-8' }, body };
}

/** HTTP status of an error code of the FCM table; 500 for others. */
export function statusOfFcmError(reason: string): number {
  return fcmErrors[reason]?.code ?? 500;
}

function errorAnswer(
  error: { readonly code: number; readonly message: string; readonly status: string; readonly details: object[] },
  fields: Readonly<Record<string, string>>,
): FakeAnswer {
  const { details, ...rest } = error;
  const body = JSON.stringify({ error: details.length === 0 ? rest : error });
  return { status: error.code, fields: { ...fields, 'content-type': 'application/json; charset=UTF-8' }, body };
}
