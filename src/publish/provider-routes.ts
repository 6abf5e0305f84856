// Thread: main
/**
 * Which provider serves a notification: the first in the order of the configuration whose service, mode and app fit.
 * A provider without `apps` serves every app; a notification that names no mode takes the first that fits otherwise.
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

export function servicesOf(provider: ProviderConfig): readonly Service[] {
  return provider.kind === 'apns' || provider.kind === 'fcm' ? [provider.kind] : provider.services;
}

export function providerRoutes(providers: readonly ProviderConfig[]): ProviderRoutes {
  const kept = new Map<string, ProviderName | undefined>();
  const find = (service: Service, mode: Mode, app: string): ProviderName | undefined =>
    providers.find(
      (provider) =>
        servicesOf(provider).includes(service) &&
        (mode === '' || provider.mode === mode) &&
        (app === '' || provider.apps.length === 0 || provider.apps.includes(app)),
    )?.name;
  return {
    select(service, mode, app) {
      const key = `${service} ${mode} ${app}`;
      if (kept.has(key)) return kept.get(key);
      const name = find(service, mode, app);
      if (kept.size < keptMax) kept.set(key, name);
      return name;
    },
  };
}
