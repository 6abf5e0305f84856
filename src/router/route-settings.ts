// Thread: main
/** What the routes of one server need to know, taken from the configuration once. */
import { domainOf, fullJID } from '../core/jid.ts';
import { CommandSessions } from '../xmpp/command-sessions.ts';
import type { RouteSettings } from './routed.ts';
import type { EngineConfig, ServerConfig } from '../../config/engine-config.ts';
import type { Clock } from '../core/clock.ts';
import type { Random } from '../core/random.ts';
import type { Service } from '../core/registration.ts';

export interface RouteSettingsSource {
  readonly config: EngineConfig;
  readonly server: ServerConfig;
  readonly services: ReadonlySet<Service>;
  readonly version: string;
  /** Ad-hoc command sessions are signed with it. */
  readonly key: Buffer;
  readonly clock: Clock;
  readonly random: Random;
}

export function routeSettings(source: RouteSettingsSource): RouteSettings {
  const { config, server, key, clock, random, services, version } = source;
  const { domain } = server;
  return {
    domain,
    clock,
    iqReplyMs: config.engine.iqReplyMs,
    allowedDomains: new Set(config.pushNodes.allowedDomains),
    strictErrors: config.pushNodes.strictErrors,
    delegatedDomains: preparedDomains(server.delegatedDomains),
    disco: {
      name: 'Meerkat',
      version,
      jid: domain,
      create: config.pushNodes.create,
      commands: config.appServer.enabled,
      services,
      apps: config.providers.flatMap((provider) => provider.apps),
      delegation: server.delegatedDomains.length > 0,
    },
    commands: {
      enabled: config.appServer.enabled,
      services,
      jid: domain,
      secrets: config.appServer.secrets,
      sessions: new CommandSessions({ key, clock, random }),
    },
  };
}

/** As they are compared with senders. What is no domain at all can be nobody's. */
function preparedDomains(names: readonly string[]): ReadonlySet<string> {
  return new Set(
    names.flatMap((name) => {
      const jid = fullJID(name);
      return jid.ok && domainOf(jid.value) === jid.value ? [jid.value] : [];
    }),
  );
}
