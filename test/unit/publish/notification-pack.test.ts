import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../../../src/core/ids.ts';
import { noData, noParts } from '../../../src/core/notification.ts';
import {
  accepted,
  expired,
  rejected,
  throttled,
  unauthorized,
  unavailable,
  unregistered,
} from '../../../src/core/outcome.ts';
import { newNotificationId, seededRandom } from '../../../src/core/random.ts';
import {
  packNotification,
  packOutcome,
  unpackNotification,
  unpackOutcome,
} from '../../../src/publish/notification-pack.ts';
import type { Notification } from '../../../src/core/notification.ts';

// Every field has a value of its own, so that a field in the wrong place is seen.
const notification: Notification = {
  id: newNotificationId(seededRandom(1)),
  kind: 'call',
  service: 'fcm',
  mode: 'dev',
  token: 'token',
  topic: 'topic',
  priority: 'normal',
  title: 'title',
  body: 'body',
  badge: 7,
  sound: 'sound',
  category: 'category',
  thread: 'thread',
  collapseId: 'collapse',
  mutableContent: true,
  expiresAtMs: epochMs(99),
  data: { key: 'value' },
  pushType: 'voip',
  interruptionLevel: 'critical',
  tokenKind: 'topic',
  parts: { apns: { aps: { badge: 1 } }, fcm: { android: { ttl: '1s' } } },
};

describe('packing for the thread boundary', () => {
  it('a notification comes out as it went in, each field in its place', () => {
    const packed = structuredClone(packNotification(notification));
    assert.deepEqual(unpackNotification(packed), notification);
    assert.equal(packed.length, Object.keys(notification).length);
  });

  it('what nearly no notification has costs the crossing nothing, and is the same object on the other side', () => {
    const packed = structuredClone(packNotification({ ...notification, data: noData, parts: noParts }));
    assert.ok(packed.every((value) => typeof value !== 'object'));
    const { data, parts } = unpackNotification(packed);
    assert.equal(data, noData);
    assert.equal(parts, noParts);
  });

  it('every kind of outcome comes out as it went in', () => {
    const all = [
      accepted(''),
      accepted('apns-id'),
      unregistered('Unregistered', 5),
      rejected('BadTopic'),
      expired('late'),
      throttled('429', 10),
      unauthorized('403'),
      unavailable('unknown', 'lost', 3),
    ];
    for (const outcome of all) assert.deepEqual(unpackOutcome(structuredClone(packOutcome(outcome))), outcome);
  });
});
