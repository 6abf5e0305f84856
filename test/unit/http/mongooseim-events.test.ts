import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventOfForm } from '../../../src/http/mongooseim-events.ts';
import { later, openWorld, token } from './http-world.ts';
import type { EventResult } from '../../../src/core/event.ts';
import type { Answer, World } from './http-world.ts';

const headers = { 'content-type': 'application/x-www-form-urlencoded' };
const form = 'author=alice&server=chat.example&receiver=bob&message=Hi%2C+Bob%21';

function post(world: World, body: string | Buffer, path = '/v1/mongooseim/events'): Promise<Answer> {
  return world.call({ method: 'POST', path, headers, body });
}

test('mongooseim 5.2: the bytes of its http pusher become a message on its way to the receiver', async (t) => {
  const world = await openWorld(t);
  const wire = await world.dial();
  wire.write(`POST /v1/mongooseim/${token}/webservice/notifications HTTP/1.1\r\nhost: 127.0.0.1\r\n`);
  wire.write(`content-type: application/x-www-form-urlencoded\r\ncontent-length: ${form.length}\r\n\r\n${form}`);
  await wire.until(/\r\n\r\n/);
  assert.match(wire.text, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(wire.text, /content-length: 0\r\n/);
  assert.ok(wire.text.endsWith('\r\n\r\n'), 'the body is empty');
  assert.deepEqual(world.door.batches, [
    {
      inputs: [
        {
          kind: 'message',
          direction: 'out',
          type: 'chat',
          from: 'alice@chat.example',
          to: 'bob@chat.example',
          body: 'Hi, Bob!',
        },
      ],
      waitMs: 10_000,
    },
  ]);
});

for (const path of ['/v1/mongooseim/events', '/v1/mongooseim/notifications/all?x=1', `/v1/mongooseim/${token}`]) {
  test(`mongooseim 5.2: ${path.replace(token, 'TOKEN')} takes events`, async (t) => {
    const world = await openWorld(t);
    assert.equal((await post(world, form, path)).status, 200);
    assert.equal(world.door.batches.length, 1);
  });
}

test('mongooseim 5.2: the answer does not wait for the publishes', async (t) => {
  const world = await openWorld(t);
  const held = later<readonly EventResult[]>();
  world.door.onEvents = () => held.promise;
  assert.equal((await post(world, form)).status, 200);
  assert.equal(world.server.figures.inFlight, 0);
  held.resolve([{ kind: 'refused', reason: 'store-failed' }]);
  await new Promise(setImmediate);
  assert.equal(world.server.figures.refusedLate, 1);
});

for (const reason of ['overloaded', 'stopping', 'store-failed'] as const) {
  test(`mongooseim 5.2: an event that was not taken (${reason}) is answered 503`, async (t) => {
    const world = await openWorld(t);
    world.door.onEvents = () => Promise.resolve([{ kind: 'refused', reason }]);
    const answer = await post(world, form);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers['retry-after'], '1');
    assert.equal(answer.json()['error'], reason);
    assert.equal(world.server.figures.refusedLate, 0);
  });
}

test('mongooseim 5.2: an event the engine cannot read is answered 400 with the reason', async (t) => {
  const world = await openWorld(t);
  world.door.onEvents = () => Promise.resolve([{ kind: 'invalid', reason: 'body: odd' }]);
  const answer = await post(world, form);
  assert.equal(answer.status, 400);
  assert.deepEqual(answer.json(), { error: 'invalid', message: 'body: odd' });
});

test('mongooseim 5.2: an engine that fails is answered 500', async (t) => {
  const world = await openWorld(t);
  world.door.onEvents = () => Promise.reject(new Error('no'));
  assert.equal((await post(world, form)).status, 500);
});

const wrong: readonly (readonly [form: string, says: string])[] = [
  ['', 'author: missing'],
  ['server=c.example&receiver=bob&message=x', 'author: missing'],
  ['author=alice&receiver=bob&message=x', 'server: missing'],
  ['author=alice&server=c.example&message=x', 'receiver: missing'],
  ['author=alice&server=c.example&receiver=bob', 'message: missing'],
  ['author=&server=c.example&receiver=bob&message=x', 'author: is not the local part of a JID'],
  ['author=alice&server=&receiver=bob&message=x', 'server: is not a domain'],
  ['author=alice&server=c.example&receiver=&message=x', 'receiver: is not the local part of a JID'],
  ['author=a%40b&server=c.example&receiver=bob&message=x', 'author: is not the local part of a JID'],
  ['author=alice&server=a%40c.example&receiver=bob&message=x', 'server: is not a domain'],
  ['author=alice&server=c.example%2Fx&receiver=bob&message=x', 'server: is not a domain'],
  ['author=alice&server=c+d&receiver=bob&message=x', 'server: is not a domain'],
  ['author=alice&server=c.example&receiver=bob%40d.example&message=x', 'receiver: is not the local part of a JID'],
  ['author=alice&server=c.example&receiver=bob%2Fres&message=x', 'receiver: is not the local part of a JID'],
  ['author=alice&author=eve&server=c.example&receiver=bob&message=x', '"author": given twice'],
  ['author=alice&server=c.example&receiver=bob&message=%zz', '"message": not percent-encoded UTF-8'],
  ['author=alice&server=c.example&receiver=bob&message=%ff', '"message": not percent-encoded UTF-8'],
];

for (const [text, says] of wrong) {
  test(`mongooseim 5.2: ${JSON.stringify(text)} is refused: ${says}`, async (t) => {
    const world = await openWorld(t);
    const answer = await post(world, text);
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.json(), { error: 'invalid', message: says });
    assert.deepEqual(world.door.batches, []);
  });
}

test('mongooseim 5.2: raw bytes that are not UTF-8, and other types, are refused', async (t) => {
  const world = await openWorld(t);
  assert.equal((await post(world, Buffer.from([...Buffer.from(form), 0xff]))).status, 400);
  const other = { 'content-type': 'application/json' };
  const answer = await world.call({ method: 'POST', path: '/v1/mongooseim/x', headers: other, body: '{}' });
  assert.equal(answer.status, 415);
});

test('mongooseim 5.2: bodies of any signs arrive as they were written', () => {
  for (const body of ['', '&=+', 'Grüße 🎉', 'a\r\nb', '%41', '  ', '\u2028']) {
    const text = new URLSearchParams({ author: 'alice', server: 'c.example', receiver: 'bob', message: body });
    const event = eventOfForm(text.toString(), '');
    assert.ok(event.ok);
    assert.equal(event.value.body, body);
  }
});

test('mongooseim 5.2: names are prepared, and fields of a custom callback are left alone', () => {
  const event = eventOfForm('author=Alice&server=Chat.Example.&receiver=B%C3%B6b&message=x&mood=fine', '');
  assert.ok(event.ok);
  assert.equal(event.value.from, 'alice@chat.example');
  assert.equal(event.value.to, 'böb@chat.example');
});

test('mongooseim 5.2: the receiver has the domain of the configuration, if it names one', async (t) => {
  const world = await openWorld(t, { http: { receiverDomain: 'users.example' } });
  await post(world, form);
  const [input] = world.door.batches[0]?.inputs ?? [];
  assert.equal((input as { to: string }).to, 'bob@users.example');
  assert.equal((input as { from: string }).from, 'alice@chat.example');
});
