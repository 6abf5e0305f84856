// Thread: main
/**
 * The state of one registration actor. A batch of nothing but publishes, which is what arrives all day, is read,
 * decided and handed over within the call. Any other batch is read at once, decided in order, written by one commit,
 * and then answered. A store that fails is an answer (`store-failed`), never a restart: opening it again would not
 * help.
 */
import { epochMs } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { EngineError } from '../core/errors.ts';
import { assert, unreachable } from '../core/assert.ts';
import { BatchView } from './batch-view.ts';
import {
  decideAffiliate,
  decideConfigure,
  decideCreate,
  decideDeleteNode,
  decideDisable,
  decideReadNode,
} from './decide-node.ts';
import { decideList, decideRegister, decideUnregister, liveCount, surplusTombstones } from './decide-register.ts';
import { decidePublish } from './decide-publish.ts';
import { NodeSecrets } from './node-secret.ts';
import { generateNode, slotOf, slotOfNode } from './slots.ts';
import type { Found } from './batch-view.ts';
import type { CommandAnswer, CreateCommand, PublishCommand, RegisterCommand, RegistrationCommand } from './commands.ts';
import type { Decision } from './decide-node.ts';
import type { PublishContext } from './decide-publish.ts';
import type { RegistrationActorOptions } from './registration-actor.ts';
import type { Clock } from '../core/clock.ts';
import type { BareJID, EpochMs, NodeId } from '../core/ids.ts';
import type { Registration } from '../core/registration.ts';

/** From the actor to itself: look for old tombstones. */
export interface SweepMessage {
  readonly kind: 'sweep';
}

export type ShardMessage = RegistrationCommand | SweepMessage;

// A store that fails fails for every command: one line for each of these intervals, with how many.
const complaintMs = 10_000;

export class RegistrationShard {
  readonly #options: RegistrationActorOptions;
  readonly #clock: Clock;
  readonly #publish: PublishContext;
  /** Commands of the running batch that are answered, handed over or lost: none of them is answered again. */
  #finished = new Set<ShardMessage>();
  /** In a batch of publishes only: how many, from the first, are finished. */
  #publishes: readonly ShardMessage[] = [];
  #publishesDone = 0;
  #sweptTo: NodeId | undefined;
  #failures = 0;
  #complainedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: RegistrationActorOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#publish = {
      secrets: new NodeSecrets(options.secretKey),
      rules: options.notifications,
      templates: options.templates,
      random: options.random,
    };
  }

  take(batch: readonly ShardMessage[]): void | Promise<void> {
    if (this.#finished.size > 0) this.#finished = new Set();
    if (!batch.every((message) => message.kind === 'publish')) return this.#takeMixed(batch);
    this.#publishes = batch;
    this.#publishesDone = 0;
    const rows = this.#readNow(batch.map((command) => command.node));
    if (rows instanceof Promise) {
      return rows.then((found) => {
        this.#publishAll(batch, found);
      });
    }
    this.#publishAll(batch, rows);
  }

  /** True for the caller that is to tell that this message is lost: nobody has answered it, and nobody will. */
  lose(message: ShardMessage): boolean {
    if (this.#finished.has(message)) return false;
    const index = this.#publishes.indexOf(message);
    if (index !== -1 && index < this.#publishesDone) return false;
    this.#finished.add(message);
    return true;
  }

  #publishAll(batch: readonly PublishCommand[], rows: readonly Found<Registration | undefined>[]): void {
    const nowMs = this.#clock.now();
    // Empty unless the shard was stopped while a store that answers later was reading.
    const lost = this.#finished;
    for (const command of batch) {
      if (lost.size === 0 || !lost.has(command)) this.#publishOne(command, rows[this.#publishesDone], nowMs);
      this.#publishesDone++;
    }
    this.#publishes = [];
  }

  #publishOne(command: PublishCommand, row: Found<Registration | undefined>, nowMs: EpochMs): void {
    if (row === 'unreadable') {
      this.#refuse(command, 'store-failed');
      return;
    }
    const notification = decidePublish(row, command, this.#publish, nowMs);
    if (typeof notification === 'string') {
      this.#refuse(command, notification);
      return;
    }
    assert(row !== undefined, 'only a node with a row is published to');
    const admission = this.#options.dispatch(row, notification, command);
    if (admission === 'full') this.#refuse(command, 'overloaded');
    else if (admission === 'stopped') this.#refuse(command, 'stopping');
    else if (admission === 'no-provider') this.#refuse(command, 'no-provider');
  }

  #refuse(command: RegistrationCommand, refusal: Extract<CommandAnswer, { kind: 'refused' }>['refusal']): void {
    command.reply.answered(command.tag, { kind: 'refused', refusal });
  }

  async #takeMixed(batch: readonly ShardMessage[]): Promise<void> {
    const view = await this.#read(batch);
    const nowMs = this.#clock.now();
    const answers: (() => void)[] = [];
    for (const message of batch) {
      if (message.kind === 'sweep') await this.#sweep(view, nowMs);
      else if (message.kind !== 'publish') answers.push(this.#answerLater(message, this.#decide(message, view, nowMs)));
      else if (view.isChanged(message.node)) answers.push(() => this.#publishFrom(message, view, nowMs));
      else this.#publishFrom(message, view, nowMs);
    }
    if (await this.#write(view)) {
      for (const answer of answers) answer();
      return;
    }
    for (const message of batch) {
      if (message.kind === 'sweep') continue;
      this.#finish(message, () => this.#refuse(message, 'store-failed'));
    }
  }

  #publishFrom(command: PublishCommand, view: BatchView, nowMs: EpochMs): void {
    this.#finish(command, () => this.#publishOne(command, view.row(command.node), nowMs));
  }

  #answerLater(command: RegistrationCommand, answer: CommandAnswer): () => void {
    return () => this.#finish(command, () => command.reply.answered(command.tag, answer));
  }

  #finish(command: ShardMessage, finish: () => void): void {
    if (this.#finished.has(command)) return;
    finish();
    this.#finished.add(command);
  }

  /** Changes go into the view. */
  #decide(command: Exclude<RegistrationCommand, PublishCommand>, view: BatchView, nowMs: EpochMs): CommandAnswer {
    switch (command.kind) {
      case 'create':
        return this.#create(command, view, nowMs);
      case 'register':
        return this.#register(command, view, nowMs);
      case 'configure':
        return this.#onNode(view, command.node, (row) => decideConfigure(row, command, this.#options.rules));
      case 'read-node':
        return this.#onNode(view, command.node, (row) => decideReadNode(row, command, this.#options.rules));
      case 'delete-node':
        return this.#onNode(view, command.node, (row) => decideDeleteNode(row, command, this.#options.rules, nowMs));
      case 'affiliate':
        return this.#onNode(view, command.node, (row) => decideAffiliate(row, command, this.#options.rules));
      case 'disable':
        return this.#onNode(view, command.node, (row) => decideDisable(row, command, nowMs));
      case 'unregister': {
        const rows = view.rowsOf(command.owner);
        if (rows === 'unreadable') return storeFailed;
        const { answer, rows: dead } = decideUnregister(rows, command, nowMs);
        for (const row of dead) view.change(row);
        return answer;
      }
      case 'list': {
        const rows = view.rowsOf(command.owner);
        return rows === 'unreadable' ? storeFailed : decideList(rows, command);
      }
      default:
        return unreachable(command);
    }
  }

  #onNode(view: BatchView, node: NodeId, decide: (row: Registration | undefined) => Decision): CommandAnswer {
    const row = view.row(node);
    return row === 'unreadable' ? storeFailed : this.#decided(view, decide(row));
  }

  #decided(view: BatchView, { answer, row }: Decision): CommandAnswer {
    if (row !== undefined) view.change(row);
    return answer;
  }

  #create(command: CreateCommand, view: BatchView, nowMs: EpochMs): CommandAnswer {
    const { rules, nodeIds, random } = this.#options;
    const rows = view.rowsOf(command.owner);
    const isOurs = command.node === '' || nodeIds === 'server-generated';
    // A name of ours that replaces the client's must stay in this shard, where the command was sent.
    const slot = command.node === '' ? slotOf(command.owner) : slotOfNode(command.node);
    const node = isOurs || command.node === '' ? generateNode(slot, random) : command.node;
    const existing = isOurs ? undefined : view.row(node);
    if (rows === 'unreadable' || existing === 'unreadable') return storeFailed;
    const decision = decideCreate(command, { node, existing, liveOfOwner: liveCount(rows), rules, nowMs });
    if (decision.row !== undefined) view.remove(surplusTombstones(rows, rules.perOwnerMax));
    return this.#decided(view, decision);
  }

  #register(command: RegisterCommand, view: BatchView, nowMs: EpochMs): CommandAnswer {
    const rows = view.rowsOf(command.owner);
    if (rows === 'unreadable') return storeFailed;
    const { perOwnerMax } = this.#options.rules;
    const decision = decideRegister(command, {
      rows,
      perOwnerMax,
      nowMs,
      newNode: () => generateNode(slotOf(command.owner), this.#options.random),
      secretOf: (node, version) => this.#publish.secrets.of(node, version),
    });
    if (decision.row !== undefined) view.remove(surplusTombstones(rows, perOwnerMax));
    return this.#decided(view, decision);
  }

  /** One page of the shard for each message; from the end it starts again. */
  async #sweep(view: BatchView, nowMs: EpochMs): Promise<void> {
    try {
      const rows = await this.#options.store.scan(this.#sweptTo, limits.sweepRows);
      this.#sweptTo = rows.length < limits.sweepRows ? undefined : rows.at(-1)?.node;
      const oldestMs = epochMs(nowMs - limits.tombstoneMs);
      view.remove(rows.filter((row) => row.state === 'dead' && row.diedAtMs < oldestMs).map((row) => row.node));
    } catch (error) {
      this.#sweptTo = undefined;
      this.#complain(error);
    }
  }

  async #read(batch: readonly ShardMessage[]): Promise<BatchView> {
    const nodes = new Set<NodeId>();
    const owners = new Set<BareJID>();
    for (const message of batch) {
      if (message.kind === 'sweep') continue;
      if ('node' in message && message.node !== '') nodes.add(message.node);
      if (needsOwner(message)) owners.add(message.owner);
    }
    const view = new BatchView();
    const wanted = [...nodes];
    const rows = await this.#readNow(wanted);
    for (const [index, node] of wanted.entries()) view.readNode(node, rows[index]);
    for (const owner of owners) view.readOwner(owner, await this.#readOwner(owner));
    return view;
  }

  #readNow(
    nodes: readonly NodeId[],
  ): readonly Found<Registration | undefined>[] | Promise<readonly Found<Registration | undefined>[]> {
    try {
      const rows = this.#options.store.readMany(nodes);
      return rows instanceof Promise ? rows.catch((error: unknown) => this.#readEach(nodes, error)) : rows;
    } catch (error) {
      return this.#readEach(nodes, error);
    }
  }

  /** After a read of many has failed: which of them can be read? */
  async #readEach(nodes: readonly NodeId[], error: unknown): Promise<readonly Found<Registration | undefined>[]> {
    this.#complain(error);
    // The store is away: to ask it again for each of them would keep all others waiting.
    if (error instanceof EngineError && error.code === 'E_STORE_IO') return nodes.map(() => 'unreadable');
    const found: Found<Registration | undefined>[] = [];
    for (const node of nodes) {
      try {
        const [row] = await this.#options.store.readMany([node]);
        found.push(row);
      } catch (again) {
        this.#complain(again);
        found.push('unreadable');
      }
    }
    return found;
  }

  async #readOwner(owner: BareJID): Promise<Found<readonly Registration[]>> {
    try {
      // As many dead rows as live ones may be there; a new one makes room for itself (surplusTombstones).
      return await this.#options.store.readByOwner(owner, 2 * this.#options.rules.perOwnerMax + 1);
    } catch (error) {
      this.#complain(error);
      return 'unreadable';
    }
  }

  async #write(view: BatchView): Promise<boolean> {
    const { changes, removals } = view;
    try {
      if (changes.length > 0) await this.#options.store.writeMany(changes);
      if (removals.length > 0) await this.#options.store.removeMany(removals);
      return true;
    } catch (error) {
      this.#complain(error);
      return false;
    }
  }

  /** Only trouble of the store ends here; anything else is a defect, and goes to the supervisor. */
  #complain(error: unknown): void {
    if (!(error instanceof EngineError)) throw error;
    this.#failures++;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#complainedAtMs < complaintMs) return;
    this.#complainedAtMs = nowMs;
    const { code, message } = error;
    this.#options.logger.error({ shard: this.#options.name, code, failures: this.#failures }, message);
  }
}

const storeFailed: CommandAnswer = { kind: 'refused', refusal: 'store-failed' };

function needsOwner(
  message: RegistrationCommand,
): message is Extract<RegistrationCommand, { readonly kind: 'create' | 'register' | 'unregister' | 'list' }> {
  switch (message.kind) {
    case 'create':
    case 'register':
    case 'unregister':
    case 'list':
      return true;
    case 'publish':
    case 'configure':
    case 'read-node':
    case 'delete-node':
    case 'affiliate':
    case 'disable':
      return false;
    default:
      return unreachable(message);
  }
}
