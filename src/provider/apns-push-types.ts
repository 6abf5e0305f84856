// Thread: any
/**
 * What Apple asks of each push type: the suffix of its topic, its priority, who may send it, and what its payload is.
 * Sources: developer.apple.com, UserNotifications, "Sending notification requests to APNs"; PushKit, "Responding to
 * VoIP Notifications"; MDM, "Sending MDM push notifications"; forum thread 712499 (who may send live activities).
 */
import { limits } from '../core/limits.ts';
import type { Notification, NotificationKind, Priority, PushType } from '../core/notification.ts';

export interface PushTypeRule {
  readonly pushType: PushType;
  /** Behind the app's bundle id. */
  readonly suffix: string;
  /** `apns-priority` for each priority of ours. */
  readonly priorities: Readonly<Record<Priority, '10' | '5' | '1'>>;
  /** A connection with a client certificate may not send it. */
  readonly needsToken: boolean;
  /** Delivered now or never: expiration 0. */
  readonly isMomentary: boolean;
  /** `shown`: alert, badge, sound and the like. `background`: none of them. `absent`: no `aps` at all. */
  readonly aps: 'shown' | 'background' | 'absent';
  /** Of the payload. */
  readonly bytesMax: number;
}

const free = { high: '10', normal: '5', low: '1' } as const;
const atLeastFive = { high: '10', normal: '5', low: '5' } as const;
const onlyTen = { high: '10', normal: '10', low: '10' } as const;
const onlyFive = { high: '5', normal: '5', low: '5' } as const;

function rule(pushType: PushType, suffix: string, more: Partial<PushTypeRule> = {}): PushTypeRule {
  return {
    pushType,
    suffix,
    priorities: free,
    needsToken: false,
    isMomentary: false,
    aps: 'shown',
    bytesMax: limits.apnsPayloadBytesMax,
    ...more,
  };
}

export const pushTypeRules: Readonly<Record<PushType, PushTypeRule>> = {
  alert: rule('alert', ''),
  // 10 is an error (BadPriority).
  background: rule('background', '', { priorities: onlyFive, aps: 'background' }),
  complication: rule('complication', '.complication'),
  controls: rule('controls', '.push-type.controls'),
  fileprovider: rule('fileprovider', '.pushkit.fileprovider'),
  liveactivity: rule('liveactivity', '.push-type.liveactivity', { priorities: atLeastFive, needsToken: true }),
  location: rule('location', '.location-query', { priorities: atLeastFive, needsToken: true }),
  // The topic is the certificate's UID, and the payload holds the push magic alone.
  mdm: rule('mdm', '', { aps: 'absent' }),
  pushtotalk: rule('pushtotalk', '.voip-ptt', { priorities: onlyTen, isMomentary: true }),
  // A call that may wait is no call.
  voip: rule('voip', '.voip', { priorities: onlyTen, bytesMax: limits.apnsVoipPayloadBytesMax }),
  widgets: rule('widgets', '.push-type.widgets'),
};

const typeOfKind: Readonly<Record<NotificationKind, PushType>> = {
  alert: 'alert',
  silent: 'background',
  call: 'voip',
};

const byName: ReadonlyMap<string, PushTypeRule> = new Map(Object.entries(pushTypeRules));

/** `undefined`: a push type that Apple does not have. */
export function pushTypeRule({ pushType, kind }: Notification): PushTypeRule | undefined {
  return byName.get(pushType === '' ? typeOfKind[kind] : pushType);
}

/** The topic with the push type's suffix, which is not added twice. */
export function topicWith(suffix: string, topic: string): string {
  return topic === '' || topic.endsWith(suffix) ? topic : topic + suffix;
}
