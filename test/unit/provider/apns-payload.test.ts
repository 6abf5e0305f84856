import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { noParts } from '../../../src/core/notification.ts';
import { apnsPayload } from '../../../src/provider/apns-payload.ts';
import { pushTypeRule } from '../../../src/provider/apns-push-types.ts';
import { sampleNotification } from '../../conformance/provider.ts';
import type { Notification } from '../../../src/core/notification.ts';
import type { Result } from '../../../src/core/result.ts';

function tried(changes: Partial<Notification>): Result<string, string> {
  const notification = sampleNotification(changes);
  const rule = pushTypeRule(notification);
  assert.ok(rule !== undefined);
  return apnsPayload(notification, rule);
}

function text(changes: Partial<Notification> = {}): string {
  const payload = tried(changes);
  assert.ok(payload.ok, payload.ok ? '' : payload.error);
  return payload.value;
}

type Members = Record<string, unknown>;

function payloadOf(changes: Partial<Notification> = {}): Members {
  return JSON.parse(text(changes)) as Members;
}

function apsOf(changes: Partial<Notification> = {}): Members {
  return payloadOf(changes)['aps'] as Members;
}

function withParts(apns: Members, changes: Partial<Notification> = {}): Partial<Notification> {
  return { ...changes, parts: { apns, fcm: noParts.fcm } };
}

const bare = { title: '', body: '', badge: -1, sound: '', thread: '', mutableContent: false } as const;

describe('APNs: payload', () => {
  test('3.4 an alert carries what the fields say, each under the name Apple gives it', () => {
    const changes = { category: 'message', interruptionLevel: 'time-sensitive' } as const;
    assert.deepEqual(payloadOf(changes), {
      aps: {
        alert: { title: 'romeo@montague.example', body: 'Wherefore art thou?' },
        badge: 3,
        sound: 'default',
        'thread-id': 'romeo@montague.example',
        category: 'message',
        'mutable-content': 1,
        'interruption-level': 'time-sensitive',
      },
    });
  });

  test('3.4 what is not said is not there', () => {
    assert.equal(text(bare), '{"aps":{}}');
    assert.deepEqual(apsOf({ ...bare, title: 'a' }), { alert: { title: 'a' } });
    assert.deepEqual(apsOf({ ...bare, body: 'b' }), { alert: { body: 'b' } });
    assert.deepEqual(apsOf({ ...bare, sound: 'ping.caf' }), { sound: 'ping.caf' });
  });

  test('3.4 a badge of 0 is sent, and -1, or what is no number of JSON, is not', () => {
    assert.deepEqual(apsOf({ ...bare, badge: 0 }), { badge: 0 });
    for (const badge of [-1, Number.NaN, Number.POSITIVE_INFINITY]) assert.deepEqual(apsOf({ ...bare, badge }), {});
  });

  test('3.4 a background push has no alert, badge or sound', () => {
    assert.deepEqual(payloadOf({ kind: 'silent', data: { 'message-count': '2' } }), {
      aps: { 'content-available': 1 },
      'message-count': '2',
    });
    assert.equal(text({ pushType: 'background' }), '{"aps":{"content-available":1}}');
  });

  test('3.4 a silent push that is to be an alert wakes the app, too', () => {
    assert.deepEqual(apsOf({ ...bare, kind: 'silent', pushType: 'alert', badge: 1 }), {
      badge: 1,
      'content-available': 1,
    });
  });

  test('3.3 a payload for device management has its own key and no aps', () => {
    assert.equal(text({ pushType: 'mdm', data: { mdm: 'magic' } }), '{"mdm":"magic"}');
  });

  test('3.4 custom data stands beside aps and cannot replace it', () => {
    const payload = payloadOf({ data: { aps: 'mine', conversation: 'c1', __proto__x: 'y' } });
    assert.equal(payload['conversation'], 'c1');
    assert.equal(typeof payload['aps'], 'object');
  });

  test('3.4 every text arrives as it was, whatever letters it has', () => {
    const odd = ['"', '\\', '\n', '\u0000', '\u001f', '\u007f', '\u2028', 'é', '👨‍👩‍👧', '\ud800', 'a\udc00b'];
    for (const body of odd) {
      const changes: Partial<Notification> = { title: body, body, sound: body, thread: body, data: { [body]: body } };
      const payload = payloadOf(changes);
      assert.deepEqual(payload['aps'], {
        alert: { title: body, body },
        badge: 3,
        sound: body,
        'thread-id': body,
        'mutable-content': 1,
      });
      assert.equal(payload[body], body);
    }
  });
});

describe('APNs: parts of the payload', () => {
  test('3.4 parts are merged over what the fields say, member by member, at any depth', () => {
    const parts = {
      aps: {
        alert: { subtitle: 's', 'loc-key': 'K', 'loc-args': ['a'], body: 'theirs' },
        'relevance-score': 0.5,
        sound: { critical: 1, name: 'alarm.caf', volume: 1 },
      },
      custom: { deep: [1, { x: 2 }] },
    };
    assert.deepEqual(payloadOf(withParts(parts, { data: { kept: 'k', custom: 'theirs' } })), {
      kept: 'k',
      custom: { deep: [1, { x: 2 }] },
      aps: {
        alert: {
          title: 'romeo@montague.example',
          body: 'theirs',
          subtitle: 's',
          'loc-key': 'K',
          'loc-args': ['a'],
        },
        badge: 3,
        sound: { critical: 1, name: 'alarm.caf', volume: 1 },
        'thread-id': 'romeo@montague.example',
        'mutable-content': 1,
        'relevance-score': 0.5,
      },
    });
  });

  test('3.4 a part that is null takes away what the fields say (RFC 7396)', () => {
    const changes = withParts(
      { aps: { alert: { title: null }, badge: null }, k: null },
      { data: { k: 'v', kept: 'k' } },
    );
    const { aps, ...custom } = payloadOf(changes);
    assert.deepEqual(custom, { kept: 'k' });
    assert.deepEqual(aps, {
      alert: { body: 'Wherefore art thou?' },
      sound: 'default',
      'thread-id': 'romeo@montague.example',
      'mutable-content': 1,
    });
  });

  test('3.4 a live activity gets its own keys', () => {
    const aps = { timestamp: 1_780_000_000, event: 'update', 'content-state': { score: 3 } };
    assert.deepEqual(apsOf(withParts({ aps }, { ...bare, pushType: 'liveactivity' })), aps);
  });

  test('3.4 parts never lose aps', () => {
    for (const aps of ['text', null, [], 7]) {
      assert.deepEqual(apsOf(withParts({ aps }, { ...bare, sound: 's' })), { sound: 's' });
    }
  });

  test('3.4 parts give a background push no alert, badge or sound, and leave it one', () => {
    const aps = { alert: 'x', badge: 1, sound: 'y', 'content-available': 0, category: 'c' };
    assert.deepEqual(apsOf(withParts({ aps }, { kind: 'silent' })), { 'content-available': 1, category: 'c' });
  });

  test('3.4 a part named like a member of every object is a member', () => {
    const parts = JSON.parse('{"__proto__":{"a":1},"aps":{"constructor":"c"}}') as Members;
    const payload = text(withParts(parts, bare));
    assert.equal(payload, '{"aps":{"constructor":"c"},"__proto__":{"a":1}}');
  });

  test('parts that are not JSON end as a refusal, not as a throw', () => {
    const cycle: Members = {};
    cycle['self'] = cycle;
    for (const parts of [cycle, { big: 1n }, { aps: cycle }]) {
      assert.deepEqual(tried(withParts(parts)), { ok: false, error: 'InvalidParts' });
    }
  });
});

const family = '👨‍👩‍👧‍👦';

describe('APNs: payloads that are too long', () => {
  const letters = [
    ['emoji families', family],
    ['letters with marks', 'é'],
    ['flags', '🇩🇪'],
    ['hands of a colour', '👍🏽'],
    ['quotes', '"'],
    ['control characters', '\u0001'],
    ['half surrogate pairs', '\ud800'],
    ['Hangul of three parts', '각'],
  ] as const;
  for (const [what, letter] of letters) {
    test(`3.4 a body of ${what} is cut between graphemes and fills what there is`, () => {
      for (const changes of [{}, withParts({ aps: { 'relevance-score': 1 } }), { data: { k: 'v' } }]) {
        const payload = text({ ...changes, body: letter.repeat(3_000) });
        const bytes = Buffer.byteLength(payload);
        assert.ok(bytes <= limits.apnsPayloadBytesMax && bytes > limits.apnsPayloadBytesMax - 64, `${bytes} bytes`);
        const { alert } = (JSON.parse(payload) as { aps: { alert: { body: string } } }).aps;
        assert.ok(alert.body.endsWith('…'));
        assert.equal(alert.body.slice(0, -1).replaceAll(letter, ''), '');
      }
    });
  }

  test('3.4 no cut is one byte too short: each length around the limit fits, and none is cut that fits', () => {
    const room = limits.apnsPayloadBytesMax - Buffer.byteLength(text({ body: 'x' })) + 1;
    assert.equal(apsOf({ body: 'x'.repeat(room) })['alert'] instanceof Object, true);
    const bodyOf = (body: string): string => (apsOf({ body })['alert'] as { body: string }).body;
    assert.equal(bodyOf('x'.repeat(room)), 'x'.repeat(room));
    for (let more = 1; more < 8; more++) assert.equal(bodyOf('x'.repeat(room + more)), `${'x'.repeat(room - 3)}…`);
  });

  test('3.4 a grapheme that straddles the limit goes whole', () => {
    const room = limits.apnsPayloadBytesMax - Buffer.byteLength(text({ body: 'x' })) + 1 - 3;
    for (let before = room - Buffer.byteLength(family) - 2; before <= room; before++) {
      const body = `${'x'.repeat(before)}${family}${'y'.repeat(40)}`;
      const cut = (apsOf({ body })['alert'] as { body: string }).body;
      const rest = cut.slice(before, -1);
      assert.ok(rest === '' || rest.startsWith(family), JSON.stringify(rest));
    }
  });

  test('3.4 one grapheme of thousands of marks goes whole, and what was before it stays', () => {
    const body = `see you e${'\u0301'.repeat(4_096)}`;
    assert.equal((apsOf({ body })['alert'] as { body: string }).body, 'see you …');
  });

  test('3.4 texts of any length cost no more than those just over the limit', () => {
    const long = { title: 'ü'.repeat(1_000_000), body: family.repeat(1_000_000) };
    const payload = text(long);
    assert.ok(Buffer.byteLength(payload) <= limits.apnsPayloadBytesMax);
    const { alert } = (JSON.parse(payload) as { aps: { alert: { title: string; body?: string } } }).aps;
    assert.equal(alert.body, undefined);
    assert.match(alert.title, /^ü+…$/);
  });

  test('3.4 a call may have 5120 bytes', () => {
    const bytes = Buffer.byteLength(text({ kind: 'call', body: 'x'.repeat(6_000) }));
    assert.ok(bytes <= limits.apnsVoipPayloadBytesMax && bytes > limits.apnsVoipPayloadBytesMax - 8);
  });

  test('3.4 texts that parts give are cut like others', () => {
    const inside = payloadOf(withParts({ aps: { alert: { body: 'x'.repeat(9_000), subtitle: 's' } } }));
    const { alert } = inside['aps'] as { alert: { body: string; subtitle: string } };
    assert.match(alert.body, /^x{3000,}…$/);
    assert.equal(alert.subtitle, 's');
    const plain = apsOf(withParts({ aps: { alert: 'x'.repeat(9_000) } }));
    assert.match(String(plain['alert']), /^x{3000,}…$/);
  });

  test('3.4 for custom data that leaves no room the texts go, and are not there as empty ones', () => {
    const data = { big: 'x'.repeat(4_055) };
    assert.deepEqual(apsOf({ ...bare, title: 'title', body: 'body'.repeat(40), badge: 1, data }), { badge: 1 });
    const parts = { big: 'x'.repeat(4_060), aps: { badge: 1 } };
    assert.deepEqual(apsOf(withParts(parts, { ...bare, title: 'title', body: 'body' })), { badge: 1 });
  });

  test('3.7 only custom data that is too large by itself is refused, as Apple would', () => {
    assert.deepEqual(tried({ data: { big: 'x'.repeat(5_000) } }), { ok: false, error: 'PayloadTooLarge' });
    assert.deepEqual(tried(withParts({ big: 'x'.repeat(5_000) })), { ok: false, error: 'PayloadTooLarge' });
  });
});
