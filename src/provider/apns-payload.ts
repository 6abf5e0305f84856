// Thread: any
/**
 * The JSON that a device is sent (developer.apple.com, UserNotifications: "Generating a remote notification"). Laid out
 * by hand: `JSON.stringify` of objects made for it costs three times as much, on the path of every notification.
 */
import { noParts } from '../core/notification.ts';
import { err, ok } from '../core/result.ts';
import { dataBodyName, fitDataBody } from './data-body.ts';
import { fitPayload, isObject, parseObject, jsonString } from './gateway-text.ts';
import { mergedValue, notJSON } from './merge-parts.ts';
import type { Notification } from '../core/notification.ts';
import type { Result } from '../core/result.ts';
import type { PushTypeRule } from './apns-push-types.ts';

/**
 * At most `rule.bytesMax` bytes. Where it would have more, the body and then the title are cut, in the end to nothing:
 * what else there is, the app needs whole, and only when that alone is too large the error is `PayloadTooLarge`.
 */
export function apnsPayload(notification: Notification, rule: PushTypeRule): Result<string, string> {
  const { title, body, parts, data } = notification;
  if (parts !== noParts && hasMembers(parts.apns)) return mergedPayload(notification, rule);
  const { bytesMax } = rule;
  if (title.length + body.length <= bytesMax) {
    const whole = payloadText(notification, title, body, rule.aps);
    // A code unit has three bytes at most.
    if (whole.length * 3 <= bytesMax || Buffer.byteLength(whole) <= bytesMax) return ok(whole);
  }
  const fits = fitDataBody(data, bytesMax, (short) =>
    payloadText({ ...notification, data: { ...data, [dataBodyName]: short } }, title, body, rule.aps),
  );
  if (fits !== undefined) return ok(fits);
  return fitted(notification, rule, (shortTitle, shortBody) =>
    payloadText(notification, shortTitle, shortBody, rule.aps),
  );
}

function fitted(
  texts: { readonly title: string; readonly body: string },
  { bytesMax }: PushTypeRule,
  build: (title: string, body: string) => string,
): Result<string, string> {
  const fits = fitPayload(texts, bytesMax, build);
  return fits === undefined ? err('PayloadTooLarge') : ok(fits);
}

function payloadText(notification: Notification, title: string, body: string, aps: PushTypeRule['aps']): string {
  let json = '{';
  if (aps === 'shown') json = `{"aps":{${shownMembers(notification, title, body)}}`;
  else if (aps === 'background') json = '{"aps":{"content-available":1}';
  const { data } = notification;
  for (const key in data) {
    // Values are text by their type; a plugin may know no types.
    if (key !== 'aps') json += `${json === '{' ? '' : ','}${jsonString(key)}:${jsonString(String(data[key]))}`;
  }
  return `${json}}`;
}

function shownMembers(notification: Notification, title: string, body: string): string {
  const { badge, sound, thread, category, interruptionLevel } = notification;
  let json = '';
  if (title !== '') {
    json =
      body === ''
        ? `,"alert":{"title":${jsonString(title)}}`
        : `,"alert":{"title":${jsonString(title)},"body":${jsonString(body)}}`;
  } else if (body !== '') json = `,"alert":{"body":${jsonString(body)}}`;
  if (badge >= 0 && badge < Number.POSITIVE_INFINITY) json += `,"badge":${badge}`;
  if (sound !== '') json += sound === 'default' ? ',"sound":"default"' : `,"sound":${jsonString(sound)}`;
  if (thread !== '') json += `,"thread-id":${jsonString(thread)}`;
  if (category !== '') json += `,"category":${jsonString(category)}`;
  if (notification.mutableContent) json += ',"mutable-content":1';
  if (interruptionLevel !== '') json += `,"interruption-level":${jsonString(interruptionLevel)}`;
  // An alert that the app is to be woken for, too.
  if (notification.kind === 'silent' && notification.pushType === 'alert') json += ',"content-available":1';
  return json.slice(1);
}

function hasMembers(value: Readonly<Record<string, unknown>>): boolean {
  for (const _ in value) return true;
  return false;
}

const shownNames = ['alert', 'badge', 'sound'] as const;

function mergedPayload(notification: Notification, rule: PushTypeRule): Result<string, string> {
  const payload = parseObject(payloadText(notification, notification.title, notification.body, rule.aps)) ?? {};
  const { aps: apsPart, ...others } = notification.parts.apns;
  const rest = mergedValue(payload, others);
  const aps = isObject(apsPart) ? mergedValue(payload['aps'], apsPart) : payload['aps'];
  if (!isObject(rest) || aps === notJSON) return err('InvalidParts');
  return fittedParts({ ...rest }, isObject(aps) ? { ...aps } : undefined, rule);
}

type Members = Record<string, unknown>;

function fittedParts(payload: Members, aps: Members | undefined, rule: PushTypeRule): Result<string, string> {
  if (aps !== undefined) payload['aps'] = aps;
  if (aps !== undefined && rule.aps === 'background') {
    for (const name of shownNames) delete aps[name];
    aps['content-available'] = 1;
  }
  const whole = JSON.stringify(payload);
  if (Buffer.byteLength(whole) <= rule.bytesMax) return ok(whole);
  if (aps === undefined) return err('PayloadTooLarge');
  const { alert } = aps;
  const texts = isObject(alert)
    ? { title: textOf(alert['title']), body: textOf(alert['body']) }
    : { title: '', body: textOf(alert) };
  return fitted(texts, rule, (title, body) => {
    const short = isObject(alert) ? withTexts(alert, title, body) : body;
    if (short === '' || (isObject(short) && !hasMembers(short))) delete aps['alert'];
    else aps['alert'] = short;
    return JSON.stringify(payload);
  });
}

function withTexts(alert: Readonly<Record<string, unknown>>, title: string, body: string): Members {
  const { title: _title, body: _body, ...others } = alert;
  return { ...others, ...(title === '' ? {} : { title }), ...(body === '' ? {} : { body }) };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
