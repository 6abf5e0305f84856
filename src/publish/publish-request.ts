// Thread: main
/**
 * What an embedding program asks to be published, and how it becomes a notification. Fields that are left out say
 * nothing to the gateway.
 */
import { epochMs } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import {
  interruptionLevels,
  noData,
  noParts,
  notificationKinds,
  priorities,
  pushTypes,
  tokenKinds,
} from '../core/notification.ts';
import { newNotificationId } from '../core/random.ts';
import { services } from '../core/registration.ts';
import { err, ok } from '../core/result.ts';
import type { EpochMs } from '../core/ids.ts';
import type {
  InterruptionLevel,
  Notification,
  NotificationKind,
  NotificationParts,
  Priority,
  PushType,
  TokenKind,
} from '../core/notification.ts';
import type { Random } from '../core/random.ts';
import type { Mode, Service } from '../core/registration.ts';
import type { Result } from '../core/result.ts';

export interface PublishRequest {
  readonly service: Service;
  /** Device token, or what `tokenKind` says, 1 to 4096 bytes. */
  readonly token: string;
  /** Default `device`; FCM alone has others. */
  readonly tokenKind?: TokenKind;
  /** APNs topic, app or FCM project; chooses among the configured providers, too. */
  readonly topic?: string;
  /** Chooses the first fitting provider that has all of these (`tags` in its configuration); at most 64. */
  readonly tags?: readonly string[];
  readonly mode?: Mode;
  /** Default: as `pushType` says, else `alert` with a title or body, `silent` without. */
  readonly kind?: NotificationKind;
  /** Default: `high`, for silent ones `normal`. */
  readonly priority?: Priority;
  /** APNs: default as `kind` says. */
  readonly pushType?: PushType;
  readonly interruptionLevel?: InterruptionLevel;
  readonly title?: string;
  readonly body?: string;
  /** 0 clears the badge. */
  readonly badge?: number;
  readonly sound?: string;
  readonly category?: string;
  readonly thread?: string;
  /** At most 64 bytes; makes a repeated delivery replace the first, and so allows retries after unknown losses. */
  readonly collapseId?: string;
  readonly mutableContent?: boolean;
  /** Life at the gateway, seconds; absent: the gateway decides. More than four weeks are four weeks. */
  readonly timeToLiveSeconds?: number;
  readonly data?: Readonly<Record<string, string>>;
  /**
   * Members of APNs' payload that no field here says, merged over it: `{ aps: { 'relevance-score': 1 } }`. JSON of at
   * most 32 levels and 1024 members, as `fcm`.
   */
  readonly apns?: Readonly<Record<string, unknown>>;
  /** Members of FCM's message that no field here says, merged over it: `{ android: { direct_boot_ok: true } }`. */
  readonly fcm?: Readonly<Record<string, unknown>>;
  /** How long the caller waits for the outcome, ms; default 10 000. */
  readonly waitMs?: number;
}

export const waitMsDefault = 10_000;

/** The error names the field and what is wrong with it. */
export function notificationOf(request: PublishRequest, nowMs: EpochMs, random: Random): Result<Notification, string> {
  const problem = problemOf(request);
  if (problem !== undefined) return err(problem);
  const kind = kindOf(request);
  return ok({
    id: newNotificationId(random),
    kind,
    service: request.service,
    mode: request.mode ?? '',
    token: request.token,
    topic: request.topic ?? '',
    priority: request.priority ?? (kind === 'silent' ? 'normal' : 'high'),
    title: request.title ?? '',
    body: request.body ?? '',
    badge: request.badge ?? -1,
    sound: request.sound ?? '',
    category: request.category ?? '',
    thread: request.thread ?? '',
    collapseId: request.collapseId ?? '',
    mutableContent: request.mutableContent ?? false,
    expiresAtMs: expiryOf(request, nowMs),
    data: request.data ?? noData,
    pushType: request.pushType ?? '',
    interruptionLevel: request.interruptionLevel ?? '',
    tokenKind: request.tokenKind ?? 'device',
    parts: partsOf(request),
  });
}

// Where a push type says what the phone is to do.
const kindOfPushType: Readonly<Partial<Record<PushType, NotificationKind>>> = { background: 'silent', voip: 'call' };

function kindOf({ kind, pushType, title = '', body = '' }: PublishRequest): NotificationKind {
  if (kind !== undefined) return kind;
  const said = pushType === undefined ? undefined : kindOfPushType[pushType];
  return said ?? (title === '' && body === '' ? 'silent' : 'alert');
}

function expiryOf({ timeToLiveSeconds }: PublishRequest, nowMs: EpochMs): EpochMs {
  if (timeToLiveSeconds === undefined) return epochMs(0);
  return epochMs(Math.floor(nowMs + Math.min(timeToLiveSeconds * 1_000, limits.notificationLifeMsMax)));
}

function partsOf({ apns, fcm }: PublishRequest): NotificationParts {
  if (apns === undefined && fcm === undefined) return noParts;
  return { apns: apns ?? noParts.apns, fcm: fcm ?? noParts.fcm };
}

const modes: readonly Mode[] = ['prod', 'dev', ''];

/** The types say all of it; whoever calls from plain JavaScript, or with what a file said, has none. */
function problemOf(request: PublishRequest): string | undefined {
  return (
    wordProblem(request) ??
    textProblem(request) ??
    placeProblem(request) ??
    bodyProblem(request) ??
    kindProblem(request)
  );
}

function wordProblem(request: PublishRequest): string | undefined {
  const { service, tokenKind, mode, kind, priority, pushType, interruptionLevel } = request;
  if (!services.includes(service)) return `service: one of ${services.join(', ')}`;
  return (
    oneOf(tokenKinds, tokenKind, 'tokenKind') ??
    oneOf(modes, mode, 'mode') ??
    oneOf(notificationKinds, kind, 'kind') ??
    oneOf(priorities, priority, 'priority') ??
    oneOf(pushTypes, pushType, 'pushType') ??
    oneOf(interruptionLevels, interruptionLevel, 'interruptionLevel')
  );
}

function oneOf<T>(known: readonly T[], value: T | undefined, name: string): string | undefined {
  return value === undefined || known.includes(value) ? undefined : `${name}: one of ${known.join(', ')}`;
}

function textProblem({ topic, title, body, sound, category, thread, collapseId }: PublishRequest): string | undefined {
  return (
    text(topic, 'topic') ??
    text(title, 'title') ??
    text(body, 'body') ??
    text(sound, 'sound') ??
    text(category, 'category') ??
    text(thread, 'thread') ??
    text(collapseId, 'collapseId')
  );
}

function text(value: unknown, name: string): string | undefined {
  return value === undefined || typeof value === 'string' ? undefined : `${name}: text`;
}

// Not in a path or a header, whatever the gateway.
const control = /[\u0000-\u0020\u007f]/;
const controlButSpace = /[\u0000-\u001f\u007f]/;

/** Where it goes. */
function placeProblem({ service, token, tokenKind = 'device', topic = '', tags }: PublishRequest): string | undefined {
  if (typeof token !== 'string' || token === '' || Buffer.byteLength(token) > limits.tokenBytesMax) {
    return `token: 1 to ${limits.tokenBytesMax} bytes are needed`;
  }
  if (tokenKind === 'condition') {
    if (controlButSpace.test(token)) return 'token: control characters cannot be in it';
  } else if (control.test(token)) return 'token: white space and control characters cannot be in it';
  if (tokenKind !== 'device' && service === 'apns') return `tokenKind: ${tokenKind} is for fcm alone`;
  if (control.test(topic)) return 'topic: white space and control characters cannot be in it';
  if (tags !== undefined && !isTags(tags)) return `tags: a list of at most ${limits.providerTagsMax} texts`;
  return undefined;
}

function isTags(tags: unknown): boolean {
  return Array.isArray(tags) && tags.length <= limits.providerTagsMax && tags.every((tag) => typeof tag === 'string');
}

/** What it says. */
function bodyProblem(request: PublishRequest): string | undefined {
  const { collapseId = '', badge, timeToLiveSeconds = 0, waitMs = 0, mutableContent = false, data } = request;
  if (Buffer.byteLength(collapseId) > limits.collapseIdBytesMax) {
    return `collapseId: at most ${limits.collapseIdBytesMax} bytes`;
  }
  if (badge !== undefined && !(Number.isSafeInteger(badge) && badge >= 0)) return 'badge: a whole number of 0 or more';
  if (typeof mutableContent !== 'boolean') return 'mutableContent: true or false';
  if (!(Number.isFinite(timeToLiveSeconds) && timeToLiveSeconds >= 0)) return 'timeToLiveSeconds: 0 or more';
  if (!(Number.isFinite(waitMs) && waitMs >= 0)) return 'waitMs: 0 or more';
  if (data !== undefined && !isPlain(data)) return 'data: names and texts';
  for (const key in data) if (typeof data[key] !== 'string') return `data: ${key} is not text`;
  const { apns, fcm } = request;
  if (apns !== undefined) {
    if (!isJSONObject(apns)) return `apns: ${notParts}`;
    if (Object.hasOwn(apns, 'aps') && !isPlain(apns['aps'])) return 'apns: aps is not an object';
  }
  return fcm === undefined || isJSONObject(fcm) ? undefined : `fcm: ${notParts}`;
}

const { notificationPartsDepthMax: depthMax, notificationPartsMembersMax: membersMax } = limits;
const notParts = `not an object of JSON with at most ${depthMax} levels and ${membersMax} members`;

/** A background push that shows something, or a call that does not ring, would end as one of the two. */
function kindProblem({ kind, pushType }: PublishRequest): string | undefined {
  if (kind === undefined || pushType === undefined) return undefined;
  const wanted = kindOfPushType[pushType];
  return wanted === undefined || wanted === kind
    ? undefined
    : `pushType: ${pushType} goes with kind ${wanted}, not ${kind}`;
}

// By its tag, not its prototype: it may come from another realm (`node:vm`).
function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.prototype.toString.call(value) === '[object Object]';
}

/** Walks no further than the bounds, so that a cycle ends it. */
function isJSONObject(value: unknown): boolean {
  let left: number = membersMax;
  const isJSON = (one: unknown, depth: number): boolean => {
    if (one === null || typeof one === 'string' || typeof one === 'boolean') return true;
    if (typeof one === 'number') return Number.isFinite(one);
    if (depth > depthMax || !(Array.isArray(one) || isPlain(one))) return false;
    const members: readonly unknown[] = Object.values(one);
    left -= members.length;
    return left >= 0 && members.every((member) => isJSON(member, depth + 1));
  };
  return isPlain(value) && isJSON(value, 1);
}
