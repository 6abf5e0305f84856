import assert from 'node:assert/strict';
import { createDecipheriv } from 'node:crypto';
import { test } from 'node:test';
import { noPreferences } from '../../../src/core/enabled.ts';
import { limits } from '../../../src/core/limits.ts';
import { emptySummary } from '../../../src/core/notification.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { encryptSummary } from '../../../src/event/encrypt-summary.ts';
import { juliet as message } from '../../message-events.ts';
import type { Summary } from '../../../src/core/notification.ts';

const key = Buffer.from('0123456789abcdef');

function encrypt(summary: Partial<Summary>, encryptedBytesMax = 0, encryptionKey = key.toString('base64')): Summary {
  const preferences = { ...noPreferences, encryptionKey, encryptedBytesMax };
  return encryptSummary({ ...message, ...summary }, preferences, seededRandom(1));
}

/** As a phone does it: the tag is the last 16 bytes. */
function decrypt({ encrypted, encryptedIv }: Summary): Record<string, unknown> {
  const bytes = Buffer.from(encrypted, 'base64');
  const decipher = createDecipheriv('aes-128-gcm', key, Buffer.from(encryptedIv, 'base64'));
  decipher.setAuthTag(bytes.subarray(-16));
  const text = Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString();
  const value: unknown = JSON.parse(text);
  assert.ok(typeof value === 'object' && value !== null);
  return { ...value };
}

test('5.50 a phone with the key reads what happened', () => {
  const rows: readonly [Partial<Summary>, Record<string, unknown>][] = [
    [{}, { unread: 3, sender: 'juliet@capulet.example', type: 'chat', message: 'Wherefore art thou?' }],
    [
      { lastMessageSender: 'tea@rooms.example/Juliet' },
      {
        unread: 3,
        sender: 'tea@rooms.example',
        type: 'groupchat',
        message: 'Wherefore art thou?',
        nickname: 'Juliet',
      },
    ],
    [
      { jingleMessage: 'propose', jingleSessionId: 's1', lastMessageBody: 'Jingle message: propose, session ID: s1' },
      { unread: 3, sender: 'juliet@capulet.example', type: 'call', sid: 's1' },
    ],
    [
      { messageCount: -1, lastMessageSender: '', lastMessageBody: '' },
      { unread: 1, type: 'chat' },
    ],
    [
      { messageCount: 0, lastMessageBody: '"\n😀' },
      { ...decrypt(encrypt({})), unread: 0, message: '"\n😀' },
    ],
  ];
  for (const [summary, json] of rows) assert.deepEqual(decrypt(encrypt(summary)), json);
});

test('5.50 what is encrypted stands in no other field', () => {
  const { encrypted, encryptedIv, ...rest } = encrypt({ pendingSubscriptionCount: 2 });
  const { encrypted: _, encryptedIv: __, ...nothing } = emptySummary;
  assert.deepEqual(rest, { ...nothing, priority: 'high' });
  assert.equal(Buffer.from(encryptedIv, 'base64').length, 12);
  assert.ok(encrypted.length > 0);
});

test('5.50 no two payloads have the same initialisation vector', () => {
  const random = seededRandom(7);
  const preferences = { ...noPreferences, encryptionKey: key.toString('base64') };
  const ivs = new Set<string>();
  for (let index = 0; index < 100; index++) ivs.add(encryptSummary(message, preferences, random).encryptedIv);
  assert.equal(ivs.size, 100);
});

test('5.50 of the events of a call only the proposal rings', () => {
  const typeOf = (jingleMessage: string): string => encrypt({ jingleMessage, jingleSessionId: 's' }).encryptedType;
  assert.deepEqual(['propose', 'retract', 'accept', 'finish', ''].map(typeOf), ['voip', '', '', '', '']);
});

test('5.50 the message is cut at a code point so that the payload is no longer than the client takes', () => {
  const bodies = ['x'.repeat(4096), '😀'.repeat(1000), '"\\\n'.repeat(1300), 'ä'.repeat(2000), 'x'];
  for (const body of bodies) {
    for (const bytesMax of [160, 201, 256, 1000, 4000, 100_000, 0]) {
      const sealed = encrypt({ lastMessageBody: body }, bytesMax);
      const most = Math.min(bytesMax === 0 ? limits.encryptedBytesDefault : bytesMax, limits.fieldBytesMax);
      assert.ok(sealed.encrypted.length <= most, `${sealed.encrypted.length} of ${most}`);
      const told = decrypt(sealed)['message'] ?? '';
      assert.ok(typeof told === 'string');
      assert.ok(body.startsWith(told) && !told.includes('\ufffd'));
      assert.doesNotMatch(told, /\p{Cs}/u);
    }
  }
});

test('5.50 as much of the message is sent as fits', () => {
  const sealed = encrypt({ lastMessageBody: 'x'.repeat(4096) }, 1000);
  assert.ok(sealed.encrypted.length > 1000 - 4);
});

test('5.50 what cannot be encrypted wakes the phone and says nothing', () => {
  const bare = { ...emptySummary, priority: 'high' };
  assert.deepEqual(encrypt({}, 40), bare);
  assert.deepEqual(encrypt({}, 1), bare);
  assert.deepEqual(encrypt({}, 0, 'AAAA'), bare);
  assert.deepEqual(encrypt({}, 0, '***'), bare);
});
