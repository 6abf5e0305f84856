// Thread: main
/**
 * New credentials for running providers: each is tried first, then the threads are told, then the dispatcher changes
 * over, and what was in flight with the old one ends where it began. Whatever fails leaves the old one in place.
 * Everything else that differs is named, as it needs a restart.
 */
import { isDeepStrictEqual } from 'node:util';
import { certificateEndMs } from '../config/certificate-life.ts';
import { tryCredential } from './publish/credential-trial.ts';
import { withoutSigningKeys } from './provider/provider-kinds.ts';
import type { ApnsConfig, EngineConfig, FcmConfig, ProviderConfig } from '../config/engine-config.ts';
import type { Clock } from './core/clock.ts';
import type { ProviderName } from './core/ids.ts';
import type { Logger } from './core/log.ts';
import type { Random } from './core/random.ts';
import type { Keepers } from './engine-credentials.ts';
import type { Provider, ProviderContext } from './provider/provider.ts';
import type { ProviderAccess } from './publish/dispatcher.ts';
import type { CredentialKeeper } from './publish/credential-keeper.ts';
import type { Executor } from './publish/executor.ts';

/** What became of one provider. */
export type ProviderReload =
  | { readonly provider: string; readonly kind: 'unchanged' | 'renewed' }
  /** It goes on with what it had. */
  | { readonly provider: string; readonly kind: 'kept'; readonly why: string };

export interface ReloadReport {
  /** False when a provider was kept. */
  readonly ok: boolean;
  readonly providers: readonly ProviderReload[];
  /** Keys and sections that differ, and would be obeyed after a restart: `http`, `providers.apns-prod.apps`. */
  readonly restart: readonly string[];
}

/** A running provider. */
export interface Place {
  config: ProviderConfig;
  access: { -readonly [K in keyof ProviderAccess]: ProviderAccess[K] };
}

export interface ReloadParts {
  readonly places: ReadonlyMap<ProviderName, Place>;
  readonly keepers: Keepers;
  readonly executor: Executor;
  readonly create: (config: ProviderConfig, context: ProviderContext) => Provider;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The engine stops: a reload that is under way has come too late. */
  readonly stopping: AbortSignal;
}

type Gateway = ApnsConfig | FcmConfig;

const tooLate = 'the engine is stopping';

/** One at a time: whoever calls sees to it. Never rejects for what is in the configuration. */
export async function reloadProviders(
  before: EngineConfig,
  next: EngineConfig,
  parts: ReloadParts,
): Promise<ReloadReport> {
  const providers: ProviderReload[] = [];
  const restart = changedSections(before, next);
  for (const [name, place] of parts.places) {
    const wanted = next.providers.find((one) => one.name === name);
    if (wanted === undefined) {
      restart.push(`providers.${name}`);
      providers.push({ provider: name, kind: 'unchanged' });
      continue;
    }
    restart.push(...restartKeys(place.config, wanted).map((key) => `providers.${name}.${key}`));
    const why = await reloadOne(place, wanted, parts);
    if (why === undefined) providers.push({ provider: name, kind: 'unchanged' });
    else providers.push(why === '' ? { provider: name, kind: 'renewed' } : { provider: name, kind: 'kept', why });
    if (why === '') parts.logger.info({ provider: name }, 'a new credential has taken over');
    else if (why !== undefined) {
      parts.logger.error({ provider: name, why }, 'a new credential is not taken over; the old one goes on');
    }
  }
  for (const { name } of next.providers) if (!parts.places.has(name)) restart.push(`providers.${name}`);
  return { ok: providers.every(({ kind }) => kind !== 'kept'), providers, restart };
}

/** `undefined`: there is nothing to take over. `''`: taken over. Else why it was kept. */
async function reloadOne(place: Place, wanted: ProviderConfig, parts: ReloadParts): Promise<string | undefined> {
  const { config } = place;
  if (!isGateway(config) || !isGateway(wanted)) return undefined;
  if (wanted.kind !== config.kind || wanted.mode !== config.mode) {
    return 'its kind or mode is another, which means another gateway; restart for that';
  }
  const merged: Gateway = { ...wanted, ...restartOnly(config) };
  if (isDeepStrictEqual(merged, config)) return undefined;
  if (parts.stopping.aborted) return tooLate;
  if (merged.kind === 'fcm' && config.kind === 'fcm' && merged.projectId !== config.projectId) {
    return `the service account is of the project ${merged.projectId}, which has other device tokens; restart for that`;
  }
  const keeper = parts.keepers.take(merged);
  const why = (await keeperFailure(keeper)) || (await trial(merged, keeper?.current() ?? '', parts));
  if (parts.stopping.aborted) return tooLate;
  if (why !== '') {
    if (keeper !== undefined) await parts.keepers.release(keeper);
    return why;
  }
  await takeOver(place, merged, keeper, parts);
  return '';
}

function isGateway(config: ProviderConfig): config is Gateway {
  return config.kind === 'apns' || config.kind === 'fcm';
}

/** A key that runs already, for another provider or another host, is not made to mint again. */
async function keeperFailure(keeper: CredentialKeeper | undefined): Promise<string> {
  if (keeper === undefined || keeper.current() !== undefined) return '';
  await keeper.mint();
  return keeper.current() === undefined ? (keeper.failure?.reason ?? 'no authorization came') : '';
}

function trial(config: Gateway, authorization: string, parts: ReloadParts): Promise<string> {
  const { create, clock, random, stopping } = parts;
  if (config.kind === 'apns' && config.auth.kind === 'certificate') {
    const endMs = certificateEndMs(config.auth.certificatePem);
    if (endMs <= clock.now()) {
      return Promise.resolve(`its certificate ended on ${new Date(endMs).toISOString().slice(0, 10)}`);
    }
  }
  return tryCredential({
    ...{ config: withoutSigningKeys(config), authorization, create, clock, random },
    givenUp: stopping,
  });
}

/** From the moment it is called with until it resolves, batches of both credentials may be under way. */
async function takeOver(
  place: Place,
  config: Gateway,
  keeper: CredentialKeeper | undefined,
  { executor, keepers, logger }: ReloadParts,
): Promise<void> {
  const { access } = place;
  const revision = access.revision + 1;
  const isHeard = await executor.renew(withoutSigningKeys(config), revision);
  if (!isHeard) logger.warn({ provider: config.name }, 'a publishing thread has not heard of the new credential yet');
  const old = access.keeper;
  place.config = config;
  access.keeper = keeper;
  access.revision = revision;
  await executor.release(config.name, revision);
  if (old !== undefined) await keepers.release(old);
}

type RestartOnly = Pick<Gateway, 'apps' | 'tags' | 'creditMax' | 'requestMs'> &
  Partial<Pick<FcmConfig, 'quotaPerMinute'>>;

/** What the main thread was built by: routes, queues and the pace. */
function restartOnly(config: Gateway): RestartOnly {
  const { apps, tags, creditMax, requestMs } = config;
  const common = { apps, tags, creditMax, requestMs };
  return config.kind === 'fcm' ? { ...common, quotaPerMinute: config.quotaPerMinute } : common;
}

function restartKeys(before: ProviderConfig, next: ProviderConfig): string[] {
  const looked = isGateway(before) && isGateway(next) ? restartOnly(next) : next;
  const old = new Map<string, unknown>(Object.entries(before));
  return Object.entries(looked)
    .filter(([name, value]) => !isDeepStrictEqual(old.get(name), value))
    .map(([name]) => spelled(name));
}

/** As the file spells them. */
function changedSections(before: EngineConfig, next: EngineConfig): string[] {
  const old = new Map<string, unknown>(Object.entries(before));
  return Object.entries(next)
    .filter(([name, value]) => name !== 'providers' && !isDeepStrictEqual(old.get(name), value))
    .map(([name]) => (name === 'rabbits' ? 'rabbit' : spelled(name)));
}

function spelled(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
