// Thread: main
/**
 * The message union of the registration actors, and what they answer. Data only: `reply` is an object that many
 * commands share, `tag` the number by which it knows this one.
 */
import type { BareJID, FullJID, NodeId } from '../core/ids.ts';
import type { Summary } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Mode, Registration, Service } from '../core/registration.ts';
import type { PublishOptions } from '../xmpp/publish-options.ts';

interface Asks {
  readonly reply: CommandReply;
  readonly tag: number;
}

export interface PublishCommand extends Asks {
  readonly kind: 'publish';
  readonly node: NodeId;
  /** As stamped by the server: a domain, a bare or a full JID. */
  readonly from: FullJID;
  readonly summary: Summary;
  readonly options: PublishOptions;
  /** Monotonic ms: when the asker stops waiting. Wall time may jump while it waits. */
  readonly deadlineMs: number;
}

export interface CreateCommand extends Asks {
  readonly kind: 'create';
  /** `''`: an instant node, named by us (XEP-0060 §8.1.2). Then the routing key is the owner, otherwise the node. */
  readonly node: NodeId | '';
  readonly owner: BareJID;
  readonly publishModel: 'open' | 'publishers';
}

export interface ConfigureCommand extends Asks {
  readonly kind: 'configure';
  readonly node: NodeId;
  readonly owner: BareJID;
  /** `''`: leave as it is. */
  readonly publishModel: 'open' | 'publishers' | '';
}

/** Reads one node for its owner: configuration form, affiliations, disco#info. */
export interface ReadNodeCommand extends Asks {
  readonly kind: 'read-node';
  readonly node: NodeId;
  readonly owner: BareJID;
}

export interface DeleteNodeCommand extends Asks {
  readonly kind: 'delete-node';
  readonly node: NodeId;
  readonly owner: BareJID;
}

export interface AffiliateCommand extends Asks {
  readonly kind: 'affiliate';
  readonly node: NodeId;
  readonly owner: BareJID;
  readonly grant: readonly BareJID[];
  readonly revoke: readonly BareJID[];
}

/** register-push; the routing key is the owner. */
export interface RegisterCommand extends Asks {
  readonly kind: 'register';
  readonly owner: BareJID;
  readonly service: Service;
  readonly token: string;
  readonly voipToken: string;
  readonly topic: string;
  readonly app: string;
  readonly mode: Mode;
  /** Names the device among the owner's; never `''` (the codec falls back to the resource). */
  readonly deviceId: string;
  readonly deviceName: string;
  readonly room: string;
  readonly withSecret: boolean;
}

/** unregister-push; selects among the owner's own device registrations. Empty selectors match nothing. */
export interface UnregisterCommand extends Asks {
  readonly kind: 'unregister';
  readonly owner: BareJID;
  readonly deviceId: string;
  readonly nodes: readonly NodeId[];
  readonly token: string;
  readonly service: Service | '';
  readonly room: string;
}

export interface ListCommand extends Asks {
  readonly kind: 'list';
  readonly owner: BareJID;
}

/**
 * From a dispatcher: the gateway says that the token is dead. The publisher is answered from here, with `published`:
 * `unregistered` when the registration has ended and that is on disk, `unavailable` when it lives on.
 */
export interface DisableCommand extends Asks {
  readonly kind: 'disable';
  readonly node: NodeId;
  readonly token: string;
  readonly reason: string;
  /** Since when the token is dead; 0 = not said. A registration confirmed later stays. */
  readonly sinceMs: number;
}

export type RegistrationCommand =
  | PublishCommand
  | CreateCommand
  | ConfigureCommand
  | ReadNodeCommand
  | DeleteNodeCommand
  | AffiliateCommand
  | RegisterCommand
  | UnregisterCommand
  | ListCommand
  | DisableCommand;

/** Why a command was refused; the router turns it into a stanza error (xmpp/stanza-errors.ts). */
export type Refusal =
  | 'unknown-node'
  | 'conflict'
  | 'not-owner'
  | 'quota'
  | 'last-owner'
  | 'precondition'
  | 'nothing-matched'
  | 'no-provider'
  | 'overloaded'
  | 'store-failed'
  | 'stopping';

export type CommandAnswer =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'published'; readonly outcome: Outcome }
  | { readonly kind: 'created'; readonly node: NodeId }
  | { readonly kind: 'node'; readonly registration: Registration }
  | { readonly kind: 'registered'; readonly node: NodeId; readonly secret: string }
  | { readonly kind: 'unregistered'; readonly nodes: readonly NodeId[] }
  | { readonly kind: 'listed'; readonly registrations: readonly Registration[]; readonly cut: boolean };

export interface CommandReply {
  /** Called exactly once for each command that asks. */
  answered(tag: number, answer: CommandAnswer): void;
}
