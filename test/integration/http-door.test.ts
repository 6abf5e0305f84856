/** From an HTTP request to the gateway, through the whole engine. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createEngine } from '../../src/index.ts';
import { freePorts } from '../peers/server-process.ts';
import type { TestContext } from 'node:test';
import type { Engine } from '../../src/index.ts';

const deadline = { timeout: 30_000 };
const token = 'a-token-that-is-long-enough';
const phone = 'a-token-of-a-phone-0123456789';

interface World {
  readonly engine: Engine;
  readonly port: number;
  readonly send: (method: string, path: string, type?: string, body?: string) => Promise<Response>;
}

async function setup(t: TestContext): Promise<World> {
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-http-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const [port = 0] = await freePorts(1);
  const engine = await createEngine({
    engine: { data_dir: dataDir },
    registrations: { shards: 2, map_bytes: 16_777_216 },
    providers: [{ name: 'trial', kind: 'blackhole' }],
    push: { store: 'memory', virtual_hosts: ['push.@HOST@'] },
    http: { port, token },
  });
  t.after(() => engine.stop());
  const send: World['send'] = (method, path, type, body) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(type === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body }),
    });
  return { engine, port, send };
}

const registration = {
  owner: 'juliet@b.example',
  service: 'push.b.example',
  node: 'n1',
  options: { service: 'fcm', device_id: phone },
};
const event = { from: 'romeo@b.example/x', to: 'juliet@b.example', type: 'chat', body: 'hi', userStatus: 'offline' };

test('mongooseim 5.5: what is told by HTTP is enabled, pushed, listed and removed', deadline, async (t) => {
  const { engine, send } = await setup(t);
  await engine.start();
  const put = await send('PUT', '/v1/registrations', 'application/json', JSON.stringify(registration));
  assert.deepEqual([put.status, await put.json()], [200, { written: 1 }]);

  const pushed = await send('POST', '/v1/events', 'application/json', JSON.stringify([event, { from: 'x' }]));
  const { results } = (await pushed.json()) as {
    results: { kind: string; publishes?: { node: string; outcome: { kind: string } }[] }[];
  };
  assert.equal(pushed.status, 200);
  assert.deepEqual(
    results.map(({ kind }) => kind),
    ['pushed', 'invalid'],
  );
  assert.deepEqual(
    results[0]?.publishes?.map(({ node, outcome }) => [node, outcome.kind]),
    [['n1', 'accepted']],
  );

  const form = 'author=romeo&server=b.example&receiver=juliet&message=Hi%2C+Juliet%21';
  const taken = await send('POST', `/v1/mongooseim/${token}/events`, 'application/x-www-form-urlencoded', form);
  assert.deepEqual([taken.status, await taken.text()], [200, '']);

  const listed = await (await send('GET', '/v1/registrations?owner=juliet%40b.example')).text();
  assert.match(listed, /"node":"n1"/);
  assert.doesNotMatch(listed, new RegExp(phone));

  const removed = await send('DELETE', '/v1/accounts/juliet@b.example');
  assert.deepEqual([removed.status, await removed.json()], [200, { removed: 1 }]);

  const { http } = engine.figures();
  assert.deepEqual([http?.requests, http?.events, http?.invalid, http?.failed], [5, 3, 0, 0]);
});

test('6.1 an iq by HTTP enables, and its mistakes are answered as a server would', deadline, async (t) => {
  const { engine, send } = await setup(t);
  await engine.start();
  const iq = (id: string, jid: string): string =>
    `<iq type='set' id='${id}' from='juliet@b.example/phone' to='juliet@b.example'>` +
    `<enable xmlns='urn:xmpp:push:0' ${jid} node='n1'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>` +
    `<value>http://jabber.org/protocol/pubsub#publish-options</value></field><field var='service'><value>fcm</value>` +
    `</field><field var='device_id'><value>${phone}</value></field></x></enable></iq>`;
  const enabled = await send('POST', '/v1/iq', 'text/xml', iq('e1', "jid='push.b.example'"));
  assert.equal(enabled.status, 200);
  assert.match(await enabled.text(), /^<iq [^>]*type='result'/);
  const refused = await send('POST', '/v1/iq', 'text/xml', iq('e2', ''));
  assert.match(await refused.text(), /^<iq [^>]*type='error'[\s\S]*bad-request/);
  assert.equal((await send('POST', '/v1/iq', 'text/xml', '<iq/>')).status, 400);
  const listed = await (await send('GET', '/v1/registrations?owner=juliet%40b.example')).text();
  assert.match(listed, /"session":"phone"/);
});

test('mongooseim 5.5: the door is shut when the engine has stopped', deadline, async (t) => {
  const { engine, send } = await setup(t);
  await engine.start();
  assert.equal((await send('GET', '/healthz')).status, 200);
  await engine.stop();
  await assert.rejects(send('GET', '/healthz'));
});

test('mongooseim 5.5: an engine whose port is taken does not start', deadline, async (t) => {
  const { engine, port } = await setup(t);
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
  t.after(() => other.close());
  await assert.rejects(engine.start(), { code: 'E_HTTP_LISTEN' });
});
