// Thread: main
/**
 * Whether what a plugin gives is what it says: plugins may be JavaScript, and what they give goes into stanzas and to
 * gateways. Problems name a field, never its value.
 */
import { fullJID } from '../core/jid.ts';
import { limits } from '../core/limits.ts';
import { err, ok } from '../core/result.ts';
import type { Notification, Summary } from '../core/notification.ts';
import type { Result } from '../core/result.ts';

/** A summary of our shape; fields of a plugin's own are left behind. */
export function checkSummary(value: unknown): Result<Summary, string> {
  if (!isSummary(value)) return err(problemOf(value));
  return ok({
    messageCount: value.messageCount,
    pendingSubscriptionCount: value.pendingSubscriptionCount,
    lastMessageSender: value.lastMessageSender,
    lastMessageBody: value.lastMessageBody,
    priority: value.priority,
    jingleMessage: value.jingleMessage,
    jingleSessionId: value.jingleSessionId,
    encrypted: value.encrypted,
    encryptedIv: value.encryptedIv,
    encryptedType: value.encryptedType,
    kind: value.kind,
    roomName: value.roomName,
  });
}

/** @param given the notification that the plugin was given. */
export function isNotification(value: unknown, given: Notification): value is Notification {
  if (!isObject(value)) return false;
  for (const [key, sample] of Object.entries(given)) if (typeof value[key] !== typeof sample) return false;
  return isObject(value['data']) && Object.values(value['data']).every((one) => typeof one === 'string');
}

type Check = (value: unknown) => string;

const notText = 'is not text';
// XML 1.0 cannot carry them (§2.2), not even escaped; one of them would end the stream.
const notXml = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Cs}/u;

function text(bytesMax: number): Check {
  return (value) => {
    if (typeof value !== 'string') return notText;
    if (value.length > bytesMax || Buffer.byteLength(value) > bytesMax) return `is longer than ${bytesMax} bytes`;
    return notXml.test(value) ? 'holds characters that XML cannot carry' : '';
  };
}

function oneOf(...values: readonly string[]): Check {
  return (value) =>
    typeof value === 'string' && values.includes(value)
      ? ''
      : `is none of ${values.map((one) => `"${one}"`).join(', ')}`;
}

const count: Check = (value) =>
  typeof value === 'number' && Number.isInteger(value) && value >= -1 && value <= limits.messageCountMax
    ? ''
    : `is no whole number from -1 to ${limits.messageCountMax}`;

const jid: Check = (value) => {
  if (typeof value !== 'string') return notText;
  return value === '' || fullJID(value).ok ? '' : 'is no JID';
};

const field = text(limits.fieldBytesMax);

const checks: Readonly<Record<keyof Summary, Check>> = {
  messageCount: count,
  pendingSubscriptionCount: count,
  lastMessageSender: jid,
  lastMessageBody: text(limits.bodyBytesMax),
  priority: oneOf('high', 'low', ''),
  jingleMessage: field,
  jingleSessionId: field,
  encrypted: field,
  encryptedIv: field,
  encryptedType: field,
  kind: oneOf('message', 'group', 'invitation', ''),
  roomName: field,
};

function isSummary(value: unknown): value is Summary {
  return problemOf(value) === '';
}

function problemOf(value: unknown): string {
  if (!isObject(value)) return 'the summary is no object';
  for (const [name, check] of Object.entries(checks)) {
    const problem = check(value[name]);
    if (problem !== '') return `${name} ${problem}`;
  }
  return '';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
