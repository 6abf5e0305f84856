// Thread: any
/**
 * What happened to a user, as an XMPP server tells it: the input of the decision whether a phone is to be told. Every
 * field is always present, so that all events share one hidden class; `unknown` where the server did not say.
 */
import type { Outcome } from './outcome.ts';
import type { BareJID, EpochMs, FullJID, NodeId } from './ids.ts';

/** RFC 6121 §5.2.2; a stanza without a type is `normal`. */
export type MessageType = 'chat' | 'groupchat' | 'headline' | 'normal' | 'error';

/** XEP-0045 §5.2; `''`: not said. */
export type Affiliation = 'owner' | 'admin' | 'member' | 'none' | 'outcast' | '';

/** One member of a room, for servers that deliver a room's messages to its occupants only. */
export interface RoomMember {
  readonly jid: BareJID;
  readonly affiliation: Affiliation;
  /** Is in the room right now, and so gets the message anyway. */
  readonly isOccupant: boolean;
  /** The reserved nick, `''` if none. */
  readonly nick: string;
}

export type Answered = 'yes' | 'no' | 'unknown';

export interface MessageEvent {
  /**
   * `message`: on its way to a user. `unacknowledged`: was written to the session `to`, whose connection has died, or
   * waits to be resumed (XEP-0198).
   */
  readonly kind: 'message' | 'unacknowledged';
  /** XEP-0359 stanza or origin id, else the stanza's `id`; `''`: it will not be recognised when it comes again. */
  readonly id: string;
  /** As the server sees it. `out`: it delivers the message to a user; `in`: a user of its own has sent it. */
  readonly direction: 'out' | 'in';
  readonly from: FullJID;
  /** A bare JID, or a full one. */
  readonly to: FullJID;
  readonly type: MessageType;
  readonly bodyState: 'absent' | 'empty' | 'non-empty';
  /** At most `limits.bodyBytesMax`; `''` unless `non-empty`. */
  readonly body: string;
  readonly hasSubject: boolean;
  /** XEP-0334 hints. */
  readonly hints: {
    readonly store: boolean;
    readonly noStore: boolean;
    readonly noPermanentStore: boolean;
  };
  /** Encryption (xmpp 7.52): the body is then a placeholder. `keys`: carries keys only, nothing to read. */
  readonly encryption: 'none' | 'payload' | 'keys';
  /** Local name of the child in `urn:xmpp:jingle-message:0` (XEP-0353), `''` if there is none. */
  readonly jingle: string;
  readonly jingleId: string;
  readonly media: 'audio' | 'video' | '';
  /** XEP-0249, or XEP-0045 §7.8. */
  readonly isInvitation: boolean;
  /** Corrects, retracts or reacts to an earlier message (XEP-0308, XEP-0424, XEP-0444). */
  readonly isAmendment: boolean;
  /** A receipt, chat marker or chat state (XEP-0184, XEP-0333, XEP-0085). */
  readonly isSignal: boolean;
  /** Copies of messages (XEP-0280), already unwrapped. */
  readonly carbon: 'none' | 'received' | 'sent';
  /** JIDs that are mentioned (XEP-0372), and whose message this replies to (XEP-0461). */
  readonly mentions: readonly string[];
  /** XEP-0203 stamp, epoch ms; 0 if there is none. Of a groupchat message that of its room: it is history (7.55). */
  readonly delayedAtMs: EpochMs;
  /** xml:lang of the body, `''` if none. */
  readonly language: string;

  /** Of the user, at the moment of routing. Offline: no session would get the message (negative priorities). */
  readonly userStatus: 'online' | 'offline' | 'unknown';
  /** XEP-0352, of the sessions that get it: `inactive` when all of them are. */
  readonly clientState: 'active' | 'inactive' | 'unknown';
  /** Unread messages of this conversation, this one included; -1: not known. */
  readonly unread: number;
  /** The same over all conversations. */
  readonly unreadTotal: number;
  /** By the recipient (XEP-0191). */
  readonly isBlocked: boolean;
  /** The recipient has muted this conversation. */
  readonly isMuted: boolean;
  readonly isMentioned: Answered;
  /** Whether the sender is in the recipient's roster. */
  readonly isKnownSender: Answered;
  /** Whether the server keeps it, offline or in an archive: what is kept nowhere cannot be fetched. */
  readonly isStored: Answered;
  /** Of the recipient in the room. */
  readonly affiliation: Affiliation;
  readonly roomKind: 'private' | 'public' | '';
  /** The recipient's nick in the room, `''` if not said. */
  readonly nick: string;
  /** Set: one event for all of a room's members, to be divided among them; at most `limits.roomMembersMax`. */
  readonly members: readonly RoomMember[];
}

/** A session came, went, or changed. */
export interface StatusEvent {
  readonly kind: 'status';
  readonly jid: FullJID;
  /** `offline` also for presence of negative priority: such a session gets no messages. */
  readonly status: 'online' | 'offline';
  readonly clientState: 'active' | 'inactive' | 'unknown';
  /** RFC 6121 §4.7.2.1: `away`, `xa`, ... `''` when it is there. */
  readonly show: string;
}

export type PushEvent = MessageEvent | StatusEvent;

/** How one publish of an event ended. */
export interface PublishEnd {
  readonly owner: BareJID;
  readonly service: BareJID;
  readonly node: NodeId;
  readonly outcome: Outcome;
}

/** How one event ended; each ends once. */
export type EventResult =
  /** Nothing was sent; `reason` in plain words, for people who search for a missing push. */
  | { readonly kind: 'skipped'; readonly reason: string }
  /** At least one registration was chosen; each publish with its own ending. */
  | { readonly kind: 'pushed'; readonly publishes: readonly PublishEnd[] }
  /** A status event has been noted. */
  | { readonly kind: 'noted' }
  /** It cannot be read; `reason` names the field and what is wrong with it. Giving it again does not help. */
  | { readonly kind: 'invalid'; readonly reason: string }
  /** Not taken: nothing was decided, nothing was sent. It may be given again. */
  | { readonly kind: 'refused'; readonly reason: 'overloaded' | 'store-failed' | 'stopping' };
