/** DATA and flow control in both directions, RFC 9113 §5.2, §6.1, §6.9; against a scripted peer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codes, data, frame, headers, reset, windowUpdate } from '../../../peers/h2-frames.ts';
import { answer, bodyBytesMax, openWorld } from '../../../peers/h2-world.ts';
import type { Field } from '../../../peers/h2-hpack.ts';
import type { H2World } from '../../../peers/h2-world.ts';

const ok: Field = [':status', '200'];

/** A body as large as the windows that the client gives, frame by frame, until it has gone or the stream is reset. */
function pour({ peer, clock }: H2World, streamId: number, bytes: number): number {
  let sent = 0;
  while (sent < bytes) {
    clock.settle();
    const stream = peer.expectHeaders(streamId);
    if (stream.resetCode !== undefined) break;
    const size = Math.min(16_384, bytes - sent, stream.sendWindow, peer.sendWindow);
    assert.ok(size > 0, `windows ${stream.sendWindow} and ${peer.sendWindow} after ${sent} bytes`);
    peer.send(data(streamId, Buffer.alloc(size, 0x61)));
    sent += size;
  }
  return sent;
}

test('§6.1: a body in several frames, padded, empty, with characters cut in two, comes whole', () => {
  const { peer, start, responded } = openWorld();
  const { id } = start(0);
  const text = 'Zürich — ¡añejo! 🦦';
  peer.send(headers(id, [ok]));
  for (const [index, byte] of Buffer.from(text).entries()) {
    peer.send(data(id, Buffer.from([byte]), index % 3 === 0 ? { padding: index } : {}));
  }
  peer.send(data(id, '', { padding: 255 }), data(id, '', { end: true }));
  assert.equal(responded(0).body, text);
});

test('§5.1: responses to several streams come interleaved', () => {
  const { peer, start, responded } = openWorld();
  const ids = [start(0).id, start(1).id, start(2).id];
  ids.toReversed().forEach((id) => peer.send(headers(id, [ok])));
  for (let turn = 0; turn < 3; turn++) ids.forEach((id, slot) => peer.send(data(id, `${slot}`, { end: turn === 2 })));
  assert.deepEqual([responded(0).body, responded(1).body, responded(2).body], ['000', '111', '222']);
});

test('§8.1: an answer that comes before the body has gone ends the request; the body may be given up', () => {
  const { clock, peer, start, responded, works } = openWorld({ initialWindowSize: 4 });
  const { id, ended } = start(0);
  assert.equal(ended, false);
  peer.send(answer(id, '400'), reset(id, codes.noError));
  assert.equal(responded(0).status, 400);
  peer.settings({ initialWindowSize: 65_535 });
  clock.settle();
  works();
});

test('§8.1: likewise without RST_STREAM; the stream does not stay half open', () => {
  const { clock, peer, start, responded, works } = openWorld({ initialWindowSize: 4 });
  const stream = start(0);
  peer.send(answer(stream.id, '413'));
  assert.equal(responded(0).status, 413);
  peer.send(windowUpdate(stream.id, 100));
  clock.settle();
  assert.ok(stream.ended || stream.resetCode !== undefined, 'END_STREAM or RST_STREAM');
  peer.settings({ initialWindowSize: 65_535 });
  works();
});

test('§6.9.1: a body larger than the windows goes out in pieces as they open, stream and connection', () => {
  const { clock, peer, start, connection } = openWorld({ initialWindowSize: 10 });
  const stream = start(0, { body: 'x'.repeat(100) });
  assert.equal(stream.body.length, 10);
  for (let more = 1; more <= 13; more++) {
    peer.send(windowUpdate(stream.id, more));
    clock.settle();
    assert.equal(stream.body.length, Math.min(100, 10 + (more * (more + 1)) / 2));
  }
  assert.ok(stream.ended);
  peer.settings({ initialWindowSize: 200_000 });
  clock.settle();
  const large = start(1, { body: 'y'.repeat(150_000) });
  assert.equal(large.body.length, 65_535 - 100);
  assert.equal(connection.writable, false);
  peer.send(windowUpdate(0, 84_564));
  clock.settle();
  assert.equal(large.body.length, 149_999);
  assert.equal(large.ended, false);
  peer.send(windowUpdate(0, 1));
  clock.settle();
  assert.ok(large.ended);
});

test('§6.9.1: with the connection window full, what was started first goes first, and all of it', () => {
  const { clock, peer, start } = openWorld({ initialWindowSize: 1_000_000 });
  const streams = Array.from({ length: 10 }, (_, slot) => start(slot, { body: `${slot}`.repeat(20_000) }));
  assert.equal(
    streams.reduce((sum, { body }) => sum + body.length, 0),
    65_535,
  );
  for (let given = 0; given < 200_000; given += 5_000) {
    peer.send(windowUpdate(0, 5_000));
    clock.settle();
    const open = streams.filter(({ ended }) => !ended);
    assert.ok(open.filter(({ body }) => body.length > 0).length <= 2, 'no more than two bodies are cut');
  }
  assert.ok(streams.every(({ ended, body }, slot) => ended && body === `${slot}`.repeat(20_000)));
});

test('§6.9.1: writable is false while the connection window is full, and its return is told', () => {
  const { clock, peer, start, connection, ends } = openWorld({ initialWindowSize: 1_000_000 });
  assert.equal(connection.writable, true);
  start(0, { body: 'x'.repeat(70_000) });
  assert.equal(connection.writable, false);
  assert.equal(ends.count('writableAgain'), 0);
  peer.send(windowUpdate(0, 1_000_000));
  clock.settle();
  assert.equal(connection.writable, true);
  assert.equal(ends.count('writableAgain'), 1);
});

test('§6.9.2: INITIAL_WINDOW_SIZE smaller than what was sent makes the window negative; only then it fills', () => {
  const { clock, peer, start } = openWorld({ initialWindowSize: 1_000 });
  const stream = start(0, { body: 'x'.repeat(1_500) });
  assert.equal(stream.body.length, 1_000);
  peer.settings({ initialWindowSize: 100 });
  clock.settle();
  assert.equal(stream.window, -900);
  peer.send(windowUpdate(stream.id, 900));
  clock.settle();
  assert.equal(stream.body.length, 1_000);
  peer.send(windowUpdate(stream.id, 1));
  clock.settle();
  assert.equal(stream.body.length, 1_001);
  peer.settings({ initialWindowSize: 0 });
  clock.settle();
  const next = start(1);
  assert.deepEqual([next.body, next.ended], ['', false]);
  peer.settings({ initialWindowSize: 599 });
  clock.settle();
  assert.equal(stream.body.length, 1_001 + 499);
  assert.ok(stream.ended && next.ended);
});

test('§6.9.2: INITIAL_WINDOW_SIZE does not change the connection window', () => {
  const { clock, peer, start } = openWorld();
  peer.settings({ initialWindowSize: 0 });
  clock.settle();
  peer.settings({ initialWindowSize: 1_000_000 });
  clock.settle();
  assert.equal(start(0, { body: 'x'.repeat(100_000) }).body.length, 65_535);
});

test('§6.9.2: a request without a body needs no window', () => {
  const { start } = openWorld({ initialWindowSize: 0 });
  assert.ok(start(0, { body: '' }).ended);
});

test('§6.9.2: INITIAL_WINDOW_SIZE that lifts an open window above 2^31-1 is a connection error', () => {
  const { clock, peer, start, failsWith } = openWorld({ initialWindowSize: 0 });
  const { id } = start(0);
  peer.send(windowUpdate(id, 2 ** 31 - 1));
  clock.settle();
  peer.settings({ initialWindowSize: 20 });
  failsWith(codes.flowControlError);
});

test('§6.9.1: a stream window above 2^31-1 is an error of the stream', () => {
  const { clock, peer, start, failsStream } = openWorld();
  const { id } = start(0);
  peer.send(windowUpdate(id, 2 ** 31 - 1));
  clock.settle();
  failsStream(id, 0, codes.flowControlError);
});

test('§6.9.1: windows of just 2^31-1 are none', () => {
  const { clock, peer, start, works } = openWorld();
  peer.send(windowUpdate(0, 2 ** 31 - 1 - 65_535));
  const { id, window } = start(0);
  peer.send(windowUpdate(id, 2 ** 31 - 1 - window));
  clock.settle();
  assert.equal(peer.expectHeaders(id).resetCode, undefined);
  works();
});

test('§6.9: WINDOW_UPDATE of nothing on a stream is an error of the stream', () => {
  const { clock, peer, start, failsStream } = openWorld();
  const { id } = start(0);
  peer.send(windowUpdate(id, 0));
  clock.settle();
  failsStream(id, 0, codes.protocolError);
});

test('§5.1: WINDOW_UPDATE on a stream that has ended is ignored', () => {
  const { peer, start, responded, works } = openWorld();
  const { id } = start(0);
  peer.send(answer(id), windowUpdate(id, 2 ** 31 - 1), windowUpdate(id, 1));
  assert.equal(responded(0).status, 200);
  works();
});

for (const [what, payload, allowed] of [
  ['padding as long as the frame', [4, 0x61, 0, 0], [codes.protocolError]],
  ['padding longer than the frame', [255], [codes.protocolError]],
  ['no room for the length of its padding', [], [codes.frameSizeError, codes.protocolError]],
] as readonly (readonly [string, readonly number[], readonly number[]])[]) {
  test(`§6.1: DATA with ${what} is a connection error`, () => {
    const { clock, peer, start, failsWith } = openWorld();
    const { id } = start(0);
    peer.send(headers(id, [ok]), frame(0, 0x8, id, Buffer.from(payload)));
    clock.settle();
    const code = peer.goaways[0]?.code ?? -1;
    assert.ok(allowed.includes(code), `GOAWAY ${code}`);
    failsWith(code);
  });
}

test('§6.9: what we take is given back in time: 64 MB of bodies never meet an empty window', () => {
  const world = openWorld();
  for (let slot = 0; slot < 1_000; slot++) {
    const { id } = world.start(slot);
    world.peer.send(headers(id, [ok]));
    assert.equal(pour(world, id, bodyBytesMax - 1), bodyBytesMax - 1);
    world.peer.send(data(id, 'z', { end: true }));
    assert.equal(world.responded(slot).body.length, bodyBytesMax);
  }
  assert.ok(world.peer.sendWindow < 2 ** 31);
});

test('§6.9.1: padding counts and is given back on the connection; what fills the window of a stream ends it', () => {
  const { peer, clock, start, responded, works } = openWorld();
  for (let slot = 0; slot < 400; slot++) {
    const stream = start(slot, { body: '' });
    peer.send(headers(stream.id, [[':status', '400']]));
    for (let sent = 0; sent < 4_000 && stream.resetCode === undefined; sent++) {
      assert.ok(peer.sendWindow >= 256 && stream.sendWindow >= 256, `${peer.sendWindow}, ${stream.sendWindow}`);
      peer.send(data(stream.id, 'a', { padding: 254 }));
      clock.settle();
    }
    assert.deepEqual([responded(slot).status, responded(slot).body], [400, '']);
  }
  works();
});

test('§6.9: bytes on streams that were reset, and on those that have ended, are given back too', () => {
  const { peer, clock, start, call, works } = openWorld();
  const first = start(0).id;
  peer.send(headers(first, [ok]));
  call((connection) => connection.cancel(0));
  clock.settle();
  peer.expectReset(first, codes.cancel);
  for (let sent = 0; sent < 500; sent++) {
    assert.ok(peer.sendWindow >= 16_384, `connection window ${peer.sendWindow} after ${sent} late frames`);
    peer.send(data(first, Buffer.alloc(16_000), { padding: 100 }));
    clock.settle();
  }
  works();
});

test('§6.9.1: more than our connection window is a connection error', () => {
  const { clock, peer, start, failsWith } = openWorld();
  // Nothing is acknowledged inside one turn: all of this is more than any window we have given.
  const ids = Array.from({ length: 4 }, (_, slot) => start(slot).id);
  const total = peer.sendWindow;
  assert.ok(total < 64 * 1_048_576, `${total}`);
  ids.forEach((id) => peer.send(headers(id, [ok])));
  const frames: Buffer[] = [];
  for (let sent = 0; sent <= 2 * total + 65_536; sent += 16_384) frames.push(data(ids[0] ?? 1, Buffer.alloc(16_384)));
  peer.send(...frames);
  clock.settle();
  const code = peer.goaways[0]?.code;
  // Flow control, of the stream or the connection (§6.9.1); a client that gives back at once takes it all.
  if (code !== undefined) failsWith(codes.flowControlError);
});

test('a body of the largest size is told whole; one byte more and its status is told with no body', () => {
  const world = openWorld();
  const { id } = world.start(0);
  world.peer.send(headers(id, [[':status', '400']]));
  pour(world, id, bodyBytesMax);
  world.peer.send(data(id, '', { end: true }));
  assert.equal(world.responded(0).body.length, bodyBytesMax);
  for (const [slot, bytes] of [bodyBytesMax + 1, 50 * bodyBytesMax].entries()) {
    const stream = world.start(slot + 1);
    world.peer.send(
      headers(stream.id, [
        [':status', '503'],
        ['retry-after', '9'],
      ]),
    );
    pour(world, stream.id, bytes);
    if (stream.resetCode === undefined) world.peer.send(data(stream.id, '', { end: true }));
    const { status, body, fields } = world.responded(slot + 1);
    assert.deepEqual([status, body, fields], [503, '', { 'retry-after': '9' }]);
  }
  world.works();
});

test('a body in pieces of one byte each costs memory for its bytes, not for its pieces', () => {
  const { peer, start, responded } = openWorld();
  const ids = Array.from({ length: 100 }, (_, slot) => start(slot, { body: '' }).id);
  const before = process.memoryUsage().heapUsed;
  for (const id of ids) {
    const piece = data(id, 'x');
    const pieces = Buffer.concat(Array.from({ length: 4_000 }, () => piece));
    peer.send(headers(id, [ok]));
    for (let sent = 0; sent < 10; sent++) peer.send(pieces);
  }
  const grown = process.memoryUsage().heapUsed - before;
  for (const [slot, id] of ids.entries()) {
    peer.send(data(id, 'end', { end: true }));
    assert.equal(responded(slot).body.length, 40_003);
  }
  assert.ok(grown < 200 * 1_048_576, `${grown} bytes`);
});

test('§4.2: DATA of the largest frame we allow is taken', () => {
  const { clock, peer, start, responded } = openWorld();
  const { id } = start(0);
  const size = peer.clientSettings?.maxFrameSize ?? 16_384;
  peer.send(headers(id, [ok]), data(id, Buffer.alloc(size, 0x61), { end: true }));
  clock.settle();
  assert.equal(responded(0).body.length, size);
});
