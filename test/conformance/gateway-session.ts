/**
 * What every implementation of the gateway port must do, whichever HTTP/2 client it is made of. Run it with
 * `gatewaySessionConformance(name, open)`; real sockets, real TLS, and a peer that misbehaves on demand.
 */
import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { systemClock } from '../../src/core/clock.ts';
import { epochMs } from '../../src/core/ids.ts';
import { limits } from '../../src/core/limits.ts';
import { makeAuthority } from '../../src/fake/certificates.ts';
import { HandClock, farMs, openWorld, test, turn } from './gateway-session-world.ts';
import { answerError, answerOk } from './http2-peer.ts';
import type { TestContext } from 'node:test';
import type { OpenGatewaySession } from '../../src/transport/gateway-session.ts';
import type { Changes, World } from './gateway-session-world.ts';

export function gatewaySessionConformance(name: string, open: OpenGatewaySession): void {
  const setup = (t: TestContext, changes: Changes = {}): Promise<World> => openWorld(t, open, changes);

  test(`${name}: a request arrives whole and its response comes back`, async (t) => {
    const { peer, ends, send, ended } = await setup(t);
    peer.answer = (request) => answerError(request, 400, '{"reason":"BadTopic"}');
    assert.equal(send(7), 'taken');
    await ended(1);
    const [request] = peer.requests;
    assert.equal(request?.path, '/3/device/7');
    assert.equal(request?.body, '{"tag":7}');
    assert.equal(request?.headers['x-tag'], '7');
    assert.equal(request?.headers['content-type'], 'application/json');
    assert.equal(request?.headers[':method'], 'POST');
    assert.deepEqual(ends.get(7), { kind: 'responded', status: 400, fields: {}, body: '{"reason":"BadTopic"}' });
  });

  test(`${name}: shared fields and the request's own arrive in their order, none of them twice`, async (t) => {
    const { peer, session, ended } = await setup(t);
    peer.answer = answerOk;
    const common = { authorization: 'bearer first', 'apns-topic': 'com.example.app' };
    const deadlineMs = epochMs(Date.now() + farMs);
    for (let tag = 0; tag < 3; tag++) {
      session.request(
        { path: `/${tag}`, shared: common, fields: { 'apns-id': `id-${tag}` }, body: '{}' },
        tag,
        deadlineMs,
      );
    }
    const other = { ...common, authorization: 'bearer second' };
    session.request({ path: '/3', shared: other, fields: {}, body: '{}' }, 3, deadlineMs);
    await ended(4);
    const own = peer.requests.map(({ fields }) => fields.filter(([field]) => !field.startsWith(':')));
    assert.deepEqual(own[2], [
      ['content-type', 'application/json'],
      ['authorization', 'bearer first'],
      ['apns-topic', 'com.example.app'],
      ['apns-id', 'id-2'],
    ]);
    assert.deepEqual(own[3]?.slice(1), [
      ['authorization', 'bearer second'],
      ['apns-topic', 'com.example.app'],
    ]);
  });

  test(`${name}: of the response fields those are told that were asked for`, async (t) => {
    const { peer, ends, send, ended } = await setup(t, { replyFields: ['apns-id', 'retry-after', 'date'] });
    peer.answer = ({ stream }) =>
      stream.respond(
        { ':status': 429, 'retry-after': '7', 'apns-unique-id': 'u', 'x-other': 'y' },
        { endStream: true },
      );
    send(1);
    await ended(1);
    const end = ends.get(1);
    assert.ok(end?.kind === 'responded');
    const { date, ...others } = end.fields;
    assert.ok(date !== undefined && !Number.isNaN(Date.parse(date)));
    assert.deepEqual(others, { 'retry-after': '7' });
  });

  test(`${name}: response fields are told by lower-case names`, async (t) => {
    const { peer, ends, send, ended } = await setup(t);
    peer.answer = answerOk;
    send(1);
    await ended(1);
    assert.deepEqual(ends.get(1), { kind: 'responded', status: 200, fields: { 'apns-id': 'id-1' }, body: '' });
  });

  test(`${name}: many requests share one connection`, async (t) => {
    const { peer, send, ended, kinds } = await setup(t);
    peer.answer = answerOk;
    for (let tag = 0; tag < 300; tag++) send(tag);
    await ended(300);
    assert.equal(peer.connectionsTotal, 1);
    assert.ok(kinds().every((kind) => kind === '200'));
  });

  test(`${name}: the first request of a fresh connection goes alone until it is answered`, async (t) => {
    const { peer, watch, send, ended } = await setup(t, { firstAlone: true });
    for (let tag = 0; tag < 200; tag++) send(tag);
    await watch.until('one request', () => peer.requests.length === 1);
    await turn();
    assert.equal(peer.requests.length, 1);
    peer.answer = answerOk;
    const [first] = peer.requests;
    assert.ok(first);
    answerOk(first);
    await ended(200);
    assert.equal(peer.connectionsTotal, 1);
  });

  test(`${name}: the peer's stream limit is followed down to 1 and up again`, async (t) => {
    const { peer, watch, send, ended } = await setup(t, { sessionsMax: 1, peer: { streamsMax: 1 } });
    let unanswered = 0;
    let most = 0;
    const held: (() => void)[] = [];
    peer.answer = (request) => {
      unanswered += 1;
      most = Math.max(most, unanswered);
      held.push(() => {
        unanswered -= 1;
        answerOk(request);
      });
    };
    const release = (): void => held.splice(0).forEach((go) => go());
    for (let tag = 0; tag < 40; tag++) send(tag);
    await watch.until('one held', () => held.length === 1);
    release();
    await watch.until('one more held', () => held.length === 1);
    assert.equal(most, 1);
    peer.sessions[0]?.settings({ maxConcurrentStreams: 1000 });
    await watch.until('all the others held', () => held.length === 39);
    release();
    await ended(40);
    most = 0;
    await new Promise<void>((resolve) => peer.sessions[0]?.settings({ maxConcurrentStreams: 1 }, () => resolve()));
    for (let tag = 40; tag < 43; tag++) send(tag);
    for (let count = 41; count <= 43; count++) {
      await watch.until('one held', () => held.length === 1);
      release();
      await ended(count);
    }
    assert.equal(most, 1);
  });

  test(`${name}: the configured stream limit holds when the peer allows more`, async (t) => {
    const { peer, watch, send, ended } = await setup(t, { sessionsMax: 1, streamsMax: 5 });
    for (let tag = 0; tag < 20; tag++) send(tag);
    await watch.until('five requests', () => peer.requests.length === 5);
    await turn();
    assert.equal(peer.requests.length, 5);
    peer.answer = answerOk;
    peer.requests.forEach(answerOk);
    await ended(20);
  });

  test(`${name}: a second connection opens only when the first is full, a third never`, async (t) => {
    const { peer, watch, send } = await setup(t, { streamsMax: 2 });
    send(0);
    send(1);
    await watch.until('two requests', () => peer.requests.length === 2);
    assert.equal(peer.connectionsTotal, 1);
    for (let tag = 2; tag < 9; tag++) send(tag);
    await watch.until('four requests', () => peer.requests.length === 4);
    assert.equal(peer.connectionsTotal, 2);
    assert.equal(new Set(peer.requests.map((request) => request.session)).size, 2);
  });

  test(`${name}: no more is started than the peer's flow control takes, so that nothing is overtaken`, async (t) => {
    const { peer, session, ended, kinds } = await setup(t, { sessionsMax: 1 });
    peer.answer = answerOk;
    // Eight times what the peer's window takes.
    const body = 'x'.repeat(2_048);
    const paths = Array.from({ length: 256 }, (_, tag) => `/3/device/${tag}`);
    paths.forEach((path, tag) => {
      session.request({ path, shared: {}, fields: {}, body }, tag, epochMs(Date.now() + farMs));
    });
    await ended(paths.length);
    assert.ok(kinds().every((kind) => kind === '200'));
    // One body may be cut where a window ends; it is not overtaken by more than the next window holds.
    const late = peer.requests.map(({ path }, place) => place - paths.indexOf(path));
    assert.ok(Math.max(...late) <= 32, `overtaken by ${Math.max(...late)}`);
  });

  test(`${name}: the waiting queue is bounded and answers full`, async (t) => {
    const { ends, send } = await setup(t, { waitingMax: 3 });
    assert.deepEqual([send(0), send(1), send(2), send(3)], ['taken', 'taken', 'taken', 'full']);
    assert.ok(!ends.has(3));
  });

  test(`${name}: after GOAWAY the open stream finishes while new requests use a new connection`, async (t) => {
    const { peer, watch, ends, send, ended } = await setup(t);
    send(0);
    await watch.until('a request', () => peer.requests.length === 1);
    const [first] = peer.requests;
    assert.ok(first);
    first.session.goaway(constants.NGHTTP2_NO_ERROR, first.stream.id, Buffer.from('{"reason":"Shutdown"}'));
    await watch.until('a replacement', () => peer.connectionsTotal === 2);
    peer.answer = answerOk;
    send(1);
    await ended(1);
    assert.equal(ends.get(1)?.kind, 'responded');
    answerOk(first);
    await ended(2);
    assert.equal(ends.get(0)?.kind, 'responded');
    assert.equal(peer.connectionsTotal, 2);
    await watch.until('the old connection closed', () => peer.connectionsOpen === 1);
  });

  test(`${name}: requests above GOAWAY's last stream id are sent once more by themselves, in order`, async (t) => {
    const { peer, watch, send, ended, kinds } = await setup(t);
    peer.answer = (request) => {
      if (peer.sessions.length > 1) answerOk(request);
    };
    for (let tag = 0; tag < 5; tag++) send(tag);
    await watch.until('five requests', () => peer.requests.length === 5);
    const second = peer.requests[1];
    assert.ok(second);
    second.session.goaway(constants.NGHTTP2_NO_ERROR, second.stream.id);
    await ended(3);
    assert.deepEqual(kinds(), ['200', '200', '200']);
    assert.deepEqual(
      peer.requests.slice(5).map((request) => request.path),
      ['/3/device/2', '/3/device/3', '/3/device/4'],
    );
    peer.requests.slice(0, 2).forEach(answerOk);
    await ended(5);
  });

  test(`${name}: a request that is refused twice fails as not-sent`, async (t) => {
    const { peer, ends, send, ended } = await setup(t);
    peer.answer = (request) => request.stream.close(constants.NGHTTP2_REFUSED_STREAM);
    send(0);
    await ended(1);
    assert.equal(peer.requests.length, 2);
    const end = ends.get(0);
    assert.ok(end?.kind === 'failed' && end.failure === 'not-sent', JSON.stringify(end));
  });

  test(`${name}: a storm of refusals ends the connection and stays bounded`, async (t) => {
    const { peer, send, ended, kinds } = await setup(t, { sessionsMax: 1 });
    peer.answer = (request) => request.stream.close(constants.NGHTTP2_REFUSED_STREAM);
    for (let tag = 0; tag < 100; tag++) send(tag);
    await ended(100);
    assert.ok(kinds().every((kind) => kind === 'not-sent'));
    assert.ok(peer.requests.length <= 200, `${peer.requests.length} requests`);
    assert.ok(peer.connectionsTotal >= 2 && peer.connectionsTotal <= 14, `${peer.connectionsTotal} connections`);
  });

  test(`${name}: a cut connection leaves what was written without an answer, and the next request works`, async (t) => {
    const { peer, watch, send, ended, kinds } = await setup(t);
    peer.answer = (request) => {
      if (request.path.endsWith('/0')) answerOk(request);
    };
    send(0);
    await ended(1);
    for (let tag = 1; tag < 4; tag++) send(tag);
    await watch.until('all written', () => peer.requests.length === 4);
    peer.cut();
    await ended(4);
    assert.deepEqual(kinds().slice(1), ['no-answer', 'no-answer', 'no-answer']);
    peer.answer = answerOk;
    send(9);
    await ended(5);
    assert.equal(kinds()[4], '200');
  });

  test(`${name}: GOAWAY with an error leaves what the peer may have acted on as no-answer`, async (t) => {
    const { peer, watch, ends, send, ended } = await setup(t);
    send(0);
    await watch.until('a request', () => peer.requests.length === 1);
    const [first] = peer.requests;
    assert.ok(first);
    first.session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, first.stream.id, Buffer.from('too_many_pings'));
    first.session.destroy();
    await ended(1);
    const end = ends.get(0);
    assert.ok(end?.kind === 'failed' && end.failure === 'no-answer', JSON.stringify(end));
    assert.match(end.reason, /ENHANCE_YOUR_CALM/);
  });

  test(`${name}: a stalled request ends at its deadline and its stream is cancelled`, async (t) => {
    const { peer, watch, ends, send, ended } = await setup(t);
    peer.answer = (request) => {
      if (request.path.endsWith('/1')) answerOk(request);
    };
    send(0, 150);
    send(1);
    await ended(2);
    assert.equal(ends.get(1)?.kind, 'responded');
    const end = ends.get(0);
    assert.ok(end?.kind === 'failed' && end.failure === 'deadline');
    await watch.until('a reset', () => peer.resets.includes(constants.NGHTTP2_CANCEL));
  });

  test(`${name}: a request that could not be written by its deadline says so`, async (t) => {
    const { peer, ends, send, ended } = await setup(t, { sessionsMax: 1, streamsMax: 1 });
    send(0);
    send(1, 100);
    await ended(1);
    const end = ends.get(1);
    assert.ok(end?.kind === 'failed' && end.failure === 'deadline-unsent');
    assert.ok(peer.requests.length <= 1);
  });

  test(`${name}: an unreachable gateway fails what waits long before its deadline`, async (t) => {
    const { peer, send, ended, kinds } = await setup(t);
    await peer.stopListening();
    for (let tag = 0; tag < 3; tag++) send(tag);
    await ended(3);
    assert.deepEqual(kinds(), ['not-sent', 'not-sent', 'not-sent']);
  });

  test(`${name}: a gateway that comes back is used again`, async (t) => {
    const { peer, watch, send, ended, kinds } = await setup(t);
    const port = await peer.stopListening();
    send(0);
    await ended(1);
    await peer.listenAgain(port);
    peer.answer = answerOk;
    let tag = 1;
    // What is sent while the pool waits to dial again is answered not-sent: go on until one gets through.
    while (!kinds().includes('200')) {
      send(tag++);
      const count = tag;
      await watch.until('an end', () => kinds().length >= count);
    }
    assert.equal(peer.connectionsOpen, 1);
  });

  test(`${name}: a certificate for another name is refused`, async (t) => {
    const { ends, send, ended } = await setup(t, { servername: 'elsewhere.example' });
    send(0);
    await ended(1);
    const end = ends.get(0);
    assert.ok(end?.kind === 'failed' && end.failure === 'not-sent');
    assert.match(end.reason, /CERT|ALTNAME/);
  });

  test(`${name}: an authority that is not trusted is refused`, async (t) => {
    const other = await makeAuthority(systemClock);
    const { ends, send, ended } = await setup(t, { ca: other.caPem });
    send(0);
    await ended(1);
    assert.equal(ends.get(0)?.kind, 'failed');
  });

  test(`${name}: the client certificate is presented`, async (t) => {
    const authority = await makeAuthority(systemClock);
    const client = await authority.client({ topic: 'com.example.app' });
    const { peer, send, ended, kinds } = await setup(t, {
      certificatePem: client.certPem,
      keyPem: client.keyPem,
      peer: { clientCaPem: authority.caPem },
    });
    peer.answer = answerOk;
    send(0);
    await ended(1);
    assert.deepEqual(kinds(), ['200']);
  });

  test(`${name}: silence is broken by PING, and a connection that does not answer it is closed`, async (t) => {
    const clock = new HandClock();
    const { peer, watch, send, ended, kinds } = await setup(t, { clock, pingAfterMs: limits.gatewayPingAfterMs });
    peer.answer = (request) => {
      if (request.path.endsWith('/0')) answerOk(request);
    };
    send(0);
    await ended(1);
    await clock.advance(limits.gatewayPingAfterMs);
    await watch.until('a ping', () => peer.pings === 1);
    send(1, 600_000);
    await watch.until('the second request', () => peer.requests.length === 2);
    peer.freeze();
    await clock.advance(limits.gatewayPingAfterMs + limits.gatewayPingAnswerMs);
    await clock.advance(limits.gatewayPingAfterMs + limits.gatewayPingAnswerMs);
    await ended(2);
    assert.equal(kinds()[1], 'no-answer');
  });

  test(`${name}: without a ping interval there is never a PING`, async (t) => {
    const clock = new HandClock();
    const { peer, send, ended } = await setup(t, { clock });
    peer.answer = answerOk;
    send(0);
    await ended(1);
    await clock.advance(3_600_000);
    send(1);
    await ended(2);
    assert.equal(peer.pings, 0);
    assert.equal(peer.connectionsTotal, 1);
  });

  test(`${name}: a response larger than the bound is told by its status`, async (t) => {
    const { peer, ends, send, ended } = await setup(t);
    peer.answer = (request) => answerError(request, 500, 'x'.repeat(limits.gatewayResponseBytesMax + 1));
    send(0);
    await ended(1);
    assert.deepEqual(ends.get(0), { kind: 'responded', status: 500, fields: {}, body: '' });
  });

  for (const [what, fields] of [
    ['a line break in a value', { 'x-bad': 'line\nbreak' }],
    ['white space at the end of a value', { 'x-bad': 'bearer ' }],
    ['a value that is not Latin-1', { 'x-bad': '漢' }],
    ['a space in a name', { 'x bad': 'value' }],
  ] as const) {
    test(`${name}: ${what} ends that request alone`, async (t) => {
      const { peer, session, ends, send, ended } = await setup(t);
      peer.answer = answerOk;
      send(0);
      await ended(1);
      session.request({ path: '/x', shared: {}, fields, body: '' }, 1, epochMs(Date.now() + farMs));
      send(2);
      await ended(3);
      const end = ends.get(1);
      assert.ok(end?.kind === 'failed' && end.failure === 'not-sent', JSON.stringify(end));
      assert.equal(ends.get(2)?.kind, 'responded');
      assert.equal(peer.connectionsTotal, 1);
    });
  }

  test(`${name}: renew lets what is in flight finish and opens a new connection for what comes`, async (t) => {
    const clock = new HandClock();
    const { peer, session, watch, send, ended, kinds } = await setup(t, { clock });
    send(0);
    await watch.until('a request', () => peer.requests.length === 1);
    const [first] = peer.requests;
    assert.ok(first);
    await clock.advance(limits.gatewayRenewGapMs);
    session.renew();
    peer.answer = answerOk;
    send(1);
    await ended(1);
    assert.equal(peer.connectionsTotal, 2);
    answerOk(first);
    await ended(2);
    assert.deepEqual(kinds(), ['200', '200']);
  });

  test(`${name}: an idle connection is closed in order, and the next request opens one`, async (t) => {
    const clock = new HandClock();
    const { peer, watch, send, ended, kinds } = await setup(t, { clock, idleMs: limits.gatewayUncheckedIdleMs });
    peer.answer = answerOk;
    send(0);
    await ended(1);
    await clock.advance(limits.gatewayUncheckedIdleMs + 1);
    await watch.until('no connection', () => peer.connectionsOpen === 0);
    assert.deepEqual(peer.goaways, [constants.NGHTTP2_NO_ERROR]);
    send(1);
    await ended(2);
    assert.deepEqual(kinds(), ['200', '200']);
    assert.equal(peer.connectionsTotal, 2);
  });

  test(`${name}: an old connection is replaced, what it carries finishes there`, async (t) => {
    const clock = new HandClock();
    const { peer, watch, send, ended, kinds } = await setup(t, { clock, ageMs: limits.gatewayAgeMs });
    send(0, limits.gatewayAgeMs * 2);
    await watch.until('a request', () => peer.requests.length === 1);
    await clock.advance(limits.gatewayAgeMs * 0.9);
    // In steps, so that the replacement has its time to connect.
    while (peer.connectionsTotal === 1) await clock.advance(limits.gatewayConnectMs / 2);
    await watch.until('a second session', () => peer.sessions.length === 2);
    peer.answer = answerOk;
    for (let tag = 1; peer.requests.at(-1)?.session === peer.sessions[0]; tag++) {
      send(tag);
      await ended(tag);
    }
    const [first] = peer.requests;
    assert.ok(first);
    answerOk(first);
    await watch.until('the old one closed', () => peer.connectionsOpen === 1);
    assert.ok(kinds().every((kind) => kind === '200'));
    assert.deepEqual(peer.goaways, [constants.NGHTTP2_NO_ERROR]);
  });

  test(`${name}: connections that only finish are bounded, the oldest gives way`, async (t) => {
    const { peer, watch, ends, send, ended } = await setup(t, { sessionsMax: 1 });
    const kindOf = (tag: number): string => {
      const end = ends.get(tag);
      return end?.kind === 'failed' ? end.failure : '';
    };
    peer.answer = (request) => {
      if (request.path.startsWith('/3/device/1')) answerOk(request);
    };
    for (let round = 0; round < 3; round++) {
      send(10 + round); // a connection that never answered counts as failed
      await watch.until('an answer', () => ends.has(10 + round));
      send(20 + round);
      await watch.until('the request', () => peer.requests.length === 2 * round + 2);
      const request = peer.requests.at(-1);
      assert.ok(request);
      request.session.goaway(constants.NGHTTP2_NO_ERROR, request.stream.id);
      await watch.until('a replacement', () => peer.sessions.length === round + 2);
    }
    await ended(5);
    assert.deepEqual([kindOf(20), kindOf(21), kindOf(22)], ['no-answer', 'no-answer', '']);
    await watch.until('two connections', () => peer.connectionsOpen === 2);
  });

  test(`${name}: a gateway that says GOAWAY to everybody at once is not dialled without end`, async (t) => {
    const { peer, send, ended, kinds } = await setup(t);
    peer.greet = (session) => session.goaway(constants.NGHTTP2_NO_ERROR, 0);
    for (let tag = 0; tag < 5; tag++) send(tag);
    await ended(5);
    assert.ok(kinds().every((kind) => kind === 'not-sent'));
    assert.ok(peer.connectionsTotal <= 8, `${peer.connectionsTotal} connections`);
  });

  test(`${name}: drain refuses new requests, lets those in flight finish, and closes`, async (t) => {
    const { peer, session, watch, send, kinds } = await setup(t);
    send(0);
    await watch.until('a request', () => peer.requests.length === 1);
    const drained = session.drain(farMs);
    assert.equal(send(1), 'closed');
    peer.requests.forEach(answerOk);
    await drained;
    assert.deepEqual(kinds(), ['200']);
    await watch.until('no connection', () => peer.connectionsOpen === 0);
  });

  test(`${name}: drain fails what is still in flight when its budget is spent`, async (t) => {
    const { peer, session, watch, send, kinds } = await setup(t, { sessionsMax: 1, streamsMax: 1 });
    send(0);
    send(1);
    await watch.until('a request', () => peer.requests.length === 1);
    await session.drain(50);
    assert.deepEqual([...kinds()].sort(), ['no-answer', 'not-sent']);
  });

  test(`${name}: drain of a session that was never used resolves`, async (t) => {
    const { session } = await setup(t);
    await session.drain(1_000);
  });
}
