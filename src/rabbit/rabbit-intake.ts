// Thread: main
/**
 * Events out of RabbitMQ. A message is acknowledged once its own event has ended, whatever came with it: what ends
 * us loses none, and a slow gateway delays nobody else. It is kept, and given again after a while, when the engine did
 * not take it or a publish has reached nobody. Memory is bounded by the prefetch: RabbitMQ sends no more than that
 * without an acknowledgement.
 */
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { RabbitConfig } from '../../config/engine-config.ts';
import { unreachable } from '../core/assert.ts';
import { domainOf } from '../core/jid.ts';
import { limits } from '../core/limits.ts';
import { fullJitterMs } from '../core/random.ts';
import { brokerAddress } from './broker.ts';
import { DeliveryIds } from './delivery-ids.ts';
import { PoisonQueue } from './poison-queue.ts';
import { readRabbitEvent } from './rabbit-events.ts';
import { RabbitLink, within } from './rabbit-link.ts';
import { verdictOn } from './verdict.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { EventResult } from '../core/event.ts';
import type { Logger } from '../core/log.ts';
import type { Random } from '../core/random.ts';
import type { EventDoor } from '../event/event-door.ts';
import type { EventInput } from '../event/event-input.ts';
import type { RabbitMessage } from './rabbit-events.ts';
import type { Delivered, LinkReader, LinkState } from './rabbit-link.ts';

export interface RabbitFigures {
  readonly name: string;
  readonly state: LinkState;
  /** Since the start, repetitions included. */
  readonly delivered: number;
  readonly acknowledged: number;
  /** Set aside in `<queue>.poison`. */
  readonly poison: number;
  /** Times that a message was given to the engine again. */
  readonly retried: number;
  /** Given up at the end of `limits.rabbitEventLifeMs`, or to make room for others; acknowledged. */
  readonly expired: number;
  /** Not acknowledged yet. */
  readonly underWay: number;
}

/** The way into the engine. */
export type RabbitDoor = Pick<EventDoor, 'giveEvents'>;

export interface RabbitOptions {
  readonly config: RabbitConfig;
  readonly door: RabbitDoor;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /**
   * The broker was restarted, and nobody knows what happened meanwhile: presence that is remembered of these domains'
   * users may be stale. False: not taken, to be told again.
   */
  readonly presenceReset: (domains: readonly string[]) => boolean;
}

export interface Rabbit {
  figures(): RabbitFigures;
  /** Takes nothing new, waits for what is under way, and gives the rest back to the queue. At most `budgetMs`. */
  close(budgetMs: number): Promise<void>;
}

/**
 * Begins to read, and does not wait for the broker to be there: it is looked for until `close`.
 *
 * @throws when the file of authorities cannot be read.
 */
export async function openRabbit(options: RabbitOptions): Promise<Rabbit> {
  const { config } = options;
  const authorities = config.caFile === '' ? undefined : await readFile(config.caFile, 'utf8');
  const address = brokerAddress(config.url, authorities, config.name);
  const poison = new PoisonQueue({ ...options, address });
  return new RabbitIntake(options, poison, (reader) => new RabbitLink({ ...options, address }, reader));
}

/** What the intake needs of the connection. */
export type IntakeLink = Pick<RabbitLink, 'state' | 'acknowledge' | 'cancel' | 'close'>;
export type IntakePoison = Pick<PoisonQueue, 'setAside' | 'close'>;

type Reading = ReturnType<typeof readRabbitEvent>;

/** One message until it is acknowledged. */
interface Kept {
  readonly message: Delivered;
  readonly reading: Exclude<Reading, { kind: 'ignored' }>;
  readonly input: EventInput | undefined;
  /** Of ours, for a message that has none; `''` otherwise. */
  readonly spareId: string;
  /** Full JID of a presence, `''` for a message. */
  readonly session: string;
  readonly expiresAtMs: number;
  attempts: number;
  dueAtMs: number;
}

export class RabbitIntake implements Rabbit, LinkReader {
  readonly #options: RabbitOptions;
  readonly #link: IntakeLink;
  readonly #poison: IntakePoison;
  readonly #ids: DeliveryIds;
  /** Not acknowledged, wherever it is. */
  readonly #kept = new Set<Kept>();
  /** To be given to the engine in the next turn, in order. */
  #next: Kept[] = [];
  readonly #waiting = new Set<Kept>();
  /** Latest presence of each session that is under way: an older one must not come after it. */
  readonly #presence = new Map<string, Kept>();
  /** Sessions whose presence was under way when a connection ended, and whether a later one has come since. */
  readonly #doubted = new Map<string, boolean>();
  /** Of the users whose presence has come. */
  readonly #domains = new Set<string>();
  /** Events whose ends the engine has not told, those of former connections included. */
  #underDoor = 0;
  #isTurnSet = false;
  #cancelLook: Cancel | undefined;
  #isClosing = false;
  #doorEmpty: (() => void) | undefined;
  #delivered = 0;
  #acknowledged = 0;
  #poisoned = 0;
  #retried = 0;
  #expired = 0;

  constructor(options: RabbitOptions, poison: IntakePoison, connect: (reader: LinkReader) => IntakeLink) {
    this.#options = options;
    this.#poison = poison;
    this.#ids = new DeliveryIds(options.random, options.config.prefetch);
    this.#link = connect(this);
  }

  figures(): RabbitFigures {
    return {
      name: this.#options.config.name,
      state: this.#link.state,
      delivered: this.#delivered,
      acknowledged: this.#acknowledged,
      poison: this.#poisoned,
      retried: this.#retried,
      expired: this.#expired,
      underWay: this.#kept.size,
    };
  }

  delivered(message: Delivered): void {
    if (this.#isClosing) return;
    this.#delivered++;
    const reading = readRabbitEvent(message, this.#options.config);
    if (reading.kind === 'ignored') {
      this.#acknowledged++;
      this.#link.acknowledge(message);
      return;
    }
    const kept = this.#keep(message, reading);
    this.#kept.add(kept);
    if (kept.session !== '') {
      if (this.#domains.size < limits.rabbitDomainsMax) this.#domains.add(domainOf(kept.session));
      if (this.#isOutOfOrder(kept)) return this.#acknowledge(kept);
      this.#presence.set(kept.session, kept);
    }
    if (reading.kind === 'poison') void this.#setAside(kept, reading.reason);
    else this.#give(kept);
  }

  connectionLost(): void {
    this.#doubted.clear();
    for (const kept of this.#kept) {
      if (kept.session !== '') this.#doubted.set(kept.session, false);
      this.#forget(kept);
    }
    this.#next = [];
    this.#ids.connectionLost();
  }

  brokerRestarted(): void {
    if (this.#domains.size === 0 || this.#isClosing || this.#options.presenceReset([...this.#domains])) return;
    this.#options.clock.after(limits.rabbitLookMs, () => this.brokerRestarted());
  }

  async close(budgetMs: number): Promise<void> {
    const { clock } = this.#options;
    const endsAtMs = clock.monotonicMs() + budgetMs;
    const leftMs = (): number => Math.max(0, endsAtMs - clock.monotonicMs());
    this.#isClosing = true;
    this.#cancelLook?.();
    this.#next = [];
    await this.#link.cancel(leftMs());
    if (this.#underDoor > 0) {
      const ended = new Promise<void>((resolve) => (this.#doorEmpty = resolve));
      // The last acknowledgements need their time on the wire, too.
      await within(clock, Math.max(leftMs() / 2, leftMs() - limits.closeMs), ended);
    }
    await Promise.all([this.#poison.close(leftMs()), this.#link.close(leftMs())]);
    for (const kept of this.#kept) this.#forget(kept);
  }

  #keep(message: Delivered, reading: Kept['reading']): Kept {
    let input: EventInput | undefined;
    let spareId = '';
    if (reading.kind === 'presence') input = reading.input;
    if (reading.kind === 'message') {
      if (reading.id === '') spareId = this.#ids.give(contentOf(message), message.isRedelivered);
      input = { ...reading.input, id: reading.id === '' ? spareId : reading.id };
    }
    return {
      message,
      reading,
      input,
      spareId,
      session: reading.kind === 'presence' ? reading.input.jid : '',
      expiresAtMs: this.#options.clock.monotonicMs() + limits.rabbitEventLifeMs,
      attempts: 0,
      dueAtMs: 0,
    };
  }

  #give(kept: Kept): void {
    this.#next.push(kept);
    this.#setTurn();
  }

  #setTurn(): void {
    if (this.#isTurnSet || this.#next.length === 0) return;
    this.#isTurnSet = true;
    this.#options.clock.soon(() => {
      this.#isTurnSet = false;
      while (this.#next.length > 0) this.#call(this.#next.splice(0, limits.rabbitBatchMax));
    });
  }

  #call(batch: readonly Kept[]): void {
    const inputs = batch.map((kept) => kept.input);
    // Those that have ended leave it: one that takes long would hold the bodies of all, beside the prefetch.
    const open: (Kept | undefined)[] = [...batch];
    this.#underDoor += batch.length;
    this.#options.door.giveEvents(inputs, {
      ended: (index, result) => {
        const kept = open[index];
        open[index] = undefined;
        // Of a connection that has ended: it is delivered again, and the engine knows it by its id.
        if (kept !== undefined && this.#kept.has(kept)) this.#ended(kept, result);
        if (--this.#underDoor === 0) this.#doorEmpty?.();
      },
    });
  }

  #ended(kept: Kept, result: EventResult): void {
    const verdict = verdictOn(result);
    switch (verdict.kind) {
      case 'done':
        if (result.kind === 'pushed') this.#makeRoom();
        return this.#acknowledge(kept);
      case 'poison':
        return void this.#setAside(kept, verdict.reason);
      case 'again':
        return this.#later(kept, verdict.waitMs);
      default:
        return unreachable(verdict);
    }
  }

  async #setAside(kept: Kept, reason: string): Promise<void> {
    const isThere = await this.#poison.setAside(kept.message, reason);
    if (!this.#kept.has(kept)) return;
    if (!isThere) return this.#later(kept, 0);
    this.#poisoned++;
    this.#acknowledge(kept);
  }

  #later(kept: Kept, askedMs: number): void {
    if (this.#isClosing) return;
    const nowMs = this.#options.clock.monotonicMs();
    const { rabbitRetryFirstMs: firstMs, rabbitRetryMaxMs: maxMs } = limits;
    const jitterMs = fullJitterMs(this.#options.random, kept.attempts++, firstMs, maxMs);
    kept.dueAtMs = nowMs + Math.max(jitterMs, Math.min(askedMs, maxMs));
    if (kept.dueAtMs >= kept.expiresAtMs) {
      this.#expired++;
      this.#acknowledge(kept);
    } else if (this.#isOvertaken(kept)) {
      this.#acknowledge(kept);
    } else {
      this.#waiting.add(kept);
      this.#setLook();
    }
  }

  /**
   * A publish has succeeded while others keep failing: one push service is away, not everything. Those that wait for it
   * then may not take all the room of the others; the one that has waited longest is given up. While nothing succeeds
   * they may: what has no room then is kept by the broker.
   */
  #makeRoom(): void {
    if (this.#waiting.size <= this.#options.config.prefetch / 2) return;
    const [longest] = this.#waiting;
    if (longest === undefined) return;
    this.#expired++;
    this.#acknowledge(longest);
  }

  /** One timer for all that wait. */
  #setLook(): void {
    if (this.#cancelLook !== undefined || this.#waiting.size === 0) return;
    this.#cancelLook = this.#options.clock.after(limits.rabbitLookMs, () => {
      this.#cancelLook = undefined;
      this.#look();
      this.#setLook();
    });
  }

  #look(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const kept of this.#waiting) {
      if (kept.dueAtMs > nowMs && !this.#isOvertaken(kept)) continue;
      this.#waiting.delete(kept);
      if (this.#isOvertaken(kept)) {
        this.#acknowledge(kept);
        continue;
      }
      this.#retried++;
      if (kept.reading.kind === 'poison') void this.#setAside(kept, kept.reading.reason);
      else this.#give(kept);
    }
  }

  /** A broker that was restarted may deliver what was queued before what it delivers again. */
  #isOutOfOrder({ session, message }: Kept): boolean {
    const isLaterHere = this.#doubted.get(session);
    if (isLaterHere === undefined) return false;
    if (message.isRedelivered) return isLaterHere;
    this.#doubted.set(session, true);
    return false;
  }

  /** A later presence of the session has been given to the engine; this one would undo it. */
  #isOvertaken(kept: Kept): boolean {
    return kept.session !== '' && this.#presence.get(kept.session) !== kept;
  }

  #acknowledge(kept: Kept): void {
    this.#forget(kept);
    if (kept.spareId !== '') this.#ids.acknowledged(kept.spareId);
    this.#acknowledged++;
    this.#link.acknowledge(kept.message);
  }

  #forget(kept: Kept): void {
    this.#kept.delete(kept);
    this.#waiting.delete(kept);
    if (this.#presence.get(kept.session) === kept) this.#presence.delete(kept.session);
  }
}

/** Of a message that is read: all that would make it another one. */
function contentOf({ exchange, routingKey, body }: RabbitMessage): string {
  const text = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return hash('sha256', Buffer.concat([Buffer.from(`${exchange}\n${routingKey}\n`), text]), 'base64');
}
