// Thread: main
/**
 * One actor for each XMPP server: chunks in, commands to the shards, replies out. Its mailbox is what pauses a socket:
 * chunks of at most 64 KiB, parsed one batch a turn.
 */
import { limits } from '../core/limits.ts';
import { Router } from './router.ts';
import type { RouterMessage, RouterOptions } from './router.ts';
import type { ActorSpec } from '../actor/actor.ts';

/** @param made receives the router at every (re)start. */
export function routerActor(options: RouterOptions, made: (router: Router) => void): ActorSpec<RouterMessage, Router> {
  return {
    name: `router/${options.server.name}`,
    mailbox: { capacity: limits.routerMailbox, batchMax: limits.routerTurnMax },
    supervision: { kind: 'restart', restartsMax: 5, windowMs: 60_000, backoffMs: [100, 5_000] },
    init(context) {
      const router = new Router(options, context.self, context.clock);
      made(router);
      return router;
    },
    receive: (router, batch) => router.take(batch),
    // Bytes that nobody has read: whoever sent them gets no answer, and the streams are opened anew.
    lost: () => undefined,
    stop: (router) => router.close(),
  };
}
