import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientCertificate, clientKey, configOf, ecKey, issuesOf, rsaKey } from './config-fixture.ts';

const apns = '[[providers]]\nname = "a"\nkind = "apns"\n';
const fcm = '[[providers]]\nname = "f"\nkind = "fcm"\n';
const ids = 'key_id = "K"\nteam_id = "T"\n';
const account = { project_id: 'p', client_email: 'e@p', private_key: rsaKey, private_key_id: 'i' };
const accountFile = { '/account.json': JSON.stringify(account) };

test('a token key in a file is a credential, and the mode picks the host', () => {
  const text = `${apns}key_file = "/k.p8"\n${ids}`;
  const [prod] = configOf(text, { files: { '/k.p8': ecKey } }).providers;
  assert.ok(prod?.kind === 'apns' && prod.auth.kind === 'token');
  assert.equal(prod.auth.keyPem.trim(), ecKey.trim());
  assert.equal(prod.host, 'api.push.apple.com');
  assert.equal(prod.port, 443);
  const [dev] = configOf(`${text}mode = "dev"\n`, { files: { '/k.p8': ecKey } }).providers;
  assert.ok(dev?.kind === 'apns' && dev.host === 'api.sandbox.push.apple.com');
  const [own] = configOf(`${text}host = "127.0.0.1"\nport = 2197\n`, { files: { '/k.p8': ecKey } }).providers;
  assert.ok(own?.kind === 'apns' && own.host === '127.0.0.1' && own.port === 2197);
});

test('a certificate with its key is a credential', () => {
  const files = { '/c.pem': clientCertificate, '/k.pem': clientKey };
  const [provider] = configOf(`${apns}certificate_file = "/c.pem"\ncertificate_key_file = "/k.pem"\n`, {
    files,
  }).providers;
  assert.ok(provider?.kind === 'apns' && provider.auth.kind === 'certificate');
});

test('a key of another certificate is found', () => {
  const files = { '/c.pem': clientCertificate, '/k.pem': ecKey };
  const [issue] = issuesOf(`${apns}certificate_file = "/c.pem"\ncertificate_key_file = "/k.pem"\n`, { files });
  assert.equal(issue?.key, 'providers.0.certificate_key_file');
  assert.match(issue?.problem ?? '', /does not belong/);
});

test('no credential, half of one and two of them are problems', () => {
  assert.match(issuesOf(apns)[0]?.problem ?? '', /no credential/);
  const half = issuesOf(`${apns}key_file = "/k"\n`, { files: { '/k': ecKey } });
  assert.deepEqual(
    half.map(({ key, problem }) => `${key} ${problem}`),
    ['providers.0.key_id is missing', 'providers.0.team_id is missing'],
  );
  const files = { '/c.pem': clientCertificate, '/k.pem': clientKey };
  const both = issuesOf(`${apns}${ids}key_file = "/k.pem"\ncertificate_file = "/c.pem"\n`, { files });
  assert.match(both[0]?.problem ?? '', /a token key and a certificate/);
});

const badKeys: readonly (readonly [string, string, RegExp])[] = [
  ['text that is no PEM', 'hunter2', /malformed/],
  ['PEM that is no key', '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----', /not a private key/],
  ['a key with a passphrase', '-----BEGIN ENCRYPTED PRIVATE KEY-----\nhunter2\n-----END', /passphrase/],
  ['a key of another kind', rsaKey, /elliptic curve/],
];

for (const [what, pem, problem] of badKeys) {
  test(`${what} is found, and nothing of it is repeated`, () => {
    const found = issuesOf(`${apns}${ids}key_file = "/k"\n`, { files: { '/k': pem } });
    assert.equal(found.length, 1, JSON.stringify(found));
    assert.equal(found[0]?.key, 'providers.0.key_file');
    assert.equal(found[0]?.line, 6);
    assert.match(found[0]?.problem ?? '', problem);
    assert.doesNotMatch(JSON.stringify(found), /hunter2/);
  });
}

test('a service account holds everything FCM needs', () => {
  const [provider] = configOf(`${fcm}service_account_file = "/account.json"\n`, { files: accountFile }).providers;
  assert.ok(provider?.kind === 'fcm');
  assert.equal(provider.projectId, 'p');
  assert.equal(provider.clientEmail, 'e@p');
  assert.equal(provider.privateKeyPem, rsaKey);
  assert.equal(provider.host, 'fcm.googleapis.com');
  assert.equal(provider.tokenUrl, 'https://oauth2.googleapis.com/token');
});

test('the parts of a service account may be given by themselves', () => {
  const text = `${fcm}project_id = "p"\nclient_email = "e"\nprivate_key_file = "/k"\n`;
  const [provider] = configOf(text, { files: { '/k': rsaKey } }).providers;
  assert.ok(provider?.kind === 'fcm' && provider.privateKeyId === '');
  assert.match(issuesOf(text, { files: { '/k': ecKey } })[0]?.problem ?? '', /not an RSA key/);
});

test('a service account with its parts, without some, or that is not JSON is a problem', () => {
  const two = issuesOf(`${fcm}service_account_file = "/account.json"\nproject_id = "x"\n`, { files: accountFile });
  assert.match(two[0]?.problem ?? '', /and its parts/);
  const part = { '/account.json': JSON.stringify({ project_id: 'hunter2' }) };
  const missing = issuesOf(`${fcm}service_account_file = "/account.json"\n`, { files: part });
  assert.deepEqual(
    missing.map(({ problem }) => problem),
    ['has no client_email', 'has no private_key'],
  );
  const broken = issuesOf(`${fcm}service_account_file = "/a"\n`, { files: { '/a': '{hunter2' } });
  assert.match(broken[0]?.problem ?? '', /not JSON/);
  assert.doesNotMatch(JSON.stringify([...missing, ...broken]), /hunter2/);
  assert.match(issuesOf(fcm)[0]?.problem ?? '', /no credential/);
});
