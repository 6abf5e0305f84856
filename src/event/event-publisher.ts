// Thread: main
/**
 * Publishes what is to be pushed: straight to a device or a node of ours where the push service is ours (mongooseim
 * 2.12), by IQ to any other. Never waits: each publish is a number in the table of flights until its answer comes. What
 * an answer means for the registration is decided here: a dead one is removed, one whose service is away is kept.
 */
import { unreachable } from '../core/assert.ts';
import { domainOf } from '../core/jid.ts';
import { preparedFullJID } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { accepted, rejected, unavailable } from '../core/outcome.ts';
import { buildNotification } from '../notification/build-notification.ts';
import { carriedDevice } from '../notification/carried-device.ts';
import { publishOptionsOf } from '../xmpp/publish-options.ts';
import { encryptSummary } from './encrypt-summary.ts';
import { publishPayload } from './publish-payload.ts';
import type { EventActorMessage, IqAdmission, IqAnswer, IqReply, IqSender } from './commands.ts';
import type { EventFlights, Flight, WaitingEvent } from './event-flights.ts';
import type { MessageDedupe } from './message-dedupe.ts';
import type { PushServices } from './push-services.ts';
import type { VirtualHosts } from './virtual-hosts.ts';
import type { NotificationRules } from '../notification/build-notification.ts';
import type { Templates } from '../notification/templates.ts';
import type { PushConfig } from '../../config/engine-config.ts';
import type { ActorRef, Admission } from '../actor/actor.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { EnabledRegistration } from '../core/enabled.ts';
import type { MessageEvent } from '../core/event.ts';
import type { Notification, Summary } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Random } from '../core/random.ts';
import type { PluginChain } from '../plugin/plugin-chain.ts';
import type { CommandAnswer, CommandReply, PublishCommand, Refusal } from '../registration/commands.ts';

/** Where publishes go. */
export interface EventPublishing extends IqSender {
  /** To a gateway; `app` chooses among the providers. Once `accepted`, it is answered. */
  toDevice(
    notification: Notification,
    app: string,
    asked: Pick<PublishCommand, 'deadlineMs' | 'reply' | 'tag'>,
  ): Admission | 'no-provider';
  /** To the shard of one of our nodes. */
  toNode(command: PublishCommand): Admission;
}

/** What publishing needs besides where it goes. */
export interface EventRules {
  readonly hosts: VirtualHosts;
  readonly services: PushServices;
  readonly dedupe: MessageDedupe;
  readonly notifications: NotificationRules;
  readonly templates: Templates | undefined;
}

export interface EventPublisherOptions {
  readonly push: PushConfig;
  readonly rules: EventRules;
  readonly publishing: EventPublishing;
  readonly plugins: PluginChain | undefined;
  readonly random: Random;
  readonly clock: Clock;
  readonly self: ActorRef<EventActorMessage>;
  readonly flights: EventFlights;
}

export interface PushWanted {
  readonly event: MessageEvent;
  readonly waiting: WaitingEvent;
  readonly summary: Summary;
  readonly rows: readonly EnabledRegistration[];
}

interface WaitingRetry {
  readonly tag: number;
  readonly atMs: number;
}

export class EventPublisher implements CommandReply, IqReply {
  readonly #options: EventPublisherOptions;
  readonly #flights: EventFlights;
  #retries: WaitingRetry[] = [];
  #cancelRetry: Cancel | undefined;
  /** Publishes so far, those tried again counted once. */
  started = 0;
  /** Dead registrations that could not be removed at once. */
  unremoved = 0;

  constructor(options: EventPublisherOptions) {
    this.#options = options;
    this.#flights = options.flights;
  }

  publish({ event, waiting, summary, rows }: PushWanted): void {
    const { plugins } = this.#options;
    if (plugins?.hasEventCallbacks !== true) {
      this.#publishAll(event, waiting, summary, rows);
      return;
    }
    const own = plugins.publish(event, summary, rows, (changed, chosen) => {
      this.#publishAll(event, waiting, changed, chosen);
    });
    for (const row of own) {
      this.#options.rules.dedupe.note(event, row);
      this.#flights.endAtOnce(waiting, row, accepted('plugin'));
    }
  }

  stop(): void {
    this.#cancelRetry?.();
    this.#retries = [];
  }

  // What dispatchers, shards and routers call.

  answered(tag: number, answer: CommandAnswer): void {
    const refusal = ownRefusal(answer);
    if (refusal !== undefined) {
      this.iqAnswered(tag, refusal);
      return;
    }
    const outcome = outcomeOf(answer);
    const flight = outcome.kind === 'accepted' ? this.#flights.peek(tag) : undefined;
    if (flight !== undefined) this.#options.rules.services.judge(flight.row, { kind: 'result' });
    this.#end(tag, outcome);
  }

  iqAnswered(tag: number, answer: IqAnswer): void {
    const flight = this.#flights.peek(tag);
    if (flight === undefined) return;
    const { outcome, retryAfterMs } = this.#options.rules.services.judge(flight.row, answer);
    if (retryAfterMs > 0 && this.#retryLater(tag, flight, retryAfterMs)) return;
    this.#end(tag, outcome);
  }

  #publishAll(
    event: MessageEvent,
    waiting: WaitingEvent,
    summary: Summary,
    rows: readonly EnabledRegistration[],
  ): void {
    for (const row of rows) {
      this.started++;
      const flight: Flight = { waiting, event, row, summary, retries: 0, isTold: false };
      const tag = this.#flights.add(flight);
      if (tag === undefined) {
        this.#flights.endAtOnce(waiting, row, unavailable('no', 'too many publishes are under way'));
        continue;
      }
      this.#options.rules.dedupe.note(event, row);
      if (this.#options.rules.hosts.isOurs(row.service, row.owner)) this.#toOurs(flight, tag);
      else this.#toService(flight, tag);
    }
  }

  #toOurs({ row, summary: clear, waiting }: Flight, tag: number): void {
    const { publishing, rules, random, clock } = this.#options;
    const { encryptionKey } = row.preferences;
    const summary = encryptionKey === '' ? clear : encryptSummary(clear, row.preferences, random);
    const { deadlineMs } = waiting;
    const options = publishOptionsOf(row.options);
    const device = carriedDevice(options);
    let admission: Admission | 'no-provider';
    if (device === undefined) {
      const { node } = row;
      const from = preparedFullJID(domainOf(row.owner));
      admission = publishing.toNode({ kind: 'publish', node, from, summary, options, deadlineMs, reply: this, tag });
    } else {
      const app = options.topic === '' ? options.pushModule : options.topic;
      const notification = buildNotification({
        node: row.node,
        isCarried: true,
        app,
        device,
        summary,
        options,
        rules: rules.notifications,
        templates: rules.templates,
        random,
        nowMs: clock.now(),
      });
      admission = publishing.toDevice(notification, app, { deadlineMs, reply: this, tag });
    }
    if (admission !== 'accepted') this.answered(tag, { kind: 'refused', refusal: refusalFor(admission) });
  }

  #toService({ row, summary }: Flight, tag: number): void {
    const { publishing, rules, push, random } = this.#options;
    const holdMs = rules.services.holdMs(row.service);
    if (holdMs > 0) {
      this.#end(tag, unavailable('no', 'the push service is left alone after an outage', holdMs));
      return;
    }
    const payload = publishPayload(row, summary, push, random);
    const iq = { account: row.owner, service: row.service, payload, waitMs: push.iqWaitMs };
    const sent = publishing.sendPublish(iq, this, tag);
    if (sent === 'sent') return;
    rules.services.notSent(row.service);
    this.#end(tag, unsent(sent));
  }

  #end(tag: number, outcome: Outcome): void {
    const flight = this.#flights.take(tag);
    if (flight === undefined) return;
    const { event, row } = flight;
    if (outcome.kind === 'unregistered') this.#remove(row, outcome.sinceMs);
    // It has not arrived, so the same message may try again; where nobody knows, it may not: that would be twice.
    const isUnknown = outcome.kind === 'unavailable' && outcome.reached === 'unknown';
    if (outcome.kind !== 'accepted' && !isUnknown) {
      this.#options.rules.dedupe.forget(event, row);
    }
    this.#flights.end(flight, outcome);
  }

  /**
   * The registration is dead, unless its token has been enabled after the gateway learnt that it was. When the mailbox
   * is full, the next publish will say so again.
   */
  #remove({ owner, service, node, options, enabledAtMs }: EnabledRegistration, sinceMs: number): void {
    if (sinceMs > 0 && enabledAtMs > sinceMs) return;
    const key = { owner, service, node, options };
    const admission = this.#options.self.tell({ kind: 'revoke', ...key, reply: nobody, tag: 0 });
    if (admission !== 'accepted') this.unremoved++;
  }

  /** Its flight stays under way meanwhile, so that its event can still meet its deadline. */
  #retryLater(tag: number, flight: Flight, afterMs: number): boolean {
    if (flight.retries >= retriesMax || this.#retries.length >= limits.eventRetriesMax) return false;
    flight.retries++;
    this.#retries.push({ tag, atMs: this.#options.clock.monotonicMs() + afterMs });
    this.#wakeForRetry();
    return true;
  }

  #wakeForRetry(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    let firstMs = Number.POSITIVE_INFINITY;
    for (const { atMs } of this.#retries) firstMs = Math.min(firstMs, atMs);
    if (firstMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(0, firstMs - this.#options.clock.monotonicMs());
    this.#cancelRetry = this.#options.clock.after(delayMs, () => this.#retryDue(), false);
  }

  #retryDue(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const due = this.#retries.filter(({ atMs }) => atMs <= nowMs);
    this.#retries = this.#retries.filter(({ atMs }) => atMs > nowMs);
    for (const { tag } of due) {
      const flight = this.#flights.peek(tag);
      if (flight !== undefined) this.#toService(flight, tag);
    }
    this.#wakeForRetry();
  }
}

// xmpp 5.51: of one notification.
const retriesMax = 2;
const nobody = { answeredEnabled: (): void => undefined };

function refusalFor(admission: 'full' | 'stopped' | 'no-provider'): Refusal {
  if (admission === 'full') return 'overloaded';
  return admission === 'stopped' ? 'stopping' : 'no-provider';
}

function unsent(why: Exclude<IqAdmission, 'sent'>): Outcome {
  switch (why) {
    case 'full':
      return unavailable('no', 'too many publishes wait for answers');
    case 'offline':
      return unavailable('no', 'no stream is up');
    case 'too-long':
      return rejected('longer than a stanza may be');
    default:
      return unreachable(why);
  }
}

function outcomeOf(answer: CommandAnswer): Outcome {
  if (answer.kind === 'published') return answer.outcome;
  if (answer.kind === 'done') return accepted(''); // a plugin has skipped it
  if (answer.kind !== 'refused') return unavailable('unknown', 'an answer to another question');
  return answer.refusal === 'no-provider' ? rejected(answer.refusal) : unavailable('no', answer.refusal);
}

const refusedBy = (condition: string): IqAnswer => ({ kind: 'error', type: 'cancel', condition, detail: '' });
const noNode = refusedBy('item-not-found');
const noPrecondition = refusedBy('conflict');

/** Our own push service refuses a registration in words of its own: the same patience as with any other. */
function ownRefusal(answer: CommandAnswer): IqAnswer | undefined {
  if (answer.kind !== 'refused') return undefined;
  if (answer.refusal === 'unknown-node') return noNode;
  return answer.refusal === 'precondition' ? noPrecondition : undefined;
}
