// Thread: main
/** The message union of the dispatchers. */
import type { EpochMs, NodeId } from '../core/ids.ts';
import type { Notification } from '../core/notification.ts';
import type { CommandReply } from '../registration/commands.ts';

export interface PublishMessage {
  readonly kind: 'publish';
  readonly notification: Notification;
  /** The registration's node, to be disabled when the token is dead; `''` when there is no registration. */
  readonly node: NodeId | '';
  /** When the asker stops waiting. */
  readonly deadlineMs: EpochMs;
  /** Answered exactly once, with kind `published`. */
  readonly reply: CommandReply;
  readonly tag: number;
}

export type DispatchMessage = PublishMessage;
