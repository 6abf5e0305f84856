import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../../src/core/clock.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { makeAuthority } from '../../../src/fake/certificates.ts';
import { MongoosePushGateway } from '../../../src/fake/mongoosepush-gateway.ts';
import { MongoosePushProvider, classifyMongoosePush, renderMongoosePush } from '../../../src/provider/mongoosepush.ts';
import { providerConformance, providerName, sampleNotification } from '../../conformance/provider.ts';
import { writeTrusted } from '../../conformance/trusted-file.ts';
import type { MongoosePushConfig } from '../../../config/engine-config.ts';
import type { Notification } from '../../../src/core/notification.ts';

const nowMs = Date.UTC(2026, 5, 1);

function bodyOf(changes: Partial<Notification>): unknown {
  return JSON.parse(renderMongoosePush(sampleNotification(changes), 'prod', nowMs));
}

describe('MongoosePush: rendering', () => {
  test('4.3 an alert is what the connector of MongooseIM builds', () => {
    assert.deepEqual(bodyOf({ mode: 'dev', category: 'open', mutableContent: false }), {
      service: 'apns',
      mode: 'dev',
      priority: 'high',
      topic: 'com.example.app',
      alert: {
        title: 'romeo@montague.example',
        tag: 'romeo@montague.example',
        body: 'Wherefore art thou?',
        badge: 3,
        click_action: 'open',
        sound: 'default',
      },
    });
  });

  test('4.3 a silent push carries all fields as data, the count as a number, and no alert', () => {
    const data = { 'message-count': '3', 'last-message-sender': 'juliet@capulet.example' };
    const body = bodyOf({ service: 'fcm', kind: 'silent', topic: '', mode: '', mutableContent: false, data });
    assert.deepEqual(body, {
      service: 'fcm',
      mode: 'prod',
      priority: 'high',
      data: { 'message-count': 3, 'last-message-sender': 'juliet@capulet.example' },
    });
  });

  test('4.3 mutable_content is a boolean and time_to_live an integer', () => {
    const body = bodyOf({ mutableContent: true, expiresAtMs: epochMs(nowMs + 3_600_000) }) as Record<string, unknown>;
    assert.equal(body['mutable_content'], true);
    assert.equal(body['time_to_live'], 3_600);
  });

  test('3.3 a silent push for Apple is never of high priority', () => {
    const body = bodyOf({ kind: 'silent', priority: 'high' }) as Record<string, unknown>;
    assert.equal(body['priority'], 'normal');
  });

  test('a long body is shortened to what the gateways take', () => {
    const text = renderMongoosePush(sampleNotification({ body: '🎈'.repeat(4_000) }), 'prod', nowMs);
    assert.ok(Buffer.byteLength(text) <= limits.apnsPayloadBytesMax);
    assert.match(text, /🎈…"/);
  });
});

describe('MongoosePush: classification', () => {
  const classify = (status: number, body: string) => classifyMongoosePush({ status, fields: {}, body, nowMs });

  for (const [status, body, kind] of [
    [200, 'null', 'accepted'],
    [410, '{"reason":"unregistered"}', 'unregistered'],
    [400, '{"reason":"invalid_request"}', 'rejected'],
    [400, '{"reason":"no_matching_pool"}', 'rejected'],
    [413, '{"reason":"payload_too_large"}', 'rejected'],
    [422, '{"errors":[]}', 'rejected'],
    [429, '{"reason":"too_many_requests"}', 'throttled'],
    [503, '{"reason":"service_internal"}', 'unavailable'],
    [520, '{"reason":"unspecified"}', 'unavailable'],
    [500, '{"reason":"ExpiredToken"}', 'unregistered'],
    [500, '{"details":"Unregistered"}', 'unregistered'],
    [500, '{"details":"UNREGISTERED"}', 'unregistered'],
    [500, '{"details":"BadDeviceToken"}', 'rejected'],
    [500, '{"details":"probably_unregistered"}', 'unregistered'],
    [503, '{"details":"Please try again later"}', 'unavailable'],
    [500, '<html>', 'unavailable'],
  ] as const) {
    test(`1.5 ${status} ${body} is ${kind}`, () => {
      assert.equal(classify(status, body).kind, kind);
    });
  }

  test('1.6 a connection it lost with the request in flight leaves the outcome unknown', () => {
    const outcome = classify(503, '{"reason":"connection_lost"}');
    assert.ok(outcome.kind === 'unavailable' && outcome.reached === 'unknown');
    const refused = classify(503, '{"reason":"unable_to_connect"}');
    assert.ok(refused.kind === 'unavailable' && refused.reached === 'no');
  });
});

for (const api of ['v2', 'v3'] as const) {
  providerConformance(`mongoosepush ${api}`, async (t) => {
    const authority = await makeAuthority(systemClock);
    const tls = await authority.server();
    const gateway = new MongoosePushGateway({ clock: systemClock, random: seededRandom(5), tls });
    const { port } = await gateway.start();
    t.after(() => gateway.stop());
    const config: MongoosePushConfig = {
      kind: 'mongoosepush',
      name: providerName('mongoosepush'),
      apps: [],
      tags: [],
      mode: 'prod',
      creditMax: 1_000,
      requestMs: 10_000,
      url: `https://localhost:${port}`,
      api,
      caFile: await writeTrusted(t, authority.caPem),
      connections: 4,
      services: ['apns', 'fcm'],
    };
    return {
      create: (context) => new MongoosePushProvider(config, context),
      authorization: '',
      script: (change) => gateway.script(change),
      connectionsTotal: () => gateway.connectionsTotal,
      http2: false,
      service: 'fcm',
      rejections: [
        { status: 410, reason: 'UNREGISTERED', kind: 'unregistered' },
        { status: 410, reason: 'Unregistered', kind: 'unregistered' },
        { status: 400, reason: 'BadDeviceToken', kind: 'rejected' },
        { status: 413, reason: 'PayloadTooLarge', kind: 'rejected' },
        { status: 429, reason: 'TooManyRequests', kind: 'throttled' },
        { status: 503, reason: 'ServiceUnavailable', kind: 'unavailable' },
        { status: 503, reason: 'unable_to_connect', kind: 'unavailable' },
        { status: 503, reason: 'connection_lost', kind: 'unavailable' },
        { status: 400, reason: 'no_matching_pool', kind: 'rejected' },
      ],
    };
  });
}
