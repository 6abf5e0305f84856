// Thread: main
/**
 * What the domains that are delegated to us on one connection tell of themselves: that they delegate, what they let us
 * do, and which of their users' sessions come and go (xmpp 6.10 to 6.32, 5.52). Only configured domains are believed,
 * and what they said counts until no stream of the server is left: it is said again after the next handshake, but
 * ejabberd does not repeat who is there.
 *
 * ejabberd 23.01 forwards the presence that clients send, and nothing when a session ends without any: who has vanished
 * would be online for ever. So what is known of its users is forgotten from time to time.
 */
import { preparedBareJID } from '../core/ids.ts';
import { bareOf, domainOf, fullJID } from '../core/jid.ts';
import { limits } from '../core/limits.ts';
import { readRevocations } from '../xmpp/affiliation-codec.ts';
import { readDelegated } from '../xmpp/delegation-codec.ts';
import { ns } from '../xmpp/namespaces.ts';
import { readStatus } from '../xmpp/presence-codec.ts';
import { readPrivileges } from '../xmpp/privilege-codec.ts';
import { attribute, isElement } from '../xmpp/xml.ts';
import type { ActorRef, Admission } from '../actor/actor.ts';
import type { Clock } from '../core/clock.ts';
import type { FullJID } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import type { EnabledReply, EventActorMessage, EventReply } from '../event/commands.ts';
import type { DelegationNamespace } from '../xmpp/delegation-codec.ts';
import type { Privileges } from '../xmpp/privilege-codec.ts';
import type { XmlElement } from '../xmpp/xml.ts';

export interface DelegatedDomainsOptions {
  /** Of the server, for logs. */
  readonly name: string;
  /** Our component domain. */
  readonly ownDomain: string;
  /** The configured domains, prepared. */
  readonly domains: ReadonlySet<string>;
  readonly events: () => ActorRef<EventActorMessage> | undefined;
  readonly clock: Clock;
  /** The life of a status event that waits. */
  readonly waitMs: number;
  readonly logger: Logger;
}

/** Nobody asked for these events, so nobody waits for their ends. */
const nobody: EventReply & EnabledReply = {
  ended: () => undefined,
  answeredEnabled: () => undefined,
};

export class DelegatedDomains {
  readonly #options: DelegatedDomainsOptions;
  readonly #delegating = new Map<string, DelegationNamespace>();
  readonly #privileges = new Map<string, Privileges>();
  /** The presence of their users is to be forgotten, and the event actor had no room to be told so. */
  readonly #stale = new Set<string>();
  /** Monotonic ms: when presence of servers that do not tell of every end is forgotten. */
  #forgetAtMs = Infinity;
  /** Events that found the event actor full. */
  lost = 0;

  constructor(options: DelegatedDomainsOptions) {
    this.#options = options;
  }

  /** Domains that have said on this connection that push registrations are ours. */
  get delegating(): readonly string[] {
    return [...this.#delegating.keys()];
  }

  /** Whether we may publish in the names of this domain's users. */
  mayPublish(domain: string): boolean {
    return this.#privileges.get(domain)?.publish === true;
  }

  /** A message or presence that has arrived; false: it is none of ours. */
  take(stanza: XmlElement): boolean {
    const { domains, ownDomain } = this.#options;
    if (domains.size === 0) return false;
    const isPresence = isElement(stanza, 'presence', ns.component);
    if (!isPresence && !isElement(stanza, 'message', ns.component)) return false;
    const from = fullJID(attribute(stanza, 'from') ?? '');
    const to = fullJID(attribute(stanza, 'to') ?? '');
    if (!from.ok || !to.ok || to.value !== ownDomain || attribute(stanza, 'type') === 'error') return false;
    if (isPresence) return this.#presence(stanza, domainOf(from.value));
    return (domains.has(from.value) && this.#said(stanza, from.value)) || this.#revoke(stanza, from.value);
  }

  /** No stream is left: nothing that was said counts any more. */
  reset(): void {
    for (const [domain, { presence }] of this.#privileges) if (presence) this.#stale.add(domain);
    this.#privileges.clear();
    this.#delegating.clear();
    this.#forgetAtMs = Infinity;
    this.#retell();
  }

  /** Called every few seconds. */
  tick(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs >= this.#forgetAtMs) {
      this.#forgetAtMs = nowMs + limits.presenceLifeMs;
      for (const [domain, { presence }] of this.#privileges) {
        if (presence && !this.#tellsAll(domain)) this.#stale.add(domain);
      }
    }
    this.#retell();
  }

  /** Prosody, which speaks the second version, tells of every end of a session; ejabberd of those that were said. */
  #tellsAll(domain: string): boolean {
    return this.#delegating.get(domain) === ns.delegation2;
  }

  /** Tells the event actor what it had no room for. False: it still has none. */
  #retell(): boolean {
    if (this.#stale.size === 0) return true;
    if (this.#tell({ kind: 'presence-reset', domains: [...this.#stale] }) === 'full') return false;
    this.#stale.clear();
    return true;
  }

  #said(message: XmlElement, domain: string): boolean {
    const { name, logger } = this.#options;
    const privileges = readPrivileges(message);
    if (privileges !== undefined) {
      this.#privileges.set(domain, privileges);
      if (this.#forgetAtMs === Infinity) this.#forgetAtMs = this.#options.clock.monotonicMs() + limits.presenceLifeMs;
      const { presence, publish } = privileges;
      logger.info({ server: name, domain, presence, publish }, 'the XMPP server has granted privileges');
    }
    const delegated = readDelegated(message);
    if (delegated?.namespaces.includes(ns.push) === true && !this.#delegating.has(domain)) {
      this.#delegating.set(domain, delegated.version);
      logger.info({ server: name, domain }, 'the XMPP server has delegated push registrations');
    }
    return privileges !== undefined || delegated !== undefined;
  }

  /** Without the privilege it would be a client's own word, and nobody would tell us when he has gone. */
  #presence(stanza: XmlElement, domain: string): boolean {
    const event = this.#privileges.get(domain)?.presence === true ? readStatus(stanza) : undefined;
    if (event === undefined) return false;
    const deadlineMs = this.#options.clock.monotonicMs() + this.#options.waitMs;
    const isTold = this.#retell() && this.#tell({ kind: 'event', event, deadlineMs, reply: nobody, tag: 0 }) !== 'full';
    if (!isTold) {
      // What is known of this domain is wrong from now on: better known as unknown.
      this.#stale.add(domain);
      this.lost++;
    }
    return true;
  }

  /** The service is whoever says it, so that nobody can speak for another. */
  #revoke(message: XmlElement, from: FullJID): boolean {
    const service = preparedBareJID(bareOf(from));
    const revocations = readRevocations(message);
    for (const { owner, node } of revocations) {
      const admission = this.#tell({ kind: 'revoke', owner, service, node, reply: nobody, tag: 0 });
      if (admission === 'full') this.lost++; // its refusals will end the registration as well, later
    }
    return revocations.length > 0;
  }

  #tell(message: EventActorMessage): Admission {
    return this.#options.events()?.tell(message) ?? 'stopped';
  }
}
