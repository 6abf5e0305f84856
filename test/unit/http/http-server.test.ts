import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { systemClock } from '../../../src/core/clock.ts';
import { EngineError } from '../../../src/core/errors.ts';
import { silentLogger } from '../../../src/core/log.ts';
import { makeAuthority } from '../../../src/fake/certificates.ts';
import { openHttp } from '../../../src/http/http-server.ts';
import { later, noted, openWorld, ScriptedDoor, token } from './http-world.ts';
import type { AddressInfo } from 'node:net';
import type { EventResult } from '../../../src/core/event.ts';
import type { Answer, World } from './http-world.ts';

const head = [
  'POST /v1/events HTTP/1.1',
  'host: a',
  'content-type: application/json',
  `authorization: Bearer ${token}`,
  '',
].join('\r\n');

function post(world: World): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  return world.call({ method: 'POST', path: '/v1/events', headers, body: '{}' });
}

test('mongooseim 5.5: health is told without a token, to HEAD as well', async (t) => {
  const world = await openWorld(t);
  const answer = await world.call({ path: '/healthz', headers: { authorization: '' } });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json(), { status: 'ok' });
  const short = await world.call({ method: 'HEAD', path: '/healthz', headers: { authorization: '' } });
  assert.deepEqual([short.status, short.text], [200, '']);
});

const everything =
  'nothing is here; there are: GET, HEAD /healthz; GET, HEAD /v1/figures; POST /v1/events; ' +
  'POST /v1/mongooseim/events; POST /v1/iq; PUT, DELETE, GET, HEAD /v1/registrations; ' +
  'DELETE /v1/accounts/JID; DELETE /v1/domains/DOMAIN';

for (const path of ['/', '/v1', '/v2/events', '/v1/events/', '/v1/mongooseim', '/v1/accounts/', '/v1/accounts/a/b']) {
  test(`mongooseim 5.5: ${path} is answered with all that exists`, async (t) => {
    const world = await openWorld(t);
    const answer = await world.call({ path });
    assert.equal(answer.status, 404);
    assert.deepEqual(answer.json(), { error: 'not-found', message: everything });
  });
}

const methods: readonly (readonly [method: string, path: string, allow: string])[] = [
  ['POST', '/healthz', 'GET, HEAD'],
  ['POST', '/v1/figures', 'GET, HEAD'],
  ['GET', '/v1/events', 'POST'],
  ['PUT', '/v1/mongooseim/events', 'POST'],
  ['GET', '/v1/iq', 'POST'],
  ['PATCH', '/v1/registrations?owner=a', 'PUT, DELETE, GET, HEAD'],
  ['GET', '/v1/accounts/a@b.example', 'DELETE'],
  ['OPTIONS', '/v1/domains/b.example', 'DELETE'],
];

for (const [method, path, allow] of methods) {
  test(`mongooseim 5.5: ${method} ${path} is answered with the methods there are`, async (t) => {
    const world = await openWorld(t);
    const answer = await world.call({ method, path });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.allow, allow);
    assert.equal(answer.json()['error'], 'method-not-allowed');
    assert.ok(String(answer.json()['message']).endsWith(` takes ${allow}`));
  });
}

test('mongooseim 5.5: what is not HTTP, or has too long a head, is refused and costs the connection', async (t) => {
  const world = await openWorld(t, { bounds: { httpHeaderBytesMax: 2_048 } });
  const noise = await world.dial();
  noise.write('<stream:stream>\r\n\r\n');
  await noise.closed;
  assert.match(noise.text, /^HTTP\/1\.1 400 [\s\S]*"error":"invalid"/);
  const long = await world.dial();
  long.write(`GET /healthz HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(4_000)}\r\n\r\n`);
  await long.closed;
  assert.match(long.text, /^HTTP\/1\.1 431 [\s\S]*"error":"too-large"/);
  assert.equal(world.server.figures.invalid, 2);
  assert.equal((await post(world)).status, 200);
});

test('mongooseim 5.5: header fields beyond the bound are not seen', async (t) => {
  const world = await openWorld(t, { bounds: { httpHeadersMax: 3 } });
  const wire = await world.dial();
  wire.write(`GET /v1/registrations HTTP/1.1\r\nhost: a\r\na: b\r\nc: d\r\nauthorization: Bearer ${token}\r\n\r\n`);
  await wire.until(/\r\n\r\n/);
  assert.match(wire.text, /^HTTP\/1\.1 401 /);
});

const slow: readonly (readonly [what: string, sent: string])[] = [
  ['nothing', ''],
  ['half a head', 'POST /v1/events HTTP/1.1\r\nhost: a\r\n'],
  ['half a body', `${head}content-length: 100\r\n\r\n{"from":`],
];

for (const [what, sent] of slow) {
  test(`mongooseim 5.5: a caller that sends ${what} and waits is cut`, async (t) => {
    const world = await openWorld(t, { bounds: { httpHeadersMs: 50, httpRequestMs: 50, httpCheckMs: 10 } });
    const wire = await world.dial();
    wire.write(sent);
    await wire.closed;
    assert.match(wire.text, /^HTTP\/1\.1 408 /);
    assert.equal(wire.text.match(/HTTP\/1\.1/g)?.length, 1, 'one answer');
    while (world.server.figures.inFlight > 0) await new Promise(setImmediate);
    assert.deepEqual(world.door.batches, []);
    assert.equal((await post(world)).status, 200);
  });
}

test('mongooseim 5.5: a kept connection without requests is closed', async (t) => {
  const world = await openWorld(t, { bounds: { httpKeepaliveMs: 20 } });
  const wire = await world.dial();
  wire.write('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.closed;
  assert.match(wire.text, /^HTTP\/1\.1 200 /);
});

test('mongooseim 5.5: connections beyond the bound are closed at once', async (t) => {
  const world = await openWorld(t, { bounds: { httpConnectionsMax: 1 } });
  const first = await world.dial();
  const second = await world.dial();
  await second.closed;
  assert.equal(second.text, '');
  assert.equal(world.server.figures.droppedConnections, 1);
  first.write('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n');
  await first.until(/"ok"/);
  assert.equal(world.server.figures.connections, 1);
});

test('mongooseim 5.5: a refused caller loses the connection if its body is long', async (t) => {
  const world = await openWorld(t, { bounds: { httpDrainBytesMax: 10 } });
  const long = await world.dial();
  long.write('POST /v1/events HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n');
  await long.closed;
  assert.match(long.text, /^HTTP\/1\.1 401 /);
  const short = await world.dial();
  short.write('POST /v1/events HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n01234');
  await short.until(/"unauthorized"/);
  short.write('56789GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n');
  await short.until(/"ok"/);
});

test('mongooseim 5.5: closing answers what is under way, and takes nothing new', async (t) => {
  const world = await openWorld(t);
  const held = later<readonly EventResult[]>();
  const taken = later<undefined>();
  world.door.onEvents = () => {
    taken.resolve(undefined);
    return held.promise;
  };
  const idle = await world.dial();
  idle.write('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n');
  await idle.until(/"ok"/);
  const silent = await world.dial();
  // Two requests at once on one connection: the second is read when the first has been answered.
  const busy = await world.dial();
  busy.write(`${head}content-length: 2\r\n\r\n{}GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n`);
  await taken.promise;
  const closed = world.server.close(5_000);
  await Promise.all([idle.closed, silent.closed]);
  await assert.rejects(post(world), { code: 'ECONNREFUSED' });
  assert.doesNotMatch(busy.text, /HTTP/);
  held.resolve([noted]);
  await closed;
  await busy.closed;
  assert.match(busy.text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*connection: close[\s\S]*\{"results":\[\{"kind":"noted"\}\]\}/i);
  assert.equal(world.clock.size, 0, 'no timer is left');
  assert.equal(world.server.figures.connections, 0);
});

test('mongooseim 5.5: a request that begins on an open connection while closing is refused', async (t) => {
  const world = await openWorld(t);
  const begun = await world.dial();
  begun.write('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n');
  await begun.until(/"ok"/);
  const healthy = await world.dial();
  healthy.write('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\nGET /healthz HTTP/1.1\r\n');
  await healthy.until(/"ok"/);
  begun.write('POST /v1/events HTTP/1.1\r\n');
  await post(world); // by now the lines above have been read
  const closed = world.server.close(5_000);
  begun.write(
    `host: a\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: 0\r\n\r\n`,
  );
  healthy.write('host: a\r\n\r\n');
  await closed;
  await Promise.all([begun.closed, healthy.closed]);
  assert.match(begun.text, /HTTP\/1\.1 503 [\s\S]*"error":"stopping"/);
  assert.match(healthy.text, /HTTP\/1\.1 503 [\s\S]*\{"status":"stopping"\}$/);
});

test('mongooseim 5.5: after its budget, closing cuts what is left; closing again is harmless', async (t) => {
  const world = await openWorld(t);
  const taken = later<undefined>();
  world.door.onEvents = () => {
    taken.resolve(undefined);
    return new Promise(() => undefined);
  };
  const answer = assert.rejects(post(world), { code: 'ECONNRESET' });
  await taken.promise;
  const first = world.server.close(5_000);
  assert.equal(world.server.close(0), first);
  world.clock.fire();
  await first;
  await answer;
  await world.server.close(5_000);
  assert.equal(world.server.figures.inFlight, 0);
});

test('mongooseim 5.5: a caller that has gone away costs nothing', async (t) => {
  const world = await openWorld(t);
  const held = later<readonly EventResult[]>();
  const taken = later<undefined>();
  world.door.onEvents = () => {
    taken.resolve(undefined);
    return held.promise;
  };
  const request = fetchAbort(world.port);
  await taken.promise;
  request.abort();
  held.resolve([noted]);
  while (world.server.figures.inFlight > 0) await new Promise(setImmediate);
  assert.equal(world.server.figures.failed, 0);
  assert.deepEqual(world.log, []);
});

function fetchAbort(port: number): AbortController {
  const abort = new AbortController();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const { signal } = abort;
  fetch(`http://127.0.0.1:${port}/v1/events`, { method: 'POST', headers, body: '{}', signal }).catch(() => undefined);
  return abort;
}

test('mongooseim 5.5: with a certificate it speaks HTTPS, of TLS 1.2 and later', async (t) => {
  const authority = await makeAuthority(systemClock);
  const { certPem, keyPem } = await authority.server();
  const world = await openWorld(t, { http: { certificatePem: certPem, keyPem }, caPem: authority.caPem });
  assert.equal((await post(world)).status, 200);
  const old = tlsConnect({
    port: world.port,
    host: '127.0.0.1',
    ca: authority.caPem,
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  });
  const [error] = (await once(old, 'error')) as [NodeJS.ErrnoException];
  assert.match(String(error.code), /PROTOCOL_VERSION|ECONNRESET/);
  const plain = await world.dial();
  plain.write('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n');
  await plain.closed;
  assert.doesNotMatch(plain.text, /200/);
  // One that stands still in the handshake does not hold up the end beyond the budget.
  const still = await world.dial();
  const closed = world.server.close(5_000);
  await still.closed;
  await closed;
});

test('mongooseim 5.5: a port that is taken is an error that names it', async (t) => {
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  const http = { host: '127.0.0.1', port, token, certificatePem: '', keyPem: '', receiverDomain: '' };
  const door = new ScriptedDoor();
  await assert.rejects(
    openHttp({ http, door, replyMs: 1, engineFigures: () => ({}), clock: systemClock, logger: silentLogger }),
    (error: unknown) =>
      error instanceof EngineError &&
      error.code === 'E_HTTP_LISTEN' &&
      error.message.includes(`127.0.0.1 port ${port}`) &&
      error.cause instanceof Error,
  );
});

test('what the engine counts is told to those with the token', async (t) => {
  const world = await openWorld(t);
  const answer = await world.call({ path: '/v1/figures' });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json(), { counted: 3 });
  assert.equal((await world.call({ path: '/v1/figures', headers: { authorization: '' } })).status, 401);
});
