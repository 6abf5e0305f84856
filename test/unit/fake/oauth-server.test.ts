import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { makeServiceAccount } from '../../../src/fake/oauth-server.ts';
import { httpsRequest } from './https-client.ts';
import { projectId, setup } from './google-world.ts';

test('4.1 a valid assertion is answered with an opaque token that lives 3599 seconds', async (t) => {
  const { grant, oauth, clock } = await setup(t);
  const answer = await grant();
  assert.equal(answer.status, 200);
  const body = JSON.parse(answer.body);
  assert.equal(body.expires_in, 3599);
  assert.equal(body.token_type, 'Bearer');
  assert.deepEqual(oauth.check(body.access_token), { kind: 'valid', projectId });
  await clock.advance(3_599_000);
  assert.deepEqual(oauth.check(body.access_token), { kind: 'invalid' });
});

test('4.1 every flaw of an assertion is refused by name', async (t) => {
  const { grant, clock, oauth } = await setup(t);
  const now = Math.floor(clock.now() / 1000);
  const stranger = await makeServiceAccount({ projectId, tokenUri: 'https://127.0.0.1/token' });
  const rows: readonly [string, Parameters<typeof grant>[0]][] = [
    ['audience is not the token endpoint', { claims: { aud: 'https://elsewhere/token' } }],
    ['not for messaging', { claims: { scope: 'https://www.googleapis.com/auth/calendar' } }],
    ['account not found', { claims: { iss: 'nobody@example.com' } }],
    ['the assertion lives longer than an hour', { claims: { exp: now + 3601 } }],
    ['the assertion has expired', { claims: { iat: now - 3601, exp: now - 1 } }],
    ['the assertion is from the future', { claims: { iat: now + 400, exp: now + 500 } }],
    ['iat and exp must be numbers', { claims: { exp: String(now + 60) } }],
    ['invalid signature', { signer: stranger }],
    ['invalid signature', { header: { alg: 'HS256' } }],
  ];
  for (const [description, changes] of rows) {
    const answer = await grant(changes);
    assert.equal(answer.status, 400, description);
    assert.equal(JSON.parse(answer.body).error_description, description);
  }
  assert.equal(oauth.received.items.filter(({ status }) => status === 200).length, 0);
});

test('4.1 only the JWT grant at POST /token is served', async (t) => {
  const { caPem, oauthPort: port } = await setup(t);
  const wrongGrant = await httpsRequest({ port, caPem, path: '/token', body: 'grant_type=password' });
  assert.equal(JSON.parse(wrongGrant.body).error, 'unsupported_grant_type');
  assert.equal((await httpsRequest({ port, caPem, path: '/other' })).status, 404);
  assert.equal((await httpsRequest({ port, caPem, path: '/token', method: 'GET' })).status, 404);
});

test('requests are counted, refused ones too', async (t) => {
  const { grant, oauth, account } = await setup(t);
  await Promise.all([grant(), grant(), grant({ claims: { aud: 'x' } })]);
  const received = await oauth.received.waitFor(3);
  assert.equal(oauth.received.total, 3);
  assert.ok(received.every(({ clientEmail }) => clientEmail === account.account.client_email));
});

test('failures and slowness can be scripted', async (t) => {
  const { grant, oauth, clock } = await setup(t);
  oauth.script({ kind: 'next', count: 1, behaviour: { kind: 'reject', status: 500, reason: 'internal_failure' } });
  assert.equal((await grant()).status, 500);
  oauth.script({ kind: 'next', count: 1, behaviour: { kind: 'reject', status: 400, reason: 'invalid_grant' } });
  assert.equal(JSON.parse((await grant()).body).error, 'invalid_grant');
  oauth.script({ kind: 'next', count: 1, behaviour: { kind: 'stall', answerAfterMs: 2_000 } });
  const slow = grant();
  await oauth.received.waitFor(3);
  await clock.advance(2_000);
  assert.equal((await slow).status, 200);
  oauth.script({ kind: 'next', count: 1, behaviour: { kind: 'drop', request: 'read' } });
  await assert.rejects(grant());
});

test('the key file has what clients read, with a private key that parses', async () => {
  const { json, account } = await makeServiceAccount({ projectId, tokenUri: 'https://127.0.0.1:1/token' });
  const file = JSON.parse(json);
  assert.deepEqual(file, account);
  assert.equal(file.type, 'service_account');
  assert.equal(createPrivateKey(file.private_key).asymmetricKeyType, 'rsa');
});
