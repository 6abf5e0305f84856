import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertWrong, clientCertificate, clientKey, configOf, ecKey, issuesOf, trial } from './config-fixture.ts';
import type { WrongRow } from './config-fixture.ts';

const files = {
  './p.js': '',
  '/c.pem': clientCertificate,
  '/k.pem': clientKey,
  '/other.pem': ecKey,
  '/no.pem': 'hunter2',
  '/ca.pem': clientCertificate,
  '/token': 'a-token-of-20-bytes-x\n',
};

const token = 'token = "a-token-of-20-bytes"\n';
const http = (text: string): string => `[http]\n${token}port = 5290\n${text}`;
const pair = 'certificate_file = "/c.pem"\ncertificate_key_file = "/k.pem"\n';
const rabbit = (text: string, url = 'amqp://u:hunter2@127.0.0.1/%2f'): string =>
  `[[rabbit]]\nname = "r"\nurl = "${url}"\n${text}`;
const database = (text: string, url = 'postgres://u:hunter2@127.0.0.1/x'): string =>
  `[database]\nurl = "${url}"\n${text}`;
const far = 'mq.example.net';

const wrong: readonly WrongRow[] = [
  ['a plugin that is not there', '[[plugins]]\nmodule = "./q.js"\n', 'plugins.0.module', 2, /q\.js.*ENOENT/, /working/],
  ['a plugin without module', '[[plugins]]\n', 'plugins.0.module', 1, /is missing/, /path of a file/],
  [
    'options that are no table',
    '[[plugins]]\nmodule = "./p.js"\noptions = 5\n',
    'plugins.0.options',
    3,
    /not a table/,
    /\[plugins\.options\]/,
  ],
  ['a port without token', '[http]\nport = 5290\n', 'http.token', 1, /is missing/, /token_file/],
  ['a short token', '[http]\ntoken = "hunter2"\n', 'http.token', 2, /shorter than 16/, /ASCII/],
  [
    'a token with spaces',
    '[http]\ntoken = "hunter2 hunter2 hunter2"\n',
    'http.token',
    2,
    /malformed/,
    /without spaces/,
  ],
  [
    'HTTP beyond loopback',
    http('host = "0.0.0.0"\n'),
    'http.certificate',
    1,
    /0\.0\.0\.0.*in clear/,
    /certificate_file.*allow_plaintext = true/,
  ],
  [
    'a certificate without key',
    http('certificate_file = "/c.pem"\n'),
    'http.certificate_key',
    1,
    /is missing/,
    /certificate_key_file beside certificate/,
  ],
  [
    'a key without certificate',
    http('certificate_key_file = "/k.pem"\n'),
    'http.certificate',
    1,
    /is missing/,
    /certificate_file beside certificate_key/,
  ],
  [
    'the key of another certificate',
    http('certificate_file = "/c.pem"\ncertificate_key_file = "/other.pem"\n'),
    'http.certificate_key_file',
    5,
    /does not belong/,
    /same identity/,
  ],
  [
    'a certificate that is none',
    http('certificate_file = "/k.pem"\ncertificate_key_file = "/k.pem"\n'),
    'http.certificate_file',
    4,
    /not a certificate/,
    /BEGIN CERTIFICATE/,
  ],
  [
    'a key that is none',
    http('certificate_file = "/c.pem"\ncertificate_key_file = "/c.pem"\n'),
    'http.certificate_key_file',
    5,
    /not a private key/,
    /BEGIN PRIVATE KEY/,
  ],
  [
    'a key that is not even PEM',
    http('certificate_file = "/c.pem"\ncertificate_key_file = "/no.pem"\n'),
    'http.certificate_key_file',
    5,
    /malformed/,
    /PEM/,
  ],
  ['a receiver that is no domain', http('receiver_domain = "a..b"\n'), 'http.receiver_domain', 4, /"a\.\.b"/, /domain/],
  ['a broker without name', '[[rabbit]]\nurl = "amqp://localhost"\n', 'rabbit.0.name', 1, /is missing/, /mongooseim/],
  ['a broker without url', '[[rabbit]]\nname = "r"\n', 'rabbit.0.url', 1, /is missing/, /url_file/],
  ['another scheme', rabbit('', 'http://u:hunter2@localhost'), 'rabbit.0.url', 3, /malformed/, /amqp:\/\//],
  ['a bare slash in a password', rabbit('', 'amqp://u:1/hunter2@h'), 'rabbit.0.url', 3, /malformed/, /%2F/],
  ['a bare # in a password', rabbit('', 'amqp://u:1#hunter2@h'), 'rabbit.0.url', 3, /malformed/, /password/],
  ['a bare ? in a password', rabbit('', 'amqp://u:1?hunter2@h'), 'rabbit.0.url', 3, /malformed/, /query/],
  ['a bare % in a password', rabbit('', 'amqp://u:hunter2%@h'), 'rabbit.0.url', 3, /malformed/, /%40/],
  [
    'amqp beyond loopback',
    rabbit('', `amqp://u:hunter2@${far}`),
    'rabbit.0.url',
    3,
    /another machine.*in clear/,
    /amqps:\/\/.*allow_plaintext = true/,
  ],
  ['authorities without TLS', rabbit('ca_file = "/ca.pem"\n'), 'rabbit.0.ca_file', 4, /amqp:\/\//, /amqps:\/\//],
  [
    'authorities that cannot be read',
    rabbit('ca_file = "/absent.pem"\n', `amqps://u:hunter2@${far}`),
    'rabbit.0.ca_file',
    4,
    /cannot be read/,
    /path/,
  ],
  [
    'no message exchange',
    rabbit('chat_exchange = ""\ngroup_exchange = ""\n'),
    'rabbit.0.chat_exchange',
    4,
    /group_exchange is too/,
    /Name one/,
  ],
  ['a name twice', rabbit('') + rabbit('queue = "q"\n'), 'rabbit.1.name', 5, /"r" is taken/, /its own/],
  [
    'a queue of one broker twice',
    rabbit('') + rabbit('').replace('"r"', '"s"'),
    'rabbit.1.queue',
    4,
    /read.*by rabbit\.0/,
    /Remove one/,
  ],
  [
    'messages that are known for less time than a broker is read again',
    `${rabbit('')}[push]\ndedupe_seconds = 599\n`,
    'push.dedupe_seconds',
    5,
    /is 599, but messages of \[\[rabbit\]\].*600 s/,
    /600 or more/,
  ],
  [
    'messages of a broker that are not known',
    `[push]\ndedupe_seconds = 0\n${rabbit('')}`,
    'push.dedupe_seconds',
    2,
    /is 0, .*twice/,
    /600 or more/,
  ],
  [
    'a store without database',
    '[registrations]\nstore = "mysql"\n',
    'database.url',
    1,
    /is missing, and registrations\.store is "mysql"/,
    /url_file/,
  ],
  ['another store without database', '[push]\nstore = "postgres"\n', 'database.url', 1, /push\.store/, /url_file/],
  [
    'a store of another kind than the database',
    `${database('')}[push]\nstore = "mysql"\n`,
    'push.store',
    4,
    /"mysql", but database\.url starts with postgres:/,
    /another push\.store/,
  ],
  [
    'two stores of which the database fits one',
    `${database('', 'mysql://localhost/x')}[push]\nstore = "mysql"\n[registrations]\nstore = "postgres"\n`,
    'registrations.store',
    6,
    /"postgres", but database\.url starts with mysql:/,
    /one for both/,
  ],
  ['another kind of database', database('', 'mssql://u:hunter2@localhost/x'), 'database.url', 2, /malformed/, /mysql/],
  ['an address without database', database('', 'mysql://localhost'), 'database.url', 2, /no database/, /at the end/],
  [
    'a database beyond loopback without TLS',
    database('', 'mysql://u:hunter2@db.example.net/x'),
    'database.ca_file',
    1,
    /is missing.*in clear/,
    /allow_plaintext = true/,
  ],
  ['authorities that are none', database('ca_file = "/no.pem"\n'), 'database.ca_file', 3, /without a PEM/, /BEGIN/],
];

for (const row of wrong) {
  test(`${row[0]}: a problem with its place, its remedy and no password`, () => {
    assertWrong(row, { files });
    assert.doesNotMatch(JSON.stringify(issuesOf(row[1] + trial, { files })), /hunter2/);
  });
}

const right: readonly (readonly [what: string, text: string])[] = [
  ['HTTP on loopback without certificate', http('')],
  ['HTTP on ::1', http('host = "::1"\n')],
  ['HTTPS anywhere', http(`host = "0.0.0.0"\n${pair}`)],
  ['HTTP anywhere when it is allowed', http('host = "0.0.0.0"\nallow_plaintext = true\n')],
  ['no port and no token', '[http]\nhost = "0.0.0.0"\n'],
  ['amqps beyond loopback', rabbit('ca_file = "/ca.pem"\n', `amqps://u:p@${far}`)],
  ['amqp beyond loopback when it is allowed', rabbit('allow_plaintext = true\n', `amqp://u:p@${far}`)],
  ['amqp to ::1', rabbit('', 'amqp://u:p@[::1]:5672/%2f')],
  ['two queues of one broker', rabbit('') + rabbit('queue = "q"\n').replace('"r"', '"s"')],
  ['one queue of two brokers', rabbit('') + rabbit('', 'amqp://localhost').replace('"r"', '"s"')],
  ['messages that are known as long as a broker is read again', `${rabbit('')}[push]\ndedupe_seconds = 600\n`],
  ['messages that are not known, without a broker', '[push]\ndedupe_seconds = 0\n'],
  ['one kind of message', rabbit('chat_exchange = ""\npresence_exchange = ""\n')],
  ['escaped signs in a password', rabbit('', 'amqp://u:a%2Fb%40c%23@localhost/%2f')],
  ['both stores in one database', `${database('')}[push]\nstore = "postgres"\n[registrations]\nstore = "postgres"\n`],
  ['one store in the database', `${database('', 'mariadb://localhost/x')}[push]\nstore = "mysql"\n`],
  ['the long name of PostgreSQL', `${database('', 'postgresql://localhost/x')}[push]\nstore = "postgres"\n`],
  ['a database with TLS', database('ca_file = "/ca.pem"\n', 'mysql://db.example.net/x')],
  ['a database in clear when it is allowed', database('allow_plaintext = true\n', 'mysql://db.example.net/x')],
];

for (const [what, text] of right) {
  test(`${what} is right`, () => assert.deepEqual(issuesOf(text + trial, { files }), []));
}

test('options of a plugin are any table', () => {
  const plugin = '[[plugins]]\nmodule = "./p.js"\n';
  const text = `${plugin}[plugins.options]\nrooms = ["a"]\ndeep = { n = 1 }\n${plugin}`;
  assert.deepEqual(configOf(text + trial, { files }).plugins, [
    { module: './p.js', options: { rooms: ['a'], deep: { n: 1 } } },
    { module: './p.js', options: {} },
  ]);
});
