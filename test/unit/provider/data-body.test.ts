import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { apnsPayload } from '../../../src/provider/apns-payload.ts';
import { pushTypeRules } from '../../../src/provider/apns-push-types.ts';
import { renderFcm } from '../../../src/provider/fcm-message.ts';
import { renderMongoosePush } from '../../../src/provider/mongoosepush-body.ts';
import { sampleNotification } from '../../conformance/provider.ts';
import type { Notification } from '../../../src/core/notification.ts';

const family = '👩‍👩‍👧‍👦';
const sender = 'juliet@capulet.example';

function silent(body: string, more: Readonly<Record<string, string>> = {}): Notification {
  const data = { 'last-message-sender': sender, 'last-message-body': body, ...more };
  return sampleNotification({ kind: 'silent', title: '', body: '', data });
}

function apnsOf(notification: Notification): string {
  const payload = apnsPayload(notification, pushTypeRules.background);
  return payload.ok ? payload.value : payload.error;
}

function fcmOf(notification: Notification): string {
  const body = renderFcm({ ...notification, service: 'fcm' }, 0);
  return body.ok ? body.value : body.error;
}

const renderers: readonly (readonly [string, (notification: Notification) => string, number])[] = [
  ['APNs', apnsOf, 0],
  // What Google does not count: whom it is for, and how it is delivered.
  ['FCM', fcmOf, 1_024],
  ['MongoosePush', (notification) => renderMongoosePush(notification, { api: 'v3', mode: 'prod' }, 0), 0],
];

describe('the text of a message as data', () => {
  for (const [name, render, uncounted] of renderers) {
    test(`3.4, 4.2 ${name}: a long one is cut between graphemes, so that it wakes its phone all the same`, () => {
      for (const body of ['x'.repeat(20_000), family.repeat(400), `"\n`.repeat(5_000)]) {
        const text = render(silent(body));
        assert.ok(Buffer.byteLength(text) <= limits.apnsPayloadBytesMax + uncounted, `${Buffer.byteLength(text)}`);
        assert.ok(Buffer.byteLength(text) > limits.apnsPayloadBytesMax - 512, 'as much as there is room for');
        const [, cut = ''] = /"last-message-body":("(?:[^"\\]|\\.)*")/.exec(text) ?? [];
        const shown = String(JSON.parse(cut));
        assert.ok(shown.endsWith('…') && body.startsWith(shown.slice(0, -1)));
        if (body.startsWith(family)) assert.equal((shown.length - 1) % family.length, 0, 'no family is parted');
        assert.ok(text.includes(sender), 'the rest is whole');
      }
    });

    test(`3.4, 4.2 ${name}: one that fits is whole, and what is not text of a message is never cut`, () => {
      assert.ok(render(silent('Hello')).includes('"last-message-body":"Hello"'));
      const text = render(silent('Hello', { encrypted: 'x'.repeat(6_000) }));
      assert.ok(text === 'PayloadTooLarge' || text.includes('x'.repeat(6_000)));
    });
  }
});
