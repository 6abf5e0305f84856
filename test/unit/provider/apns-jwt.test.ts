import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPublicKey, verify } from 'node:crypto';
import { epochMs } from '../../../src/core/ids.ts';
import { makeApnsKey } from '../../../src/fake/apns-token.ts';
import { createApnsCredentials } from '../../../src/provider/apns-jwt.ts';
import type { ApnsKey } from '../../../src/provider/apns-jwt.ts';
import type { Credential } from '../../../src/provider/provider.ts';

const nowMs = epochMs(Date.UTC(2026, 5, 1));

test('3.5 the provider token is signed with ES256 and names team, time and key', async () => {
  const key = await makeApnsKey({ keyId: 'ABC123DEFG', teamId: 'TEAM123456' });
  const minted = await createApnsCredentials(key).mint(nowMs);
  assert.ok(minted.ok);
  const [header = '', claims = '', signature = ''] = minted.value.authorization.replace(/^bearer /, '').split('.');
  const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
  assert.deepEqual(read(header), { alg: 'ES256', kid: 'ABC123DEFG' });
  assert.deepEqual(read(claims), { iss: 'TEAM123456', iat: nowMs / 1_000 });
  const publicKey = { key: createPublicKey(key.publicKeyPem), dsaEncoding: 'ieee-p1363' } as const;
  assert.ok(verify('sha256', Buffer.from(`${header}.${claims}`), publicKey, Buffer.from(signature, 'base64url')));
});

test('3.5 it is renewed after 50 minutes and does not work after 60', async () => {
  const key = await makeApnsKey({ keyId: 'ABC123DEFG', teamId: 'TEAM123456' });
  const minted = await createApnsCredentials(key).mint(nowMs);
  assert.ok(minted.ok);
  assert.equal(minted.value.renewAtMs - nowMs, 3_000_000);
  assert.equal(minted.value.expiresAtMs - nowMs, 3_600_000);
});

test('a key that is no key fails for good, names its id, and is not quoted', async () => {
  const minted = await createApnsCredentials({ keyPem: 'SECRET', keyId: 'ABC123DEFG', teamId: 'T' }).mint(nowMs);
  assert.ok(!minted.ok && !minted.error.transient);
  assert.match(minted.error.reason, /ABC123DEFG/);
  assert.doesNotMatch(minted.error.reason, /SECRET/);
});

test('3.5 a token of an earlier process is known by its signature, and no other is', async () => {
  const key = await makeApnsKey({ keyId: 'ABC123DEFG', teamId: 'TEAM123456' });
  const other = await makeApnsKey({ keyId: 'ABC123DEFG', teamId: 'TEAM123456' });
  const minted = await createApnsCredentials(key).mint(nowMs);
  assert.ok(minted.ok);
  const { authorization } = minted.value;
  const restored = (by: ApnsKey, text = authorization): Credential | undefined =>
    createApnsCredentials(by).watched?.restore(text);
  assert.deepEqual(restored(key), minted.value);
  assert.equal(restored(other), undefined);
  assert.equal(restored({ ...key, keyId: 'ABC123DEFH' }), undefined);
  assert.equal(restored({ ...key, teamId: 'TEAM123457' }), undefined);
  const cut = authorization.slice(0, -2);
  for (const text of ['', 'bearer ', 'bearer a.b.c', cut, `${authorization}.more`]) {
    assert.equal(restored(key, text), undefined, text);
  }
});

test('3.5 the id of a key changes with key, key id and team, and does not tell the key', async () => {
  const key = await makeApnsKey({ keyId: 'ABC123DEFG', teamId: 'TEAM123456' });
  const other = await makeApnsKey({ keyId: 'ABC123DEFG', teamId: 'TEAM123456' });
  const keys = [key, other, { ...key, keyId: 'ABC123DEFH' }, { ...key, teamId: 'TEAM123457' }];
  const ids = keys.map((one) => createApnsCredentials(one).id);
  assert.equal(new Set(ids).size, 4);
  assert.equal(createApnsCredentials({ ...key }).id, ids[0]);
  assert.ok(ids.every((id) => /^[0-9a-f]{64}$/.test(id)));
});
