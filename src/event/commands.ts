// Thread: main
/**
 * The message union of the event actor, and what it answers: the XMPP server's half of XEP-0357. Data only: `reply` is
 * an object that many commands share, `tag` the number by which it knows this one.
 */
import type { EnabledAnswer, PublishOption, PushPreferences } from '../core/enabled.ts';
import type { EventResult, PushEvent } from '../core/event.ts';
import type { BareJID, NodeId } from '../core/ids.ts';

/** Something happened to a user. */
export interface EventCommand {
  readonly kind: 'event';
  readonly event: PushEvent;
  /** Monotonic ms: when the asker stops waiting for the ends of its publishes. */
  readonly deadlineMs: number;
  readonly reply: EventReply;
  readonly tag: number;
}

export interface EventReply {
  /** Called exactly once for each event command. */
  ended(tag: number, result: EventResult): void;
}

interface Asks {
  readonly reply: EnabledReply;
  readonly tag: number;
}

export interface EnableCommand extends Asks {
  readonly kind: 'enable';
  readonly owner: BareJID;
  /** Resource of the session that asks, `''` if it is not known. */
  readonly session: string;
  readonly service: BareJID;
  readonly node: NodeId;
  readonly options: readonly PublishOption[];
  readonly preferences: PushPreferences;
}

/** Of one user's registrations: one node, or all at one service. */
export interface DisableServiceCommand extends Asks {
  readonly kind: 'disable-service';
  readonly owner: BareJID;
  readonly service: BareJID;
  /** `''`: all nodes at that service. */
  readonly node: NodeId | '';
}

/** The account is gone. */
export interface RemoveAccountCommand extends Asks {
  readonly kind: 'remove-account';
  readonly owner: BareJID;
}

/** The domain is gone, with all its accounts. */
export interface RemoveDomainCommand extends Asks {
  readonly kind: 'remove-domain';
  readonly domain: string;
}

export interface ListEnabledCommand extends Asks {
  readonly kind: 'list-enabled';
  readonly owner: BareJID;
}

/** The push service says that the user is no longer welcome at this node (XEP-0357 §8). Removed silently. */
export interface RevokeCommand extends Asks {
  readonly kind: 'revoke';
  readonly owner: BareJID;
  readonly service: BareJID;
  readonly node: NodeId;
  /** Only while it was enabled with these: others may name another device. Left out: whatever is there. */
  readonly options?: readonly PublishOption[];
}

export type EnabledCommand =
  | EnableCommand
  | DisableServiceCommand
  | RemoveAccountCommand
  | RemoveDomainCommand
  | ListEnabledCommand
  | RevokeCommand;

/**
 * Nobody tells us of the presence of these domains' users any more, so that what is known of it is worth nothing: all
 * of them are unknown until something is heard again (xmpp 6.30). Is not answered.
 */
export interface PresenceResetCommand {
  readonly kind: 'presence-reset';
  /** Exact, prepared. */
  readonly domains: readonly string[];
}

/** From the actor to itself: look for registrations that no client has enabled again for long. */
export interface SweepEnabledMessage {
  readonly kind: 'sweep';
}

export type EventActorMessage = EventCommand | EnabledCommand | PresenceResetCommand | SweepEnabledMessage;

export interface EnabledReply {
  /** Called exactly once for each command that asks. */
  answeredEnabled(tag: number, answer: EnabledAnswer): void;
}

/** The answer to an IQ of ours, matched by id and sender; read off the stanza at once. */
export type IqAnswer =
  | { readonly kind: 'result' }
  /** `condition`: of RFC 6120 §8.3.3; `detail`: local name of the application condition, `''` if none. */
  | { readonly kind: 'error'; readonly type: string; readonly condition: string; readonly detail: string }
  /** Came back through a privilege that hides the cause (xmpp 6.40): refused, nobody knows why. */
  | { readonly kind: 'hidden-error' }
  | { readonly kind: 'timeout' };

export interface IqReply {
  /** Called exactly once for each IQ that was taken. */
  iqAnswered(tag: number, answer: IqAnswer): void;
}

export interface PublishIq {
  /** In whose name: by privilege where the server grants it, otherwise our own domain publishes (xmpp 6.40). */
  readonly account: BareJID;
  readonly service: BareJID;
  /** XML of `<pubsub/>`, complete and escaped. */
  readonly payload: string;
  readonly waitMs: number;
}

/** Sends publish IQs for the event actor; the routers do. */
export interface IqSender {
  sendPublish(iq: PublishIq, reply: IqReply, tag: number): IqAdmission;
}

/**
 * Only an IQ that was `sent` is answered later. `full`: too many IQs wait; `offline`: no stream is up; `too-long`: the
 * server would end the stream for it (xmpp 1.10).
 */
export type IqAdmission = 'sent' | 'full' | 'offline' | 'too-long';
