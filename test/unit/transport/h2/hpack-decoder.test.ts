import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HpackDecoder } from '../../../../src/transport/h2/hpack-decoder.ts';
import type { BlockVerdict } from '../../../../src/transport/h2/hpack-decoder.ts';
import { hex, incremental, integer, literal, string } from './hpack-blocks.ts';

const status200 = hex('88');

function decoder(listBytesMax = 1_000): HpackDecoder {
  return new HpackDecoder({ wanted: ['apns-id', 'retry-after'], listBytesMax });
}

function verdict(reader: HpackDecoder, blocks: readonly Buffer[], trailers = false): BlockVerdict {
  // Bytes around the block do not count.
  const bytes = Buffer.concat([hex('ff'), ...blocks, hex('80')]);
  return reader.decode(bytes, 1, bytes.length - 1, trailers);
}

test('responses: status, content-length and the wanted fields alone', () => {
  const reader = decoder();
  const block = [status200, literal('apns-id', 'ID'), literal('date', 'today'), literal('content-length', '17')];
  assert.equal(verdict(reader, block), 'ok');
  assert.deepEqual([reader.status, reader.contentLength, reader.fields], [200, 17, { 'apns-id': 'ID' }]);
  assert.equal(verdict(reader, [hex('8d')]), 'ok');
  assert.deepEqual([reader.status, reader.contentLength, reader.fields], [404, -1, {}]);
});

test('responses: an indexed field says what its literal said', () => {
  const reader = decoder();
  const first = [
    incremental(':status', '429'),
    incremental('content-length', '0'),
    incremental('retry-after', '30'),
    incremental('x-other', 'x'),
  ];
  const indices = hex('c1 c0 bf be');
  for (const block of [first, [indices], [indices]]) {
    assert.equal(verdict(reader, block), 'ok');
    assert.deepEqual([reader.status, reader.contentLength, reader.fields], [429, 0, { 'retry-after': '30' }]);
  }
  // The name alone: an entry's name is known when only its name is used.
  assert.equal(verdict(reader, [hex('c1'), integer(0x00, 4, 63), string('60')]), 'ok');
  assert.deepEqual(reader.fields, { 'retry-after': '60' });
});

test('responses: replies without wanted fields share one object that cannot be written to', () => {
  const [one, other] = [decoder(), decoder()];
  verdict(one, [status200]);
  verdict(other, [status200, literal('date', 'today')]);
  assert.equal(one.fields, other.fields);
  assert.ok(Object.isFrozen(one.fields));
});

test('responses: what was given stays as it is when the next block comes', () => {
  const reader = decoder();
  verdict(reader, [status200, literal('apns-id', 'one')]);
  const { fields } = reader;
  verdict(reader, [status200, literal('apns-id', 'two')]);
  assert.deepEqual(fields, { 'apns-id': 'one' });
});

test('responses: a wanted field that comes again is joined (RFC 9110 §5.3)', () => {
  const reader = decoder();
  assert.equal(verdict(reader, [status200, literal('retry-after', '1'), literal('retry-after', '2')]), 'ok');
  assert.deepEqual(reader.fields, { 'retry-after': '1, 2' });
});

test('responses: values are latin1, and may be empty (RFC 9110 §5.5)', () => {
  const reader = decoder();
  assert.equal(verdict(reader, [status200, literal('apns-id', 'a\t\x80\xff b'), literal('retry-after', '')]), 'ok');
  assert.deepEqual(reader.fields, { 'apns-id': 'a\t\x80\xff b', 'retry-after': '' });
});

const malformed: Readonly<Record<string, readonly Buffer[]>> = {
  'no :status (§8.3.2)': [literal('date', 'today')],
  'nothing at all': [],
  ':status twice': [status200, status200],
  ':status twice, once wrong': [literal(':status', 'abc'), status200],
  ':status behind a field (§8.3)': [literal('date', 'today'), status200],
  ':status of two digits': [literal(':status', '99')],
  ':status of four digits': [literal(':status', '2000')],
  ':status below 100': [literal(':status', '099')],
  ':status that is no number': [literal(':status', '2x0')],
  ':status without a value': [literal(':status', '')],
  'a pseudo field of requests, indexed': [status200, hex('82')],
  'a pseudo field of requests, literal': [status200, literal(':path', '/')],
  'an unknown pseudo field': [status200, literal(':protocol', 'x')],
  'a colon alone': [status200, literal(':', 'x')],
  'a colon inside a name (§8.2.1)': [status200, literal('a:b', 'x')],
  'an upper-case letter in a name (§8.2.1)': [status200, literal('Date', 'x')],
  'an upper-case letter in a wanted name': [status200, literal('Apns-id', 'x')],
  'a space in a name': [status200, literal('a b', 'x')],
  'a control character in a name': [status200, literal('a\x1f', 'x')],
  'DEL in a name': [status200, literal('a\x7f', 'x')],
  'a byte above ASCII in a name': [status200, literal('a\x80', 'x')],
  'an empty name': [status200, literal('', 'x')],
  'NUL in a value (§8.2.1)': [status200, literal('a', 'b\0c')],
  'LF in a value': [status200, literal('a', 'b\nc')],
  'CR in a value': [status200, literal('a', 'b\rc')],
  'CR in a value, Huffman': [status200, hex('000161'), string('b\rcdefgh', true)],
  'a space before a value': [status200, literal('a', ' b')],
  'a tab behind a value': [status200, literal('a', 'b\t')],
  'a space for a value': [status200, literal('a', ' ')],
  'connection (§8.2.2)': [status200, literal('connection', 'close')],
  'keep-alive': [status200, literal('keep-alive', '1')],
  'proxy-connection': [status200, literal('proxy-connection', 'close')],
  'transfer-encoding': [status200, literal('transfer-encoding', 'chunked')],
  'transfer-encoding by its index': [status200, integer(0x00, 4, 57), string('chunked')],
  upgrade: [status200, literal('upgrade', 'h2c')],
  'te in a response': [status200, literal('te', 'trailers')],
  'content-length that is no number (§8.1.1)': [status200, literal('content-length', '1x')],
  'content-length below zero': [status200, literal('content-length', '-1')],
  'content-length without a value': [status200, literal('content-length', '')],
  'content-length beyond counting': [status200, literal('content-length', '9'.repeat(16))],
  'two lengths that differ': [status200, literal('content-length', '1'), literal('content-length', '2')],
};

test('responses: malformed lists are told, and the table stays in step (RFC 9113 §8.1 to 8.3)', () => {
  for (const [what, block] of Object.entries(malformed)) {
    const reader = decoder();
    assert.equal(verdict(reader, [...block, incremental('apns-id', what)]), 'malformed', what);
    assert.equal(verdict(reader, [status200, hex('be')]), 'ok', what);
    assert.deepEqual(reader.fields, { 'apns-id': what });
  }
});

test('responses: a malformed field is as malformed when it comes by its index', () => {
  const reader = decoder();
  assert.equal(verdict(reader, [status200, incremental('a', 'b\0')]), 'malformed');
  assert.equal(verdict(reader, [status200, hex('be')]), 'malformed');
  // Its name is not to blame.
  assert.equal(verdict(reader, [status200, integer(0x00, 4, 62), string('b')]), 'ok');
});

test('responses: the same content-length twice is one (RFC 9110 §8.6)', () => {
  const reader = decoder();
  assert.equal(verdict(reader, [status200, literal('content-length', '5'), literal('content-length', '5')]), 'ok');
  assert.equal(reader.contentLength, 5);
});

test('trailers: no pseudo field may be in them, and none need be (RFC 9113 §8.1)', () => {
  const reader = decoder();
  assert.equal(verdict(reader, [literal('apns-id', 'x')], true), 'ok');
  assert.deepEqual([reader.status, reader.fields], [0, { 'apns-id': 'x' }]);
  assert.equal(verdict(reader, [], true), 'ok');
  assert.equal(verdict(reader, [status200], true), 'malformed');
});

test('responses: a list is counted as RFC 9113 §6.5.2 says, and the table stays in step over the bound', () => {
  // `:status: 200` is 42.
  const exact = 42 + 32 + 1 + 10;
  assert.equal(verdict(decoder(exact), [status200, literal('a', 'x'.repeat(10))]), 'ok');
  const reader = decoder(exact);
  assert.equal(verdict(reader, [status200, literal('a', 'x'.repeat(11))]), 'too-large');
  assert.equal(verdict(reader, [status200, literal('a', 'x'.repeat(11)), incremental('apns-id', 'y')]), 'too-large');
  assert.equal(verdict(reader, [status200, hex('be')]), 'ok');
  assert.deepEqual(reader.fields, { 'apns-id': 'y' });
  // One byte for each field of 4 KiB: what is over the bound is not joined.
  assert.equal(verdict(reader, [incremental('apns-id', 'z'.repeat(4_000)), Buffer.alloc(16_000, 0xbe)]), 'too-large');
  assert.deepEqual(reader.fields, {});
});

test('responses: a compression error is told as such, whatever else is wrong', () => {
  assert.equal(verdict(decoder(), [status200, literal('A', ' x'), hex('be')]), 'compression-error');
  assert.equal(verdict(decoder(1), [status200, hex('4001')]), 'compression-error');
  assert.equal(verdict(decoder(), [integer(0x20, 5, 4096), status200]), 'ok');
  assert.equal(verdict(decoder(), [integer(0x20, 5, 4097), status200]), 'compression-error');
});
