// Thread: worker
/**
 * The body for MongoosePush as MongooseIM's own connector builds it (`mod_push_service_mongoosepush`), member by member
 * and in its order, but `mutable_content` and `time_to_live` have the types of the API's schema. `tags` are never sent:
 * they choose among the gateway's pools, which is not a user's business. Source: github.com/esl/MongoosePush,
 * doc/http_api.md and its OpenAPI document.
 */
import { limits } from '../core/limits.ts';
import { dataBodyName, fitDataBody } from './data-body.ts';
import { fitPayload } from './gateway-text.ts';
import type { MongoosePushConfig } from '../../config/engine-config.ts';
import type { Notification } from '../core/notification.ts';
import type { Mode } from '../core/registration.ts';

export interface MongoosePushApi {
  readonly api: MongoosePushConfig['api'];
  /** Of the provider: for notifications that name none. */
  readonly mode: Mode;
}

/** Why this notification cannot be said in this API, `''` if it can. */
export function unsayableTo(api: MongoosePushApi['api'], notification: Notification): string {
  if (notification.tokenKind !== 'device') return `no-${notification.tokenKind}-through-mongoosepush`;
  if (!sayableTypes.has(notification.pushType)) return `no-${notification.pushType}-through-mongoosepush`;
  // v1 builds an alert of everything it is given.
  if (api === 'v1' && notification.kind === 'silent') return 'no-silent-notifications-in-v1';
  return '';
}

// It sets `background` for data alone, and no push type otherwise.
const sayableTypes: ReadonlySet<Notification['pushType']> = new Set(['', 'alert', 'background'] as const);

/** Shortened to what either gateway takes: ours is the larger document. */
export function renderMongoosePush(notification: Notification, api: MongoosePushApi, nowMs: number): string {
  const build = (title: string, body: string): string => renderedAs(notification, { title, body }, { ...api, nowMs });
  const whole = build(notification.title, notification.body);
  if (Buffer.byteLength(whole) <= limits.apnsPayloadBytesMax) return whole;
  const bytesMax = limits.apnsPayloadBytesMax;
  const ofData = fitDataBody(notification.data, bytesMax, (short) => {
    const data = { ...notification.data, [dataBodyName]: short };
    return renderedAs({ ...notification, data }, notification, { ...api, nowMs });
  });
  // Too large for its data alone: the gateway's answer says so.
  return ofData ?? fitPayload(notification, bytesMax, build) ?? whole;
}

function renderedAs(
  notification: Notification,
  texts: Texts,
  api: MongoosePushApi & { readonly nowMs: number },
): string {
  return JSON.stringify(
    api.api === 'v1' ? flatOf(notification, texts, api.mode) : documentOf(notification, texts, api),
  );
}

interface Texts {
  readonly title: string;
  readonly body: string;
}

/** v2 and v3. */
function documentOf(
  notification: Notification,
  texts: Texts,
  { mode, nowMs }: MongoosePushApi & { readonly nowMs: number },
): object {
  const document: Record<string, unknown> = { service: notification.service };
  const wanted = modeOf(notification, mode);
  if (wanted !== '') document['mode'] = wanted;
  const priority = priorityOf(notification);
  if (priority !== '') document['priority'] = priority;
  if (notification.topic !== '') document['topic'] = notification.topic;
  if (notification.mutableContent) document['mutable_content'] = true;
  if (notification.expiresAtMs > 0) {
    document['time_to_live'] = Math.min(int32Max, Math.max(0, Math.ceil((notification.expiresAtMs - nowMs) / 1_000)));
  }
  // Never both: with an alert, data would make it another kind of notification.
  if (notification.kind === 'silent') document['data'] = dataOf(notification);
  else document['alert'] = alertOf(notification, texts);
  return document;
}

const int32Max = 2_147_483_647;

/**
 * The gateway takes `prod` when nothing is said. A provider's own `dev` is for Apple's sandbox alone: Google has none,
 * and the gateway no pool for it.
 */
function modeOf({ mode, service }: Notification, ofProvider: Mode): Mode {
  if (mode !== '') return mode;
  return ofProvider === 'prod' || service === 'fcm' ? '' : ofProvider;
}

/**
 * A notification always has a priority, by the client, by a rule or by our own decision. It is left out where it is
 * what happens without it, for everybody and for certain: data for Google is normal. `high` is always said, because
 * Google's pages disagree about what an alert without a priority is. A silent push must say `normal` to Apple, who
 * takes silence for 10 and refuses that; `high` would be passed on as it is.
 */
function priorityOf({ kind, service, priority }: Notification): 'high' | 'normal' | '' {
  if (kind === 'silent' && service === 'apns') return 'normal';
  if (kind === 'call' || priority === 'high') return 'high';
  return kind === 'silent' ? '' : 'normal';
}

function alertOf(notification: Notification, { title, body }: Texts): object {
  const { thread, badge, category, sound } = notification;
  const alert: Record<string, unknown> = { title };
  if (thread !== '') alert['tag'] = thread;
  alert['body'] = body;
  if (badge >= 0) alert['badge'] = badge;
  if (category !== '') alert['click_action'] = category;
  if (sound !== '') alert['sound'] = sound;
  return alert;
}

/** v1: no priority, sound, life or mutable content. Nothing is `null`: the schema does not take that for absent. */
function flatOf(notification: Notification, { title, body }: Texts, mode: Mode): object {
  const { service, thread, badge, category, topic } = notification;
  const flat: Record<string, unknown> = { service, body, title };
  if (thread !== '') flat['tag'] = thread;
  if (badge >= 0) flat['badge'] = badge;
  const wanted = modeOf(notification, mode);
  if (wanted !== '') flat['mode'] = wanted;
  if (category !== '') flat['click_action'] = category;
  if (topic !== '') flat['topic'] = topic;
  return flat;
}

function dataOf({ data }: Notification): object {
  const count = data['message-count'];
  return count !== undefined && /^\d{1,9}$/.test(count) ? { ...data, 'message-count': Number(count) } : data;
}
