/**
 * The event half of the engine on a virtual clock: the real actor between users who enable, disable and get messages, a
 * disk that fails and takes its time, and push services that answer as drawn, late, or never. All from one seed.
 */
import assert from 'node:assert/strict';
import { parseConfigObject } from '../../config/parse-config.ts';
import { ActorSystem } from '../../src/actor/actor-system.ts';
import { noPreferences } from '../../src/core/enabled.ts';
import { limits } from '../../src/core/limits.ts';
import { silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import { spawnEvents } from '../../src/engine-events.ts';
import { message } from '../message-events.ts';
import { bare, full, node } from '../registration-rows.ts';
import { DrawnPublishing, FaultyEnabledStore } from './event-faults.ts';
import { EventLedger } from './event-ledger.ts';
import { VirtualClock } from './virtual-clock.ts';
import type { EngineConfig } from '../../config/engine-config.ts';
import type { EventActorMessage } from '../../src/event/commands.ts';
import type { RoomMember } from '../../src/core/event.ts';
import type { BareJID, NodeId } from '../../src/core/ids.ts';
import type { Random } from '../../src/core/random.ts';
import type { Events } from '../../src/engine-events.ts';

export interface EventReport {
  readonly seed: number;
  readonly told: number;
  readonly ends: Readonly<Record<string, number>>;
  readonly removals: Readonly<Record<string, number>>;
  readonly restarts: number;
}

const users = 6;
const names = 4;
const perUserMax = 3;
const waitMs = 3_000;
const ours = bare('push.example.net');
const theirs = bare('push.elsewhere.example');

export class EventSimulation {
  readonly clock: VirtualClock = new VirtualClock();
  readonly ledger: EventLedger;
  readonly store: FaultyEnabledStore;
  readonly publishing: DrawnPublishing;
  readonly system: ActorSystem;
  readonly events: Events;
  readonly #seed: number;
  readonly #random: Random;
  #faultEndsAtMs = Number.POSITIVE_INFINITY;
  #tokens = 0;
  #messages = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
    this.ledger = new EventLedger(this.clock, perUserMax);
    this.store = new FaultyEnabledStore(this.clock, seededRandom(seed * 31 + 1), this.ledger);
    this.publishing = new DrawnPublishing(this.clock, seededRandom(seed * 31 + 2), this.ledger);
    this.system = new ActorSystem({
      clock: this.clock,
      logger: silentLogger,
      failed: (path) => assert.fail(`${path} failed for good`),
    });
    this.events = spawnEvents({
      config: configuration(),
      ...{ system: this.system, store: this.store, publishing: this.publishing, clock: this.clock },
      ...{ plugins: undefined, templates: undefined, services: new Set(['fcm' as const]) },
      ...{ random: seededRandom(seed * 31 + 3), logger: silentLogger },
    });
  }

  async run(steps: number): Promise<EventReport> {
    await this.clock.settle();
    for (let step = 0; step < steps; step++) {
      if (this.#unit() < 0.12) this.#fault();
      const count = 1 + Math.floor(this.#unit() * 10);
      for (let told = 0; told < count; told++) this.#tell(this.#draw());
      await this.#advance(Math.floor(this.#unit() ** 3 * 2_000));
    }
    if (this.#seed % 4 !== 0) await this.#rest();
    const stopping = this.system.stop(1_000);
    await this.clock.advance(70_000);
    await stopping;
    this.ledger.checkEnded();
    const { ends, removals, told } = this.ledger;
    return { seed: this.#seed, told, ends, removals, restarts: this.system.counters.restarts };
  }

  async #advance(durationMs: number): Promise<void> {
    await this.clock.advance(durationMs);
    if (this.clock.monotonicMs() >= this.#faultEndsAtMs) this.#endFaults();
    this.ledger.check();
    const { mailbox, underWay } = this.events.figures();
    assert.ok(mailbox.depth <= mailbox.capacity);
    assert.ok(underWay >= 0 && underWay <= limits.eventFlightsMax);
  }

  /** All faults end; then nothing may wait, and a message must get through. */
  async #rest(): Promise<void> {
    this.#endFaults();
    await this.#advance(120_000);
    this.ledger.checkEnded();
    const { mailbox, underWay, waiting } = this.events.figures();
    assert.deepEqual({ depth: mailbox.depth, underWay, waiting }, { depth: 0, underWay: 0, waiting: 0 });
    assert.equal(
      this.system.counters.restarts,
      this.store.defects,
      'one restart for each defect, and for nothing else',
    );
    const owner = bare('probe@example.com');
    this.#tell(this.#enable(owner, ours, node('probe')));
    await this.#advance(100);
    const before = this.publishing.accepted;
    this.#tell(this.#event(owner));
    await this.#advance(6_000);
    assert.equal(this.publishing.accepted, before + 1, 'a message does not get through at rest');
  }

  #tell(command: EventActorMessage): void {
    const admission = this.events.ref.tell(command);
    if (admission !== 'accepted') this.ledger.refused(command);
  }

  #draw(): EventActorMessage {
    const owner = this.#owner();
    const service = this.#unit() < 0.6 ? ours : theirs;
    const name = node(`node-${Math.floor(this.#unit() * names)}`);
    const { ledger } = this;
    const drawn = this.#unit();
    if (drawn < 0.45) return this.#event(owner);
    if (drawn < 0.52) return this.#roomEvent();
    if (drawn < 0.57) return this.#status(owner);
    if (drawn < 0.8) return this.#enable(owner, service, name);
    if (drawn < 0.86) return ledger.asked({ kind: 'disable-service', owner, service, node: name });
    if (drawn < 0.88) return ledger.asked({ kind: 'disable-service', owner, service, node: '' });
    if (drawn < 0.91) return ledger.asked({ kind: 'revoke', owner, service, node: name });
    if (drawn < 0.96) return ledger.asked({ kind: 'list-enabled', owner });
    if (drawn < 0.98) return ledger.asked({ kind: 'remove-account', owner });
    if (drawn < 0.985) return ledger.asked({ kind: 'remove-domain', domain: 'example.org' });
    return { kind: 'presence-reset', domains: ['example.com'] };
  }

  /** Every fourth message is told again. */
  #event(owner: BareJID): EventActorMessage {
    const number = this.#unit() < 0.25 && this.#messages > 0 ? this.#messages : ++this.#messages;
    const to = full(owner);
    const event = message({ id: `m-${number}`, to, body: `body ${this.ledger.next}`, userStatus: 'unknown' });
    return this.ledger.happened(event, this.clock.monotonicMs() + waitMs);
  }

  #roomEvent(): EventActorMessage {
    const members = Array.from({ length: users }, (_, index): RoomMember => {
      const isOccupant = this.#unit() < 0.3;
      return { jid: userAt(index), affiliation: 'member', isOccupant, nick: '' };
    });
    const from = full('room@muc.example.com/carla');
    const id = `r-${++this.#messages}`;
    const event = message({ id, type: 'groupchat', from, body: `body ${this.ledger.next}`, members });
    return this.ledger.happened(event, this.clock.monotonicMs() + waitMs);
  }

  #status(owner: BareJID): EventActorMessage {
    const status = this.#unit() < 0.3 ? 'online' : 'offline';
    const jid = full(`${owner}/phone`);
    return this.ledger.happened(
      { kind: 'status', jid, status, clientState: 'unknown', show: '' },
      this.clock.monotonicMs() + waitMs,
    );
  }

  #enable(owner: BareJID, service: BareJID, name: NodeId): EventActorMessage {
    const token = `token-${this.#tokens++}`;
    return this.ledger.asked({
      ...{ kind: 'enable', owner, session: this.#unit() < 0.5 ? 'phone' : '', service, node: name },
      options: [
        ['service', 'fcm'],
        ['device_id', token],
      ],
      preferences: noPreferences,
    });
  }

  #fault(): void {
    this.#endFaults();
    this.#faultEndsAtMs = this.clock.monotonicMs() + 200 + Math.floor(this.#unit() * 8_000);
    const drawn = Math.floor(this.#unit() * 6);
    if (drawn === 0) this.store.mode = 'writes-fail';
    else if (drawn === 1) this.store.mode = 'reads-fail';
    else if (drawn === 2) this.store.mode = 'slow';
    else if (drawn === 3) this.store.breaksOnce = true;
    else
      this.publishing.mode =
        (['well', 'mixed', 'dead', 'refusing', 'away', 'silent', 'offline'] as const)[Math.floor(this.#unit() * 7)] ??
        'well';
  }

  #endFaults(): void {
    this.#faultEndsAtMs = Number.POSITIVE_INFINITY;
    this.store.mode = 'well';
    this.store.breaksOnce = false;
    this.publishing.mode = 'well';
  }

  #owner(): BareJID {
    return userAt(Math.floor(this.#unit() * users));
  }

  #unit(): number {
    return this.#random.unit();
  }
}

function userAt(index: number): BareJID {
  return bare(`user${index}@${index % 2 === 0 ? 'example.com' : 'example.org'}`);
}

function configuration(): EngineConfig {
  const parsed = parseConfigObject({
    engine: { secret_key: 'sixteen bytes or more' },
    servers: [{ name: 'sim', host: '127.0.0.1', port: 5347, domain: ours, secret: 'sim' }],
    registrations: { store: 'memory' },
    notifications: { content: 'full' },
    push: {
      ...{ store: 'memory', content: 'full', per_user_max: perUserMax, iq_wait_ms: 5_000 },
      ...{ deregister_refusals: 3, deregister_hours: 0 },
    },
    providers: [{ name: 'fcm', kind: 'blackhole', services: ['fcm'] }],
  });
  assert.ok(parsed.ok, parsed.ok ? '' : JSON.stringify(parsed.error));
  return parsed.value;
}

/** A run of one seed; a violation names the seed. */
export async function simulateEvents(seed: number, steps: number): Promise<EventReport> {
  try {
    return await new EventSimulation(seed).run(steps);
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error(`events, seed ${seed}, ${steps} steps: ${reason}`, { cause: error });
  }
}
