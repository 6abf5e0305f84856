// Thread: main
/**
 * What an embedding program asks to be published, and how it becomes a notification. Fields that are left out say
 * nothing to the gateway.
 */
import { epochMs } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { noData, noParts } from '../core/notification.ts';
import { newNotificationId } from '../core/random.ts';
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
  /** Default `device`. */
  readonly tokenKind?: TokenKind;
  /** APNs topic or app; chooses among the configured providers, too. */
  readonly topic?: string;
  readonly mode?: Mode;
  /** Default: `alert` with a title or body, `silent` without. */
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
  /** Life at the gateway, seconds; absent: the gateway decides. */
  readonly timeToLiveSeconds?: number;
  readonly data?: Readonly<Record<string, string>>;
  /** Members of APNs' payload that no field here says, merged over it: `{ aps: { 'relevance-score': 1 } }`. */
  readonly apns?: Readonly<Record<string, unknown>>;
  /** Members of FCM's message that no field here says, merged over it: `{ android: { direct_boot_ok: true } }`. */
  readonly fcm?: Readonly<Record<string, unknown>>;
  /** How long the caller waits for the outcome, ms; default 10 000. */
  readonly waitMs?: number;
}

export const waitMsDefault = 10_000;

// Not in a path or a header, whatever the gateway.
const control = /[\u0000-\u0020\u007f]/;

/** The error names the field and what is wrong with it. */
export function notificationOf(request: PublishRequest, nowMs: EpochMs, random: Random): Result<Notification, string> {
  const problem = problemOf(request);
  if (problem !== undefined) return err(problem);
  const { title = '', body = '' } = request;
  const kind = request.kind ?? (title === '' && body === '' ? 'silent' : 'alert');
  return ok({
    id: newNotificationId(random),
    kind,
    service: request.service,
    mode: request.mode ?? '',
    token: request.token,
    topic: request.topic ?? '',
    priority: request.priority ?? (kind === 'silent' ? 'normal' : 'high'),
    title,
    body,
    badge: request.badge ?? -1,
    sound: request.sound ?? '',
    category: request.category ?? '',
    thread: request.thread ?? '',
    collapseId: request.collapseId ?? '',
    mutableContent: request.mutableContent ?? false,
    expiresAtMs: epochMs(request.timeToLiveSeconds === undefined ? 0 : nowMs + request.timeToLiveSeconds * 1_000),
    data: request.data ?? noData,
    pushType: request.pushType ?? '',
    interruptionLevel: request.interruptionLevel ?? '',
    tokenKind: request.tokenKind ?? 'device',
    parts: partsOf(request),
  });
}

function partsOf({ apns, fcm }: PublishRequest): NotificationParts {
  if (apns === undefined && fcm === undefined) return noParts;
  return { apns: apns ?? noParts.apns, fcm: fcm ?? noParts.fcm };
}

function problemOf(request: PublishRequest): string | undefined {
  const { token, collapseId = '', topic = '', badge, timeToLiveSeconds = 0 } = request;
  if (token === '' || Buffer.byteLength(token) > limits.tokenBytesMax) {
    return `token: 1 to ${limits.tokenBytesMax} bytes are needed`;
  }
  if (control.test(token)) return 'token: white space and control characters cannot be in it';
  if (control.test(topic)) return 'topic: white space and control characters cannot be in it';
  if (Buffer.byteLength(collapseId) > limits.collapseIdBytesMax) {
    return `collapseId: at most ${limits.collapseIdBytesMax} bytes`;
  }
  if (badge !== undefined && !(Number.isSafeInteger(badge) && badge >= 0)) return 'badge: a whole number of 0 or more';
  if (!(timeToLiveSeconds >= 0)) return 'timeToLiveSeconds: 0 or more';
  return undefined;
}
