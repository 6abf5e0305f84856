/** How streams and connections end, RFC 9113 §5.1, §5.4, §6.4, §6.7, §6.8, §8.7; against a scripted peer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codes, continuation, data, goaway, headers, ping, reset, windowUpdate } from '../../../peers/h2-frames.ts';
import { indexed, indexing, literals } from '../../../peers/h2-hpack.ts';
import { answer, freshWorld, openWorld } from '../../../peers/h2-world.ts';
import type { Field } from '../../../peers/h2-hpack.ts';

const ok: Field = [':status', '200'];
const maxId = 2 ** 31 - 1;

test('one write for each turn: a thousand requests of one turn go out in one, another turn in another', () => {
  const { clock, peer, send } = openWorld();
  const before = peer.writes;
  for (let slot = 0; slot < 1_000; slot++) assert.equal(send(slot), 'sent');
  assert.equal(peer.writes, before);
  clock.settle();
  assert.equal(peer.writes, before + 1);
  assert.equal(peer.streams.size, 1_000);
  assert.ok([...peer.streams.values()].every(({ ended }) => ended));
  send(1_000);
  clock.settle();
  assert.equal(peer.writes, before + 2);
});

test('bytes that the wire has not written yet are left alone while more requests come', () => {
  const { clock, peer, send } = openWorld();
  peer.holds = true;
  for (let slot = 0; slot < 300; slot++) {
    send(slot, { path: `/3/device/${slot}`, body: `body of ${slot}` });
    clock.settle();
  }
  peer.release();
  clock.settle();
  peer.release();
  clock.settle();
  for (let slot = 0; slot < 300; slot++) {
    const { fields, body, ended } = peer.expectHeaders(2 * slot + 1);
    assert.deepEqual([fields[':path'], body, ended], [`/3/device/${slot}`, `body of ${slot}`, true]);
  }
});

test('§5.1.1: streams have odd ids that rise by two, whatever slots they have', () => {
  const { start, peer } = openWorld();
  const ids = [5, 0, 999, 3].map((slot) => start(slot).id);
  assert.deepEqual(ids, [1, 3, 5, 7]);
  assert.equal(peer.streams.size, 4);
});

test('a slot may be used again when its stream has ended', () => {
  const { start, peer, responded, ends } = openWorld();
  for (let turn = 0; turn < 100; turn++) {
    peer.send(answer(start(4).id, String(200 + turn)));
    assert.equal(responded(4).status, 200 + turn);
    ends.bySlot.delete(4);
  }
});

for (const [name, code, unprocessed] of [
  ['REFUSED_STREAM', codes.refusedStream, true],
  ['NO_ERROR', codes.noError, false],
  ['CANCEL', codes.cancel, false],
  ['INTERNAL_ERROR', codes.internalError, false],
  ['STREAM_CLOSED', codes.streamClosed, false],
  ['PROTOCOL_ERROR', codes.protocolError, false],
  ['ENHANCE_YOUR_CALM', codes.enhanceYourCalm, false],
  ['HTTP_1_1_REQUIRED', codes.http11Required, false],
  ['4242', 4_242, false],
] as const) {
  test(`§6.4, §8.7: RST_STREAM ${name} loses its stream alone, ${unprocessed ? '' : 'perhaps '}unprocessed`, () => {
    const { start, peer, lost, responded, works } = openWorld();
    const [first, second] = [start(0), start(1)];
    peer.send(reset(first.id, code), answer(second.id));
    const end = lost(0);
    assert.equal(end.unprocessed, unprocessed);
    assert.match(end.reason, new RegExp(name));
    assert.equal(responded(1).status, 200);
    works();
    assert.equal(first.resetCode, undefined);
  });
}

test('§8.1: RST_STREAM NO_ERROR after a complete response changes nothing', () => {
  const { start, peer, responded, works } = openWorld();
  const { id } = start(0);
  peer.send(answer(id, '400'), reset(id, codes.noError), reset(id, codes.cancel));
  assert.equal(responded(0).status, 400);
  works();
});

test('§6.4: RST_STREAM within a response loses it', () => {
  const { start, peer, lost, works } = openWorld();
  const { id } = start(0);
  peer.send(headers(id, [ok]), data(id, 'half'), reset(id, codes.internalError));
  assert.equal(lost(0).unprocessed, false);
  works();
});

test('§6.4: RST_STREAM while the body waits for a window gives the body up', () => {
  const { clock, start, peer, lost, works } = openWorld({ initialWindowSize: 4 });
  const stream = start(0);
  peer.send(reset(stream.id, codes.refusedStream), windowUpdate(stream.id, 100));
  assert.equal(lost(0).unprocessed, true);
  peer.settings({ initialWindowSize: 65_535 });
  clock.settle();
  assert.equal(stream.body.length, 4);
  works();
});

test('§5.1: frames on a stream that has ended are ignored or a STREAM_CLOSED error, never a second end', () => {
  for (const late of [
    (id: number) => headers(id, [ok], { end: true }),
    (id: number) => data(id, 'late'),
    (id: number) => data(id, '', { end: true }),
    (id: number) => Buffer.concat([headers(id, [ok], { endHeaders: false }), continuation(id, [], true)]),
  ]) {
    const { clock, start, peer, responded, ends, works } = openWorld();
    const { id } = start(0);
    peer.send(answer(id));
    assert.equal(responded(0).status, 200);
    peer.send(late(id));
    clock.settle();
    if (ends.closedReason === undefined) works();
    else assert.equal(peer.goaways[0]?.code, codes.streamClosed);
  }
});

test('§6.8: two phases: the first GOAWAY ends no stream, the second those above its id', () => {
  const { clock, start, send, peer, call, ends, lost, responded } = openWorld();
  const streams = [0, 1, 2, 3].map((slot) => start(slot));
  peer.send(goaway(maxId, codes.noError));
  clock.settle();
  assert.equal(ends.leavings.length, 1);
  assert.equal(ends.bySlot.size, 0);
  assert.equal(send(9), 'closed');
  peer.send(goaway(streams[1]?.id ?? 0, codes.noError));
  assert.deepEqual([lost(2).unprocessed, lost(3).unprocessed], [true, true]);
  assert.equal(ends.bySlot.size, 2);
  peer.send(answer(1), answer(3, '400'));
  assert.deepEqual([responded(0).status, responded(1).status], [200, 400]);
  call((connection) => connection.close());
  clock.advance(60_000);
  assert.ok(ends.closedReason !== undefined, 'closes when the last stream has ended');
  assert.ok(peer.ended || peer.destroyed);
});

test('§6.8: GOAWAY with last id 0 gives every request back', () => {
  const { clock, start, peer, call, lost, ends } = openWorld();
  [0, 1, 2].forEach((slot) => start(slot));
  peer.send(goaway(0, codes.noError, 'max_age'));
  for (const slot of [0, 1, 2]) assert.equal(lost(slot).unprocessed, true);
  assert.match(ends.leavings[0] ?? '', /max_age/);
  call((connection) => connection.close());
  clock.advance(60_000);
  assert.ok(ends.closedReason !== undefined);
});

test('§6.8: close, asked for from inside leaving, waits for the streams that GOAWAY has left', () => {
  const { clock, start, peer, connection, ends } = openWorld();
  [0, 1].forEach((slot) => start(slot));
  const plain = ends.leaving.bind(ends);
  ends.leaving = (reason): void => {
    plain(reason);
    connection.close();
  };
  peer.send(goaway(1, codes.noError));
  clock.advance(1_000);
  assert.equal(ends.closedReason, undefined);
  peer.send(answer(1));
  clock.advance(60_000);
  assert.deepEqual([ends.bySlot.get(0)?.kind, ends.bySlot.get(1)?.kind], ['responded', 'lost']);
  assert.ok(ends.closedReason !== undefined);
});

test('§6.8: GOAWAY reads the last id without the reserved bit', () => {
  const { start, peer, lost, responded } = openWorld();
  [0, 1].forEach((slot) => start(slot));
  peer.send(goaway(0x80000000 + 1, codes.noError));
  assert.equal(lost(1).unprocessed, true);
  peer.send(answer(1));
  assert.equal(responded(0).status, 200);
});

test('§6.8: GOAWAY with an error: above the id nothing was done, below it may have been', () => {
  const { clock, start, peer, lost, ends } = openWorld();
  [0, 1, 2].forEach((slot) => start(slot));
  peer.send(goaway(3, codes.internalError, 'sorry'));
  assert.equal(lost(2).unprocessed, true);
  peer.close('ECONNRESET');
  clock.settle();
  assert.deepEqual([lost(0).unprocessed, lost(1).unprocessed], [false, false]);
  assert.match(ends.leavings[0] ?? '', /INTERNAL_ERROR/);
  assert.ok(ends.closedReason !== undefined);
});

test('§6.8: a last id that grows again brings no stream back and ends none twice', () => {
  const { clock, start, peer, call, lost, ends } = openWorld();
  [0, 1, 2].forEach((slot) => start(slot));
  peer.send(goaway(1, codes.noError), goaway(5, codes.noError), goaway(3, codes.noError), goaway(1, codes.noError));
  assert.deepEqual([lost(1).unprocessed, lost(2).unprocessed], [true, true]);
  peer.send(answer(5));
  clock.settle();
  assert.equal(ends.bySlot.get(2)?.kind, 'lost');
  peer.send(answer(1));
  clock.advance(60_000);
  call((connection) => connection.close());
  clock.advance(60_000);
  assert.equal(ends.bySlot.size, 3);
  assert.ok(ends.closedReason !== undefined);
});

test('§6.8: requests of the same turn as GOAWAY, never written, may be sent elsewhere', () => {
  const { clock, send, peer, ends } = openWorld();
  send(0);
  send(1);
  peer.send(goaway(0, codes.noError));
  clock.settle();
  for (const slot of [0, 1]) {
    const end = ends.bySlot.get(slot);
    assert.ok(end?.kind === 'lost' && end.unprocessed, JSON.stringify(end));
  }
});

test('§6.7: PING is answered with the same eight bytes, at once', () => {
  const { clock, peer } = openWorld();
  peer.send(ping('12345678'), ping('abcdefgh'));
  clock.settle();
  assert.deepEqual(peer.pongs, ['12345678', 'abcdefgh']);
});

test('§6.7: our PING goes out and its answer is heard; an answer to none is no harm', () => {
  const { clock, peer, call, ends, works } = openWorld();
  peer.send(ping('unasked!', true));
  call((connection) => connection.ping());
  clock.settle();
  assert.equal(peer.pings.length, 1);
  const heard = ends.turns;
  peer.send(ping(peer.pings[0], true));
  clock.settle();
  assert.equal(ends.turns, heard + 1);
  works();
});

test('each read is told once, after all that it brought', () => {
  const { peer, start, ends } = openWorld();
  const ids = [start(0).id, start(1).id];
  const heard = ends.turns;
  const told: number[] = [];
  const plain = ends.responded.bind(ends);
  ends.responded = (...end): void => {
    told.push(ends.turns);
    plain(...end);
  };
  const bytes = Buffer.concat(ids.map((id) => answer(id)));
  peer.send(bytes.subarray(0, 3));
  assert.equal(ends.turns, heard + 1);
  peer.send(bytes.subarray(3));
  assert.equal(ends.turns, heard + 2);
  assert.deepEqual(told, [heard + 1, heard + 1]);
});

test('cancel: RST_STREAM CANCEL, no end is told, and what still comes is ignored', () => {
  const { clock, start, peer, call, ends, works } = openWorld();
  const { id } = start(0);
  call((connection) => connection.cancel(0));
  clock.settle();
  peer.expectReset(id, codes.cancel);
  peer.send(headers(id, [ok]), data(id, 'late'), headers(id, [['x', 'y']], { end: true }), reset(id, codes.cancel));
  works();
  assert.equal(ends.bySlot.has(0), false);
});

test('cancel: the header block of a late response still changes the table (RFC 7541 §2.2)', () => {
  const { clock, start, peer, call, responded } = openWorld();
  const { id } = start(0);
  call((connection) => connection.cancel(0));
  clock.settle();
  const block = indexing(ok, ['apns-id', 'late']);
  peer.send(headers(id, block.subarray(0, 5), { endHeaders: false }), continuation(id, block.subarray(5), true));
  const next = start(1).id;
  peer.send(headers(next, Buffer.concat([indexed(63), indexed(62)]), { end: true }));
  assert.deepEqual(responded(1).fields, { 'apns-id': 'late' });
});

test('cancel: in the turn of its request nothing or both is written; within a response and twice', () => {
  const { clock, start, send, peer, call, ends, works } = openWorld();
  send(0);
  call((connection) => connection.cancel(0));
  clock.settle();
  for (const stream of peer.streams.values()) assert.equal(stream.resetCode, codes.cancel);
  const { id } = start(1);
  peer.send(headers(id, [ok]), data(id, 'half'));
  call((connection) => connection.cancel(1));
  call((connection) => connection.cancel(1));
  clock.settle();
  peer.expectReset(id, codes.cancel);
  assert.equal(ends.bySlot.size, 0);
  works();
});

test('cancel: a body that waits for a window is not sent any more, others go on', () => {
  const { clock, start, peer, call } = openWorld({ initialWindowSize: 4 });
  const [first, second] = [start(0), start(1)];
  call((connection) => connection.cancel(0));
  peer.settings({ initialWindowSize: 1_000 });
  clock.settle();
  assert.deepEqual([first.resetCode, first.ended], [codes.cancel, false]);
  assert.ok(second.ended);
});

test('cancel: five thousand streams given up, whose answers come all the same, do not end the connection', () => {
  const { clock, peer, start, call, works } = openWorld();
  const ids: number[] = [];
  for (let slot = 0; slot < 5_000; slot++) {
    ids.push(start(slot, { body: '' }).id);
    call((connection) => connection.cancel(slot));
    clock.settle();
    peer.streams.delete(ids.at(-1) ?? 0);
  }
  for (const id of ids) peer.send(headers(id, [ok]), data(id, 'late', { end: true }));
  clock.settle();
  works();
});

test('cancel: a slot may be used again at once', () => {
  const { start, peer, call, responded } = openWorld();
  const first = start(0).id;
  call((connection) => connection.cancel(0));
  const second = start(0).id;
  peer.send(answer(first, '500'), answer(second, '200'));
  assert.equal(responded(0).status, 200);
});

test('close: no new streams; closed when the last has ended, with GOAWAY NO_ERROR', () => {
  const { clock, start, send, peer, call, responded, ends } = openWorld();
  const ids = [start(0).id, start(1).id];
  call((connection) => connection.close());
  clock.settle();
  assert.equal(send(2), 'closed');
  peer.send(answer(ids[0] ?? 0));
  assert.equal(responded(0).status, 200);
  clock.advance(1_000);
  assert.equal(ends.closedReason, undefined);
  peer.send(answer(ids[1] ?? 0));
  assert.equal(responded(1).status, 200);
  clock.advance(60_000);
  assert.ok(ends.closedReason !== undefined);
  assert.ok(peer.goaways.every(({ code }) => code === codes.noError));
});

test('close: with nothing open it closes, also before the peer has said a word', () => {
  for (const world of [openWorld(), freshWorld()]) {
    if (world.ends.log.length === 0) world.connection.start();
    world.call((connection) => connection.close());
    world.clock.advance(60_000);
    assert.ok(world.ends.closedReason !== undefined);
  }
});

test('close: what comes after our end is not answered', () => {
  const { clock, peer, call } = openWorld();
  peer.closesAfterEnd = false;
  call((connection) => connection.close());
  clock.settle();
  assert.ok(peer.ended);
  // The peer throws at bytes that come after the end.
  peer.send(ping(), goaway(0, codes.noError));
  peer.settings({ maxConcurrentStreams: 1 });
  call((connection) => connection.ping());
  clock.advance(60_000);
});

test('destroy: every stream is lost once, then closed; nothing is told from inside the call', () => {
  const { clock, start, send, peer, call, ends } = openWorld();
  const { id } = start(0);
  start(1);
  peer.send(headers(id, [ok]), data(id, 'half'));
  send(2);
  call((connection) => connection.destroy('connect timeout'));
  call((connection) => connection.destroy('again'));
  clock.advance(60_000);
  assert.deepEqual([...ends.bySlot.keys()], [0, 1, 2]);
  assert.equal(ends.log.at(-1), 'closed');
  assert.equal(ends.closedReason, 'connect timeout');
  for (const slot of [0, 1]) {
    const end = ends.bySlot.get(slot);
    assert.ok(end?.kind === 'lost' && !end.unprocessed && end.reason === 'connect timeout', JSON.stringify(end));
  }
  assert.equal(send(3), 'closed');
  assert.ok(peer.destroyed);
  assert.equal(clock.pending, 0);
});

test('destroy: before start, before the peer has spoken, and after the end', () => {
  for (const started of [false, true]) {
    const { connection, clock, call, ends } = freshWorld();
    if (started) connection.start();
    call(() => connection.destroy('no'));
    clock.advance(60_000);
    assert.deepEqual(ends.log, ['closed']);
    call(() => connection.destroy('again'));
    call(() => connection.cancel(0));
    call(() => connection.ping());
    call(() => connection.close());
    connection.received(ping());
    connection.wireClosed('late');
    clock.advance(60_000);
    assert.deepEqual(ends.log, ['closed']);
  }
});

test('wireClosed: what was written may have been done; what was not, was not', () => {
  const { connection, clock, start, send, ends } = openWorld();
  start(0);
  send(1);
  connection.wireClosed('ECONNRESET');
  clock.advance(60_000);
  assert.deepEqual(ends.bySlot.get(0), { kind: 'lost', unprocessed: false, reason: 'ECONNRESET' });
  assert.deepEqual(ends.bySlot.get(1), { kind: 'lost', unprocessed: true, reason: 'ECONNRESET' });
  assert.equal(ends.closedReason, 'ECONNRESET');
  assert.equal(ends.log.at(-1), 'closed');
  assert.equal(send(2), 'closed');
  assert.equal(clock.pending, 0);
});

test('wireClosed: amid a frame, amid a header block, amid the first SETTINGS', () => {
  for (const bytes of [data(1, 'half a frame').subarray(0, 12), headers(1, [ok], { endHeaders: false })]) {
    const { clock, start, peer, ends } = openWorld();
    start(0);
    peer.send(bytes);
    peer.close('ECONNRESET');
    clock.advance(60_000);
    assert.equal(ends.bySlot.get(0)?.kind, 'lost');
    assert.equal(ends.closedReason, 'ECONNRESET');
  }
  const { connection, clock, peer, ends } = freshWorld();
  connection.start();
  peer.send(Buffer.from([0, 0, 6, 4, 0]));
  peer.close('closed');
  clock.advance(60_000);
  assert.deepEqual(ends.log, ['closed']);
});

test('what goes on from inside a reply: new requests, cancel and destroy take effect', () => {
  const { clock, peer, start, connection, ends } = openWorld();
  const ids = [start(0).id, start(1).id, start(2).id];
  const plain = ends.responded.bind(ends);
  const asked: string[] = [];
  ends.responded = (slot, status, fields, body): void => {
    plain(slot, status, fields, body);
    if (slot === 0) {
      asked.push(connection.send(10, { path: '/', shared: {}, fields: {}, body: '' }));
      connection.cancel(1);
    } else connection.destroy('enough');
  };
  peer.send(...ids.map((id) => headers(id, literals(ok), { end: true })));
  clock.advance(60_000);
  assert.deepEqual(asked, ['sent']);
  assert.deepEqual(
    [...ends.bySlot.keys()].sort((a, b) => a - b),
    [0, 2, 10],
  );
  assert.equal(ends.closedReason, 'enough');
});

for (const how of ['GOAWAY', 'wireClosed', 'destroy'] as const) {
  test(`cancel from inside the loss of another stream is heard: nothing is told of it (${how})`, () => {
    const { clock, peer, start, connection, ends } = openWorld();
    [0, 1, 2].forEach((slot) => start(slot));
    const plain = ends.lost.bind(ends);
    ends.lost = (slot, unprocessed, reason): void => {
      plain(slot, unprocessed, reason);
      connection.cancel(1);
      assert.equal(connection.send(9, { path: '/', shared: {}, fields: {}, body: '' }), 'closed');
    };
    if (how === 'GOAWAY') peer.send(goaway(0, codes.noError));
    else if (how === 'wireClosed') peer.close('ECONNRESET');
    else connection.destroy('enough');
    clock.settle();
    assert.deepEqual([...ends.bySlot.keys()], [0, 2]);
  });
}
