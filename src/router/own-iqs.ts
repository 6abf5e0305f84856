// Thread: main
/**
 * IQs of our own to one server that wait for their answer: pings and publishes. An answer counts when both its id and
 * its sender are those that were asked (xmpp 2.17); each IQ is answered exactly once, at the latest at its deadline.
 * Answers may come on any stream, and a stream that is lost ends nothing: the deadline does.
 */
import { limits } from '../core/limits.ts';
import { fullJID } from '../core/jid.ts';
import { attribute } from '../xmpp/xml.ts';
import { answerOf, privilegedAnswerOf } from './iq-answer.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { Random } from '../core/random.ts';
import type { IqAnswer, IqReply } from '../event/commands.ts';
import type { XmlElement } from '../xmpp/xml.ts';

export interface OwnIq {
  /** Whose answer counts, prepared: whom the IQ is sent to. */
  readonly to: string;
  /** Not `''`: the IQ goes through a privilege of the account `to`, and this service (prepared) answers inside. */
  readonly through: string;
  readonly waitMs: number;
  readonly reply: IqReply;
  readonly tag: number;
}

interface Waiting extends OwnIq {
  /** Monotonic ms. */
  readonly dueMs: number;
}

// 96 random bits (xmpp 2.17).
const idBytes = 12;
const timeout: IqAnswer = { kind: 'timeout' };

export class OwnIqs {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #waiting = new Map<string, Waiting>();
  #cancel: Cancel | undefined;
  /** Of what waits, at the latest: when the first falls due. */
  #nextMs = Infinity;
  #sweptMs = -Infinity;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * The id to send it with; from now on it is answered.
   * @param sizeMax `undefined` is returned when that many wait already.
   */
  open(iq: OwnIq, sizeMax: number): string | undefined {
    if (this.#waiting.size >= sizeMax) return undefined;
    const id = this.#random.bytes(idBytes).toString('base64url');
    const { to, through, waitMs, reply, tag } = iq;
    const dueMs = this.#clock.monotonicMs() + waitMs;
    this.#waiting.set(id, { to, through, waitMs, reply, tag, dueMs });
    if (dueMs < this.#nextMs) this.#wake(dueMs);
    return id;
  }

  /** It was not sent after all, and is not answered. */
  forget(id: string): void {
    this.#waiting.delete(id);
  }

  /**
   * @param from prepared.
   * @param iq of type `result` or `error`.
   * @returns false: it answers nothing of ours.
   */
  answered(id: string, from: string, iq: XmlElement): boolean {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined || waiting.to !== from) return false;
    this.#waiting.delete(id);
    const { through, reply, tag } = waiting;
    reply.iqAnswered(
      tag,
      through === '' ? answerOf(iq) : privilegedAnswerOf(iq, (inner) => isFrom(inner, id, through)),
    );
    return true;
  }

  /** A request that we had sent to ourselves has come round: that is its answer. Pings alone are sent so. */
  returned(id: string, from: string): boolean {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined || waiting.to !== from) return false;
    this.#waiting.delete(id);
    waiting.reply.iqAnswered(waiting.tag, { kind: 'result' });
    return true;
  }

  /** Nobody will listen any more: all that wait end now. */
  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#nextMs = Infinity;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reply, tag } of waiting) reply.iqAnswered(tag, timeout);
  }

  /** The waits differ, so the order of the table says nothing: it is read whole, but seldom. */
  #wake(dueMs: number): void {
    this.#nextMs = dueMs;
    this.#cancel?.();
    const atMs = Math.max(dueMs, this.#sweptMs + limits.ownIqSweepGapMs);
    this.#cancel = this.#clock.after(Math.max(0, atMs - this.#clock.monotonicMs()), () => this.#sweep(), false);
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    const due: Waiting[] = [];
    let nextMs = Infinity;
    for (const [id, waiting] of this.#waiting) {
      if (waiting.dueMs <= nowMs) {
        this.#waiting.delete(id);
        due.push(waiting);
      } else if (waiting.dueMs < nextMs) {
        nextMs = waiting.dueMs;
      }
    }
    this.#sweptMs = nowMs;
    this.#cancel = undefined;
    this.#nextMs = Infinity;
    if (nextMs < Infinity) this.#wake(nextMs);
    for (const { reply, tag } of due) reply.iqAnswered(tag, timeout);
  }
}

function isFrom(iq: XmlElement, id: string, service: string): boolean {
  const from = fullJID(attribute(iq, 'from') ?? '');
  return attribute(iq, 'id') === id && from.ok && from.value === service;
}
