import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startGateways } from '../../../src/fake/gateways-process.ts';
import { jwt, payload, topic } from './apns-world.ts';
import { GatewayClient } from './gateway-client.ts';
import { httpsRequest } from './https-client.ts';
import type { TestContext } from 'node:test';
import type { GatewaysProcess, GatewaysProcessOptions } from '../../../src/fake/gateways-process.ts';
import type { Answer } from './gateway-client.ts';

const device = '0f'.repeat(32);
const main = fileURLToPath(new URL('../../../src/fake/gateways-main.js', import.meta.url));

async function setup(t: TestContext, options: GatewaysProcessOptions): Promise<GatewaysProcess> {
  const gateways = await startGateways(options);
  t.after(() => gateways.stop());
  return gateways;
}

/** Pushes to the fake APNs with the credentials it gave. */
function pusher(t: TestContext, { ports, caPem, credentials }: GatewaysProcess): (token: string) => Promise<Answer> {
  const client = new GatewayClient(ports.apns, caPem);
  t.after(() => client.close());
  const { keyId, teamId, keyPem } = credentials.apns;
  const key = { keyId, teamId, keyPem, publicKeyPem: '' };
  const token = jwt(key, {}, { iss: teamId, iat: Math.floor(Date.now() / 1000) });
  const authorization = `bearer ${token}`;
  return (to) => client.post({ ':path': `/3/device/${to}`, 'apns-topic': topic, authorization }, payload);
}

test('gateways in another process accept what their credentials sign, count it and show it', async (t) => {
  const gateways = await setup(t, { gateways: ['apns', 'mongoosepush'] });
  assert.notEqual(gateways.pid, process.pid);
  assert.equal(gateways.ports.fcm, 0);
  const push = pusher(t, gateways);
  assert.equal((await push(device)).status, 200);
  assert.equal((await push('nonsense')).status, 400);
  const { apns, mongoosepush } = await gateways.counts();
  assert.deepEqual(apns, { received: 2, accepted: 1, connections: 1, connectionsTotal: 1 });
  assert.equal(mongoosepush.received, 0);
  const [newest] = await gateways.recent('apns', 1);
  assert.deepEqual([newest?.token, newest?.reason, newest?.status], ['nonsense', 'BadDeviceToken', 400]);
});

test('the script can be changed from the parent', async (t) => {
  const gateways = await setup(t, { gateways: ['apns'] });
  const push = pusher(t, gateways);
  await gateways.script('apns', { kind: 'all', behaviour: { kind: 'reject', status: 503, reason: 'Shutdown' } });
  assert.equal((await push(device)).status, 503);
  await gateways.script('apns', { kind: 'reset' });
  await gateways.unregister('apns', device);
  assert.equal((await push(device)).status, 410);
});

test('fcm brings the token endpoint that its key file names', async (t) => {
  const { ports, credentials, caPem } = await setup(t, { gateways: ['fcm'] });
  assert.ok(ports.oauth > 0);
  assert.equal(credentials.fcm.tokenUrl, `https://127.0.0.1:${ports.oauth}/token`);
  assert.equal(JSON.parse(credentials.fcm.serviceAccountJson).project_id, credentials.fcm.projectId);
  const refused = await httpsRequest({ port: ports.oauth, caPem, path: '/token', body: 'grant_type=none' });
  assert.equal(refused.status, 400);
});

test('the answering gateway takes its size and its stalls from the parent', async (t) => {
  const body = '{"name":"projects/p/messages/1"}';
  const gateways = await setup(t, { gateways: ['answering'], answeringStreamsMax: 50, answeringBody: body });
  const client = new GatewayClient(gateways.ports.answering, gateways.caPem);
  t.after(() => client.close());
  assert.equal(await client.streamLimit(), 50);
  assert.equal((await client.post({ ':path': '/x' }, 'x')).body, body);
  await gateways.script('answering', { kind: 'share', share: 1, behaviour: { kind: 'stall', answerAfterMs: 1 } });
  assert.equal((await client.post({ ':path': '/x' }, 'x')).status, 200);
  assert.equal((await gateways.counts()).answering.received, 2);
});

test('a port that is taken is told, and no process is left', async (t) => {
  const first = await setup(t, { gateways: ['mongoosepush'] });
  const { mongoosepush } = first.ports;
  await assert.rejects(startGateways({ gateways: ['mongoosepush'], ports: { mongoosepush } }), /EADDRINUSE/);
});

test('stopping ends the process; stopping again, or asking, does not hang', async () => {
  const gateways = await startGateways({ gateways: ['answering'] });
  await gateways.stop();
  assert.throws(() => process.kill(gateways.pid, 0), { code: 'ESRCH' });
  await gateways.stop();
  await assert.rejects(gateways.counts(), /has ended/);
});

test('started by hand it prints where it is, and ends on SIGTERM', async () => {
  const child = spawn(process.execPath, [main, 'mongoosepush'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface(child.stdout), 'line');
  const { ports, caPem } = JSON.parse(String(line));
  const health = await httpsRequest({ port: ports.mongoosepush, caPem, path: '/healthcheck', method: 'GET' });
  assert.equal(health.status, 200);
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
});

test('started by hand with an unknown name it says what it knows', async () => {
  const child = spawn(process.execPath, [main, 'wns'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit');
  const [line] = await once(createInterface(child.stderr), 'line');
  assert.match(String(line), /usage: .*apns/);
  assert.equal((await exited)[0], 2);
});
