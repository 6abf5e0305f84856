// Thread: main
/** The message union of the dispatchers. */
import type { NodeId } from '../core/ids.ts';
import type { Notification } from '../core/notification.ts';
import type { CommandReply } from '../registration/commands.ts';

export interface PublishMessage {
  readonly kind: 'publish';
  readonly notification: Notification;
  /** The registration's node, to be disabled when the token is dead; `''` when there is no registration. */
  readonly node: NodeId | '';
  /** Monotonic ms: when the asker stops waiting. Wall time may jump while it waits. */
  readonly deadlineMs: number;
  /** Answered exactly once, with kind `published`. */
  readonly reply: CommandReply;
  readonly tag: number;
}

export type DispatchMessage = PublishMessage;
