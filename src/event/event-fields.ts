// Thread: main
/**
 * How each field of an event is read from what another program gives, one reader for each key, with its bound. A reader
 * returns what is wrong, without the name of the field; a problem deeper inside begins with its path.
 */
import { epochMs, preparedBareJID, preparedFullJID } from '../core/ids.ts';
import { bareJID, fullJID } from '../core/jid.ts';
import { limits } from '../core/limits.ts';
import { nearestKey } from '../core/nearest-key.ts';
import { truncateUtf8 } from '../core/utf8.ts';
import type { FullJID } from '../core/ids.ts';
import type { Affiliation, Answered, MessageEvent, RoomMember, StatusEvent } from '../core/event.ts';
import { fitsField } from '../xmpp/data-form.ts';
import { emptyContent } from '../xmpp/message-codec.ts';

export type MessageDraft = { -readonly [Field in keyof MessageEvent]: MessageEvent[Field] };
export type StatusDraft = { -readonly [Field in keyof StatusEvent]: StatusEvent[Field] };

export type Reader<Draft> = (draft: Draft, value: unknown) => string | undefined;
export type Readers<Draft> = ReadonlyMap<string, Reader<Draft>>;

/** An object of somebody else's, with whatever it holds. */
export type FieldsGiven = Readonly<Record<string, unknown>>;

export function isFields(input: unknown): input is FieldsGiven {
  return typeof input === 'object' && input !== null;
}

const noMembers: readonly RoomMember[] = Object.freeze([]);

// All fields, in the one order that makes all events one hidden class. Not frozen: a copy of a frozen object is slower.
const emptyEvent: MessageEvent = {
  ...emptyContent,
  kind: 'message',
  direction: 'out',
  from: preparedFullJID(''),
  to: preparedFullJID(''),
  userStatus: 'unknown',
  clientState: 'unknown',
  unread: -1,
  unreadTotal: -1,
  isBlocked: false,
  isMuted: false,
  isMentioned: 'unknown',
  isKnownSender: 'unknown',
  isStored: 'unknown',
  affiliation: '',
  roomKind: '',
  nick: '',
  members: noMembers,
};

/** A message of which nothing is known yet. */
export function emptyMessage(): MessageDraft {
  return { ...emptyEvent };
}

export function emptyStatus(): StatusDraft {
  return { kind: 'status', jid: preparedFullJID(''), status: 'offline', clientState: 'unknown', show: '' };
}

/** Own keys only. @returns the first field that is wrong, and how: `name: problem`, or `members.3.jid: problem`. */
export function fill<Draft>(draft: Draft, input: FieldsGiven, readers: Readers<Draft>): string | undefined {
  // Not the entries: a pair for each field of each event.
  for (const key of Object.keys(input)) {
    const value = input[key];
    if (value === undefined) continue;
    const read = readers.get(key);
    if (read === undefined) return unknownKey(key, [...readers.keys()]);
    const problem = read(draft, value);
    if (problem !== undefined) return problem.startsWith('.') ? key + problem : `${key}: ${problem}`;
  }
  return undefined;
}

function unknownKey(key: string, known: readonly string[]): string {
  const nearest = nearestKey(key, known);
  const remedy = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean ${nearest}?`;
  return `${JSON.stringify(key.slice(0, 100))}: no such field; ${remedy}`;
}

function choice<Draft, Value extends string>(
  values: readonly Value[],
  set: (draft: Draft, value: Value) => void,
): Reader<Draft> {
  return (draft, given) => {
    for (const value of values) {
      if (value !== given) continue;
      set(draft, value);
      return undefined;
    }
    return `one of ${values.map((value) => (value === '' ? "''" : value)).join(', ')}`;
  };
}

function flag<Draft>(set: (draft: Draft, value: boolean) => void): Reader<Draft> {
  return (draft, given) => {
    if (typeof given !== 'boolean') return 'true or false';
    set(draft, given);
    return undefined;
  };
}

function answered(set: (draft: MessageDraft, value: Answered) => void): Reader<MessageDraft> {
  return flag((draft, value) => set(draft, value ? 'yes' : 'no'));
}

function text<Draft>(bytesMax: number, set: (draft: Draft, value: string) => void): Reader<Draft> {
  return (draft, given) => {
    if (typeof given !== 'string') return 'not a text';
    if (!fitsField(given, bytesMax)) return `at most ${bytesMax} bytes`;
    set(draft, given);
    return undefined;
  };
}

/** Whole and not negative; over `max` it counts as that. */
function count(max: number, set: (draft: MessageDraft, value: number) => void): Reader<MessageDraft> {
  return (draft, given) => {
    if (typeof given !== 'number' || !Number.isSafeInteger(given) || given < 0) return 'a whole number of 0 or more';
    set(draft, Math.min(given, max));
    return undefined;
  };
}

function address<Draft>(set: (draft: Draft, value: FullJID) => void): Reader<Draft> {
  return (draft, given) => {
    const jid = typeof given === 'string' ? fullJID(given) : undefined;
    if (jid === undefined || !jid.ok) return notJID;
    set(draft, jid.value);
    return undefined;
  };
}

const notJID = 'not a JID';

/** @returns what is wrong with the list as a whole, or the path and trouble of the first item that is wrong. */
function list(given: unknown, itemsMax: number, read: (item: unknown) => string | undefined): string | undefined {
  if (!Array.isArray(given)) return 'not a list';
  if (given.length > itemsMax) return `at most ${itemsMax}`;
  for (let index = 0; index < given.length; index++) {
    const problem = read(given[index]);
    if (problem !== undefined) return `.${index}${problem.startsWith('.') ? '' : ': '}${problem}`;
  }
  return undefined;
}

const hintNames = ['store', 'no-store', 'no-permanent-store'] as const;

function readHints(draft: MessageDraft, given: unknown): string | undefined {
  const hints = { ...emptyContent.hints };
  const read = choice<typeof hints, (typeof hintNames)[number]>(hintNames, (found, name) => {
    if (name === 'store') found.store = true;
    else if (name === 'no-store') found.noStore = true;
    else found.noPermanentStore = true;
  });
  const problem = list(given, hintNames.length, (item) => read(hints, item));
  draft.hints = hints;
  return problem;
}

function readMentions(draft: MessageDraft, given: unknown): string | undefined {
  const mentions: string[] = [];
  const problem = list(given, limits.mentionsMax, (item) => {
    const jid = typeof item === 'string' ? fullJID(item) : undefined;
    if (jid === undefined || !jid.ok) return notJID;
    mentions.push(jid.value);
    return undefined;
  });
  draft.mentions = mentions;
  return problem;
}

// `away`, `xa`, ... and what extensions may come to say.
const showBytesMax = 64;

const affiliations: readonly Affiliation[] = ['owner', 'admin', 'member', 'none', 'outcast', ''];

type MemberDraft = { -readonly [Field in keyof RoomMember]: RoomMember[Field] };

const memberReaders: Readers<MemberDraft> = new Map<string, Reader<MemberDraft>>([
  ['jid', readMemberJID],
  ['affiliation', choice(affiliations, (member, value) => (member.affiliation = value))],
  ['isOccupant', flag((member, value) => (member.isOccupant = value))],
  ['nick', text(limits.jidPartBytesMax, (member, value) => (member.nick = value))],
]);

function readMemberJID(member: MemberDraft, given: unknown): string | undefined {
  const jid = typeof given === 'string' ? bareJID(given) : undefined;
  if (jid === undefined || !jid.ok) return notJID;
  member.jid = jid.value;
  return undefined;
}

function readMembers(draft: MessageDraft, given: unknown): string | undefined {
  const members: RoomMember[] = [];
  const problem = list(given, limits.roomMembersMax, (item) => {
    if (!isFields(item)) return 'not an object';
    const member: MemberDraft = { jid: preparedBareJID(''), affiliation: 'none', isOccupant: false, nick: '' };
    const wrong = fill(member, item, memberReaders) ?? (member.jid === '' ? 'jid: missing' : undefined);
    members.push(member);
    return wrong === undefined ? undefined : `.${wrong}`;
  });
  draft.members = members;
  return problem;
}

const clientStates = ['active', 'inactive', 'unknown'] as const;
const jingleName = /^[A-Za-z][A-Za-z-]{0,63}$/;
const languageTag = /^[A-Za-z0-9-]{1,35}$/;

function matching<Draft>(
  { pattern, says }: { readonly pattern: RegExp; readonly says: string },
  set: (draft: Draft, value: string) => void,
): Reader<Draft> {
  return (draft, given) => {
    if (given !== '' && (typeof given !== 'string' || !pattern.test(given))) return says;
    set(draft, given);
    return undefined;
  };
}

/** Every key of a message, and `stanza`, which is read before all others. */
export const messageReaders: Readers<MessageDraft> = new Map<string, Reader<MessageDraft>>([
  ['kind', choice(['message', 'unacknowledged', 'status'], readKind)],
  ['from', address((draft, value) => (draft.from = value))],
  ['to', address((draft, value) => (draft.to = value))],
  ['direction', choice(['out', 'in'], (draft, value) => (draft.direction = value))],
  ['stanza', () => undefined],
  ['id', text(limits.messageIdBytesMax, (draft, value) => (draft.id = value))],
  ['type', choice(['chat', 'groupchat', 'headline', 'normal', 'error'], (draft, value) => (draft.type = value))],
  ['body', readBody],
  ['hasSubject', flag((draft, value) => (draft.hasSubject = value))],
  ['hints', readHints],
  ['encryption', choice(['none', 'payload', 'keys'], (draft, value) => (draft.encryption = value))],
  [
    'jingle',
    matching({ pattern: jingleName, says: 'not a name of XEP-0353' }, (draft, value) => (draft.jingle = value)),
  ],
  ['jingleId', text(limits.fieldBytesMax, (draft, value) => (draft.jingleId = value))],
  ['media', choice(['audio', 'video', ''], (draft, value) => (draft.media = value))],
  ['isInvitation', flag((draft, value) => (draft.isInvitation = value))],
  ['isAmendment', flag((draft, value) => (draft.isAmendment = value))],
  ['isSignal', flag((draft, value) => (draft.isSignal = value))],
  ['carbon', choice(['none', 'received', 'sent'], (draft, value) => (draft.carbon = value))],
  ['mentions', readMentions],
  ['delayedAtMs', count(Number.MAX_SAFE_INTEGER, (draft, value) => (draft.delayedAtMs = epochMs(value)))],
  [
    'language',
    matching({ pattern: languageTag, says: 'not a language tag' }, (draft, value) => (draft.language = value)),
  ],
  ['userStatus', choice(['online', 'offline', 'unknown'], (draft, value) => (draft.userStatus = value))],
  ['clientState', choice(clientStates, (draft, value) => (draft.clientState = value))],
  ['unread', count(limits.messageCountMax, (draft, value) => (draft.unread = value))],
  ['unreadTotal', count(limits.messageCountMax, (draft, value) => (draft.unreadTotal = value))],
  ['isBlocked', flag((draft, value) => (draft.isBlocked = value))],
  ['isMuted', flag((draft, value) => (draft.isMuted = value))],
  ['isMentioned', answered((draft, value) => (draft.isMentioned = value))],
  ['isKnownSender', answered((draft, value) => (draft.isKnownSender = value))],
  ['isStored', answered((draft, value) => (draft.isStored = value))],
  ['affiliation', choice(affiliations, (draft, value) => (draft.affiliation = value))],
  ['roomKind', choice(['private', 'public', ''], (draft, value) => (draft.roomKind = value))],
  ['nick', text(limits.jidPartBytesMax, (draft, value) => (draft.nick = value))],
  ['members', readMembers],
]);

export const statusReaders: Readers<StatusDraft> = new Map<string, Reader<StatusDraft>>([
  ['kind', () => undefined],
  ['jid', address((draft, value) => (draft.jid = value))],
  ['status', choice(['online', 'offline'], (draft, value) => (draft.status = value))],
  ['clientState', choice(clientStates, (draft, value) => (draft.clientState = value))],
  ['show', text(showBytesMax, (draft, value) => (draft.show = value))],
]);

/** An event of kind `status` has been taken for one before this is asked. */
function readKind(draft: MessageDraft, value: MessageEvent['kind'] | 'status'): void {
  if (value !== 'status') draft.kind = value;
}

/** What is too long is cut, as in a stanza: nobody is to miss a message because it is long. */
function readBody(draft: MessageDraft, given: unknown): string | undefined {
  if (typeof given !== 'string') return 'not a text';
  draft.bodyState = given === '' ? 'empty' : 'non-empty';
  draft.body = truncateUtf8(given, limits.bodyBytesMax);
  return undefined;
}
