// Thread: any
/**
 * A notification as the body of FCM's `messages:send` (firebase.google.com: reference/fcm/rest/v1/projects.messages;
 * "About FCM messages" for the bounds). The text is laid by hand, since this runs once for each notification; parts
 * that a program gives besides are merged over it.
 */
import { unreachable } from '../core/assert.ts';
import { limits } from '../core/limits.ts';
import { noParts } from '../core/notification.ts';
import { err, ok } from '../core/result.ts';
import { dataBodyName, fitDataBody } from './data-body.ts';
import { countedBytes, dataValue, isReserved, memberOf, messageWithParts, textOf } from './fcm-parts.ts';
import { fitPayload, jsonString } from './gateway-text.ts';
import type { Notification, TokenKind } from '../core/notification.ts';
import type { Result } from '../core/result.ts';
import type { Message } from './fcm-parts.ts';

/** Google keeps a message four weeks at most. */
const ttlSecondsMax = 2_419_200;

/** The request's body. The error is the reason for which Google would refuse it. */
export function renderFcm(notification: Notification, nowMs: number): Result<string, string> {
  const text = messageText(notification, nowMs);
  const { parts, tokenKind } = notification;
  const hasParts = parts !== noParts && hasMembers(parts.fcm);
  const isToMany = tokenKind === 'topic' || tokenKind === 'condition';
  const bytesMax = isToMany ? limits.fcmTopicPayloadBytesMax : limits.fcmPayloadBytesMax;
  // The whole text is more than what Google counts of it; UTF-8 has three bytes at most for a unit of a string.
  if (!hasParts && text.length * 3 <= bytesMax) return ok(text);
  const message = messageWithParts(text, parts.fcm);
  if (message === undefined) return err('InvalidParts');
  const fitting = fitted(message, bytesMax);
  if (fitting === undefined) return err('PayloadTooLarge');
  return ok(fitting === message && !hasParts ? text : JSON.stringify({ message: fitting }));
}

/** With the body, then the title shortened where that is needed; `undefined`: the rest alone is too large. */
function fitted(message: Message, bytesMax: number): Message | undefined {
  const bytes = countedBytes(message);
  if (bytes <= bytesMax) return message;
  const data = memberOf(message, 'data');
  const others = bytes - Buffer.byteLength(textOf(data[dataBodyName]));
  let shortData = data;
  const ofData = fitDataBody(data, bytesMax, (body) => {
    shortData = { ...data, [dataBodyName]: body };
    return `${' '.repeat(others)}${JSON.stringify(body).slice(1, -1)}`;
  });
  if (ofData !== undefined) return { ...message, data: shortData };
  const shown = memberOf(message, 'notification');
  const texts = { title: textOf(shown['title']), body: textOf(shown['body']) };
  const rest = ' '.repeat(bytes - Buffer.byteLength(texts.title) - Buffer.byteLength(texts.body));
  let short = texts;
  // `fitPayload` measures JSON: a character that is escaped there is cut a little earlier than Google would.
  const fits = fitPayload(texts, bytesMax, (title, body) => {
    short = { title, body };
    return `${rest}${JSON.stringify(title).slice(1, -1)}${JSON.stringify(body).slice(1, -1)}`;
  });
  return fits === undefined ? undefined : { ...message, notification: { ...shown, ...short } };
}

function messageText(notification: Notification, nowMs: number): string {
  const { kind, priority, title, body, expiresAtMs, collapseId } = notification;
  let text = `{"message":{"${targetName(notification.tokenKind)}":${jsonString(notification.token)}`;
  let android = priority === 'high' || kind === 'call' ? '"priority":"HIGH"' : '"priority":"NORMAL"';
  // Without a notification part the message goes to the app's own code, also in the background: what silent pushes and
  // calls need.
  if (kind === 'alert') {
    const shown = notificationText(notification);
    if (shown !== '') android += `,"notification":{${shown}}`;
    const titled = title === '' ? '' : `"title":${jsonString(title)}`;
    const comma = title === '' || body === '' ? '' : ',';
    text += `,"notification":{${titled}${comma}${body === '' ? '' : `"body":${jsonString(body)}`}}`;
  }
  const data = dataText(notification);
  if (data !== '') text += `,"data":${data}`;
  if (expiresAtMs > 0) {
    const seconds = Math.ceil((expiresAtMs - nowMs) / 1_000);
    android += `,"ttl":"${Math.min(ttlSecondsMax, Math.max(0, seconds))}s"`;
  }
  if (collapseId !== '') android += `,"collapse_key":${jsonString(collapseId)}`;
  const apns = kind === 'alert' || hasMembers(notification.parts.fcm) ? '' : wakesInBackground;
  return `${text},"android":{${android}}${apns}}}`;
}

// What `messageWithParts` would say of a message that shows nothing.
const wakesInBackground = ',"apns":{"headers":{"apns-priority":"5"},"payload":{"aps":{"content-available":1}}}';

/** `installation`: the Firebase installation id, which Google prefers since 2026; tokens go on working. */
function targetName(kind: TokenKind): string {
  switch (kind) {
    case 'device':
      return 'token';
    case 'installation':
      return 'fid';
    case 'topic':
    case 'condition':
      return kind;
    default:
      return unreachable(kind);
  }
}

/** What Android alone knows of a notification: members without the braces. */
function notificationText({ sound, thread, category, badge }: Notification): string {
  let text = '';
  if (sound !== '') text = `"sound":${jsonString(sound)}`;
  if (thread !== '') text += `${text === '' ? '' : ','}"tag":${jsonString(thread)}`;
  if (category !== '') text += `${text === '' ? '' : ','}"click_action":${jsonString(category)}`;
  if (badge >= 0) text += `${text === '' ? '' : ','}"notification_count":${badge}`;
  return text;
}

/** `''`: there is none. */
function dataText({ data }: Notification): string {
  let text = '';
  for (const key in data) {
    const value = dataValue(data[key]);
    if (value === undefined || isReserved(key)) continue;
    text += `${text === '' ? '{' : ','}${jsonString(key)}:${jsonString(value)}`;
  }
  return text === '' ? '' : `${text}}`;
}

function hasMembers(object: Message): boolean {
  for (const _ in object) return true;
  return false;
}
