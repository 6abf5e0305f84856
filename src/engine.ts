// Thread: main
/**
 * The composition root: builds every part in order and stops them in reverse. The only file that knows all names.
 * Actors at the root, in the order of their spawning: routers, shards, dispatchers; stopping goes the other way.
 */
import { readFileSync } from 'node:fs';
import { ActorSystem } from './actor/actor-system.ts';
import { checkedConfig } from './checked-config.ts';
import { EngineError } from './core/errors.ts';
import { systemClock } from './core/clock.ts';
import { limits } from './core/limits.ts';
import { silentLogger } from './core/log.ts';
import { unavailable } from './core/outcome.ts';
import { systemRandom } from './core/random.ts';
import { version } from './core/version.ts';
import { EmbeddedReplies } from './embedded-replies.ts';
import { dispatchers } from './engine-dispatchers.ts';
import { openDoors } from './engine-doors.ts';
import { spawnEvents } from './engine-events.ts';
import { EnginePublishing } from './engine-publishing.ts';
import { openStores } from './engine-stores.ts';
import { Templates } from './notification/templates.ts';
import { PluginChain } from './plugin/plugin-chain.ts';
import { servicesOf } from './publish/provider-routes.ts';
import { registrationActor } from './registration/registration-actor.ts';
import { shardOfCommand } from './registration/slots.ts';
import { routerActor } from './router/router-actor.ts';
import { routeSettings } from './router/route-settings.ts';
import { nearestSender } from './router/sender-choice.ts';
import { secretKeyOf } from './storage/secret-key.ts';
import { ComponentStream } from './xmpp/component-stream.ts';
import type { ActorRef } from './actor/actor.ts';
import type { EngineConfig, ServerConfig } from '../config/engine-config.ts';
import type { Clock } from './core/clock.ts';
import type { EventResult } from './core/event.ts';
import type { Logger } from './core/log.ts';
import type { Outcome } from './core/outcome.ts';
import type { Random } from './core/random.ts';
import type { Dispatchers, ProviderSource } from './engine-dispatchers.ts';
import type { Doors } from './engine-doors.ts';
import type { Events } from './engine-events.ts';
import type { EngineConfigInput } from '../config/provider-schema.ts';
import type { ReloadReport } from './engine-reload.ts';
import type { EngineFigures } from './engine-figures.ts';
import type { OpenStores, Stores } from './engine-stores.ts';
import type { EventDoor, PushAdmin } from './event/event-door.ts';
import type { EventInput } from './event/event-input.ts';
import type { Plugin } from './plugin/plugin.ts';
import type { PublishRequest } from './publish/publish-request.ts';
import type { RegistrationCommand } from './registration/commands.ts';
import type { CommandRoutes, Router } from './router/router.ts';
import type { RouterStream } from './router/router-stream.ts';
import type { EnabledStore } from './storage/enabled-store.ts';
import type { RegistrationStore } from './storage/registration-store.ts';

export interface EngineOptions {
  /** Asked in this order for each publish; none by default. */
  readonly plugins?: readonly Plugin[];
  /** Default: silent. */
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Streams without a socket, for benchmarks and the simulator; default: component streams. */
  readonly streams?: (server: ServerConfig, owner: Router) => readonly RouterStream[];
  /** Gateways that obey a script, on this thread, for the simulator; default: those of the configured kinds. */
  readonly providers?: ProviderSource;
  /** Open stores, one for each shard, for the simulator, whose disk fails when it wants; default: as configured. */
  readonly stores?: readonly RegistrationStore[];
  /** Of what users have enabled; as `stores`. */
  readonly enabledStore?: EnabledStore;
  /** An actor has failed too often to go on; by default the engine stops itself. */
  readonly failed?: (error: EngineError) => void;
}

type Stage = 'made' | 'starting' | 'running' | 'stopping' | 'stopped';

/** A push engine with its own actors, threads and store; see `createEngine` in index.ts. */
export class Engine {
  readonly #config: EngineConfig;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #streams: EngineOptions['streams'];
  readonly #source: ProviderSource | undefined;
  readonly #givenStores: Partial<Stores>;
  readonly #plugins: PluginChain | undefined;
  readonly #templates: Templates | undefined;
  readonly #system: ActorSystem;
  readonly #publishing: EnginePublishing;
  readonly #replies: EmbeddedReplies;
  readonly #routers = new Map<string, Router>();
  readonly #shards: ActorRef<RegistrationCommand>[] = [];
  #stores: OpenStores | undefined;
  #events: Events | undefined;
  #doors: Doors | undefined;
  #dispatchers: Dispatchers | undefined;
  #stage: Stage = 'made';
  #opening: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;
  /** Ends the wait of `start` for the first stream of each server. */
  readonly #stopWaiting: (() => void)[] = [];

  /** @throws EngineError E_PLUGIN_INVALID */
  constructor(config: EngineConfig, options: EngineOptions = {}) {
    this.#config = config;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#logger = options.logger ?? silentLogger;
    this.#streams = options.streams;
    this.#source = options.providers;
    const { stores, enabledStore } = options;
    this.#givenStores = {
      ...(stores === undefined ? {} : { shards: stores }),
      ...(enabledStore === undefined ? {} : { enabled: enabledStore }),
    };
    const plugins = options.plugins ?? [];
    this.#plugins = plugins.length === 0 ? undefined : new PluginChain(plugins, this.#clock, this.#logger);
    this.#templates = config.templates.length === 0 ? undefined : new Templates(config.templates);
    this.#publishing = new EnginePublishing({
      config,
      plugins: this.#plugins,
      logger: this.#logger,
      shards: this.#shards,
      sender: nearestSender(() => this.#routers.values()),
    });
    this.#replies = new EmbeddedReplies({ clock: this.#clock, random: this.#random, publishing: this.#publishing });
    const failed = options.failed ?? ((): void => void this.stop());
    this.#system = new ActorSystem({
      clock: this.#clock,
      logger: this.#logger,
      failed: (path, cause) => failed(new EngineError('E_ENGINE_STATE', `${path} failed too often`, { cause })),
    });
  }

  /**
   * Resolves when the store is open, the publishing threads are up, and every server has taken a stream, or has had ten
   * seconds to do so: then connecting goes on by itself.
   *
   * @throws EngineError E_ENGINE_STATE when called twice, or stopped meanwhile; E_STORE_... when the store cannot be
   *   opened.
   */
  async start(): Promise<void> {
    if (this.#stage !== 'made') throw new EngineError('E_ENGINE_STATE', `start() was called while ${this.#stage}`);
    this.#stage = 'starting';
    this.#opening = this.#open();
    await this.#opening;
    if (this.#stopping !== undefined) throw new EngineError('E_ENGINE_STATE', 'stop() was called during start()');
    this.#stage = 'running';
    for (const router of this.#routers.values()) router.open();
    await this.#openDoors();
    await Promise.all([...this.#routers.values()].map((router) => this.#onlineOrLate(router)));
  }

  async #open(): Promise<void> {
    const { engine, servers } = this.#config;
    const key = secretKeyOf(engine.secretKey, engine.dataDir, this.#random);
    const stores = await openStores(this.#config, this.#clock, this.#givenStores);
    this.#stores = stores;
    const parts = {
      config: this.#config,
      system: this.#system,
      clock: this.#clock,
      random: this.#random,
      logger: this.#logger,
    };
    for (const server of servers) this.#spawnRouter(server, key);
    this.#events = spawnEvents({
      ...parts,
      store: stores.enabled,
      publishing: this.#publishing,
      plugins: this.#plugins,
      templates: this.#templates,
    });
    stores.shards.forEach((store, index) => this.#shards.push(this.#spawnShard(store, index, key)));
    this.#dispatchers = dispatchers({
      ...parts,
      disable: (command) => this.#publishing.disable(command),
      source: this.#source,
    });
    this.#publishing.dispatchers = this.#dispatchers;
    await this.#system.started();
  }

  async #openDoors(): Promise<void> {
    if (this.#events === undefined) return;
    const { door, presenceReset } = this.#events;
    const [config, clock, random, logger] = [this.#config, this.#clock, this.#random, this.#logger];
    const figures = (): EngineFigures => this.figures();
    this.#doors = await openDoors({ config, door, clock, random, logger, presenceReset, figures });
  }

  /**
   * Publishes one notification past all registrations, and resolves with how it ended: never rejects for anything a
   * gateway, or its absence, can do. A request that no gateway could take is `rejected` without being sent.
   *
   * @throws EngineError E_ENGINE_STATE before start() and after stop().
   */
  async publish(request: PublishRequest): Promise<Outcome> {
    const [outcome] = await this.#publishMany('publish', [request]);
    return outcome ?? unavailable('no', 'stopping');
  }

  /**
   * Many at once, with one outcome for each, in order, when the last has come: the way for programs with much to send.
   * What the queue of a provider (16 384) cannot take is `unavailable`, `reached: 'no'`, at once.
   *
   * @param waitMs for requests that say nothing else; default 10 000.
   * @throws EngineError E_ENGINE_STATE before start() and after stop().
   */
  publishMany(requests: readonly PublishRequest[], waitMs?: number): Promise<readonly Outcome[]> {
    return this.#publishMany('publishMany', requests, waitMs);
  }

  #publishMany(what: string, requests: readonly PublishRequest[], waitMs?: number): Promise<readonly Outcome[]> {
    if (this.#stage === 'running') return this.#replies.publishMany(requests, waitMs);
    return Promise.reject(new EngineError('E_ENGINE_STATE', `${what}() was called while ${this.#stage}`));
  }

  /**
   * Tells the engine what happened to a user, and resolves with what became of it when all its publishes have ended, or
   * `waitMs` are over (default 10 000). Never rejects for what is in the event: see `EventResult`.
   *
   * @throws EngineError E_ENGINE_STATE before start() and after stop().
   */
  async onEvent(event: EventInput, waitMs?: number): Promise<EventResult> {
    const [result] = await this.#door('onEvent').onEvents([event], waitMs);
    return result ?? { kind: 'refused', reason: 'stopping' };
  }

  /** Many at once, with one result for each, in order. */
  async onEvents(events: readonly EventInput[], waitMs?: number): Promise<readonly EventResult[]> {
    return this.#door('onEvents').onEvents(events, waitMs);
  }

  /** What a user enables and disables, accounts and domains that are gone, and `<enable/>` and `<disable/>` as text. */
  get push(): PushAdmin {
    return this.#door('push');
  }

  #door(what: string): EventDoor {
    if (this.#stage !== 'running' || this.#events === undefined) {
      throw new EngineError('E_ENGINE_STATE', `${what} was called while ${this.#stage}`);
    }
    return this.#events.door;
  }

  /**
   * Takes over new keys, certificates and service accounts, and where the gateways are, without dropping a
   * notification. Each is tried at its gateway before the old one is let go; what fails is kept and told in the report,
   * as is what differs besides and needs a restart.
   *
   * @param config the whole configuration, as for `createEngine`.
   * @throws EngineError E_CONFIG_INVALID; E_ENGINE_STATE before start() and after stop(). Nothing has changed then.
   */
  async reload(config: EngineConfigInput): Promise<ReloadReport> {
    return this.reloadChecked(checkedConfig(config));
  }

  /** The same for a configuration that has been checked. */
  async reloadChecked(config: EngineConfig): Promise<ReloadReport> {
    if (this.#stage !== 'running' || this.#dispatchers === undefined) {
      throw new EngineError('E_ENGINE_STATE', `reload() was called while ${this.#stage}`);
    }
    return this.#dispatchers.reload(config);
  }

  /** Depths, counts and streams at this moment. */
  figures(): EngineFigures {
    return {
      routers: [...this.#routers.values()].map((router) => router.figures),
      shards: this.#shards.map(({ path, depth, capacity }) => ({ path, depth, capacity })),
      events: this.#events?.figures(),
      http: this.#doors?.httpFigures(),
      rabbits: this.#doors?.rabbitFigures() ?? [],
      dispatchers: this.#dispatchers?.figures() ?? [],
      embedded: this.#replies.size,
      actors: this.#system.counters,
      pluginThrows: Object.fromEntries(this.#plugins?.throws ?? []),
    };
  }

  /**
   * Stop is start reversed: new requests are answered `wait`, what flies ends or is told, streams are closed in order,
   * then threads, then the store. Tolerates being called before start, during it, and twice.
   *
   * @param budgetMs for what flies and waits; default: `engine.stop_ms`. Closing threads and streams in order comes on
   *   top of it, 2 s each at the most.
   */
  stop(budgetMs: number = this.#config.engine.stopMs): Promise<void> {
    this.#stopping ??= this.#stop(budgetMs);
    return this.#stopping;
  }

  async #stop(budgetMs: number): Promise<void> {
    this.#stage = 'stopping';
    for (const stopWaiting of this.#stopWaiting.splice(0)) stopWaiting();
    // What is half open cannot be closed in order; why it could not be opened is told by start().
    await this.#opening.catch(() => undefined);
    const endMs = this.#clock.monotonicMs() + budgetMs;
    const leftMs = (): number => Math.max(0, endMs - this.#clock.monotonicMs());
    for (const router of this.#routers.values()) router.beginClosing();
    await this.#doors?.close(leftMs());
    await Promise.all([...this.#routers.values()].map((router) => router.settled(leftMs())));
    await this.#dispatchers?.settled(leftMs());
    await this.#dispatchers?.drain(Math.max(limits.closeMs, leftMs()));
    await this.#system.stop(Math.max(limits.closeMs, leftMs()));
    await this.#stores?.close();
    this.#stage = 'stopped';
  }

  #spawnRouter(server: ServerConfig, key: Buffer): void {
    const routes: CommandRoutes = {
      shards: this.#shards,
      shardOf: (command) => shardOfCommand(command, this.#shards.length),
      events: () => this.#events?.ref,
    };
    const [clock, random, logger] = [this.#clock, this.#random, this.#logger];
    this.#system.spawn(
      routerActor(
        {
          server,
          settings: routeSettings({
            config: this.#config,
            server,
            services: new Set(this.#config.providers.flatMap(servicesOf)),
            version,
            key,
            clock,
            random,
          }),
          routes,
          iqReplyMs: this.#config.engine.iqReplyMs,
          random,
          logger,
          makeStreams: (owner) => this.#makeStreams(server, owner),
        },
        (router) => {
          this.#routers.set(server.name, router);
          if (this.#stage === 'running') router.open();
        },
      ),
    );
  }

  #makeStreams(server: ServerConfig, owner: Router): readonly RouterStream[] {
    if (this.#streams !== undefined) return this.#streams(server, owner);
    const ca = server.tls.caFile === '' ? '' : readFileSync(server.tls.caFile, 'utf8');
    const common = { server, clock: this.#clock, random: this.#random, logger: this.#logger, owner, ca };
    return Array.from({ length: server.connections }, (_, index) => new ComponentStream({ ...common, index }));
  }

  #spawnShard(store: RegistrationStore, index: number, key: Buffer): ActorRef<RegistrationCommand> {
    const { pushNodes, registrations, notifications } = this.#config;
    return this.#system.spawn(
      registrationActor({
        name: `registrations/shard-${String(index).padStart(2, '0')}`,
        store,
        secretKey: key,
        nodeIds: pushNodes.nodeIds,
        rules: { strictErrors: pushNodes.strictErrors, perOwnerMax: registrations.perOwnerMax },
        notifications,
        templates: this.#templates,
        random: this.#random,
        logger: this.#logger,
        dispatch: (registration, notification, command) =>
          this.#publishing.dispatch(registration, notification, command),
      }),
    );
  }

  #onlineOrLate(router: Router): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(limits.handshakeMs, () => {
        this.#logger.warn({ server: router.figures.server }, 'no stream yet; connecting goes on');
        resolve();
      });
      const waited = (): void => {
        cancel();
        resolve();
      };
      this.#stopWaiting.push(waited);
      void router.isOnline().then(waited);
    });
  }
}
