// Thread: main
/**
 * Which sessions of which users are online, as far as servers tell. What has been forgotten, because there was no room
 * or because a server has come back that may have kept quiet about what happened meanwhile, is unknown again, never
 * offline (xmpp 6.30). Memory for sessions that are online; for users who are not only where that makes a difference.
 */
import type { PushConfig } from '../../config/engine-config.ts';
import type { MessageEvent, StatusEvent } from '../core/event.ts';
import { bareOf, domainOf, resourceOf } from '../core/jid.ts';
import { limits } from '../core/limits.ts';
import type { BareJID } from '../core/ids.ts';
import type { ClientStateOf, StatusOf } from './verdicts.ts';

export interface PresenceOptions {
  /** Default `limits.presenceSessionsMax`: sessions, and users remembered as offline. */
  readonly sessionsMax?: number;
  /**
   * Whether a user whose last session has gone is `offline` instead of `unknown`: worth its memory only where those two
   * are not the same (`push.unknown_status = "online"`). Default false.
   */
  readonly remembersOffline?: boolean;
}

/** Of a user with two sessions the one that was heard of later comes first; a table of its own would be larger. */
interface Session {
  readonly resource: string;
  clientState: StatusEvent['clientState'];
  isAway: boolean;
  next: Session | null;
}

const away: ReadonlySet<string> = new Set(['away', 'xa']);

export class PresenceTable {
  readonly #max: number;
  readonly #remembersOffline: boolean;
  /** In the order in which they were heard of, the oldest first; `null`: has no session. */
  readonly #users = new Map<string, Session | null>();
  #size = 0;

  constructor({ sessionsMax = limits.presenceSessionsMax, remembersOffline = false }: PresenceOptions = {}) {
    this.#max = sessionsMax;
    this.#remembersOffline = remembersOffline;
  }

  /** Sessions that are online, and users who are remembered as offline. */
  get size(): number {
    return this.#size;
  }

  note(event: StatusEvent): void {
    const owner = bareOf(event.jid);
    const before = this.#users.get(owner);
    const resource = resourceOf(event.jid);
    const others = without(before ?? null, resource);
    this.#remove(owner, before);
    if (event.status === 'online') {
      // Presence does not say what XEP-0352 does: what is known of the session stays.
      const known = event.clientState === 'unknown' ? find(before ?? null, resource)?.clientState : event.clientState;
      const isAway = away.has(event.show);
      this.#add(owner, cut({ resource, clientState: known ?? 'unknown', isAway, next: others }));
    } else if (others !== null || this.#remembersOffline) {
      this.#add(owner, others);
    }
    while (this.#size > this.#max) this.#removeOldest();
  }

  /** Of a user: at least one session is online; none is; nobody has said. */
  statusOf(owner: string): 'online' | 'offline' | 'unknown' {
    const sessions = this.#users.get(owner);
    return sessions === undefined ? 'unknown' : sessions === null ? 'offline' : 'online';
  }

  isOnline(owner: string, resource: string): boolean {
    return find(this.#users.get(owner) ?? null, resource) !== null;
  }

  /** The user is online, and everywhere away (RFC 6121 §4.7.2.1: `away`, `xa`). */
  isAway(owner: string): boolean {
    const sessions = this.#users.get(owner) ?? null;
    for (let at = sessions; at !== null; at = at.next) if (!at.isAway) return false;
    return sessions !== null;
  }

  /** Of the session `resource`, or, if there is none of that name, of all: `inactive` when each of them is. */
  clientStateOf(owner: string, resource: string): StatusEvent['clientState'] {
    const sessions = this.#users.get(owner) ?? null;
    const session = find(sessions, resource);
    if (session !== null) return session.clientState;
    let all: StatusEvent['clientState'] = sessions === null ? 'unknown' : 'inactive';
    for (let at = sessions; at !== null; at = at.next) {
      if (at.clientState === 'active') return 'active';
      if (at.clientState === 'unknown') all = 'unknown';
    }
    return all;
  }

  /** The account is gone. */
  forget(owner: BareJID): void {
    this.#remove(owner, this.#users.get(owner));
  }

  /** A server has gone that told of the users of these domains: nobody knows what it would tell (xmpp 6.30). */
  forgetDomains(domains: readonly string[]): void {
    const gone = new Set(domains);
    for (const [owner, sessions] of this.#users) if (gone.has(domainOf(owner))) this.#remove(owner, sessions);
  }

  #add(owner: string, sessions: Session | null): void {
    this.#users.set(owner, sessions);
    this.#size += weightOf(sessions);
  }

  #remove(owner: string, sessions: Session | null | undefined): void {
    if (sessions === undefined) return;
    this.#users.delete(owner);
    this.#size -= weightOf(sessions);
  }

  #removeOldest(): void {
    for (const [owner, sessions] of this.#users) {
      this.#remove(owner, sessions);
      return;
    }
  }
}

function find(sessions: Session | null, resource: string): Session | null {
  for (let at = sessions; at !== null; at = at.next) if (at.resource === resource) return at;
  return null;
}

/** Their order stays; those before the one that is left out are made anew. */
function without(sessions: Session | null, resource: string): Session | null {
  if (sessions === null) return null;
  if (sessions.resource === resource) return sessions.next;
  const next = without(sessions.next, resource);
  return next === sessions.next ? sessions : { ...sessions, next };
}

/** A user with more sessions than that is online by those that were heard of last. */
function cut(sessions: Session): Session {
  let last = sessions;
  for (let count = 1; count < limits.presencePerUserMax && last.next !== null; count++) last = last.next;
  last.next = null;
  return sessions;
}

function weightOf(sessions: Session | null): number {
  let count = sessions === null ? 1 : 0;
  for (let at = sessions; at !== null; at = at.next) count++;
  return count;
}

/** What an event says of its user counts before any presence; `unknown`: the configuration says. */
export function statusFrom(presence: PresenceTable, unknownStatus: PushConfig['unknownStatus']): StatusOf {
  return ({ userStatus, to }) => {
    if (userStatus === 'offline') return 'offline';
    const known = presence.size === 0 ? 'unknown' : presence.statusOf(bareOf(to));
    if (known === 'online') return 'partly';
    if (userStatus === 'online') return 'online';
    return known === 'offline' ? 'offline' : unknownStatus;
  };
}

export function clientStateFrom(presence: PresenceTable): ClientStateOf {
  return ({ clientState, to }: MessageEvent) =>
    clientState === 'unknown' ? presence.clientStateOf(bareOf(to), resourceOf(to)) : clientState;
}
