import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDeviceToken } from '../../../src/xmpp/device-token.ts';
import type { Service } from '../../../src/core/registration.ts';

function parsed(service: Service, text: string): string {
  const token = parseDeviceToken(service, text);
  return token.ok ? token.value : 'malformed';
}

test('5.34 an APNs token comes in hex or base64 and leaves in lower-case hex', () => {
  const bytes = Buffer.from(Array.from({ length: 32 }, (_, index) => (index * 37 + 200) % 256));
  const hex = bytes.toString('hex');
  assert.equal(parsed('apns', hex), hex);
  assert.equal(parsed('apns', hex.toUpperCase()), hex);
  assert.equal(parsed('apns', bytes.toString('base64')), hex);
});

test('5.30 an APNs token of another length is refused', () => {
  for (const text of ['', 'ab', 'a'.repeat(62), 'a'.repeat(65), 'a'.repeat(202), `${'A'.repeat(40)}=`]) {
    assert.equal(parsed('apns', text), 'malformed', text);
  }
  assert.equal(parsed('apns', Buffer.alloc(31, 255).toString('base64')), 'malformed');
  assert.equal(parsed('apns', Buffer.alloc(101, 255).toString('base64')), 'malformed');
  assert.equal(parsed('apns', 'a'.repeat(200)), 'a'.repeat(200));
});

test('8.25 no token leads out of a path or a header', () => {
  const traversal = [
    '../'.repeat(22),
    `${'a'.repeat(64)}/..`,
    `${'a'.repeat(64)}\r\n`,
    `${'a'.repeat(64)}?x=1`,
    '%2e%2e%2f',
  ];
  for (const text of traversal) {
    assert.equal(parsed('apns', text), 'malformed', text);
    assert.equal(parsed('fcm', text), 'malformed', text);
  }
  assert.equal(parsed('apns', `${'a'.repeat(64)}\n`), 'malformed');
  assert.equal(parsed('fcm', `${'a'.repeat(64)}\n`), 'malformed');
});

test('5.30 an FCM token keeps its case and has 20 to 4096 characters', () => {
  const token = 'fcm:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx_zz';
  assert.equal(parsed('fcm', token), token);
  assert.equal(parsed('fcm', 'a'.repeat(19)), 'malformed');
  assert.equal(parsed('fcm', 'a'.repeat(4096)), 'a'.repeat(4096));
  assert.equal(parsed('fcm', 'a'.repeat(4097)), 'malformed');
});
