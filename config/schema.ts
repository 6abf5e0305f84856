// Thread: any
/**
 * Every key an operator may set, once: type, unit, bounds, default, sentence, example, whether it is secret. The checks
 * (check-section.ts), the types (config-key.ts), the environment variables (environment.ts) and reference.md are all
 * made from these tables. Times and sizes carry their unit in the name of the key.
 */

export const engineKeys = {
  data_dir: {
    type: 'text',
    form: 'folder',
    default: './data',
    minBytes: 1,
    maxBytes: 4096,
    says: 'Folder for everything durable; made when it is missing. Relative to the working directory.',
  },
  log_level: {
    type: 'choice',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    says: 'The least important lines that are still written to standard error.',
  },
  iq_reply_ms: {
    type: 'integer',
    unit: 'ms',
    default: 4500,
    min: 100,
    max: 30_000,
    says: 'How long a publish waits for its outcome before it is answered `wait`; servers expect less than 5 s.',
  },
  stop_ms: {
    type: 'integer',
    unit: 'ms',
    default: 5000,
    min: 0,
    max: 120_000,
    says: 'How long an orderly stop may take to settle what is in flight.',
  },
  secret_key: {
    type: 'text',
    secret: true,
    default: '',
    minBytes: 16,
    maxBytes: 1024,
    example: 'at-least-16-bytes-of-chance',
    says: 'Node secrets are derived from it; 16 bytes or more. Empty: made at the first start, kept in `data_dir`.',
  },
} as const;

export const serverKeys = {
  name: {
    type: 'text',
    form: 'label',
    required: true,
    minBytes: 1,
    maxBytes: 64,
    example: 'ejabberd',
    says: 'For people and logs; unique among the servers.',
  },
  host: {
    type: 'text',
    form: 'host',
    default: '127.0.0.1',
    minBytes: 1,
    maxBytes: 255,
    says: 'Address of the component port of the XMPP server.',
  },
  port: {
    type: 'integer',
    unit: 'port',
    default: 5347,
    min: 1,
    max: 65_535,
    says: 'Component port: ejabberd and Prosody 5347, MongooseIM 8888, Openfire 5275 (TLS 5276).',
  },
  domain: {
    type: 'text',
    form: 'domain',
    required: true,
    minBytes: 1,
    maxBytes: 1023,
    example: 'push.example.net',
    says: 'The domain Meerkat answers for: the push service that clients name in `<enable/>` (XEP-0357).',
  },
  secret: {
    type: 'text',
    secret: true,
    required: true,
    minBytes: 1,
    maxBytes: 1024,
    example: 'long-random',
    says: 'The component secret, as configured at the XMPP server (XEP-0114).',
  },
  connections: {
    type: 'integer',
    unit: '',
    default: 1,
    min: 1,
    max: 16,
    says: 'Parallel streams. More than one only with ejabberd, or with Openfire and `allow_multiple`.',
  },
  allow_multiple: {
    type: 'flag',
    default: false,
    says: 'Openfire only: add `allowMultiple` to the stream header, which permits several connections.',
  },
  allow_plaintext: {
    type: 'flag',
    default: false,
    says: 'Permit `tls.mode = "off"` beyond loopback. Device tokens then cross the network in clear.',
  },
  stanza_bytes_max: {
    type: 'integer',
    unit: 'bytes',
    default: 262_144,
    min: 10_000,
    max: 16_777_216,
    says: 'Largest stanza that is read; larger ones are skipped. Servers cap theirs at 524288.',
  },
  error_profile: {
    type: 'choice',
    choices: ['common', 'ejabberd', 'prosody', 'mongooseim', 'openfire', 'tigase'],
    default: 'common',
    says: 'Refines error answers for one kind of server; `common` is right for all of them.',
  },
  delegated_domains: {
    type: 'list',
    default: [],
    itemsMax: 1000,
    says: 'Domains of this server whose push registrations are ours by delegation (XEP-0355). No other is believed.',
  },
} as const;

export const serverTlsKeys = {
  mode: {
    type: 'choice',
    choices: ['off', 'direct'],
    default: 'off',
    says: '`direct`: TLS from the first byte. No XMPP server offers STARTTLS to components.',
  },
  ca_file: {
    type: 'text',
    form: 'file',
    default: '',
    maxBytes: 4096,
    example: '/etc/meerkat/xmpp-ca.pem',
    says: 'PEM file of the authorities to trust. Empty: those of the system.',
  },
  servername: {
    type: 'text',
    form: 'host',
    default: '',
    maxBytes: 255,
    example: 'xmpp.example.net',
    says: 'The name the certificate must carry. Empty: `host`.',
  },
} as const;

export const registrationsKeys = {
  store: {
    type: 'choice',
    choices: ['lmdb', 'memory', 'postgres', 'mysql'],
    default: 'lmdb',
    says: '`lmdb`: in `data_dir`. `memory`: forgotten at every stop. `postgres`, `mysql`: in `[database]`.',
  },
  shards: {
    type: 'integer',
    unit: '',
    default: 4,
    min: 1,
    max: 256,
    powerOfTwo: true,
    says: 'Parts of the store, a power of two. Once there are registrations, change it with `meerkat reshard`.',
  },
  per_owner_max: {
    type: 'integer',
    unit: '',
    default: 100,
    min: 1,
    max: 10_000,
    says: 'Live registrations one user may have in one shard.',
  },
  map_bytes: {
    type: 'integer',
    unit: 'bytes',
    default: 4_294_967_296,
    min: 1_048_576,
    max: 1_099_511_627_776,
    says: 'The most the file of one shard can grow to. Address space, not memory: a registration takes about 1 KiB.',
  },
} as const;

export const pushNodesKeys = {
  create: { type: 'flag', default: true, says: 'Whether clients may create push nodes by pubsub (XEP-0060).' },
  node_ids: {
    type: 'choice',
    choices: ['client-chosen', 'server-generated'],
    default: 'client-chosen',
    says: 'Whether a created node gets the name the client asked for, or always one of ours.',
  },
  strict_errors: {
    type: 'flag',
    default: false,
    says: '`true` tells a stranger `forbidden` as XEP-0060 says; `false` says `item-not-found`, which reveals nothing.',
  },
  allowed_domains: {
    type: 'list',
    default: [],
    itemsMax: 1000,
    says: 'Domains whose users may create nodes and register. Empty: every domain whose server reaches us.',
  },
} as const;

export const appServerKeys = {
  enabled: {
    type: 'flag',
    default: true,
    says: 'Whether clients may register devices by ad-hoc command (register-push).',
  },
  secrets: {
    type: 'flag',
    default: true,
    says: 'Whether register-push hands out a secret that every publish to the node must carry.',
  },
} as const;

export const notificationsKeys = {
  content: {
    type: 'choice',
    choices: ['none', 'sender', 'full'],
    default: 'none',
    says: 'What of a message may reach Apple and Google: nothing, the sender, or sender and body (XEP-0357 §9).',
  },
  title: { type: 'text', default: '', maxBytes: 256, says: 'Title of a notification whose sender is not shown.' },
  body: {
    type: 'text',
    default: 'You have a new message',
    maxBytes: 1024,
    says: 'Text of a notification whose body is not shown.',
  },
  empty_priority: {
    type: 'choice',
    choices: ['silent', 'alert'],
    default: 'silent',
    says: 'For a publish without a body, which may be a call or nothing to show: `silent` wakes the app, `alert` shows.',
  },
  badge: {
    type: 'flag',
    default: true,
    says: 'Whether the number of waiting messages is sent as the badge of the app.',
  },
  sound: { type: 'text', default: 'default', maxBytes: 128, says: 'Sound of an alert. Empty: none.' },
  time_to_live_seconds: {
    type: 'integer',
    unit: 's',
    default: 2_419_200,
    min: 0,
    max: 2_419_200,
    says: 'How long the gateway keeps a notification for a phone that is off; 0 = now or never, 4 weeks at most.',
  },
} as const;

export const workersKeys = {
  threads: {
    type: 'integer',
    unit: '',
    default: 0,
    min: 0,
    max: 64,
    says: 'Publishing threads. 0: one for each two cores, at least one.',
  },
  heap_mb_max: {
    type: 'integer',
    unit: 'MiB',
    default: 512,
    min: 64,
    max: 16_384,
    says: 'Heap of one publishing thread; one that outgrows it is replaced.',
  },
} as const;

/** Keys of every `[[providers]]`. */
export const providerKeys = {
  name: {
    type: 'text',
    form: 'provider-name',
    required: true,
    minBytes: 1,
    maxBytes: 64,
    example: 'apns-prod',
    says: 'Unique; lower-case letters, digits and hyphens. Appears in logs.',
  },
  kind: {
    type: 'choice',
    choices: ['apns', 'fcm', 'mongoosepush', 'blackhole'],
    required: true,
    example: 'apns',
    says: 'Which gateway this is: Apple, Google, a MongoosePush, or one that accepts everything and sends nothing.',
  },
  apps: {
    type: 'list',
    default: [],
    itemsMax: 1000,
    says: 'Topics or app ids this provider serves; fcm: its project besides. Empty: every one. The first match is taken.',
  },
  tags: {
    type: 'list',
    default: [],
    itemsMax: 64,
    says: 'Names by which a program may ask for this provider: the first that has all the tags it asks for.',
  },
  mode: {
    type: 'choice',
    choices: ['prod', 'dev'],
    default: 'prod',
    says: "Tokens of released apps, or of Apple's sandbox (`dev`). For apns alone: a MongoosePush is told the mode.",
  },
  credit_max: {
    type: 'integer',
    unit: '',
    default: 2048,
    min: 1,
    max: 65_536,
    says: 'Notifications in flight at most; more wait in the queue of the provider.',
  },
  request_ms: {
    type: 'integer',
    unit: 'ms',
    default: 4000,
    min: 100,
    max: 60_000,
    says: 'How long the gateway may take for its answer.',
  },
} as const;
