// Thread: main
/**
 * The port for programs that decide for themselves who is pushed, with what, and how. Callbacks run on the main thread,
 * synchronously, in the turn of the event: one that needs I/O keeps a cache of its own. A callback that is left out
 * changes nothing; one that throws, or gives what its type does not allow, costs its own event only, as if it had been
 * left out for it, and is counted and logged. The first three are MongooseIM's (mongooseim 2.13) and are asked in its
 * order; plugins are asked in theirs.
 */
import type { EnabledRegistration } from '../core/enabled.ts';
import type { MessageEvent } from '../core/event.ts';
import type { FullJID } from '../core/ids.ts';
import type { Notification, Summary } from '../core/notification.ts';
import type { Registration } from '../core/registration.ts';

/** A publish that has passed all checks and is about to be handed to a gateway. */
export interface PublishEvent {
  readonly kind: 'publish';
  /** The publisher. */
  readonly from: FullJID;
  readonly registration: Registration;
}

/**
 * Publishes as Meerkat does it, as soon as the plugins behind this one have been asked; to be called before
 * `publishNotification` returns, once for each registration, with registrations as they were given.
 */
export type PublishNext = (summary: Summary, registrations: readonly EnabledRegistration[]) => void;

export interface Plugin {
  /** For logs and counters. */
  readonly name: string;
  /**
   * What push services are told about a message that is to be pushed, or `skip`. Before any registration is read. A
   * changed summary is a copy with all of its fields: `{ ...summary, lastMessageBody: 'Hello' }`.
   */
  prepareNotification?(event: MessageEvent, summary: Summary): Summary | 'skip';
  /** Which of the recipient's registrations are pushed: a part of those given. */
  shouldPublish?(event: MessageEvent, registrations: readonly EnabledRegistration[]): readonly EnabledRegistration[];
  /**
   * Takes over the publish, if there is a registration to publish to. Registrations that it does not give to `next` are
   * the plugin's own: they count as accepted. After a fault, those not given to `next` yet are published all the same.
   */
  publishNotification?(
    event: MessageEvent,
    summary: Summary,
    registrations: readonly EnabledRegistration[],
    next: PublishNext,
  ): void;
  /**
   * The notification to send to a device instead of the one made of a publish that an XMPP server sent to one of our
   * push nodes; or `skip`: nothing is sent, and the publisher is answered `result`.
   */
  rewriteNotification?(publish: PublishEvent, notification: Notification): Notification | 'skip';
}
