/** The scripted peer itself, proved on a client that is not ours: node:http2 (nghttp2). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { systemClock } from '../../../../src/core/clock.ts';
import { FrameReader, data, headers, windowUpdate } from '../../../peers/h2-frames.ts';
import {
  RequestDecoder,
  huffman,
  huffmanLiteral,
  indexed,
  indexing,
  literals,
  tableSize,
} from '../../../peers/h2-hpack.ts';
import { H2Peer } from '../../../peers/h2-peer.ts';
import type { TestContext } from 'node:test';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';

function nodeClient(t: TestContext): { readonly peer: H2Peer; readonly session: ClientHttp2Session } {
  const peer = new H2Peer(systemClock);
  const socket = new Duplex({
    read: () => undefined,
    write: (bytes: Buffer, _encoding, done) => peer.write(Buffer.from(bytes), done),
    final: (done) => {
      peer.end();
      done();
    },
  });
  peer.attach({ received: (bytes) => socket.push(Buffer.from(bytes)), wireClosed: () => socket.push(null) });
  const session = connect('https://gateway.example', { createConnection: () => socket });
  t.after(() => session.destroy());
  return { peer, session };
}

async function answered(stream: ClientHttp2Stream): Promise<readonly [IncomingHttpHeaders, string]> {
  const [fields] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  let body = '';
  for await (const part of stream.setEncoding('utf8')) body += String(part);
  return [fields, body];
}

test('the scripted peer reads requests of node:http2 and answers in each representation (RFC 7541 §6)', async (t) => {
  const { peer, session } = nodeClient(t);
  peer.open({ maxConcurrentStreams: 10 });
  await once(session, 'remoteSettings');
  const path = '/3/device/~{}|^"é\u00ff'.replace('é', '%C3');
  for (const [index, block] of [
    literals([':status', '400'], ['apns-id', 'a']),
    indexing([':status', '400'], ['apns-id', 'a']),
    Buffer.concat([indexed(63), indexed(62)]),
    Buffer.concat([tableSize(0), indexed(12), huffmanLiteral(['apns-id', 'a'])]),
  ].entries()) {
    const stream = session.request({ ':method': 'POST', ':path': path, 'x-twice': 'the same each time' });
    stream.end('{"aps":{}}');
    const id = 2 * index + 1;
    while (peer.streams.get(id)?.ended !== true) await new Promise((resolve) => setImmediate(resolve));
    const request = peer.expectRequest(id);
    assert.equal(request.fields[':path'], path);
    assert.equal(request.fields['x-twice'], 'the same each time');
    assert.equal(request.body, '{"aps":{}}');
    if (index > 0) assert.equal(request.block.find(({ name }) => name === 'x-twice')?.form, 'indexed');
    peer.send(headers(id, block), data(id, 'no', { padding: 3 }), data(id, ' topic', { end: true }));
    const [fields, body] = await answered(stream);
    assert.equal(fields[':status'], 400);
    assert.equal(fields['apns-id'], 'a');
    assert.equal(body, 'no topic');
  }
});

test('the scripted peer holds a client to its windows and sees a body come in pieces (RFC 9113 §6.9)', async (t) => {
  const { peer, session } = nodeClient(t);
  peer.open({ initialWindowSize: 10, headerTableSize: 0 });
  await once(session, 'remoteSettings');
  const stream = session.request({ ':method': 'POST', ':path': '/' });
  stream.end('x'.repeat(25));
  while ((peer.streams.get(1)?.body.length ?? 0) < 10) await new Promise((resolve) => setImmediate(resolve));
  peer.send(windowUpdate(1, 9));
  while ((peer.streams.get(1)?.body.length ?? 0) < 19) await new Promise((resolve) => setImmediate(resolve));
  peer.settings({ initialWindowSize: 16 });
  while (peer.streams.get(1)?.ended !== true) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    peer.expectRequest(1).pieces.filter((bytes) => bytes > 0),
    [10, 9, 6],
  );
  assert.equal(peer.expectRequest(1).window, 0);
});

test("the scripted peer's Huffman code is that of RFC 7541 Appendix C", () => {
  assert.equal(huffman('www.example.com').toString('hex'), 'f1e3c2e5f23a6ba0ab90f4ff');
  assert.equal(huffman('https://www.example.com').toString('hex'), '9d29ad171863c78f0b97c8e9ae82ae43d3');
  assert.equal(
    huffman('foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1').toString('hex'),
    '94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
  );
  const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('');
  const [field] = new RequestDecoder().decode(huffmanLiteral(['x', all]));
  assert.deepEqual(field, { name: 'x', value: all, form: 'never' });
});

test("the scripted peer's decoder refuses what RFC 7541 calls an error", () => {
  const refused = (...hex: readonly string[]): void => {
    for (const bytes of hex)
      assert.throws(() => new RequestDecoder().decode(Buffer.from(bytes, 'hex')), /HPACK/, bytes);
  };
  refused(
    '80',
    'be',
    '0f',
    '0001',
    '00056162',
    '3fe21f',
    '8220',
    '7f8080808010',
    '00816101',
    '0081180161',
    '0082ffff0161',
  );
  const decoder = new RequestDecoder();
  decoder.allow(0);
  assert.throws(() => decoder.decode(Buffer.from('82', 'hex')), /smaller table/);
});

test('the reader of frames takes any split', () => {
  const bytes = Buffer.concat([data(1, 'abc'), headers(3, [[':status', '200']]), windowUpdate(0, 1)]);
  for (let at = 0; at <= bytes.length; at++) {
    const reader = new FrameReader();
    const frames = [...reader.push(bytes.subarray(0, at)), ...reader.push(bytes.subarray(at))];
    assert.deepEqual(
      frames.map(({ type, streamId, payload }) => [type, streamId, payload.length]),
      [
        [0, 1, 3],
        [1, 3, 13],
        [8, 0, 4],
      ],
    );
    assert.equal(reader.rest, 0);
  }
});
