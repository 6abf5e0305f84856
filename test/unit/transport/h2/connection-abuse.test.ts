/** A peer without measure: whatever it sends costs us a bounded amount (RFC 9113 §10.5); and what is no abuse. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  codes,
  continuation,
  data,
  frame,
  headers,
  ping,
  priorityFrame,
  reset,
  settings,
} from '../../../peers/h2-frames.ts';
import { indexed, indexing, literals } from '../../../peers/h2-hpack.ts';
import { answer, openWorld } from '../../../peers/h2-world.ts';
import type { Field } from '../../../peers/h2-hpack.ts';
import type { H2World } from '../../../peers/h2-world.ts';

const ok: Field = [':status', '200'];

/** Sends the same again and again in chunks of a socket's size; true when the connection was given up. */
function flood({ peer, clock, ends }: H2World, bytes: Buffer, times: number): boolean {
  const chunk = Buffer.concat(Array.from({ length: Math.ceil(65_536 / bytes.length) }, () => bytes));
  for (let sent = 0; sent < times; sent += chunk.length / bytes.length) {
    peer.send(chunk);
    if (!peer.holds) clock.settle();
    if (peer.goaways.length > 0 || ends.closedReason !== undefined) return true;
  }
  return false;
}

const floods: readonly (readonly [what: string, bytes: (id: number) => Buffer])[] = [
  ['SETTINGS', () => settings()],
  ['SETTINGS that change something', () => settings({ initialWindowSize: 70_000, headerTableSize: 0 })],
  ['PING', () => ping()],
  ['empty DATA', (id) => data(id, '')],
  ['empty DATA with padding', (id) => data(id, '', { padding: 0 })],
  ['RST_STREAM of a stream that has ended', () => reset(1, codes.cancel)],
];
for (const [what, bytes] of floods) {
  for (const reads of [true, false]) {
    test(`§10.5: ${what} without end, from a peer that ${reads ? 'reads' : 'does not read'}: ENHANCE_YOUR_CALM`, () => {
      const world = openWorld();
      const { peer, start, clock, responded, failsWith } = world;
      peer.send(answer(start(0).id));
      assert.equal(responded(0).status, 200);
      const { id } = start(1);
      peer.send(headers(id, [ok]));
      const before = peer.bytesWritten;
      peer.holds = !reads;
      flood(world, bytes(id), 200_000);
      clock.settle();
      peer.release();
      clock.settle();
      assert.ok(peer.bytesWritten - before < 1_000_000, `${peer.bytesWritten - before} bytes written`);
      failsWith(codes.enhanceYourCalm);
    });
  }
}

for (const [what, bytes] of [
  ['PRIORITY', priorityFrame(1)],
  ['frames of unknown type', frame(0xbb, 0, 0, Buffer.alloc(8))],
  ['acknowledgements nobody asked for', ping('meerkat!', true)],
] as const) {
  test(`§10.5: ${what} without end cost no output and no memory`, () => {
    const world = openWorld();
    world.start(0);
    const before = world.peer.bytesWritten;
    flood(world, bytes, 50_000);
    world.clock.settle();
    assert.ok(world.peer.bytesWritten - before < 1_000);
    if (world.ends.closedReason === undefined && world.peer.goaways.length === 0) world.works();
  });
}

test('§8.1, §10.5: interim responses without end: ENHANCE_YOUR_CALM', () => {
  const world = openWorld();
  const { id } = world.start(0);
  assert.ok(flood(world, headers(id, [[':status', '103']]), 200_000));
  world.failsWith(codes.enhanceYourCalm);
});

test('§8.1: an interim response before each of many answers disturbs nobody', () => {
  const { peer, start, ends, works } = openWorld({ maxConcurrentStreams: 5_000 });
  for (let slot = 0; slot < 3_000; slot++) {
    const { id } = start(slot);
    peer.send(headers(id, [[':status', '103']]), answer(id));
  }
  assert.equal(ends.bySlot.size, 3_000);
  works();
});

test('§10.5.1: empty CONTINUATION frames without end: ENHANCE_YOUR_CALM', () => {
  const world = openWorld();
  const { id } = world.start(0);
  world.peer.send(headers(id, [], { endHeaders: false }));
  assert.ok(flood(world, continuation(id, [], false), 100_000));
  world.failsWith(world.peer.goaways[0]?.code === codes.protocolError ? codes.protocolError : codes.enhanceYourCalm);
});

test('§10.5.1: CONTINUATION of one byte each is bounded', () => {
  const world = openWorld();
  const { id } = world.start(0);
  world.peer.send(headers(id, [], { endHeaders: false }));
  assert.ok(flood(world, continuation(id, indexed(8), false), 200_000));
});

test('§10.5.1: a header block without end is given up within a megabyte', () => {
  const world = openWorld();
  const { peer, clock } = world;
  const { id } = world.start(0);
  peer.send(headers(id, [], { endHeaders: false }));
  const part = continuation(id, literals(['x', 'y'.repeat(16_000)]), false);
  let sent = 0;
  for (; sent < 100 && peer.goaways.length === 0; sent++) {
    peer.send(part);
    clock.settle();
  }
  assert.ok(sent <= 64, `${sent} frames of 16 KB`);
  world.failsWith(peer.goaways[0]?.code === codes.compressionError ? codes.compressionError : codes.enhanceYourCalm);
});

test('§10.5.1: a header list larger than we allow loses its request; the table stays in step', () => {
  const { peer, start, lost, responded, works } = openWorld();
  const most = peer.clientSettings?.maxHeaderListSize ?? 65_536;
  const { id } = start(0);
  const large: Field[] = Array.from({ length: Math.ceil(most / 1_000) + 2 }, (_, at) => [`x-${at}`, 'y'.repeat(1_000)]);
  const block = Buffer.concat([literals(ok, ...large), indexing(['retry-after', '31'])]);
  peer.send(headers(id, block.subarray(0, 16_384), { end: true, endHeaders: false }));
  for (let at = 16_384; at < block.length; at += 16_384) {
    peer.send(continuation(id, block.subarray(at, at + 16_384), at + 16_384 >= block.length));
  }
  assert.equal(lost(0).unprocessed, false);
  peer.send(headers(start(1).id, Buffer.concat([indexed(8), indexed(62)]), { end: true }));
  assert.deepEqual(responded(1).fields, { 'retry-after': '31' });
  works();
});

test('§10.5.1: an HPACK bomb, one large field a thousand times by its index, is a header list too large', () => {
  const { peer, clock, start, ends, works } = openWorld();
  const { id } = start(0);
  peer.send(headers(id, indexing(['x', 'y'.repeat(3_900)])));
  clock.settle();
  const next = start(1).id;
  peer.send(
    headers(next, Buffer.concat([indexed(8), ...Array.from({ length: 10_000 }, () => indexed(62))]), { end: true }),
  );
  clock.settle();
  if (ends.closedReason === undefined) {
    assert.equal(ends.bySlot.get(1)?.kind, 'lost');
    works();
  } else assert.equal(peer.goaways[0]?.code, codes.enhanceYourCalm);
});

test('no abuse: a PING for each of 20 000 answered requests, as servers send that measure their bandwidth', () => {
  const { peer, start, responded, ends } = openWorld();
  for (let slot = 0; slot < 20_000; slot++) {
    const { id } = start(slot, { body: '' });
    peer.send(headers(id, [ok]), ping(), data(id, '', { end: true }));
    peer.streams.delete(id);
    responded(slot);
  }
  assert.equal(peer.pongs.length, 20_000);
  assert.equal(ends.closedReason, undefined);
});

test('no abuse: each of 20 000 responses in small pieces, ended by an empty frame', () => {
  const { peer, start, responded } = openWorld();
  for (let slot = 0; slot < 20_000; slot++) {
    const { id } = start(slot, { body: '' });
    peer.send(headers(id, [ok]), data(id, 'o'), data(id, 'k', { padding: 0 }), data(id, '', { end: true }));
    peer.streams.delete(id);
    assert.equal(responded(slot).body, 'ok');
  }
});

test('no abuse: each of 20 000 requests refused', () => {
  const { peer, start, lost, works } = openWorld();
  for (let slot = 0; slot < 20_000; slot++) {
    const { id } = start(slot, { body: '' });
    peer.send(reset(id, codes.refusedStream));
    peer.streams.delete(id);
    assert.equal(lost(slot).unprocessed, true);
  }
  works();
});

test('no abuse: PING and SETTINGS once a second for three hours', () => {
  const { peer, clock, works } = openWorld();
  for (let second = 0; second < 10_800; second++) {
    peer.send(ping());
    peer.settings({ maxConcurrentStreams: 100 + (second % 7) });
    clock.advance(1_000);
  }
  assert.equal(peer.unacknowledged, 0);
  works();
});

test('no abuse: a thousand streams cancelled by us while their answers are under way', () => {
  const { peer, clock, start, call, works } = openWorld();
  const ids = Array.from({ length: 1_000 }, (_, slot) => start(slot).id);
  for (let slot = 0; slot < 1_000; slot++) call((connection) => connection.cancel(slot));
  clock.settle();
  for (const id of ids) {
    peer.send(headers(id, [ok]), data(id, 'late'), data(id, '', { end: true }), reset(id, codes.noError));
  }
  clock.settle();
  works();
});
