// Thread: main
/**
 * The executor port on this thread: for providers that write to the XMPP stream, for the simulator, and for programs
 * that embed the engine without publishing threads.
 */
import { limits } from '../core/limits.ts';
import { unavailable } from '../core/outcome.ts';
import { ProviderGenerations } from './provider-generations.ts';
import type { BatchSettle, Executor } from './executor.ts';
import type { BatchReceipt, PublishBatch } from './wire.ts';
import type { ProviderConfig } from '../../config/engine-config.ts';
import type { ProviderName } from '../core/ids.ts';
import type { Notification } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Provider, Settle } from '../provider/provider.ts';

interface Flight {
  readonly batchId: number;
  readonly index: number;
  readonly batch: BatchFlight;
}

interface BatchFlight {
  readonly settle: BatchSettle;
  readonly count: number;
  left: number;
  readonly complete: (receipt: BatchReceipt) => void;
}

interface Sent {
  readonly notification: Notification;
  readonly batch: PublishBatch;
  readonly tag: number;
}

export class InlineExecutor implements Executor {
  readonly #providers: ProviderGenerations;
  readonly #flights = new Map<number, Flight>();
  #nextTag = 0;
  #draining = false;

  /**
   * @param create makes a provider that tells its outcomes by `settle`; called for each at once, so that a file that
   *   cannot be read ends the start.
   */
  constructor(providers: readonly ProviderConfig[], create: (config: ProviderConfig, settle: Settle) => Provider) {
    const settle: Settle = (tag, outcome) => this.#settled(tag, outcome);
    this.#providers = new ProviderGenerations(providers, (config) => create(config, settle));
    for (const { name } of providers) this.#providers.providerOf(name, 0);
  }

  execute(batch: PublishBatch, settle: BatchSettle): Promise<BatchReceipt> {
    const provider = this.#draining ? undefined : this.#providerOf(batch);
    const count = batch.notifications.length;
    return new Promise((complete) => {
      const flight: BatchFlight = { settle, count, left: count, complete };
      batch.notifications.forEach((notification, index) => {
        const tag = this.#nextTag++;
        this.#flights.set(tag, { batchId: batch.batchId, index, batch: flight });
        if (provider === undefined) this.#settled(tag, unavailable('no', 'no such provider on this thread'));
        else this.#publish(provider, { notification, batch, tag });
      });
    });
  }

  renew(provider: ProviderConfig, revision: number): Promise<boolean> {
    this.#providers.renew(provider, revision);
    return Promise.resolve(true);
  }

  release(provider: ProviderName, revision: number): Promise<void> {
    // Nothing waits between here and the provider: what it has it may finish.
    this.#providers.release(provider, revision, limits.reloadReleaseMs);
    return Promise.resolve();
  }

  async drain(budgetMs: number): Promise<void> {
    this.#draining = true;
    await this.#providers.drain(budgetMs);
    for (const tag of this.#flights.keys()) this.#settled(tag, unavailable('unknown', 'stopped before an answer came'));
  }

  #providerOf({ provider, revision }: PublishBatch): Provider | undefined {
    try {
      return this.#providers.providerOf(provider, revision);
    } catch {
      return undefined; // it was built on trial before it was taken over
    }
  }

  #publish(provider: Provider, { notification, batch, tag }: Sent): void {
    try {
      provider.publish(notification, batch.authorization, batch.deadlineMs, tag);
    } catch {
      // A broken invariant of ours: it may or may not have been sent. Its text could carry what was sent.
      this.#settled(tag, unavailable('unknown', 'the provider failed'));
    }
  }

  #settled(tag: number, outcome: Outcome): void {
    const flight = this.#flights.get(tag);
    if (flight === undefined) return;
    this.#flights.delete(tag);
    const { batch, batchId, index } = flight;
    batch.settle.settled(batchId, index, outcome);
    if (--batch.left === 0) batch.complete({ batchId, settled: batch.count });
  }
}
