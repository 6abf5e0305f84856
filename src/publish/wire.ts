// Thread: any
/**
 * Everything that crosses the thread boundary, types only: plain data for structured clone. Notifications and outcomes
 * are packed for the crossing (notification-pack.ts); JSON text and transferred bytes were no better.
 */
import type { ProviderConfig } from '../../config/engine-config.ts';
import type { EpochMs, ProviderName } from '../core/ids.ts';
import type { Notification } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';

/** What an executor is given. */
export interface PublishBatch {
  /** Unique in this process; names the batch in `Settled`. */
  readonly batchId: number;
  readonly provider: ProviderName;
  /** Which of the provider's credentials `authorization` belongs to: 0 at the start, one more at each reload. */
  readonly revision: number;
  readonly authorization: string;
  readonly deadlineMs: EpochMs;
  readonly notifications: readonly Notification[];
}

/** Main → worker, as the task of a Piscina `run`. */
export type PackedBatch = Omit<PublishBatch, 'notifications'> & {
  readonly notifications: readonly PackedNotification[];
};

/** The values of a notification, in the order of its fields. */
export type PackedNotification = readonly [
  id: Notification['id'],
  kind: Notification['kind'],
  service: Notification['service'],
  mode: Notification['mode'],
  token: string,
  topic: string,
  priority: Notification['priority'],
  title: string,
  body: string,
  badge: number,
  sound: string,
  category: string,
  thread: string,
  collapseId: string,
  mutableContent: boolean,
  expiresAtMs: EpochMs,
  /** `undefined` for `noData`. */
  data: Notification['data'] | undefined,
  pushType: Notification['pushType'],
  interruptionLevel: Notification['interruptionLevel'],
  tokenKind: Notification['tokenKind'],
  /** `undefined` for `noParts`. */
  parts: Notification['parts'] | undefined,
];

/** A string is the gateway's id of an accepted notification. */
export type PackedOutcome = Exclude<Outcome, { kind: 'accepted' }> | string;

/** Worker → main, one for each turn of the worker's event loop in which something ended. */
export interface Settled {
  readonly kind: 'settled';
  /** Same length each: outcome i belongs to notification `indexes[i]` of batch `batchIds[i]`. */
  readonly batchIds: readonly number[];
  readonly indexes: readonly number[];
  readonly outcomes: readonly PackedOutcome[];
}

/** Worker → main, when `run` resolves: every notification of the batch has been settled before. */
export interface BatchReceipt {
  readonly batchId: number;
  readonly settled: number;
}

/** What a publishing thread is given when it starts. */
export interface PublishingThreadData {
  readonly providers: readonly ProviderConfig[];
  /**
   * The name of the BroadcastChannel by which the threads of one pool are told what follows (Piscina owns the direct
   * ports). Each pool has a name of its own: two engines may run in one process.
   */
  readonly controlChannel: string;
}

export type ControlMessage =
  /** Main → threads: close all connections. */
  | { readonly kind: 'drain'; readonly budgetMs: number }
  | { readonly kind: 'drained' }
  /** Main → threads: batches of this revision are for a provider made from this. Told again until all have answered. */
  | { readonly kind: 'renew'; readonly provider: ProviderConfig; readonly revision: number }
  | { readonly kind: 'renewed'; readonly provider: ProviderName; readonly revision: number; readonly thread: number }
  /** Main → threads: no batch of an earlier revision comes any more. Nobody waits for an answer. */
  | {
      readonly kind: 'release';
      readonly provider: ProviderName;
      readonly revision: number;
      readonly budgetMs: number;
    };
