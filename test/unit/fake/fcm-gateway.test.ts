import { test } from 'node:test';
import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { projectId, setup } from './google-world.ts';
import type { OutgoingHttpHeaders } from 'node:http2';
import type { Answer } from './gateway-client.ts';

const path = `/v1/projects/${projectId}/messages:send`;
const fcmError = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';

function message(more: object = {}): string {
  return JSON.stringify({ message: { token: 'device-1', data: { a: 'b' }, ...more } });
}

function fields(accessToken: string, more: OutgoingHttpHeaders = {}): OutgoingHttpHeaders {
  return { ':path': path, authorization: `Bearer ${accessToken}`, 'content-type': 'application/json', ...more };
}

/** status, google status, FcmError code or `''`. */
function shape(answer: Answer): readonly [number, string, string] {
  const { error } = JSON.parse(answer.body);
  assert.equal(error.code, answer.status);
  const detail = (error.details ?? []).find((one: Record<string, string>) => one['@type'] === fcmError);
  return [answer.status, error.status, detail?.errorCode ?? ''];
}

test('4.1 an accepted message is answered with its name', async (t) => {
  const { client, accessToken, fcm } = await setup(t);
  const answer = await client().post(
    fields(await accessToken()),
    message({ android: { ttl: '3.5s', priority: 'HIGH' } }),
  );
  assert.equal(answer.status, 200);
  assert.match(JSON.parse(answer.body).name, /^projects\/demo-project\/messages\/.+/);
  const [received] = await fcm.received.waitFor(1);
  assert.equal(received?.deviceToken, 'device-1');
  assert.equal(fcm.accepted, 1);
});

test('4.3 a missing, unknown or expired access token is UNAUTHENTICATED without FcmError', async (t) => {
  const { client, accessToken, clock } = await setup(t);
  const session = client();
  const token = await accessToken();
  const expected = [401, 'UNAUTHENTICATED', ''];
  assert.deepEqual(shape(await session.post({ ':path': path }, message())), expected);
  assert.deepEqual(shape(await session.post(fields('ya29.wrong'), message())), expected);
  assert.equal((await session.post(fields(token), message())).status, 200);
  await clock.advance(3_600_000);
  assert.deepEqual(shape(await session.post(fields(token), message())), expected);
});

test('4.3 an unknown project is NOT_FOUND and a foreign one PERMISSION_DENIED, both without FcmError', async (t) => {
  const { client, accessToken } = await setup(t, { projectIds: [projectId, 'other'] });
  const session = client();
  const token = await accessToken();
  const send = (project: string): Promise<Answer> =>
    session.post(fields(token, { ':path': `/v1/projects/${project}/messages:send` }), message());
  assert.deepEqual(shape(await send('nowhere')), [404, 'NOT_FOUND', '']);
  assert.deepEqual(shape(await send('other')), [403, 'PERMISSION_DENIED', '']);
});

test('4.1 the closed endpoints answer an HTML page', async (t) => {
  const { client, accessToken } = await setup(t);
  const token = await accessToken();
  for (const closed of ['/batch', '/fcm/send']) {
    const answer = await client().post(fields(token, { ':path': closed }), message());
    assert.equal(answer.status, 404);
    assert.match(answer.body, /^<!DOCTYPE html>/);
  }
});

test('4.2 a malformed message is answered by BadRequest with the field, and no FcmError', async (t) => {
  const { client, accessToken, fcm } = await setup(t);
  const token = await accessToken();
  const session = client();
  const rows: readonly [string, string][] = [
    ['{', 'message'],
    ['{}', 'message'],
    [message({ token: undefined }), 'message'],
    [message({ topic: 'news' }), 'message'],
    [message({ token: 7 }), 'message.token'],
    [message({ token: '' }), 'message.token'],
    [message({ colour: 'red' }), 'message'],
    [message({ data: { count: 3 } }), 'message.data[count]'],
    [message({ data: { nested: { a: 'b' } } }), 'message.data[nested]'],
    [message({ data: [] }), 'message.data'],
    [message({ data: { from: 'x' } }), 'message.data'],
    [message({ data: { message_type: 'x' } }), 'message.data'],
    [message({ data: { 'google.x': 'x' } }), 'message.data'],
    [message({ data: { 'gcm.x': 'x' } }), 'message.data'],
    [message({ android: { data: { badge: 1 } } }), 'message.android.data[badge]'],
    [message({ android: { ttl: 60 } }), 'message.android.ttl'],
    [message({ android: { ttl: '60' } }), 'message.android.ttl'],
    [message({ android: { ttl: '-1s' } }), 'message.android.ttl'],
    [message({ android: { ttl: '1.0000000001s' } }), 'message.android.ttl'],
    [message({ android: { ttl: '2419201s' } }), 'message.android.ttl'],
    [message({ android: { priority: 'urgent' } }), 'message.android.priority'],
    [message({ data: { a: 'x'.repeat(4096) } }), 'message'],
  ];
  for (const [body, field] of rows) {
    const answer = await session.post(fields(token), body);
    assert.deepEqual(shape(answer), [400, 'INVALID_ARGUMENT', ''], body);
    const [detail] = JSON.parse(answer.body).error.details;
    assert.equal(detail['@type'], 'type.googleapis.com/google.rpc.BadRequest');
    assert.equal(detail.fieldViolations[0].field, field, body);
  }
  assert.equal(fcm.accepted, 0);
});

test('4.2 each kind of target is accepted, with the limits of its kind', async (t) => {
  const { client, accessToken } = await setup(t);
  const token = await accessToken();
  const session = client();
  const send = async (target: object, bytes: number): Promise<number> =>
    (await session.post(fields(token), JSON.stringify({ message: { ...target, data: { a: 'x'.repeat(bytes - 1) } } })))
      .status;
  assert.equal(await send({ token: 'd' }, 4096), 200);
  assert.equal(await send({ fid: 'd' }, 4096), 200);
  assert.equal(await send({ condition: "'a' in topics" }, 4096), 200);
  assert.equal(await send({ topic: 'news' }, 2048), 200);
  assert.equal(await send({ topic: 'news' }, 2049), 400);
});

test('4.3 every error of the table comes in its shape when scripted', async (t) => {
  const { client, accessToken, fcm } = await setup(t);
  const token = await accessToken();
  const session = client();
  const rows: readonly (readonly [string, number, string, string])[] = [
    ['UNREGISTERED', 404, 'NOT_FOUND', 'UNREGISTERED'],
    ['INVALID_ARGUMENT', 400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT'],
    ['SENDER_ID_MISMATCH', 403, 'PERMISSION_DENIED', 'SENDER_ID_MISMATCH'],
    ['QUOTA_EXCEEDED', 429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'],
    ['UNAVAILABLE', 503, 'UNAVAILABLE', 'UNAVAILABLE'],
    ['INTERNAL', 500, 'INTERNAL', 'INTERNAL'],
    ['THIRD_PARTY_AUTH_ERROR', 401, 'UNAUTHENTICATED', 'THIRD_PARTY_AUTH_ERROR'],
    ['UNAUTHENTICATED', 401, 'UNAUTHENTICATED', ''],
    ['PERMISSION_DENIED', 403, 'PERMISSION_DENIED', ''],
    ['NOT_FOUND', 404, 'NOT_FOUND', ''],
  ];
  for (const [reason, status, googleStatus, errorCode] of rows) {
    const behaviour = { kind: 'reject', status, reason, fields: { 'retry-after': '9' } } as const;
    fcm.script({ kind: 'token', token: 'device-1', behaviour });
    const answer = await session.post(fields(token), message());
    assert.deepEqual(shape(answer), [status, googleStatus, errorCode]);
    assert.equal(answer.fields['retry-after'], '9');
  }
  const page = { kind: 'reject', status: 502, reason: 'HTML' } as const;
  fcm.script({ kind: 'token', token: 'device-1', behaviour: { ...page, fields: { 'retry-after': '9' } } });
  const html = await session.post(fields(token), message());
  assert.equal(html.status, 502);
  assert.match(String(html.fields['content-type']), /^text\/html/);
  assert.equal(html.fields['retry-after'], '9');
});

test('4.3 a quota error says which quota', async (t) => {
  const { client, accessToken, fcm } = await setup(t);
  const session = client();
  const token = await accessToken();
  for (const [reason, description] of [
    ['QUOTA_EXCEEDED', 'Message rate exceeded.'],
    ['QUOTA_EXCEEDED device', 'Device message rate exceeded.'],
    ['QUOTA_EXCEEDED topic', 'Topic message rate exceeded.'],
  ] as const) {
    fcm.script({ kind: 'all', behaviour: { kind: 'reject', status: 429, reason } });
    const answer = await session.post(fields(token), message());
    assert.deepEqual(shape(answer), [429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED']);
    const [, failure] = JSON.parse(answer.body).error.details;
    assert.equal(failure['@type'], 'type.googleapis.com/google.rpc.QuotaFailure');
    assert.equal(failure.violations[0].description, description);
  }
});

test('4.3 an unregistered token stays so', async (t) => {
  const { client, accessToken, fcm } = await setup(t);
  fcm.unregister('device-1');
  const answer = await client().post(fields(await accessToken()), message());
  assert.deepEqual(shape(answer), [404, 'NOT_FOUND', 'UNREGISTERED']);
});

test('4.5 SETTINGS announce 100 streams', async (t) => {
  const { client } = await setup(t);
  assert.equal(await client().streamLimit(), 100);
});

test('4.5 a stream past the limit gets GOAWAY and is not processed', async (t) => {
  const { client, accessToken, fcm } = await setup(t, { announceStreams: false, streamsMax: 3 });
  const token = await accessToken();
  fcm.script({ kind: 'all', behaviour: { kind: 'stall', answerAfterMs: 0 } });
  const session = client();
  const stalled = [1, 2, 3].map(() => session.send(fields(token), message()));
  await fcm.received.waitFor(3);
  const beyond = session.send(fields(token), message());
  const goaway = await session.goaway();
  assert.deepEqual(goaway, { code: 0, lastStreamId: 5, debug: 'exceeded_max_concurrent_streams' });
  assert.ok('lost' in (await beyond));
  assert.equal(fcm.received.total, 3);
  await session.close();
  await Promise.all(stalled);
});

test('4.5 pings in quick succession end the connection with ENHANCE_YOUR_CALM', async (t) => {
  const { client, accessToken, clock } = await setup(t);
  const token = await accessToken();
  const session = client();
  const ping = (): Promise<void> =>
    new Promise((resolve) => {
      session.session.ping(() => resolve());
    });
  await session.post(fields(token), message());
  await ping();
  await clock.advance(10_000);
  await ping();
  await ping();
  await session.post(fields(token), message());
  await ping();
  await ping();
  await ping();
  const goaway = await session.goaway();
  assert.equal(goaway.code, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  assert.equal(goaway.debug, 'too_many_pings');
  await session.closed();
});
