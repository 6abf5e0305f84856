// Thread: main
/**
 * Which provider serves a notification: the first in the order of the configuration whose service, mode, app and tags
 * fit. A provider without `apps` serves every app, one of FCM every project that no other has. A notification without a
 * mode takes the first that fits otherwise. A mode that no provider has keeps a token from Apple alone: Google has no
 * sandbox, and a MongoosePush serves both, for it is told the mode of each notification (mongooseim 4.3). Tags are for
 * programs: what a client wrote into its form never chooses by them, as MongooseIM forwards none (reference 1.8, 1.15),
 * because users must not reach a provider that was kept apart.
 */
import type { ProviderConfig } from '../../config/engine-config.ts';
import type { ProviderName } from '../core/ids.ts';
import type { Mode, Service } from '../core/registration.ts';

export interface ProviderRoutes {
  /**
   * `undefined`: no configured provider fits.
   *
   * @param app topic, app or FCM project; `''` if the registration names none.
   * @param tags all of which the provider must have.
   */
  select(service: Service, mode: Mode, app: string, tags?: readonly string[]): ProviderName | undefined;
}

// Apps come from clients: the answers kept are bounded, and past the bound each is looked up anew.
const keptMax = 10_000;

interface Choice {
  readonly mode: Mode | undefined;
  readonly app: string;
  readonly name: ProviderName | undefined;
}

interface Asked {
  readonly service: Service;
  readonly mode: Mode;
  readonly app: string;
  readonly tags: readonly string[];
}

const noTags: readonly string[] = [];
const nobody: Choice = { mode: undefined, app: '', name: undefined };

export function servicesOf(provider: ProviderConfig): readonly Service[] {
  return provider.kind === 'apns' || provider.kind === 'fcm' ? [provider.kind] : provider.services;
}

export function providerRoutes(providers: readonly ProviderConfig[]): ProviderRoutes {
  const kept = new Map<string, ProviderName | undefined>();
  const projects = new Set(providers.map((provider) => (provider.kind === 'fcm' ? provider.projectId : '')));
  const servesApp = (provider: ProviderConfig, app: string): boolean => {
    if (app === '' || provider.apps.includes(app)) return true;
    if (provider.kind !== 'fcm') return provider.apps.length === 0;
    return provider.projectId === app || (provider.apps.length === 0 && !projects.has(app));
  };
  const find = ({ service, mode, app, tags }: Asked): ProviderName | undefined => {
    const fitting = providers.filter(
      (provider) =>
        servicesOf(provider).includes(service) &&
        servesApp(provider, app) &&
        tags.every((tag) => provider.tags.includes(tag)),
    );
    const exact = fitting.find((provider) => mode === '' || provider.mode === mode);
    return (exact ?? fitting.find((provider) => provider.kind !== 'apns'))?.name;
  };
  const lookUp = (asked: Asked): ProviderName | undefined => {
    const { service, mode, app, tags } = asked;
    const key = tags.length === 0 ? `${service} ${mode} ${app}` : JSON.stringify([service, mode, app, tags]);
    if (kept.has(key)) return kept.get(key);
    const name = find(asked);
    if (kept.size < keptMax) kept.set(key, name);
    return name;
  };
  // The registrations of one service mostly ask for the same: to put the key together would cost more than the answer.
  const last: Record<Service, Choice> = { apns: nobody, fcm: nobody };
  return {
    select(service, mode, app, tags = noTags) {
      if (tags.length > 0) return lookUp({ service, mode, app, tags });
      const before = last[service];
      if (before.mode === mode && before.app === app) return before.name;
      const name = lookUp({ service, mode, app, tags });
      last[service] = { mode, app, name };
      return name;
    },
  };
}
