// Thread: main
/**
 * Piscina behind the executor port. Outcomes arrive by a side door, as `settled` messages while `run()` is still
 * pending: with whole-batch returns, 1 % of requests stalled for 2 s take the rate from 24.6 k/s to 0.3 k/s; streamed
 * it stays at 13.3 k/s (measured). A batch is complete when its last outcome is here, whichever of the two comes last.
 * A thread that dies settles what it held as `unavailable`, `reached: 'unknown'`.
 */
import { extname } from 'node:path';
import { BroadcastChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { assert } from '../core/assert.ts';
import { limits } from '../core/limits.ts';
import { unavailable } from '../core/outcome.ts';
import type { BatchSettle, Executor } from './executor.ts';
import { packNotification, unpackOutcome } from './notification-pack.ts';
import type { BatchReceipt, ControlMessage, PackedBatch, PublishBatch, PublishingThreadData, Settled } from './wire.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { ProviderName } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import type { ProviderConfig } from '../../config/engine-config.ts';

export interface WorkerPoolOptions {
  readonly threads: number;
  readonly heapMbMax: number;
  readonly providers: readonly ProviderConfig[];
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Flight {
  readonly provider: ProviderName;
  readonly revision: number;
  readonly settle: BatchSettle;
  /** 1 where an outcome has arrived. */
  readonly done: Uint8Array;
  left: number;
  readonly complete: (receipt: BatchReceipt) => void;
}

// Credit bounds what flies, so Piscina's own limits are never the ones that hold.
const tasksPerThreadMax = 4_096;

let lastPool = 0;

export class WorkerPoolExecutor implements Executor {
  readonly #pool: Piscina<PackedBatch, BatchReceipt>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #threads: number;
  readonly #controlChannel = `meerkat-publish-${++lastPool}`;
  readonly #flights = new Map<number, Flight>();
  /** Piscina hands it to every thread it starts, so that one that takes another's place knows what was reloaded. */
  readonly #data: { providers: readonly ProviderConfig[]; readonly controlChannel: string };
  /** Those who wait for the flights of earlier revisions to land. */
  #releases: { readonly provider: ProviderName; readonly revision: number; readonly landed: () => void }[] = [];
  #draining = false;
  /** Whether a thread may have a session. */
  #hasSent = false;
  #idle: (() => void) | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#threads = options.threads;
    this.#data = { providers: options.providers, controlChannel: this.#controlChannel };
    const data: PublishingThreadData = this.#data;
    const entry = new URL(`../../workers/publish${extname(import.meta.filename)}`, import.meta.url);
    this.#pool = new Piscina<PackedBatch, BatchReceipt>({
      filename: entry.href,
      minThreads: options.threads,
      maxThreads: options.threads,
      idleTimeout: Number.POSITIVE_INFINITY, // threads own sessions
      concurrentTasksPerWorker: tasksPerThreadMax,
      // Batches wait here while receipts of settled ones are still on their way, which come by a door of their own: now
      // and then thousands of small ones lag behind. Credit bounds them.
      maxQueue: options.providers.reduce((sum, provider) => sum + provider.creditMax, 1),
      atomics: 'disabled', // with 'sync' an idle thread answers no PING and sees no GOAWAY
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: options.heapMbMax },
      workerData: data,
    });
    this.#pool.on('message', (message: unknown) => {
      if (isSettled(message)) this.#settled(message);
    });
    this.#pool.on('error', (error: unknown) => {
      this.#logger.error({ error: String(error) }, 'a publishing thread failed; another takes its place');
    });
  }

  execute(batch: PublishBatch, settle: BatchSettle): Promise<BatchReceipt> {
    const count = batch.notifications.length;
    assert(count > 0 && !this.#flights.has(batch.batchId), 'a batch has notifications and an id of its own');
    if (this.#draining) {
      for (let index = 0; index < count; index++) settle.settled(batch.batchId, index, unavailable('no', 'draining'));
      return Promise.resolve({ batchId: batch.batchId, settled: count });
    }
    return new Promise((complete) => {
      this.#hasSent = true;
      const { provider, revision } = batch;
      const done = new Uint8Array(count);
      this.#flights.set(batch.batchId, { provider, revision, settle, done, left: count, complete });
      const packed: PackedBatch = { ...batch, notifications: batch.notifications.map(packNotification) };
      this.#pool.run(packed, { name: 'publish' }).catch((error: unknown) => this.#threadLost(batch.batchId, error));
    });
  }

  async renew(provider: ProviderConfig, revision: number): Promise<boolean> {
    const { name } = provider;
    this.#data.providers = this.#data.providers.map((before) => (before.name === name ? provider : before));
    const channel = new BroadcastChannel(this.#controlChannel);
    const heard = new Set<number>();
    const endMs = this.#clock.monotonicMs() + limits.reloadHeardMs;
    const message: ControlMessage = { kind: 'renew', provider, revision };
    const isHeard = await new Promise<boolean>((resolve) => {
      let cancel: Cancel = () => undefined;
      // A thread that is still starting hears nothing: it is told until it answers.
      const tell = (): void => {
        if (this.#draining || this.#clock.monotonicMs() >= endMs) {
          resolve(false);
          return;
        }
        channel.postMessage(message);
        cancel = this.#clock.after(limits.reloadTellMs, tell);
      };
      channel.onmessage = (event: unknown) => {
        const thread = renewedThread(event, name, revision);
        if (thread === undefined || heard.add(thread).size < this.#threads) return;
        cancel();
        resolve(true);
      };
      tell();
    });
    channel.close();
    return isHeard;
  }

  async release(provider: ProviderName, revision: number): Promise<void> {
    if (this.#flies(provider, revision)) {
      await new Promise<void>((landed) => this.#releases.push({ provider, revision, landed }));
    }
    const message: ControlMessage = { kind: 'release', provider, revision, budgetMs: limits.reloadReleaseMs };
    const channel = new BroadcastChannel(this.#controlChannel);
    channel.postMessage(message);
    channel.close();
  }

  /** Whether a batch of an earlier revision has not ended. */
  #flies(provider: ProviderName, revision: number): boolean {
    for (const flight of this.#flights.values()) {
      if (flight.provider === provider && flight.revision < revision) return true;
    }
    return false;
  }

  async drain(budgetMs: number): Promise<void> {
    this.#draining = true;
    if (this.#flights.size > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.after(budgetMs, resolve);
        this.#idle = () => {
          cancel();
          resolve();
        };
      });
    }
    // Without a batch there is no session to close; and a thread that is still starting would not hear the question.
    if (this.#hasSent) await this.#closeSessions(budgetMs);
    for (const batchId of this.#flights.keys()) this.#giveUp(batchId, 'stopped before an answer came');
    await this.#pool.destroy();
  }

  /** Asks each thread to close its sessions in order, and waits for their word. */
  async #closeSessions(budgetMs: number): Promise<void> {
    const channel = new BroadcastChannel(this.#controlChannel);
    let answers = 0;
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.after(budgetMs, resolve);
      channel.onmessage = (event: unknown) => {
        if (!isDrained(event) || ++answers < this.#threads) return;
        cancel();
        resolve();
      };
      const message: ControlMessage = { kind: 'drain', budgetMs };
      channel.postMessage(message);
    });
    channel.close();
  }

  #settled(message: Settled): void {
    const { batchIds, indexes, outcomes } = message;
    let flight: Flight | undefined;
    let flightId = -1;
    for (let at = 0; at < batchIds.length; at++) {
      const batchId = batchIds[at];
      const index = indexes[at];
      const outcome = outcomes[at];
      if (batchId === undefined || index === undefined || outcome === undefined) continue;
      // The outcomes of one batch mostly come in a row, which one look-up serves.
      if (batchId !== flightId) {
        flight = this.#flights.get(batchId);
        flightId = batchId;
      }
      if (flight === undefined || flight.done[index] !== 0) continue;
      flight.done[index] = 1;
      flight.left--;
      flight.settle.settled(batchId, index, unpackOutcome(outcome));
      if (flight.left === 0) this.#landed(batchId, flight);
    }
  }

  #threadLost(batchId: number, error: unknown): void {
    if (!this.#flights.has(batchId)) return;
    this.#logger.error({ error: String(error) }, 'a publishing thread died with notifications in flight');
    this.#giveUp(batchId, 'the publishing thread died');
  }

  #giveUp(batchId: number, reason: string): void {
    const flight = this.#flights.get(batchId);
    if (flight === undefined) return;
    for (let index = 0; index < flight.done.length; index++) {
      if (flight.done[index] !== 0) continue;
      flight.done[index] = 1;
      flight.settle.settled(batchId, index, unavailable('unknown', reason));
    }
    this.#landed(batchId, flight);
  }

  #landedOld(): void {
    const done = this.#releases.filter(({ provider, revision }) => !this.#flies(provider, revision));
    if (done.length === 0) return;
    this.#releases = this.#releases.filter((waiting) => !done.includes(waiting));
    for (const { landed } of done) landed();
  }

  #landed(batchId: number, flight: Flight): void {
    this.#flights.delete(batchId);
    flight.complete({ batchId, settled: flight.done.length });
    if (this.#flights.size === 0) this.#idle?.();
    if (this.#releases.length > 0) this.#landedOld();
  }
}

function renewedThread(event: unknown, provider: ProviderName, revision: number): number | undefined {
  if (typeof event !== 'object' || event === null || !('data' in event)) return undefined;
  const { data } = event;
  if (typeof data !== 'object' || data === null || !('kind' in data) || data.kind !== 'renewed') return undefined;
  const isThis = 'provider' in data && data.provider === provider && 'revision' in data && data.revision === revision;
  return isThis && 'thread' in data && typeof data.thread === 'number' ? data.thread : undefined;
}

function isSettled(message: unknown): message is Settled {
  return typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'settled';
}

function isDrained(event: unknown): boolean {
  if (typeof event !== 'object' || event === null || !('data' in event)) return false;
  const { data } = event;
  return typeof data === 'object' && data !== null && 'kind' in data && data.kind === 'drained';
}
