import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../../src/core/clock.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { ApnsGateway } from '../../../src/fake/apns-gateway.ts';
import { makeApnsKey } from '../../../src/fake/apns-token.ts';
import { makeAuthority } from '../../../src/fake/certificates.ts';
import { ApnsProvider, classifyApns, renderApns } from '../../../src/provider/apns.ts';
import { createApnsCredentials } from '../../../src/provider/apns-jwt.ts';
import { apnsReasons } from '../../../src/provider/apns-reasons.ts';
import { openHttp2WrapperSession } from '../../../src/transport/http2-wrapper-session.ts';
import { providerConformance, providerName, sampleNotification } from '../../conformance/provider.ts';
import { writeTrusted } from '../../conformance/trusted-file.ts';
import type { ApnsConfig } from '../../../config/engine-config.ts';
import type { Notification } from '../../../src/core/notification.ts';
import type { GatewayRequest } from '../../../src/transport/gateway-session.ts';

const nowMs = Date.UTC(2026, 5, 1);

function render(changes: Partial<Notification> = {}, topic = 'com.example.app'): GatewayRequest {
  const rendered = renderApns(sampleNotification(changes), { authorization: 'bearer x', topic, nowMs });
  assert.ok(rendered.ok);
  return rendered.value;
}

function payloadOf(request: GatewayRequest): Record<string, unknown> {
  return JSON.parse(request.body) as Record<string, unknown>;
}

describe('APNs: rendering', () => {
  test('3.2 an alert names token, id, topic, push type and priority', () => {
    const notification = sampleNotification();
    const rendered = renderApns(notification, { authorization: 'bearer x', topic: '', nowMs });
    assert.ok(rendered.ok);
    assert.equal(rendered.value.path, `/3/device/${notification.token}`);
    assert.deepEqual(rendered.value.fields, {
      authorization: 'bearer x',
      'apns-id': notification.id,
      'apns-push-type': 'alert',
      'apns-priority': '10',
      'apns-topic': 'com.example.app',
    });
    assert.deepEqual(payloadOf(rendered.value), {
      aps: {
        alert: { title: 'romeo@montague.example', body: 'Wherefore art thou?' },
        badge: 3,
        sound: 'default',
        'thread-id': 'romeo@montague.example',
        'mutable-content': 1,
      },
    });
  });

  test('3.3 an alert of normal priority is sent with 5', () => {
    assert.equal(render({ priority: 'normal' }).fields['apns-priority'], '5');
  });

  test('3.3 a background push has priority 5 even when it is urgent, and no alert, badge or sound', () => {
    const request = render({ kind: 'silent', priority: 'high', data: { 'message-count': '2' } });
    assert.equal(request.fields['apns-push-type'], 'background');
    assert.equal(request.fields['apns-priority'], '5');
    assert.deepEqual(payloadOf(request), { aps: { 'content-available': 1 }, 'message-count': '2' });
  });

  test('3.3 a call goes to the voip topic with priority 10', () => {
    const request = render({ kind: 'call', priority: 'normal' });
    assert.equal(request.fields['apns-push-type'], 'voip');
    assert.equal(request.fields['apns-priority'], '10');
    assert.equal(request.fields['apns-topic'], 'com.example.app.voip');
    assert.equal(render({ kind: 'call', topic: 'a.b.voip' }).fields['apns-topic'], 'a.b.voip');
  });

  test('3.2 a registration without a topic gets the configured one, and none if that is empty', () => {
    assert.equal(render({ topic: '' }, 'configured.app').fields['apns-topic'], 'configured.app');
    assert.ok(!('apns-topic' in render({ topic: '' }, '').fields));
  });

  test('3.2 with a client certificate there is no authorization field', () => {
    const rendered = renderApns(sampleNotification(), { authorization: '', topic: '', nowMs });
    assert.ok(rendered.ok && !('authorization' in rendered.value.fields));
  });

  test('3.2 the expiration is in seconds, absent when the gateway decides, 0 when it has passed', () => {
    assert.equal(render({ expiresAtMs: epochMs(nowMs + 60_500) }).fields['apns-expiration'], `${nowMs / 1000 + 60}`);
    assert.ok(!('apns-expiration' in render().fields));
    assert.equal(render({ expiresAtMs: epochMs(nowMs - 1) }).fields['apns-expiration'], '0');
  });

  test('3.2 a collapse id of more than 64 bytes, or not ASCII, becomes its hash', () => {
    assert.equal(render({ collapseId: 'chat-1' }).fields['apns-collapse-id'], 'chat-1');
    const hashed = render({ collapseId: 'ä'.repeat(40) }).fields['apns-collapse-id'];
    assert.match(hashed ?? '', /^[0-9a-f]{64}$/);
    assert.equal(render({ collapseId: 'ä'.repeat(40) }).fields['apns-collapse-id'], hashed);
  });

  test('a topic that cannot be a field is refused before it is sent', () => {
    const rendered = renderApns(sampleNotification({ topic: 'a\r\nb' }), { authorization: '', topic: '', nowMs });
    assert.deepEqual(rendered, { ok: false, error: 'BadTopic' });
  });

  test('a token cannot leave its place in the path', () => {
    assert.equal(render({ token: '../x?y' }).path, '/3/device/%2E%2E%2Fx%3Fy');
  });

  test('3.4 custom data stands beside aps and cannot replace it', () => {
    const payload = payloadOf(render({ data: { aps: 'mine', conversation: 'c1' } }));
    assert.equal(payload['conversation'], 'c1');
    assert.equal(typeof payload['aps'], 'object');
  });

  test('3.4 a badge of 0 is sent and -1 is not', () => {
    assert.match(render({ badge: 0 }).body, /"badge":0/);
    assert.doesNotMatch(render({ badge: -1 }).body, /badge/);
  });

  for (const [what, letter] of [
    ['emoji families', '👨‍👩‍👧‍👦'],
    ['letters with marks', 'é'],
    ['quotes', '"'],
  ] as const) {
    test(`3.4 a body of ${what} that is too long is cut between graphemes`, () => {
      const body = letter.repeat(3_000);
      const request = render({ body });
      const bytes = Buffer.byteLength(request.body);
      assert.ok(bytes <= limits.apnsPayloadBytesMax && bytes > limits.apnsPayloadBytesMax - 64, `${bytes} bytes`);
      const aps = payloadOf(request)['aps'] as { alert: { body: string } };
      assert.ok(aps.alert.body.endsWith('…'));
      assert.equal(aps.alert.body.slice(0, -1).replaceAll(letter, ''), '');
    });
  }

  test('3.4 a call may have 5120 bytes', () => {
    const bytes = Buffer.byteLength(render({ kind: 'call', body: 'x'.repeat(6_000) }).body);
    assert.ok(bytes <= limits.apnsVoipPayloadBytesMax && bytes > limits.apnsPayloadBytesMax);
  });

  test('3.7 a payload that is too large without its texts is refused as Apple would', () => {
    const notification = sampleNotification({ data: { big: 'x'.repeat(5_000) } });
    const rendered = renderApns(notification, { authorization: '', topic: '', nowMs });
    assert.deepEqual(rendered, { ok: false, error: 'PayloadTooLarge' });
  });
});

describe('APNs: classification', () => {
  const classify = (status: number, body: string, fields: Record<string, string> = {}) =>
    classifyApns({ status, body, fields, nowMs });

  test('3.7 every reason of the table ends as the table says', () => {
    for (const [reason, row] of apnsReasons) {
      const outcome = classify(row.status, JSON.stringify({ reason }));
      assert.equal(outcome.kind, row.kind, reason);
      assert.ok('reason' in outcome && outcome.reason === reason);
    }
  });

  test('3.7 only a 410 is a dead token: not BadDeviceToken, not DeviceTokenNotForTopic', () => {
    const dead = [...apnsReasons].filter(([, row]) => row.kind === 'unregistered').map(([reason]) => reason);
    assert.deepEqual(dead, ['ExpiredToken', 'Unregistered']);
    assert.equal(classify(400, '{"reason":"BadDeviceToken"}').kind, 'rejected');
  });

  test('3.7 the timestamp of a 410 says since when', () => {
    const outcome = classify(410, '{"reason":"Unregistered","timestamp":1700000000123}');
    assert.deepEqual(outcome, { kind: 'unregistered', reason: 'Unregistered', sinceMs: 1_700_000_000_123 });
    const silent = classify(410, '{"reason":"Unregistered","timestamp":"soon"}');
    assert.deepEqual(silent, { kind: 'unregistered', reason: 'Unregistered', sinceMs: 0 });
  });

  test('3.2 an accepted notification keeps the name Apple gave it', () => {
    assert.deepEqual(classify(200, '', { 'apns-id': 'X-1' }), { kind: 'accepted', gatewayId: 'X-1' });
  });

  test('3.7 unknown reasons and unreadable bodies are judged by their status', () => {
    assert.equal(classify(418, '{"reason":"Teapot"}').kind, 'rejected');
    assert.equal(classify(500, '<html>').kind, 'unavailable');
    assert.equal(classify(503, '').kind, 'unavailable');
    assert.equal(classify(403, '{"reason":"NewCredentialTrouble"}').kind, 'unauthorized');
    assert.equal(classify(429, '').kind, 'throttled');
    assert.equal(classify(410, '').kind, 'unregistered');
  });

  test('a Retry-After is honoured, in seconds or as a date', () => {
    const body = '{"reason":"TooManyRequests"}';
    assert.deepEqual(classify(429, body, { 'retry-after': '7' }), {
      kind: 'throttled',
      reason: 'TooManyRequests',
      retryAfterMs: 7_000,
    });
    const at = new Date(nowMs + 90_000).toUTCString();
    const outcome = classify(429, body, { 'retry-after': at });
    assert.ok(outcome.kind === 'throttled' && outcome.retryAfterMs === 90_000);
  });

  test('3.7 a refused credential tells what the clock of the gateway said, so that a wrong clock of ours shows', () => {
    const date = new Date(nowMs + 7_200_000).toUTCString();
    for (const reason of ['ExpiredProviderToken', 'InvalidProviderToken']) {
      const outcome = classify(403, JSON.stringify({ reason }), { date });
      assert.deepEqual(outcome, { kind: 'unauthorized', reason, gatewayAtMs: nowMs + 7_200_000, renewable: true });
    }
    for (const fields of [{}, { date: 'noon' }] as const) {
      const outcome = classify(403, '{"reason":"ExpiredProviderToken"}', fields);
      assert.deepEqual(outcome, {
        kind: 'unauthorized',
        reason: 'ExpiredProviderToken',
        gatewayAtMs: 0,
        renewable: true,
      });
    }
  });

  test('a reason that no label could carry is replaced by the status', () => {
    const outcome = classify(400, JSON.stringify({ reason: 'x'.repeat(500) }));
    assert.deepEqual(outcome, { kind: 'rejected', reason: 'status-400' });
  });
});

providerConformance('apns', async (t) => {
  const authority = await makeAuthority(systemClock);
  const key = await makeApnsKey({ keyId: 'ABC123DEFG', teamId: 'TEAM123456' });
  const gateway = new ApnsGateway({
    clock: systemClock,
    random: seededRandom(5),
    tls: await authority.server(),
    keys: [key],
    environment: 'production',
  });
  const { port } = await gateway.start();
  t.after(() => gateway.stop());
  const minted = await createApnsCredentials(key).mint(systemClock.now());
  assert.ok(minted.ok);
  const config: ApnsConfig = {
    kind: 'apns',
    name: providerName('apns-prod'),
    apps: [],
    tags: [],
    mode: 'prod',
    creditMax: 1_000,
    requestMs: 10_000,
    host: 'localhost',
    port,
    caFile: await writeTrusted(t, authority.caPem),
    sessionsMax: 2,
    transport: 'h2',
    proxyUrl: '',
    auth: { kind: 'token', keyPem: '', keyId: key.keyId, teamId: key.teamId },
    topic: 'com.example.app',
  };
  return {
    create: (context) => new ApnsProvider(config, context, openHttp2WrapperSession),
    authorization: minted.value.authorization,
    script: (change) => gateway.script(change),
    connectionsTotal: () => gateway.connectionsTotal,
    http2: true,
    service: 'apns',
    rejections: [...apnsReasons].map(([reason, { status, kind }]) => ({ status, reason, kind })),
  };
});
