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
import { QuotaGate } from './quota-gate.ts';
import { retryAfter } from './retry-policy.ts';
import { WaitingRetries } from './waiting-retries.ts';
import type { DispatchMessage } from './commands.ts';
import type { CredentialKeeper } from './credential-keeper.ts';
import type { DispatchFigures } from './dispatch-figures.ts';
import type { BatchSettle, Executor } from './executor.ts';
import type { QuotaPace } from './quota-pace.ts';
import type { RefusalPattern } from './refusal-pattern.ts';
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
  /** Asked anew for each batch: a reload changes what is in it. */
  readonly access: ProviderAccess;
  /** Its gateway knows collapse ids: a second copy of a notification replaces the first. */
  readonly collapses: boolean;
  /** Absent: nothing is counted at the gateway. */
  readonly pace: QuotaPace | undefined;
  readonly creditMax: number;
  /** The longest one request may take. */
  readonly requestMs: number;
  readonly random: Random;
  readonly logger: Logger;
  readonly refusals: RefusalPattern;
  /** The gateway says that this token is dead: the registration is to end. Once `accepted`, it answers the command. */
  readonly disable: (command: DisableCommand) => Admission;
}

/** By what a provider's batches get in. */
export interface ProviderAccess {
  /** Absent: the provider needs no authorization field. */
  readonly keeper: CredentialKeeper | undefined;
  /** Counts reloads: threads tell by it whose authorization a batch carries. */
  readonly revision: number;
}

interface Batch {
  /** `undefined` where the outcome has come. */
  readonly messages: (DispatchMessage | undefined)[];
  readonly attempt: number;
  readonly writeOffAtMs: number;
}

// One number space for all dispatchers of the process: the executor keys its flights by it.
let lastBatchId = 0;

export class Dispatcher implements BatchSettle {
  readonly #options: DispatcherOptions;
  readonly #clock: Clock;
  readonly #depth: () => number;
  readonly #batches = new Map<number, Batch>();
  readonly #retries: WaitingRetries;
  #credit: number;
  #creditWaiter: (() => void) | undefined;
  readonly #gate: QuotaGate | undefined;
  /** The batch that keeps the mailbox paused, and what of it is still to be sent. */
  #paused: readonly DispatchMessage[] = [];
  #pausedRest: readonly DispatchMessage[] = [];
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
    this.#retries = new WaitingRetries(clock, (messages, attempt) => this.#sendAgain(messages, attempt));
    this.#credit = options.creditMax;
    const { pace } = options;
    this.#gate = pace === undefined ? undefined : new QuotaGate({ ...options, pace, clock });
  }

  get figures(): DispatchFigures {
    return {
      provider: this.#options.provider,
      taken: this.#taken,
      retries: this.#retried,
      inFlight: this.#options.creditMax - this.#credit,
      creditMax: this.#options.creditMax,
      waiting: this.#depth(),
      held: this.#pausedRest.length,
      quota: this.#gate?.figures,
      outcomes: this.#outcomes,
      overdue: this.#overdue,
    };
  }

  /** The synchronous road while there are an authorization, credit and quota; else the mailbox pauses until then. */
  take(batch: readonly DispatchMessage[]): void | Promise<void> {
    this.#taken += batch.length;
    const authorization = this.#authorization();
    if (authorization === undefined || this.#credit < batch.length) return this.#takeSlowly(batch);
    if (this.#gate !== undefined && !this.#gate.takeAll(batch.length)) return this.#takeSlowly(batch);
    this.#credit -= batch.length;
    this.#sendAll(batch, authorization, 0);
  }

  settled(batchId: number, index: number, outcome: Outcome): void {
    const batch = this.#batches.get(batchId);
    const message = batch?.messages[index];
    if (batch === undefined || message === undefined) return; // written off before
    batch.messages[index] = undefined;
    if (outcome.kind === 'accepted') {
      this.#settle(message, outcome);
      return;
    }
    this.#gate?.note(outcome);
    this.#unhappy(message, outcome, batch.attempt);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelSweep?.();
    this.#gate?.stop();
    for (const message of this.#retries.stop()) this.#settle(message, unavailable('no', 'stopping'));
    for (const batch of this.#batches.values()) {
      for (const message of batch.messages) {
        if (message !== undefined) this.#settle(message, unavailable('unknown', 'stopping'));
      }
    }
    this.#batches.clear();
  }

  /**
   * Whether a message of the batch that keeps the mailbox paused has been sent already, or has ended: then its end
   * comes from here, and the kernel, which counts the whole batch as unfinished, must not end it a second time.
   */
  hasSent(message: DispatchMessage): boolean {
    return this.#paused.includes(message) && !this.#pausedRest.includes(message);
  }

  async #takeSlowly(batch: readonly DispatchMessage[]): Promise<void> {
    this.#paused = batch;
    this.#pausedRest = batch;
    while (this.#pausedRest.length > 0) {
      if (this.#credit === 0) await this.#creditBack();
      if (this.#authorization() === undefined) await this.#options.access.keeper?.mint();
      if (this.#stopped) return; // whoever stopped us has told that these are lost
      // Read after all waits: a reload in between has changed it together with the revision.
      const authorization = this.#authorization();
      const rest = this.#pausedRest;
      const room = Math.min(rest.length, this.#credit);
      const count = this.#gate === undefined || authorization === undefined ? room : this.#gate.take(room);
      if (authorization === undefined) {
        this.#credit -= rest.length;
        this.#pausedRest = []; // all of it ends here
        this.#refuse(rest);
      } else if (count === 0) {
        await this.#quotaBack();
      } else {
        this.#pausedRest = rest.slice(count);
        this.#credit -= count;
        this.#sendAll(rest.slice(0, count), authorization, 0);
      }
    }
    this.#paused = [];
  }

  /** Meanwhile deadlines pass, and an asker is told so when his has. */
  async #quotaBack(): Promise<void> {
    await this.#gate?.wait();
    const nowMs = this.#clock.monotonicMs();
    const late = this.#pausedRest.filter((message) => message.deadlineMs <= nowMs);
    if (late.length === 0 || this.#stopped) return;
    this.#pausedRest = this.#pausedRest.filter((message) => message.deadlineMs > nowMs);
    this.#credit -= late.length;
    this.#unexpired(late, nowMs);
  }

  /** Credit for these has been taken. The caller's array is left alone: batches strike out what has ended. */
  #sendAll(messages: readonly DispatchMessage[], authorization: string, attempt: number): void {
    for (let at = 0; at < messages.length; at += limits.dispatcherBatchMax) {
      this.#send(messages.slice(at, at + limits.dispatcherBatchMax), authorization, attempt);
    }
  }

  /** @param messages of its own from now on. */
  #send(messages: DispatchMessage[], authorization: string, attempt: number): void {
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
    this.#batches.set(batchId, { messages: live, attempt, writeOffAtMs: nowMs + leftMs + limits.deadlineGraceMs });
    this.#sweepLater();
    const { provider, executor, access } = this.#options;
    const { revision } = access;
    const sent = executor.execute(
      { batchId, provider, revision, authorization, deadlineMs: endMs, notifications },
      this,
    );
    void sent.then(() => this.#batches.delete(batchId));
  }

  #unexpired(messages: readonly DispatchMessage[], nowMs: number): DispatchMessage[] {
    const live: DispatchMessage[] = [];
    for (const message of messages) {
      if (message.deadlineMs > nowMs) live.push(message);
      else this.#settle(message, expired('waited until its deadline'));
    }
    return live;
  }

  #unhappy(message: DispatchMessage, outcome: Outcome, attempt: number): void {
    this.#options.refusals.note(outcome, this.#outcomes.accepted, this.#clock.monotonicMs());
    if (outcome.kind === 'unregistered' && message.node !== '') {
      this.#disable(message, message.node, outcome);
      return;
    }
    // Twice at most: the value that was too much may be what a refused first attempt has brought.
    const isTooOften =
      outcome.kind === 'throttled' && this.#options.access.keeper?.changedTooOften(outcome.reason) === true;
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
    const { keeper } = this.#options.access;
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
    this.#retries.add(message, attempt, atMs);
  }

  #sendAgain(messages: readonly DispatchMessage[], attempt: number): void {
    const authorization = this.#authorization();
    if (authorization === undefined) this.#refuse(messages);
    else this.#sendAll(this.#withinQuota(messages, attempt), authorization, attempt);
  }

  /** Those that may leave now; the others go on waiting, as long as somebody waits for them. */
  #withinQuota(messages: readonly DispatchMessage[], attempt: number): readonly DispatchMessage[] {
    const gate = this.#gate;
    if (gate === undefined) return messages;
    const live = this.#unexpired(messages, this.#clock.monotonicMs());
    const count = gate.take(live.length);
    if (count === live.length) return live;
    const atMs = gate.nextAtMs();
    for (const message of live.slice(count)) {
      this.#retries.add(message, attempt, Math.min(atMs, message.deadlineMs));
    }
    return live.slice(0, count);
  }

  #authorization(): string | undefined {
    return this.#options.access.keeper === undefined ? '' : this.#options.access.keeper.current();
  }

  /** There is no authorization to send with. Credit for these has been taken. */
  #refuse(messages: readonly DispatchMessage[]): void {
    const failure = this.#options.access.keeper?.failure;
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
