import { test } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect } from 'node:tls';
import { AnsweringGateway } from '../../../src/fake/answering-gateway.ts';
import { makeAuthority } from '../../../src/fake/certificates.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { frameFlags, frameTypes, preface, smallFrame } from '../../../src/transport/h2/frames.ts';
import { within } from '../../peers/deadline.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import { GatewayClient } from './gateway-client.ts';
import type { TestContext } from 'node:test';
import type { Authority } from '../../../src/fake/certificates.ts';
import type { AnsweringGatewayOptions } from '../../../src/fake/answering-gateway.ts';

interface World {
  readonly gateway: AnsweringGateway;
  readonly clock: VirtualClock;
  readonly client: GatewayClient;
  readonly authority: Authority;
  readonly port: number;
}

async function setup(t: TestContext, options: Partial<AnsweringGatewayOptions> = {}): Promise<World> {
  const clock = new VirtualClock();
  const authority = await makeAuthority(clock);
  const tls = await authority.server();
  const gateway = new AnsweringGateway({ clock, random: seededRandom(1), tls, ...options });
  const { port } = await gateway.start();
  const client = new GatewayClient(port, authority.caPem);
  t.after(async () => {
    await client.close();
    await gateway.stop();
  });
  return { gateway, clock, client, authority, port };
}

const fields = { ':path': '/3/device/abc', 'apns-topic': 'com.example.app' };

test('every request is answered 200, with and without a body', async (t) => {
  const { gateway, client } = await setup(t, { streamsMax: 100 });
  assert.equal(await client.streamLimit(), 100);
  const answers = await Promise.all(
    Array.from({ length: 500 }, (_, index) => client.post(fields, index % 2 === 0 ? '{"aps":{}}' : '')),
  );
  assert.ok(answers.every(({ status, body }) => status === 200 && body === ''));
  assert.equal(gateway.requests, 500);
  assert.equal(gateway.connections, 1);
});

test('the answer may have a body', async (t) => {
  const body = '{"name":"projects/p/messages/1"}';
  const { client } = await setup(t, { body });
  assert.equal((await client.post(fields, 'x')).body, body);
});

test('a body that would need flow control is refused at construction', async () => {
  const clock = new VirtualClock();
  const tls = await (await makeAuthority(clock)).server();
  const body = 'x'.repeat(100);
  assert.throws(() => new AnsweringGateway({ clock, random: seededRandom(1), tls, body, streamsMax: 1000 }), /65535/);
});

test('bodies larger than a frame and headers in continuation frames are read', async (t) => {
  const { client, gateway } = await setup(t);
  const answer = await client.post({ ...fields, 'x-long': 'y'.repeat(40_000) }, 'z'.repeat(300_000));
  assert.equal(answer.status, 200);
  assert.equal(gateway.requests, 1);
});

test('a stream of frames cut at any byte is read as it was written', { timeout: 20_000 }, async (t) => {
  const { gateway, authority, port } = await setup(t);
  const request = (id: number): Buffer[] => [
    smallFrame(frameTypes.headers, frameFlags.endHeaders, id, Buffer.alloc(20)),
    smallFrame(frameTypes.data, frameFlags.endStream, id, Buffer.alloc(30)),
  ];
  const settings = smallFrame(frameTypes.settings, 0, 0, Buffer.alloc(0));
  const bytes = Buffer.concat([preface, settings, ...[1, 3, 5].flatMap(request)]);
  for (let cut = 1; cut < bytes.length; cut += 7) {
    const socket = connect({ port, host: '127.0.0.1', ca: authority.caPem, ALPNProtocols: ['h2'] });
    await once(socket, 'secureConnect');
    const before = gateway.requests;
    socket.setNoDelay(true);
    for (let at = 0; at < bytes.length; at += cut) socket.write(bytes.subarray(at, at + cut));
    let answer = Buffer.alloc(0);
    while (!answer.includes(answerTo(5))) answer = Buffer.concat([answer, ...(await once(socket, 'data'))]);
    for (const id of [1, 3]) assert.ok(answer.includes(answerTo(id)), `${id} in pieces of ${cut}`);
    assert.equal(gateway.requests, before + 3);
    socket.destroy();
  }
});

test('pings are answered', async (t) => {
  const { client } = await setup(t);
  await client.post(fields, '');
  const payload = Buffer.from('12345678');
  const echoed = await new Promise<Buffer>((resolve, reject) => {
    client.session.ping(payload, (error, _duration, echo) => (error === null ? resolve(echo) : reject(error)));
  });
  assert.deepEqual(Buffer.from(echoed), payload);
});

test('a share of the requests is stalled, and answered after the time asked for', async (t) => {
  const { gateway, client, clock } = await setup(t);
  gateway.stall({ share: 0.5, answerAfterMs: 3_000 });
  let answered = 0;
  const all = Promise.all(
    Array.from({ length: 100 }, async () => {
      await client.post(fields, 'x');
      answered++;
    }),
  );
  while (gateway.requests < 100 || answered + clock.pending < 100) await nextTurn();
  assert.ok(clock.pending > 30 && clock.pending < 70, `${clock.pending} of 100 stalled`);
  await clock.advance(3_000);
  await all;
});

test('a stall without an end is never answered, and stopping leaves no timer', async (t) => {
  const { gateway, client, clock } = await setup(t);
  gateway.stall({ share: 1, answerAfterMs: 0 });
  const never = client.send(fields, 'x');
  gateway.stall({ share: 1, answerAfterMs: 60_000 });
  const later = client.send(fields, 'x');
  while (gateway.requests < 2) await nextTurn();
  await gateway.stop();
  assert.ok('lost' in (await never));
  assert.ok('lost' in (await later));
  assert.equal(clock.pending, 0);
});

/** HEADERS with `:status: 200`, END_STREAM and END_HEADERS. */
function answerTo(id: number): Buffer {
  return Buffer.from([0, 0, 1, 1, 5, 0, 0, 0, id, 0x88]);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

test('stop does not wait for a client that has not finished its handshake', async (t) => {
  const { gateway, client, port } = await setup(t);
  const silent = connectTcp(port, '127.0.0.1');
  silent.on('error', () => undefined);
  await once(silent, 'connect');
  await client.post(fields, ''); // accepted after the other
  const closed = once(silent, 'close');
  try {
    await within('the stop', gateway.stop(), 5_000);
  } finally {
    silent.destroy();
  }
  await closed;
});
