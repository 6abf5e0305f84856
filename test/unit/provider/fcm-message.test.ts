import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { epochMs } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { readMessage } from '../../../src/fake/fcm-rules.ts';
import { countedBytes } from '../../../src/provider/fcm-parts.ts';
import { renderFcm } from '../../../src/provider/fcm-message.ts';
import { sampleNotification } from '../../conformance/provider.ts';
import type { Notification } from '../../../src/core/notification.ts';

const nowMs = Date.UTC(2026, 5, 1);

type Message = Readonly<Record<string, unknown>>;

function render(changes: Partial<Notification> = {}): ReturnType<typeof renderFcm> {
  return renderFcm(sampleNotification({ service: 'fcm', token: 'tok:en', ...changes }), nowMs);
}

/** What is rendered, which the fake of Google's gateway has taken by its own rules. */
function messageOf(changes: Partial<Notification> = {}): Message {
  const rendered = render(changes);
  assert.ok(rendered.ok);
  const read = readMessage(rendered.value);
  assert.ok('message' in read, JSON.stringify(read));
  return read.message;
}

function withParts(fcm: Message, changes: Partial<Notification> = {}): Message {
  return messageOf({ parts: { apns: {}, fcm }, ...changes });
}

/** What makes an iPhone's app wake up without showing anything. */
const inBackground = { headers: { 'apns-priority': '5' }, payload: { aps: { 'content-available': 1 } } };

describe('FCM: the message', () => {
  test('4.2 an alert has a notification for the system and its looks for Android', () => {
    assert.deepEqual(messageOf({ category: 'open', collapseId: 'c1', data: { chat: 'x' } }), {
      token: 'tok:en',
      notification: { title: 'romeo@montague.example', body: 'Wherefore art thou?' },
      data: { chat: 'x' },
      android: {
        priority: 'HIGH',
        collapse_key: 'c1',
        notification: {
          sound: 'default',
          tag: 'romeo@montague.example',
          click_action: 'open',
          notification_count: 3,
        },
      },
    });
  });

  test('4.2 what a notification does not say is not in the message', () => {
    const bare = { title: '', badge: -1, sound: '', thread: '', priority: 'low' } as const;
    assert.deepEqual(messageOf(bare), {
      token: 'tok:en',
      notification: { body: 'Wherefore art thou?' },
      android: { priority: 'NORMAL' },
    });
    assert.deepEqual(messageOf({ ...bare, title: 'a', body: '', thread: 't' })['notification'], { title: 'a' });
  });

  test('4.2 a silent push is data only, with the priority it was given', () => {
    const data = { 'message-count': '2' };
    assert.deepEqual(messageOf({ kind: 'silent', priority: 'normal', data }), {
      token: 'tok:en',
      data,
      android: { priority: 'NORMAL' },
      apns: inBackground,
    });
  });

  test('4.2 a call is data only and HIGH', () => {
    assert.deepEqual(messageOf({ kind: 'call', priority: 'normal' }), {
      token: 'tok:en',
      android: { priority: 'HIGH' },
      apns: inBackground,
    });
  });

  test('4.2 exactly one target: token, installation, topic or condition', () => {
    const token = "'news' in topics && 'it' in topics";
    for (const [tokenKind, name] of [
      ['device', 'token'],
      ['installation', 'fid'],
      ['topic', 'topic'],
      ['condition', 'condition'],
    ] as const) {
      const message = messageOf({ tokenKind, token });
      assert.deepEqual([message[name], Object.keys(message).length], [token, 3], tokenKind);
    }
  });

  test('4.2 reserved keys are left out and values are text', () => {
    const data = { from: 'x', message_type: 'x', 'google.a': 'x', 'gcm.b': 'x', googly: 'stays', count: 3, of: [1] };
    const message = messageOf({ data: data as unknown as Record<string, string> });
    assert.deepEqual(message['data'], { googly: 'stays', count: '3', of: '[1]' });
  });

  test('4.2 the time to live is what is left, within 0 and four weeks', () => {
    const ttl = (expiresAtMs: number) =>
      (messageOf({ expiresAtMs: epochMs(expiresAtMs) })['android'] as { ttl?: string }).ttl;
    assert.equal(ttl(nowMs + 90_000), '90s');
    assert.equal(ttl(nowMs - 5_000), '0s');
    assert.equal(ttl(nowMs + 1e12), '2419200s');
    assert.equal(ttl(0), undefined);
  });

  test('whatever the texts contain, the text is JSON that says them', () => {
    const random = seededRandom(9);
    const letters = ['a', '"', '\\', '\n', '\u0000', 'ü', '€', '😀', '\ud83d', '{', '}', '\u2028', ' '];
    const text = (): string =>
      Array.from({ length: 12 }, () => letters[Math.floor(random.unit() * letters.length)]).join('');
    for (let round = 0; round < 300; round++) {
      const [title, body, sound, thread, category, key] = [text(), text(), text(), text(), text(), text()];
      const rendered = render({
        ...{ title, body, sound, thread, category, collapseId: title },
        data: { [key]: body },
      });
      assert.ok(rendered.ok);
      const { message } = JSON.parse(rendered.value) as { message: Message };
      assert.deepEqual(message['notification'], { title, body });
      assert.deepEqual(message['data'], { [key]: body });
      const shown = { sound, tag: thread, click_action: category, notification_count: 3 };
      assert.deepEqual(message['android'], { priority: 'HIGH', notification: shown, collapse_key: title });
    }
  });
});

describe('FCM: the payload limit', () => {
  const bodyOf = (message: Message): string => (message['notification'] as { body: string }).body;

  test('4.2 a body that is too long is shortened at a grapheme, to what Google counts', () => {
    for (const letter of ['ü', '👨‍👩‍👧', '"', 'a']) {
      const message = messageOf({ body: letter.repeat(5_000) });
      const body = bodyOf(message);
      assert.ok(body.endsWith('…') && body.slice(0, -1).length % letter.length === 0, letter);
      assert.ok(countedBytes(message) <= limits.fcmPayloadBytesMax, letter);
    }
    const wide = messageOf({ body: '€'.repeat(2_000) });
    assert.ok(countedBytes(wide) <= limits.fcmPayloadBytesMax, 'bytes count, not characters');
    assert.ok(countedBytes(messageOf({ body: 'a'.repeat(5_000) })) > limits.fcmPayloadBytesMax - 10, 'not too short');
  });

  test('4.2 keys and values count, the token and the JSON around them do not', () => {
    const rest = countedBytes(messageOf({ body: '' })) + 'body'.length;
    const body = '"'.repeat(limits.fcmPayloadBytesMax - rest);
    assert.equal(bodyOf(messageOf({ body, token: 't'.repeat(4_000) })), body);
    assert.notEqual(bodyOf(messageOf({ body: `${body}"` })), `${body}"`);
  });

  test('4.2 to a topic or a condition half of it may go', () => {
    const body = 'a'.repeat(3_000);
    assert.equal(bodyOf(messageOf({ body })), body);
    for (const tokenKind of ['topic', 'condition'] as const) {
      const message = messageOf({ tokenKind, body });
      assert.ok(bodyOf(message).endsWith('…') && countedBytes(message) <= limits.fcmTopicPayloadBytesMax, tokenKind);
    }
  });

  test('4.2 data that is too large is refused, with an alert or without', () => {
    for (const kind of ['alert', 'silent'] as const) {
      const refused = render({ kind, data: { big: 'x'.repeat(5_000) } });
      assert.deepEqual(refused, { ok: false, error: 'PayloadTooLarge' });
    }
  });

  test('4.2 parts count too, and a body out of them is shortened', () => {
    const message = withParts({ notification: { body: 'b'.repeat(5_000) }, data: { a: 1 } });
    assert.ok(bodyOf(message).startsWith('bbb') && bodyOf(message).endsWith('…'));
    const refused = render({ parts: { apns: {}, fcm: { data: { big: 'x'.repeat(5_000) } } } });
    assert.deepEqual(refused, { ok: false, error: 'PayloadTooLarge' });
  });
});

describe('FCM: parts', () => {
  test('4.2 every part of the message can be given, and is merged member by member', () => {
    const message = withParts({
      notification: { image: 'https://chat.example/a.png' },
      fcm_options: { analytics_label: 'chat' },
      android: {
        direct_boot_ok: true,
        priority: 'NORMAL',
        notification: { channel_id: 'chats', title_loc_args: ['a'] },
      },
      webpush: { headers: { Urgency: 'high' }, data: { n: 1 } },
      apns: { headers: { 'apns-expiration': '0' } },
    });
    assert.deepEqual(message, {
      token: 'tok:en',
      notification: {
        title: 'romeo@montague.example',
        body: 'Wherefore art thou?',
        image: 'https://chat.example/a.png',
      },
      fcm_options: { analytics_label: 'chat' },
      android: {
        priority: 'NORMAL',
        direct_boot_ok: true,
        notification: {
          ...{ sound: 'default', tag: 'romeo@montague.example', notification_count: 3 },
          ...{ channel_id: 'chats', title_loc_args: ['a'] },
        },
      },
      webpush: { headers: { Urgency: 'high' }, data: { n: '1' } },
      apns: { headers: { 'apns-expiration': '0' } },
    });
  });

  test('4.2 data of parts becomes text, reserved keys are left out', () => {
    const data = { n: 1.5, yes: true, nested: { a: [1, null] }, none: null, from: 'x', kept: 'text', own: '2' };
    const message = withParts({ data, android: { data: { n: 2 } } }, { data: { own: '1', mine: 'm' } });
    const text = { n: '1.5', yes: 'true', nested: '{"a":[1,null]}', kept: 'text' };
    assert.deepEqual(message['data'], { own: '2', mine: 'm', ...text });
    assert.deepEqual((message['android'] as Message)['data'], { n: '2' });
  });

  test('4.2 the target is never changed by parts', () => {
    const message = withParts({ token: 'other', topic: 't', condition: 'c', fid: 'f', name: 'n' });
    assert.deepEqual(Object.keys(message), ['token', 'notification', 'android']);
    assert.equal(message['token'], 'tok:en');
  });

  test('null takes a member away (RFC 7396)', () => {
    const message = withParts({ notification: null, android: { notification: { sound: null } } });
    assert.equal(message['notification'], undefined);
    const { notification } = message['android'] as { notification: Message };
    assert.deepEqual(Object.keys(notification), ['tag', 'notification_count']);
  });

  test('4.2 for iOS a message with nothing to show waits for a good moment and wakes the app', () => {
    const silent = { kind: 'silent' } as const;
    for (const parts of [{}, { apns: {} }, { webpush: {} }]) {
      assert.deepEqual(withParts(parts, silent)['apns'], inBackground, JSON.stringify(parts));
    }
    const own = { headers: { 'apns-priority': '1', 'apns-topic': 'x' }, payload: { aps: { category: 'c' }, k: 1 } };
    assert.deepEqual(withParts({ apns: own }, silent)['apns'], {
      headers: { 'apns-priority': '1', 'apns-topic': 'x' },
      payload: { aps: { 'content-available': 1, category: 'c' }, k: 1 },
    });
  });

  test('4.2 for iOS nothing is added where there is something to show, or the program wants no part of it', () => {
    const shown = { payload: { aps: { alert: 'Ring' } } };
    assert.deepEqual(withParts({ apns: shown }, { kind: 'call' })['apns'], shown);
    const live = { live_activity_token: 'l', payload: { aps: { event: 'end' } } };
    assert.deepEqual(withParts({ apns: live }, { kind: 'silent' })['apns'], live);
    assert.deepEqual(withParts({ apns: { headers: {} } })['apns'], { headers: {} }, 'an alert');
    assert.equal(withParts({ apns: null }, { kind: 'silent' })['apns'], undefined);
  });

  test('parts that are no JSON are refused, not thrown over', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    for (const fcm of [{ android: circle }, { android: { n: 1n } }, { data: { f: () => 1 } }]) {
      assert.deepEqual(render({ parts: { apns: {}, fcm } }), { ok: false, error: 'InvalidParts' });
    }
  });
});
