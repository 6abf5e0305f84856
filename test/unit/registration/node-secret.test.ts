import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { node } from '../../registration-rows.ts';
import { NodeSecrets } from '../../../src/registration/node-secret.ts';

test('5.37 a secret is the HMAC of node and version, the same every time', () => {
  const secrets = new NodeSecrets(Buffer.from('0123456789abcdef'));
  // printf 'phone\0001' | openssl dgst -sha256 -hmac 0123456789abcdef -binary | base64
  assert.equal(secrets.of(node('phone'), 1), '5Y5Nfa2qdRszjTk8bWdnsxAyoUHuVh75bPvbHZedKzs');
  assert.equal(secrets.of(node('phone'), 1), secrets.of(node('phone'), 1));
  assert.match(secrets.of(node('phone'), 1), /^[A-Za-z0-9_-]{43}$/);
});

test('a secret is what HMAC-SHA256 of the platform gives, for keys and nodes of every length', () => {
  for (const keyBytes of [16, 32, 63, 64, 65, 200]) {
    const key = Buffer.alloc(keyBytes, keyBytes);
    const secrets = new NodeSecrets(key);
    for (const name of ['x'.repeat(1024), 'a', '\u{1f600}'.repeat(256), 'm1f']) {
      for (const version of [1, 4_294_967_295]) {
        const expected = createHmac('sha256', key).update(`${name}\0${version}`).digest('base64url');
        assert.equal(secrets.of(node(name), version), expected);
      }
    }
  }
});

test('a secret differs by node, version and key', () => {
  const one = new NodeSecrets(Buffer.alloc(32, 1));
  const other = new NodeSecrets(Buffer.alloc(32, 2));
  const all = [one.of(node('a'), 1), one.of(node('a'), 2), one.of(node('b'), 1), other.of(node('a'), 1)];
  assert.equal(new Set(all).size, all.length);
  assert.notEqual(one.of(node('a'), 11), one.of(node('a1'), 1));
});

test('4.47 only the secret itself matches, of whatever length the guess is', () => {
  const secrets = new NodeSecrets(Buffer.alloc(32, 1));
  const secret = secrets.of(node('phone'), 1);
  assert.ok(secrets.matches(node('phone'), 1, secret));
  for (const guess of ['', 'x', secret.slice(1), `${secret}=`, secret.toLowerCase(), 'x'.repeat(1_000_000)]) {
    assert.equal(secrets.matches(node('phone'), 1, guess), false);
  }
  assert.equal(secrets.matches(node('phone'), 2, secret), false);
});
