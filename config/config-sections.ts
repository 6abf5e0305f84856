// Thread: any
/**
 * Every section of the file in its order, with its keys: what environment.ts and reference-page.ts are made from.
 */
import { databaseKeys, httpKeys, pluginKeys, rabbitKeys } from './intake-schema.ts';
import { apnsKeys, blackholeKeys, fcmKeys, gatewayKeys, mongoosePushKeys } from './provider-schema.ts';
import {
  pushConditionKeys,
  pushGroupsKeys,
  pushKeys,
  pushQuietHoursKeys,
  pushRuleKeys,
  templateKeys,
} from './push-schema.ts';
import {
  appServerKeys,
  engineKeys,
  notificationsKeys,
  providerKeys,
  pushNodesKeys,
  registrationsKeys,
  serverKeys,
  serverTlsKeys,
  workersKeys,
} from './schema.ts';
import type { KeyTable } from './config-key.ts';

export interface ConfigSection {
  /** `engine`, `servers`, `servers.tls`, `providers`, or `providers (apns)`. */
  readonly path: string;
  readonly header: string;
  readonly says: string;
  readonly keys: KeyTable;
}

export const configSections: readonly ConfigSection[] = [
  { path: 'engine', header: '[engine]', says: 'The process as a whole.', keys: engineKeys },
  {
    path: 'servers',
    header: '[[servers]]',
    says: 'One XMPP server, or one cluster that shares our domain; repeat the section for more.',
    keys: serverKeys,
  },
  {
    path: 'servers.tls',
    header: '[servers.tls]',
    says: 'Encryption of the server above; also as `tls = { mode = "direct" }`.',
    keys: serverTlsKeys,
  },
  {
    path: 'registrations',
    header: '[registrations]',
    says: 'Who may be pushed, and where to.',
    keys: registrationsKeys,
  },
  {
    path: 'push_nodes',
    header: '[push_nodes]',
    says: 'Push nodes that clients create themselves.',
    keys: pushNodesKeys,
  },
  { path: 'app_server', header: '[app_server]', says: 'Devices that register by ad-hoc command.', keys: appServerKeys },
  { path: 'notifications', header: '[notifications]', says: 'What phones get to see.', keys: notificationsKeys },
  { path: 'workers', header: '[workers]', says: 'Publishing threads.', keys: workersKeys },
  {
    path: 'providers',
    header: '[[providers]]',
    says: 'One gateway with one credential; repeat the section for more. Keys of every kind:',
    keys: providerKeys,
  },
  {
    path: 'providers (apns, fcm)',
    header: '[[providers]], kind = "apns" or "fcm"',
    says: 'The connection.',
    keys: gatewayKeys,
  },
  {
    path: 'providers (apns)',
    header: '[[providers]], kind = "apns"',
    says: 'Either `key`, `key_id` and `team_id`, or `certificate` and `certificate_key`.',
    keys: apnsKeys,
  },
  {
    path: 'providers (fcm)',
    header: '[[providers]], kind = "fcm"',
    says: 'Either `service_account`, or `project_id`, `client_email` and `private_key`.',
    keys: fcmKeys,
  },
  {
    path: 'providers (mongoosepush)',
    header: '[[providers]], kind = "mongoosepush"',
    says: 'An existing MongoosePush.',
    keys: mongoosePushKeys,
  },
  {
    path: 'providers (blackhole)',
    header: '[[providers]], kind = "blackhole"',
    says: 'Accepts, or stalls as scripted: for trials and benchmarks.',
    keys: blackholeKeys,
  },
  {
    path: 'push',
    header: '[push]',
    says: 'What clients enable at an XMPP server whose push half Meerkat is, and which events push.',
    keys: pushKeys,
  },
  { path: 'push.groups', header: '[push.groups]', says: 'Room messages.', keys: pushGroupsKeys },
  {
    path: 'push.quiet_hours',
    header: '[push.quiet_hours]',
    says: 'When phones are left in peace.',
    keys: pushQuietHoursKeys,
  },
  {
    path: 'push.rules',
    header: '[[push.rules]]',
    says: 'Instead of `push.behaviour`: the first rule that matches decides, no match skips.',
    keys: pushRuleKeys,
  },
  {
    path: 'push.rules.conditions',
    header: '[[push.rules.conditions]]',
    says:
      'When the rule above matches: one of its conditions must hold, with all the keys that are written. Without any ' +
      'it always matches. Also as `conditions = [{ event = "msg", body = "non_empty" }]`.',
    keys: pushConditionKeys,
  },
  {
    path: 'templates',
    header: '[[templates]]',
    says: 'How notifications are worded; repeat the section for apps and languages.',
    keys: templateKeys,
  },
  {
    path: 'plugins',
    header: '[[plugins]]',
    says: 'Code of your own in the path of every push; `[plugins.options]` is handed to it, and has no variables.',
    keys: pluginKeys,
  },
  { path: 'http', header: '[http]', says: 'Events and administration by HTTP.', keys: httpKeys },
  {
    path: 'rabbit',
    header: '[[rabbit]]',
    says: "Events out of MongooseIM's `rabbit` event pusher; repeat the section for more brokers.",
    keys: rabbitKeys,
  },
  {
    path: 'database',
    header: '[database]',
    says: 'For `registrations.store` and `push.store`.',
    keys: databaseKeys,
  },
];

/** Paths of the sections that may be repeated: their members are counted, `servers.0`. */
export const listPaths: ReadonlySet<string> = new Set(
  configSections.filter(({ header }) => header.startsWith('[[')).map(({ path }) => path.replace(/ \(.*/, '')),
);
