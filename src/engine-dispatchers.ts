// Thread: main
/**
 * The publishing half of the engine: one dispatcher for each configured provider, its credential, and the threads the
 * providers run in. Built by engine.ts.
 */
import { certificateLives } from '../config/certificate-life.ts';
import { Keepers } from './engine-credentials.ts';
import { watchCertificates } from './engine-expiry.ts';
import { reloadProviders } from './engine-reload.ts';
import { dispatchActor } from './publish/dispatch-actor.ts';
import { InlineExecutor } from './publish/inline-executor.ts';
import { quotaPaces } from './publish/quota-gate.ts';
import { RefusalPattern } from './publish/refusal-pattern.ts';
import { WorkerPoolExecutor } from './publish/worker-pool-executor.ts';
import { createProvider, credentialSourceOf, withoutSigningKeys } from './provider/provider-kinds.ts';
import type { ActorRef, Admission } from './actor/actor.ts';
import type { ActorSystem } from './actor/actor-system.ts';
import type { EngineConfig, ProviderConfig } from '../config/engine-config.ts';
import type { Clock } from './core/clock.ts';
import type { ProviderName } from './core/ids.ts';
import type { Logger } from './core/log.ts';
import type { Random } from './core/random.ts';
import type { CredentialSource, Provider, ProviderContext } from './provider/provider.ts';
import type { Place, ReloadReport } from './engine-reload.ts';
import type { DispatchMessage } from './publish/commands.ts';
import type { DispatchFigures } from './publish/dispatch-figures.ts';
import type { Dispatcher } from './publish/dispatcher.ts';
import type { Executor } from './publish/executor.ts';
import type { DisableCommand } from './registration/commands.ts';

/** Where providers and their credentials come from. */
export interface ProviderSource {
  readonly create: (config: ProviderConfig, context: ProviderContext) => Provider;
  readonly credentials: (config: ProviderConfig, clock: Clock) => CredentialSource | undefined;
}

export interface DispatchersOptions {
  readonly config: EngineConfig;
  readonly system: ActorSystem;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Takes over the answer once `accepted`. */
  readonly disable: (command: DisableCommand) => Admission;
  /** `undefined`: those of the configured kinds, in threads. Given ones run on this thread. */
  readonly source: ProviderSource | undefined;
}

export interface Dispatchers {
  readonly refs: ReadonlyMap<ProviderName, ActorRef<DispatchMessage>>;
  figures(): readonly DispatchFigures[];
  /** Takes over the credentials of another configuration; calls wait for one another. */
  reload(next: EngineConfig): Promise<ReloadReport>;
  /** Resolves when nothing is in flight, at the latest after `budgetMs`. */
  settled(budgetMs: number): Promise<void>;
  /** Closes sessions and threads. */
  drain(budgetMs: number): Promise<void>;
}

// How often an orderly stop looks whether all is settled.
const lookMs = 20;

export function dispatchers(options: DispatchersOptions): Dispatchers {
  const { config, system, clock, random, logger, disable } = options;
  const executor = executorOf(options);
  const places = new Map<ProviderName, Place>();
  const refs = new Map<ProviderName, ActorRef<DispatchMessage>>();
  const current = new Map<ProviderName, Dispatcher>();
  const keepers = new Keepers({
    config,
    clock,
    random,
    logger,
    sourceOf: options.source?.credentials ?? credentialSourceOf,
  });
  const paceOf = quotaPaces(config.providers, clock.monotonicMs());
  for (const provider of config.providers) {
    const place: Place = { config: provider, access: { keeper: keepers.take(provider), revision: 0 } };
    places.set(provider.name, place);
    const { access } = place;
    const { name, mode, creditMax, requestMs } = provider;
    const refusals = new RefusalPattern({ provider: name, mode, logger });
    const collapses = provider.kind !== 'mongoosepush'; // its API has no field for it
    const spec = dispatchActor(
      {
        ...{ provider: name, executor, access, pace: paceOf(provider), collapses },
        ...{ creditMax, requestMs, random, logger, refusals, disable },
      },
      (dispatcher) => current.set(name, dispatcher),
    );
    refs.set(name, system.spawn(spec));
    void access.keeper?.mint(); // ready before the first publish, where it can be
  }
  const figures = (): DispatchFigures[] => [...current.values()].map((dispatcher) => dispatcher.figures);
  const isIdle = (): boolean =>
    figures().every((figure) => figure.inFlight === 0 && figure.waiting === 0 && figure.held === 0);
  const stopWatching = watchCertificates(
    () => certificateLives({ http: config.http, providers: [...places.values()].map((place) => place.config) }),
    clock,
    logger,
  );
  const create = options.source?.create ?? createProvider;
  const stopping = new AbortController();
  const parts = { places, keepers, executor, create, clock, random, logger, stopping: stopping.signal };
  let reloading: Promise<unknown> = Promise.resolve();
  return {
    refs,
    figures,
    reload(next) {
      const reloaded = reloading.then(() => reloadProviders(config, next, parts));
      reloading = reloaded.catch(() => undefined);
      return reloaded;
    },
    settled: (budgetMs) => untilTrue(isIdle, clock, budgetMs),
    async drain(budgetMs) {
      stopping.abort();
      stopWatching();
      await executor.drain(budgetMs);
      await keepers.close();
    },
  };
}

/** Threads, or this thread when none is configured. */
function executorOf({ config, clock, random, logger, source }: DispatchersOptions): Executor {
  const { providers, workers } = config;
  if (workers.threads === 0 || providers.length === 0 || source !== undefined) {
    const create = source?.create ?? createProvider;
    return new InlineExecutor(providers, (provider, settle) =>
      create(provider, { name: provider.name, clock, random, settle }),
    );
  }
  const { threads, heapMbMax } = workers;
  return new WorkerPoolExecutor({ threads, heapMbMax, providers: providers.map(withoutSigningKeys), clock, logger });
}

/** For an orderly stop only: nothing else in the engine waits by looking. */
async function untilTrue(condition: () => boolean, clock: Clock, budgetMs: number): Promise<void> {
  const endMs = clock.monotonicMs() + budgetMs;
  while (!condition() && clock.monotonicMs() < endMs) {
    await new Promise<void>((resolve) => clock.after(lookMs, resolve));
  }
}
