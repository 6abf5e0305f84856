import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenCheck } from '../../../src/http/token-check.ts';
import { openWorld, token } from './http-world.ts';

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

const headers: readonly (readonly [header: string | undefined, isAccepted: boolean])[] = [
  [`Bearer ${token}`, true],
  [`bearer ${token}`, true],
  [`BEARER   ${token}  `, true],
  [basic(`meerkat:${token}`), true],
  [basic(`:${token}`), true],
  [`basic ${Buffer.from(`a:${token}`).toString('base64')}`, true],
  [undefined, false],
  ['', false],
  ['Bearer', false],
  ['Bearer ', false],
  [token, false],
  [`Bearer ${token}x`, false],
  [`Bearer ${token.slice(0, -1)}`, false],
  [`Bearer ${token.toUpperCase()}`, false],
  [`Bearer ${token} ${token}`, false],
  [`Digest ${token}`, false],
  [`Bearer ${Buffer.from(token).toString('base64')}`, false],
  [basic(token), false],
  [basic(`${token}:`), false],
  [basic(`a:b:${token}`), false],
  ['Basic !!!', false],
];

for (const [header, isAccepted] of headers) {
  const shown = String(header).replaceAll(token, 'TOKEN');
  test(`mongooseim 5.5: ${shown} is ${isAccepted ? 'accepted' : 'refused'}`, () => {
    assert.equal(new TokenCheck(token).acceptsHeader(header), isAccepted);
  });
}

const paths: readonly (readonly [path: string, isAccepted: boolean])[] = [
  [`/v1/mongooseim/${token}/events`, true],
  [`/v1/mongooseim/${token}`, true],
  [`/v1/mongooseim/${token}?a=b`, true],
  [`/v1/mongooseim/%74${token.slice(1)}/x`, true],
  ['/v1/mongooseim/events', false],
  ['/v1/mongooseim/', false],
  [`/v1/mongooseim/events/${token}`, false],
  [`/v1/mongooseim/${token}x/events`, false],
  ['/v1/mongooseim/%zz/events', false],
  [`/v1/events/${token}`, false],
  [`/x/v1/mongooseim/${token}/events`, false],
];

for (const [path, isAccepted] of paths) {
  test(`mongooseim 5.2: ${path.replaceAll(token, 'TOKEN')} ${isAccepted ? 'opens' : 'stays shut'}`, () => {
    assert.equal(new TokenCheck(token).acceptsPath(path), isAccepted);
  });
}

const endpoints: readonly (readonly [method: string, path: string])[] = [
  ['POST', '/v1/events'],
  ['POST', '/v1/mongooseim/events'],
  ['POST', '/v1/mongooseim/another-token-than-ours/events'],
  ['POST', '/v1/iq'],
  ['PUT', '/v1/registrations'],
  ['GET', '/v1/registrations?owner=a%40b.example'],
  ['HEAD', '/v1/registrations'],
  ['DELETE', '/v1/registrations?owner=a%40b.example&service=p.example'],
  ['DELETE', '/v1/accounts/a@b.example'],
  ['DELETE', '/v1/domains/b.example'],
  ['GET', '/nowhere'],
  ['DELETE', '/v1/events'],
];

for (const [method, path] of endpoints) {
  test(`mongooseim 5.5: ${method} ${path} is nothing for callers without the token`, async (t) => {
    const world = await openWorld(t);
    const answer = await world.call({
      method,
      path,
      headers: { authorization: 'Bearer guessed-secret-value', 'content-type': 'application/json' },
      body: method === 'HEAD' ? '' : '{}',
    });
    assert.equal(answer.status, 401);
    assert.equal(answer.headers['www-authenticate'], 'Bearer realm="meerkat", Basic realm="meerkat"');
    if (method !== 'HEAD') assert.equal(answer.json()['error'], 'unauthorized');
    assert.doesNotMatch(answer.text, /guessed|another/);
    assert.deepEqual([world.door.batches, world.door.asked, world.door.stanzas], [[], [], []]);
    assert.equal(world.server.figures.unauthorized, 1);
    assert.equal(world.log.length, 1);
    assert.doesNotMatch(JSON.stringify(world.log), /guessed|another|the-token/);
  });
}

test('mongooseim 5.2: a token in the path opens nothing else', async (t) => {
  const world = await openWorld(t);
  const headersWithout = { authorization: '' };
  const path = `/v1/mongooseim/${token}/events`;
  const inside = await world.call({ method: 'DELETE', path, headers: headersWithout });
  assert.equal(inside.status, 405);
  assert.doesNotMatch(inside.text, new RegExp(token));
  for (const other of [`/v1/registrations/${token}`, `/v1/events?token=${token}`]) {
    assert.equal((await world.call({ method: 'POST', path: other, headers: headersWithout })).status, 401);
  }
});

test('mongooseim 5.5: a thousand wrong tokens are one line in the log', async (t) => {
  const world = await openWorld(t);
  for (let count = 0; count < 20; count++)
    await world.call({ path: '/v1/registrations', headers: { authorization: '' } });
  assert.equal(world.log.length, 1);
  assert.equal(world.server.figures.unauthorized, 20);
});
