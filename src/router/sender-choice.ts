// Thread: main
/**
 * Which server carries a publish for a user: his own, where it lets us speak in his name; else the one that delegated
 * his domain to us; else any, for a push service is reached through each of them.
 */
import { domainOf } from '../core/jid.ts';
import type { IqSender } from '../event/commands.ts';

/** How near a server is to a user; 0: none of its streams is up. */
export type Nearness = 0 | 1 | 2 | 3;

export interface NearSender extends IqSender {
  nearness(domain: string): Nearness;
}

/** @param senders asked for each publish: servers may be added while the engine starts. */
export function nearestSender(senders: () => Iterable<NearSender>): IqSender {
  return {
    sendPublish(iq, reply, tag) {
      const domain = domainOf(iq.account);
      let nearest: NearSender | undefined;
      let most: Nearness = 0;
      for (const sender of senders()) {
        const nearness = sender.nearness(domain);
        if (nearness <= most) continue;
        nearest = sender;
        most = nearness;
      }
      return nearest === undefined ? 'offline' : nearest.sendPublish(iq, reply, tag);
    },
  };
}
