import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../../src/core/clock.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { makeAuthority } from '../../../src/fake/certificates.ts';
import { FcmGateway } from '../../../src/fake/fcm-gateway.ts';
import { OAuthServer, makeServiceAccount } from '../../../src/fake/oauth-server.ts';
import { FcmProvider, classifyFcm } from '../../../src/provider/fcm.ts';
import { fcmErrorCodes, fcmStatuses } from '../../../src/provider/fcm-reasons.ts';
import { createGoogleCredentials, readToken } from '../../../src/provider/google-oauth.ts';
import { openHttp2WrapperSession } from '../../../src/transport/http2-wrapper-session.ts';
import { gatewaySessionOpener } from '../../../src/transport/open-gateway-session.ts';
import { fcmConfig } from '../../provider-configs.ts';
import { providerConformance, sampleNotification } from '../../conformance/provider.ts';
import { writeTrusted } from '../../conformance/trusted-file.ts';
import type { TestContext } from 'node:test';
import type { FcmConfig } from '../../../config/engine-config.ts';
import type { FcmGatewayOptions } from '../../../src/fake/fcm-gateway.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { GatewayRequest, OpenGatewaySession } from '../../../src/transport/gateway-session.ts';

const nowMs = Date.UTC(2026, 5, 1);

interface Said {
  readonly code?: string;
  readonly fields?: readonly string[];
  readonly quota?: { readonly subject: string; readonly description: string };
  readonly message?: string;
}

function errorBody(status: string, { code, fields, quota, message = '' }: Said = {}): string {
  const type = 'type.googleapis.com/google';
  const details: unknown[] = [];
  if (code !== undefined) details.push({ '@type': `${type}.firebase.fcm.v1.FcmError`, errorCode: code });
  if (fields !== undefined) {
    details.push({ '@type': `${type}.rpc.BadRequest`, fieldViolations: fields.map((field) => ({ field })) });
  }
  if (quota !== undefined) details.push({ '@type': `${type}.rpc.QuotaFailure`, violations: [quota] });
  return JSON.stringify({ error: { status, message, details } });
}

const badToken = 'The registration token is not a valid FCM registration token';
const html = '<!DOCTYPE html><title>Error</title>';
const unknown10 = { reached: 'unknown', retryAfterMs: 10_000 } as const;
const no10 = { reached: 'no', retryAfterMs: 10_000 } as const;

/** Section 4.3, line by line: status and body, and what they end as. */
const answers: readonly (readonly [string, number, string, Outcome['kind'], object])[] = [
  ['UNREGISTERED', 404, errorBody('NOT_FOUND', { code: 'UNREGISTERED' }), 'unregistered', { sinceMs: 0 }],
  ['NOT_FOUND without FcmError', 404, errorBody('NOT_FOUND'), 'rejected', { reason: 'NOT_FOUND' }],
  ['a 404 in HTML', 404, html, 'rejected', { reason: 'status-404' }],
  [
    'INVALID_ARGUMENT of the token',
    400,
    errorBody('INVALID_ARGUMENT', { code: 'INVALID_ARGUMENT', message: badToken }),
    'unregistered',
    { reason: 'INVALID_ARGUMENT' },
  ],
  [
    'INVALID_ARGUMENT with a field of ours',
    400,
    errorBody('INVALID_ARGUMENT', { code: 'INVALID_ARGUMENT', message: badToken, fields: ['message.data'] }),
    'rejected',
    {},
  ],
  ['INVALID_ARGUMENT with fields alone', 400, errorBody('INVALID_ARGUMENT', { fields: ['message'] }), 'rejected', {}],
  [
    'INVALID_ARGUMENT about something else',
    400,
    errorBody('INVALID_ARGUMENT', { code: 'INVALID_ARGUMENT', message: 'Android message is too big' }),
    'rejected',
    {},
  ],
  ['INVALID_ARGUMENT of who knows what', 400, errorBody('INVALID_ARGUMENT', { message: badToken }), 'rejected', {}],
  ['SENDER_ID_MISMATCH', 403, errorBody('PERMISSION_DENIED', { code: 'SENDER_ID_MISMATCH' }), 'rejected', {}],
  [
    'QUOTA_EXCEEDED',
    429,
    errorBody('RESOURCE_EXHAUSTED', { code: 'QUOTA_EXCEEDED' }),
    'throttled',
    { reason: 'QUOTA_EXCEEDED', retryAfterMs: 60_000 },
  ],
  ['RESOURCE_EXHAUSTED', 429, errorBody('RESOURCE_EXHAUSTED'), 'throttled', { retryAfterMs: 60_000 }],
  ['a 429 in HTML', 429, html, 'throttled', { reason: 'status-429', retryAfterMs: 60_000 }],
  ['UNAVAILABLE', 503, errorBody('UNAVAILABLE', { code: 'UNAVAILABLE' }), 'unavailable', no10],
  ['UNAVAILABLE without FcmError', 503, errorBody('UNAVAILABLE'), 'unavailable', no10],
  ['a 503 in HTML', 503, html, 'unavailable', no10],
  ['INTERNAL', 500, errorBody('INTERNAL', { code: 'INTERNAL' }), 'unavailable', unknown10],
  ['INTERNAL without FcmError', 500, errorBody('INTERNAL'), 'unavailable', unknown10],
  ['a 502 in HTML', 502, html, 'unavailable', unknown10],
  ['DEADLINE_EXCEEDED', 504, errorBody('DEADLINE_EXCEEDED'), 'unavailable', unknown10],
  [
    'THIRD_PARTY_AUTH_ERROR',
    401,
    errorBody('UNAUTHENTICATED', { code: 'THIRD_PARTY_AUTH_ERROR' }),
    'unauthorized',
    { renewable: false },
  ],
  [
    'APNS_AUTH_ERROR',
    401,
    errorBody('UNAUTHENTICATED', { code: 'APNS_AUTH_ERROR' }),
    'unauthorized',
    { renewable: false },
  ],
  ['UNAUTHENTICATED', 401, errorBody('UNAUTHENTICATED'), 'unauthorized', { renewable: true }],
  ['a 401 in HTML', 401, html, 'unauthorized', { renewable: true }],
  ['PERMISSION_DENIED', 403, errorBody('PERMISSION_DENIED'), 'unauthorized', { renewable: false }],
  ['UNSPECIFIED_ERROR with 500', 500, errorBody('X', { code: 'UNSPECIFIED_ERROR' }), 'unavailable', unknown10],
  ['UNSPECIFIED_ERROR with 400', 400, errorBody('X', { code: 'UNSPECIFIED_ERROR' }), 'rejected', {}],
  ['a word that is new, with 503', 503, errorBody('X', { code: 'BRAND_NEW' }), 'unavailable', no10],
];

describe('FCM: classification', () => {
  const classify = (status: number, body: string, fields: Record<string, string> = {}) =>
    classifyFcm({ status, body, fields, nowMs });

  for (const [name, status, body, kind, more] of answers) {
    test(`4.3 ${name} (${status}) is ${kind}`, () => {
      const outcome = classify(status, body);
      assert.deepEqual({ ...outcome, kind, ...more }, outcome);
    });
  }

  test('4.3 no word is known but those of the list above', () => {
    const bodies = answers.map(([, , body]) => body);
    for (const code of fcmErrorCodes.keys()) {
      assert.ok(
        bodies.some((body) => body.includes(`"errorCode":"${code}"`)),
        code,
      );
    }
    for (const status of fcmStatuses.keys()) {
      const alone = bodies.some((body) => body.includes(`"status":"${status}"`) && !body.includes('errorCode'));
      assert.ok(alone, status);
    }
  });

  test('4.3 the quota of one device or topic is told apart from that of the project', () => {
    const reasonFor = (subject: string, description: string): string => {
      const quota = { subject, description };
      const outcome = classify(429, errorBody('RESOURCE_EXHAUSTED', { code: 'QUOTA_EXCEEDED', quota }));
      assert.ok(outcome.kind === 'throttled');
      return outcome.reason;
    };
    assert.equal(reasonFor('device', 'Device message rate exceeded.'), 'DEVICE_QUOTA_EXCEEDED');
    assert.equal(reasonFor('topic:news', ''), 'TOPIC_QUOTA_EXCEEDED');
    assert.equal(reasonFor('project:device-shop', 'Message rate exceeded.'), 'QUOTA_EXCEEDED');
  });

  test('4.4 Retry-After is kept, in seconds or as a date, but 10 s pass at least', () => {
    const waits = (status: number, after: string): number => {
      const outcome = classify(status, html, { 'retry-after': after });
      assert.ok(outcome.kind === 'unavailable' || outcome.kind === 'throttled');
      return outcome.retryAfterMs;
    };
    assert.equal(waits(503, '30'), 30_000);
    assert.equal(waits(503, '3'), 10_000);
    assert.equal(waits(429, '120'), 120_000);
    assert.equal(waits(429, new Date(nowMs + 45_000).toUTCString()), 45_000);
    assert.equal(waits(429, 'soon'), 60_000);
  });

  test('4.1 an accepted message keeps its name', () => {
    const outcome = classify(200, '{"name":"projects/p/messages/1"}');
    assert.deepEqual(outcome, { kind: 'accepted', gatewayId: 'projects/p/messages/1' });
  });
});

describe('FCM: requests', () => {
  test('requests with one authorization share one object of fields, and have none of their own', () => {
    const requests: GatewayRequest[] = [];
    const config = { ...fcmConfig, projectId: 'chat/1' };
    const open: OpenGatewaySession = (options) => {
      assert.deepEqual([options.streamsMax, options.pingAfterMs, options.firstAlone], [100, 0, false], '4.5');
      return {
        request: (request) => {
          requests.push(request);
          return 'taken';
        },
        renew: () => undefined,
        drain: () => Promise.resolve(),
      };
    };
    const settle = () => assert.fail('nothing has ended');
    const context = { name: config.name, clock: systemClock, random: seededRandom(1), settle };
    const provider = new FcmProvider(config, context, open);
    for (const authorization of ['Bearer a', 'Bearer a', 'Bearer b', 'Bearer b']) {
      provider.publish(sampleNotification({ service: 'fcm' }), authorization, epochMs(nowMs), 1);
    }
    const [first, second, third, fourth] = requests;
    assert.ok(first && second && third && fourth);
    assert.equal(first.path, '/v1/projects/chat%2F1/messages:send');
    assert.equal(first.shared, second.shared);
    assert.equal(third.shared, fourth.shared);
    assert.deepEqual([first.shared, third.shared], [{ authorization: 'Bearer a' }, { authorization: 'Bearer b' }]);
    assert.ok(requests.every(({ fields }) => Object.keys(fields).length === 0 && Object.isFrozen(fields)));
  });
});

async function startGoogle(t: TestContext, more: Partial<FcmGatewayOptions> = {}) {
  const authority = await makeAuthority(systemClock);
  const tls = await authority.server();
  const random = seededRandom(5);
  const oauth = new OAuthServer({ clock: systemClock, random, tls, accounts: [] });
  const tokenPort = (await oauth.start()).port;
  const tokenUri = `https://localhost:${tokenPort}/token`;
  const key = await makeServiceAccount({ projectId: 'demo-project', tokenUri });
  oauth.addAccount(key);
  const gateway = new FcmGateway({ clock: systemClock, random, tls, oauth, projectIds: ['demo-project'], ...more });
  const { port } = await gateway.start();
  t.after(async () => {
    await gateway.stop();
    await oauth.stop();
  });
  const config: FcmConfig = {
    ...fcmConfig,
    port,
    caFile: await writeTrusted(t, authority.caPem),
    clientEmail: key.account.client_email,
    privateKeyPem: key.account.private_key,
    privateKeyId: key.account.private_key_id,
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

describe('FCM: connections', () => {
  test('4.4 what Google may have got and did not answer is not sent again before 10 s', async (t) => {
    const { config } = await startGoogle(t);
    const outcomes: Outcome[] = [];
    const settle = (_tag: number, outcome: Outcome): void => void outcomes.push(outcome);
    const context = { name: config.name, clock: systemClock, random: seededRandom(1), settle };
    const provider = new FcmProvider(config, context, gatewaySessionOpener('h2'));
    t.after(() => provider.drain(0));
    for (const failure of ['deadline', 'no-answer', 'not-sent', 'deadline-unsent'] as const) {
      provider.failed(1, failure, 'lost');
    }
    const later = outcomes.map((outcome) => ('retryAfterMs' in outcome ? outcome.retryAfterMs : outcome.kind));
    assert.deepEqual(later, [10_000, 10_000, 0, 'expired']);
  });

  test('4.5 a connection carries 100 at most though nothing says so, and more are opened for the rest', async (t) => {
    // This gateway announces no limit, and ends a connection that exceeds it.
    const { config, gateway } = await startGoogle(t, { announceStreams: false });
    const source = createGoogleCredentials(config, systemClock);
    t.after(() => source.close());
    const minted = await source.mint(systemClock.now());
    assert.ok(minted.ok);
    gateway.script({ kind: 'all', behaviour: { kind: 'stall', answerAfterMs: 2_000 } });
    const outcomes: Outcome[] = [];
    const count = 350;
    await new Promise<void>((resolve) => {
      const settle = (_: number, outcome: Outcome): void => {
        if (outcomes.push(outcome) === count) resolve();
      };
      const context = { name: config.name, clock: systemClock, random: seededRandom(1), settle };
      const provider = new FcmProvider({ ...config, sessionsMax: 16 }, context, gatewaySessionOpener('h2'));
      t.after(() => provider.drain(0));
      for (let tag = 0; tag < count; tag++) {
        const deadlineMs = epochMs(systemClock.now() + 20_000);
        provider.publish(sampleNotification({ service: 'fcm' }), minted.value.authorization, deadlineMs, tag);
      }
    });
    assert.ok(outcomes.every(({ kind }) => kind === 'accepted'));
    const perConnection = new Map<number, number>();
    for (const { connection } of gateway.received.items) {
      perConnection.set(connection, (perConnection.get(connection) ?? 0) + 1);
    }
    assert.ok(
      [...perConnection.values()].every((requests) => requests <= 100),
      [...perConnection.values()].join(),
    );
    assert.ok(gateway.connectionsTotal >= 4 && gateway.connectionsTotal <= 5, String(gateway.connectionsTotal));
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
      { status: 429, reason: 'QUOTA_EXCEEDED device', kind: 'throttled' },
      { status: 429, reason: 'HTML', kind: 'throttled' },
      { status: 503, reason: 'UNAVAILABLE', kind: 'unavailable' },
      { status: 503, reason: 'HTML', fields: { 'retry-after': '30' }, kind: 'unavailable' },
      { status: 500, reason: 'INTERNAL', kind: 'unavailable' },
      { status: 401, reason: 'THIRD_PARTY_AUTH_ERROR', kind: 'unauthorized' },
      { status: 404, reason: 'NOT_FOUND', kind: 'rejected' },
      { status: 400, reason: 'INVALID_ARGUMENT', kind: 'unregistered' },
      { status: 403, reason: 'PERMISSION_DENIED', kind: 'unauthorized' },
    ],
  };
});
