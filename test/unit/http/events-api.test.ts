import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accepted, unavailable } from '../../../src/core/outcome.ts';
import { limits } from '../../../src/core/limits.ts';
import { later, noted, openWorld } from './http-world.ts';
import type { EventResult } from '../../../src/core/event.ts';
import type { Answer, World } from './http-world.ts';

const json = { 'content-type': 'application/json' };
const message = { from: 'romeo@a.example/x', to: 'juliet@b.example', type: 'chat', body: 'hé' };

function post(world: World, body: unknown, headers: Readonly<Record<string, string>> = json): Promise<Answer> {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return world.call({ method: 'POST', path: '/v1/events', headers, body: text });
}

test('mongooseim 5.5: one event is given to the engine as it came, and its result is answered', async (t) => {
  const world = await openWorld(t);
  const pushed = {
    kind: 'pushed',
    publishes: [{ owner: 'juliet@b.example', service: 'push.example', node: 'n1', outcome: accepted('id-1') }],
  } as unknown as EventResult;
  world.door.onEvents = () => Promise.resolve([pushed]);
  const answer = await post(world, message);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
  assert.deepEqual(answer.json(), { results: [pushed] });
  assert.deepEqual(world.door.batches, [{ inputs: [message], waitMs: 10_000 }]);
  assert.equal(world.server.figures.events, 1);
});

test('mongooseim 5.5: a batch has one result for each event, in order, whatever their kinds', async (t) => {
  const world = await openWorld(t);
  const results: EventResult[] = [
    { kind: 'skipped', reason: 'online' },
    { kind: 'invalid', reason: 'from: missing' },
    noted,
    { kind: 'refused', reason: 'overloaded' },
  ];
  world.door.onEvents = () => Promise.resolve(results);
  const answer = await post(world, [message, {}, 1, null]);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json(), { results });
  assert.deepEqual(world.door.batches[0]?.inputs, [message, {}, 1, null]);
});

for (const first of [
  { kind: 'refused', reason: 'overloaded' },
  { kind: 'invalid', reason: 'from: missing' },
] as const) {
  test(`mongooseim 5.5: a batch of which only the first event is ${first.kind} is answered 200`, async (t) => {
    const world = await openWorld(t);
    world.door.onEvents = () => Promise.resolve([first, noted]);
    const answer = await post(world, [message, message]);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json(), { results: [first, noted] });
  });
}

test('mongooseim 5.5: an outcome that is not known is answered as one', async (t) => {
  const world = await openWorld(t);
  const outcome = unavailable('unknown', 'timeout', 5);
  world.door.onEvents = () => Promise.resolve([{ kind: 'pushed', publishes: [{ outcome }] } as unknown as EventResult]);
  assert.deepEqual((await post(world, message)).json(), { results: [{ kind: 'pushed', publishes: [{ outcome }] }] });
});

test('mongooseim 5.5: an empty batch is answered with no results', async (t) => {
  const world = await openWorld(t);
  const answer = await post(world, []);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json(), { results: [] });
});

test('mongooseim 5.5: lines of JSON are a batch, and a line that cannot be read costs its own event', async (t) => {
  const world = await openWorld(t);
  const headers = { 'content-type': 'application/x-ndjson; charset=utf-8' };
  const answer = await post(world, `${JSON.stringify(message)}\r\n\n{"from":}\n[]\n`, headers);
  assert.equal(answer.status, 200);
  const reason = 'line 3, column 9: not JSON';
  assert.deepEqual(answer.json(), { results: [noted, { kind: 'invalid', reason }, noted] });
  assert.deepEqual(world.door.batches[0]?.inputs, [message, undefined, []]);
});

for (const reason of ['overloaded', 'stopping', 'store-failed'] as const) {
  test(`mongooseim 5.5: when all events are refused because of ${reason}, the request is`, async (t) => {
    const world = await openWorld(t);
    world.door.onEvents = (inputs) => Promise.resolve(inputs.map(() => ({ kind: 'refused', reason })));
    const answer = await post(world, [message, message]);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers['retry-after'], '1');
    assert.equal(answer.json()['error'], reason);
    assert.equal((answer.json()['results'] as unknown[]).length, 2);
    assert.equal(world.server.figures.refused, 1);
  });
}

test('mongooseim 5.5: when no event can be read, the request is refused with all reasons', async (t) => {
  const world = await openWorld(t);
  const results: EventResult[] = [
    { kind: 'invalid', reason: 'from: missing' },
    { kind: 'invalid', reason: 'to: missing' },
  ];
  world.door.onEvents = () => Promise.resolve(results);
  const answer = await post(world, [{}, {}]);
  assert.equal(answer.status, 400);
  const text = 'none of them can be read; the first: from: missing';
  assert.deepEqual(answer.json(), { error: 'invalid', message: text, results });
  world.door.onEvents = () => Promise.resolve(results.slice(0, 1));
  assert.equal((await post(world, {})).json()['message'], 'from: missing');
});

interface Bad {
  readonly what: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  readonly says: RegExp;
}

const bad: readonly Bad[] = [
  { what: 'text that is not JSON', body: '{"from":}', status: 400, says: /^line 1, column 9: not JSON$/ },
  { what: 'half a text', body: '[{"from":"a@b"', status: 400, says: /^line 1, column 15: the text ends too early$/ },
  { what: 'an empty body', body: '', status: 400, says: /^line 1, column 1: the text ends too early$/ },
  {
    what: 'bytes that are not UTF-8',
    body: Buffer.from([0x22, 0xff, 0x22]),
    status: 400,
    says: /^the body is not UTF-8$/,
  },
  {
    what: 'lines without an event',
    body: '\n \n',
    headers: { 'content-type': 'application/x-ndjson' },
    status: 400,
    says: /there is no event/,
  },
  {
    what: 'more events than allowed',
    body: JSON.stringify(Array.from({ length: limits.httpEventsMax + 1 }, () => 0)),
    status: 413,
    says: /^257 events; send at most 256/,
  },
  {
    what: 'a body that is too long',
    body: `"${'x'.repeat(limits.httpBodyBytesMax)}"`,
    status: 413,
    says: /^the body is longer than 1048576 bytes$/,
  },
  { what: 'no content type', body: '{}', headers: {}, status: 415, says: /^send application\/json or/ },
  {
    what: 'another type',
    body: '{}',
    headers: { 'content-type': 'text/plain' },
    status: 415,
    says: /application\/json/,
  },
  { what: 'a broken type', body: '{}', headers: { 'content-type': ';;' }, status: 415, says: /application\/json/ },
  {
    what: 'another charset',
    body: '{}',
    headers: { 'content-type': 'application/json; charset=latin1' },
    status: 415,
    says: /UTF-8/,
  },
  {
    what: 'a compressed body',
    body: '{}',
    headers: { ...json, 'content-encoding': 'gzip' },
    status: 415,
    says: /not compressed/,
  },
];

for (const { what, body, headers, status, says } of bad) {
  test(`mongooseim 5.5: ${what} is refused with ${status}, and nothing reaches the engine`, async (t) => {
    const world = await openWorld(t);
    const answer = await post(world, body, headers);
    assert.equal(answer.status, status);
    assert.match(String(answer.json()['message']), says);
    assert.deepEqual(world.door.batches, []);
    assert.equal(world.server.figures.invalid, 1);
    assert.equal((await post(world, message)).status, 200, 'the next goes on');
  });
}

test('mongooseim 5.5: a long body in chunks is refused when it passes the bound', async (t) => {
  const world = await openWorld(t, { bounds: { httpBodyBytesMax: 16 } });
  const wire = await world.dial();
  wire.write('POST /v1/events HTTP/1.1\r\nhost: a\r\nauthorization: Bearer the-token-of-the-tests\r\n');
  wire.write('content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n');
  wire.write(`20\r\n${'x'.repeat(32)}\r\n`);
  await wire.closed;
  assert.match(wire.text, /^HTTP\/1\.1 413 /);
  assert.match(wire.text, /connection: close/i);
});

test('mongooseim 5.5: names that objects have by nature are keys like others', async (t) => {
  const world = await openWorld(t);
  await post(world, '{"__proto__":{"from":"a@b"},"constructor":{"prototype":{}}}');
  const [input] = world.door.batches[0]?.inputs ?? [];
  assert.deepEqual(Object.keys(input as object), ['__proto__', 'constructor']);
  assert.equal(({} as Record<string, unknown>)['from'], undefined);
});

test('mongooseim 5.5: an engine that fails costs one request, and neither caller nor log sees why', async (t) => {
  const world = await openWorld(t);
  world.door.onEvents = () => Promise.reject(new TypeError('secret body'));
  for (let count = 0; count < 3; count++) {
    const answer = await post(world, message);
    assert.equal(answer.status, 500);
    assert.deepEqual(Object.keys(answer.json()), ['error', 'message']);
    assert.doesNotMatch(answer.text, /secret| at /);
  }
  assert.equal(world.server.figures.failed, 3);
  assert.deepEqual(
    world.log.map(({ level, fields }) => [level, fields['endpoint'], fields['code'], fields['times']]),
    [['error', 'POST /v1/events', 'TypeError', 1]],
    'one line for all of them',
  );
  assert.doesNotMatch(JSON.stringify(world.log), /secret/);
  world.clock.nowMs += limits.httpLogGapMs;
  await post(world, message);
  assert.equal(world.log.at(-1)?.fields['times'], 3, 'later lines say how many they stand for');
});

test('mongooseim 5.5: requests beyond the bound are refused at once, and health is still told', async (t) => {
  const world = await openWorld(t, { bounds: { httpRequestsMax: 2 } });
  const held = later<readonly EventResult[]>();
  const both = later<undefined>();
  world.door.onEvents = () => {
    if (world.door.batches.length === 2) both.resolve(undefined);
    return held.promise;
  };
  const waiting = [post(world, message), post(world, message)];
  await both.promise;
  const answer = await post(world, message);
  assert.equal(answer.status, 503);
  assert.equal(answer.json()['error'], 'overloaded');
  assert.equal(answer.headers['retry-after'], '1');
  assert.equal((await world.call({ path: '/healthz' })).status, 200);
  held.resolve([noted]);
  assert.deepEqual(
    (await Promise.all(waiting)).map(({ status }) => status),
    [200, 200],
  );
  assert.equal((await post(world, message)).status, 200);
});
