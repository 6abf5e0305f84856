import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { test } from 'node:test';
import { systemClock } from '../../../src/core/clock.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { makeAuthority } from '../../../src/fake/certificates.ts';
import { MongoosePushGateway } from '../../../src/fake/mongoosepush-gateway.ts';
import { HttpsRequests } from '../../../src/transport/https-requests.ts';
import { Watch } from '../../conformance/http2-peer.ts';
import type { TestContext } from 'node:test';
import type { HttpsResult } from '../../../src/transport/https-exchange.ts';

const shared = makeAuthority(systemClock);
const body = '{"service":"fcm","data":{}}';

/** MongoosePush speaks both versions of HTTP, which is what these requests are for. */
async function setup(t: TestContext, options: { connections?: number; h2?: boolean } = {}) {
  const authority = await shared;
  const tls = await authority.server();
  const gateway = new MongoosePushGateway({
    ...{ clock: systemClock, random: seededRandom(2), tls, receivedMax: 10_000 },
    h2: options.h2 ?? true,
  });
  const { port } = await gateway.start();
  const requests = new HttpsRequests({
    clock: systemClock,
    origin: `https://localhost:${port}`,
    ca: authority.caPem,
    proxyUrl: '',
    httpVersion: '2',
    connections: options.connections ?? 1,
    waitingMax: 1_000,
  });
  t.after(async () => {
    await requests.drain(0);
    await gateway.stop();
  });
  const watch = new Watch();
  const results: HttpsResult[] = [];
  const send = (token: string, lifeMs: number): void => {
    const request = { method: 'POST', path: `/v3/notification/${token}`, fields: json, body } as const;
    requests.send(request, epochMs(Date.now() + lifeMs), {
      ended(result) {
        results.push(result);
        watch.changed();
      },
    });
  };
  const sendMany = (count: number, lifeMs = 10_000, token = 'd'): void => {
    for (let index = 0; index < count; index++) send(token, lifeMs);
  };
  const ended = async (count: number): Promise<readonly string[]> => {
    await watch.until(`${count} results`, () => results.length >= count);
    return results.splice(0).map((one) => (one.kind === 'failed' ? one.failure : one.kind));
  };
  return { gateway, requests, send, sendMany, ended, results };
}

const json = { 'content-type': 'application/json' };
const each = (count: number, what: string): readonly string[] => Array.from({ length: count }, () => what);

test('https over HTTP/2: one connection carries many requests at a time', async (t) => {
  const { gateway, sendMany, ended } = await setup(t, { connections: 4 });
  gateway.script({ kind: 'next', count: limits.httpsStreamsMax, behaviour: { kind: 'stall', answerAfterMs: 300 } });
  sendMany(limits.httpsStreamsMax);
  await gateway.received.waitFor(limits.httpsStreamsMax);
  assert.deepEqual(await ended(limits.httpsStreamsMax), each(limits.httpsStreamsMax, 'response'));
  assert.equal(gateway.connectionsTotal, 1);
});

test('https over HTTP/2: more than one connection carries go over others, more than those wait', async (t) => {
  const { gateway, sendMany, ended } = await setup(t, { connections: 2 });
  const count = limits.httpsStreamsMax * 3;
  sendMany(count);
  assert.deepEqual(await ended(count), each(count, 'response'));
  assert.equal(gateway.connectionsTotal, 2);
});

test('https over HTTP/2: a server that does not choose it is no use', async (t) => {
  const { gateway, sendMany, ended, results } = await setup(t, { h2: false });
  sendMany(3);
  assert.deepEqual(await ended(3), each(3, 'not-sent'));
  assert.deepEqual(results, []);
  assert.equal(gateway.received.total, 0);
});

test('https over HTTP/2: a stalled request ends at its deadline and holds up no other', async (t) => {
  const { gateway, send, sendMany, ended } = await setup(t);
  gateway.script({ kind: 'token', token: 'slow', behaviour: { kind: 'stall', answerAfterMs: 0 } });
  send('slow', 400);
  sendMany(10);
  assert.deepEqual(await ended(11), [...each(10, 'response'), 'deadline']);
  sendMany(1);
  assert.deepEqual(await ended(1), ['response']);
  assert.equal(gateway.connectionsTotal, 1);
});

test('https over HTTP/2: what a GOAWAY or a cut finds in flight may be taken, and is written once', async (t) => {
  for (const end of ['goaway', 'cut'] as const) {
    const { gateway, sendMany, ended } = await setup(t);
    gateway.script({ kind: 'token', token: 'held', behaviour: { kind: 'stall', answerAfterMs: 0 } });
    sendMany(20, 10_000, 'held');
    await gateway.received.waitFor(20);
    const code = constants.NGHTTP2_NO_ERROR;
    gateway.script(end === 'cut' ? { kind: 'drop-connections' } : { kind: 'goaway', code, debug: '', open: 'drop' });
    assert.deepEqual(await ended(20), each(20, 'no-answer'), end);
    sendMany(5);
    assert.deepEqual(await ended(5), each(5, 'response'), end);
    assert.equal(gateway.received.total, 25, end);
    assert.equal(gateway.connectionsTotal, 2, end);
  }
});

test('https over HTTP/2: a refused stream was not sent (RFC 9113 §8.7)', async (t) => {
  const { gateway, sendMany, ended } = await setup(t);
  gateway.script({ kind: 'next', count: 1, behaviour: { kind: 'refuse-stream' } });
  sendMany(1);
  assert.deepEqual(await ended(1), ['not-sent']);
  assert.equal(gateway.received.total, 0);
});

test('https over HTTP/2: a connection that answers nothing any more is opened anew', async (t) => {
  const { gateway, sendMany, ended } = await setup(t);
  sendMany(1);
  await ended(1);
  gateway.script({ kind: 'mute-connections' });
  sendMany(limits.httpsUnansweredMax, 200);
  const silent = await ended(limits.httpsUnansweredMax);
  assert.ok(
    silent.every((end) => end === 'deadline' || end === 'no-answer'),
    silent.join(' '),
  );
  sendMany(1);
  assert.deepEqual(await ended(1), ['response']);
  assert.equal(gateway.connectionsTotal, 2);
});
