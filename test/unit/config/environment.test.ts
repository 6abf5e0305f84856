import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf, ecKey, issuesOf, server, trial } from './config-fixture.ts';

test('a variable wins over the file', () => {
  const config = configOf(`[engine]\nlog_level = "warn"\n${trial}`, { env: { MEERKAT_ENGINE__LOG_LEVEL: 'debug' } });
  assert.equal(config.engine.logLevel, 'debug');
});

test('a whole configuration fits into the environment', () => {
  const env = {
    MEERKAT_SERVERS__0__NAME: 'a',
    MEERKAT_SERVERS__0__DOMAIN: 'push.example.net',
    MEERKAT_SERVERS__0__SECRET_FILE: '/run/secret',
    MEERKAT_SERVERS__0__PORT: '5348',
    MEERKAT_SERVERS__0__TLS__MODE: 'direct',
    MEERKAT_PUSH_NODES__ALLOWED_DOMAINS: 'example.com, example.org',
    MEERKAT_PUSH_NODES__CREATE: 'false',
    MEERKAT_PROVIDERS__0__NAME: 'apns',
    MEERKAT_PROVIDERS__0__KIND: 'apns',
    MEERKAT_PROVIDERS__0__KEY: ecKey.replaceAll('\n', '\\n'),
    MEERKAT_PROVIDERS__0__KEY_ID: 'ABC123DEFG',
    MEERKAT_PROVIDERS__0__TEAM_ID: 'DEF123GHIJ',
    MEERKAT_PROVIDERS__1__NAME: 'trial',
    MEERKAT_PROVIDERS__1__KIND: 'blackhole',
    MEERKAT_PROVIDERS__1__STALL_SHARE: '0.25',
    HOME: '/root',
  };
  const config = configOf('', { env, files: { '/run/secret': 'from the file\n' } });
  assert.equal(config.servers[0]?.secret, 'from the file');
  assert.equal(config.servers[0]?.port, 5348);
  assert.equal(config.servers[0]?.tls.mode, 'direct');
  assert.deepEqual(config.pushNodes.allowedDomains, ['example.com', 'example.org']);
  assert.equal(config.pushNodes.create, false);
  const [apns, blackhole] = config.providers;
  assert.ok(apns?.kind === 'apns' && apns.auth.kind === 'token');
  assert.equal(apns.auth.keyPem, ecKey, 'line breaks that were spelled out are line breaks again');
  assert.ok(blackhole?.kind === 'blackhole' && blackhole.stallShare === 0.25);
});

test('a secret from the environment replaces the file that the configuration names', () => {
  const text = `[[servers]]\nname = "a"\ndomain = "p"\nsecret_file = "/absent"\n${trial}`;
  assert.equal(configOf(text, { env: { MEERKAT_SERVERS__0__SECRET: 'env' } }).servers[0]?.secret, 'env');
  const files = { '/present': 'file' };
  const config = configOf(server + trial, { env: { MEERKAT_SERVERS__0__SECRET_FILE: '/present' }, files });
  assert.equal(config.servers[0]?.secret, 'file');
});

test('a wrong value is reported under the name of its variable, without a line', () => {
  const [issue] = issuesOf(server + trial, { env: { MEERKAT_SERVERS__0__PORT: 'many' } });
  assert.equal(issue?.key, 'MEERKAT_SERVERS__0__PORT');
  assert.equal(issue?.line, 0);
});

const refused: readonly (readonly [string, RegExp])[] = [
  ['MEERKAT_ENGINE__DATADIR', /MEERKAT_ENGINE__DATA_DIR/],
  ['MEERKAT_DATA', /like MEERKAT_ENGINE__DATA_DIR/],
  ['MEERKAT_SERVERS__SECRET', /like MEERKAT/],
  ['MEERKAT_SERVERS__7__PORT', /from 0 without gaps/],
  ['MEERKAT_ENGINE____PROTO__', /like MEERKAT/],
  ['MEERKAT_ENGINE__LOG_LEVEL_FILE', /MEERKAT_ENGINE__LOG_LEVEL\?/],
];

for (const [name, remedy] of refused) {
  test(`${name} means nothing and is a problem`, () => {
    const found = issuesOf(server + trial, { env: { [name]: '1' } });
    assert.equal(found.length, 1, JSON.stringify(found));
    assert.equal(found[0]?.key, name);
    assert.match(found[0]?.remedy ?? '', remedy);
  });
}
