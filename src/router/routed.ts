// Thread: main
/**
 * What became of an IQ that arrived, and how the routes say so. An answer that needs nobody else is complete text; a
 * command waits for a registration actor; everything else is dropped and counted.
 */
import type { Clock } from '../core/clock.ts';
import { preparedBareJID } from '../core/ids.ts';
import type { BareJID, FullJID } from '../core/ids.ts';
import { bareOf } from '../core/jid.ts';
import type { DisableServiceCommand, EnableCommand } from '../event/commands.ts';
import type { RegistrationCommand } from '../registration/commands.ts';
import type { CommandSettings } from '../xmpp/command-codec.ts';
import type { DiscoSettings } from '../xmpp/disco.ts';
import { iqError, iqResult } from '../xmpp/stanza.ts';
import type { StanzaError } from '../xmpp/stanza-errors.ts';
import type { Addressed } from '../xmpp/stanza.ts';
import type { Answering } from './command-answers.ts';

export interface RouteSettings {
  /** Our component domain, prepared. */
  readonly domain: string;
  readonly clock: Clock;
  /** The wait for an outcome before a publish is answered. */
  readonly iqReplyMs: number;
  /** Domains whose users may create nodes and use commands; empty = every one. */
  readonly allowedDomains: ReadonlySet<string>;
  readonly strictErrors: boolean;
  /** Domains of this server that may delegate to us, prepared. */
  readonly delegatedDomains: ReadonlySet<string>;
  readonly disco: DiscoSettings;
  readonly commands: CommandSettings;
}

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** A command that has nobody to answer to yet: the router adds `reply` and `tag`. */
export type UnaskedCommand = Without<Exclude<RegistrationCommand, { kind: 'disable' }>, 'reply' | 'tag'>;

/** The same for the event actor. */
export type UnaskedEnabled = Without<EnableCommand | DisableServiceCommand, 'reply' | 'tag'>;

/** Why an IQ gets no answer. */
export type DropReason = 'no-id' | 'long-id' | 'bad-from' | 'bad-to' | 'other-domain' | 'own-domain';

export type Routed =
  | { readonly kind: 'reply'; readonly xml: string }
  | { readonly kind: 'drop'; readonly why: DropReason }
  /** An answer to a request of ours, or a stray one. */
  | { readonly kind: 'response'; readonly id: string; readonly from: FullJID; readonly isResult: boolean }
  | {
      readonly kind: 'command';
      readonly command: UnaskedCommand;
      readonly answering: Answering;
      readonly request: Addressed;
    }
  | {
      readonly kind: 'enabled';
      readonly command: UnaskedEnabled;
      readonly answering: Answering;
      readonly request: Addressed;
    };

/** One request and where it came from. */
export interface Asked {
  /** Addresses as they arrived, for the answer mirrors them byte for byte. */
  readonly request: Addressed;
  /** Prepared. */
  readonly from: FullJID;
  readonly settings: RouteSettings;
}

/** Whom a request speaks for: the bare JID of the asker. */
export function ownerOf({ from }: Asked): BareJID {
  return preparedBareJID(bareOf(from));
}

export function drop(why: DropReason): Routed {
  return { kind: 'drop', why };
}

export function refuse({ request }: Asked, error: StanzaError): Routed {
  return { kind: 'reply', xml: iqError(request, error) };
}

/** @param payload XML, `''` for an empty result. */
export function reply({ request }: Asked, payload: string): Routed {
  return { kind: 'reply', xml: iqResult(request, payload) };
}

export function commandOf({ request }: Asked, command: UnaskedCommand, answering: Answering): Routed {
  return { kind: 'command', command, answering, request };
}
