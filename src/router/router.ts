// Thread: main
/**
 * The state of one router actor: all streams to one XMPP server, who waits for an answer on them, and where commands
 * go. Parsing, routing and answering are synchronous; answers of one turn leave in one write for each stream.
 */
import { limits } from '../core/limits.ts';
import { assert, unreachable } from '../core/assert.ts';
import { answerXml, enabledXml, errorXml } from './command-answers.ts';
import { DelegatedDomains } from './delegated-domains.ts';
import { DeregistrationBreaker } from './deregistration-breaker.ts';
import { routeIq } from './iq-routes.ts';
import { mergedAnswer } from './merged-answer.ts';
import { OwnIqs } from './own-iqs.ts';
import { PublishIqs } from './publish-iqs.ts';
import { isTooLong, StreamGroup } from './stream-group.ts';
import { WaitingRequests } from './waiting-requests.ts';
import { enabledError } from '../xmpp/enable-codec.ts';
import { stanzaErrors } from '../xmpp/stanza-errors.ts';
import { iqError } from '../xmpp/stanza.ts';
import { attribute, isElement, localName } from '../xmpp/xml.ts';
import { ns } from '../xmpp/namespaces.ts';
import type { Answering } from './command-answers.ts';
import type { DropReason, Routed, RouteSettings, UnaskedCommand } from './routed.ts';
import type { RouterStream } from './router-stream.ts';
import type { Nearness, NearSender } from './sender-choice.ts';
import type { RouterFigures } from './router-figures.ts';
import type { ServerConfig } from '../../config/engine-config.ts';
import type { ActorRef, Admission } from '../actor/actor.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { EnabledAnswer } from '../core/enabled.ts';
import type { Logger } from '../core/log.ts';
import type { Random } from '../core/random.ts';
import type { EnabledReply, EventActorMessage, IqAdmission, IqReply, PublishIq } from '../event/commands.ts';
import type { CommandAnswer, CommandReply, RegistrationCommand } from '../registration/commands.ts';
import type { Addressed } from '../xmpp/stanza.ts';
import type { XmlElement } from '../xmpp/xml.ts';

/** Bytes of one stream, in the order they arrived. */
export interface RouterMessage {
  readonly kind: 'chunk';
  readonly stream: RouterStream;
  readonly bytes: Uint8Array;
}

/** Where commands go; the functions are of `registration/slots.ts`. */
export interface CommandRoutes {
  readonly shards: readonly ActorRef<RegistrationCommand>[];
  /** Index into `shards`; -1: the command goes to all of them, and their answers are merged. */
  readonly shardOf: (command: RegistrationCommand) => number;
  /** The event actor; `undefined`: there is none, or it is not up, and what would go to it is answered `wait`. */
  readonly events?: () => ActorRef<EventActorMessage> | undefined;
}

export interface RouterOptions {
  readonly server: ServerConfig;
  readonly settings: RouteSettings;
  readonly routes: CommandRoutes;
  readonly iqReplyMs: number;
  readonly random: Random;
  readonly logger: Logger;
  /** Makes the server's streams; they call back at `owner`. */
  readonly makeStreams: (owner: Router) => readonly RouterStream[];
}

interface Waiting {
  readonly stream: RouterStream;
  readonly request: Addressed;
  readonly answering: Answering;
  /** Answers that are still to come: more than one when all shards were asked. */
  left: number;
  merged: CommandAnswer | undefined;
}

export class Router implements CommandReply, EnabledReply, NearSender {
  readonly #options: RouterOptions;
  readonly #clock: Clock;
  readonly #self: ActorRef<RouterMessage>;
  readonly #waiting: WaitingRequests<Waiting>;
  readonly #breaker = new DeregistrationBreaker();
  readonly #iqs: OwnIqs;
  readonly #publishes: PublishIqs;
  readonly #delegated: DelegatedDomains;
  readonly group: StreamGroup;
  readonly #paused = new Set<RouterStream>();
  readonly #onlineWaiters: (() => void)[] = [];
  #cancelLifeCheck: Cancel | undefined;
  #closing = false;
  #answered = 0;
  #errors = 0;
  #dropped = 0;
  #ignored = 0;
  #timeouts = 0;
  #refusedFull = 0;
  #faults = 0;

  constructor(options: RouterOptions, self: ActorRef<RouterMessage>, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#self = self;
    this.#waiting = new WaitingRequests({
      clock,
      sizeMax: limits.pendingIqsMax,
      waitMs: options.iqReplyMs,
      expired: (waiting) => this.#expired(waiting),
    });
    this.#iqs = new OwnIqs(clock, options.random);
    this.#delegated = new DelegatedDomains({
      name: options.server.name,
      ownDomain: options.server.domain,
      domains: options.settings.delegatedDomains,
      events: () => options.routes.events?.(),
      clock,
      waitMs: options.iqReplyMs,
      logger: options.logger,
    });
    this.group = new StreamGroup(options.server, options.makeStreams(this), clock, this.#iqs);
    this.#publishes = new PublishIqs({ group: this.group, iqs: this.#iqs, delegated: this.#delegated });
    this.#checkLifeLater();
  }

  get figures(): RouterFigures {
    return {
      server: this.#options.server.name,
      streams: this.group.streams.length,
      online: this.group.online,
      waiting: this.#waiting.size,
      answered: this.#answered,
      errors: this.#errors,
      dropped: this.#dropped + this.group.dropped,
      ignored: this.#ignored,
      timeouts: this.#timeouts,
      refusedFull: this.#refusedFull,
      faults: this.#faults,
      asking: this.#iqs.size,
      delegating: this.#delegated.delegating,
      lost: this.#delegated.lost,
      mailbox: { depth: this.#self.depth, capacity: this.#self.capacity },
    };
  }

  open(): void {
    for (const stream of this.group.streams) stream.open();
  }

  /** Resolves when at least one stream is up. */
  isOnline(): Promise<void> {
    if (this.group.online > 0) return Promise.resolve();
    return new Promise((resolve) => this.#onlineWaiters.push(resolve));
  }

  take(batch: readonly RouterMessage[]): void {
    for (const { stream, bytes } of batch) stream.parse(bytes);
    this.group.flush();
    if (this.#paused.size > 0 && this.#self.depth <= this.#self.capacity / 2) {
      const paused = [...this.#paused];
      this.#paused.clear();
      for (const stream of paused) stream.resume();
    }
  }

  /** New requests are answered `wait` from now on; those that wait get their answers. */
  beginClosing(): void {
    this.#closing = true;
  }

  /** Resolves when nobody waits for an answer, at the latest after `budgetMs`. */
  settled(budgetMs: number): Promise<void> {
    return this.#waiting.empty(budgetMs);
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#cancelLifeCheck?.();
    for (const waiting of this.#waiting.takeAll()) this.#reply(waiting, { kind: 'refused', refusal: 'stopping' });
    this.#iqs.end();
    await this.group.close();
  }

  // What the streams call.

  offer(stream: RouterStream, bytes: Uint8Array): Admission {
    const admission = this.#self.tell({ kind: 'chunk', stream, bytes });
    if (admission === 'full') this.#paused.add(stream);
    return admission;
  }

  online(): void {
    for (const resolve of this.#onlineWaiters.splice(0)) resolve();
  }

  offline(stream: RouterStream): void {
    this.#paused.delete(stream);
    if (this.group.online === 0) this.#delegated.reset();
  }

  stanza(stream: RouterStream, element: XmlElement): void {
    if (!isElement(element, 'iq', ns.component)) {
      if (!this.#delegated.take(element)) this.#ignored++; // for nobody here (2.18, 2.19, 8.15)
      return;
    }
    const routed = this.#route(element);
    switch (routed.kind) {
      case 'command':
        this.#ask(stream, routed);
        return;
      case 'enabled':
        this.#askEvents(stream, routed);
        return;
      case 'reply':
        this.#answered++;
        this.group.send(stream, routed.xml);
        return;
      case 'response':
        if (!this.#iqs.answered(routed.id, routed.from, element)) this.#dropped++;
        return;
      case 'drop':
        if (!this.#isReturned(element, routed.why)) this.#dropped++;
        return;
      default:
        unreachable(routed);
    }
  }

  oversized(stream: RouterStream, start: XmlElement): void {
    // Only whether it may be answered at all: what it asks is not there to be read.
    const routed = localName(start) === 'iq' ? this.#route(start) : undefined;
    if (routed === undefined || routed.kind === 'drop' || routed.kind === 'response') {
      this.#dropped++;
      return;
    }
    const [id, from, to] = [attribute(start, 'id'), attribute(start, 'from'), attribute(start, 'to')];
    const request = { id: id ?? '', from: from ?? '', to: to ?? '' };
    this.#answered++;
    this.#errors++;
    this.group.send(stream, iqError(request, stanzaErrors.payloadTooBig));
  }

  /** Our ping has come round. */
  #isReturned(iq: XmlElement, why: DropReason): boolean {
    if (why !== 'own-domain' || attribute(iq, 'type') !== 'get') return false;
    return this.#iqs.returned(attribute(iq, 'id') ?? '', this.#options.server.domain);
  }

  // What shards, dispatchers and the event actor call.

  sendPublish(iq: PublishIq, reply: IqReply, tag: number): IqAdmission {
    return this.#publishes.sendPublish(iq, reply, tag);
  }

  nearness(domain: string): Nearness {
    if (this.group.online === 0) return 0;
    if (this.#delegated.mayPublish(domain)) return 3;
    return this.#options.settings.delegatedDomains.has(domain) ? 2 : 1;
  }

  answeredEnabled(tag: number, answer: EnabledAnswer): void {
    const waiting = this.#waiting.take(tag);
    if (waiting === undefined) return;
    const error = enabledError(answer);
    this.#answered++;
    if (error !== undefined) this.#errors++;
    this.group.send(waiting.stream, enabledXml(waiting.request, waiting.answering, error));
  }

  answered(tag: number, answer: CommandAnswer): void {
    const waiting = this.#waiting.peek(tag);
    if (waiting === undefined) return; // its time was over, and it was told so
    waiting.merged = waiting.merged === undefined ? answer : mergedAnswer(waiting.merged, answer);
    if (--waiting.left > 0) return;
    this.#waiting.take(tag);
    this.#reply(waiting, waiting.merged);
  }

  #route(element: XmlElement): Routed {
    try {
      return routeIq(element, this.#options.settings);
    } catch (error) {
      // The codecs are pure: a defect in one costs its own stanza, not the stream and everybody's pushes on it.
      this.#faults++;
      this.#options.logger.error({ error: String(error) }, 'a stanza could not be read: this is a defect of Meerkat');
      const id = attribute(element, 'id') ?? '';
      const from = attribute(element, 'from') ?? '';
      if (id === '' || from === '') return { kind: 'drop', why: 'no-id' };
      // Not its `to`, which nobody has checked: an answer from a foreign address would cost the stream.
      const request = { id, from, to: this.#options.server.domain };
      return { kind: 'reply', xml: iqError(request, stanzaErrors.waitInternal) };
    }
  }

  #ask(stream: RouterStream, { command, answering, request }: Extract<Routed, { kind: 'command' }>): void {
    const waiting: Waiting = { stream, request, answering, left: 1, merged: undefined };
    const tag = this.#wait(waiting);
    if (tag === undefined) return;
    const asked = this.#asked(command, tag);
    const { shards, shardOf } = this.#options.routes;
    const shard = shardOf(asked);
    if (shard >= 0) {
      this.#tell(shard, asked, tag);
      return;
    }
    waiting.left = shards.length;
    for (let index = 0; index < shards.length; index++) this.#tell(index, asked, tag);
  }

  #askEvents(stream: RouterStream, { command, answering, request }: Extract<Routed, { kind: 'enabled' }>): void {
    const tag = this.#wait({ stream, request, answering, left: 1, merged: undefined });
    if (tag === undefined) return;
    const events = this.#options.routes.events?.();
    const admission = events?.tell({ ...command, reply: this, tag }) ?? 'stopped';
    if (admission === 'accepted') return;
    if (admission === 'full') this.#refusedFull++;
    this.answeredEnabled(tag, { kind: 'refused', refusal: admission === 'full' ? 'overloaded' : 'stopping' });
  }

  /** The tag under which it waits; `undefined`: it has been refused. */
  #wait(waiting: Waiting): number | undefined {
    if (this.#closing) {
      this.#reply(waiting, { kind: 'refused', refusal: 'stopping' });
      return undefined;
    }
    const tag = this.#waiting.add(waiting);
    if (tag !== undefined) return tag;
    this.#refusedFull++;
    this.#reply(waiting, { kind: 'refused', refusal: 'overloaded' });
    return undefined;
  }

  /** A publish is put together by hand: spreading it costs ten times as much. */
  #asked(command: UnaskedCommand, tag: number): RegistrationCommand {
    if (command.kind !== 'publish') return { ...command, reply: this, tag };
    const { kind, node, from, summary, options, deadlineMs } = command;
    return { kind, node, from, summary, options, deadlineMs, reply: this, tag };
  }

  #tell(index: number, command: RegistrationCommand, tag: number): void {
    const shard = this.#options.routes.shards[index];
    assert(shard !== undefined, `there is no shard ${index}`);
    const admission = shard.tell(command);
    if (admission === 'accepted') return;
    if (admission === 'full') this.#refusedFull++;
    this.answered(tag, { kind: 'refused', refusal: admission === 'full' ? 'overloaded' : 'stopping' });
  }

  #reply({ stream, request, answering }: Waiting, answer: CommandAnswer): void {
    this.#answered++;
    if (answer.kind === 'refused') {
      this.#errors++;
      if (answering.kind === 'publish' && answer.refusal === 'unknown-node' && !this.#mayDeregister()) {
        this.group.send(stream, iqError(request, stanzaErrors.waitUnavailable));
        return;
      }
    } else if (answer.kind === 'published' && answer.outcome.kind !== 'accepted') {
      this.#errors++;
    }
    const xml = answerXml(request, answering, answer, this.#options.server.errorProfile);
    this.group.send(stream, isTooLong(xml) ? iqError(request, stanzaErrors.waitInternal) : xml);
  }

  #mayDeregister(): boolean {
    const allowed = this.#breaker.allows(this.#clock.now());
    if (this.#breaker.takeAlarm()) {
      this.#options.logger.error(
        { server: this.#options.server.name },
        'far more publishes than usual name unknown nodes; they are answered wait, so that no user is deregistered: ' +
          'is this the right data folder?',
      );
    }
    return allowed;
  }

  #expired({ stream, request, answering }: Waiting): void {
    this.#timeouts++;
    this.#answered++;
    this.#errors++;
    this.group.send(stream, errorXml(request, answering, stanzaErrors.waitTimeout));
  }

  #checkLifeLater(): void {
    this.#cancelLifeCheck = this.#clock.after(
      limits.lifeCheckMs,
      () => {
        this.group.checkLife();
        this.#delegated.tick();
        this.#checkLifeLater();
      },
      false,
    );
  }
}
