/**
 * What must hold after each step of a simulation, whatever the traffic and the faults. A violation is thrown where it
 * is noticed, with the id of the stanza it is about.
 */
import assert from 'node:assert/strict';
import { registeredTarget } from '../../src/fake/traffic.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { EngineFigures } from '../../src/engine-figures.ts';
import type { PushTarget } from '../../src/fake/traffic.ts';
import type { Connection } from './sim-stream.ts';

export interface Asked {
  readonly id: string;
  readonly kind: 'publish' | 'register' | 'other';
  readonly connection: Connection;
  /** Monotonic ms. */
  readonly dueMs: number;
  readonly node: string;
  /** `''`: none was sent. */
  readonly secret: string;
}

/** The truth, past the engine: what the gateways did, and what is in the stores. */
export interface Truth {
  readonly wasAccepted: (id: string) => boolean;
  readonly wasSkipped: (id: string) => boolean;
  /** Whether a gateway said so of the token that this publish brought with it. */
  readonly isSaidDead: (asked: Asked) => boolean;
  /** Whether the row, as it is on disk now, allows this publish. */
  readonly mayPublish: (asked: Asked) => boolean;
  /** Whether there is a row, live or dead. */
  readonly isRegistered: (node: string) => boolean;
}

// A timer of the engine may be due in the same millisecond as the question is looked at.
const graceMs = 2;

/** The XMPP server's books: what was asked, and what came back. */
export class Ledger {
  readonly answers = { result: 0, wait: 0, cancel: 0, other: 0, unanswered: 0 };
  readonly #clock: Clock;
  readonly #truth: Truth;
  readonly #open = new Map<string, Asked>();
  readonly #answered = new Set<string>();
  readonly #registered: (target: PushTarget, asked: Asked) => void;

  constructor(clock: Clock, truth: Truth, registered: (target: PushTarget, asked: Asked) => void) {
    this.#clock = clock;
    this.#truth = truth;
    this.#registered = registered;
  }

  get open(): number {
    return this.#open.size;
  }

  asked(asked: Asked): void {
    this.#open.set(asked.id, asked);
  }

  /** The engine has decided on an answer; the truth is that of this moment. */
  decided(stanza: string): void {
    const { id, type, error, condition } = answerOf(stanza);
    const asked = this.#open.get(id);
    if (asked === undefined || asked.kind === 'other') return;
    if (asked.kind === 'register') {
      const target = type === 'result' ? registeredTarget(stanza) : null;
      if (target !== null) assert.ok(this.#truth.isRegistered(target.node), `${id}: registered, and not on disk`);
      return;
    }
    if (type === 'result') {
      const isTrue = this.#truth.wasAccepted(id) || this.#truth.wasSkipped(id);
      assert.ok(isTrue, `${id}: result, and no gateway has accepted it`);
      return;
    }
    assert.ok(error === 'wait' || (error === 'cancel' && condition === 'item-not-found'), `${id}: ${stanza}`);
    if (error === 'wait') return;
    const isDead = this.#truth.isSaidDead(asked) || !this.#truth.mayPublish(asked);
    assert.ok(isDead, `${id}: cancel, and the registration of ${asked.node} is alive`);
  }

  /** An answer has reached the server. */
  received(stanza: string): void {
    const { id, type, error } = answerOf(stanza);
    assert.ok(!this.#answered.has(id), `${id} was answered twice: ${stanza}`);
    const asked = this.#open.get(id);
    assert.ok(asked !== undefined, `nobody asked: ${stanza}`);
    this.#answered.add(id);
    this.#open.delete(id);
    if (type === 'result') this.answers.result++;
    else if (error === 'wait') this.answers.wait++;
    else if (error === 'cancel') this.answers.cancel++;
    else this.answers.other++;
    const target = asked.kind === 'register' && type === 'result' ? registeredTarget(stanza) : null;
    if (target !== null) this.#registered(target, asked);
  }

  /** Every question of a live connection is answered by its deadline; those of a lost one may be lost with it. */
  check(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [id, asked] of this.#open) {
      if (nowMs <= asked.dueMs + graceMs) continue;
      assert.ok(!asked.connection.live, `${id} was not answered within its deadline`);
      this.#open.delete(id);
      this.answers.unanswered++;
    }
  }
}

export function checkFigures({ routers, shards, dispatchers }: EngineFigures): void {
  for (const { mailbox, waiting, faults } of routers) {
    assert.ok(mailbox.depth <= mailbox.capacity, 'a router mailbox above its capacity');
    assert.ok(waiting >= 0);
    assert.equal(faults, 0, 'a codec threw');
  }
  for (const { path, depth, capacity } of shards) assert.ok(depth <= capacity, `${path} above its capacity`);
  for (const { provider, inFlight, creditMax, overdue } of dispatchers) {
    assert.ok(inFlight >= 0, `${provider}: more credit than there is: ${inFlight} in flight`);
    assert.ok(inFlight <= creditMax, `${provider}: negative credit: ${inFlight} in flight of ${creditMax}`);
    assert.equal(overdue, 0, `${provider}: outcomes were written off`);
  }
}

/** When traffic and faults have ended, nothing waits anywhere. `defects`: throws that must have cost a restart. */
export function checkRest({ routers, shards, dispatchers, embedded, actors }: EngineFigures, defects: number): void {
  for (const { server, waiting, mailbox } of routers) {
    assert.deepEqual({ server, waiting, depth: mailbox.depth }, { server, waiting: 0, depth: 0 });
  }
  for (const { path, depth } of shards) assert.deepEqual({ path, depth }, { path, depth: 0 });
  for (const { provider, inFlight, waiting } of dispatchers) {
    assert.deepEqual({ provider, inFlight, waiting }, { provider, inFlight: 0, waiting: 0 });
  }
  assert.equal(embedded, 0, 'an embedded publish has no outcome');
  assert.equal(actors.restarts, defects, 'one restart for each defect, and for nothing else');
}

/** Ids are of the simulator's making: no entity, no quote. */
function answerOf(stanza: string): {
  readonly id: string;
  readonly type: string;
  readonly error: string;
  readonly condition: string;
} {
  const id = /^<iq [^>]*\bid=['"]([^'"]*)['"]/.exec(stanza)?.[1] ?? '';
  const type = /^<iq [^>]*\btype=['"]([^'"]*)['"]/.exec(stanza)?.[1] ?? '';
  const found = /<error [^>]*type=['"](\w+)['"][^>]*>\s*<([\w-]+)/.exec(stanza);
  return { id, type, error: found?.[1] ?? '', condition: found?.[2] ?? '' };
}
