// Thread: any
/**
 * The ad-hoc commands of the app server by name (xmpp 5.33). Several generations of clients call the same three things
 * by different names; each name is one row. Names for gateways we do not speak to have no row and are not found.
 */
import type { Service } from '../core/registration.ts';

export type CommandVerb = 'register' | 'unregister' | 'list';

/**
 * Which answer a client expects. `common`: jid, node and secret (Conversations, p2, mod_push_appserver, mod_push,
 * Openfire). `tigase`: node, features, max-payload-size (Siskin, Snikket, Stork). `app-server`: jid and node, no
 * session (mod_push_app_server).
 */
export type CommandProfile = 'common' | 'tigase' | 'app-server';

export interface PushCommand {
  readonly name: string;
  readonly verb: CommandVerb;
  /** `''`: the form says. */
  readonly service: Service | '';
  readonly profile: CommandProfile;
  readonly label: string;
}

function row(name: string, verb: CommandVerb, service: Service | '', profile: CommandProfile = 'common'): PushCommand {
  const gateway = service === 'apns' ? ' (APNs)' : service === 'fcm' ? ' (FCM)' : '';
  const label = {
    register: `Register for push${gateway}`,
    unregister: `Unregister from push${gateway}`,
    list: 'List push registrations',
  }[verb];
  return { name, verb, service, profile, label };
}

export const pushCommands: readonly PushCommand[] = [
  row('register-push', 'register', ''),
  row('register-push-apns', 'register', 'apns'),
  row('register-push-apns-h2', 'register', 'apns'),
  row('register-push-fcm', 'register', 'fcm'),
  row('register-push-gcm', 'register', 'fcm'),
  row('v1-register-push', 'register', ''),
  row('register-device', 'register', '', 'tigase'),
  row('unregister-push', 'unregister', ''),
  row('unregister-push-apns', 'unregister', 'apns'),
  row('unregister-push-fcm', 'unregister', 'fcm'),
  row('unregister-push-gcm', 'unregister', 'fcm'),
  row('v1-unregister-push', 'unregister', ''),
  row('unregister-device', 'unregister', '', 'tigase'),
  row('list-push-registrations', 'list', ''),
];

const byName: ReadonlyMap<string, PushCommand> = new Map(pushCommands.map((command) => [command.name, command]));

/** Commands for a service that no provider serves do not exist (5.42). */
export function pushCommand(name: string, services: ReadonlySet<Service>): PushCommand | undefined {
  const command = byName.get(name);
  return command === undefined || offered(command, services) ? command : undefined;
}

function offered({ service, verb }: PushCommand, services: ReadonlySet<Service>): boolean {
  return verb === 'list' || (service === '' ? services.size > 0 : services.has(service));
}

/** What `disco#items` of the command list shows. */
export function offeredCommands(services: ReadonlySet<Service>): readonly PushCommand[] {
  return pushCommands.filter((command) => offered(command, services));
}

/** What clients write where we say apns or fcm: field values of `type`, `provider` and `service` (5.34, 5.E). */
const serviceNames: ReadonlyMap<string, Service> = new Map<string, Service>([
  ['apns', 'apns'],
  ['ios', 'apns'],
  ['fcm', 'fcm'],
  ['gcm', 'fcm'],
  ['android', 'fcm'],
  ['tigase:messenger:apns:1', 'apns'],
  ['snikket:apns:1', 'apns'],
  ['fcm-xmpp-api', 'fcm'],
]);

export function serviceNamed(name: string): Service | undefined {
  return serviceNames.get(name);
}

/** Providers of the tigase profile that are features of our disco#info when an app of that name is served (3.2). */
export const clientFamilies: readonly string[] = ['fcm-xmpp-api', 'snikket:apns:1', 'tigase:messenger:apns:1'];
