import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { epochMs } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { noData, noParts } from '../../../src/core/notification.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { notificationOf } from '../../../src/publish/publish-request.ts';
import type { Notification } from '../../../src/core/notification.ts';
import type { PublishRequest } from '../../../src/publish/publish-request.ts';

const nowMs = epochMs(Date.UTC(2026, 5, 1));

/** As from a program without types. */
function tried(changes: Readonly<Record<string, unknown>>): ReturnType<typeof notificationOf> {
  const request = { service: 'apns', token: 'ab12', ...changes } as unknown as PublishRequest;
  return notificationOf(request, nowMs, seededRandom(1));
}

function made(changes: Readonly<Record<string, unknown>>): Notification {
  const notification = tried(changes);
  assert.ok(notification.ok, notification.ok ? '' : notification.error);
  return notification.value;
}

function problemOf(changes: Readonly<Record<string, unknown>>): string {
  const notification = tried(changes);
  return notification.ok ? '' : notification.error;
}

function nested(levels: number): Record<string, unknown> {
  let value: Record<string, unknown> = {};
  for (let level = 1; level < levels; level++) value = { value };
  return value;
}

describe('publish request: what is left out', () => {
  test('says nothing to the gateway', () => {
    const { id, ...rest } = made({});
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.deepEqual(rest, {
      kind: 'silent',
      service: 'apns',
      mode: '',
      token: 'ab12',
      topic: '',
      priority: 'normal',
      title: '',
      body: '',
      badge: -1,
      sound: '',
      category: '',
      thread: '',
      collapseId: '',
      mutableContent: false,
      expiresAtMs: 0,
      data: noData,
      pushType: '',
      interruptionLevel: '',
      tokenKind: 'device',
      parts: noParts,
    });
    assert.equal(made({}).parts, noParts);
  });

  test('3.3 the kind follows the push type, then what there is to show', () => {
    assert.equal(made({ title: 't' }).kind, 'alert');
    assert.equal(made({ pushType: 'background', title: 't' }).kind, 'silent');
    assert.equal(made({ pushType: 'voip' }).kind, 'call');
    assert.equal(made({ pushType: 'liveactivity', body: 'b' }).kind, 'alert');
    assert.equal(made({ pushType: 'voip' }).priority, 'high');
  });

  test('parts of one gateway leave those of the other empty', () => {
    const aps = { 'relevance-score': 1 };
    assert.deepEqual(made({ apns: { aps } }).parts, { apns: { aps }, fcm: {} });
    assert.deepEqual(made({ fcm: { android: {} } }).parts, { apns: {}, fcm: { android: {} } });
  });

  test('4.4 a life longer than gateways keep a message is cut to what they keep', () => {
    assert.equal(made({ timeToLiveSeconds: 60 }).expiresAtMs, nowMs + 60_000);
    assert.equal(made({ timeToLiveSeconds: 0 }).expiresAtMs, nowMs);
    assert.equal(made({ timeToLiveSeconds: 1e300 }).expiresAtMs, nowMs + limits.notificationLifeMsMax);
  });
});

describe('publish request: checks', () => {
  const wrong: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ['service: one of apns, fcm', { service: 'wns' }],
    ['service: one of apns, fcm', { service: undefined }],
    ['tokenKind: one of device, installation, topic, condition', { tokenKind: 'tag' }],
    ['mode: one of prod, dev, ', { mode: 'production' }],
    ['kind: one of alert, silent, call', { kind: 'loud' }],
    ['priority: one of high, normal, low', { priority: '10' }],
    ['interruptionLevel: one of passive, active, time-sensitive, critical', { interruptionLevel: 'urgent' }],
    ['title: text', { title: 7 }],
    ['body: text', { body: null }],
    ['sound: text', { sound: {} }],
    ['category: text', { category: [] }],
    ['thread: text', { thread: 1 }],
    ['collapseId: text', { collapseId: 1 }],
    ['topic: text', { topic: 1 }],
    ['tags: a list of at most 64 texts', { tags: [1] }],
    ['tags: a list of at most 64 texts', { tags: Array.from({ length: 65 }, String) }],
    ['token: 1 to 4096 bytes are needed', { token: '' }],
    ['token: 1 to 4096 bytes are needed', { token: 'x'.repeat(4_097) }],
    ['token: 1 to 4096 bytes are needed', { token: 12 }],
    ['token: white space and control characters cannot be in it', { token: 'a b' }],
    ['token: control characters cannot be in it', { service: 'fcm', tokenKind: 'condition', token: 'a\nb' }],
    ['tokenKind: topic is for fcm alone', { tokenKind: 'topic' }],
    ['topic: white space and control characters cannot be in it', { topic: 'a b' }],
    ['collapseId: at most 64 bytes', { collapseId: 'ä'.repeat(33) }],
    ['badge: a whole number of 0 or more', { badge: -1 }],
    ['badge: a whole number of 0 or more', { badge: 1.5 }],
    ['badge: a whole number of 0 or more', { badge: '1' }],
    ['mutableContent: true or false', { mutableContent: 1 }],
    ['timeToLiveSeconds: 0 or more', { timeToLiveSeconds: -1 }],
    ['timeToLiveSeconds: 0 or more', { timeToLiveSeconds: Number.NaN }],
    ['timeToLiveSeconds: 0 or more', { timeToLiveSeconds: Number.POSITIVE_INFINITY }],
    ['timeToLiveSeconds: 0 or more', { timeToLiveSeconds: '60' }],
    ['waitMs: 0 or more', { waitMs: Number.NaN }],
    ['data: names and texts', { data: ['a'] }],
    ['data: names and texts', { data: 'a' }],
    ['data: count is not text', { data: { count: 1 } }],
    ['apns: aps is not an object', { apns: { aps: 'text' } }],
    ['apns: aps is not an object', { apns: { aps: [] } }],
    ['pushType: background goes with kind silent, not alert', { pushType: 'background', kind: 'alert' }],
    ['pushType: voip goes with kind call, not silent', { pushType: 'voip', kind: 'silent' }],
  ];
  for (const [problem, changes] of wrong) {
    test(`${problem}: ${Object.keys(changes).join(', ')}`, () => assert.equal(problemOf(changes), problem));
  }

  test('3.3 a push type that Apple does not have is named with those that it has', () => {
    assert.match(problemOf({ pushType: 'shout' }), /^pushType: one of alert, .*, widgets$/);
    assert.match(problemOf({ pushType: 'toString' }), /^pushType/);
  });

  test('4.2 a condition of FCM topics may hold spaces', () => {
    const token = "'dogs' in topics && 'cats' in topics";
    assert.equal(made({ service: 'fcm', tokenKind: 'condition', token }).token, token);
  });

  test('3.4 parts are plain JSON within bounds', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const wide = (members: number): Record<string, unknown> =>
      Object.fromEntries(Array.from({ length: members }, (_, index) => [`k${index}`, 1]));
    const unfit: readonly unknown[] = [
      'text',
      null,
      [],
      cycle,
      { a: 1n },
      { a: undefined },
      { a: () => 1 },
      { a: Number.NaN },
      { a: new Date(0) },
      { a: [new Map()] },
      nested(limits.notificationPartsDepthMax + 1),
      wide(limits.notificationPartsMembersMax + 1),
    ];
    for (const name of ['apns', 'fcm']) {
      for (const parts of unfit)
        assert.match(problemOf({ [name]: parts }), new RegExp(`^${name}: not an object of JSON`));
      for (const parts of [
        { a: [null, true, 'x', 1.5, { b: [] }] },
        nested(limits.notificationPartsDepthMax),
        wide(limits.notificationPartsMembersMax),
      ]) {
        assert.equal(problemOf({ [name]: parts }), '');
      }
    }
  });
});
