// Thread: worker
/**
 * What a publishing thread does, without the thread: batches in, providers built on first use, outcomes out, coalesced
 * by turn. A notification costs one slot number here, no object, promise or closure of its own.
 */
import { EngineError } from '../src/core/errors.ts';
import { unavailable } from '../src/core/outcome.ts';
import { packOutcome } from '../src/publish/notification-pack.ts';
import { ProviderGenerations } from '../src/publish/provider-generations.ts';
import type { ProviderConfig } from '../config/engine-config.ts';
import type { Clock } from '../src/core/clock.ts';
import type { ProviderName } from '../src/core/ids.ts';
import type { Outcome } from '../src/core/outcome.ts';
import type { Random } from '../src/core/random.ts';
import type { Provider, ProviderContext } from '../src/provider/provider.ts';
import type { BatchReceipt, PackedOutcome, PublishBatch, Settled } from '../src/publish/wire.ts';

export interface PublishingThreadOptions {
  readonly providers: readonly ProviderConfig[];
  readonly clock: Clock;
  readonly random: Random;
  readonly create: (config: ProviderConfig, context: ProviderContext) => Provider;
  readonly post: (settled: Settled) => void;
}

interface OpenBatch {
  readonly batchId: number;
  readonly count: number;
  left: number;
  readonly complete: (receipt: BatchReceipt) => void;
}

export class PublishingThread {
  readonly #options: PublishingThreadOptions;
  readonly #providers: ProviderGenerations;
  /** By slot number: whose it is, and which of its batch. A slot is the tag a provider is given. */
  readonly #batches: (OpenBatch | undefined)[] = [];
  readonly #indexes: number[] = [];
  readonly #free: number[] = [];
  #settled: { batchIds: number[]; indexes: number[]; outcomes: PackedOutcome[] } = emptySettled();
  #completed: OpenBatch[] = [];
  #flushing = false;
  #draining: Promise<void> | undefined;

  constructor(options: PublishingThreadOptions) {
    this.#options = options;
    const { providers, clock, random, create } = options;
    const settle = (slot: number, outcome: Outcome): void => this.#settle(slot, outcome);
    this.#providers = new ProviderGenerations(providers, (config) =>
      create(config, { name: config.name, clock, random, settle }),
    );
  }

  /** From now on batches of this revision go to a provider made from this. */
  renew(provider: ProviderConfig, revision: number): void {
    this.#providers.renew(provider, revision);
  }

  /** No batch of an earlier revision comes any more. */
  release(provider: ProviderName, revision: number, budgetMs: number): void {
    this.#providers.release(provider, revision, budgetMs);
  }

  /** Resolves when each notification of the batch has been settled and told. Never rejects. */
  publish(batch: PublishBatch): Promise<BatchReceipt> {
    const count = batch.notifications.length;
    return new Promise((complete) => {
      const open: OpenBatch = { batchId: batch.batchId, count, left: count, complete };
      if (count === 0) complete({ batchId: batch.batchId, settled: 0 });
      else this.#start(batch, open);
    });
  }

  /** Resolves when all providers have closed their connections. */
  drain(budgetMs: number): Promise<void> {
    this.#draining ??= this.#providers.drain(budgetMs).then(() => this.#flush());
    return this.#draining;
  }

  #start(batch: PublishBatch, open: OpenBatch): void {
    const provider = this.#providerOf(batch);
    for (let index = 0; index < open.count; index++) {
      const notification = batch.notifications[index];
      const slot = this.#take(open, index);
      if (notification === undefined || typeof provider === 'string') {
        this.#settle(slot, unavailable('no', typeof provider === 'string' ? provider : 'empty place in the batch'));
        continue;
      }
      try {
        provider.publish(notification, batch.authorization, batch.deadlineMs, slot);
      } catch {
        // A broken invariant of ours: it may or may not have been sent. Its text could carry what was sent.
        this.#settle(slot, unavailable('unknown', 'the provider failed'));
      }
    }
  }

  /** Or why there is none. */
  #providerOf({ provider, revision }: PublishBatch): Provider | string {
    if (this.#draining !== undefined) return 'draining';
    try {
      return this.#providers.providerOf(provider, revision) ?? 'provider unknown in this thread';
    } catch (error) {
      return error instanceof EngineError ? error.code : 'the provider cannot be built';
    }
  }

  #take(open: OpenBatch, index: number): number {
    const slot = this.#free.pop() ?? this.#batches.length;
    this.#batches[slot] = open;
    this.#indexes[slot] = index;
    return slot;
  }

  #settle(slot: number, outcome: Outcome): void {
    const open = this.#batches[slot];
    if (open === undefined) return; // settled before
    this.#batches[slot] = undefined;
    this.#free.push(slot);
    this.#settled.batchIds.push(open.batchId);
    this.#settled.indexes.push(this.#indexes[slot] ?? 0);
    this.#settled.outcomes.push(packOutcome(outcome));
    open.left -= 1;
    if (open.left === 0) this.#completed.push(open);
    if (this.#flushing) return;
    this.#flushing = true;
    this.#options.clock.soon(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    const { batchIds, indexes, outcomes } = this.#settled;
    if (batchIds.length === 0) return;
    const completed = this.#completed;
    this.#settled = emptySettled();
    this.#completed = [];
    this.#options.post({ kind: 'settled', batchIds, indexes, outcomes });
    for (const { complete, batchId, count } of completed) complete({ batchId, settled: count });
  }
}

function emptySettled(): { batchIds: number[]; indexes: number[]; outcomes: PackedOutcome[] } {
  return { batchIds: [], indexes: [], outcomes: [] };
}
