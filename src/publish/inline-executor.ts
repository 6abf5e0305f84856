// Thread: main
/**
 * The executor port on this thread: for providers that write to the XMPP stream, for the simulator, and for programs
 * that embed the engine without publishing threads.
 */
import { unavailable } from '../core/outcome.ts';
import type { BatchSettle, Executor } from './executor.ts';
import type { BatchReceipt, PublishBatch } from './wire.ts';
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
  readonly #providers: ReadonlyMap<string, Provider>;
  readonly #flights = new Map<number, Flight>();
  #nextTag = 0;
  #draining = false;

  /** @param makeProviders called once with the settle function that every provider made must use. */
  constructor(makeProviders: (settle: Settle) => ReadonlyMap<string, Provider>) {
    this.#providers = makeProviders((tag, outcome) => this.#settled(tag, outcome));
  }

  execute(batch: PublishBatch, settle: BatchSettle): Promise<BatchReceipt> {
    const provider = this.#draining ? undefined : this.#providers.get(batch.provider);
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

  async drain(budgetMs: number): Promise<void> {
    this.#draining = true;
    await Promise.all([...this.#providers.values()].map((provider) => provider.drain(budgetMs)));
    for (const tag of this.#flights.keys()) this.#settled(tag, unavailable('unknown', 'stopped before an answer came'));
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
