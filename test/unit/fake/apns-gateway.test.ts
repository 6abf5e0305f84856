import { test } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { makeApnsKey } from '../../../src/fake/apns-token.ts';
import { within } from '../../peers/deadline.ts';
import { device, payload, reasonOf, setup, topic } from './apns-world.ts';
import type { OutgoingHttpHeaders } from 'node:http2';

const id = '0a1b2c3d-0000-4000-8000-123456789abc';
const minute = 60_000;

function fields(bearer: string, more: OutgoingHttpHeaders = {}): OutgoingHttpHeaders {
  return { ':path': `/3/device/${device}`, authorization: bearer, 'apns-topic': topic, 'apns-id': id, ...more };
}

test('3.2 an accepted push is answered 200 with its apns-id and no body', async (t) => {
  const { client, bearer, gateway } = await setup(t);
  const answer = await client().post(fields(bearer(), { 'apns-push-type': 'alert' }), payload);
  assert.equal(answer.status, 200);
  assert.equal(answer.body, '');
  assert.equal(answer.fields['apns-id'], id);
  const [received] = await gateway.received.waitFor(1);
  assert.equal(received?.deviceToken, device);
  assert.equal(received?.payload, payload);
  assert.equal(received?.fields['apns-push-type'], 'alert');
  assert.equal(gateway.accepted, 1);
});

test('3.2 only the sandbox answers an apns-unique-id', async (t) => {
  const sandbox = await setup(t);
  const production = await setup(t, { environment: 'production' });
  const one = await sandbox.client().post(fields(sandbox.bearer()), payload);
  const two = await production.client().post(fields(production.bearer()), payload);
  assert.match(String(one.fields['apns-unique-id']), /^[0-9a-f-]{36}$/);
  assert.equal(two.fields['apns-unique-id'], undefined);
});

test('3.9 each check answers its own reason', async (t) => {
  const { client, bearer, gateway } = await setup(t, { streamsMax: 100 });
  const valid = bearer();
  const dead = 'cd'.repeat(32);
  const bound = 'ef'.repeat(32);
  gateway.unregister(dead, 1_700_000_000_000);
  gateway.bindTopic(bound, 'com.example.other');
  const rows: readonly [string, number, OutgoingHttpHeaders, string][] = [
    ['BadMessageId', 400, { 'apns-id': 'x' }, payload],
    ['MethodNotAllowed', 405, { ':method': 'PUT' }, payload],
    ['MissingTopic', 400, { 'apns-topic': undefined }, payload],
    ['BadCollapseId', 400, { 'apns-collapse-id': 'c'.repeat(65) }, payload],
    ['BadExpirationDate', 400, { 'apns-expiration': 'soon' }, payload],
    ['BadPriority', 400, { 'apns-priority': '7' }, payload],
    ['BadPriority', 400, { 'apns-push-type': 'background', 'apns-priority': '10' }, payload],
    ['BadPriority', 400, { 'apns-push-type': 'background' }, payload],
    ['BadPriority', 400, { 'apns-push-type': 'background', 'apns-priority': '1' }, payload],
    ['BadPriority', 400, { 'apns-push-type': 'liveactivity', 'apns-priority': '1' }, payload],
    ['BadPriority', 400, { 'apns-push-type': 'location', 'apns-priority': '1' }, payload],
    ['InvalidPushType', 400, { 'apns-push-type': 'shout' }, payload],
    ['BadPath', 404, { ':path': '/4/device/x' }, payload],
    ['MissingDeviceToken', 400, { ':path': '/3/device/' }, payload],
    ['BadDeviceToken', 400, { ':path': '/3/device/abc' }, payload],
    ['Unregistered', 410, { ':path': `/3/device/${dead}` }, payload],
    ['DeviceTokenNotForTopic', 400, { ':path': `/3/device/${bound}` }, payload],
    ['MissingProviderToken', 403, { authorization: undefined }, payload],
    ['MissingProviderToken', 403, { authorization: 'Basic abc' }, payload],
    ['InvalidProviderToken', 403, { authorization: 'bearer a.b.c' }, payload],
    ['PayloadEmpty', 400, {}, ''],
    ['PayloadTooLarge', 413, {}, `{"aps":"${'x'.repeat(4090)}"}`],
    ['DuplicateHeaders', 400, { 'apns-topic': [topic, topic] }, payload],
  ];
  const session = client();
  for (const [reason, status, more, body] of rows) {
    const answer = await session.post(fields(valid, more), body);
    assert.deepEqual([reasonOf(answer), answer.status], [reason, status], JSON.stringify(more));
  }
  assert.equal(gateway.accepted, 0);
});

test('3.9 checks run in the order of the table: the first fault names the answer', async (t) => {
  const { client, gateway } = await setup(t);
  gateway.unregister(device, 5);
  const faults: OutgoingHttpHeaders = {
    ':path': '/3/elsewhere',
    ':method': 'PUT',
    'apns-id': 'x',
    'apns-collapse-id': 'c'.repeat(65),
    'apns-priority': '7',
    'apns-push-type': 'shout',
  };
  const repairs: readonly [string, OutgoingHttpHeaders][] = [
    ['BadMessageId', { 'apns-id': id }],
    ['MethodNotAllowed', { ':method': 'POST' }],
    ['MissingTopic', { 'apns-topic': topic }],
    ['BadCollapseId', { 'apns-collapse-id': 'c' }],
    ['BadPriority', { 'apns-priority': '5' }],
    ['InvalidPushType', { 'apns-push-type': 'alert' }],
    ['BadPath', { ':path': '/3/device/' }],
    ['MissingDeviceToken', { ':path': '/3/device/zz' }],
    ['BadDeviceToken', { ':path': `/3/device/${device}` }],
    ['Unregistered', { ':path': `/3/device/${'11'.repeat(32)}` }],
    ['MissingProviderToken', {}],
  ];
  const session = client();
  let sent = faults;
  for (const [reason, repair] of repairs) {
    const answer = await session.post(sent, '');
    assert.equal(reasonOf(answer), reason);
    sent = { ...sent, ...repair };
  }
});

test('3.7 a dead token is answered 410 with the time in milliseconds, an expired one with ExpiredToken', async (t) => {
  const { client, bearer, gateway } = await setup(t);
  const session = client();
  gateway.unregister(device.toUpperCase(), 1_700_000_000_123);
  const gone = await session.post(fields(bearer()), payload);
  assert.deepEqual(JSON.parse(gone.body), { reason: 'Unregistered', timestamp: 1_700_000_000_123 });
  gateway.unregister(device, 1_700_000_000_124, 'ExpiredToken');
  assert.equal(reasonOf(await session.post(fields(bearer()), payload)), 'ExpiredToken');
});

test('3.4 VoIP payloads may have 5120 bytes', async (t) => {
  const { client, bearer } = await setup(t);
  const body = `{"aps":"${'x'.repeat(5110)}"}`;
  const voip = { 'apns-push-type': 'voip' };
  assert.equal(body.length, 5120);
  const session = client();
  const token = bearer();
  assert.equal((await session.post(fields(token, voip), body)).status, 200);
  assert.equal((await session.post(fields(token, voip), `${body} `)).status, 413);
});

test('3.5 a token of an unknown key, another algorithm, another team or a broken signature is invalid', async (t) => {
  const { client, bearer, key } = await setup(t);
  const stranger = await makeApnsKey({ keyId: 'OTHER12345', teamId: key.teamId });
  const forger = { ...stranger, keyId: key.keyId };
  const session = client();
  const bearers = [
    bearer({ key: stranger }),
    bearer({ key: forger }),
    bearer({ header: { alg: 'HS256' } }),
    bearer({ claims: { iss: 'TEAM999999' } }),
    bearer({ claims: { iat: 'now' } }),
  ];
  for (const wrong of bearers) {
    assert.equal(reasonOf(await session.post(fields(wrong), payload)), 'InvalidProviderToken');
  }
});

test('3.5 a token expires one hour after its iat by the clock of the gateway', async (t) => {
  const { client, bearer, clock } = await setup(t);
  const session = client();
  const token = bearer();
  await clock.advance(59 * minute);
  assert.equal((await session.post(fields(token), payload)).status, 200);
  await clock.advance(minute);
  const late = await session.post(fields(token), payload);
  assert.deepEqual([late.status, reasonOf(late)], [403, 'ExpiredProviderToken']);
  const early = await session.post(fields(bearer({ ageMs: -10 * minute })), payload);
  assert.equal(reasonOf(early), 'ExpiredProviderToken');
});

test('3.5 a new token less than 20 minutes after the last is answered TooManyProviderTokenUpdates', async (t) => {
  const { client, bearer, clock } = await setup(t);
  const session = client();
  const first = bearer();
  assert.equal((await session.post(fields(first), payload)).status, 200);
  await clock.advance(19 * minute);
  const hasty = await session.post(fields(bearer()), payload);
  assert.deepEqual([hasty.status, reasonOf(hasty)], [429, 'TooManyProviderTokenUpdates']);
  assert.equal((await client().post(fields(bearer()), payload)).status, 200, 'another connection has its own count');
  await clock.advance(minute);
  assert.equal((await session.post(fields(bearer()), payload)).status, 200);
  assert.equal((await session.post(fields(first), payload)).status, 200, 'the earlier token is no update');
});

test('3.5 a connection stays with the team, and the kind of key, of its first token', async (t) => {
  const a = await makeApnsKey({ keyId: 'AAAAAAAAAA', teamId: 'TEAMAAAAAA' });
  const b = await makeApnsKey({ keyId: 'BBBBBBBBBB', teamId: 'TEAMBBBBBB' });
  const narrow = await makeApnsKey({ keyId: 'CCCCCCCCCC', teamId: 'TEAMAAAAAA', topics: [topic] });
  const foreign = await makeApnsKey({ keyId: 'DDDDDDDDDD', teamId: 'TEAMAAAAAA', environment: 'production' });
  const { client, bearer } = await setup(t, { keys: [a, b, narrow, foreign] });
  const session = client();
  const reasonFor = async (key: typeof a, more = {}): Promise<string> =>
    reasonOf(await session.post(fields(bearer({ key }), more), payload));
  assert.equal(await reasonFor(a), '');
  assert.equal(await reasonFor(b), 'InvalidProviderToken');
  assert.equal(await reasonFor(narrow), 'UnrelatedKeyIdInToken');
  assert.equal(await reasonFor(narrow, { 'apns-topic': 'com.example.other' }), 'InvalidProviderToken');
  assert.equal(await reasonFor(foreign), 'BadEnvironmentKeyIdInToken');
});

test('3.5 a revoked key invalidates tokens that were accepted before', async (t) => {
  const { client, bearer, gateway, key } = await setup(t);
  const session = client();
  const token = bearer();
  assert.equal((await session.post(fields(token), payload)).status, 200);
  gateway.revokeKey(key.keyId);
  assert.equal(reasonOf(await session.post(fields(token), payload)), 'InvalidProviderToken');
});

test('3.6 one stream until the first success, then the full number', async (t) => {
  const { client, bearer } = await setup(t, { streamsMax: 250 });
  const session = client();
  assert.equal(await session.streamLimit(), 1);
  await session.post(fields('bearer a.b.c'), payload);
  assert.equal(session.session.remoteSettings.maxConcurrentStreams, 1);
  const raised = session.streamLimit();
  await session.post(fields(bearer()), payload);
  assert.equal(await raised, 250);
});

test('3.6 the limit falls to one after a rejection and rises after a success when asked for', async (t) => {
  const { client, bearer } = await setup(t, { streamsMax: 250, shrinkAfterRejection: true, startWithOneStream: false });
  const session = client();
  assert.equal(await session.streamLimit(), 250);
  const fallen = session.streamLimit();
  await session.post(fields(bearer(), { 'apns-priority': '3' }), payload);
  assert.equal(await fallen, 1);
  const risen = session.streamLimit();
  await session.post(fields(bearer()), payload);
  assert.equal(await risen, 250);
});

test('3.5 a client certificate replaces the token and allows its own topics only', async (t) => {
  const world = await setup(t);
  const { authority } = world;
  const { gateway, client, bearer } = await setup(t, { clientCaPem: authority.caPem });
  const cert = await authority.client({ topic, topics: [`${topic}.widgets`] });
  const session = client({ cert: cert.certPem, key: cert.keyPem });
  const reasonFor = async (more: OutgoingHttpHeaders): Promise<string> =>
    reasonOf(await session.post({ ':path': `/3/device/${device}`, ...more }, payload));
  assert.equal(await reasonFor({}), '', 'the topic defaults to the subject');
  assert.equal(await reasonFor({ 'apns-topic': `${topic}.voip` }), '');
  assert.equal(await reasonFor({ 'apns-topic': `${topic}.widgets` }), '');
  assert.equal(await reasonFor({ 'apns-topic': topic, authorization: 'bearer nonsense' }), '', 'the field is ignored');
  assert.equal(await reasonFor({ 'apns-topic': 'com.example.other' }), 'BadTopic');
  assert.equal(gateway.accepted, 4);
  const withToken = await client().post(fields(bearer()), payload);
  assert.equal(withToken.status, 200, 'without a certificate the token counts');
});

test('3.7 certificates of strangers and of the other environment are refused', async (t) => {
  const { authority: stranger } = await setup(t);
  const { authority } = await setup(t);
  const { client } = await setup(t, { clientCaPem: authority.caPem, environment: 'production' });
  const sandboxOnly = await authority.client({ topic, environments: ['sandbox'] });
  const foreign = await stranger.client({ topic });
  const reasonFor = async ({ certPem, keyPem }: { certPem: string; keyPem: string }): Promise<string> =>
    reasonOf(await client({ cert: certPem, key: keyPem }).post(fields('', { authorization: undefined }), payload));
  assert.equal(await reasonFor(sandboxOnly), 'BadCertificateEnvironment');
  assert.equal(await reasonFor(foreign), 'BadCertificate');
});

test('3.3 a certificate sends no live activities and asks for no locations, whatever topics it has', async (t) => {
  const { authority } = await setup(t);
  const { client } = await setup(t, { clientCaPem: authority.caPem });
  const cert = await authority.client({
    topic,
    topics: [`${topic}.push-type.liveactivity`, `${topic}.location-query`],
  });
  const session = client({ cert: cert.certPem, key: cert.keyPem });
  for (const [pushType, suffix] of [
    ['liveactivity', '.push-type.liveactivity'],
    ['location', '.location-query'],
  ]) {
    const more = { authorization: undefined, 'apns-push-type': pushType, 'apns-topic': `${topic}${suffix}` };
    assert.equal(reasonOf(await session.post(fields('', more), payload)), 'TopicDisallowed');
  }
});

test('3.6 a refused certificate, and too many errors, end the connection with a GOAWAY that says why', async (t) => {
  const { authority } = await setup(t);
  const strict = await setup(t, { clientCaPem: authority.caPem, environment: 'production', rejectionsMax: 2 });
  const sandboxOnly = await authority.client({ topic, environments: ['sandbox'] });
  const refused = strict.client({ cert: sandboxOnly.certPem, key: sandboxOnly.keyPem });
  const farewell = goawayOf(refused);
  await refused.post(fields('', { authorization: undefined }), payload);
  assert.equal(await farewell, '{"reason":"BadCertificateEnvironment"}');
  const clumsy = strict.client();
  const shutdown = goawayOf(clumsy);
  strict.gateway.unregister('cd'.repeat(32), 1);
  const token = strict.bearer();
  for (const path of [`/3/device/${'cd'.repeat(32)}`, '/3/device/x', '/3/device/y']) {
    await clumsy.post(fields(token, { ':path': path }), payload);
  }
  assert.equal(await shutdown, '{"reason":"Shutdown"}');
});

test('3.2 the date of an answer is by the clock of the gateway', async (t) => {
  const { client, clock, bearer } = await setup(t);
  const answer = await client().post(fields(bearer()), payload);
  assert.equal(answer.fields['date'], new Date(clock.now()).toUTCString());
});

function goawayOf({ session }: ReturnType<Awaited<ReturnType<typeof setup>>['client']>): Promise<string> {
  return new Promise((resolve) => {
    session.on('goaway', (_code, _last, data) => resolve(Buffer.from(data ?? []).toString()));
  });
}

test('stop does not wait for a client that has not finished its handshake', async (t) => {
  const { gateway, client, bearer, port } = await setup(t);
  const silent = connect(port, '127.0.0.1');
  silent.on('error', () => undefined);
  await once(silent, 'connect');
  await client().post(fields(bearer()), payload); // accepted after the other
  const closed = once(silent, 'close');
  try {
    await within('the stop', gateway.stop(), 5_000);
  } finally {
    silent.destroy();
  }
  await closed;
});
