import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../../src/core/clock.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { ApnsGateway } from '../../../src/fake/apns-gateway.ts';
import { makeApnsKey } from '../../../src/fake/apns-token.ts';
import { makeAuthority } from '../../../src/fake/certificates.ts';
import { ApnsProvider, classifyApns } from '../../../src/provider/apns.ts';
import { createApnsCredentials } from '../../../src/provider/apns-jwt.ts';
import { apnsReasons } from '../../../src/provider/apns-reasons.ts';
import { openHttp2WrapperSession } from '../../../src/transport/http2-wrapper-session.ts';
import { apnsAnswers } from './apns-answers.ts';
import { providerConformance, providerName } from '../../conformance/provider.ts';
import { writeTrusted } from '../../conformance/trusted-file.ts';
import { apnsConfig } from '../../provider-configs.ts';
import type { ApnsConfig } from '../../../config/engine-config.ts';
import type { GatewaySession } from '../../../src/transport/gateway-session.ts';

const nowMs = Date.UTC(2026, 5, 1);

test('3.5 a new connection is wanted after those reasons that are about the old one', () => {
  const renewing: string[] = [];
  let reason = '';
  const session: GatewaySession = {
    request: () => 'taken',
    renew: () => renewing.push(reason),
    drain: () => Promise.resolve(),
  };
  const context = { name: providerName('apns'), clock: systemClock, random: seededRandom(1), settle: () => undefined };
  const provider = new ApnsProvider(apnsConfig, context, () => session);
  for (const row of apnsReasons) {
    [reason] = row;
    provider.responded(1, row[1].status, {}, JSON.stringify({ reason }));
  }
  assert.deepEqual(renewing, [
    ...['IdleTimeout', 'ExpiredProviderToken', 'UnrelatedKeyIdInToken', 'TooManyProviderTokenUpdates', 'Shutdown'],
  ]);
});

describe('APNs: classification', () => {
  const classify = (status: number, body: string, fields: Record<string, string> = {}) =>
    classifyApns({ status, body, fields, nowMs });

  for (const [reason, status, kind, { reached = '', retryAfterMs = 0, renews = false } = {}] of apnsAnswers) {
    test(`3.7 ${reason} (${status}) is ${kind}${renews ? ', on a connection to be given up' : ''}`, () => {
      const outcome = classify(status, JSON.stringify({ reason }));
      assert.ok(outcome.kind === kind && 'reason' in outcome && outcome.reason === reason, JSON.stringify(outcome));
      assert.equal('reached' in outcome ? outcome.reached : '', reached);
      assert.equal('retryAfterMs' in outcome ? outcome.retryAfterMs : 0, retryAfterMs);
      assert.equal(outcome.kind === 'unauthorized' ? outcome.renewable : true, true);
      assert.equal(apnsReasons.get(reason)?.status, status);
      assert.equal(apnsReasons.get(reason)?.renew, renews);
    });
  }

  test('3.7 no reason is known but those', () => {
    assert.deepEqual([...apnsReasons.keys()].sort(), apnsAnswers.map(([reason]) => reason).sort());
  });

  test('3.7 only a 410 is a dead token: not BadDeviceToken, not DeviceTokenNotForTopic', () => {
    const dead = [...apnsReasons].filter(([, row]) => row.kind === 'unregistered').map(([reason]) => reason);
    assert.deepEqual(dead, ['ExpiredToken', 'Unregistered']);
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
    assert.equal(classify(410, '{"reason":"GoneForGood"}').kind, 'unregistered');
    assert.equal(classify(410, '<html>Gone').kind, 'rejected', 'a proxy knows of no device');
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
  const { keyId, teamId } = key;
  const config: ApnsConfig = {
    ...apnsConfig,
    port,
    caFile: await writeTrusted(t, authority.caPem),
    auth: { kind: 'token', keyPem: '', keyId, teamId },
  };
  return {
    create: (context) => new ApnsProvider(config, context, openHttp2WrapperSession),
    authorization: minted.value.authorization,
    script: (change) => gateway.script(change),
    connectionsTotal: () => gateway.connectionsTotal,
    http2: true,
    service: 'apns',
    rejections: apnsAnswers.map(([reason, status, kind]) => ({ status, reason, kind })),
  };
});
