import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { epochMs } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { castRequest } from '../../../src/fake/mongoosepush-schema.ts';
import { renderMongoosePush, unsayableTo } from '../../../src/provider/mongoosepush-body.ts';
import { sampleNotification } from '../../conformance/provider.ts';
import type { Notification } from '../../../src/core/notification.ts';
import type { MongoosePushApi } from '../../../src/provider/mongoosepush-body.ts';

const nowMs = Date.UTC(2026, 5, 1);
const v3: MongoosePushApi = { api: 'v3', mode: 'prod' };

function textOf(changes: Partial<Notification>, api: MongoosePushApi = v3): string {
  return renderMongoosePush(sampleNotification({ mutableContent: false, ...changes }), api, nowMs);
}

function bodyOf(changes: Partial<Notification>, api: MongoosePushApi = v3): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(textOf(changes, api));
  assert.ok(typeof value === 'object' && value !== null);
  return { ...value };
}

const juliet = 'juliet@capulet.example';
const silent: Partial<Notification> = {
  ...{ service: 'fcm', kind: 'silent', priority: 'normal', topic: '', mode: '' },
  data: { 'message-count': '3', 'last-message-sender': juliet, 'last-message-body': 'Hi' },
};

describe('MongoosePush: the body', () => {
  test('mongooseim 4.3: the first example, byte for byte', () => {
    const changes: Partial<Notification> = {
      ...{ title: juliet, thread: juliet, body: 'Hi', badge: 3, category: 'open', sound: 'default' },
      mode: 'dev',
      priority: 'high',
    };
    assert.equal(
      textOf(changes),
      '{"service":"apns","mode":"dev","priority":"high","topic":"com.example.app",' +
        '"alert":{"title":"juliet@capulet.example","tag":"juliet@capulet.example","body":"Hi","badge":3,' +
        '"click_action":"open","sound":"default"}}',
    );
  });

  test('mongooseim 4.3: the second example, byte for byte', () => {
    assert.equal(
      textOf(silent),
      '{"service":"fcm","data":{"message-count":3,"last-message-sender":"juliet@capulet.example",' +
        '"last-message-body":"Hi"}}',
    );
  });

  test('mongooseim 4.3: what is not set is not there', () => {
    const bare = { topic: '', mode: '', thread: '', badge: -1, sound: '', title: 'T', body: 'B' } as const;
    assert.equal(
      textOf({ ...bare, priority: 'normal' }),
      '{"service":"apns","priority":"normal","alert":{"title":"T","body":"B"}}',
    );
    assert.equal(textOf({ ...silent, data: {} }), '{"service":"fcm","data":{}}');
  });

  test('mongooseim 4.3: a badge of 0 is said', () => {
    assert.deepEqual(bodyOf({ badge: 0 })['alert'], {
      ...{ title: 'romeo@montague.example', tag: 'romeo@montague.example', body: 'Wherefore art thou?' },
      ...{ badge: 0, sound: 'default' },
    });
  });

  test('mongooseim 4.3: mutable_content is a boolean, time_to_live an integer of 32 bits and never negative', () => {
    assert.equal(bodyOf({ mutableContent: true })['mutable_content'], true);
    for (const [lifeMs, seconds] of [
      [3_600_000, 3_600],
      [1, 1],
      [-5_000, 0],
      [1e13, 2_147_483_647],
    ] as const) {
      assert.equal(bodyOf({ expiresAtMs: epochMs(nowMs + lifeMs) })['time_to_live'], seconds);
    }
  });

  test('mongooseim 4.3: nothing but a count of digits becomes a number, and it keeps its place', () => {
    const data = { 'last-message-sender': '7', 'message-count': 'many' };
    assert.deepEqual(bodyOf({ ...silent, data })['data'], data);
    assert.equal(
      JSON.stringify(bodyOf({ ...silent, data: { a: '1', 'message-count': '12', b: '2' } })['data']),
      '{"a":"1","message-count":12,"b":"2"}',
    );
  });

  test('1.8 the mode of the provider is told for the sandbox of Apple alone', () => {
    const mode = '';
    assert.equal(bodyOf({ mode }, { api: 'v3', mode: 'prod' })['mode'], undefined);
    assert.equal(bodyOf({ mode }, { api: 'v3', mode: 'dev' })['mode'], 'dev');
    assert.equal(bodyOf({ mode, service: 'fcm' }, { api: 'v3', mode: 'dev' })['mode'], undefined);
    assert.equal(bodyOf({ mode: 'dev', service: 'fcm' })['mode'], 'dev');
    assert.equal(bodyOf({ mode: 'prod' })['mode'], 'prod');
  });

  test('0.5, 1.7 a priority is said unless it is what happens without one', () => {
    const said = (changes: Partial<Notification>): unknown => bodyOf(changes)['priority'];
    for (const priority of ['high', 'normal', 'low'] as const) {
      assert.equal(said({ kind: 'silent', priority }), 'normal');
      assert.equal(said({ kind: 'call', priority }), 'high');
      assert.equal(said({ kind: 'alert', priority }), priority === 'high' ? 'high' : 'normal');
      assert.equal(said({ kind: 'silent', service: 'fcm', priority }), priority === 'high' ? 'high' : undefined);
    }
  });

  test('1.4 what is sent passes the schemas of v1, v2 and v3', () => {
    for (const service of ['apns', 'fcm'] as const) {
      for (const kind of ['alert', 'silent', 'call'] as const) {
        for (const api of ['v1', 'v2', 'v3'] as const) {
          if (api === 'v1' && kind === 'silent') continue;
          const full = { service, kind, mode: 'dev', category: 'open', mutableContent: true } as const;
          const body = bodyOf({ ...full, expiresAtMs: epochMs(nowMs + 1_000) }, { api, mode: 'prod' });
          const cast = castRequest(api, body);
          assert.ok('kind' in cast, `${api} ${kind}: ${JSON.stringify(cast)}`);
          // Casting changes nothing: each value has its type already.
          for (const [name, value] of Object.entries(body)) assert.deepEqual(cast.fields[name], value);
        }
      }
    }
  });

  test('mongooseim 4.3: v1 is flat, without what it does not know, and without null', () => {
    const v1: MongoosePushApi = { api: 'v1', mode: 'prod' };
    assert.equal(
      textOf({ ...{ title: juliet, thread: juliet, body: 'Hi', badge: 3, mode: 'dev' }, category: 'open' }, v1),
      '{"service":"apns","body":"Hi","title":"juliet@capulet.example","tag":"juliet@capulet.example","badge":3,' +
        '"mode":"dev","click_action":"open","topic":"com.example.app"}',
    );
    const bare = { topic: '', mode: '', thread: '', badge: -1, title: 'T', body: '' } as const;
    assert.equal(textOf(bare, v1), '{"service":"apns","body":"","title":"T"}');
  });

  test('what the API cannot say is named: silence in v1, targets that are no device, other push types', () => {
    const of = (api: MongoosePushApi['api'], changes: Partial<Notification>): string =>
      unsayableTo(api, sampleNotification(changes));
    assert.equal(of('v1', { kind: 'silent' }), 'no-silent-notifications-in-v1');
    assert.equal(of('v2', { kind: 'silent' }), '');
    assert.equal(of('v1', {}), '');
    assert.equal(of('v3', { tokenKind: 'topic' }), 'no-topic-through-mongoosepush');
    assert.equal(of('v3', { pushType: 'liveactivity' }), 'no-liveactivity-through-mongoosepush');
    assert.equal(of('v3', { pushType: 'background', kind: 'silent' }), '');
  });

  test('a long body is shortened to what the gateways take', () => {
    for (const api of ['v1', 'v3'] as const) {
      const text = textOf({ body: '🎈'.repeat(4_000) }, { api, mode: 'prod' });
      assert.ok(Buffer.byteLength(text) <= limits.apnsPayloadBytesMax);
      assert.match(text, /🎈…"/);
    }
  });
});
