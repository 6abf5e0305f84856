import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfigObject } from '../../../config/parse-config.ts';
import { configSections } from '../../../config/config-sections.ts';
import { variableName } from '../../../config/environment.ts';
import { check, clientCertificate, clientKey, configOf, trial } from './config-fixture.ts';
import type { EngineConfig } from '../../../config/engine-config.ts';
import type { EngineConfigInput } from '../../../config/provider-schema.ts';

const files = {
  './plugins/room-names.mjs': 'export function createPlugin() {}',
  '/token': 'a-token-of-20-bytes-x\n',
  '/http.pem': clientCertificate,
  '/http-key.pem': clientKey,
  '/ca.pem': clientCertificate,
  '/rabbit-url': 'amqps://meerkat:geheim@mq.example.net/%2f\n',
  '/database-url': 'postgres://meerkat:geheim@db.example.net/mongooseim\n',
};

const text = `${trial}
[[servers]]
name = "ejabberd"
domain = "push.example.net"
secret = "s"
delegated_domains = ["example.com"]

[registrations]
store = "postgres"

[push]
store = "postgres"
virtual_hosts = ["push.@HOST@", "push.example.net"]
per_user_max = 5
expire_days = 30
unknown_status = "online"
content = "sender"
placeholder = "Neu"
encrypted_body = "Geheim"
unread = "total"
iq_wait_ms = 20000
deregister_refusals = 4
deregister_hours = 48
dedupe_seconds = 6000
[push.groups]
private = "mentioned"
public = "never"
affiliations = ["owner", "none"]
[push.quiet_hours]
from = "23:30"
to = "06:15"
time_zone = "Europe/Berlin"
action = "skip"
[[push.rules]]
conditions = [{ hint = "no_store" }, { type = "groupchat", client_state = "active" }]
action = "skip"
[[push.rules]]
action = "push"
content = "jingle"

[[templates]]
for = "call"
app = "net.example.chat"
language = "de"
title = "{sender_name}"
body = "{body}"

[[plugins]]
module = "./plugins/room-names.mjs"
options = { file = "rooms.json" }

[http]
host = "0.0.0.0"
port = 5290
token_file = "/token"
certificate_file = "/http.pem"
certificate_key_file = "/http-key.pem"
receiver_domain = "Example.com"

[[rabbit]]
name = "mongooseim"
url_file = "/rabbit-url"
ca_file = "/ca.pem"
queue = "q"
prefetch = 64
presence_exchange = ""
chat_exchange = "c"
chat_topic = "ct"
group_exchange = "g"
group_topic = "gt"
durable_exchanges = true

[database]
url_file = "/database-url"
ca_file = "/ca.pem"
connections = 4
query_ms = 500
`;

type PushHalf = Pick<EngineConfig, 'push' | 'templates' | 'plugins' | 'http' | 'rabbits' | 'database'>;

const expected: PushHalf = {
  push: {
    store: 'postgres',
    virtualHosts: ['push.@HOST@', 'push.example.net'],
    behaviour: 'meerkat',
    perUserMax: 5,
    expireDays: 30,
    unknownStatus: 'online',
    content: 'sender',
    placeholder: 'Neu',
    encryptedBody: 'Geheim',
    unread: 'total',
    iqWaitMs: 20_000,
    deregisterRefusals: 4,
    deregisterHours: 48,
    dedupeSeconds: 6000,
    groups: { private: 'mentioned', public: 'never', affiliations: ['owner', 'none'] },
    quietHours: { from: 1410, to: 375, timeZone: 'Europe/Berlin', action: 'skip' },
    rules: [
      {
        conditions: [{ hint: 'no_store' }, { type: 'groupchat', client_state: 'active' }],
        action: 'skip',
        content: '',
      },
      { conditions: [], action: 'push', content: 'jingle' },
    ],
  },
  templates: [{ for: 'call', app: 'net.example.chat', language: 'de', title: '{sender_name}', body: '{body}' }],
  plugins: [{ module: './plugins/room-names.mjs', options: { file: 'rooms.json' } }],
  http: {
    host: '0.0.0.0',
    port: 5290,
    token: 'a-token-of-20-bytes-x',
    certificatePem: clientCertificate.trimEnd(),
    keyPem: clientKey.trimEnd(),
    receiverDomain: 'example.com',
  },
  rabbits: [
    {
      name: 'mongooseim',
      url: 'amqps://meerkat:geheim@mq.example.net/%2f',
      caFile: '/ca.pem',
      queue: 'q',
      prefetch: 64,
      presenceExchange: '',
      chatExchange: 'c',
      chatTopic: 'ct',
      groupExchange: 'g',
      groupTopic: 'gt',
      durableExchanges: true,
    },
  ],
  database: {
    url: 'postgres://meerkat:geheim@db.example.net/mongooseim',
    caFile: '/ca.pem',
    connections: 4,
    queryMs: 500,
  },
};

function pushHalfOf({ push, templates, plugins, http, rabbits, database }: EngineConfig): PushHalf {
  return { push, templates, plugins, http, rabbits, database };
}

test('a whole configuration becomes what the engine is built from, key by key', () => {
  const config = configOf(text, { files });
  assert.deepEqual(pushHalfOf(config), expected);
  assert.deepEqual(config.servers[0]?.delegatedDomains, ['example.com']);
  assert.equal(config.registrations.store, 'postgres');
});

test('without any of its sections the push half has its defaults, and nothing of it is switched on', () => {
  assert.deepEqual(pushHalfOf(configOf(trial)), {
    push: {
      store: 'lmdb',
      virtualHosts: [],
      behaviour: 'meerkat',
      perUserMax: 20,
      expireDays: 365,
      unknownStatus: 'offline',
      content: 'none',
      placeholder: 'New message',
      encryptedBody: 'Encrypted message',
      unread: 'conversation',
      iqWaitMs: 32_000,
      deregisterRefusals: 3,
      deregisterHours: 24,
      dedupeSeconds: 86_400,
      groups: { private: 'always', public: 'mentioned', affiliations: ['owner', 'admin', 'member'] },
      quietHours: undefined,
      rules: [],
    },
    templates: [],
    plugins: [],
    http: { host: '127.0.0.1', port: 0, token: '', certificatePem: '', keyPem: '', receiverDomain: '' },
    rabbits: [],
    database: { url: '', caFile: '', connections: 8, queryMs: 3000 },
  });
});

test('a program writes the same as an object', () => {
  const input: EngineConfigInput = {
    providers: [{ name: 'trial', kind: 'blackhole' }],
    servers: [{ name: 'a', domain: 'push.example.net', secret: 's', delegated_domains: ['example.com'] }],
    push: {
      virtual_hosts: ['push.@HOST@'],
      quiet_hours: { from: '22:00', to: '07:00' },
      rules: [
        { action: 'skip', conditions: [{ hint: 'no_store', jingle: false }] },
        { action: 'push', content: 'message' },
      ],
    },
    templates: [{ for: 'group', title: '{room}' }],
    http: { port: 5290, token: 'a-token-of-20-bytes-x' },
    rabbit: [{ name: 'r', url: 'amqp://localhost' }],
    database: { url: 'mysql://localhost/x' },
  };
  const read = parseConfigObject(input);
  assert.ok(read.ok, JSON.stringify(read));
  assert.deepEqual(read.value.push.rules, [
    { conditions: [{ hint: 'no_store', jingle: false }], action: 'skip', content: '' },
    { conditions: [], action: 'push', content: 'message' },
  ]);
  assert.deepEqual(
    [read.value.http.port, read.value.rabbits[0]?.queue, read.value.database.url],
    [5290, 'meerkat-events', 'mysql://localhost/x'],
  );
  const bad = parseConfigObject({ ...input, push: { rules: [{ action: 'push', content: '' }] } });
  assert.deepEqual(bad.ok ? [] : bad.error.map(({ line, key }) => [line, key]), [[0, 'push.rules.0.content']]);
});

test('the push half fits into the environment, files and nested lists included', () => {
  const env = {
    MEERKAT_SERVERS__0__NAME: 'a',
    MEERKAT_SERVERS__0__DOMAIN: 'push.example.net',
    MEERKAT_SERVERS__0__SECRET: 's',
    MEERKAT_SERVERS__0__DELEGATED_DOMAINS: 'example.com, example.org',
    MEERKAT_REGISTRATIONS__STORE: 'postgres',
    MEERKAT_PUSH__STORE: 'postgres',
    MEERKAT_PUSH__VIRTUAL_HOSTS: 'push.@HOST@,push.example.net',
    MEERKAT_PUSH__GROUPS__AFFILIATIONS: 'owner',
    MEERKAT_PUSH__QUIET_HOURS__FROM: '22:00',
    MEERKAT_PUSH__QUIET_HOURS__TO: '07:00',
    MEERKAT_PUSH__RULES__0__ACTION: 'skip',
    MEERKAT_PUSH__RULES__0__CONDITIONS__0__HINT: 'no_store',
    MEERKAT_PUSH__RULES__0__CONDITIONS__1__JINGLE: 'true',
    MEERKAT_PUSH__RULES__1__ACTION: 'push',
    MEERKAT_PUSH__RULES__1__CONTENT: 'message',
    MEERKAT_TEMPLATES__0__FOR: 'call',
    MEERKAT_TEMPLATES__1__LANGUAGE: 'de',
    MEERKAT_PLUGINS__0__MODULE: './plugins/room-names.mjs',
    MEERKAT_HTTP__PORT: '5290',
    MEERKAT_HTTP__TOKEN_FILE: '/token',
    MEERKAT_HTTP__CERTIFICATE_FILE: '/http.pem',
    MEERKAT_HTTP__CERTIFICATE_KEY: clientKey.trimEnd().replaceAll('\n', '\\n'),
    MEERKAT_RABBIT__0__NAME: 'r',
    MEERKAT_RABBIT__0__URL_FILE: '/rabbit-url',
    MEERKAT_RABBIT__0__DURABLE_EXCHANGES: 'true',
    MEERKAT_DATABASE__URL_FILE: '/database-url',
    MEERKAT_DATABASE__ALLOW_PLAINTEXT: 'true',
  };
  const config = configOf(trial, { env, files });
  const { push, templates, plugins, http, rabbits, database } = config;
  assert.deepEqual(config.servers[0]?.delegatedDomains, ['example.com', 'example.org']);
  assert.deepEqual(push.virtualHosts, ['push.@HOST@', 'push.example.net']);
  assert.deepEqual(push.groups.affiliations, ['owner']);
  assert.equal(push.quietHours?.to, 420);
  assert.deepEqual(push.rules, [
    { conditions: [{ hint: 'no_store' }, { jingle: true }], action: 'skip', content: '' },
    { conditions: [], action: 'push', content: 'message' },
  ]);
  assert.deepEqual([templates[0]?.for, templates[1]?.language], ['call', 'de']);
  assert.equal(plugins[0]?.module, './plugins/room-names.mjs');
  assert.deepEqual([http.token, http.keyPem], ['a-token-of-20-bytes-x', clientKey.trimEnd()]);
  assert.deepEqual([rabbits[0]?.url, rabbits[0]?.durableExchanges], [expected.rabbits[0]?.url, true]);
  assert.equal(database.url, expected.database.url);
});

test('a variable over a file of nested lists changes its own key, and is named when it is wrong', () => {
  const rules = '[[push.rules]]\naction = "skip"\nconditions = [{ type = "chat" }, { jingle = true }]\n';
  const name = 'MEERKAT_PUSH__RULES__0__CONDITIONS__1__JINGLE';
  const right = configOf(rules + trial, { env: { [name]: 'false' } });
  assert.deepEqual(right.push.rules[0]?.conditions, [{ type: 'chat' }, { jingle: false }]);
  const wrong = check(rules + trial, { env: { [name]: 'perhaps' } });
  assert.deepEqual(wrong.ok ? [] : wrong.error.map(({ key, line }) => [key, line]), [[name, 0]]);
});

const refused: readonly (readonly [string, RegExp])[] = [
  ['MEERKAT_PUSH__RULES__ACTION', /like MEERKAT/],
  ['MEERKAT_PUSH__RULES__1__ACTION', /from 0 without gaps/],
  ['MEERKAT_PUSH__RULES__0__CONDITIONS__BODY', /like MEERKAT/],
  ['MEERKAT_PUSH__0__STORE', /like MEERKAT/],
  ['MEERKAT_RABBIT__0__URI', /MEERKAT_RABBIT__0__URL\?/],
  ['MEERKAT_HTTP__PORT_FILE', /MEERKAT_HTTP__PORT\?/],
  ['MEERKAT_PLUGINS__0__OPTIONS__FILE', /like MEERKAT/],
];

for (const [name, remedy] of refused) {
  test(`${name} means nothing and is a problem`, () => {
    const read = check(trial, { env: { [name]: '1' } });
    const found = read.ok ? [] : read.error;
    assert.equal(found.length, 1, JSON.stringify(found));
    assert.equal(found[0]?.key, name);
    assert.match(found[0]?.remedy ?? '', remedy);
  });
}

test('every key of every section has a variable that is known', () => {
  for (const { path, keys, header } of configSections) {
    const parts = path.replace(/ \(.*/, '').split('.');
    const place = parts.map((part, at) => (isList(parts.slice(0, at + 1).join('.')) ? `${part}.0` : part)).join('.');
    for (const key of Object.keys(keys)) {
      const name = variableName(`${place}.${key}`);
      const read = check(trial, { env: { [name]: '\u0000' } });
      const found = read.ok ? [] : read.error;
      assert.ok(!found.some(({ problem }) => /not a configuration variable/.test(problem)), `${header} ${name}`);
    }
  }
});

function isList(path: string): boolean {
  return configSections.some((section) => section.path === path && section.header.startsWith('[['));
}
