// Thread: main
/**
 * Where publishes go: from a shard or an event to the dispatcher of a gateway, from an event to a shard or a stream of
 * an XMPP server, and back from a dispatcher to the shard whose device is dead. Built by engine.ts; the actors it leads
 * to come into being after it.
 */
import { providerRoutes } from './publish/provider-routes.ts';
import { shardOfCommand } from './registration/slots.ts';
import type { ActorRef, Admission } from './actor/actor.ts';
import type { EngineConfig } from '../config/engine-config.ts';
import type { Logger } from './core/log.ts';
import type { Notification } from './core/notification.ts';
import type { Registration } from './core/registration.ts';
import type { Dispatchers } from './engine-dispatchers.ts';
import type { IqAdmission, IqReply, IqSender, PublishIq } from './event/commands.ts';
import type { EventPublishing } from './event/event-publisher.ts';
import type { PluginChain } from './plugin/plugin-chain.ts';
import type { DispatchMessage } from './publish/commands.ts';
import type { ProviderRoutes } from './publish/provider-routes.ts';
import type { DisableCommand, PublishCommand, RegistrationCommand } from './registration/commands.ts';

export interface EnginePublishingOptions {
  readonly config: EngineConfig;
  readonly plugins: PluginChain | undefined;
  readonly logger: Logger;
  /** Filled when they are spawned. */
  readonly shards: readonly ActorRef<RegistrationCommand>[];
  /** The XMPP servers, by which publishes reach push services that are not ours. */
  readonly sender: IqSender;
}

interface ToDevice extends Pick<PublishCommand, 'deadlineMs' | 'reply' | 'tag'> {
  /** Of the provider, asked for by a program; events ask for none. */
  readonly tags?: readonly string[] | undefined;
}

export class EnginePublishing implements EventPublishing {
  readonly #options: EnginePublishingOptions;
  readonly #providers: ProviderRoutes;
  /** Set when they are spawned. */
  dispatchers: Dispatchers | undefined;

  constructor(options: EnginePublishingOptions) {
    this.#options = options;
    this.#providers = providerRoutes(options.config.providers);
  }

  /** `undefined`: no configured provider serves it. */
  #dispatcherFor(
    { service, mode }: Notification,
    app: string,
    tags?: readonly string[],
  ): ActorRef<DispatchMessage> | undefined {
    const provider = this.#providers.select(service, mode, app, tags);
    return provider === undefined ? undefined : this.dispatchers?.refs.get(provider);
  }

  /** What a shard has prepared for one of its registrations. */
  dispatch(registration: Registration, prepared: Notification, command: PublishCommand): Admission | 'no-provider' {
    const { plugins } = this.#options;
    let notification = prepared;
    if (plugins !== undefined) {
      const next = plugins.rewrite({ kind: 'publish', from: command.from, registration }, prepared);
      if (next === 'skip') {
        command.reply.answered(command.tag, { kind: 'done' });
        return 'accepted';
      }
      notification = next;
    }
    const app = notification.topic === '' ? registration.app : notification.topic;
    const dispatcher = this.#dispatcherFor(notification, app);
    if (dispatcher === undefined) return 'no-provider';
    const { deadlineMs, reply, tag } = command;
    return dispatcher.tell({ kind: 'publish', notification, node: registration.node, deadlineMs, reply, tag });
  }

  disable(command: DisableCommand): Admission {
    const { shards, logger } = this.#options;
    const admission = shards[shardOfCommand(command, shards.length)]?.tell(command) ?? 'stopped';
    if (admission !== 'accepted') logger.warn({ admission }, 'a dead token could not be marked yet');
    return admission;
  }

  toDevice(
    notification: Notification,
    app: string,
    { deadlineMs, reply, tag, tags }: ToDevice,
  ): Admission | 'no-provider' {
    const dispatcher = this.#dispatcherFor(notification, app, tags);
    if (dispatcher === undefined) return 'no-provider';
    return dispatcher.tell({ kind: 'publish', notification, node: '', deadlineMs, reply, tag });
  }

  toNode(command: PublishCommand): Admission {
    const { shards } = this.#options;
    return shards[shardOfCommand(command, shards.length)]?.tell(command) ?? 'stopped';
  }

  sendPublish(iq: PublishIq, reply: IqReply, tag: number): IqAdmission {
    return this.#options.sender.sendPublish(iq, reply, tag);
  }
}
