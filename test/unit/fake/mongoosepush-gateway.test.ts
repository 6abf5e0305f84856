import { test } from 'node:test';
import assert from 'node:assert/strict';
import { makeAuthority } from '../../../src/fake/certificates.ts';
import { MongoosePushGateway } from '../../../src/fake/mongoosepush-gateway.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import { GatewayClient } from './gateway-client.ts';
import { httpsRequest } from './https-client.ts';
import type { OutgoingHttpHeaders } from 'node:http';
import type { TestContext } from 'node:test';
import type { HttpsAnswer } from './https-client.ts';

const json = { 'content-type': 'application/json' };
const alert = { title: 'T', body: 'B' };
const valid = { service: 'apns', alert };

interface World {
  readonly gateway: MongoosePushGateway;
  readonly port: number;
  readonly caPem: string;
  readonly post: (path: string, body: unknown, headers?: OutgoingHttpHeaders) => Promise<HttpsAnswer>;
  readonly get: (path: string, headers?: OutgoingHttpHeaders) => Promise<HttpsAnswer>;
}

async function setup(t: TestContext): Promise<World> {
  const clock = new VirtualClock();
  const authority = await makeAuthority(clock);
  const { caPem } = authority;
  const tls = await authority.server();
  const gateway = new MongoosePushGateway({ clock, random: seededRandom(1), tls });
  const { port } = await gateway.start();
  t.after(() => gateway.stop());
  return {
    gateway,
    port,
    caPem,
    post(path, body, headers = json) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      return httpsRequest({ port, caPem, path, headers, body: text });
    },
    get: (path, headers = {}) => httpsRequest({ port, caPem, path, method: 'GET', headers }),
  };
}

/** [pointer, message] of each complaint. */
function complaints(answer: HttpsAnswer): readonly (readonly [string, string])[] {
  assert.equal(answer.status, 422);
  const { errors } = JSON.parse(answer.body);
  return errors.map((error: { title: string; source: { pointer: string }; message: string }) => {
    assert.equal(error.title, 'Invalid value');
    return [error.source.pointer, error.message];
  });
}

test('1.1 each API version accepts a notification with 200 and the body null', async (t) => {
  const { post, gateway } = await setup(t);
  const flat = { service: 'fcm', title: 'T', body: '' };
  for (const [path, body] of [
    ['/v1/notification/f534534543', flat],
    ['/v2/notification/testdeviceid1234', valid],
    ['/v3/notification/a%2Fb%3Ac', valid],
  ] as const) {
    const answer = await post(path, body);
    assert.deepEqual([answer.status, answer.body], [200, 'null']);
    assert.match(String(answer.fields['content-type']), /^application\/json/);
    assert.ok(answer.fields['x-request-id']);
  }
  const received = await gateway.received.waitFor(3);
  assert.deepEqual(
    received.map(({ deviceId, version }) => [deviceId, version]),
    [
      ['f534534543', 'v1'],
      ['testdeviceid1234', 'v2'],
      ['a/b:c', 'v3'],
    ],
  );
});

test('1.1 HTTP/2 is spoken by ALPN', async (t) => {
  const { port, caPem, gateway } = await setup(t);
  const client = new GatewayClient(port, caPem);
  t.after(() => client.close());
  const answer = await client.post({ ':path': '/v3/notification/d', ...json }, JSON.stringify(valid));
  assert.deepEqual([answer.status, answer.body], [200, 'null']);
  assert.equal(gateway.accepted, 1);
});

test('1.1 an Accept without JSON is 406, an unknown route or method 404, malformed JSON 400', async (t) => {
  const { post, get } = await setup(t);
  assert.equal((await get('/healthcheck', { accept: 'text/plain' })).status, 406);
  assert.equal((await get('/healthcheck', { accept: 'text/plain, */*;q=0.1' })).status, 200);
  assert.equal((await get('/v3/notification/d')).status, 404);
  assert.equal((await post('/v4/notification/d', valid)).status, 404);
  assert.equal((await post('/v3/notification/', valid)).status, 404);
  assert.equal((await post('/v3/notification/d', '{')).status, 400);
});

test('1.4 each flaw is answered 422 with pointer and message', async (t) => {
  const { post, gateway } = await setup(t);
  const long = 'x'.repeat(50);
  const rows: readonly [unknown, readonly (readonly [string, string])[]][] = [
    [
      {},
      [
        ['/service', 'Missing field: service'],
        ['/alert', 'Missing field: alert'],
      ],
    ],
    [{ service: 'apns' }, [['/alert', 'Missing field: alert']]],
    [{ data: {} }, [['/service', 'Missing field: service']]],
    [{ service: 'apns', alert: { title: 'T' } }, [['/alert/body', 'Missing field: body']]],
    [{ ...valid, [long]: 1, other: 2 }, [[`/${'x'.repeat(40)}`, `Unexpected field: ${'x'.repeat(40)}`]]],
    [{ colour: 'red' }, [['/colour', 'Unexpected field: colour']]],
    [{ ...valid, alert: { ...alert, icon: 'i' } }, [['/alert/icon', 'Unexpected field: icon']]],
    [{ ...valid, service: 'wns' }, [['/service', 'Invalid value for enum']]],
    [{ ...valid, time_to_live: 'seven' }, [['/time_to_live', 'Invalid integer. Got: string']]],
    [{ ...valid, time_to_live: 1.5 }, [['/time_to_live', 'Invalid integer. Got: number']]],
    [{ ...valid, mutable_content: 1 }, [['/mutable_content', 'Invalid boolean. Got: integer']]],
    [{ ...valid, topic: 7 }, [['/topic', 'Invalid string. Got: integer']]],
    [{ ...valid, topic: null }, [['/topic', 'null value where string expected']]],
    [{ ...valid, tags: 'a' }, [['/tags', 'Invalid array. Got: string']]],
    [{ ...valid, alert: [] }, [['/alert', 'Invalid object. Got: array']]],
    [{ ...valid, alert: { ...alert, badge: 2 ** 31 } }, [['/alert/badge', 'Invalid format. Expected :int32']]],
    [
      { ...valid, mode: 'test', priority: 'urgent' },
      [
        ['/mode', 'Invalid value for enum'],
        ['/priority', 'Invalid value for enum'],
      ],
    ],
  ];
  for (const [body, expected] of rows) {
    assert.deepEqual(complaints(await post('/v3/notification/d', body)), expected, JSON.stringify(body));
    assert.deepEqual(complaints(await post('/v2/notification/d', body)), expected);
  }
  assert.equal(gateway.accepted, 0);
});

test('1.4 the content type must be application/json, parameters allowed', async (t) => {
  const { post } = await setup(t);
  const wrong = await post('/v3/notification/d', valid, { 'content-type': 'text/plain' });
  assert.deepEqual(complaints(wrong), [['/content-type', 'Invalid value for header: content-type']]);
  const none = await post('/v3/notification/d', valid, {});
  assert.deepEqual(complaints(none), [['/content-type', 'Missing header: content-type']]);
  const charset = await post('/v3/notification/d', valid, { 'content-type': 'application/json; charset=utf-8' });
  assert.equal(charset.status, 200);
});

test('1.4 text is cast to numbers and booleans; defaults are filled in', async (t) => {
  const { post, gateway } = await setup(t);
  const body = { service: 'fcm', data: { a: 'b' }, time_to_live: '3600', mutable_content: 'true' };
  assert.equal((await post('/v3/notification/d', body)).status, 200);
  assert.equal((await post('/v3/notification/d', { ...valid, data: {} })).status, 200);
  const [silent, mixed] = await gateway.received.waitFor(2);
  assert.equal(silent?.request?.kind, 'silent');
  assert.deepEqual(silent?.request?.fields, { ...body, time_to_live: 3600, mutable_content: true, tags: [] });
  assert.equal(mixed?.request?.kind, 'mixed');
  assert.equal(mixed?.request?.fields['mutable_content'], false);
});

test('1.2 v1 is flat and knows neither priority nor time to live', async (t) => {
  const { post } = await setup(t);
  const flat = { service: 'apns', title: 'T', body: 'B' };
  assert.deepEqual(complaints(await post('/v1/notification/d', { ...flat, priority: 'high' })), [
    ['/priority', 'Unexpected field: priority'],
  ]);
  assert.deepEqual(complaints(await post('/v1/notification/d', { service: 'apns' })), [
    ['/title', 'Missing field: title'],
    ['/body', 'Missing field: body'],
  ]);
});

test('1.5 provider reasons become the answers of each API', async (t) => {
  const { post, gateway } = await setup(t);
  const rows: readonly [string, number, string, number][] = [
    ['BadDeviceToken', 400, 'invalid_request', 500],
    ['Unregistered', 410, 'unregistered', 500],
    ['UNREGISTERED', 410, 'unregistered', 500],
    ['ExpiredToken', 500, 'ExpiredToken', 500],
    ['PayloadTooLarge', 413, 'payload_too_large', 500],
    ['TooManyRequests', 429, 'too_many_requests', 500],
    ['QUOTA_EXCEEDED', 429, 'too_many_requests', 500],
    ['ServiceUnavailable', 503, 'service_internal', 500],
    ['ExpiredProviderToken', 503, 'service_internal', 500],
    ['SENDER_ID_MISMATCH', 503, 'service_internal', 500],
    ['BadTopic', 503, 'internal_config', 500],
    ['UNSPECIFIED', 520, 'unspecified', 500],
    ['no_matching_pool', 400, 'no_matching_pool', 500],
    ['invalid_notification', 400, 'invalid_notification', 500],
    ['connection_lost', 503, 'connection_lost', 500],
    ['request_timeout', 500, 'request_timeout', 500],
    ['unable_to_connect', 503, 'unable_to_connect', 503],
  ];
  for (const [reason, v3Status, v3Reason, v2Status] of rows) {
    gateway.script({ kind: 'all', behaviour: { kind: 'reject', status: 0, reason } });
    const v3 = await post('/v3/notification/d', valid);
    assert.deepEqual([v3.status, JSON.parse(v3.body)], [v3Status, { reason: v3Reason }], reason);
    const v2 = await post('/v2/notification/d', valid);
    const details = reason === 'unable_to_connect' ? 'Please try again later' : reason;
    assert.deepEqual([v2.status, JSON.parse(v2.body)], [v2Status, { details }], reason);
  }
});

test('1.5 an unregistered device is 410 in v3 only, whichever service it is of', async (t) => {
  const { post, gateway } = await setup(t);
  gateway.unregister('gone');
  assert.equal((await post('/v3/notification/gone', valid)).status, 410);
  assert.equal((await post('/v3/notification/gone', { ...valid, service: 'fcm' })).status, 410);
  assert.deepEqual(JSON.parse((await post('/v2/notification/gone', valid)).body), { details: 'Unregistered' });
  assert.equal((await post('/v3/notification/here', valid)).status, 200);
});

test('1.7 nested data for FCM is refused locally, for APNs it passes', async (t) => {
  const { post } = await setup(t);
  const data = { a: { b: 'c' } };
  const fcm = await post('/v3/notification/d', { service: 'fcm', data });
  assert.deepEqual([fcm.status, JSON.parse(fcm.body)], [400, { reason: 'invalid_notification' }]);
  assert.equal((await post('/v3/notification/d', { service: 'apns', data })).status, 200);
  assert.equal((await post('/v3/notification/d', { service: 'fcm', data: { n: 1, t: true, z: null } })).status, 200);
});

test('1.12 the health check is 503 only when no pool is connected, and with no pool at all', async (t) => {
  const { get, gateway } = await setup(t);
  const up = { name: 'apns_1', connected: 5, disconnected: 0 };
  const down = { name: 'fcm_1', connected: 0, disconnected: 5 };
  for (const [pools, code, status] of [
    [[up], 200, 'pass'],
    [[up, down], 200, 'warn'],
    [[down], 503, 'fail'],
    [[], 503, 'pass'],
  ] as const) {
    gateway.setPools(pools);
    const answer = await get('/healthcheck');
    const body = JSON.parse(answer.body);
    assert.deepEqual([answer.status, body.status], [code, status]);
    assert.deepEqual(
      Object.keys(body.checks),
      pools.map(({ name }) => `pool:${name}`),
    );
  }
});

test('a connection of HTTP/1.1 can be cut by the script', async (t) => {
  const { post, gateway } = await setup(t);
  gateway.script({ kind: 'next', count: 1, behaviour: { kind: 'drop', request: 'read' } });
  await assert.rejects(post('/v3/notification/d', valid));
  gateway.script({ kind: 'next', count: 1, behaviour: { kind: 'refuse-stream' } });
  await assert.rejects(post('/v3/notification/d', valid));
  assert.equal(gateway.received.total, 1);
  assert.equal((await post('/v3/notification/d', valid)).status, 200);
});

test('0.8, 1.8 pushes go through the pools that the health check tells of, FCM in mode prod alone', async (t) => {
  const { post, get, gateway } = await setup(t);
  const told = async (body: object): Promise<unknown> => JSON.parse((await post('/v3/notification/d', body)).body);
  assert.deepEqual(await told({ ...valid, service: 'fcm', mode: 'dev' }), { reason: 'no_matching_pool' });
  assert.equal(await told({ ...valid, mode: 'dev' }), null);
  gateway.setPools([{ name: 'apns_1', connected: 0, disconnected: 5 }]);
  assert.deepEqual(await told(valid), { reason: 'unable_to_connect' });
  assert.deepEqual(await told({ ...valid, service: 'fcm' }), { reason: 'no_matching_pool' });
  await get('/healthcheck');
  assert.equal(gateway.checks, 1);
});
