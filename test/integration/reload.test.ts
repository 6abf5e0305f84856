/** New credentials in a running engine, with real publishing threads. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { seededRandom } from '../../src/core/random.ts';
import { makeApnsKey } from '../../src/fake/apns-token.ts';
import { makeAuthority } from '../../src/fake/certificates.ts';
import { FcmGateway } from '../../src/fake/fcm-gateway.ts';
import { OAuthServer, makeServiceAccount } from '../../src/fake/oauth-server.ts';
import { within } from '../peers/deadline.ts';
import { credentialsWorld, push } from './credentials-world.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import type { Engine } from '../../src/engine.ts';

/** Keeps this many notifications flying until it is told to stop, then tells how all of them ended. */
function traffic(engine: Engine, flying: number): { readonly stop: () => Promise<readonly Outcome[]> } {
  const state = { running: true };
  const outcomes: Outcome[] = [];
  const lanes = Array.from({ length: flying }, async () => {
    while (state.running) outcomes.push(await push(engine));
  });
  return {
    async stop() {
      state.running = false;
      await Promise.all(lanes);
      return outcomes;
    },
  };
}

function kindsOf(outcomes: readonly Outcome[]): readonly string[] {
  return [...new Set(outcomes.map((outcome) => `${outcome.kind} ${'reason' in outcome ? outcome.reason : ''}`.trim()))];
}

test('3.5 a new key takes over while notifications fly: none ends by it, and the old one can be revoked', async (t) => {
  const { apns, keys, providerOf, configOf, start } = await credentialsWorld(t, 2);
  const engine = await start([providerOf(keys[0])]);
  apns.script({ kind: 'share', share: 0.05, behaviour: { kind: 'stall', answerAfterMs: 150 } });
  const load = traffic(engine, 400);
  await within('the old key is in use', apns.received.waitFor(1_000), 10_000);
  const report = await within('the reload', engine.reload(configOf([providerOf(keys[1])])), 20_000);
  assert.deepEqual(report, { ok: true, providers: [{ provider: 'apns', kind: 'renewed' }], restart: [] });
  apns.revokeKey(keys[0].keyId);
  const before = apns.received.total;
  await within('the new key is in use', apns.received.waitFor(before + 1_000), 10_000);
  const outcomes = await load.stop();
  assert.deepEqual(kindsOf(outcomes), ['accepted']);
  assert.ok(outcomes.length > 2_000, `${outcomes.length} notifications`);
  const refused = apns.received.items.filter(({ status }) => status !== 200);
  assert.deepEqual(refused, [], 'the gateway never had to refuse one');
  const figures = engine.figures().dispatchers[0];
  assert.deepEqual([figures?.retries, figures?.overdue], [0, 0]);
});

test('3.5 connections of the old key are closed after a reload', async (t) => {
  const { apns, keys, providerOf, configOf, start } = await credentialsWorld(t);
  const engine = await start([providerOf(keys[0])]);
  await push(engine);
  const before = apns.connections;
  assert.equal((await engine.reload(configOf([providerOf(keys[1])]))).ok, true);
  await push(engine);
  const deadlineMs = Date.now() + 10_000;
  while (apns.connections > before) {
    assert.ok(Date.now() < deadlineMs, `${apns.connections} connections are open`);
    await new Promise((resolve) => setImmediate(resolve));
  }
});

test('3.5 a key that the gateway refuses is not taken over, and the old one goes on', async (t) => {
  const { apns, keys, providerOf, configOf, start, lines } = await credentialsWorld(t);
  const engine = await start([providerOf(keys[0])]);
  await push(engine);
  const stranger = await makeApnsKey({ keyId: 'KEY3333333', teamId: 'TEAM123456' });
  const [told] = (await engine.reload(configOf([providerOf(stranger)]))).providers;
  assert.deepEqual(told, {
    ...{ provider: 'apns', kind: 'kept', why: 'the gateway answered InvalidProviderToken' },
  });
  assert.equal((await push(engine)).kind, 'accepted');
  assert.equal(apns.received.items.filter(({ status }) => status === 403).length, 1, 'the trial alone');
  await assert.rejects(engine.reload(configOf([{ ...providerOf(keys[1]), key: 'no key' }])), {
    code: 'E_CONFIG_INVALID',
  });
  const away = await engine.reload(configOf([{ ...providerOf(keys[1]), port: 1 }]));
  assert.match(JSON.stringify(away.providers), /could not be asked: .*ECONNREFUSED/);
  assert.equal((await push(engine)).kind, 'accepted');
  assert.ok(lines.includes('a new credential is not taken over; the old one goes on'));
});

test('3.7 a trial: a complaint about its device lets the new key in, any other keeps it out', async (t) => {
  const { apns, keys, providerOf, configOf, start } = await credentialsWorld(t);
  const engine = await start([providerOf(keys[0])]);
  const answered = async (status: number, reason: string): Promise<string> => {
    apns.script({ kind: 'all', behaviour: { kind: 'reject', status, reason } });
    return JSON.stringify((await engine.reload(configOf([providerOf(keys[1])]))).providers[0]);
  };
  for (const [status, reason] of [
    [400, 'TopicDisallowed'],
    [400, 'DeviceTokenNotForTopic'],
    [403, 'Forbidden'],
    [429, 'TooManyProviderTokenUpdates'],
    [503, 'ServiceUnavailable'],
  ] as const) {
    assert.match(await answered(status, reason), new RegExp(`"kept","why":"the gateway .*${reason}"`), reason);
  }
  assert.match(await answered(400, 'BadDeviceToken'), /"renewed"/);
});

test('a reload that a stop overtakes says so, and keeps what was', async (t) => {
  const { apns, keys, providerOf, configOf, start } = await credentialsWorld(t);
  const engine = await start([providerOf(keys[0])]);
  await push(engine);
  const before = apns.received.total;
  apns.script({ kind: 'share', share: 1, behaviour: { kind: 'stall', answerAfterMs: 60_000 } });
  const reload = engine.reload(configOf([providerOf(keys[1])]));
  await within('the trial is under way', apns.received.waitFor(before + 1), 10_000);
  await within('the stop', engine.stop(), 10_000);
  // The trial itself would take 10 s.
  const { ok, providers } = await within('the reload', reload, 3_000);
  assert.deepEqual([ok, providers], [false, [{ provider: 'apns', kind: 'kept', why: 'the engine is stopping' }]]);
});

test('4.1 a stop waits for no token endpoint that never answers', async (t) => {
  const { authority, gateway, start } = await credentialsWorld(t);
  const { certPem, keyPem } = await authority.server();
  const mute = createServer({ cert: certPem, key: keyPem });
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const address = mute.address();
  assert.ok(typeof address === 'object' && address !== null);
  t.after(() => void mute.close());
  const tokenUri = `https://127.0.0.1:${address.port}/token`;
  const { json } = await makeServiceAccount({ projectId: 'chat-1', tokenUri });
  const fcm = { ...gateway, name: 'fcm', kind: 'fcm', port: 1, token_url: tokenUri, service_account: json } as const;
  const asked = once(mute, 'request');
  const engine = await start([fcm]);
  await within('the request for a token', asked, 10_000);
  // The endpoint would have 10 s.
  await within('the stop', engine.stop(), 5_000);
});

test('3.5 certificates: one that has ended or is not trusted is kept out, a new one takes over', async (t) => {
  const { apns, authority, certificateProvider, configOf, start } = await credentialsWorld(t, 2);
  const certificate = (): ReturnType<typeof authority.client> => authority.client({ topic: 'com.example.app' });
  const engine = await start([certificateProvider(await certificate())]);
  const load = traffic(engine, 100);
  await within('the old one is in use', apns.received.waitFor(300), 10_000);
  const reload = async (given: Awaited<ReturnType<typeof certificate>>): Promise<string> =>
    JSON.stringify((await engine.reload(configOf([certificateProvider(given)]))).providers);

  const yearsAgo = { ...systemClock, now: () => (systemClock.now() - 6 * 365 * 86_400_000) as never };
  const ended = await (await makeAuthority(yearsAgo)).client({ topic: 'com.example.app' });
  assert.match(await reload(ended), /"kept","why":"its certificate ended on 20\d\d-\d\d-\d\d"/);
  const foreign = await (await makeAuthority(systemClock)).client({ topic: 'com.example.app' });
  assert.match(await reload(foreign), /"kept","why":"the gateway answered BadCertificate"/);
  const before = apns.connectionsTotal;
  assert.match(await reload(await certificate()), /"renewed"/);
  assert.ok(apns.connectionsTotal > before);
  await within('the new one is in use', apns.received.waitFor(apns.received.total + 300), 10_000);
  assert.deepEqual(kindsOf(await load.stop()), ['accepted']);
});

test('4.1 a service account with a new key takes over; one of another project does not', async (t) => {
  const { authority, configOf, start, gateway } = await credentialsWorld(t);
  const common = { clock: systemClock, random: seededRandom(3), tls: await authority.server() };
  const oauth = new OAuthServer({ ...common, accounts: [] });
  const fcm = new FcmGateway({ ...common, oauth, projectIds: ['chat-1'] });
  const { port: oauthPort } = await oauth.start();
  const { port } = await fcm.start();
  t.after(() => Promise.all([oauth.stop(), fcm.stop()]));
  const tokenUri = `https://127.0.0.1:${oauthPort}/token`;
  const provider = async (projectId: string, known = true) => {
    const account = await makeServiceAccount({ projectId, tokenUri });
    if (known) oauth.addAccount(account);
    const service_account = account.json;
    return { ...gateway, name: 'fcm', kind: 'fcm', port, token_url: tokenUri, service_account } as const;
  };
  const first = await provider('chat-1');
  const engine = await start([first]);
  const send = async (): Promise<string> => (await engine.publish({ service: 'fcm', token: 'x', body: 'Hi' })).kind;
  assert.equal(await send(), 'accepted');
  assert.deepEqual((await engine.reload(configOf([first]))).providers, [{ provider: 'fcm', kind: 'unchanged' }]);
  const why = async (given: typeof first): Promise<string> =>
    JSON.stringify((await engine.reload(configOf([given]))).providers[0]);
  assert.match(await why(await provider('chat-1', false)), /token endpoint: invalid_grant/);
  assert.match(await why(await provider('chat-2')), /of the project chat-2/);
  const slower = await engine.reload(configOf([{ ...first, quota_per_minute: 6_000 }]));
  assert.deepEqual(slower.restart, ['providers.fcm.quota_per_minute']);
  assert.deepEqual(slower.providers, [{ provider: 'fcm', kind: 'unchanged' }]);
  assert.equal(await send(), 'accepted');
  assert.match(await why(await provider('chat-1')), /renewed/);
  assert.equal(await send(), 'accepted');
});

test('what a reload cannot change is named, and what it can is taken over beside it', async (t) => {
  const { keys, providerOf, configOf, start } = await credentialsWorld(t);
  const trial = { name: 'trial', kind: 'blackhole', services: ['fcm'] } as const;
  const engine = await start([providerOf(keys[0]), trial]);
  const next = configOf([
    { ...providerOf(keys[1]), credit_max: 77, apps: ['com.example.app'] },
    { ...trial, stall_ms: 1 },
    { name: 'more', kind: 'blackhole', apps: ['x'] },
  ]);
  const report = await engine.reload({ ...next, notifications: { content: 'full' } });
  assert.deepEqual(report, {
    ok: true,
    providers: [
      { provider: 'apns', kind: 'renewed' },
      { provider: 'trial', kind: 'unchanged' },
    ],
    restart: [
      'notifications',
      'providers.apns.apps',
      'providers.apns.credit_max',
      'providers.trial.stall_ms',
      'providers.more',
    ],
  });
  assert.equal(engine.figures().dispatchers[0]?.creditMax, 2_048);
  const other = await engine.reload(configOf([{ ...providerOf(keys[0]), mode: 'dev' }]));
  assert.equal(other.ok, false);
  assert.match(JSON.stringify(other.providers[0]), /mode is another/);
  assert.deepEqual(other.restart, ['providers.trial']);
});

test('a reload before start and after stop is refused; two at once follow one another', async (t) => {
  const { keys, providerOf, configOf, start } = await credentialsWorld(t);
  const engine = await start([providerOf(keys[0])]);
  const both = await Promise.all([
    engine.reload(configOf([providerOf(keys[1])])),
    engine.reload(configOf([providerOf(keys[0])])),
  ]);
  assert.deepEqual(
    both.map(({ providers }) => providers[0]?.kind),
    ['renewed', 'renewed'],
  );
  assert.equal((await push(engine)).kind, 'accepted');
  await engine.stop();
  await assert.rejects(engine.reload(configOf([providerOf(keys[0])])), { code: 'E_ENGINE_STATE' });
});
