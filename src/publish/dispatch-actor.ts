// Thread: main
/**
 * One actor for each provider: takes publish messages as credit allows, attaches the authorization, hands batches to
 * the executor, and settles. Credit counts notifications in flight, those that wait for a retry included, so that one
 * slow gateway fills this mailbox and nothing else.
 */
import { Dispatcher } from './dispatcher.ts';
import { unavailable } from '../core/outcome.ts';
import { limits } from '../core/limits.ts';
import type { DispatcherOptions } from './dispatcher.ts';
import type { DispatchMessage } from './commands.ts';
import type { ActorSpec, Lost } from '../actor/actor.ts';
import type { Outcome } from '../core/outcome.ts';

/** @param made receives the dispatcher at every (re)start, for figures and draining. */
export function dispatchActor(
  options: DispatcherOptions,
  made: (dispatcher: Dispatcher) => void,
): ActorSpec<DispatchMessage, Dispatcher> {
  let current: Dispatcher | undefined;
  return {
    name: `dispatch/${options.provider}`,
    mailbox: { capacity: limits.dispatcherMailbox, batchMax: limits.dispatcherTurnMax },
    supervision: { kind: 'restart', restartsMax: 10, windowMs: 60_000, backoffMs: [10, 1_000] },
    init(context) {
      const dispatcher = new Dispatcher(options, context.clock, () => context.self.depth);
      current = dispatcher;
      made(dispatcher);
      return dispatcher;
    },
    receive: (dispatcher, batch) => dispatcher.take(batch),
    lost(message, cause) {
      if (current?.hasSent(message) === true) return;
      message.reply.answered(message.tag, { kind: 'published', outcome: lostOutcome(cause) });
    },
    stop: (dispatcher) => dispatcher.stop(),
  };
}

function lostOutcome(cause: Lost): Outcome {
  return cause.kind === 'stopped' ? unavailable('no', 'stopping') : unavailable('unknown', 'the dispatcher failed');
}
