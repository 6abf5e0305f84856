import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noPreferences } from '../../../src/core/enabled.ts';
import { epochMs, parseNodeId } from '../../../src/core/ids.ts';
import { bareJID } from '../../../src/core/jid.ts';
import { limits } from '../../../src/core/limits.ts';
import { hashForPeople } from '../../../src/core/redact.ts';
import { openWorld } from './http-world.ts';
import type { EnabledAnswer } from '../../../src/core/enabled.ts';
import type { Answer, World } from './http-world.ts';

const registration = {
  owner: 'juliet@b.example',
  service: 'push.b.example',
  node: 'n1',
  options: { service: 'apns', device_id: 'secret-token', silent: 'true' },
};

function put(world: World, body: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return world.call({ method: 'PUT', path: '/v1/registrations', headers, body: text });
}

test('mongooseim 2.3: a registration is written as it is told', async (t) => {
  const world = await openWorld(t);
  const answer = await put(world, registration);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json(), { written: 1 });
  await put(world, { owner: 'a@b.example', service: 's', node: 'n', session: 'phone' });
  assert.deepEqual(world.door.asked, [
    ['enable', { ...registration, session: '' }],
    ['enable', { owner: 'a@b.example', service: 's', node: 'n', session: 'phone', options: {} }],
  ]);
});

const many = Object.fromEntries(Array.from({ length: limits.enabledOptionsMax + 1 }, (_, index) => [`o${index}`, '']));
const wrongBodies: readonly (readonly [body: unknown, says: string])[] = [
  ['{', 'line 1, column 2: the text ends too early'],
  [[], 'a registration is an object'],
  ['null', 'a registration is an object'],
  [{}, 'owner: missing'],
  [{ ...registration, owner: 5 }, 'owner: not a text'],
  [{ ...registration, service: '' }, 'service: missing'],
  [{ ...registration, service: null }, 'service: missing'],
  [{ ...registration, node: ['n'] }, 'node: not a text'],
  [{ ...registration, session: {} }, 'session: not a text'],
  [{ ...registration, nod: 'x' }, '"nod": unknown; there are owner, service, node, session, options'],
  [{ ...registration, options: [] }, 'options: not an object'],
  [{ ...registration, options: 'a' }, 'options: not an object'],
  [{ ...registration, options: { a: 1 } }, 'options: "a": not a text'],
  [{ ...registration, options: { '': 'x' } }, 'options: "": no such option'],
  [{ ...registration, options: { FORM_TYPE: 'x' } }, 'options: "FORM_TYPE": no such option'],
  [{ ...registration, options: { a: 'x'.repeat(4097) } }, 'options: "a": longer than 4096 bytes'],
  [{ ...registration, options: many }, 'options: more than 64'],
  ['{"owner":"a","__proto__":{}}', '"__proto__": unknown; there are owner, service, node, session, options'],
];

for (const [body, says] of wrongBodies) {
  test(`mongooseim 2.3: a registration is refused whole: ${says}`, async (t) => {
    const world = await openWorld(t);
    const answer = await put(world, body);
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.json(), { error: 'invalid', message: says });
    assert.deepEqual(world.door.asked, []);
    assert.doesNotMatch(answer.text, /secret-token/);
  });
}

test('mongooseim 2.4: one node, or all of a service, is disabled', async (t) => {
  const world = await openWorld(t);
  world.door.answer = { kind: 'done', count: 0 };
  const path = '/v1/registrations?owner=juliet%40b.example&service=push.b.example';
  const answer = await world.call({ method: 'DELETE', path: `${path}&node=a%2Bb+c` });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json(), { removed: 0 });
  await world.call({ method: 'DELETE', path });
  const { owner, service } = registration;
  assert.deepEqual(world.door.asked, [
    ['disable', { owner, service, node: 'a+b c' }],
    ['disable', { owner, service }],
  ]);
});

const wrongPaths: readonly (readonly [method: string, path: string, says: RegExp])[] = [
  ['DELETE', '/v1/registrations', /^owner: missing$/],
  ['DELETE', '/v1/registrations?service=s', /^owner: missing$/],
  ['DELETE', '/v1/registrations?owner=a%40b.example', /^service: missing$/],
  ['DELETE', '/v1/registrations?owner=a%40b.example&service=s&node=', /^node: missing$/],
  [
    'DELETE',
    '/v1/registrations?owner=a%40b.example&service=s&nod=n',
    /^"nod": unknown; there are owner, service, node$/,
  ],
  ['DELETE', '/v1/registrations?owner=a&owner=b&service=s', /^"owner": given twice$/],
  ['DELETE', '/v1/registrations?owner=%ff&service=s', /^"owner": not percent-encoded/],
  ['GET', '/v1/registrations', /^owner: is not a bare JID of a user$/],
  ['GET', '/v1/registrations?owner=b.example', /^owner: is not a bare JID of a user$/],
  ['GET', '/v1/registrations?owner=a%40b.example%2Fx', /^owner: is not a bare JID of a user$/],
  ['GET', '/v1/registrations?owner=a%40b.example&all=1', /^"all": unknown; there are owner$/],
  ['DELETE', '/v1/accounts/b.example', /bare JID of a user/],
  ['DELETE', '/v1/accounts/a%40b.example%2Fx', /bare JID of a user/],
  ['DELETE', '/v1/accounts/%ff', /not percent-encoded/],
  ['DELETE', '/v1/domains/a%40b.example', /in a domain/],
  ['DELETE', '/v1/domains/b%20c', /in a domain/],
];

for (const [method, path, says] of wrongPaths) {
  test(`mongooseim 2.5: ${method} ${path} is refused, and nothing is removed`, async (t) => {
    const world = await openWorld(t);
    const answer = await world.call({ method, path });
    assert.equal(answer.status, 400);
    assert.match(String(answer.json()['message']), says);
    assert.deepEqual(world.door.asked, []);
  });
}

test('mongooseim 2.5: accounts and domains are cleaned up', async (t) => {
  const world = await openWorld(t);
  world.door.answer = { kind: 'done', count: 7 };
  for (const path of ['/v1/accounts/juliet@b.example', '/v1/accounts/j%C3%BC%40b.example', '/v1/domains/b.example']) {
    const answer = await world.call({ method: 'DELETE', path });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json(), { removed: 7 });
  }
  const long = 'x'.repeat(900);
  await world.call({ method: 'DELETE', path: `/v1/accounts/${long}@b.example` });
  assert.deepEqual(world.door.asked, [
    ['removeAccount', 'juliet@b.example'],
    ['removeAccount', 'jü@b.example'],
    ['removeDomain', 'b.example'],
    ['removeAccount', `${long}@b.example`],
  ]);
});

const refusals: readonly (readonly [answer: EnabledAnswer, status: number, error: string])[] = [
  [{ kind: 'refused', refusal: 'options', problem: 'owner: is not a bare JID of a user' }, 400, 'invalid'],
  [{ kind: 'refused', refusal: 'overloaded' }, 503, 'overloaded'],
  [{ kind: 'refused', refusal: 'store-failed' }, 503, 'store-failed'],
  [{ kind: 'refused', refusal: 'stopping' }, 503, 'stopping'],
];

for (const [refusal, status, error] of refusals) {
  test(`mongooseim 2.5: what the engine refuses (${error}) is answered ${status} everywhere`, async (t) => {
    const world = await openWorld(t);
    world.door.answer = refusal;
    const answers = [
      await put(world, registration),
      await world.call({ method: 'DELETE', path: '/v1/registrations?owner=a%40b.example&service=s' }),
      await world.call({ method: 'DELETE', path: '/v1/accounts/a@b.example' }),
      await world.call({ method: 'DELETE', path: '/v1/domains/b.example' }),
    ];
    for (const answer of answers) {
      assert.equal(answer.status, status);
      assert.equal(answer.json()['error'], error);
      assert.equal(answer.headers['retry-after'], status === 503 ? '1' : undefined);
    }
  });
}

test('mongooseim 2.6: registrations are listed without the values of their options', async (t) => {
  const world = await openWorld(t);
  const owner = bareJID('juliet@b.example');
  const service = bareJID('push.b.example');
  const node = parseNodeId('n1');
  assert.ok(owner.ok && service.ok && node.ok);
  const row = {
    owner: owner.value,
    service: service.value,
    node: node.value,
    options: [
      ['secret', 'hush-hush'],
      ['device_id', 'secret-token'],
    ] as const,
    session: 'phone',
    preferences: { ...noPreferences, encryptionKey: 'hush-key' },
    enabledAtMs: epochMs(Date.UTC(2026, 0, 2)),
  };
  world.door.rows = [row, { ...row, options: [] }];
  const answer = await world.call({ path: '/v1/registrations?owner=Juliet%40b.example' });
  const shown = {
    owner: 'juliet@b.example',
    service: 'push.b.example',
    node: 'n1',
    options: ['secret', 'device_id'],
    token: hashForPeople('secret-token'),
    session: 'phone',
    enabledAt: '2026-01-02T00:00:00.000Z',
  };
  assert.deepEqual(answer.json(), { registrations: [shown, { ...shown, options: [], token: '' }] });
  assert.doesNotMatch(answer.text, /hush|secret-token/);
  const head = await world.call({ method: 'HEAD', path: '/v1/registrations?owner=juliet%40b.example' });
  assert.deepEqual([head.status, head.text], [200, '']);
});

test('mongooseim 2.6: a list that cannot be read now is answered 503', async (t) => {
  const world = await openWorld(t);
  world.door.rows = undefined;
  const answer = await world.call({ path: '/v1/registrations?owner=juliet%40b.example' });
  assert.equal(answer.status, 503);
  assert.equal(answer.json()['error'], 'store-failed');
});
