// Thread: any
/**
 * What a program says of FCM's message besides the fields of a notification (`parts.fcm`): merged over what was
 * rendered, as RFC 7396 merges. Names
 * are those of Google's reference, with underscores. Whom the message is for is never changed by it.
 */
import { isObject, parseObject } from './gateway-text.ts';
import { mergedValue, notJSON } from './merge-parts.ts';

export type Message = Readonly<Record<string, unknown>>;

const none: Message = Object.freeze({});
const targets: ReadonlySet<string> = new Set(['name', 'token', 'fid', 'topic', 'condition']);

/** `text`: JSON with the rendered `message`. `undefined`: the parts are no JSON, or nest not JSON. */
export function messageWithParts(text: string, parts: Message): Message | undefined {
  const rendered = memberOf(parseObject(text) ?? none, 'message');
  const merged: Record<string, unknown> = { ...rendered };
  for (const [name, part] of Object.entries(parts)) {
    if (targets.has(name)) continue;
    const value = mergedValue(rendered[name], part);
    if (value === notJSON) return undefined;
    if (value === undefined) delete merged[name];
    else merged[name] = value;
  }
  for (const name of ['data', 'android', 'webpush']) {
    const part = merged[name];
    if (!isObject(part)) continue;
    if (name === 'data') merged[name] = stringified(part);
    else if (isObject(part['data'])) merged[name] = { ...part, data: stringified(part['data']) };
  }
  // `apns: null` is the program's word that there is no iPhone behind it.
  const mayBeApple = parts['apns'] !== null;
  if (merged['notification'] === undefined && mayBeApple) merged['apns'] = inBackground(memberOf(merged, 'apns'));
  return merged;
}

/**
 * iOS through FCM: without anything to show, a message must say that it wakes the app, and must not ask to be delivered
 * at once. What the parts say themselves stays.
 */
function inBackground(apns: Message): Message {
  const payload = memberOf(apns, 'payload');
  const aps = memberOf(payload, 'aps');
  const shows = ['alert', 'badge', 'sound', 'event'].some((name) => aps[name] !== undefined);
  if (shows || apns['live_activity_token'] !== undefined) return apns;
  return {
    ...apns,
    headers: { 'apns-priority': '5', ...memberOf(apns, 'headers') },
    payload: { ...payload, aps: { 'content-available': 1, ...aps } },
  };
}

function stringified(data: Message): Message {
  const strings: Record<string, string> = {};
  for (const [key, value] of Object.entries(data)) {
    const text = dataValue(value);
    if (text !== undefined && !isReserved(key)) strings[key] = text;
  }
  return strings;
}

/** Google takes text alone. `undefined`: there is nothing to say. */
export function dataValue(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return undefined;
  return JSON.stringify(value);
}

const reserved = /^(?:from|message_type|google|gcm|google\..*|gcm\..*)$/;

/** Google would refuse the whole message for such a key of `data`. */
export function isReserved(key: string): boolean {
  return reserved.test(key);
}

/** What Google counts: keys and values of what reaches the app or the screen, not the target or the delivery. */
export function countedBytes(message: Message): number {
  const android = memberOf(message, 'android');
  let bytes = 0;
  for (const part of [message['data'], message['notification'], android['data'], android['notification']]) {
    if (!isObject(part)) continue;
    for (const [key, value] of Object.entries(part)) {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      bytes += Buffer.byteLength(key) + Buffer.byteLength(text);
    }
  }
  return bytes;
}

/** An empty one where there is none. */
export function memberOf(message: Message, name: string): Message {
  const member = message[name];
  return isObject(member) ? member : none;
}

/** `''` for anything that is no text. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
