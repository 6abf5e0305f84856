// Thread: any
/**
 * The keys that only some kinds of `[[providers]]` have, and the shape of the whole as a program writes it. Continues
 * schema.ts by its rule: every key once.
 */
import type {
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
import type { databaseKeys, httpKeys, pluginKeys, rabbitKeys } from './intake-schema.ts';
import type {
  pushConditionKeys,
  pushGroupsKeys,
  pushKeys,
  pushQuietHoursKeys,
  pushRuleKeys,
  templateKeys,
} from './push-schema.ts';
import type { KeyTable, Written } from './config-key.ts';

/** Keys of the gateways that are reached by HTTP/2: apns and fcm. */
export const gatewayKeys = {
  host: {
    type: 'text',
    form: 'host',
    default: '',
    maxBytes: 255,
    example: 'api.push.apple.com',
    says: 'Empty: api.push.apple.com, api.sandbox.push.apple.com (`dev`), or fcm.googleapis.com.',
  },
  port: {
    type: 'integer',
    unit: 'port',
    default: 443,
    min: 1,
    max: 65_535,
    says: 'Apple also listens on 2197, for firewalls that close 443.',
  },
  ca_file: {
    type: 'text',
    form: 'file',
    default: '',
    maxBytes: 4096,
    example: '/etc/meerkat/proxy-ca.pem',
    says: 'PEM file of the authorities to trust. Empty: those of the system.',
  },
  transport: {
    type: 'choice',
    choices: ['h2', 'http2-wrapper'],
    default: 'h2',
    says: 'The HTTP/2 client: our own, or http2-wrapper on that of Node.js, at many times the CPU.',
  },
  proxy: {
    type: 'text',
    form: 'proxy-url',
    secret: true,
    default: '',
    maxBytes: 2048,
    says: 'HTTP CONNECT proxy, `http://user:password@proxy.example.net:3128`; only with `transport = "http2-wrapper"`.',
  },
} as const;

export const apnsKeys = {
  key: {
    type: 'text',
    form: 'pem',
    secret: true,
    default: '',
    maxBytes: 16_384,
    says: 'Token authentication: the signing key (.p8) from the Apple developer account, as PEM.',
  },
  key_id: {
    type: 'text',
    form: 'label',
    default: '',
    maxBytes: 32,
    example: 'ABC123DEFG',
    says: 'Token authentication: the id of the key, 10 characters.',
  },
  team_id: {
    type: 'text',
    form: 'label',
    default: '',
    maxBytes: 32,
    example: 'DEF123GHIJ',
    says: 'Token authentication: the id of the team, 10 characters.',
  },
  certificate: {
    type: 'text',
    form: 'pem',
    byFile: true,
    default: '',
    maxBytes: 65_536,
    says: 'Certificate authentication: the client certificate and its chain, as PEM.',
  },
  certificate_key: {
    type: 'text',
    form: 'pem',
    secret: true,
    default: '',
    maxBytes: 16_384,
    says: 'Certificate authentication: the private key of the certificate, as PEM.',
  },
  topic: {
    type: 'text',
    form: 'label',
    default: '',
    maxBytes: 255,
    example: 'net.example.chat',
    says: "The topic (bundle id) when a registration names none. Empty: the certificate's own.",
  },
  sessions_max: {
    type: 'integer',
    unit: '',
    default: 4,
    min: 1,
    max: 64,
    says: 'HTTP/2 connections of one publishing thread at most. One carries 1000 requests at a time.',
  },
} as const;

export const fcmKeys = {
  service_account: {
    type: 'text',
    form: 'json',
    secret: true,
    default: '',
    maxBytes: 65_536,
    says: 'The service account (JSON) as downloaded from the Google console; mostly as `service_account_file`.',
  },
  project_id: {
    type: 'text',
    form: 'label',
    default: '',
    maxBytes: 255,
    example: 'chat-1a2b3',
    says: 'Without a service account: the Firebase project.',
  },
  client_email: {
    type: 'text',
    form: 'label',
    default: '',
    maxBytes: 255,
    example: 'push@chat-1a2b3.iam.gserviceaccount.com',
    says: 'Without a service account: its e-mail address.',
  },
  private_key: {
    type: 'text',
    form: 'pem',
    secret: true,
    default: '',
    maxBytes: 16_384,
    says: 'Without a service account: its private key, as PEM.',
  },
  private_key_id: {
    type: 'text',
    form: 'label',
    default: '',
    maxBytes: 255,
    says: 'Without a service account: the id of the private key; may be empty.',
  },
  sessions_max: {
    type: 'integer',
    unit: '',
    default: 16,
    min: 1,
    max: 64,
    says: 'HTTP/2 connections of one publishing thread at most. One carries 100 requests; 10 the default quota.',
  },
  quota_per_minute: {
    type: 'integer',
    unit: '',
    default: 600_000,
    min: 60,
    max: 100_000_000,
    says: 'Messages a minute that Google grants the project: its providers send no more. A new rate takes a minute.',
  },
  token_url: {
    type: 'text',
    form: 'url',
    default: 'https://oauth2.googleapis.com/token',
    minBytes: 1,
    maxBytes: 2048,
    says: 'Where access tokens are fetched.',
  },
} as const;

export const mongoosePushKeys = {
  urls: {
    type: 'list',
    default: [],
    itemsMax: 16,
    required: true,
    says: 'Equal gateways, `["https://push.example.net:8443"]`: the least busy takes the next, one that fails rests.',
  },
  api: {
    type: 'choice',
    choices: ['v1', 'v2', 'v3'],
    default: 'v3',
    says: 'Version of its API; v3 tells errors apart, v1 has no silent notifications.',
  },
  http_version: {
    type: 'choice',
    choices: ['1.1', '2'],
    default: '1.1',
    says: 'Over `2` one connection carries 100 requests at a time instead of one, at twice the CPU for each.',
  },
  ca_file: {
    type: 'text',
    form: 'file',
    default: '',
    maxBytes: 4096,
    example: '/etc/meerkat/mongoosepush-ca.pem',
    says: 'PEM file of the authorities to trust. Empty: those of the system.',
  },
  connections: {
    type: 'integer',
    unit: '',
    default: 64,
    min: 1,
    max: 1024,
    says: 'Connections of one publishing thread to each address at most.',
  },
  services: {
    type: 'list',
    choices: ['apns', 'fcm'],
    default: ['apns', 'fcm'],
    itemsMax: 2,
    says: 'Which kinds of device tokens it serves.',
  },
} as const;

export const blackholeKeys = {
  services: {
    type: 'list',
    choices: ['apns', 'fcm'],
    default: ['apns', 'fcm'],
    itemsMax: 2,
    says: 'Which kinds of device tokens it serves.',
  },
  stall_share: {
    type: 'number',
    unit: 'share',
    default: 0,
    min: 0,
    max: 1,
    says: 'Share of notifications, 0 to 1, whose answer takes `stall_ms`.',
  },
  stall_ms: {
    type: 'integer',
    unit: 'ms',
    default: 5000,
    min: 0,
    max: 600_000,
    says: 'How long a stalled answer takes.',
  },
} as const;

type ProviderInput<K extends string, T extends KeyTable> = Written<T> &
  Omit<Written<typeof providerKeys>, 'kind'> & { readonly kind: K; readonly name: string };

/** What `createEngine` accepts: the shape of the TOML file, every key with a default left out at will. */
export interface EngineConfigInput {
  readonly engine?: Written<typeof engineKeys>;
  readonly servers?: readonly (Written<typeof serverKeys> & { readonly tls?: Written<typeof serverTlsKeys> })[];
  readonly registrations?: Written<typeof registrationsKeys>;
  readonly push_nodes?: Written<typeof pushNodesKeys>;
  readonly app_server?: Written<typeof appServerKeys>;
  readonly notifications?: Written<typeof notificationsKeys>;
  readonly workers?: Written<typeof workersKeys>;
  readonly push?: Written<typeof pushKeys> & {
    readonly groups?: Written<typeof pushGroupsKeys>;
    readonly quiet_hours?: Written<typeof pushQuietHoursKeys>;
    readonly rules?: readonly (Written<typeof pushRuleKeys> & {
      readonly conditions?: readonly Written<typeof pushConditionKeys>[];
    })[];
  };
  readonly templates?: readonly Written<typeof templateKeys>[];
  readonly plugins?: readonly (Written<typeof pluginKeys> & { readonly options?: Readonly<Record<string, unknown>> })[];
  readonly http?: Written<typeof httpKeys>;
  readonly rabbit?: readonly Written<typeof rabbitKeys>[];
  readonly database?: Written<typeof databaseKeys>;
  readonly providers?: readonly (
    | ProviderInput<'apns', typeof gatewayKeys & typeof apnsKeys>
    | ProviderInput<'fcm', typeof gatewayKeys & typeof fcmKeys>
    | ProviderInput<'mongoosepush', typeof mongoosePushKeys>
    | ProviderInput<'blackhole', typeof blackholeKeys>
  )[];
}
