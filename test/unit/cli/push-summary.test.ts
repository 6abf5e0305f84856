import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summaryOf, withoutSecrets } from '../../../src/cli/config-summary.ts';
import { clientCertificate, clientKey, configOf, ecKey, trial } from '../config/config-fixture.ts';

const files = { './p.js': '', '/c.pem': clientCertificate, '/k.pem': clientKey };
const text = `${trial}
[[servers]]
name = "ejabberd"
domain = "push.example.net"
secret = "hunter2"
delegated_domains = ["example.com", "example.org", "a.example", "b.example"]
[registrations]
store = "mysql"
[push]
virtual_hosts = ["push.@HOST@"]
[push.quiet_hours]
from = "22:05"
to = "07:00"
[[push.rules]]
action = "skip"
[[templates]]
for = "call"
[[plugins]]
module = "./p.js"
options = { key = "hunter2" }
[http]
port = 5290
token = "hunter2-hunter2-hunter2"
certificate_file = "/c.pem"
certificate_key_file = "/k.pem"
[[rabbit]]
name = "r"
url = "amqp://meerkat:hunter2@127.0.0.1:5672/%2f"
[database]
url = "mysql://meerkat:a:hunter2@127.0.0.1/x"
`;

test('each section in use has a line, and no line has a password', () => {
  const lines = summaryOf(configOf(text, { files }), 0);
  assert.deepEqual(lines.slice(-9), [
    'push      one rule in order, what users enable is in ./data',
    'delegated ejabberd: users of example.com, example.org, a.example and 1 more',
    'virtual   push.@HOST@: pushed without a stanza',
    'quiet     22:05 to 07:00 UTC: messages come without a sound',
    'wording   one template: call',
    'plugin    ./p.js',
    'http      HTTPS at 127.0.0.1:5290',
    'rabbit    r: amqp://127.0.0.1:5672/%2f, queue meerkat-events',
    'database  mysql://127.0.0.1/x, 8 connections at most',
  ]);
  assert.ok(lines.includes('store     in the database (mysql), 4 shards'), lines.join('\n'));
  assert.doesNotMatch(lines.join('\n'), /hunter2/);
});

test('sections that are not in use have no line', () => {
  assert.equal(
    summaryOf(configOf(trial), 0).at(-1),
    'push      behaviour "meerkat" decides, what users enable is in ./data',
  );
});

test('the whole is printed without passwords, tokens, keys and what plugins are given', () => {
  const printed = JSON.stringify(withoutSecrets(configOf(text, { files })));
  assert.doesNotMatch(printed, /hunter2|BEGIN/);
  assert.match(printed, /"url":"amqp:\/\/meerkat:\[secret\]@127\.0\.0\.1:5672\/%2f"/);
  assert.match(printed, /"url":"mysql:\/\/meerkat:\[secret\]@127\.0\.0\.1\/x"/);
  assert.match(printed, /"token":"\[secret\]"/);
});

test('the password of a proxy is not printed either', () => {
  const apns =
    '[[providers]]\nname = "apple"\nkind = "apns"\nkey_file = "k.p8"\nkey_id = "K"\nteam_id = "T"\n' +
    'transport = "http2-wrapper"\nproxy = "http://meerkat:hunter2@proxy.example.net:3128"\n';
  const printed = JSON.stringify(withoutSecrets(configOf(apns, { files: { 'k.p8': ecKey } })));
  assert.match(printed, /"proxyUrl":"http:\/\/meerkat:\[secret\]@proxy\.example\.net:3128\/"/);
});
