/**
 * The books of a simulation of events: what was told and how it ended, what was published, and why rows went. What must
 * hold is thrown where it does not.
 */
import assert from 'node:assert/strict';
import type { Clock } from '../../src/core/clock.ts';
import type { EnabledAnswer, EnabledRegistration } from '../../src/core/enabled.ts';
import type { EventResult, PushEvent } from '../../src/core/event.ts';
import type { EnabledCommand, EnabledReply, EventActorMessage, EventReply } from '../../src/event/commands.ts';

type Asking = EnabledCommand extends infer C ? (C extends EnabledCommand ? Omit<C, 'reply' | 'tag'> : never) : never;

interface Open {
  readonly what: string;
  readonly dueMs: number;
  readonly asking: Asking | undefined;
}

// The store may take four seconds for each of two calls of two batches; deadlines are looked at twice a second.
const graceMs = 40_000;

export function rowKey({ owner, service, node }: Pick<EnabledRegistration, 'owner' | 'service' | 'node'>): string {
  return `${owner} ${service} ${node}`;
}

export function tokenOf({ options }: Pick<EnabledRegistration, 'options'>): string {
  return options.find(([name]) => name === 'device_id')?.[1] ?? '';
}

export class EventLedger implements EventReply, EnabledReply {
  readonly ends: Record<string, number> = {};
  readonly removals: Record<string, number> = {};
  /** Defects that have cost a restart. */
  restarts = 0;
  readonly #clock: Clock;
  readonly #perUserMax: number;
  readonly #open = new Map<number, Open>();
  readonly #ended = new Set<number>();
  /** Rows that are gone for a client who was told so, with the number of the last command before that. */
  readonly #gone = new Map<string, number>();
  /** Tokens that a gateway has called dead, and rows that a service has refused: how often in a row. */
  readonly #dead = new Set<string>();
  readonly #refusals = new Map<string, number>();
  /** Rows for which somebody has asked that they go. */
  readonly #asked = new Set<string>();
  readonly #removing = { accounts: new Set<string>(), domains: new Set<string>() };
  /** Message and row, of publishes that have arrived, or of which nobody knows. */
  readonly #maybeThere = new Set<string>();
  readonly #lastEnable = new Map<string, number>();
  /** Of events, by their number; of rows, by their token. */
  readonly #ids = new Map<number, string>();
  readonly #keys = new Map<string, string>();
  readonly #violations: string[] = [];
  #told = 0;

  constructor(clock: Clock, perUserMax: number) {
    this.#clock = clock;
    this.#perUserMax = perUserMax;
  }

  get told(): number {
    return this.#told;
  }

  /** The number that the next command gets. */
  get next(): number {
    return this.#told + 1;
  }

  happened(event: PushEvent, deadlineMs: number): EventActorMessage {
    const tag = this.#opened(event.kind, deadlineMs, undefined);
    if (event.kind !== 'status') this.#ids.set(tag, event.id);
    return { kind: 'event', event, deadlineMs, reply: this, tag };
  }

  asked(asking: Asking): EventActorMessage {
    const tag = this.#opened(asking.kind, this.#clock.monotonicMs(), asking);
    if (asking.kind === 'enable') this.#enables(asking);
    if (asking.kind === 'disable-service' || asking.kind === 'revoke') {
      for (const key of this.#lastEnable.keys()) if (this.#isAbout(asking, key)) this.#asked.add(key);
    }
    if (asking.kind === 'remove-account') this.#removing.accounts.add(asking.owner);
    if (asking.kind === 'remove-domain') this.#removing.domains.add(asking.domain);
    return { ...asking, reply: this, tag };
  }

  /** Its mailbox was full. */
  refused(command: EventActorMessage): void {
    if ('tag' in command) this.#end(command.tag, 'full');
  }

  ended(tag: number, result: EventResult): void {
    this.#end(tag, result.kind === 'refused' ? `refused ${result.reason}` : result.kind);
  }

  answeredEnabled(tag: number, answer: EnabledAnswer): void {
    const { asking } = this.#open.get(tag) ?? {};
    this.#end(tag, answer.kind === 'refused' ? `refused ${answer.refusal}` : answer.kind);
    if (answer.kind !== 'done' || asking === undefined) return;
    if (asking.kind === 'disable-service' && asking.node !== '')
      this.#goneFor(rowKey({ ...asking, node: asking.node }), tag);
  }

  /** A publish of the event whose body names its number has been handed out; returns what names it. */
  published(key: string, body: string): string {
    const number = Number(/body (\d+)/.exec(body)?.[1] ?? Number.NaN);
    const goneSince = this.#gone.get(key);
    this.#must(
      goneSince === undefined || number < goneSince,
      `event ${number} goes to ${key}, disabled by ${goneSince}`,
    );
    const copy = `${this.#ids.get(number)} ${key}`;
    this.#must(!this.#maybeThere.has(copy), `${copy} is published again though it may have arrived`);
    this.#maybeThere.add(copy);
    return copy;
  }

  /** The row whose token this is. */
  keyOf(token: string): string {
    const key = this.#keys.get(token);
    this.#must(key !== undefined, `nobody has enabled ${token}`);
    return key ?? '';
  }

  /** It has not arrived: it may be published again. */
  notThere(copy: string): void {
    this.#maybeThere.delete(copy);
  }

  dead(token: string): void {
    this.#dead.add(token);
  }

  accepted(key: string): void {
    this.#refusals.delete(key);
  }

  serviceRefused(key: string): void {
    this.#refusals.set(key, (this.#refusals.get(key) ?? 0) + 1);
  }

  /** These rows are about to go from among those of their owner; each needs a reason. */
  removing(rows: readonly EnabledRegistration[], ofOwner: number): void {
    for (const row of rows) {
      const reason = this.#reasonFor(row, ofOwner);
      this.#must(reason !== 'none', `${rowKey(row)} is removed without a reason`);
      this.removals[reason] = (this.removals[reason] ?? 0) + 1;
    }
  }

  removingAll(kind: 'accounts' | 'domains', name: string, count: number): void {
    this.#must(this.#removing[kind].has(name), `nobody asked to remove ${name}`);
    this.removals[kind] = (this.removals[kind] ?? 0) + count;
  }

  check(): void {
    assert.deepEqual(this.#violations, []);
    const nowMs = this.#clock.monotonicMs();
    for (const [tag, { what, dueMs }] of this.#open) {
      assert.ok(nowMs <= dueMs + graceMs, `${what} ${tag} has no end`);
    }
  }

  checkEnded(): void {
    assert.deepEqual(this.#violations, []);
    assert.deepEqual(
      [...this.#open].map(([tag, { what }]) => `${what} ${tag}`),
      [],
      'commands without an end',
    );
  }

  #enables(asking: Extract<Asking, { readonly kind: 'enable' }>): void {
    const key = rowKey(asking);
    this.#gone.delete(key);
    this.#keys.set(tokenOf(asking), key);
    for (const { asking: open } of this.#open.values()) if (open !== undefined && this.#isAbout(open, key)) return;
    this.#asked.delete(key);
  }

  #isAbout(asking: Asking, key: string): boolean {
    if (asking.kind !== 'disable-service' && asking.kind !== 'revoke') return false;
    const { owner, service, node } = asking;
    return node === '' ? key.startsWith(`${owner} ${service} `) : key === `${owner} ${service} ${node}`;
  }

  #goneFor(key: string, tag: number): void {
    // Whoever enabled it after the disable was told, though before its answer, has it.
    for (const { asking } of this.#open.values()) if (asking?.kind === 'enable' && rowKey(asking) === key) return;
    if ((this.#lastEnable.get(key) ?? 0) < tag) this.#gone.set(key, this.#told + 1);
  }

  #reasonFor(row: EnabledRegistration, ofOwner: number): string {
    const key = rowKey(row);
    if (this.#dead.has(tokenOf(row))) return 'dead';
    if (this.#asked.has(key)) return 'asked';
    if ((this.#refusals.get(key) ?? 0) >= 3) return 'refused';
    return ofOwner >= this.#perUserMax ? 'limit' : 'none';
  }

  #opened(what: string, dueMs: number, asking: Asking | undefined): number {
    const tag = ++this.#told;
    if (asking?.kind === 'enable') this.#lastEnable.set(rowKey(asking), tag);
    this.#open.set(tag, { what, dueMs, asking });
    return tag;
  }

  #end(tag: number, how: string): void {
    this.#must(!this.#ended.has(tag), `${tag} ended twice: ${how}`);
    const open = this.#open.get(tag);
    this.#must(open !== undefined, `nobody told ${tag}`);
    this.#open.delete(tag);
    this.#ended.add(tag);
    this.ends[how] = (this.ends[how] ?? 0) + 1;
  }

  /** Thrown at the next check: thrown at once it would be one more defect inside the actor. */
  #must(holds: boolean, otherwise: string): void {
    if (!holds) this.#violations.push(otherwise);
  }
}
