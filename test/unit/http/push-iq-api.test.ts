import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openWorld } from './http-world.ts';
import type { Answer, World } from './http-world.ts';

const enable =
  "<iq type='set' id='e1' from='juliet@b.example/x'>" +
  "<enable xmlns='urn:xmpp:push:0' jid='push.example' node='ñ'/></iq>";

function post(world: World, body: string, type = 'text/xml; charset=utf-8'): Promise<Answer> {
  return world.call({ method: 'POST', path: '/v1/iq', headers: { 'content-type': type }, body });
}

test('6.1 an iq is handed to the engine as it came, and its reply comes back', async (t) => {
  const world = await openWorld(t);
  const reply = "<iq type='error' id='e1'><error type='modify'>ü</error></iq>";
  world.door.onIQ = () => Promise.resolve(reply);
  for (const type of ['text/xml', 'application/xml', 'text/xml; charset=utf-8']) {
    const answer = await post(world, enable, type);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'application/xml; charset=utf-8');
    assert.equal(answer.text, reply);
  }
  assert.deepEqual(world.door.stanzas, [enable, enable, enable]);
});

const other = 'this is not an iq of a user with <enable/> or <disable/>';
const wrong: readonly (readonly [what: string, body: string, says: string])[] = [
  ['nothing', '', 'empty'],
  ['no XML', 'hello', 'a stanza without an end'],
  ['half a stanza', enable.slice(0, -3), 'a stanza without an end'],
  ['two stanzas', enable + enable, 'more than one stanza'],
  ['a message', "<message to='a@b.example'><body>x</body></message>", other],
  ['a stream', '<stream:stream>', 'a second stream header'],
  ['a document type', `<!DOCTYPE x>${enable}`, 'a comment or a document type'],
  ['an undeclared prefix', "<iq type='set' id='1'><a:b/></iq>", 'a prefix that is not declared'],
];

for (const [what, body, says] of wrong) {
  test(`6.1 ${what} in place of an iq is refused`, async (t) => {
    const world = await openWorld(t);
    world.door.onIQ = () => Promise.resolve(undefined);
    const answer = await post(world, body);
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.json(), { error: 'invalid', message: says });
    world.door.onIQ = () => Promise.resolve(enable);
    assert.equal((await post(world, enable)).status, 200, 'the next goes on');
  });
}

test('6.1 an iq of another content type is refused', async (t) => {
  const world = await openWorld(t);
  assert.equal((await post(world, enable, 'application/json')).status, 415);
});
