// Thread: main
/**
 * The way into the event actor for everything that is not an actor: embedding programs, HTTP, brokers. One promise for
 * each call, however many events it brings, or none: who cannot wait for the slowest is told each end as it comes. What
 * is malformed ends at once and costs nobody else.
 */
import { unreachable } from '../core/assert.ts';
import { bareJID } from '../core/jid.ts';
import { parseStanza } from '../xmpp/parse-stanza.ts';
import { enabledError } from '../xmpp/enable-codec.ts';
import { iqError, iqResult } from '../xmpp/stanza.ts';
import { accountOf, disableOf, enableOf } from './enable-input.ts';
import { eventOf } from './event-input.ts';
import { readPushRequest } from './push-request.ts';
import type { EnabledCommand, EnabledReply, EventActorMessage, EventReply } from './commands.ts';
import type { DisableInput, EnableInput } from './enable-input.ts';
import type { EventInput } from './event-input.ts';
import type { ActorRef, Admission } from '../actor/actor.ts';
import type { Clock } from '../core/clock.ts';
import type { EnabledAnswer, EnabledRegistration } from '../core/enabled.ts';
import type { EventResult } from '../core/event.ts';

/** How long the caller waits for the ends of the publishes of an event, ms. */
export const eventWaitMsDefault = 10_000;

/** Told how each event of one call has ended. */
export interface EventEnds {
  /**
   * Called exactly once for each input, by its place among them; for some of them before the call has returned. Must
   * not throw: the event actor is in the middle of its batch.
   */
  ended(index: number, result: EventResult): void;
}

/** What an embedding program may do about registrations besides telling events. */
export type PushAdmin = Pick<
  EventDoor,
  'enable' | 'disable' | 'removeAccount' | 'removeDomain' | 'enabledOf' | 'pushIQ'
>;

type Asking = EnabledCommand extends infer C ? (C extends EnabledCommand ? Omit<C, 'reply' | 'tag'> : never) : never;

export class EventDoor implements EnabledReply {
  readonly #actor: ActorRef<EventActorMessage>;
  readonly #clock: Clock;
  readonly #answers = new Map<number, (answer: EnabledAnswer) => void>();
  #lastTag = 0;
  #eventsOpen = 0;

  constructor(actor: ActorRef<EventActorMessage>, clock: Clock) {
    this.#actor = actor;
    this.#clock = clock;
  }

  /** Events and commands that have not ended. */
  get size(): number {
    return this.#eventsOpen + this.#answers.size;
  }

  /** Resolves with one result for each event, in order; never rejects. */
  onEvents(inputs: readonly EventInput[], waitMs: number = eventWaitMsDefault): Promise<readonly EventResult[]> {
    return this.onRawEvents(inputs, waitMs);
  }

  /** The same for what came over a wire and was not looked at. */
  onRawEvents(inputs: readonly unknown[], waitMs: number = eventWaitMsDefault): Promise<readonly EventResult[]> {
    return new Promise((resolve) => {
      if (inputs.length === 0) resolve([]);
      else this.giveEvents(inputs, new Results(inputs.length, resolve), waitMs);
    });
  }

  /** The same, each end told on its own: one event that waits for a gateway delays no other. */
  giveEvents(inputs: readonly unknown[], ends: EventEnds, waitMs: number = eventWaitMsDefault): void {
    const deadlineMs = this.#clock.monotonicMs() + waitMs;
    const call = new OpenCall(inputs.length, ends, () => this.#eventsOpen--);
    this.#eventsOpen += inputs.length;
    for (let index = 0; index < inputs.length; index++) this.#give(inputs[index], { call, index, deadlineMs });
  }

  enable(input: EnableInput): Promise<EnabledAnswer> {
    const command = enableOf(input);
    return command.ok ? this.ask(command.value) : refused(command.error);
  }

  disable(input: DisableInput): Promise<EnabledAnswer> {
    const command = disableOf(input);
    return command.ok ? this.ask(command.value) : refused(command.error);
  }

  /** The account is gone: its registrations go, too. */
  removeAccount(owner: string): Promise<EnabledAnswer> {
    const account = accountOf(owner);
    return account.ok ? this.ask({ kind: 'remove-account', owner: account.value }) : refused(account.error);
  }

  /** The domain is gone with all its accounts. */
  removeDomain(domain: string): Promise<EnabledAnswer> {
    const jid = bareJID(domain);
    if (!jid.ok || jid.value.includes('@')) return refused('domain: is not a domain');
    return this.ask({ kind: 'remove-domain', domain: jid.value });
  }

  /**
   * An `<iq>` with `<enable/>` or `<disable/>`, as the server of `from` was given it by a client, and the stanza to
   * answer with. For servers that cannot delegate (XEP-0355): whoever hands it over vouches for `from`. Resolves to
   * undefined for what is no such request at all, and has no sender to be answered.
   */
  async pushIQ(text: string): Promise<string | undefined> {
    const stanza = parseStanza(text);
    if (!stanza.ok) return undefined;
    const iq = readPushRequest(stanza.value);
    if (iq === undefined) return undefined;
    const { request, account, session, asked } = iq;
    if (asked.kind === 'refused') return iqError(request, asked.error);
    const answer = await this.ask(
      asked.kind === 'enable'
        ? { ...asked, owner: account, session }
        : { kind: 'disable-service', owner: account, service: asked.service, node: asked.node },
    );
    const error = enabledError(answer);
    return error === undefined ? iqResult(request, '') : iqError(request, error);
  }

  /** What one user has enabled; `undefined` when it cannot be read now. */
  async enabledOf(owner: string): Promise<readonly EnabledRegistration[] | undefined> {
    const jid = bareJID(owner);
    if (!jid.ok) return [];
    const answer = await this.ask({ kind: 'list-enabled', owner: jid.value });
    return answer.kind === 'enabled-list' ? answer.rows : undefined;
  }

  ask(asking: Asking): Promise<EnabledAnswer> {
    const tag = ++this.#lastTag;
    return new Promise((resolve) => {
      this.#answers.set(tag, resolve);
      const admission = this.#actor.tell({ ...asking, reply: this, tag });
      if (admission !== 'accepted') this.answeredEnabled(tag, { kind: 'refused', refusal: refusalOf(admission) });
    });
  }

  answeredEnabled(tag: number, answer: EnabledAnswer): void {
    const resolve = this.#answers.get(tag);
    this.#answers.delete(tag);
    resolve?.(answer);
  }

  #give(input: unknown, { call, index, deadlineMs }: { call: OpenCall; index: number; deadlineMs: number }): void {
    const event = eventOf(input);
    if (!event.ok) {
      call.ended(index, { kind: 'invalid', reason: event.error });
      return;
    }
    const admission = this.#actor.tell({ kind: 'event', event: event.value, deadlineMs, reply: call, tag: index });
    if (admission !== 'accepted') call.ended(index, { kind: 'refused', reason: refusalOf(admission) });
  }
}

/** One call and its events; the tag of each is its place among them. */
class OpenCall implements EventReply {
  /** 1: has ended. */
  readonly #ended: Uint8Array;
  readonly #ends: EventEnds;
  readonly #oneEnded: () => void;

  constructor(count: number, ends: EventEnds, oneEnded: () => void) {
    this.#ended = new Uint8Array(count);
    this.#ends = ends;
    this.#oneEnded = oneEnded;
  }

  ended(tag: number, result: EventResult): void {
    if (this.#ended[tag] !== 0) return;
    this.#ended[tag] = 1;
    this.#oneEnded();
    this.#ends.ended(tag, result);
  }
}

// Stands in for each result until it has come; no caller ever sees it.
const notEnded: EventResult = { kind: 'refused', reason: 'stopping' };

/** All results of one call, in the order of its events. */
class Results implements EventEnds {
  readonly #results: EventResult[] = [];
  readonly #resolve: (results: readonly EventResult[]) => void;
  #left: number;

  constructor(count: number, resolve: (results: readonly EventResult[]) => void) {
    for (let index = 0; index < count; index++) this.#results.push(notEnded);
    this.#left = count;
    this.#resolve = resolve;
  }

  ended(index: number, result: EventResult): void {
    this.#results[index] = result;
    if (--this.#left === 0) this.#resolve(this.#results);
  }
}

function refusalOf(admission: Exclude<Admission, 'accepted'>): 'overloaded' | 'stopping' {
  switch (admission) {
    case 'full':
      return 'overloaded';
    case 'stopped':
      return 'stopping';
    default:
      return unreachable(admission);
  }
}

function refused(problem: string): Promise<EnabledAnswer> {
  return Promise.resolve({ kind: 'refused', refusal: 'options', problem });
}
