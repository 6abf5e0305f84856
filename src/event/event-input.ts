// Thread: main
/**
 * Events as other programs tell them, to the embedding API or in JSON: a friendly, partial shape, checked field by
 * field and filled up. Written by hand: a table of readers, one look-up for each key that is there, no schema. Own keys
 * only, so that `__proto__` is a key that nobody knows.
 */
import { fullJID, resourceOf } from '../core/jid.ts';
import { err, ok } from '../core/result.ts';
import type { Affiliation, MessageEvent, MessageType, PushEvent, StatusEvent } from '../core/event.ts';
import type { Result } from '../core/result.ts';
import { readMessage } from '../xmpp/message-codec.ts';
import { parseStanza } from '../xmpp/parse-stanza.ts';
import { emptyMessage, emptyStatus, fill, isFields, messageReaders, statusReaders } from './event-fields.ts';
import type { FieldsGiven, MessageDraft } from './event-fields.ts';

/** A message to a user. What is left out is not known, or not in the message. */
export interface MessageInput {
  /** Default `message`. `unacknowledged`: `to` names the session that did not acknowledge it. */
  readonly kind?: 'message' | 'unacknowledged';
  /** A full JID; of a room's message the occupant. Beside a stanza that says it, the stanza's counts. */
  readonly from?: string;
  /** The user, or his session. Beside a stanza that says it this one counts: the server may have chosen the session. */
  readonly to?: string;
  /** As the server sees it; default `out`: on its way to a user. */
  readonly direction?: 'out' | 'in';
  /** XML, at most `limits.stanzaBytesDefault` bytes; what the fields up to `language` say is then read from it. */
  readonly stanza?: string;
  /** By which it is known when it comes again, at most 1024 bytes; also beside a stanza. */
  readonly id?: string;
  /** Default `normal`. */
  readonly type?: MessageType;
  /** `''`: there is an empty one. What is over 4096 bytes is cut. */
  readonly body?: string;
  readonly hasSubject?: boolean;
  readonly hints?: readonly ('store' | 'no-store' | 'no-permanent-store')[];
  readonly encryption?: MessageEvent['encryption'];
  /** XEP-0353: `propose`, `retract`, ..., and the id of the call. */
  readonly jingle?: string;
  readonly jingleId?: string;
  readonly media?: 'audio' | 'video';
  readonly isInvitation?: boolean;
  readonly isAmendment?: boolean;
  readonly isSignal?: boolean;
  readonly carbon?: MessageEvent['carbon'];
  /** JIDs, at most 64. */
  readonly mentions?: readonly string[];
  /** Epoch ms. */
  readonly delayedAtMs?: number;
  readonly language?: string;

  readonly userStatus?: MessageEvent['userStatus'];
  readonly clientState?: MessageEvent['clientState'];
  /** Of this conversation, this message included. */
  readonly unread?: number;
  readonly unreadTotal?: number;
  readonly isBlocked?: boolean;
  readonly isMuted?: boolean;
  readonly isMentioned?: boolean;
  readonly isKnownSender?: boolean;
  readonly isStored?: boolean;
  readonly affiliation?: Affiliation;
  readonly roomKind?: 'private' | 'public';
  readonly nick?: string;
  /** Of the room `from`, at most 10 000: the event is then one for all of them, and `to` is the room. */
  readonly members?: readonly MemberInput[];
}

export interface MemberInput {
  readonly jid: string;
  /** Default `none`. */
  readonly affiliation?: Affiliation;
  /** Is in the room, and gets the message there. Default false. */
  readonly isOccupant?: boolean;
  readonly nick?: string;
}

/** A session came, went, or changed. */
export interface StatusInput {
  readonly kind: 'status';
  /** Of the session: a full JID. */
  readonly jid: string;
  /** `offline` also for a negative priority. */
  readonly status: 'online' | 'offline';
  readonly clientState?: StatusEvent['clientState'];
  /** `away`, `xa`, ... */
  readonly show?: string;
}

export type EventInput = MessageInput | StatusInput;

/** The error names the field and what is wrong with it: `from: not a JID`. */
export function eventOf(input: unknown): Result<PushEvent, string> {
  if (!isFields(input) || Array.isArray(input)) return err('an event is an object');
  return own(input, 'kind') === 'status' ? statusOf(input) : messageOf(input);
}

function own(input: FieldsGiven, key: string): unknown {
  return Object.hasOwn(input, key) ? input[key] : undefined;
}

function statusOf(input: FieldsGiven): Result<StatusEvent, string> {
  const draft = emptyStatus();
  const problem = fill(draft, input, statusReaders);
  if (problem !== undefined) return err(problem);
  if (draft.jid === '') return err('jid: missing');
  if (own(input, 'status') === undefined) return err('status: missing');
  return resourceOf(draft.jid) === '' ? err(noSession('jid')) : ok(draft);
}

function messageOf(input: FieldsGiven): Result<MessageEvent, string> {
  const draft = emptyMessage();
  const stanza = own(input, 'stanza');
  let author = draft.from;
  if (stanza !== undefined) {
    const problem = readStanza(draft, input, stanza);
    if (problem !== undefined) return err(problem);
    author = draft.from;
  }
  const problem = fill(draft, input, messageReaders);
  if (problem !== undefined) return err(problem);
  // A copy comes from the server or the room: who wrote the message is said by the stanza alone.
  if (author !== '') draft.from = author;
  const missing = incomplete(draft);
  return missing === undefined ? ok(draft) : err(missing);
}

/** @returns what is wrong with the stanza, or with what is said beside it. */
function readStanza(draft: MessageDraft, input: FieldsGiven, stanza: unknown): string | undefined {
  if (typeof stanza !== 'string') return 'stanza: not a text';
  const element = parseStanza(stanza);
  if (!element.ok) return `stanza: ${element.error}`;
  const read = readMessage(element.value);
  if (!read.ok) return `stanza: ${read.error}`;
  const { from, to, ...content } = read.value;
  for (const key of Object.keys(content)) {
    if (key !== 'id' && own(input, key) !== undefined) return `${key}: the stanza says it already`;
  }
  Object.assign(draft, content);
  const sender = fullJID(from);
  if (sender.ok) draft.from = sender.value;
  else if (from !== '') return 'stanza: from: not a JID';
  const receiver = fullJID(to);
  if (receiver.ok) draft.to = receiver.value;
  else if (to !== '') return 'stanza: to: not a JID';
  return undefined;
}

function incomplete(draft: MessageDraft): string | undefined {
  if (draft.from === '') return 'from: missing';
  if (draft.to === '') return 'to: missing';
  if (draft.kind === 'unacknowledged' && resourceOf(draft.to) === '') return noSession('to');
  return draft.members.length > 0 && draft.type !== 'groupchat' ? 'members: of a groupchat only' : undefined;
}

function noSession(field: string): string {
  return `${field}: names no session: a resource is needed`;
}
