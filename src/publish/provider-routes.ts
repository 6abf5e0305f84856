// Thread: main
/**
 * Which provider serves a notification: the first in the order of the configuration whose service, mode and app fit.
 * A provider without `apps` serves every app; a notification that names no mode takes the first that fits otherwise. A
 * mode that no provider has keeps a token from Apple alone: Google has no sandbox, and a MongoosePush serves both, for
 * it is told the mode of each notification (mongooseim 4.3).
 */
import type { ProviderConfig } from '../../config/engine-config.ts';
import type { ProviderName } from '../core/ids.ts';
import type { Mode, Service } from '../core/registration.ts';

export interface ProviderRoutes {
  /** `undefined`: no configured provider fits. `app`: topic or app, `''` if the registration names none. */
  select(service: Service, mode: Mode, app: string): ProviderName | undefined;
}

// Apps come from clients: the answers kept are bounded, and past the bound each is looked up anew.
const keptMax = 10_000;

interface Choice {
  readonly mode: Mode | undefined;
  readonly app: string;
  readonly name: ProviderName | undefined;
}

const nobody: Choice = { mode: undefined, app: '', name: undefined };

export function servicesOf(provider: ProviderConfig): readonly Service[] {
  return provider.kind === 'apns' || provider.kind === 'fcm' ? [provider.kind] : provider.services;
}

export function providerRoutes(providers: readonly ProviderConfig[]): ProviderRoutes {
  const kept = new Map<string, ProviderName | undefined>();
  const fits = (provider: ProviderConfig, service: Service, app: string): boolean =>
    servicesOf(provider).includes(service) && (app === '' || provider.apps.length === 0 || provider.apps.includes(app));
  const find = (service: Service, mode: Mode, app: string): ProviderName | undefined => {
    const fitting = providers.filter((provider) => fits(provider, service, app));
    const exact = fitting.find((provider) => mode === '' || provider.mode === mode);
    return (exact ?? fitting.find((provider) => provider.kind !== 'apns'))?.name;
  };
  const lookUp = (service: Service, mode: Mode, app: string): ProviderName | undefined => {
    const key = `${service} ${mode} ${app}`;
    if (kept.has(key)) return kept.get(key);
    const name = find(service, mode, app);
    if (kept.size < keptMax) kept.set(key, name);
    return name;
  };
  // The registrations of one service mostly ask for the same: to put the key together would cost more than the answer.
  const last: Record<Service, Choice> = { apns: nobody, fcm: nobody };
  return {
    select(service, mode, app) {
      const before = last[service];
      if (before.mode === mode && before.app === app) return before.name;
      const name = lookUp(service, mode, app);
      last[service] = { mode, app, name };
      return name;
    },
  };
}
