import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../../src/core/clock.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { makeAuthority } from '../../../src/fake/certificates.ts';
import { FcmGateway } from '../../../src/fake/fcm-gateway.ts';
import { OAuthServer, makeServiceAccount } from '../../../src/fake/oauth-server.ts';
import { FcmProvider, classifyFcm, renderFcm } from '../../../src/provider/fcm.ts';
import { fcmErrorCodes } from '../../../src/provider/fcm-reasons.ts';
import { createGoogleCredentials, readToken } from '../../../src/provider/google-oauth.ts';
import { openHttp2WrapperSession } from '../../../src/transport/http2-wrapper-session.ts';
import { providerConformance, providerName, sampleNotification } from '../../conformance/provider.ts';
import { writeTrusted } from '../../conformance/trusted-file.ts';
import type { TestContext } from 'node:test';
import type { FcmConfig } from '../../../config/engine-config.ts';
import type { Notification } from '../../../src/core/notification.ts';

const nowMs = Date.UTC(2026, 5, 1);

function messageOf(changes: Partial<Notification> = {}): Record<string, unknown> {
  const rendered = renderFcm(sampleNotification({ service: 'fcm', token: 'tok:en', ...changes }), nowMs);
  assert.ok(rendered.ok);
  return (JSON.parse(rendered.value) as { message: Record<string, unknown> }).message;
}

describe('FCM: rendering', () => {
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

  test('4.2 a silent push is data only, with the priority it was given', () => {
    const data = { 'message-count': '2' };
    assert.deepEqual(messageOf({ kind: 'silent', priority: 'normal', data }), {
      token: 'tok:en',
      data,
      android: { priority: 'NORMAL' },
    });
  });

  test('4.2 a call is data only and HIGH', () => {
    assert.deepEqual(messageOf({ kind: 'call', priority: 'normal' }), {
      token: 'tok:en',
      android: { priority: 'HIGH' },
    });
  });

  test('4.2 reserved keys are left out and values are text', () => {
    const data = { from: 'x', message_type: 'x', 'google.a': 'x', 'gcm.b': 'x', googly: 'stays', count: 3 };
    const message = messageOf({ data: data as unknown as Record<string, string> });
    assert.deepEqual(message['data'], { googly: 'stays', count: '3' });
  });

  test('4.2 the time to live is what is left, within 0 and four weeks', () => {
    const ttl = (expiresAtMs: number) =>
      (messageOf({ expiresAtMs: epochMs(expiresAtMs) })['android'] as { ttl?: string }).ttl;
    assert.equal(ttl(nowMs + 90_000), '90s');
    assert.equal(ttl(nowMs - 5_000), '0s');
    assert.equal(ttl(nowMs + 1e12), '2419200s');
    assert.equal(ttl(0), undefined);
  });

  test('4.2 a body that is too long is shortened, and data that is too large is refused', () => {
    const message = messageOf({ body: 'ü'.repeat(5_000) });
    const notification = message['notification'] as { body: string };
    assert.ok(notification.body.endsWith('…'));
    assert.ok(Buffer.byteLength(notification.body) <= limits.fcmPayloadBytesMax);
    const refused = renderFcm(sampleNotification({ data: { big: 'x'.repeat(5_000) } }), nowMs);
    assert.deepEqual(refused, { ok: false, error: 'PayloadTooLarge' });
  });
});

function errorBody(status: string, options: { code?: string; fields?: boolean; message?: string } = {}): string {
  const details: unknown[] = [];
  if (options.code !== undefined) {
    details.push({ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: options.code });
  }
  if (options.fields === true) {
    details.push({
      '@type': 'type.googleapis.com/google.rpc.BadRequest',
      fieldViolations: [{ field: 'message.data' }],
    });
  }
  return JSON.stringify({ error: { status, message: options.message ?? '', details } });
}

describe('FCM: classification', () => {
  const classify = (status: number, body: string, fields: Record<string, string> = {}) =>
    classifyFcm({ status, body, fields, nowMs });

  test('4.3 every error code of the table ends as the table says', () => {
    for (const [code, row] of fcmErrorCodes) {
      assert.equal(classify(400, errorBody('WHATEVER', { code })).kind, row.kind, code);
    }
  });

  test('4.3 a 404 without FcmError is not a dead token', () => {
    assert.equal(classify(404, errorBody('NOT_FOUND')).kind, 'rejected');
    assert.equal(classify(404, '<html>').kind, 'rejected');
    assert.equal(classify(404, errorBody('NOT_FOUND', { code: 'UNREGISTERED' })).kind, 'unregistered');
  });

  test('4.3 INVALID_ARGUMENT is a dead token only when FCM says so and names no field', () => {
    const code = 'INVALID_ARGUMENT';
    const message = 'The registration token is not a valid FCM registration token';
    assert.equal(classify(400, errorBody(code, { code, message })).kind, 'unregistered');
    assert.equal(classify(400, errorBody(code, { code, message, fields: true })).kind, 'rejected');
    assert.equal(classify(400, errorBody(code, { code })).kind, 'rejected');
    assert.equal(classify(400, errorBody(code, { message })).kind, 'rejected');
  });

  test('4.3 credentials that are refused say nothing about the device', () => {
    assert.equal(classify(401, errorBody('UNAUTHENTICATED')).kind, 'unauthorized');
    assert.equal(classify(403, errorBody('PERMISSION_DENIED')).kind, 'unauthorized');
    assert.equal(classify(403, errorBody('PERMISSION_DENIED', { code: 'SENDER_ID_MISMATCH' })).kind, 'rejected');
  });

  test('4.4 waits are what Google says, or its defaults', () => {
    const quota = errorBody('RESOURCE_EXHAUSTED', { code: 'QUOTA_EXCEEDED' });
    assert.deepEqual(classify(429, quota), { kind: 'throttled', reason: 'QUOTA_EXCEEDED', retryAfterMs: 60_000 });
    const busy = errorBody('UNAVAILABLE', { code: 'UNAVAILABLE' });
    assert.deepEqual(classify(503, busy, { 'retry-after': '30' }), {
      kind: 'unavailable',
      reached: 'no',
      reason: 'UNAVAILABLE',
      retryAfterMs: 30_000,
    });
    assert.ok(classify(500, '<html>').kind === 'unavailable');
  });

  test('4.1 an accepted message keeps its name', () => {
    const outcome = classify(200, '{"name":"projects/p/messages/1"}');
    assert.deepEqual(outcome, { kind: 'accepted', gatewayId: 'projects/p/messages/1' });
  });
});

async function startGoogle(t: TestContext) {
  const authority = await makeAuthority(systemClock);
  const tls = await authority.server();
  const random = seededRandom(5);
  const oauth = new OAuthServer({ clock: systemClock, random, tls, accounts: [] });
  const tokenPort = (await oauth.start()).port;
  const tokenUri = `https://localhost:${tokenPort}/token`;
  const key = await makeServiceAccount({ projectId: 'demo-project', tokenUri });
  oauth.addAccount(key);
  const gateway = new FcmGateway({ clock: systemClock, random, tls, oauth, projectIds: ['demo-project'] });
  const { port } = await gateway.start();
  t.after(async () => {
    await gateway.stop();
    await oauth.stop();
  });
  const config: FcmConfig = {
    kind: 'fcm',
    name: providerName('fcm-demo'),
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
    projectId: 'demo-project',
    clientEmail: key.account.client_email,
    privateKeyPem: key.account.private_key,
    privateKeyId: key.account.private_key_id,
    quotaPerMinute: 600_000,
    tokenUrl: tokenUri,
  };
  return { config, gateway, oauth };
}

describe('Google OAuth', () => {
  test('4.1 an assertion is exchanged for a token that is renewed five minutes early', async (t) => {
    const { config } = await startGoogle(t);
    const source = createGoogleCredentials(config, systemClock);
    t.after(() => source.close());
    const now = systemClock.now();
    const minted = await source.mint(now);
    assert.ok(minted.ok);
    assert.match(minted.value.authorization, /^Bearer \S+$/);
    assert.equal(minted.value.expiresAtMs - minted.value.renewAtMs, 300_000);
    assert.equal(minted.value.expiresAtMs - now, 3_599_000);
  });

  test('a key that is no key fails for good, without quoting it', async (t) => {
    const { config } = await startGoogle(t);
    const source = createGoogleCredentials({ ...config, privateKeyPem: 'SECRET-NONSENSE' }, systemClock);
    t.after(() => source.close());
    const minted = await source.mint(systemClock.now());
    assert.ok(!minted.ok && !minted.error.transient && !minted.error.reason.includes('SECRET'));
  });

  test('an account Google does not know fails for good', async (t) => {
    const { config } = await startGoogle(t);
    const source = createGoogleCredentials({ ...config, clientEmail: 'stranger@example.com' }, systemClock);
    t.after(() => source.close());
    const minted = await source.mint(systemClock.now());
    assert.ok(!minted.ok && !minted.error.transient, JSON.stringify(minted));
  });

  test('an endpoint that is away is worth another try', async (t) => {
    const { config, oauth } = await startGoogle(t);
    await oauth.stop();
    const source = createGoogleCredentials(config, systemClock);
    t.after(() => source.close());
    const minted = await source.mint(systemClock.now());
    assert.ok(!minted.ok && minted.error.transient, JSON.stringify(minted));
  });

  test('answers are transient by their status', () => {
    const answer = (status: number, body: string) =>
      readToken({ kind: 'response', status, fields: {}, body }, epochMs(nowMs));
    for (const [status, transient] of [
      [400, false],
      [401, false],
      [429, true],
      [500, true],
      [503, true],
    ] as const) {
      const minted = answer(status, '{"error":"invalid_grant"}');
      assert.ok(!minted.ok && minted.error.transient === transient, String(status));
    }
    assert.ok(!answer(200, '{}').ok);
    assert.ok(!readToken({ kind: 'failed', failure: 'deadline', reason: 'deadline' }, epochMs(nowMs)).ok);
  });

  test('a token that lives shortly is renewed at half its life', () => {
    const body = '{"access_token":"t","expires_in":60}';
    const minted = readToken({ kind: 'response', status: 200, fields: {}, body }, epochMs(nowMs));
    assert.ok(minted.ok && minted.value.renewAtMs === nowMs + 30_000);
  });
});

providerConformance('fcm', async (t) => {
  const { config, gateway } = await startGoogle(t);
  const source = createGoogleCredentials(config, systemClock);
  t.after(() => source.close());
  const minted = await source.mint(systemClock.now());
  assert.ok(minted.ok);
  return {
    create: (context) => new FcmProvider(config, context, openHttp2WrapperSession),
    authorization: minted.value.authorization,
    script: (change) => gateway.script(change),
    connectionsTotal: () => gateway.connectionsTotal,
    http2: true,
    service: 'fcm',
    rejections: [
      { status: 404, reason: 'UNREGISTERED', kind: 'unregistered' },
      { status: 403, reason: 'SENDER_ID_MISMATCH', kind: 'rejected' },
      { status: 429, reason: 'QUOTA_EXCEEDED', fields: { 'retry-after': '7' }, kind: 'throttled' },
      { status: 503, reason: 'UNAVAILABLE', kind: 'unavailable' },
      { status: 500, reason: 'INTERNAL', kind: 'unavailable' },
      { status: 401, reason: 'THIRD_PARTY_AUTH_ERROR', kind: 'unauthorized' },
    ],
  };
});
