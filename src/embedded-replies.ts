// Thread: main
/**
 * Publishes of programs that embed the engine: many requests in one call, one promise for their outcomes. This is an
 * edge; behind it no promise or closure stands for one notification. What a full mailbox refuses has ended at once.
 */
import { unreachable } from './core/assert.ts';
import { rejected, unavailable } from './core/outcome.ts';
import { notificationOf, waitMsDefault } from './publish/publish-request.ts';
import type { Clock } from './core/clock.ts';
import type { EpochMs } from './core/ids.ts';
import type { Outcome } from './core/outcome.ts';
import type { Random } from './core/random.ts';
import type { EnginePublishing } from './engine-publishing.ts';
import type { PublishRequest } from './publish/publish-request.ts';
import type { CommandAnswer, CommandReply } from './registration/commands.ts';

export interface EmbeddedRepliesOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly publishing: EnginePublishing;
}

/** The moment of one call, and how long it waits where a request does not say. */
interface Moment {
  readonly nowMs: EpochMs;
  readonly monotonicMs: number;
  readonly waitMs: number;
}

export class EmbeddedReplies {
  readonly #options: EmbeddedRepliesOptions;
  #open = 0;

  constructor(options: EmbeddedRepliesOptions) {
    this.#options = options;
  }

  /** Publishes that wait for their outcome. */
  get size(): number {
    return this.#open;
  }

  /** Resolves with one outcome for each request, in order, when the last has come; never rejects. */
  publishMany(requests: readonly PublishRequest[], waitMs: number = waitMsDefault): Promise<readonly Outcome[]> {
    if (requests.length === 0) return Promise.resolve([]);
    const { clock } = this.#options;
    const moment = { nowMs: clock.now(), monotonicMs: clock.monotonicMs(), waitMs };
    this.#open += requests.length;
    return new Promise((resolve) => {
      const call = new PublishCall(requests.length, resolve, () => this.#open--);
      for (const [index, request] of requests.entries()) {
        const refusal = this.#start(request, moment, { call, index });
        if (refusal !== undefined) call.ended(index, refusal);
      }
    });
  }

  /** How it has ended already, or `undefined` when the call will be told. */
  #start(
    request: PublishRequest,
    moment: Moment,
    { call, index }: { readonly call: PublishCall; readonly index: number },
  ): Outcome | undefined {
    const { random, publishing } = this.#options;
    const made = notificationOf(request, moment.nowMs, random);
    if (!made.ok) return rejected(made.error);
    const deadlineMs = moment.monotonicMs + (request.waitMs ?? moment.waitMs);
    const notification = made.value;
    const { service, mode, topic } = notification;
    const asked = { deadlineMs, reply: call, tag: index, tags: request.tags };
    const admission = publishing.toDevice(notification, topic, asked);
    switch (admission) {
      case 'accepted':
        return undefined;
      case 'full':
        return unavailable('no', 'the queue of the provider is full');
      case 'no-provider':
        return rejected(`no provider serves ${[service, mode, topic, ...(request.tags ?? [])].join(' ')}`.trimEnd());
      case 'stopped':
        return unavailable('no', 'stopping');
      default:
        return unreachable(admission);
    }
  }
}

/** One call and its publishes; the tag of each is its place among them. */
class PublishCall implements CommandReply {
  readonly #outcomes: (Outcome | undefined)[] = [];
  readonly #resolve: (outcomes: readonly Outcome[]) => void;
  readonly #oneEnded: () => void;
  #left: number;

  constructor(count: number, resolve: (outcomes: readonly Outcome[]) => void, oneEnded: () => void) {
    for (let index = 0; index < count; index++) this.#outcomes.push(undefined);
    this.#resolve = resolve;
    this.#oneEnded = oneEnded;
    this.#left = count;
  }

  answered(tag: number, answer: CommandAnswer): void {
    this.ended(tag, answer.kind === 'published' ? answer.outcome : unavailable('no', answer.kind));
  }

  ended(index: number, outcome: Outcome): void {
    if (this.#outcomes[index] !== undefined) return;
    this.#outcomes[index] = outcome;
    this.#oneEnded();
    if (--this.#left === 0) this.#resolve(this.#outcomes.filter((ended) => ended !== undefined));
  }
}
