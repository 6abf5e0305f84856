/** Opening a connection and SETTINGS at any time, as RFC 9113 has them; against a scripted peer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  codes,
  data,
  frame,
  goaway,
  headOf,
  headers,
  ping,
  settings,
  settingsAck,
  windowUpdate,
} from '../../../peers/h2-frames.ts';
import { answer, freshWorld, openWorld } from '../../../peers/h2-world.ts';

test('§3.4: the preface and SETTINGS go out first, in one write, before anything comes', () => {
  const { connection, clock, peer, ends } = freshWorld();
  clock.settle();
  assert.equal(peer.writes, 0);
  connection.start();
  clock.settle();
  assert.equal(peer.writes, 1);
  assert.ok(peer.clientSettings !== undefined);
  assert.deepEqual(ends.log, []);
});

test('§6.5.2: our SETTINGS forbid push, bound header lists, and give windows that a whole response fits in', () => {
  const { peer } = openWorld();
  assert.equal(peer.clientSettings?.enablePush, 0);
  const { initialWindowSize = 65_535, maxFrameSize = 16_384, maxHeaderListSize = Infinity } = peer.clientSettings;
  assert.ok(initialWindowSize >= 65_535 && initialWindowSize < 2 ** 31, `${initialWindowSize}`);
  assert.ok(maxFrameSize >= 16_384 && maxFrameSize <= 65_536, `${maxFrameSize}`);
  assert.ok(maxHeaderListSize >= 4_096 && maxHeaderListSize <= 1_048_576, `${maxHeaderListSize}`);
  assert.ok(peer.sendWindow >= 65_535);
});

test("§3.4: it is open with the peer's first SETTINGS, once", () => {
  const { connection, clock, peer, ends } = freshWorld();
  connection.start();
  clock.settle();
  peer.settings({});
  clock.settle();
  peer.settings({ maxConcurrentStreams: 5 });
  clock.settle();
  assert.equal(ends.count('opened'), 1);
  assert.equal(ends.log[0], 'opened');
});

for (const [what, bytes] of [
  ['PING', ping()],
  ['HEADERS', headers(1, [[':status', '200']])],
  ['WINDOW_UPDATE', windowUpdate(0, 1)],
  ['a frame of unknown type', frame(0xbb, 0, 0)],
  ['HTTP/1.1', Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')],
] as const) {
  test(`§3.4: ${what} instead of the peer's SETTINGS ends the connection`, () => {
    const { connection, clock, peer, ends } = freshWorld();
    connection.start();
    clock.settle();
    peer.send(bytes);
    clock.advance(60_000);
    assert.ok(ends.closedReason !== undefined);
    assert.ok(peer.goaways.length <= 1);
    const code = peer.goaways[0]?.code ?? codes.protocolError;
    assert.ok(code === codes.protocolError || code === codes.frameSizeError, `${code}`);
    assert.equal(ends.count('opened'), 0);
  });
}

test('§6.5.3: each SETTINGS is acknowledged once, in order', () => {
  const { clock, peer } = openWorld();
  const before = peer.settingsAcks;
  peer.send(settings({ maxConcurrentStreams: 1 }), settings(), settings({ maxConcurrentStreams: 7 }));
  clock.settle();
  assert.equal(peer.settingsAcks, before + 3);
  assert.equal(peer.unacknowledged, 0);
});

test('§5.1.2: the stream limit is followed at any time: 1, 1000, 0, and back', () => {
  const { clock, peer, ends, connection, works } = openWorld({ maxConcurrentStreams: 1 });
  assert.equal(connection.streamsMax, 1);
  for (const limit of [1_000, 1, 0, 4_294_967_295, 1_000]) {
    const told = ends.count('streamsChanged');
    peer.settings({ maxConcurrentStreams: limit });
    clock.settle();
    assert.equal(connection.streamsMax, limit);
    assert.equal(ends.count('streamsChanged'), told + 1);
  }
  works();
});

test('§6.5.2: without a stream limit there is none; SETTINGS that name none change none', () => {
  const { clock, peer, connection } = openWorld();
  assert.equal(connection.streamsMax, Infinity);
  peer.settings({ maxConcurrentStreams: 3 });
  peer.settings({ initialWindowSize: 65_535 });
  clock.settle();
  assert.equal(connection.streamsMax, 3);
});

test('§5.1.2: a stream limit below what is open ends none of them', () => {
  const { clock, peer, start, responded } = openWorld();
  const ids = [start(0).id, start(1).id, start(2).id];
  peer.settings({ maxConcurrentStreams: 0 });
  clock.settle();
  ids.forEach((id) => peer.send(answer(id)));
  assert.deepEqual([responded(0).status, responded(1).status, responded(2).status], [200, 200, 200]);
});

test('§6.5.2: in one frame the last value of a setting counts', () => {
  const { clock, peer, connection, start } = openWorld();
  peer.send(
    settings({}, [
      [3, 9],
      [4, 2],
      [3, 4],
      [4, 5],
    ]),
  );
  clock.settle();
  assert.equal(connection.streamsMax, 4);
  assert.equal(start(0, { body: 'ten bytes!' }).body, 'ten b');
});

test('§6.5.2: unknown settings are ignored', () => {
  const { clock, peer, works } = openWorld();
  peer.send(
    settings({}, [
      [0, 1],
      [7, 4_294_967_295],
      [8, 1],
      [0xffff, 5],
    ]),
  );
  clock.settle();
  assert.equal(peer.unacknowledged, 0);
  works();
});

test('§5.5: frames of unknown type are ignored, on the connection, on open, idle and closed streams', () => {
  const { peer, start, responded, works } = openWorld();
  const { id } = start(0);
  peer.send(frame(0xbb, 0xff, 0, Buffer.alloc(100)), frame(0x0a, 0, id, Buffer.alloc(3)), frame(0x10, 0, id + 20));
  peer.send(answer(id));
  assert.equal(responded(0).status, 200);
  peer.send(frame(0xbb, 0, id, Buffer.alloc(16_384)));
  works();
});

test('§4.1: flags without a meaning and the reserved bit are ignored', () => {
  const { clock, peer, start, responded } = openWorld();
  const { id } = start(0);
  peer.send(
    frame(4, 0xfe, 0),
    frame(6, 0xfe, 0, Buffer.from('meerkat?')),
    frame(8, 0xff, 0x80000000, Buffer.from([0x80, 0, 0, 1])),
    frame(1, 0xc4, (0x80000000 + id) >>> 0, Buffer.from([0x88])),
    frame(0, 0xf7 & ~8, id, Buffer.from('yes')),
  );
  clock.settle();
  assert.deepEqual(peer.pongs, ['meerkat?']);
  assert.equal(peer.unacknowledged, 0);
  assert.equal(responded(0).body, 'yes');
});

test('§6.5.2: HEADER_TABLE_SIZE 0 empties our table before the next request, and it works on', () => {
  const { clock, peer, start, works } = openWorld();
  const shared = { 'apns-topic': 'org.example.app', authorization: 'bearer abc' };
  start(0, { shared });
  start(1, { shared });
  peer.settings({ headerTableSize: 0 });
  clock.settle();
  // The decoder of the peer throws unless the next block begins by announcing the smaller table (RFC 7541 §4.2).
  for (const slot of [2, 3]) assert.equal(start(slot, { shared }).fields['apns-topic'], 'org.example.app');
  works();
});

test('§6.5.2: HEADER_TABLE_SIZE 0 and 4096 between two requests: the table is announced empty all the same', () => {
  const { clock, peer, start } = openWorld();
  const shared = { 'apns-topic': 'org.example.app' };
  start(0, { shared });
  peer.settings({ headerTableSize: 0 });
  peer.settings({ headerTableSize: 4_096 });
  clock.settle();
  for (const slot of [1, 2, 3]) assert.equal(start(slot, { shared }).fields['apns-topic'], 'org.example.app');
});

for (const bytes of [0, 1, 64, 100, 4_096, 65_536, 4_294_967_295]) {
  test(`§6.5.2: with HEADER_TABLE_SIZE ${bytes} from the start, many requests are read right`, () => {
    const { start } = openWorld({ headerTableSize: bytes });
    const sets = Array.from({ length: 80 }, (_, index) => ({
      authorization: `bearer ${'x'.repeat(index * 9 + 1)}`,
      'apns-topic': `org.example.app${index % 7}`,
    }));
    for (let slot = 0; slot < 400; slot++) {
      const shared = sets[(slot * slot) % 80] ?? { authorization: '', 'apns-topic': '' };
      const { fields } = start(slot, { shared, fields: { 'apns-id': `${slot}` }, path: `/3/device/${slot}` });
      assert.equal(fields['authorization'], shared.authorization);
      assert.equal(fields['apns-topic'], shared['apns-topic']);
      assert.equal(fields['apns-id'], `${slot}`);
      assert.equal(fields[':path'], `/3/device/${slot}`);
    }
  });
}

test('§6.5.2: HEADER_TABLE_SIZE going up and down between any two requests keeps both sides in step', () => {
  const { clock, peer, start } = openWorld();
  const shared = { 'apns-topic': 'org.example.app', 'apns-push-type': 'alert' };
  for (const [slot, bytes] of [4_096, 0, 50, 65_536, 128, 4_096, 1, 0, 0, 8_192, 60].entries()) {
    peer.settings({ headerTableSize: bytes });
    clock.settle();
    assert.equal(start(2 * slot, { shared }).fields['apns-push-type'], 'alert');
    assert.equal(start(2 * slot + 1, { shared, fields: { 'apns-id': 'x' } }).fields['apns-topic'], 'org.example.app');
  }
});

test('§4.2: MAX_FRAME_SIZE up: larger DATA may go out; back to the least: never larger than it', () => {
  const window = 2 ** 20;
  const { clock, peer, start } = openWorld({ maxFrameSize: 16_777_215, initialWindowSize: window });
  peer.send(windowUpdate(0, window));
  clock.settle();
  const body = 'x'.repeat(60_000);
  assert.equal(start(0, { body }).body.length, 60_000);
  peer.settings({ maxFrameSize: 16_384 });
  clock.settle();
  const { pieces, ended } = start(1, { body });
  assert.ok(ended && Math.max(...pieces) <= 16_384);
});

test('§4.2: a request head larger than the peer takes in one frame goes on in CONTINUATION, or is refused', () => {
  const { connection, clock, peer, send, works } = openWorld();
  const said = send(0, { fields: { authorization: `bearer ${'y'.repeat(40_000)}` } });
  clock.settle();
  if (said === 'sent') assert.equal(peer.expectRequest(1).fields['authorization']?.length, 40_007);
  else assert.equal(said, 'invalid');
  assert.equal(connection.writable, true);
  works();
});

test("§6.5.2: a request larger than the peer's MAX_HEADER_LIST_SIZE harms no other", () => {
  const { clock, peer, send, works } = openWorld({ maxHeaderListSize: 1_000 });
  const said = send(0, { fields: { 'x-long': 'z'.repeat(1_000) } });
  clock.settle();
  assert.equal(said, 'invalid');
  assert.equal(peer.streams.size, 0);
  works();
});

const failures: readonly (readonly [what: string, bytes: Buffer, code: number])[] = [
  ['§6.5: SETTINGS of five bytes', frame(4, 0, 0, Buffer.alloc(5)), codes.frameSizeError],
  ['§6.5: SETTINGS on a stream', frame(4, 0, 1), codes.protocolError],
  ['§6.5: an acknowledgement with a payload', frame(4, 1, 0, Buffer.alloc(6)), codes.frameSizeError],
  ['§6.5.2: ENABLE_PUSH 1 from a server', settings({ enablePush: 1 }), codes.protocolError],
  ['§6.5.2: ENABLE_PUSH 2', settings({ enablePush: 2 }), codes.protocolError],
  ['§6.5.2: INITIAL_WINDOW_SIZE 2^31', settings({ initialWindowSize: 2 ** 31 }), codes.flowControlError],
  ['§6.5.2: MAX_FRAME_SIZE 16383', settings({ maxFrameSize: 16_383 }), codes.protocolError],
  ['§6.5.2: MAX_FRAME_SIZE 2^24', settings({ maxFrameSize: 2 ** 24 }), codes.protocolError],
  ['§6.7: PING of seven bytes', frame(6, 0, 0, Buffer.alloc(7)), codes.frameSizeError],
  ['§6.7: PING on a stream', frame(6, 0, 1, Buffer.alloc(8)), codes.protocolError],
  ['§6.8: GOAWAY of seven bytes', frame(7, 0, 0, Buffer.alloc(7)), codes.frameSizeError],
  ['§6.8: GOAWAY on a stream', frame(7, 0, 1, Buffer.alloc(8)), codes.protocolError],
  ['§6.4: RST_STREAM of three bytes', frame(3, 0, 1, Buffer.alloc(3)), codes.frameSizeError],
  ['§6.4: RST_STREAM on the connection', frame(3, 0, 0, Buffer.alloc(4)), codes.protocolError],
  ['§6.4: RST_STREAM on an idle stream', frame(3, 0, 99, Buffer.alloc(4)), codes.protocolError],
  ['§6.9: WINDOW_UPDATE of five bytes', frame(8, 0, 0, Buffer.from([0, 0, 0, 1, 0])), codes.frameSizeError],
  ['§5.1: WINDOW_UPDATE on an idle stream', windowUpdate(99, 1), codes.protocolError],
  ['§6.1: DATA on the connection', data(0, 'x'), codes.protocolError],
  ['§5.1: DATA on an idle stream', data(99, 'x'), codes.protocolError],
  ['§6.2: HEADERS on the connection', headers(0, [[':status', '200']]), codes.protocolError],
  ['§5.1.1: HEADERS on a stream we have not opened', headers(99, [[':status', '200']]), codes.protocolError],
  ['§5.1.1: HEADERS on an even stream', headers(2, [[':status', '200']]), codes.protocolError],
  ['§5.1: DATA on an even stream', data(2, 'x'), codes.protocolError],
  ['§6.3: PRIORITY on the connection', frame(2, 0, 0, Buffer.alloc(5)), codes.protocolError],
  ['§8.4: PUSH_PROMISE', frame(5, 4, 1, Buffer.from([0, 0, 0, 2, 0x88])), codes.protocolError],
  ['§6.10: CONTINUATION without HEADERS', frame(9, 4, 1, Buffer.from([0x88])), codes.protocolError],
  ['§6.10: CONTINUATION on the connection', frame(9, 4, 0), codes.protocolError],
  ['§4.2: the head of DATA larger than we allow', headOf(2 ** 24 - 1, 0, 0, 1), codes.frameSizeError],
  ['§4.2: the head of HEADERS larger than we allow', headOf(2 ** 24 - 1, 1, 4, 1), codes.frameSizeError],
  ['§4.2: the head of SETTINGS larger than we allow', headOf(98_304, 4, 0, 0), codes.frameSizeError],
  ['§4.2: the head of an unknown frame larger than we allow', headOf(98_304, 0xbb, 0, 0), codes.frameSizeError],
  ['§6.9.1: a connection window above 2^31-1', windowUpdate(0, 2 ** 31 - 1), codes.flowControlError],
  ['§6.9: WINDOW_UPDATE of nothing on the connection', windowUpdate(0, 0), codes.protocolError],
  ['§6.9: the same with the reserved bit', frame(8, 0, 0, Buffer.from([0x80, 0, 0, 0])), codes.protocolError],
];
for (const [what, bytes, code] of failures) {
  test(`${what} is a connection error (§5.4.1)`, () => {
    const { peer, start, failsWith } = openWorld();
    start(0);
    peer.send(bytes);
    failsWith(code);
  });
}

test('§5.4.1: what comes after a connection error is not read', () => {
  const { peer, start, failsWith, lost } = openWorld();
  const { id } = start(0);
  peer.send(data(0, 'x'), answer(id), goaway(0, 0));
  failsWith(codes.protocolError);
  assert.equal(lost(0).unprocessed, false);
  assert.equal(peer.goaways.length, 1);
});

test('§5.4.1: a peer that does not close after our GOAWAY is not waited for without end', () => {
  const { peer, start, failsWith } = openWorld();
  start(0);
  peer.closesAfterEnd = false;
  peer.send(data(0, 'x'));
  failsWith(codes.protocolError);
});

test('§6.5.3: surplus acknowledgements are ignored', () => {
  const { peer, works } = openWorld();
  peer.send(settingsAck(), settingsAck());
  works();
});

test('§6.5.3: a peer that never acknowledges our SETTINGS does not hold requests back', () => {
  const { connection, clock, peer, ends, works } = freshWorld();
  connection.start();
  clock.settle();
  peer.settings({});
  clock.settle();
  works();
  clock.advance(60_000);
  // SETTINGS_TIMEOUT may end it (§6.5.3), nothing else.
  assert.ok(ends.closedReason === undefined || peer.goaways[0]?.code === codes.settingsTimeout);
});
