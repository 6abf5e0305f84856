// Thread: main
/**
 * The XMPP server's half of the engine: the event actor with everything it decides by, and the door for those who are
 * no actors. Built by engine.ts.
 */
import { optionsProblem, publishProblem } from './event/check-options.ts';
import { pushDecider } from './event/decide-push.ts';
import { eventActor } from './event/event-actor.ts';
import { EventDoor } from './event/event-door.ts';
import { MessageDedupe } from './event/message-dedupe.ts';
import { PresenceTable, clientStateFrom, statusFrom } from './event/presence-table.ts';
import { PushServices } from './event/push-services.ts';
import { noNotifierFigures } from './event/notifier-figures.ts';
import { registrationFilter } from './event/registration-filter.ts';
import { VirtualHosts } from './event/virtual-hosts.ts';
import { providerRoutes } from './publish/provider-routes.ts';
import type { ActorRef } from './actor/actor.ts';
import type { ActorSystem } from './actor/actor-system.ts';
import type { EngineConfig } from '../config/engine-config.ts';
import type { Clock } from './core/clock.ts';
import type { Logger } from './core/log.ts';
import type { Random } from './core/random.ts';
import type { EventActorMessage } from './event/commands.ts';
import type { EventPublishing } from './event/event-publisher.ts';
import type { Notifier } from './event/notifier.ts';
import type { NotifierFigures } from './event/notifier-figures.ts';
import type { Templates } from './notification/templates.ts';
import type { PushServiceFigures } from './event/push-services.ts';
import type { PluginChain } from './plugin/plugin-chain.ts';
import type { EnabledStore } from './storage/enabled-store.ts';

export interface EventsOptions {
  readonly config: EngineConfig;
  readonly system: ActorSystem;
  readonly store: EnabledStore;
  readonly publishing: EventPublishing;
  readonly plugins: PluginChain | undefined;
  readonly templates: Templates | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface EventFigures extends NotifierFigures {
  readonly mailbox: { readonly depth: number; readonly capacity: number };
  /** Calls of programs, HTTP and brokers that wait. */
  readonly waiting: number;
  /** Sessions that are known to be online, and users known to be offline. */
  readonly presence: number;
  /** How push services answer, our own included. */
  readonly pushServices: PushServiceFigures;
}

export interface Events {
  readonly ref: ActorRef<EventActorMessage>;
  readonly door: EventDoor;
  /** Nobody knows any more which users of these domains are online. False: the actor has no room for that now. */
  readonly presenceReset: (domains: readonly string[]) => boolean;
  figures(): EventFigures;
}

const hourMs = 3_600_000;

export function spawnEvents(options: EventsOptions): Events {
  const { config, system, clock, random, plugins, templates, store, publishing, logger } = options;
  const { push, notifications } = config;
  const presence = new PresenceTable({ remembersOffline: push.unknownStatus === 'online' });
  const hosts = new VirtualHosts(
    push.virtualHosts,
    config.servers.map((server) => server.domain),
  );
  const routes = providerRoutes(config.providers);
  const pushServices = pushServicesOf(options);
  let notifier: Notifier | undefined;
  const ref = system.spawn(
    eventActor(
      {
        store,
        push,
        presence,
        decide: pushDecider(push, statusFrom(presence, push.unknownStatus), {
          clientStateOf: clientStateFrom(presence),
          lifeMs: notifications.timeToLiveSeconds * 1_000,
        }),
        refusalOf: registrationFilter(presence),
        rules: {
          hosts,
          services: pushServices,
          dedupe: new MessageDedupe(clock, push.dedupeSeconds * 1_000),
          notifications,
          templates,
        },
        publishing,
        optionsProblem({ service, owner, node, options: given }) {
          if (!hosts.isOurs(service, owner)) return publishProblem(node, given);
          return optionsProblem(given, (...asked) => routes.select(...asked) !== undefined);
        },
        plugins,
        random,
        logger,
      },
      (made) => {
        notifier = made;
      },
    ),
  );
  const door = new EventDoor(ref, clock);
  return {
    ref,
    door,
    presenceReset: (domains) => ref.tell({ kind: 'presence-reset', domains }) !== 'full',
    figures: () => ({
      ...(notifier?.figures ?? noNotifierFigures),
      mailbox: { depth: ref.depth, capacity: ref.capacity },
      waiting: door.size,
      presence: presence.size,
      pushServices: pushServices.figures,
    }),
  };
}

function pushServicesOf({ config: { push }, clock, random }: EventsOptions): PushServices {
  return new PushServices({
    clock,
    random,
    refusalsMax: push.deregisterRefusals,
    refusalMs: push.deregisterHours * hourMs,
    waitMs: push.iqWaitMs,
  });
}
