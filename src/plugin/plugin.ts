// Thread: main
/**
 * The port for programs that decide about publishes themselves. Callbacks run on the main thread, synchronously, in the
 * turn of the publish: one that needs I/O keeps a cache of its own. A callback that is left out changes nothing; one
 * that throws costs its own event only: that event goes on as if the plugin were not there, and the throw is counted.
 */
import type { FullJID } from '../core/ids.ts';
import type { Notification } from '../core/notification.ts';
import type { Registration } from '../core/registration.ts';

/** A publish that has passed all checks and is about to be handed to a gateway. */
export interface PublishEvent {
  readonly kind: 'publish';
  /** The publisher. */
  readonly from: FullJID;
  readonly registration: Registration;
}

export interface Plugin {
  /** For logs and counters. */
  readonly name: string;
  /**
   * Which of the registrations are to be pushed. None left: nothing is sent, and the publisher is answered `result`.
   */
  shouldPublish?(event: PublishEvent, registrations: readonly Registration[]): readonly Registration[];
  /** The notification to send instead of the one prepared, or `skip`: nothing is sent, and the answer is `result`. */
  prepareNotification?(event: PublishEvent, notification: Notification): Notification | 'skip';
}
