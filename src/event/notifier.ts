// Thread: main
/**
 * The state of the event actor. A batch is decided first, which needs no registration and ends most events; then the
 * registrations of everybody who is left are read at once; then publishes start and changes are written by one commit.
 * A store that fails is an answer (`store-failed`), never a restart.
 */
import { limits } from '../core/limits.ts';
import { bareOf } from '../core/jid.ts';
import { preparedBareJID } from '../core/ids.ts';
import { unreachable } from '../core/assert.ts';
import { buildSummary } from './build-summary.ts';
import { decideDisable, decideEnable } from './decide-enable.ts';
import { EnabledView } from './enabled-view.ts';
import { GuardedStore, storeFailed } from './guarded-store.ts';
import { EventFlights } from './event-flights.ts';
import { EventPublisher } from './event-publisher.ts';
import { memberEvents } from './room-members.ts';
import { RegistrationChoice } from './registration-choice.ts';
import type { EnabledCommand, EventActorMessage, EventCommand } from './commands.ts';
import type { NotifierFigures } from './notifier-figures.ts';
import type { ReadRows, Removal } from './guarded-store.ts';
import type { EventPublishing, EventRules } from './event-publisher.ts';
import type { WaitingEvent } from './event-flights.ts';
import type { PresenceTable } from './presence-table.ts';
import type { DecidedEvent } from './registration-choice.ts';
import type { RefusalOf } from './registration-filter.ts';
import type { Decide } from './verdicts.ts';
import type { PushConfig } from '../../config/engine-config.ts';
import type { ActorRef } from '../actor/actor.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { EnabledAnswer } from '../core/enabled.ts';
import type { EventResult, MessageEvent } from '../core/event.ts';
import type { BareJID, EpochMs } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import type { Summary } from '../core/notification.ts';
import type { Random } from '../core/random.ts';
import type { PluginChain } from '../plugin/plugin-chain.ts';
import type { EnabledKey, EnabledRows, EnabledStore } from '../storage/enabled-store.ts';

export interface NotifierOptions {
  readonly store: EnabledStore;
  readonly push: PushConfig;
  readonly presence: PresenceTable;
  readonly decide: Decide;
  /** Which of the user's registrations a push is for. */
  readonly refusalOf: RefusalOf;
  readonly rules: EventRules;
  readonly publishing: EventPublishing;
  /** Whether what a client gave can work at our own push service; '' = yes, or it is not ours. */
  readonly optionsProblem: (command: Extract<EnabledCommand, { readonly kind: 'enable' }>) => string;
  readonly plugins: PluginChain | undefined;
  readonly random: Random;
  readonly logger: Logger;
}

/** An event that pushes if there is a registration for it. */
interface Due extends DecidedEvent {
  readonly kind: 'due';
  readonly owner: BareJID;
  readonly summary: Summary;
  readonly waiting: WaitingEvent;
  /** The last step of its event. */
  isLast: boolean;
}

type RowCommand = Exclude<EnabledCommand, { readonly kind: 'remove-account' | 'remove-domain' }>;
type Step = Due | RowCommand;

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #clock: Clock;
  readonly #store: GuardedStore;
  readonly #flights = new EventFlights();
  readonly #choice: RegistrationChoice;
  readonly #publisher: EventPublisher;
  /** Messages of the running batch that have ended, or whose end comes from elsewhere. */
  readonly #taken: EventActorMessage[] = [];
  /** Messages that somebody else has ended, after a defect or at a stop. */
  readonly #givenUp = new Set<EventActorMessage>();
  /** Events of the running batch that may start publishes. */
  readonly #opened: WaitingEvent[] = [];
  #stopped = false;
  #cancelSweep: Cancel | undefined;
  #events = 0;
  #pushed = 0;
  #statuses = 0;
  #removed = 0;

  constructor(options: NotifierOptions, clock: Clock, self: ActorRef<EventActorMessage>) {
    this.#options = options;
    this.#clock = clock;
    this.#store = new GuardedStore({ ...options, clock, expireDays: options.push.expireDays });
    const { push, refusalOf, rules, plugins } = options;
    this.#choice = new RegistrationChoice({ refusalOf, dedupe: rules.dedupe, plugins, expireDays: push.expireDays });
    this.#publisher = new EventPublisher({ ...options, clock, self, flights: this.#flights });
  }

  get figures(): NotifierFigures {
    return {
      events: this.#events,
      ...this.#flights.skipFigures,
      pushed: this.#pushed,
      statuses: this.#statuses,
      publishes: this.#publisher.started,
      removed: this.#removed,
      unremoved: this.#publisher.unremoved,
      underWay: this.#flights.size,
    };
  }

  take(batch: readonly EventActorMessage[]): void | Promise<void> {
    this.#taken.length = 0;
    this.#opened.length = 0;
    try {
      const taking = batch.some(isApart) ? this.#takeParts(batch) : this.#takePart(batch);
      return taking?.catch((error: unknown) => this.#fail(error));
    } catch (error) {
      return this.#fail(error);
    }
  }

  /** False: it has ended, or its end comes from its publishes. True: it is let alone here, and who asks ends it. */
  giveUp(message: EventActorMessage): boolean {
    if (this.#taken.includes(message)) return false;
    this.#givenUp.add(message);
    return true;
  }

  stop(): void {
    this.#stopped = true;
    this.#closeOpened('stopping');
    this.#cancelSweep?.();
    this.#publisher.stop();
    this.#flights.stop();
  }

  /** A defect: what the batch has begun ends, and the supervisor has the rest. */
  #fail(error: unknown): never {
    this.#closeOpened('store-failed');
    throw error;
  }

  #closeOpened(refusal: WaitingEvent['refusal']): void {
    for (const waiting of this.#opened) {
      if (waiting.isClosed) continue;
      waiting.refusal = refusal;
      this.#flights.close(waiting);
    }
  }

  #open(command: EventCommand): WaitingEvent {
    const waiting = this.#flights.open(command.reply, command.tag, command.deadlineMs);
    this.#taken.push(command);
    this.#opened.push(waiting);
    return waiting;
  }

  #endAtOnce(command: EventCommand, result: EventResult): void {
    this.#taken.push(command);
    command.reply.ended(command.tag, result);
  }

  /** Once: while the store was at work, the actor may have been stopped, and who asked been told so. */
  #answer(command: EnabledCommand, answer: EnabledAnswer): void {
    if (this.#givenUp.has(command)) return;
    this.#taken.push(command);
    command.reply.answeredEnabled(command.tag, answer);
  }

  /** What concerns more than the rows of one user stands alone between what comes before and after it. */
  async #takeParts(batch: readonly EventActorMessage[]): Promise<void> {
    let part: EventActorMessage[] = [];
    for (const message of batch) {
      if (!isApart(message)) {
        part.push(message);
        continue;
      }
      await this.#takePart(part);
      part = [];
      if (this.#stopped || this.#givenUp.has(message)) return; // meanwhile, and everybody has been told
      if (message.kind === 'sweep') {
        this.#removed += await this.#store.sweep(this.#clock.now());
        continue;
      }
      const answer = await this.#store.remove(message);
      if (answer.kind === 'done') this.#removed += answer.count;
      if (message.kind === 'remove-account') this.#options.presence.forget(message.owner);
      else this.#options.presence.forgetDomains([message.domain]);
      this.#answer(message, answer);
    }
    if (!this.#stopped) await this.#takePart(part);
  }

  #takePart(batch: readonly EventActorMessage[]): void | Promise<void> {
    const steps: Step[] = [];
    const nowMs = this.#clock.now();
    for (const message of batch) {
      if (message.kind === 'event') this.#consider(message, steps, nowMs);
      else if (message.kind === 'presence-reset') this.#options.presence.forgetDomains(message.domains);
      else if (!isApart(message)) steps.push(message);
    }
    if (steps.length === 0) return;
    const owners = steps.map((step) => step.owner);
    const rows = this.#store.read(owners);
    if (rows instanceof Promise) return rows.then((found) => this.#carryOut(steps, found, nowMs));
    return this.#carryOut(steps, rows, nowMs);
  }

  #consider(command: EventCommand, steps: Step[], nowMs: EpochMs): void {
    const { event } = command;
    if (event.kind === 'status') {
      this.#statuses++;
      this.#options.presence.note(event);
      this.#endAtOnce(command, { kind: 'noted' });
      return;
    }
    this.#events++;
    if (event.members.length > 0) {
      this.#considerMembers(command, event, steps, nowMs);
      return;
    }
    const verdict = this.#options.decide(event, nowMs);
    if (verdict.push) {
      const waiting = this.#open(command);
      const due = this.#due(event, verdict, waiting);
      if (due === undefined) this.#flights.close(waiting);
      else steps.push(due);
    } else {
      this.#flights.countSkip(verdict.reason);
      this.#endAtOnce(command, { kind: 'skipped', reason: verdict.reason });
    }
  }

  /** One event for all members of a room: each member is decided, all of them end as one. */
  #considerMembers(command: EventCommand, event: MessageEvent, steps: Step[], nowMs: EpochMs): void {
    const waiting = this.#open(command);
    waiting.skipReason = 'no member of the room is to be told';
    let last: Due | undefined;
    for (const one of memberEvents(event, this.#options.push.groups.affiliations)) {
      const verdict = this.#options.decide(one, nowMs);
      if (!verdict.push) {
        waiting.skipReason = verdict.reason;
        continue;
      }
      const due = this.#due(one, verdict, waiting);
      if (due === undefined) continue;
      if (last !== undefined) last.isLast = false;
      last = due;
      steps.push(due);
    }
    if (last === undefined) this.#flights.close(waiting);
  }

  /** `undefined`: a plugin does not want it. */
  #due(event: MessageEvent, verdict: Due['verdict'], waiting: WaitingEvent): Due | undefined {
    const built = buildSummary(event, verdict, this.#options.push);
    const { plugins } = this.#options;
    const summary = plugins?.hasEventCallbacks === true ? plugins.prepare(event, built) : built;
    if (summary === 'skip') {
      waiting.skipReason = 'a plugin skipped it';
      return undefined;
    }
    return { kind: 'due', event, owner: ownerOf(event), verdict, summary, waiting, isLast: true };
  }

  #carryOut(steps: readonly Step[], rows: ReadRows, nowMs: EpochMs): void | Promise<void> {
    if (this.#stopped) return; // while the store was read: everybody has been told
    if (rows === 'failed') {
      for (const step of steps) if (step.kind !== 'due') this.#answer(step, storeFailed);
      for (const step of steps) if (step.kind === 'due') this.#push(step, 'unreadable', nowMs);
      return;
    }
    if (steps.every((step) => step.kind === 'due')) {
      for (let index = 0; index < steps.length; index++) {
        const step = steps[index];
        if (step?.kind === 'due') this.#push(step, rows[index] ?? 'unreadable', nowMs);
      }
      this.#sweepLater();
      return;
    }
    return this.#carryOutMixed(steps, rows, nowMs);
  }

  async #carryOutMixed(steps: readonly Step[], rows: readonly EnabledRows[], nowMs: EpochMs): Promise<void> {
    const view = new EnabledView();
    steps.forEach((step, index) => view.read(step.owner, rows[index] ?? 'unreadable'));
    const answers: { readonly command: RowCommand; readonly answer: EnabledAnswer }[] = [];
    for (const step of steps) {
      if (step.kind === 'due') this.#push(step, view.rowsOf(step.owner), nowMs);
      else answers.push({ command: step, answer: this.#decide(step, view, nowMs) });
    }
    this.#sweepLater();
    const isWritten = await this.#store.write(view.changes);
    if (isWritten) for (const change of view.changes) if (change.kind === 'remove') this.#isRemoved(change.key);
    for (const { command, answer } of answers) this.#answer(command, isWritten ? answer : storeFailed);
  }

  /** Enabled again, it begins anew: nothing that was refused before counts against it. */
  #isRemoved(key: EnabledKey): void {
    this.#removed++;
    this.#options.rules.services.forget(key);
  }

  #decide(command: RowCommand, view: EnabledView, nowMs: EpochMs): EnabledAnswer {
    const rows = view.rowsOf(command.owner);
    switch (command.kind) {
      case 'enable': {
        const { optionsProblem, push } = this.#options;
        const { perUserMax, expireDays } = push;
        const context = { perUserMax, expireDays, nowMs, optionsProblem };
        const { changes, answer } = decideEnable(rows, command, context);
        const problem = this.#store.problemOf(changes);
        if (problem !== '') return { kind: 'refused', refusal: 'options', problem };
        view.change(command.owner, changes);
        return answer;
      }
      case 'disable-service':
      case 'revoke': {
        const { changes, answer } = decideDisable(rows, command);
        view.change(command.owner, changes);
        return answer;
      }
      case 'list-enabled':
        return rows === 'unreadable' ? storeFailed : { kind: 'enabled-list', rows };
      default:
        return unreachable(command);
    }
  }

  #push(due: Due, rows: EnabledRows, nowMs: EpochMs): void {
    const { event, waiting } = due;
    if (rows === 'unreadable') {
      waiting.refusal = 'store-failed';
    } else {
      const chosen = this.#choice.choose(due, rows, nowMs);
      if (typeof chosen === 'string') {
        waiting.skipReason = chosen;
      } else {
        this.#pushed++;
        this.#publisher.publish({ event, waiting, summary: due.summary, rows: chosen });
      }
    }
    if (due.isLast) this.#flights.close(waiting);
  }

  /** Looks for events whose time is over, while there are any. */
  #sweepLater(): void {
    if (this.#flights.size === 0) return;
    this.#cancelSweep ??= this.#clock.after(
      limits.eventSweepMs,
      () => {
        this.#cancelSweep = undefined;
        this.#flights.expire(this.#clock.monotonicMs());
        this.#sweepLater();
      },
      false,
    );
  }
}

function isApart(
  message: EventActorMessage,
): message is Removal | Extract<EventActorMessage, { readonly kind: 'sweep' }> {
  return message.kind === 'sweep' || message.kind === 'remove-account' || message.kind === 'remove-domain';
}

function ownerOf(event: MessageEvent): BareJID {
  return preparedBareJID(bareOf(event.to));
}
