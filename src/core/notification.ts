// Thread: any
/**
 * One thing to deliver to one device. Every field is always present (`''`, 0, -1 when there is nothing to say), so that
 * all notifications share one hidden class and clone alike (test/unit/publish/same-shape.test.ts).
 */
import type { EpochMs, NotificationId } from './ids.ts';
import type { Mode, Service } from './registration.ts';

/** What the phone is to do: show something, wake up in silence, or ring. */
export const notificationKinds = ['alert', 'silent', 'call'] as const;
export type NotificationKind = (typeof notificationKinds)[number];

/** Apple's `apns-push-type` (developer.apple.com: Sending notification requests to APNs). */
export const pushTypes = [
  'alert',
  'background',
  'voip',
  'complication',
  'controls',
  'fileprovider',
  'liveactivity',
  'location',
  'mdm',
  'pushtotalk',
  'widgets',
] as const;
export type PushType = (typeof pushTypes)[number];

/** Apple's `interruption-level`. */
export const interruptionLevels = ['passive', 'active', 'time-sensitive', 'critical'] as const;
export type InterruptionLevel = (typeof interruptionLevels)[number];

/** What `token` names. Anything but a device is FCM's alone (firebase.google.com: projects.messages, target). */
export const tokenKinds = ['device', 'installation', 'topic', 'condition'] as const;
export type TokenKind = (typeof tokenKinds)[number];

/** `low`: the phone may save power above all (Apple's 1; `normal` where a gateway knows no such thing). */
export const priorities = ['high', 'normal', 'low'] as const;
export type Priority = (typeof priorities)[number];

/**
 * Parts of a gateway's own message that no field above says: JSON, merged over what is rendered from the fields, member
 * by member. `apns`: of the payload (`aps` and custom keys). `fcm`: of the message (`notification`, `android`, `apns`,
 * `webpush`, `fcm_options`, `data`).
 */
export interface NotificationParts {
  readonly apns: Readonly<Record<string, unknown>>;
  readonly fcm: Readonly<Record<string, unknown>>;
}

export interface Notification {
  /** Survives retries; sent as `apns-id`. */
  readonly id: NotificationId;
  readonly kind: NotificationKind;
  readonly service: Service;
  readonly mode: Mode;
  /** Device token as registered. */
  readonly token: string;
  /** APNs topic or app; `''` = the provider's default. */
  readonly topic: string;
  readonly priority: Priority;
  readonly title: string;
  readonly body: string;
  /** -1: leave the badge alone; 0 clears it. */
  readonly badge: number;
  readonly sound: string;
  /** iOS category, Android click action. */
  readonly category: string;
  /** Groups notifications on the phone (thread-id, tag); usually the sender's bare JID. */
  readonly thread: string;
  /** A later notification with the same id replaces this one; at most 64 bytes. */
  readonly collapseId: string;
  readonly mutableContent: boolean;
  /** After this the phone need not get it any more; 0 = the gateway decides. */
  readonly expiresAtMs: EpochMs;
  /** Custom data for the app: keys and values are text. */
  readonly data: Readonly<Record<string, string>>;
  /** `''`: as `kind` says. */
  readonly pushType: PushType | '';
  readonly interruptionLevel: InterruptionLevel | '';
  readonly tokenKind: TokenKind;
  /** `noParts` for nearly all. */
  readonly parts: NotificationParts;
}

export const noData: Readonly<Record<string, string>> = Object.freeze({});
export const noParts: NotificationParts = Object.freeze({ apns: Object.freeze({}), fcm: Object.freeze({}) });

/**
 * What a publish said about the messages that wait (XEP-0357 §7, FORM_TYPE urn:xmpp:push:summary), already bounded.
 */
export interface Summary {
  /** -1: not said. Otherwise 0 to 99 999. */
  readonly messageCount: number;
  /** -1: not said. */
  readonly pendingSubscriptionCount: number;
  /** A JID as text, `''` if absent or malformed. */
  readonly lastMessageSender: string;
  /** `''` if absent: such a publish may be a phone call and must still wake the device. */
  readonly lastMessageBody: string;
  /** From Tigase's priority element or `last-message-priority`; `''` if neither was there. */
  readonly priority: 'high' | 'low' | '';
  /** XEP-0353 action (`propose`, `retract`, ...), `''` if it is not about a call. */
  readonly jingleMessage: string;
  readonly jingleSessionId: string;
  /** Tigase's end-to-end encrypted payload, `''` if none; passed through untouched. */
  readonly encrypted: string;
  readonly encryptedIv: string;
  /** `voip` marks an encrypted call. */
  readonly encryptedType: string;
  /**
   * What it is about, where an event has said so; no form carries it. `''`: not said. A call is told by
   * `jingleMessage`.
   */
  readonly kind: 'message' | 'group' | 'invitation' | '';
  /** A readable name of the sender's room, from a plugin; no form carries it. `''`: none. */
  readonly roomName: string;
}

export const emptySummary: Summary = Object.freeze({
  messageCount: -1,
  pendingSubscriptionCount: -1,
  lastMessageSender: '',
  lastMessageBody: '',
  priority: '',
  jingleMessage: '',
  jingleSessionId: '',
  encrypted: '',
  encryptedIv: '',
  encryptedType: '',
  kind: '',
  roomName: '',
});
