// Thread: main
/**
 * What a message stanza says that may matter to a push (xmpp 7.50 to 7.55): what it carries, what it asks of servers,
 * and who it is about. One walk over the children. Copies that a user's own server or a room wraps are opened; what one
 * user forwards to another is a text like any other, and stays closed.
 */
import { epochMs } from '../core/ids.ts';
import { bareJID, fullJID } from '../core/jid.ts';
import { limits } from '../core/limits.ts';
import { err, ok } from '../core/result.ts';
import { truncateUtf8 } from '../core/utf8.ts';
import type { MessageEvent, MessageType } from '../core/event.ts';
import type { Result } from '../core/result.ts';
import { fitsField } from './data-form.ts';
import { ns } from './namespaces.ts';
import { attribute, childOf, childrenOf, localName, namespaceOf, textOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** The fields of a MessageEvent that a stanza decides. */
export type MessageContent = Pick<MessageEvent, ContentField> & {
  /** Of the message itself, inside of what wraps it; as written, `''` if it says nothing. */
  readonly from: string;
  /** Of the stanza as it was sent: whose session gets it. */
  readonly to: string;
};

export type ContentField =
  | 'type'
  | 'id'
  | 'bodyState'
  | 'body'
  | 'hasSubject'
  | 'hints'
  | 'encryption'
  | 'jingle'
  | 'jingleId'
  | 'media'
  | 'isInvitation'
  | 'isAmendment'
  | 'isSignal'
  | 'carbon'
  | 'mentions'
  | 'delayedAtMs'
  | 'language';

type Draft = { -readonly [Field in keyof MessageContent]: MessageContent[Field] };

const noHints: MessageEvent['hints'] = Object.freeze({ store: false, noStore: false, noPermanentStore: false });
const noMentions: readonly string[] = Object.freeze([]);

/** What a message says that says nothing: all fields of its content, for whoever fills them. */
export const emptyContent: Pick<MessageEvent, ContentField> = {
  type: 'normal',
  id: '',
  bodyState: 'absent',
  body: '',
  hasSubject: false,
  hints: noHints,
  encryption: 'none',
  jingle: '',
  jingleId: '',
  media: '',
  isInvitation: false,
  isAmendment: false,
  isSignal: false,
  carbon: 'none',
  mentions: noMentions,
  delayedAtMs: epochMs(0),
  language: '',
};

/** The error says what the element is instead. */
export function readMessage(element: XmlElement): Result<MessageContent, string> {
  if (!isMessage(element)) return err(`<${localName(element).slice(0, 100)}/> is not a message`);
  const wrapped = carbonOf(element) ?? roomEventOf(element);
  const message = wrapped?.message ?? element;
  const draft: Draft = {
    ...emptyContent,
    from: attribute(message, 'from') ?? '',
    to: attribute(element, 'to') ?? '',
    type: typeOf(message),
    carbon: wrapped?.carbon ?? 'none',
  };
  const own = namespaceOf(message);
  for (const child of message.children) if (typeof child !== 'string') readChild(draft, child, own);
  draft.id = idOf(message);
  if (draft.encryption === 'none' && namesEncryption(message)) draft.encryption = 'payload';
  if (draft.type === 'error') draft.hints = noHints;
  if (draft.bodyState !== 'absent' && draft.language === '') draft.language = languageOf(message);
  return ok(draft);
}

const messageNamespaces: ReadonlySet<string> = new Set(['', ns.client, ns.component, 'jabber:server']);

function isMessage(element: XmlElement): boolean {
  return localName(element) === 'message' && messageNamespaces.has(namespaceOf(element));
}

interface Wrapped {
  readonly message: XmlElement;
  readonly carbon: MessageEvent['carbon'];
}

/** XEP-0280 §11: a copy that does not come from the user's own account was made up by somebody. */
function carbonOf(stanza: XmlElement): Wrapped | undefined {
  const received = childOf(stanza, 'received', ns.carbons);
  const wrapper = received ?? childOf(stanza, 'sent', ns.carbons);
  if (wrapper === undefined) return undefined;
  const account = attribute(stanza, 'from');
  if (account !== undefined && !isSameUser(account, attribute(stanza, 'to') ?? '')) return undefined;
  const forwarded = childOf(wrapper, 'forwarded', ns.forward);
  const message = forwarded?.children.find((child) => typeof child !== 'string' && isMessage(child));
  if (message === undefined || typeof message === 'string') return undefined;
  return { message, carbon: received === undefined ? 'sent' : 'received' };
}

const mucSub = 'urn:xmpp:mucsub:nodes:';

/** What a room sends to those who subscribe to it (ejabberd's MUC/Sub); only of the room itself. */
function roomEventOf(stanza: XmlElement): Wrapped | undefined {
  const event = childOf(stanza, 'event', ns.pubsubEvent);
  const items = event === undefined ? undefined : childOf(event, 'items', ns.pubsubEvent);
  if (items === undefined || !(attribute(items, 'node') ?? '').startsWith(mucSub)) return undefined;
  const item = childOf(items, 'item', ns.pubsubEvent);
  const message = item?.children.find((child) => typeof child !== 'string' && isMessage(child));
  if (message === undefined || typeof message === 'string') return undefined;
  return isSameUser(attribute(stanza, 'from') ?? '', attribute(message, 'from') ?? '')
    ? { message, carbon: 'none' }
    : undefined;
}

function isSameUser(one: string, other: string): boolean {
  const [first, second] = [bareJID(one), bareJID(other)];
  return first.ok && second.ok && first.value === second.value;
}

const types: ReadonlySet<string> = new Set<MessageType>(['chat', 'groupchat', 'headline', 'error']);

function isType(text: string): text is MessageType {
  return types.has(text);
}

/** RFC 6121 §5.2.2: without a type, or with one that nobody knows, it is normal. */
function typeOf(message: XmlElement): MessageType {
  const type = attribute(message, 'type') ?? '';
  return isType(type) ? type : 'normal';
}

/** @param own namespace of the message: its body and subject are in it. */
function readChild(draft: Draft, child: XmlElement, own: string): void {
  const name = localName(child);
  const namespace = namespaceOf(child);
  switch (namespace) {
    case own:
      readText(draft, child, name);
      break;
    case ns.hints:
      readHint(draft, name);
      break;
    case ns.jingleMessage:
      if (draft.jingle === '') readJingle(draft, child, name);
      break;
    case ns.receipts:
    case ns.markers:
    case ns.chatStates:
      // `request` and `markable` ask for such an answer, and are beside a body.
      if (signals.has(name)) draft.isSignal = true;
      break;
    case ns.conference:
      if (name === 'x') draft.isInvitation = true;
      break;
    case ns.mucUser:
      if (name === 'x' && childOf(child, 'invite', ns.mucUser) !== undefined) draft.isInvitation = true;
      break;
    case ns.delay:
      if (name === 'delay') readDelay(draft, child);
      break;
    case ns.references:
    case ns.replies:
      readMention(draft, child, name);
      break;
    default:
      if (isAmendment(child, name, namespace)) draft.isAmendment = true;
      else readEncryption(draft, child, { name, namespace });
  }
}

const signals: ReadonlySet<string> = new Set([
  ...['received', 'displayed', 'acknowledged'],
  ...['active', 'composing', 'paused', 'inactive', 'gone'],
]);

/** The first body counts, in whatever language it is (mongooseim 2.8). */
function readText(draft: Draft, child: XmlElement, name: string): void {
  if (name === 'subject') draft.hasSubject = true;
  if (name !== 'body' || draft.bodyState !== 'absent') return;
  const text = textOf(child);
  draft.bodyState = text === '' ? 'empty' : 'non-empty';
  draft.body = truncateUtf8(text, limits.bodyBytesMax);
  draft.language = languageOf(child);
}

const languageTag = /^[A-Za-z0-9-]{1,35}$/;

function languageOf(element: XmlElement): string {
  const language = attribute(element, 'xml:lang') ?? '';
  return languageTag.test(language) ? language : '';
}

function readHint(draft: Draft, name: string): void {
  if (name === 'store') draft.hints = { ...draft.hints, store: true };
  else if (name === 'no-store') draft.hints = { ...draft.hints, noStore: true };
  else if (name === 'no-permanent-store') draft.hints = { ...draft.hints, noPermanentStore: true };
}

function readJingle(draft: Draft, child: XmlElement, name: string): void {
  const id = attribute(child, 'id') ?? '';
  draft.jingle = name;
  draft.jingleId = fitsField(id) ? id : '';
  for (const description of childrenOf(child, 'description', ns.jingleRtp)) {
    const media = attribute(description, 'media');
    // Sound and picture are two descriptions, in any order: together they are a video call.
    if (media === 'video' || (media === 'audio' && draft.media === '')) draft.media = media;
  }
}

/** Retraction: both versions, and the one that was fastened to its message. */
function isAmendment(child: XmlElement, name: string, namespace: string): boolean {
  if (name === 'replace') return namespace === ns.correct;
  if (name === 'reactions') return namespace === ns.reactions;
  if (name === 'retract') return isRetraction(namespace);
  if (name !== 'apply-to' || namespace !== 'urn:xmpp:fasten:0') return false;
  return child.children.some((inner) => typeof inner !== 'string' && isRetraction(namespaceOf(inner)));
}

function isRetraction(namespace: string): boolean {
  return namespace === 'urn:xmpp:message-retract:0' || namespace === 'urn:xmpp:message-retract:1';
}

const omemo = /^urn:xmpp:omemo:\d+$/;

/** 7.52. */
function readEncryption(
  draft: Draft,
  child: XmlElement,
  { name, namespace }: { name: string; namespace: string },
): void {
  if (name === 'encrypted' && (namespace === ns.axolotl || omemo.test(namespace))) {
    const hasPayload = childOf(child, 'payload', namespace) !== undefined;
    if (hasPayload || draft.encryption === 'none') draft.encryption = hasPayload ? 'payload' : 'keys';
  } else if ((name === 'x' && namespace === ns.pgp) || (name === 'openpgp' && namespace === ns.openPGP)) {
    draft.encryption = 'payload';
  }
}

/** XEP-0380, which also marks keys without a payload: asked where no method itself was found. */
function namesEncryption(message: XmlElement): boolean {
  const named = childOf(message, 'encryption', ns.encryption);
  return named !== undefined && (attribute(named, 'namespace') ?? '') !== '';
}

/** Of several stamps the oldest. In a groupchat only that of the room counts: history (XEP-0045 §7.2.14). */
function readDelay(draft: Draft, child: XmlElement): void {
  const from = attribute(child, 'from');
  if (draft.type === 'groupchat' && from !== undefined && !isSameUser(from, draft.from)) return;
  const stamp = attribute(child, 'stamp') ?? '';
  const atMs = dateTime.test(stamp) ? Date.parse(stamp) : Number.NaN;
  if (atMs > 0 && (draft.delayedAtMs === 0 || atMs < draft.delayedAtMs)) draft.delayedAtMs = epochMs(atMs);
}

// XEP-0082 §3.2.
const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

function readMention(draft: Draft, child: XmlElement, name: string): void {
  if (draft.mentions.length === limits.mentionsMax) return;
  let jid = '';
  if (name === 'reply') jid = attribute(child, 'to') ?? '';
  else if (name === 'reference' && attribute(child, 'type') === 'mention') jid = ofURI(attribute(child, 'uri') ?? '');
  const prepared = fullJID(jid);
  if (prepared.ok) draft.mentions = [...draft.mentions, prepared.value];
}

/** The JID of `xmpp:anna%20b@example.com?...` (RFC 5122), `''` if it is none. */
function ofURI(uri: string): string {
  if (!uri.startsWith('xmpp:')) return '';
  const path = uri.slice('xmpp:'.length).replace(/[?#].*$/s, '');
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}

function idOf(message: XmlElement): string {
  const named = childOf(message, 'stanza-id', ns.stanzaIds) ?? childOf(message, 'origin-id', ns.stanzaIds);
  const id = (named === undefined ? undefined : attribute(named, 'id')) ?? attribute(message, 'id') ?? '';
  return fitsField(id, limits.messageIdBytesMax) ? id : '';
}
