// Thread: main
/**
 * From a summary to the notification for one device: what it is (alert, silent, call), how urgent (xmpp 5.23, 5.24),
 * and how much of the message may leave the house (5.27, XEP-0357 §9). For publishes to our nodes, and for events whose
 * push service is ours. Pure but for the new id. With content policy `none` nothing here reads body or sender except to
 * ask whether there is one, and whether it is a room's.
 */
import { hash } from 'node:crypto';
import { epochMs } from '../core/ids.ts';
import { bareOf, localOf, resourceOf } from '../core/jid.ts';
import { limits } from '../core/limits.ts';
import { noData, noParts } from '../core/notification.ts';
import { newNotificationId } from '../core/random.ts';
import type { Device } from './carried-device.ts';
import type { TemplateKind, Templates, Wording } from './templates.ts';
import type { PublishOptions } from '../xmpp/publish-options.ts';
import type { EngineConfig } from '../../config/engine-config.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Notification, NotificationKind, Summary } from '../core/notification.ts';
import type { Random } from '../core/random.ts';
import type { Service } from '../core/registration.ts';

export type NotificationRules = EngineConfig['notifications'];

export interface BuildInput {
  /** Names the registration: notifications of two nodes never replace each other. Secret: only its hash leaves. */
  readonly node: string;
  /** The device travels in the publish-options, as MongooseIM's do: its way of counting and of naming rooms counts. */
  readonly isCarried: boolean;
  /** Chooses the template where the device has no topic; `''` = not said. */
  readonly app: string;
  readonly device: Device;
  readonly summary: Summary;
  readonly options: PublishOptions;
  readonly rules: NotificationRules;
  /** `undefined`: none are configured. */
  readonly templates: Templates | undefined;
  readonly random: Random;
  readonly nowMs: EpochMs;
}

export function buildNotification(input: BuildInput): Notification {
  const { node, isCarried, device, summary, options, rules, nowMs } = input;
  const wanted = kindOf(summary, options, rules.emptyPriority);
  // PushKit takes its own tokens only: without one an iPhone is told of the call by an alert.
  const kind = wanted === 'call' && device.service === 'apns' && device.voipToken === '' ? 'alert' : wanted;
  const isShown = kind !== 'silent';
  const isSealed = summary.encrypted !== '';
  const sender = rules.content !== 'none' && !isSealed ? summary.lastMessageSender : '';
  const body = rules.content === 'full' && !isSealed ? summary.lastMessageBody : '';
  const topic = device.topic === '' ? options.topic : device.topic;
  const worded = isShown && input.templates !== undefined ? wording(input, wanted, topic || input.app) : undefined;
  return {
    id: newNotificationId(input.random),
    kind,
    service: device.service,
    mode: device.mode,
    token: kind === 'call' && device.voipToken !== '' ? device.voipToken : device.token,
    topic,
    priority: priorityOf(wanted, summary, options, device.service),
    title: isShown ? (worded?.title ?? titleOf(sender, summary.roomName, isCarried)) || rules.title : '',
    body: isShown ? (worded?.body ?? body) || rules.body : '',
    badge: isShown && rules.badge ? badgeOf(summary, isCarried) : -1,
    sound: isShown ? options.sound || rules.sound : '',
    category: isShown ? options.clickAction : '',
    thread: isShown ? threadOf(sender, device.service, isCarried) : '',
    collapseId: collapseIdOf(node, wanted, summary, bareOf(sender)),
    mutableContent: isShown && (isSealed || options.mutableContent === 'true'),
    expiresAtMs: expiryOf(isOfCall(wanted, summary), options, rules, nowMs),
    data: dataOf(wanted, summary, rules),
    pushType: '',
    interruptionLevel: '',
    tokenKind: 'device',
    parts: noParts,
  };
}

/**
 * MongooseIM's connector shows the sender as it came, nick and all (mongooseim 4.3); a full JID of a user reads badly.
 *
 * @param sender `''` where it is held back, and the room's name with it.
 */
function titleOf(sender: string, roomName: string, isCarried: boolean): string {
  if (sender === '') return '';
  if (roomName === '') return isCarried ? sender : bareOf(sender);
  const nick = resourceOf(sender);
  return nick === '' ? roomName : `${roomName}/${nick}`;
}

/**
 * On Android a notification replaces the one before of its thread: MongooseIM's connector names the sender as it came
 * (mongooseim 4.3), so that what two people say in a room is both to be seen. An iPhone stacks a thread, and the
 * connector's gateway told it none: there a room is one.
 */
function threadOf(sender: string, service: Service, isCarried: boolean): string {
  return isCarried && service === 'fcm' ? sender : bareOf(sender);
}

/** What the template says, with as much of the message as the content policy shows. */
function wording(input: BuildInput, wanted: NotificationKind, app: string): Wording | undefined {
  const { summary, options, rules, templates } = input;
  const kind = templateKindOf(wanted, summary, input.isCarried);
  // An invitation comes from the room or from a user; which, the summary does not say.
  const isRoom = kind === 'group';
  const isHidden = rules.content === 'none' || summary.encrypted !== '';
  const sender = isHidden ? '' : summary.lastMessageSender;
  const bare = bareOf(sender);
  const nick = isRoom ? resourceOf(sender) : '';
  return templates?.word(kind, app, options.language, {
    sender: nick === '' ? bare : sender,
    senderName: nick === '' ? localOf(sender) || bare : nameOfNick(nick),
    room: isRoom ? bare : '',
    roomName: sender === '' ? '' : summary.roomName || (isRoom ? localOf(sender) || bare : ''),
    count: summary.messageCount === -1 ? '' : String(summary.messageCount),
    app,
    body: isHidden || rules.content !== 'full' ? '' : summary.lastMessageBody,
  });
}

/**
 * A sender with a resource is somebody in a room where MongooseIM publishes (2.8: of users it sends the bare JID).
 * Other servers send full JIDs of users too, so that of theirs nothing can be told.
 */
function templateKindOf(wanted: NotificationKind, summary: Summary, isCarried: boolean): TemplateKind {
  if (wanted === 'call') return 'call';
  if (summary.kind !== '') return summary.kind;
  return isCarried && summary.lastMessageSender.includes('/') ? 'group' : 'message';
}

/** In a MUC Light room the nick is the member's bare JID (mongooseim 2.8). */
function nameOfNick(nick: string): string {
  const at = nick.indexOf('@');
  return at > 0 && !nick.includes(' ') ? nick.slice(0, at) : nick;
}

/**
 * 5.23 in its order, after the client's own wish: `silent` as exactly `true` (mongooseim 4.3). Of the call events only
 * the first rings; the others must reach the phone to stop it, without a word on the screen.
 */
function kindOf(summary: Summary, options: PublishOptions, emptyPriority: 'silent' | 'alert'): NotificationKind {
  if (options.silent === 'true' || summary.priority === 'low') return 'silent';
  if (summary.encryptedType === 'voip' || summary.jingleMessage === 'propose') return 'call';
  if (summary.jingleMessage !== '') return 'silent';
  if (summary.lastMessageBody !== '' || summary.encrypted !== '' || summary.priority === 'high') return 'alert';
  return emptyPriority;
}

/** What rings, and what ends the ringing, also at clients that show everything themselves. */
function isOfCall(kind: NotificationKind, { jingleMessage }: Summary): boolean {
  return kind === 'call' || jingleMessage !== '';
}

/**
 * A call that may wait is no call, and its end that comes late lets the phone ring on: whatever the client wants of its
 * messages. A publish that says nothing may be a call (5.24): an Android phone is woken at once, where that is no
 * question of a budget; Apple would refuse it.
 */
function priorityOf(
  kind: NotificationKind,
  summary: Summary,
  options: PublishOptions,
  service: Service,
): 'high' | 'normal' {
  if (isOfCall(kind, summary)) return 'high';
  if (options.priority === 'high' || options.priority === 'normal') return options.priority;
  if (kind !== 'silent') return 'high';
  return service === 'fcm' && options.silent !== 'true' && summary.priority === '' ? 'high' : 'normal';
}

/**
 * 5.20: Prosody and Openfire send the constant 1 whatever waits, and ejabberd nothing, so that a 1 says nothing. Any
 * other number was counted. MongooseIM counts its inbox, and its publishes are those whose device travels with them:
 * there a 1 is a 1.
 */
function badgeOf(summary: Summary, isCarried: boolean): number {
  const { messageCount, pendingSubscriptionCount } = summary;
  if (messageCount === -1) return -1;
  if (messageCount === 1 && !isCarried) return -1;
  return Math.min(messageCount + Math.max(0, pendingSubscriptionCount), limits.messageCountMax);
}

/**
 * One per node and sender, as far as the sender may be known, so that the newest message replaces the one before; one
 * per call. A hash: node names are capabilities. Silent ones have their own, lest they replace what is on the screen.
 */
function collapseIdOf(node: string, kind: NotificationKind, summary: Summary, sender: string): string {
  const subject = isOfCall(kind, summary) ? `call\0${summary.jingleSessionId}` : `${kind}\0${sender}`;
  return hash('sha256', `${node}\0${subject}`, 'base64url').slice(0, 22);
}

const timeToLivePattern = /^\d{1,9}$/;

function expiryOf(isCall: boolean, options: PublishOptions, rules: NotificationRules, nowMs: EpochMs): EpochMs {
  const seconds = timeToLivePattern.test(options.timeToLive) ? Number(options.timeToLive) : rules.timeToLiveSeconds;
  const lifeMs = Math.min(seconds * 1000, isCall ? limits.callLifeMs : limits.notificationLifeMsMax);
  return epochMs(nowMs + lifeMs);
}

/**
 * What the app reads itself. Encrypted payloads pass untouched and alone. A silent notification is all data, under the
 * names of the form (mongooseim 4.3); an alert has none, as there.
 */
function dataOf(kind: NotificationKind, summary: Summary, rules: NotificationRules): Readonly<Record<string, string>> {
  if (summary.encrypted !== '') return encryptedData(summary);
  if (kind === 'alert') return noData;
  const data: Record<string, string> = {};
  if (summary.messageCount !== -1) data['message-count'] = String(summary.messageCount);
  if (summary.pendingSubscriptionCount !== -1) {
    data['pending-subscription-count'] = String(summary.pendingSubscriptionCount);
  }
  if (rules.content !== 'none' && summary.lastMessageSender !== '') {
    data['last-message-sender'] = summary.lastMessageSender;
  }
  if (rules.content === 'full' && summary.lastMessageBody !== '') data['last-message-body'] = summary.lastMessageBody;
  if (summary.jingleMessage !== '') {
    data['jingle-message'] = summary.jingleMessage;
    data['jingle-session-id'] = summary.jingleSessionId;
  }
  return data;
}

function encryptedData(summary: Summary): Readonly<Record<string, string>> {
  const { encrypted, encryptedIv: iv, encryptedType: type } = summary;
  return type === '' ? { encrypted, iv } : { encrypted, iv, type };
}
