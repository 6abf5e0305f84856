// Thread: main
/**
 * The one actor of the XMPP server's half of XEP-0357: what users have enabled, what happened to them, and who is told.
 * It owns the enabled registrations: everything that changes one comes through this mailbox.
 */
import { unreachable } from '../core/assert.ts';
import { limits } from '../core/limits.ts';
import { Notifier } from './notifier.ts';
import type { EventActorMessage } from './commands.ts';
import type { NotifierOptions } from './notifier.ts';
import type { ActorSpec, Lost } from '../actor/actor.ts';

/** @param made receives the state at every (re)start, for figures. */
export function eventActor(
  options: NotifierOptions,
  made: (notifier: Notifier) => void,
): ActorSpec<EventActorMessage, Notifier> {
  // `lost` has no state at hand, and only the notifier knows which of the batch it has taken over before it failed.
  let current: Notifier | undefined;
  return {
    name: 'events',
    mailbox: { capacity: limits.eventMailbox, batchMax: limits.eventBatchMax },
    supervision: { kind: 'restart', restartsMax: 10, windowMs: 60_000, backoffMs: [10, 1_000] },
    init(context) {
      current?.stop();
      const notifier = new Notifier(options, context.clock, context.self);
      current = notifier;
      made(notifier);
      context.after(limits.sweepEveryMs, { kind: 'sweep' });
      return notifier;
    },
    receive(notifier, batch, context) {
      if (batch.some((message) => message.kind === 'sweep')) context.after(limits.sweepEveryMs, { kind: 'sweep' });
      return notifier.take(batch);
    },
    lost(message, cause) {
      if (message.kind === 'sweep' || message.kind === 'presence-reset' || current?.giveUp(message) === false) return;
      const refusal = refusalFor(cause);
      if (message.kind === 'event') message.reply.ended(message.tag, { kind: 'refused', reason: refusal });
      else message.reply.answeredEnabled(message.tag, { kind: 'refused', refusal });
    },
    stop: (notifier) => notifier.stop(),
  };
}

function refusalFor(cause: Lost): 'store-failed' | 'stopping' {
  switch (cause.kind) {
    case 'failed':
      return 'store-failed';
    case 'stopped':
      return 'stopping';
    default:
      return unreachable(cause);
  }
}
