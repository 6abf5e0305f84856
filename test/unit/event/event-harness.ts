/**
 * The event actor between a store that fails and waits as it is told, and a publishing port that notes what it is given
 * and is answered by the test. On a virtual clock.
 */
import assert from 'node:assert/strict';
import { bare, full, node as nodeId } from '../../registration-rows.ts';
import { message, pushConfig } from '../../message-events.ts';
import { put } from '../../enabled-rows.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import { ActorSystem } from '../../../src/actor/actor-system.ts';
import { EngineError } from '../../../src/core/errors.ts';
import { noPreferences } from '../../../src/core/enabled.ts';
import { accepted } from '../../../src/core/outcome.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { silentLogger } from '../../../src/core/log.ts';
import { pushDecider } from '../../../src/event/decide-push.ts';
import { eventActor } from '../../../src/event/event-actor.ts';
import { MessageDedupe } from '../../../src/event/message-dedupe.ts';
import { clientStateFrom, PresenceTable, statusFrom } from '../../../src/event/presence-table.ts';
import { PushServices } from '../../../src/event/push-services.ts';
import { registrationFilter } from '../../../src/event/registration-filter.ts';
import { VirtualHosts } from '../../../src/event/virtual-hosts.ts';
import { PluginChain } from '../../../src/plugin/plugin-chain.ts';
import { MemoryEnabledStore } from '../../../src/storage/memory-enabled-store.ts';
import type { PushConfig } from '../../../config/engine-config.ts';
import type { ActorRef, Admission } from '../../../src/actor/actor.ts';
import type { EnabledAnswer, EnabledRegistration } from '../../../src/core/enabled.ts';
import type { EventResult, MessageEvent, PushEvent } from '../../../src/core/event.ts';
import type { BareJID } from '../../../src/core/ids.ts';
import type { Notification } from '../../../src/core/notification.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { EventPublishing } from '../../../src/event/event-publisher.ts';
import type { Notifier } from '../../../src/event/notifier.ts';
import type { NotifierFigures } from '../../../src/event/notifier-figures.ts';
import type {
  EnableCommand,
  EnabledCommand,
  EventActorMessage,
  EventReply,
  IqAnswer,
} from '../../../src/event/commands.ts';
import type { EnabledReply, IqReply, PublishIq } from '../../../src/event/commands.ts';
import type { Decide } from '../../../src/event/verdicts.ts';
import type { Plugin } from '../../../src/plugin/plugin.ts';
import type { CommandReply, PublishCommand } from '../../../src/registration/commands.ts';
import type { EnabledChange, EnabledKey, EnabledRows, EnabledStore } from '../../../src/storage/enabled-store.ts';

export const owner: BareJID = bare('anna@example.com');
/** Ours. */
export const ours: BareJID = bare('push.example.net');
/** Somebody else's. */
export const theirs: BareJID = bare('push.elsewhere.example');

/** The memory store, which fails and waits where the test says. */
export class TestStore implements EnabledStore {
  readonly rows: MemoryEnabledStore = new MemoryEnabledStore(10_000);
  readonly log: string[] = [];
  readonly unreadable: Set<BareJID> = new Set();
  readFails = false;
  writeFails = false;
  /** The next call throws what nobody expects of a store. */
  breaksOnce: 'read' | 'write' | '' = '';
  #reading: (() => void)[] | undefined;
  #writing: (() => void)[] | undefined;

  readMany(owners: readonly BareJID[]): readonly EnabledRows[] | Promise<readonly EnabledRows[]> {
    this.log.push(`read ${owners.length}`);
    this.#break('read');
    const answer = (): readonly EnabledRows[] => {
      if (this.readFails) throw new EngineError('E_STORE_IO', 'the disk does not answer');
      const rows = this.rows.readMany(owners);
      return rows.map((found, index) => {
        const jid = owners[index];
        return jid !== undefined && this.unreadable.has(jid) ? 'unreadable' : found;
      });
    };
    if (this.#reading === undefined) return answer();
    return new Promise<void>((open) => this.#reading?.push(open)).then(answer);
  }

  async writeMany(changes: readonly EnabledChange[]): Promise<void> {
    this.log.push(`write ${changes.length}`);
    await this.#commit();
    await this.rows.writeMany(changes);
  }

  async removeOwners(owners: readonly BareJID[]): Promise<number> {
    this.log.push(`remove ${owners.join(' ')}`);
    await this.#commit();
    return this.rows.removeOwners(owners);
  }

  async removeDomain(domain: string): Promise<number> {
    this.log.push(`remove ${domain}`);
    await this.#commit();
    return this.rows.removeDomain(domain);
  }

  async scan(after: EnabledKey | undefined, limit: number): Promise<readonly EnabledRegistration[]> {
    if (this.readFails) throw new EngineError('E_STORE_IO', 'the disk does not answer');
    return this.rows.scan(after, limit);
  }

  count(): Promise<number> {
    return this.rows.count();
  }

  close(): Promise<void> {
    return this.rows.close();
  }

  /** Reads wait until `letRead`. */
  holdReads(): void {
    this.#reading = [];
  }

  letRead(): void {
    const waiting = this.#reading ?? [];
    this.#reading = undefined;
    for (const open of waiting) open();
  }

  holdWrites(): void {
    this.#writing = [];
  }

  letWrite(): void {
    const waiting = this.#writing ?? [];
    this.#writing = undefined;
    for (const open of waiting) open();
  }

  /** Past all trouble: what is really there. */
  nodesOf(jid: BareJID = owner): readonly string[] {
    return this.rows.readMany([jid]).flatMap((found) => (found === 'unreadable' ? [] : found.map(({ node }) => node)));
  }

  async #commit(): Promise<void> {
    this.#break('write');
    if (this.#writing !== undefined) await new Promise<void>((open) => this.#writing?.push(open));
    if (this.writeFails) throw new EngineError('E_STORE_IO', 'the disk is full');
  }

  #break(where: 'read' | 'write'): void {
    if (this.breaksOnce !== where) return;
    this.breaksOnce = '';
    throw new TypeError('a defect of the store');
  }
}

interface ToDevice {
  readonly notification: Notification;
  readonly app: string;
  readonly reply: CommandReply;
  readonly tag: number;
  readonly deadlineMs: number;
}

/** Notes what is to be published; the test answers. */
export class TestPublishing implements EventPublishing {
  readonly devices: ToDevice[] = [];
  readonly nodes: PublishCommand[] = [];
  readonly iqs: { readonly iq: PublishIq; readonly reply: IqReply; readonly tag: number }[] = [];
  device: Admission | 'no-provider' = 'accepted';
  node: Admission = 'accepted';
  stream: 'sent' | 'full' | 'offline' = 'sent';
  /** The next publish to a device throws. */
  breaksOnce = false;

  toDevice(
    notification: Notification,
    app: string,
    asked: Pick<PublishCommand, 'deadlineMs' | 'reply' | 'tag'>,
  ): Admission | 'no-provider' {
    if (this.breaksOnce) {
      this.breaksOnce = false;
      throw new TypeError('a defect of the publishing');
    }
    if (this.device === 'accepted') this.devices.push({ notification, app, ...asked });
    return this.device;
  }

  toNode(command: PublishCommand): Admission {
    if (this.node === 'accepted') this.nodes.push(command);
    return this.node;
  }

  sendPublish(iq: PublishIq, reply: IqReply, tag: number): 'sent' | 'full' | 'offline' {
    if (this.stream === 'sent') this.iqs.push({ iq, reply, tag });
    return this.stream;
  }

  get tokens(): readonly string[] {
    return this.devices.map(({ notification }) => notification.token);
  }

  get asked(): number {
    return this.devices.length + this.nodes.length + this.iqs.length;
  }

  /** Of the device publish at this place. */
  endDevice(index: number, outcome: Outcome = accepted('')): void {
    const asked = this.devices.at(index);
    assert.ok(asked !== undefined, `no device publish ${index}`);
    asked.reply.answered(asked.tag, { kind: 'published', outcome });
  }

  endIq(index: number, answer: IqAnswer = { kind: 'result' }): void {
    const asked = this.iqs.at(index);
    assert.ok(asked !== undefined, `no publish IQ ${index}`);
    asked.reply.iqAnswered(asked.tag, answer);
  }
}

/** Every end, in order; a second one of the same command fails the test. */
export class Ends implements EventReply, EnabledReply {
  readonly results: Map<number, EventResult> = new Map();
  readonly answers: Map<number, EnabledAnswer> = new Map();
  readonly order: number[] = [];
  readonly twice: number[] = [];

  ended(tag: number, result: EventResult): void {
    this.#note(tag);
    this.results.set(tag, result);
  }

  answeredEnabled(tag: number, answer: EnabledAnswer): void {
    this.#note(tag);
    this.answers.set(tag, answer);
  }

  #note(tag: number): void {
    if (this.results.has(tag) || this.answers.has(tag)) this.twice.push(tag);
    this.order.push(tag);
  }

  /** `pushed`, `skipped: the user is online`, `refused: overloaded`, `done 1`, ... */
  said(tag: number): string {
    const result = this.results.get(tag);
    if (result !== undefined) return saidOf(result);
    const answer = this.answers.get(tag);
    if (answer === undefined) return 'nothing';
    if (answer.kind === 'done') return `done ${answer.count}`;
    if (answer.kind === 'refused') return `refused: ${answer.refusal}`;
    return `list ${answer.rows.map(({ node }) => node).join(' ')}`;
  }

  /** Outcomes of the publishes of one event, with their nodes. */
  outcomes(tag: number): readonly string[] {
    const result = this.results.get(tag);
    assert.equal(result?.kind, 'pushed', this.said(tag));
    return result.publishes.map(({ node, outcome }) => `${node} ${outcome.kind}`);
  }
}

export function saidOf(result: EventResult): string {
  return result.kind === 'noted' || result.kind === 'pushed' ? result.kind : `${result.kind}: ${result.reason}`;
}

export interface HarnessOptions {
  readonly rows?: readonly EnabledRegistration[];
  readonly push?: Partial<PushConfig>;
  readonly plugins?: readonly Plugin[];
  readonly decide?: Decide;
  /** What is wrong with what a client enables. */
  readonly problem?: string;
}

export interface Harness {
  readonly clock: VirtualClock;
  readonly system: ActorSystem;
  readonly store: TestStore;
  readonly publishing: TestPublishing;
  readonly presence: PresenceTable;
  readonly services: PushServices;
  readonly plugins: PluginChain | undefined;
  readonly ends: Ends;
  readonly ref: ActorRef<EventActorMessage>;
  readonly complaints: string[];
  readonly failed: string[];
  figures(): NotifierFigures;
  event(over?: Partial<MessageEvent>, waitMs?: number): EventActorMessage & { readonly tag: number };
  status(resource: string, status: 'online' | 'offline', waitMs?: number): EventActorMessage & { readonly tag: number };
  enable(name: string, over?: Partial<EnableCommand>): EventActorMessage & { readonly tag: number };
  ask(command: Asking): EventActorMessage & { readonly tag: number };
  /** Tells them in one turn, and lets everything that can go on go on. */
  tell(...messages: readonly EventActorMessage[]): Promise<void>;
  /** One message event from beginning to where it waits; its tag. */
  push(over?: Partial<MessageEvent>): Promise<number>;
  /** Nothing ended twice, nothing is left. */
  checkRest(): void;
}

export type Asking = EnabledCommand extends infer C
  ? C extends EnabledCommand
    ? Omit<C, 'reply' | 'tag'>
    : never
  : never;

export const waitMs = 10_000;

const notifications = {
  content: 'full',
  title: '',
  body: 'New message',
  emptyPriority: 'silent',
  badge: true,
  sound: '',
  timeToLiveSeconds: 3_600,
} as const;

export async function harness(options: HarnessOptions = {}): Promise<Harness> {
  const clock = new VirtualClock();
  const complaints: string[] = [];
  const failed: string[] = [];
  const logger = { ...silentLogger, error: (_fields: unknown, text: string) => complaints.push(text) };
  const system = new ActorSystem({ clock, logger: silentLogger, failed: (path) => failed.push(path) });
  const store = new TestStore();
  await store.rows.writeMany(put(...(options.rows ?? [])));
  const push = pushConfig(options.push);
  const presence = new PresenceTable();
  const publishing = new TestPublishing();
  const random = seededRandom(1);
  const { deregisterRefusals: refusalsMax, deregisterHours, iqWaitMs } = push;
  const refusalMs = deregisterHours * 3_600_000;
  const services = new PushServices({ clock, random, refusalsMax, refusalMs, waitMs: iqWaitMs });
  const plugins = options.plugins === undefined ? undefined : new PluginChain(options.plugins, clock, logger);
  const facts = { clientStateOf: clientStateFrom(presence) };
  const ends = new Ends();
  let made: Notifier | undefined;
  const ref = system.spawn(
    eventActor(
      {
        ...{ store, push, presence, publishing, plugins, random, logger },
        decide: options.decide ?? pushDecider(push, statusFrom(presence, push.unknownStatus), facts),
        refusalOf: registrationFilter(presence),
        rules: {
          hosts: new VirtualHosts(['push.@HOST@'], [ours]),
          services,
          dedupe: new MessageDedupe(clock, push.dedupeSeconds * 1_000),
          notifications,
          templates: undefined,
        },
        optionsProblem: () => options.problem ?? '',
      },
      (notifier) => (made = notifier),
    ),
  );
  await clock.settle();
  let lastTag = 0;
  const give = (event: PushEvent, forMs = waitMs) => {
    const deadlineMs = clock.monotonicMs() + forMs;
    return { kind: 'event' as const, event, deadlineMs, reply: ends, tag: ++lastTag };
  };
  const asked = (command: Asking) => ({ ...command, reply: ends, tag: ++lastTag });
  const world: Harness = {
    ...{ clock, system, store, publishing, presence, services, plugins, ends, ref, complaints, failed },
    figures: () => {
      assert.ok(made !== undefined);
      return made.figures;
    },
    event: (over, forMs) => give(message(over), forMs),
    status: (resource, status, forMs) =>
      give({ kind: 'status', jid: full(`${owner}/${resource}`), status, clientState: 'unknown', show: '' }, forMs),
    enable: (name, over = {}) => ({
      kind: 'enable',
      ...{ owner, session: '', service: ours, node: nodeId(name), preferences: noPreferences },
      options: [
        ['service', 'fcm'],
        ['device_id', `token-of-${name}`],
      ],
      ...over,
      reply: ends,
      tag: ++lastTag,
    }),
    ask: asked,
    tell: async (...messages) => {
      for (const one of messages) assert.equal(ref.tell(one), 'accepted');
      await clock.settle();
    },
    push: async (over) => {
      const command = world.event(over);
      await world.tell(command);
      return command.tag;
    },
    checkRest: () => {
      assert.deepEqual(ends.twice, [], 'ended twice');
      assert.equal(ends.results.size + ends.answers.size, lastTag, 'commands without an end');
      assert.equal(world.figures().underWay, 0, 'publishes under way');
    },
  };
  return world;
}

/** A registration at our own service whose device travels with it. */
export function carried(name: string, over: Partial<EnabledRegistration> = {}): EnabledRegistration {
  return {
    ...{ owner, service: ours, node: nodeId(name), session: '', preferences: noPreferences },
    options: [
      ['service', 'fcm'],
      ['device_id', `token-of-${name}`],
    ],
    enabledAtMs: new VirtualClock().now(),
    ...over,
  };
}

/** A registration at somebody else's service. */
export function foreign(name: string, over: Partial<EnabledRegistration> = {}): EnabledRegistration {
  return carried(name, { service: theirs, options: [['secret', 's3cret']], ...over });
}

/** A registration at one of our nodes, which has the device. */
export function onNode(name: string, over: Partial<EnabledRegistration> = {}): EnabledRegistration {
  return carried(name, { options: [['secret', 's3cret']], ...over });
}
