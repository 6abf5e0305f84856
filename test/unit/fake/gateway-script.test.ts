import { test } from 'node:test';
import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { GatewayScript } from '../../../src/fake/gateway-script.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { device, payload, reasonOf, setup, topic } from './apns-world.ts';
import type { OutgoingHttpHeaders } from 'node:http2';
import type { TestContext } from 'node:test';
import type { ApnsWorld } from './apns-world.ts';
import type { Answer, GatewayClient, Lost } from './gateway-client.ts';

interface World extends ApnsWorld {
  readonly session: GatewayClient;
  readonly fields: OutgoingHttpHeaders;
  readonly push: (token?: string) => Promise<Answer | Lost>;
}

async function open(t: TestContext): Promise<World> {
  const world = await setup(t, { startWithOneStream: false });
  const session = world.client();
  const fields = { authorization: world.bearer(), 'apns-topic': topic, ':path': `/3/device/${device}` };
  const push = (token = device): Promise<Answer | Lost> =>
    session.send({ ...fields, ':path': `/3/device/${token}` }, payload);
  return { ...world, session, fields, push };
}

function answered(result: Answer | Lost): Answer {
  if ('lost' in result) assert.fail(`no answer, stream code ${result.code}`);
  return result;
}

test('a scripted rejection carries status, reason and fields, and lasts for the requests asked for', async (t) => {
  const { gateway, push } = await open(t);
  const behaviour = { kind: 'reject', status: 429, reason: 'TooManyRequests', fields: { 'retry-after': '7' } } as const;
  gateway.script({ kind: 'next', count: 2, behaviour });
  for (let round = 0; round < 2; round++) {
    const answer = answered(await push());
    assert.deepEqual([answer.status, reasonOf(answer)], [429, 'TooManyRequests']);
    assert.equal(answer.fields['retry-after'], '7');
  }
  assert.equal(answered(await push()).status, 200);
});

test('a behaviour can be set for one token, whatever its case', async (t) => {
  const { gateway, push } = await open(t);
  const behaviour = { kind: 'reject', status: 400, reason: 'BadDeviceToken' } as const;
  gateway.script({ kind: 'token', token: device.toUpperCase(), behaviour });
  assert.equal(answered(await push('12'.repeat(32))).status, 200);
  assert.equal(reasonOf(answered(await push())), 'BadDeviceToken');
  gateway.script({ kind: 'token', token: device, behaviour: { kind: 'accept' } });
  assert.equal(answered(await push()).status, 200);
});

test('a request that breaks a rule is answered by the rule, not by the scripted rejection', async (t) => {
  const { gateway, push } = await open(t);
  gateway.script({ kind: 'all', behaviour: { kind: 'reject', status: 503, reason: 'ServiceUnavailable' } });
  assert.equal(reasonOf(answered(await push('nonsense'))), 'BadDeviceToken');
  assert.equal(reasonOf(answered(await push())), 'ServiceUnavailable');
});

test('a stalled request is taken and answered after the time asked for, others meanwhile', async (t) => {
  const { gateway, clock, push } = await open(t);
  gateway.script({ kind: 'next', count: 1, behaviour: { kind: 'stall', answerAfterMs: 5_000 } });
  let ended = false;
  const stalled = push().then((answer) => {
    ended = true;
    return answer;
  });
  await gateway.received.waitFor(1);
  assert.equal(answered(await push()).status, 200);
  await clock.advance(4_999);
  assert.equal(answered(await push()).status, 200);
  assert.equal(ended, false);
  await clock.advance(1);
  assert.equal(answered(await stalled).status, 200);
});

test('a stall without an end is never answered, and stopping the gateway ends it', async (t) => {
  const { gateway, push } = await open(t);
  gateway.script({ kind: 'all', behaviour: { kind: 'stall', answerAfterMs: 0 } });
  const stalled = push();
  const [received] = await gateway.received.waitFor(1);
  assert.equal(received?.status, 0);
  await gateway.stop();
  assert.ok('lost' in (await stalled));
});

test('a share of stalled requests is the same in every run with one seed', () => {
  const decide = (seed: number): string => {
    const script = new GatewayScript(seededRandom(seed));
    script.apply({ kind: 'share', share: 0.25, behaviour: { kind: 'stall', answerAfterMs: 0 } });
    return Array.from({ length: 400 }, () => (script.behaviourFor('t').kind === 'stall' ? 's' : '.')).join('');
  };
  assert.equal(decide(7), decide(7));
  assert.notEqual(decide(7), decide(8));
  const stalls = decide(7).replaceAll('.', '').length;
  assert.ok(stalls > 70 && stalls < 130, `${stalls} of 400`);
});

test('3.6 a refused stream ends with REFUSED_STREAM, and the connection goes on', async (t) => {
  const { gateway, push } = await open(t);
  gateway.script({ kind: 'next', count: 1, behaviour: { kind: 'refuse-stream' } });
  assert.deepEqual(await push(), { lost: true, code: constants.NGHTTP2_REFUSED_STREAM });
  assert.equal(answered(await push()).status, 200);
  assert.equal(gateway.received.total, 1);
});

test('3.6 GOAWAY before a request disowns it and lets the earlier streams finish', async (t) => {
  const { gateway, clock, session, push } = await open(t);
  gateway.script({ kind: 'next', count: 1, behaviour: { kind: 'stall', answerAfterMs: 1_000 } });
  const earlier = push();
  await gateway.received.waitFor(1);
  const debug = '{"reason":"Shutdown"}';
  const behaviour = { kind: 'goaway', code: 0, debug, last: 'before', open: 'finish' } as const;
  gateway.script({ kind: 'next', count: 1, behaviour });
  const disowned = push();
  const goaway = await session.goaway();
  assert.deepEqual(goaway, { code: 0, lastStreamId: 1, debug });
  await clock.advance(1_000);
  assert.equal(answered(await earlier).status, 200);
  await session.closed();
  assert.ok('lost' in (await disowned));
  assert.equal(gateway.received.total, 1, 'the disowned request was not taken');
});

test('3.6 the first request of a connection can be disowned: last stream id 0', async (t) => {
  const { gateway, session, push } = await open(t);
  const behaviour = { kind: 'goaway', code: 2, debug: '', last: 'before', open: 'finish' } as const;
  gateway.script({ kind: 'next', count: 1, behaviour });
  const disowned = push();
  assert.deepEqual(await session.goaway(), { code: 2, lastStreamId: 0, debug: '' });
  assert.ok('lost' in (await disowned));
  await session.closed();
});

test('3.6 GOAWAY that includes a request answers it, or cuts it when told to drop', async (t) => {
  for (const openStreams of ['finish', 'drop'] as const) {
    const { gateway, session, push } = await open(t);
    const behaviour = { kind: 'goaway', code: 0, debug: '', last: 'this', open: openStreams } as const;
    gateway.script({ kind: 'next', count: 1, behaviour });
    const result = push();
    const goaway = await session.goaway();
    assert.equal(goaway.lastStreamId, 1);
    const ended = await result;
    assert.equal('lost' in ended, openStreams === 'drop');
    const [received] = await gateway.received.waitFor(1);
    assert.equal(received?.status, openStreams === 'drop' ? 0 : 200);
    await session.closed();
  }
});

test('GOAWAY can be sent on all connections at once', async (t) => {
  const { gateway, client, fields, session, push } = await open(t);
  const second = client();
  await Promise.all([push(), second.post(fields, payload)]);
  assert.equal(gateway.connections, 2);
  gateway.script({ kind: 'goaway', code: 0, debug: '{"reason":"Shutdown"}', open: 'finish' });
  const seen = await Promise.all([session.goaway(), second.goaway()]);
  assert.deepEqual(
    seen.map(({ lastStreamId }) => lastStreamId),
    [1, 1],
  );
  await Promise.all([session.closed(), second.closed()]);
});

test('a dropped connection loses the request; it is recorded only if it was read', async (t) => {
  for (const request of ['unread', 'read'] as const) {
    const { gateway, session, push } = await open(t);
    gateway.script({ kind: 'next', count: 1, behaviour: { kind: 'drop', request } });
    assert.ok('lost' in (await push()));
    await session.closed();
    assert.equal(gateway.received.total, request === 'read' ? 1 : 0);
  }
});

test('all connections can be cut', async (t) => {
  const { gateway, session, push } = await open(t);
  await push();
  gateway.script({ kind: 'drop-connections' });
  await session.closed();
  assert.equal(gateway.connectionsTotal, 1);
});

test('a muted connection stays open and answers nothing, a new one works', async (t) => {
  const { gateway, client, fields, session, push } = await open(t);
  await push();
  gateway.script({ kind: 'mute-connections' });
  const unanswered = push();
  const pongs: unknown[] = [];
  session.session.ping((error) => pongs.push(error));
  assert.equal((await client().post(fields, payload)).status, 200);
  assert.equal(gateway.received.total, 2);
  assert.equal(pongs.length, 0);
  assert.equal(session.session.destroyed, false);
  await session.close();
  assert.ok('lost' in (await unanswered));
  assert.ok(pongs[0] instanceof Error, 'the ping ended with the connection, unanswered');
});

test('a malformed answer is sent as given', async (t) => {
  const { gateway, push } = await open(t);
  const behaviour = {
    kind: 'malformed',
    status: 502,
    body: '<html>',
    fields: { 'content-type': 'text/html' },
  } as const;
  gateway.script({ kind: 'all', behaviour });
  const answer = answered(await push());
  assert.deepEqual([answer.status, answer.body, answer.fields['content-type']], [502, '<html>', 'text/html']);
});

test('3.7 an idle connection is closed with IdleTimeout, one with an open request is not', async (t) => {
  const { gateway, clock, session, push } = await open(t);
  await push();
  gateway.script({ kind: 'next', count: 1, behaviour: { kind: 'stall', answerAfterMs: 90_000 } });
  const slow = push();
  await gateway.received.waitFor(2);
  gateway.script({ kind: 'idle', closeAfterMs: 60_000 });
  await clock.advance(89_999);
  assert.equal(gateway.connections, 1);
  await clock.advance(1);
  assert.equal(answered(await slow).status, 200);
  await push(); // its answer proves that the gateway has seen the end of the slow one
  await clock.advance(60_000);
  assert.equal((await session.goaway()).debug, '{"reason":"IdleTimeout"}');
  await session.closed();
});

test('3.6 the stream limit of open and of new connections can be changed', async (t) => {
  const { gateway, client, fields, session, push } = await open(t);
  await push();
  const changed = session.streamLimit();
  gateway.script({ kind: 'streams', max: 1 });
  assert.equal(await changed, 1);
  const second = client();
  const first = second.streamLimit();
  await second.post(fields, payload);
  assert.equal(await first, 1);
});

test('a reset returns to the rules', async (t) => {
  const { gateway, push } = await open(t);
  const behaviour = { kind: 'reject', status: 503, reason: 'Shutdown' } as const;
  gateway.script({ kind: 'all', behaviour });
  gateway.script({ kind: 'token', token: device, behaviour });
  gateway.script({ kind: 'next', count: 9, behaviour });
  gateway.script({ kind: 'share', share: 1, behaviour });
  gateway.script({ kind: 'reset' });
  assert.equal(answered(await push()).status, 200);
});

test('waiting for a count ends with an error when the gateway stops', async (t) => {
  const { gateway } = await open(t);
  const waiting = assert.rejects(gateway.received.waitFor(1), /stopped after 0 of 1/);
  await gateway.stop();
  await waiting;
});
