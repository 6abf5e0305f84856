// Thread: main
/** The message union of the dispatchers. */
import type { EpochMs, NodeId } from '../core/ids.ts';
import type { Notification } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';

/** Who waits for outcomes; `tag` is its own number for the notification. */
export interface PublishReply {
  /** Called exactly once for each publish message that was accepted. */
  published(tag: number, outcome: Outcome): void;
}

export interface PublishMessage {
  readonly kind: 'publish';
  readonly notification: Notification;
  /** The registration's node, to be disabled when the token is dead; `''` when there is no registration. */
  readonly node: NodeId | '';
  /** When the asker stops waiting. */
  readonly deadlineMs: EpochMs;
  readonly reply: PublishReply;
  readonly tag: number;
}

export type DispatchMessage = PublishMessage;
