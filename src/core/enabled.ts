// Thread: any
/**
 * What one client has enabled at its XMPP server (XEP-0357 §5): a push service, a node of it, and the publish-options
 * that every publish to it carries. The XMPP server's half of a push; a `Registration` is the push service's half.
 */
import type { BareJID, EpochMs, NodeId } from './ids.ts';

/** Name and value of one field of the publish-options form; FORM_TYPE is not kept. */
export type PublishOption = readonly [name: string, value: string];

/** What a client asks of pushes about one room (Tigase `tigase:push:filter:groupchat:0`). */
export interface RoomPreference {
  readonly room: BareJID;
  readonly allow: 'always' | 'mentioned' | 'never';
  /** The user's nick there: its mention counts; `''` if not said. */
  readonly nick: string;
}

/** What a client may ask for inside `<enable/>` besides the form (xmpp 5.50). */
export interface PushPreferences {
  /** Publishes carry Tigase's `<priority/>`. */
  readonly priority: boolean;
  /** Push although the only sessions that are online are away. */
  readonly away: boolean;
  /** Nothing from senders that are not in the roster, where the event says so. */
  readonly ignoreUnknown: boolean;
  /** Bare JIDs of conversations that do not push; at most `limits.mutedMax`. */
  readonly muted: readonly BareJID[];
  /** At most `limits.roomPreferencesMax`. */
  readonly rooms: readonly RoomPreference[];
  /** Base64 of 16 bytes: the summary is encrypted with it (AES-128-GCM). Secret. `''`: no encryption. */
  readonly encryptionKey: string;
  /** The longest encrypted payload the client takes, bytes; 0 = no limit of its own. */
  readonly encryptedBytesMax: number;
}

export const noPreferences: PushPreferences = Object.freeze({
  priority: false,
  away: false,
  ignoreUnknown: false,
  muted: Object.freeze([]),
  rooms: Object.freeze([]),
  encryptionKey: '',
  encryptedBytesMax: 0,
});

/** Key: owner, service and node together. Enabling the same key again replaces the row. */
export interface EnabledRegistration {
  readonly owner: BareJID;
  /** The pubsub service that takes the publishes: a domain, or a bare JID. */
  readonly service: BareJID;
  readonly node: NodeId;
  /** In the order of the form, each name once. May hold device tokens and secrets: never shown. */
  readonly options: readonly PublishOption[];
  /**
   * Resource of the session that holds this registration in its slot: the one it enabled last (mongooseim 2.3). `''`:
   * no session does. One session has one slot.
   */
  readonly session: string;
  readonly preferences: PushPreferences;
  readonly enabledAtMs: EpochMs;
}

/** What became of an `<enable/>`, a `<disable/>`, or a question about them. */
export type EnabledAnswer =
  /** `count`: rows written or removed; 0 where nothing matched, which is no error. */
  | { readonly kind: 'done'; readonly count: number }
  | { readonly kind: 'enabled-list'; readonly rows: readonly EnabledRegistration[] }
  /** `options`: what the client gave cannot work at our own push service; `problem` says which field and why. */
  | { readonly kind: 'refused'; readonly refusal: 'options'; readonly problem: string }
  | { readonly kind: 'refused'; readonly refusal: 'overloaded' | 'store-failed' | 'stopping' };
