// Thread: any
/**
 * The keys of what is around the event path: plugins, the doors by which events arrive, and the database. Continues
 * schema.ts by its rule: every key once.
 */

export const pluginKeys = {
  module: {
    type: 'text',
    form: 'file',
    required: true,
    minBytes: 1,
    maxBytes: 4096,
    example: './plugins/room-names.mjs',
    says: 'JavaScript module that exports `createPlugin`. Relative to the working directory.',
  },
} as const;

export const httpKeys = {
  host: {
    type: 'text',
    form: 'host',
    default: '127.0.0.1',
    minBytes: 1,
    maxBytes: 255,
    says: 'Address the HTTP server listens on.',
  },
  port: { type: 'integer', unit: 'port', default: 0, min: 0, max: 65_535, says: 'Port; 0: no HTTP server.' },
  token: {
    type: 'text',
    form: 'token',
    secret: true,
    default: '',
    minBytes: 16,
    maxBytes: 1024,
    example: 'at-least-16-bytes-of-chance',
    says: 'Every request must carry it; 16 bytes or more. Needed when there is a port.',
  },
  certificate: {
    type: 'text',
    form: 'pem',
    byFile: true,
    default: '',
    maxBytes: 65_536,
    says: 'HTTPS: certificate and chain, as PEM. Needed beyond loopback.',
  },
  certificate_key: {
    type: 'text',
    form: 'pem',
    secret: true,
    default: '',
    maxBytes: 16_384,
    says: 'HTTPS: the private key of the certificate, as PEM.',
  },
  allow_plaintext: {
    type: 'flag',
    default: false,
    says: 'Permit plain HTTP beyond loopback. Messages and the token then cross the network in clear.',
  },
  receiver_domain: {
    type: 'text',
    form: 'domain',
    default: '',
    maxBytes: 1023,
    example: 'example.com',
    says: "Domain of receivers in MongooseIM's `http` events, which name no domain. Empty: that of the author.",
  },
} as const;

export const rabbitKeys = {
  name: {
    type: 'text',
    form: 'label',
    required: true,
    minBytes: 1,
    maxBytes: 64,
    example: 'mongooseim',
    says: 'For people and logs; unique among the brokers.',
  },
  url: {
    type: 'text',
    form: 'amqp-url',
    secret: true,
    required: true,
    minBytes: 1,
    maxBytes: 2048,
    example: 'amqp://meerkat:secret@127.0.0.1:5672/%2f',
    says: 'Address, user, password and virtual host of the RabbitMQ; `amqps` for TLS.',
  },
  allow_plaintext: {
    type: 'flag',
    default: false,
    says: 'Permit `amqp` beyond loopback. Messages and the password then cross the network in clear.',
  },
  ca_file: {
    type: 'text',
    form: 'file',
    default: '',
    maxBytes: 4096,
    example: '/etc/meerkat/rabbit-ca.pem',
    says: 'PEM file of the authorities to trust. Empty: those of the system.',
  },
  queue: {
    type: 'text',
    form: 'label',
    default: 'meerkat-events',
    minBytes: 1,
    maxBytes: 200,
    says: 'Durable queue of ours, bound to the exchanges below; `<queue>.poison` takes what cannot be read.',
  },
  prefetch: {
    type: 'integer',
    unit: '',
    default: 512,
    min: 1,
    max: 16_384,
    says: 'Messages that may be under way without an acknowledgement.',
  },
  presence_exchange: {
    type: 'text',
    form: 'label',
    default: 'presence',
    maxBytes: 255,
    says: 'Exchange of presence events. Empty: not used; then nobody is known to be online.',
  },
  chat_exchange: {
    type: 'text',
    form: 'label',
    default: 'chat_msg',
    maxBytes: 255,
    says: 'Exchange of one-to-one messages. Empty: not used.',
  },
  chat_topic: {
    type: 'text',
    form: 'label',
    default: 'chat_msg_recv',
    minBytes: 1,
    maxBytes: 255,
    says: 'The `recv_topic` of that exchange.',
  },
  group_exchange: {
    type: 'text',
    form: 'label',
    default: 'groupchat_msg',
    maxBytes: 255,
    says: 'Exchange of room messages. Empty: not used.',
  },
  group_topic: {
    type: 'text',
    form: 'label',
    default: 'groupchat_msg_recv',
    minBytes: 1,
    maxBytes: 255,
    says: 'The `recv_topic` of that exchange.',
  },
  durable_exchanges: {
    type: 'flag',
    default: false,
    says: 'Whether the exchanges are declared durable; must be as in MongooseIM, whose default is not.',
  },
} as const;

export const databaseKeys = {
  url: {
    type: 'text',
    form: 'database-url',
    secret: true,
    default: '',
    maxBytes: 2048,
    example: 'postgres://meerkat:secret@127.0.0.1:5432/mongooseim',
    says: 'Address, user, password and name of the database: `postgres://` or `mysql://`.',
  },
  ca_file: {
    type: 'text',
    form: 'file',
    default: '',
    maxBytes: 4096,
    example: '/etc/meerkat/database-ca.pem',
    says: 'PEM file of the authorities to trust; set, it also demands TLS. Empty: no TLS.',
  },
  allow_plaintext: {
    type: 'flag',
    default: false,
    says: 'Permit a database beyond loopback without TLS. Tokens and the password then cross the network in clear.',
  },
  connections: {
    type: 'integer',
    unit: '',
    default: 8,
    min: 1,
    max: 256,
    says: 'Connections of the pool at most.',
  },
  query_ms: {
    type: 'integer',
    unit: 'ms',
    default: 3000,
    min: 100,
    max: 60_000,
    says: 'How long a query may take, the wait for a connection included.',
  },
} as const;
