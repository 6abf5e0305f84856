// Thread: any
/**
 * The checked configuration, types only. Keys, units, bounds, defaults and sentences are in schema.ts; a value of these
 * types has passed it.
 */
import type { ProviderName } from '../src/core/ids.ts';
import type { Mode, Service } from '../src/core/registration.ts';

export interface EngineConfig {
  readonly engine: {
    /** Folder for everything durable. */
    readonly dataDir: string;
    readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
    /** The wait for an outcome before the publish IQ is answered `wait/remote-server-timeout`. */
    readonly iqReplyMs: number;
    /** The budget of an orderly stop. */
    readonly stopMs: number;
    /** 16 bytes or more; node secrets are derived from it. `''` = made at the first start and kept in `dataDir`. */
    readonly secretKey: string;
  };
  readonly servers: readonly ServerConfig[];
  readonly registrations: {
    readonly store: StoreKind;
    /** A power of two, 1 to 256. */
    readonly shards: number;
    /** Live registrations of one bare JID in one shard. */
    readonly perOwnerMax: number;
    /** Size of the memory map of one shard: the most its file can grow to. */
    readonly mapBytes: number;
  };
  readonly pushNodes: {
    /** May clients create nodes by pubsub? */
    readonly create: boolean;
    /** `client-chosen`: the node gets the name the client asked for; `server-generated`: always one of ours. */
    readonly nodeIds: 'client-chosen' | 'server-generated';
    /** Answers for wrong owners: merged with item-not-found (false), or forbidden as XEP-0060 says (true). */
    readonly strictErrors: boolean;
    /** Domains whose users may create nodes and register; empty = any that reach us. */
    readonly allowedDomains: readonly string[];
  };
  readonly appServer: {
    readonly enabled: boolean;
    /** Whether register-push hands out a secret that publishes must carry. */
    readonly secrets: boolean;
  };
  readonly notifications: {
    /** What of a summary may reach a gateway (XEP-0357 §9): nothing, the sender, or sender and body. */
    readonly content: 'none' | 'sender' | 'full';
    readonly title: string;
    readonly body: string;
    /** How a publish without a body is sent: it may be a call (xmpp 5.24). */
    readonly emptyPriority: 'silent' | 'alert';
    readonly badge: boolean;
    readonly sound: string;
    /** Life of a notification at the gateway, seconds; 0 = now or never. */
    readonly timeToLiveSeconds: number;
  };
  readonly workers: {
    /** Publishing threads. */
    readonly threads: number;
    readonly heapMbMax: number;
  };
  readonly providers: readonly ProviderConfig[];
  readonly push: PushConfig;
  readonly templates: readonly TemplateConfig[];
  /** Modules to load, with what is handed to their `createPlugin`. */
  readonly plugins: readonly { readonly module: string; readonly options: Readonly<Record<string, unknown>> }[];
  readonly http: HttpConfig;
  readonly rabbits: readonly RabbitConfig[];
  readonly database: DatabaseConfig;
}

export type StoreKind = 'lmdb' | 'memory' | 'postgres' | 'mysql';

/** What users enable, and which events push (the XMPP server's half of XEP-0357). */
export interface PushConfig {
  readonly store: StoreKind;
  /** Prepared domains, and `name.@HOST@` with a prepared name: the recipient's domain follows (mongooseim 2.12). */
  readonly virtualHosts: readonly string[];
  readonly behaviour: 'meerkat' | 'default' | 'enhanced' | 'hints';
  readonly perUserMax: number;
  readonly expireDays: number;
  readonly unknownStatus: 'offline' | 'online';
  readonly content: 'none' | 'sender' | 'full';
  readonly placeholder: string;
  readonly encryptedBody: string;
  readonly unread: 'conversation' | 'total';
  readonly iqWaitMs: number;
  readonly deregisterRefusals: number;
  readonly deregisterHours: number;
  readonly dedupeSeconds: number;
  readonly groups: {
    readonly private: GroupPolicy;
    readonly public: GroupPolicy;
    readonly affiliations: readonly ('owner' | 'admin' | 'member' | 'none')[];
  };
  /** `from` and `to` in minutes since midnight; `undefined`: there are none. */
  readonly quietHours:
    | { readonly from: number; readonly to: number; readonly timeZone: string; readonly action: 'silence' | 'skip' }
    | undefined;
  /** Empty: `behaviour` decides. */
  readonly rules: readonly PushRule[];
}

export type GroupPolicy = 'always' | 'mentioned' | 'never';

/** First match wins; no match: the event is skipped (mongooseim 2.18). */
export interface PushRule {
  /** One of them must hold, and all keys of it; empty: always matches. */
  readonly conditions: readonly PushCondition[];
  readonly action: 'push' | 'skip';
  /** `''` with `skip`. */
  readonly content: 'message' | 'jingle' | '';
}

export interface PushCondition {
  readonly event?: 'msg' | 'unack_msg';
  readonly type?: 'chat' | 'groupchat';
  readonly body?: 'absent' | 'empty' | 'non_empty';
  readonly hint?: 'no_store' | 'store';
  readonly jingle?: boolean;
  readonly user_status?: 'online' | 'offline';
  readonly client_state?: 'active' | 'inactive';
}

/** How a notification is worded; the best match of app and language is taken. */
export interface TemplateConfig {
  readonly for: 'message' | 'group' | 'call' | 'invitation';
  /** `''`: every app. */
  readonly app: string;
  /** As it was written; compared without regard to case. `''`: every language. */
  readonly language: string;
  readonly title: string;
  readonly body: string;
}

export interface HttpConfig {
  readonly host: string;
  /** 0: no HTTP server. */
  readonly port: number;
  readonly token: string;
  readonly certificatePem: string;
  readonly keyPem: string;
  /** Prepared; `''`: the author's. */
  readonly receiverDomain: string;
}

export interface RabbitConfig {
  readonly name: string;
  readonly url: string;
  readonly caFile: string;
  readonly queue: string;
  readonly prefetch: number;
  readonly presenceExchange: string;
  readonly chatExchange: string;
  readonly chatTopic: string;
  readonly groupExchange: string;
  readonly groupTopic: string;
  readonly durableExchanges: boolean;
}

export interface DatabaseConfig {
  /** `postgres://` or `mysql://`; `''`: none. */
  readonly url: string;
  readonly caFile: string;
  readonly connections: number;
  readonly queryMs: number;
}

/** One XMPP server, or one cluster that shares our domain. */
export interface ServerConfig {
  /** For people and logs. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Our component domain. */
  readonly domain: string;
  readonly secret: string;
  /** Parallel streams: more than one only where the server allows it (ejabberd, Openfire). */
  readonly connections: number;
  /** Openfire: add `allowMultiple` to the stream header. */
  readonly allowMultiple: boolean;
  readonly tls: {
    readonly mode: 'off' | 'direct';
    /** PEM file of the authorities to trust; `''` = the system's. */
    readonly caFile: string;
    readonly servername: string;
  };
  /** Allow `tls.mode = "off"` to an address that is not loopback. */
  readonly allowPlaintext: boolean;
  readonly stanzaBytesMax: number;
  /** Refines the answers of xmpp 4.60; `common` is right for every server. */
  readonly errorProfile: ErrorProfileName;
  /** Prepared domains that may delegate `urn:xmpp:push:0` to us on this connection (XEP-0355); no other is believed. */
  readonly delegatedDomains: readonly string[];
}

export type ErrorProfileName = 'common' | 'ejabberd' | 'prosody' | 'mongooseim' | 'openfire' | 'tigase';

interface ProviderCommon {
  readonly name: ProviderName;
  /** Topics or apps this provider serves; empty = every one. The first match in the order of the file is taken. */
  readonly apps: readonly string[];
  /** Names by which it can be asked for. */
  readonly tags: readonly string[];
  readonly mode: Exclude<Mode, ''>;
  /** Notifications in flight. */
  readonly creditMax: number;
  /** The wait for the gateway's answer. */
  readonly requestMs: number;
}

interface GatewayCommon extends ProviderCommon {
  readonly host: string;
  readonly port: number;
  /** PEM file; `''` = the system's authorities. */
  readonly caFile: string;
  /** Connections of one publishing thread. */
  readonly sessionsMax: number;
  readonly transport: 'h2' | 'http2-wrapper';
  /** Of an HTTP CONNECT proxy; `''` = none. Secret. */
  readonly proxyUrl: string;
}

export interface ApnsConfig extends GatewayCommon {
  readonly kind: 'apns';
  readonly auth:
    | { readonly kind: 'token'; readonly keyPem: string; readonly keyId: string; readonly teamId: string }
    | { readonly kind: 'certificate'; readonly certificatePem: string; readonly keyPem: string };
  /** Sent when a registration names no topic; `''` = the certificate's own. */
  readonly topic: string;
}

export interface FcmConfig extends GatewayCommon {
  readonly kind: 'fcm';
  readonly projectId: string;
  readonly clientEmail: string;
  readonly privateKeyPem: string;
  readonly privateKeyId: string;
  /** Messages a minute, for all providers of the project together. */
  readonly quotaPerMinute: number;
  /** https://oauth2.googleapis.com/token, or a fake. */
  readonly tokenUrl: string;
}

export interface MongoosePushConfig extends ProviderCommon {
  readonly kind: 'mongoosepush';
  /** https://push.example.net:8443, with a path prefix if it has one; at least one. */
  readonly urls: readonly string[];
  readonly api: 'v1' | 'v2' | 'v3';
  readonly httpVersion: '1.1' | '2';
  readonly caFile: string;
  readonly connections: number;
  readonly services: readonly Service[];
}

/** Accepts, or ends as scripted: for benchmarks and dry runs. */
export interface BlackholeConfig extends ProviderCommon {
  readonly kind: 'blackhole';
  readonly services: readonly Service[];
  /** Share of notifications, 0 to 1, whose answer takes `stallMs`. */
  readonly stallShare: number;
  readonly stallMs: number;
}

export type ProviderConfig = ApnsConfig | FcmConfig | MongoosePushConfig | BlackholeConfig;
