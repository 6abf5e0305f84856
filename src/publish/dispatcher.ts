// Thread: main
/**
 * The state of one dispatch actor: what flies, what waits for a retry, and how much credit is left. A message leaves
 * here exactly once, by `#settle`. Deadlines are data: one sweep looks for batches whose outcomes never came. All waits
 * are monotonic: wall time may jump.
 */
import { limits } from '../core/limits.ts';
import { expired, unauthorized, unavailable } from '../core/outcome.ts';
import { epochMs } from '../core/ids.ts';
import { noOutcomes } from './dispatch-figures.ts';
import { retryAfter } from './retry-policy.ts';
import type { DispatchMessage } from './commands.ts';
import type { CredentialKeeper } from './credential-keeper.ts';
import type { DispatchFigures } from './dispatch-figures.ts';
import type { BatchSettle, Executor } from './executor.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { NodeId, ProviderName } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import type { Notification } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Random } from '../core/random.ts';
import type { Admission } from '../actor/actor.ts';
import type { DisableCommand } from '../registration/commands.ts';

export interface DispatcherOptions {
  readonly provider: ProviderName;
  readonly executor: Executor;
  /** Absent: the provider needs no authorization field. */
  readonly keeper: CredentialKeeper | undefined;
  /** Its gateway knows collapse ids: a second copy of a notification replaces the first. */
  readonly collapses: boolean;
  readonly creditMax: number;
  /** The longest one request may take. */
  readonly requestMs: number;
  readonly random: Random;
  readonly logger: Logger;
  /** The gateway says that this token is dead: the registration is to end. Once `accepted`, it answers the command. */
  readonly disable: (command: DisableCommand) => Admission;
}

interface Batch {
  /** `undefined` where the outcome has come. */
  readonly messages: (DispatchMessage | undefined)[];
  readonly attempt: number;
  readonly writeOffAtMs: number;
}

interface WaitingRetry {
  readonly message: DispatchMessage;
  readonly attempt: number;
  readonly atMs: number;
}

// One number space for all dispatchers of the process: the executor keys its flights by it.
let lastBatchId = 0;

export class Dispatcher implements BatchSettle {
  readonly #options: DispatcherOptions;
  readonly #clock: Clock;
  readonly #depth: () => number;
  readonly #batches = new Map<number, Batch>();
  #retries: WaitingRetry[] = [];
  #credit: number;
  #creditWaiter: (() => void) | undefined;
  #paused: readonly DispatchMessage[] = [];
  #pausedSent = 0;
  #cancelRetryTimer: Cancel | undefined;
  #retryTimerAtMs: number = Number.POSITIVE_INFINITY;
  #cancelSweep: Cancel | undefined;
  #stopped = false;
  #taken = 0;
  #retried = 0;
  #overdue = 0;
  readonly #outcomes = noOutcomes();

  constructor(options: DispatcherOptions, clock: Clock, depth: () => number) {
    this.#options = options;
    this.#clock = clock;
    this.#depth = depth;
    this.#credit = options.creditMax;
  }

  get figures(): DispatchFigures {
    return {
      provider: this.#options.provider,
      taken: this.#taken,
      retries: this.#retried,
      inFlight: this.#options.creditMax - this.#credit,
      creditMax: this.#options.creditMax,
      waiting: this.#depth(),
      outcomes: this.#outcomes,
      overdue: this.#overdue,
    };
  }

  /** The synchronous road while there is credit and an authorization; otherwise the mailbox pauses until there is. */
  take(batch: readonly DispatchMessage[]): void | Promise<void> {
    this.#taken += batch.length;
    const authorization = this.#authorization();
    if (authorization === undefined || this.#credit < batch.length) return this.#takeSlowly(batch);
    this.#credit -= batch.length;
    this.#sendAll(batch, authorization, 0);
  }

  settled(batchId: number, index: number, outcome: Outcome): void {
    const batch = this.#batches.get(batchId);
    const message = batch?.messages[index];
    if (batch === undefined || message === undefined) return; // written off before
    batch.messages[index] = undefined;
    if (outcome.kind === 'accepted') this.#settle(message, outcome);
    else this.#unhappy(message, outcome, batch.attempt);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelRetryTimer?.();
    this.#cancelSweep?.();
    for (const waiting of this.#retries.splice(0)) this.#settle(waiting.message, unavailable('no', 'stopping'));
    for (const batch of this.#batches.values()) {
      for (const message of batch.messages) {
        if (message !== undefined) this.#settle(message, unavailable('unknown', 'stopping'));
      }
    }
    this.#batches.clear();
  }

  /**
   * Whether a message of the batch that keeps the mailbox paused has been sent already: then its end comes from here,
   * and the kernel, which counts the whole batch as unfinished, must not end it a second time.
   */
  hasSent(message: DispatchMessage): boolean {
    const at = this.#paused.indexOf(message);
    return at !== -1 && at < this.#pausedSent;
  }

  async #takeSlowly(batch: readonly DispatchMessage[]): Promise<void> {
    let at = 0;
    this.#paused = batch;
    this.#pausedSent = 0;
    while (at < batch.length) {
      let authorization = this.#authorization();
      if (authorization === undefined) {
        await this.#options.keeper?.mint();
        authorization = this.#authorization();
      }
      if (this.#credit === 0) await this.#creditBack();
      if (this.#stopped) return; // whoever stopped us has told that these are lost
      if (authorization === undefined) {
        this.#credit -= batch.length - at;
        this.#paused = []; // all of it ends here
        this.#refuse(batch.slice(at));
        return;
      }
      const some = batch.slice(at, at + this.#credit);
      at += some.length;
      this.#pausedSent = at;
      this.#credit -= some.length;
      this.#sendAll(some, authorization, 0);
    }
    this.#paused = [];
  }

  /** Credit for these has been taken. */
  #sendAll(messages: readonly DispatchMessage[], authorization: string, attempt: number): void {
    for (let at = 0; at < messages.length; at += limits.dispatcherBatchMax) {
      this.#send(messages.slice(at, at + limits.dispatcherBatchMax), authorization, attempt);
    }
  }

  #send(messages: readonly DispatchMessage[], authorization: string, attempt: number): void {
    const nowMs = this.#clock.monotonicMs();
    const live = messages.some((message) => message.deadlineMs <= nowMs) ? this.#unexpired(messages, nowMs) : messages;
    if (live.length === 0) return;
    let deadlineMs = 0;
    const notifications: Notification[] = [];
    for (const message of live) {
      notifications.push(message.notification);
      if (message.deadlineMs > deadlineMs) deadlineMs = message.deadlineMs;
    }
    const leftMs = Math.min(deadlineMs - nowMs, this.#options.requestMs);
    // Only wall time means the same in another thread.
    const endMs = epochMs(Math.ceil(this.#clock.now() + leftMs));
    const batchId = ++lastBatchId;
    this.#batches.set(batchId, { messages: [...live], attempt, writeOffAtMs: nowMs + leftMs + limits.deadlineGraceMs });
    this.#sweepLater();
    const { provider, executor } = this.#options;
    const sent = executor.execute({ batchId, provider, authorization, deadlineMs: endMs, notifications }, this);
    void sent.then(() => this.#batches.delete(batchId));
  }

  #unexpired(messages: readonly DispatchMessage[], nowMs: number): DispatchMessage[] {
    const live: DispatchMessage[] = [];
    for (const message of messages) {
      if (message.deadlineMs > nowMs) live.push(message);
      else this.#settle(message, expired('waited for credit until its deadline'));
    }
    return live;
  }

  #unhappy(message: DispatchMessage, outcome: Outcome, attempt: number): void {
    if (outcome.kind === 'unregistered' && message.node !== '') {
      this.#disable(message, message.node, outcome);
      return;
    }
    // Twice at most: the value that was too much may be what a refused first attempt has brought.
    const isTooOften = outcome.kind === 'throttled' && this.#options.keeper?.changedTooOften(outcome.reason) === true;
    if (isTooOften && attempt < 2 && !this.#stopped) {
      this.#retryAt(message, attempt + 1, this.#clock.monotonicMs());
      return;
    }
    const retry = retryAfter(outcome, {
      notification: message.notification,
      collapses: this.#options.collapses,
      attempt,
      nowMs: this.#clock.monotonicMs(),
      deadlineMs: message.deadlineMs,
      random: this.#options.random,
    });
    if (retry.kind === 'settle' || this.#stopped) {
      this.#settle(message, outcome);
    } else if (retry.kind === 'retry') {
      this.#retryAt(message, attempt + 1, retry.atMs);
    } else {
      void this.#renewAndRetry(message, attempt + 1, outcome);
    }
  }

  /** The registration ends first: servers delete theirs on this word, which must not leave for one that lives on. */
  #disable(message: DispatchMessage, node: NodeId, outcome: Extract<Outcome, { readonly kind: 'unregistered' }>): void {
    const { notification, reply, tag } = message;
    const { reason, sinceMs } = outcome;
    const admission = this.#options.disable({
      kind: 'disable',
      node,
      token: notification.token,
      reason,
      sinceMs,
      reply,
      tag,
    });
    // The token stays in the store until the gateway names it again, at the next publish: nothing is lost by that.
    if (admission === 'accepted') this.#count(outcome);
    else this.#settle(message, unavailable('no', 'a dead token could not be marked yet'));
  }

  async #renewAndRetry(message: DispatchMessage, attempt: number, outcome: Outcome): Promise<void> {
    const { keeper } = this.#options;
    if (keeper === undefined) {
      this.#settle(message, outcome);
      return;
    }
    await keeper.refused(outcome.kind === 'unauthorized' ? outcome.gatewayAtMs : 0);
    if (this.#stopped) this.#settle(message, outcome);
    else this.#retryAt(message, attempt, this.#clock.monotonicMs());
  }

  #retryAt(message: DispatchMessage, attempt: number, atMs: number): void {
    this.#retried++;
    this.#retries.push({ message, attempt, atMs });
    this.#wakeForRetryAt(atMs);
  }

  #wakeForRetryAt(atMs: number): void {
    if (atMs >= this.#retryTimerAtMs) return;
    this.#cancelRetryTimer?.();
    this.#retryTimerAtMs = atMs;
    // Keeps the process alive: somebody waits for how these end, and perhaps nothing else is under way.
    this.#cancelRetryTimer = this.#clock.after(Math.max(0, atMs - this.#clock.monotonicMs()), () => this.#retryDue());
  }

  #retryDue(): void {
    this.#retryTimerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.monotonicMs();
    const due = this.#retries.filter((waiting) => waiting.atMs <= nowMs);
    this.#retries = this.#retries.filter((waiting) => waiting.atMs > nowMs);
    const authorization = this.#authorization();
    // After an outage many fall due at once: they leave in batches, as they came.
    const byAttempt = new Map<number, DispatchMessage[]>();
    for (const { message, attempt } of due) {
      const others = byAttempt.get(attempt);
      if (others === undefined) byAttempt.set(attempt, [message]);
      else others.push(message);
    }
    for (const [attempt, messages] of byAttempt) {
      if (authorization === undefined) this.#refuse(messages);
      else this.#sendAll(messages, authorization, attempt);
    }
    for (const waiting of this.#retries) this.#wakeForRetryAt(waiting.atMs);
  }

  #authorization(): string | undefined {
    return this.#options.keeper === undefined ? '' : this.#options.keeper.current();
  }

  /** There is no authorization to send with. Credit for these has been taken. */
  #refuse(messages: readonly DispatchMessage[]): void {
    const failure = this.#options.keeper?.failure;
    const outcome =
      failure === undefined || failure.transient
        ? unavailable('no', 'no authorization yet')
        : unauthorized(failure.reason);
    for (const message of messages) this.#settle(message, outcome);
  }

  #settle(message: DispatchMessage, outcome: Outcome): void {
    this.#count(outcome);
    message.reply.answered(message.tag, { kind: 'published', outcome });
  }

  #count(outcome: Outcome): void {
    this.#outcomes[outcome.kind]++;
    this.#credit++;
    if (this.#creditWaiter !== undefined) this.#wake();
  }

  #creditBack(): Promise<void> {
    return new Promise((resolve) => {
      this.#creditWaiter = resolve;
    });
  }

  #wake(): void {
    const wake = this.#creditWaiter;
    this.#creditWaiter = undefined;
    wake?.();
  }

  /** Looks once a second for outcomes that are overdue. None ever is, unless the executor has a defect. */
  #sweepLater(): void {
    this.#cancelSweep ??= this.#clock.after(limits.deadlineGraceMs, () => this.#sweep(), false);
  }

  #sweep(): void {
    this.#cancelSweep = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (const [batchId, batch] of this.#batches) {
      if (batch.writeOffAtMs > nowMs) continue;
      this.#batches.delete(batchId);
      const missing = batch.messages.filter((message) => message !== undefined);
      if (missing.length === 0) continue;
      this.#overdue += missing.length;
      this.#options.logger.error(
        { provider: this.#options.provider, count: missing.length },
        'outcomes never came and are written off: this is a defect of Meerkat',
      );
      for (const message of missing) this.#settle(message, unavailable('unknown', 'no outcome by the deadline'));
    }
    if (this.#batches.size > 0) this.#sweepLater();
  }
}
