import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../../src/core/limits.ts';
import { seededRandom } from '../../../../src/core/random.ts';
import type { GatewayRequest } from '../../../../src/transport/gateway-session.ts';
import { HpackEncoder } from '../../../../src/transport/h2/hpack-encoder.ts';
import { HpackReader } from '../../../../src/transport/h2/hpack-reader.ts';
import { fieldsOf, hex, integer, literal, string, tableOf } from './hpack-blocks.ts';
import type { Pair } from './hpack-blocks.ts';

type Fields = Readonly<Record<string, string>>;

const constant: Fields = { ':method': 'POST', ':scheme': 'https', ':authority': 'gateway.example' };
const pseudo: readonly Pair[] = Object.entries(constant);

function request(shared: Fields, fields: Fields = {}, path = '/p'): GatewayRequest {
  return { path, shared, fields, body: '' };
}

/** Writes at an odd place, checks the bound and that nothing else is touched. */
function blockOf(encoder: HpackEncoder, sent: GatewayRequest): Buffer {
  const bound = encoder.boundOf(sent);
  assert.notEqual(bound, -1);
  const bytes = Buffer.alloc(bound + 6, 0xa5);
  const end = encoder.write(bytes, 3, sent);
  assert.ok(end - 3 <= bound, `${end - 3} bytes, bound ${bound}`);
  assert.ok(bytes.subarray(0, 3).every((byte) => byte === 0xa5) && bytes.subarray(end).every((byte) => byte === 0xa5));
  return bytes.subarray(3, end);
}

function expectedFields({ path, shared, fields }: GatewayRequest, rest: Fields = {}): Pair[] {
  return [...pseudo, [':path', path], ...Object.entries(rest), ...Object.entries(shared), ...Object.entries(fields)];
}

test('requests: the first block fills the table, then it is indices; the path never is (RFC 7541 §7.1.3)', () => {
  const encoder = new HpackEncoder({ ...constant, 'content-type': 'application/json' });
  const shared = { 'apns-topic': 'org.example' };
  const first = blockOf(encoder, request(shared, { 'apns-id': 'A' }, '/3/device/t'));
  assert.deepEqual(
    first,
    Buffer.concat([
      hex('83 87 41'),
      string('gateway.example'),
      hex('14'),
      string('/3/device/t'),
      hex('5f'),
      string('application/json'),
      hex('40'),
      string('apns-topic'),
      string('org.example'),
      literal('apns-id', 'A'),
    ]),
  );
  const second = Buffer.concat([hex('83 87 c0 14'), string('/3/device/u'), hex('bf be'), literal('apns-id', 'B')]);
  for (let again = 0; again < 3; again++) {
    assert.deepEqual(blockOf(encoder, request(shared, { 'apns-id': 'B' }, '/3/device/u')), second);
  }
});

test('requests: pseudo fields come first whatever the order they are given in (RFC 9113 §8.3)', () => {
  const encoder = new HpackEncoder({ 'user-agent': 'x', ...constant });
  const reader = new HpackReader('all', 4096);
  const sent = request({ a: '1' }, { b: '2' });
  for (let again = 0; again < 3; again++) {
    assert.deepEqual(fieldsOf(reader, blockOf(encoder, sent)), expectedFields(sent, { 'user-agent': 'x' }));
  }
});

test('requests: fields of one request enter no table; a secret among them may be indexed by nobody', () => {
  const encoder = new HpackEncoder(constant);
  const reader = new HpackReader('all', 4096);
  const fields = { 'x-own': '1', date: 'd', authorization: 'x'.repeat(60), cookie: 'c' };
  const block = blockOf(encoder, request({}, fields));
  assert.deepEqual(fieldsOf(reader, block), expectedFields(request({}, fields)));
  assert.deepEqual(tableOf(reader), [[':authority', 'gateway.example']]);
  const ends = [
    literal('x-own', '1'),
    integer(0x00, 4, 33),
    string('d'),
    integer(0x10, 4, 23),
    string('x'.repeat(60)),
    integer(0x10, 4, 32),
    string('c'),
  ];
  const end = Buffer.concat(ends);
  assert.deepEqual(block.subarray(block.length - end.length), end);
});

test('requests: an authorization that could be guessed, and cookies, are never indexed (RFC 7541 §7.1.3)', () => {
  for (const [shared, indexed] of [
    [{ authorization: `bearer ${'x'.repeat(32)}` }, true],
    [{ authorization: 'x'.repeat(32) }, true],
    [{ authorization: `bearer ${'x'.repeat(31)}` }, false],
    [{ cookie: 'x'.repeat(60) }, false],
    [{ 'proxy-authorization': `basic ${'x'.repeat(60)}` }, false],
  ] as const) {
    const encoder = new HpackEncoder(constant);
    const reader = new HpackReader('all', 4096);
    const sent = request(shared);
    for (let again = 0; again < 3; again++) {
      const block = blockOf(encoder, sent);
      assert.deepEqual(fieldsOf(reader, block), expectedFields(sent));
      const [name = ''] = Object.keys(shared);
      const index = { authorization: 23, cookie: 32, 'proxy-authorization': 49 }[name] ?? 0;
      assert.equal(block.includes(integer(0x10, 4, index)), !indexed, `${name} ${again}`);
    }
    assert.equal(
      tableOf(reader).some(([name]) => name !== ':authority'),
      indexed,
    );
  }
});

test('requests: what HTTP/2 cannot carry has no bound (RFC 9113 §8.2, §8.3.1)', () => {
  const encoder = new HpackEncoder(constant);
  const bad: readonly (readonly [name: string, value: string])[] = [
    ['Upper', 'x'],
    ['', 'x'],
    ['a b', 'x'],
    ['a:b', 'x'],
    [':path', '/'],
    [':method', 'GET'],
    ['n\u00e4me', 'x'],
    ['a', 'b\nc'],
    ['a', 'b\rc'],
    ['a', 'b\0c'],
    ['a', 'b\n'],
    ['a', ' b'],
    ['a', 'b\t'],
    ['a', ' '],
    ['a', '\u0100'],
    ['a', '\u{1f600}'],
    ['connection', 'close'],
    ['keep-alive', '1'],
    ['proxy-connection', '1'],
    ['transfer-encoding', 'chunked'],
    ['upgrade', 'h2c'],
    ['te', 'gzip'],
  ];
  for (const [name, value] of bad) {
    const what = JSON.stringify([name, value]);
    for (let again = 0; again < 2; again++) {
      assert.equal(encoder.boundOf(request({}, { [name]: value })), -1, what);
      assert.equal(encoder.boundOf(request({ [name]: value })), -1, what);
    }
    if (!name.startsWith(':')) assert.equal(new HpackEncoder({ ...constant, [name]: value }).boundOf(request({})), -1);
  }
  for (const path of ['', 'p', '/a b', '/a\n', '/\u00e4', '/\u0100', '*']) {
    assert.equal(encoder.boundOf(request({}, {}, path)), -1, path);
  }
  assert.equal(new HpackEncoder({ ...constant, ':path': '/' }).boundOf(request({})), -1);
  assert.notEqual(encoder.boundOf(request({ a: '' }, { b: '\x80\xff a\tb' })), -1);
});

test('requests: the list is counted as RFC 9113 §6.5.2 says', () => {
  const encoder = new HpackEncoder({ ...constant, 'content-type': 'x' });
  const sent = request({ a: '1' }, { b: '22', c: '' }, '/path');
  const sum = expectedFields(sent, { 'content-type': 'x' }).reduce((all, [n, v]) => all + n.length + v.length + 32, 0);
  assert.equal(encoder.listBytesOf(sent), sum);
});

test('requests: sizes of the table: less is told, the least in between as well, more than 4096 is not used', () => {
  const encoder = new HpackEncoder(constant);
  const sent = request({ a: '1' });
  const start = (): string => blockOf(encoder, sent).toString('hex', 0, 7);
  blockOf(encoder, sent);
  encoder.setTableBytesMax(65_536);
  encoder.setTableBytesMax(4_096);
  assert.match(start(), /^8387bf/);
  // Zero: emptied, everything literal.
  encoder.setTableBytesMax(0);
  assert.match(start(), /^20838701/);
  assert.match(start(), /^838701/);
  // Up again: told once, and it fills anew.
  encoder.setTableBytesMax(65_536);
  assert.match(start(), /^3fe11f838741/);
  assert.match(start(), /^8387bf/);
  // Down and up between two blocks: both are told.
  encoder.setTableBytesMax(10);
  encoder.setTableBytesMax(100);
  encoder.setTableBytesMax(4_096);
  assert.match(start(), /^2a3fe11f838741/);
  // Down, then up a little.
  encoder.setTableBytesMax(0);
  encoder.setTableBytesMax(20);
  assert.match(start(), /^2034838701/);
  // Up in two steps is one change.
  encoder.setTableBytesMax(25);
  encoder.setTableBytesMax(30);
  assert.match(start(), /^3e838701/);
});

test('requests: a full table is not thrashed: the next eviction waits for 64 requests', () => {
  const encoder = new HpackEncoder(constant);
  encoder.setTableBytesMax(200);
  const reader = new HpackReader('all', 4096);
  const many = Array.from({ length: 6 }, (_, at) => request({ topic: `${at}`.repeat(40) }));
  let insertions = 0;
  let before: readonly Pair[] = [];
  for (let sent = 0; sent < 6 * limits.hpackEvictAfterRequests; sent++) {
    const next = many[sent % many.length] ?? request({});
    assert.deepEqual(fieldsOf(reader, blockOf(encoder, next)), expectedFields(next));
    const table = tableOf(reader);
    if (JSON.stringify(table) !== JSON.stringify(before)) insertions++;
    before = table;
  }
  // The first fill of the table, then one eviction in each 64 requests.
  assert.ok(insertions >= 5 && insertions <= 8, `${insertions} insertions`);
});

test('requests: a new set of shared fields ousts the old ones once, then it is indices again', () => {
  const encoder = new HpackEncoder(constant);
  const reader = new HpackReader('all', 4096);
  const old = request({ authorization: `bearer ${'a'.repeat(2_500)}` });
  const fresh = request({ authorization: `bearer ${'b'.repeat(2_500)}` });
  const lengths: number[] = [];
  for (let sent = 0; sent < 200; sent++) {
    const next = sent < 10 ? old : fresh;
    const block = blockOf(encoder, next);
    assert.deepEqual(fieldsOf(reader, block), expectedFields(next));
    lengths.push(block.length);
  }
  assert.ok((lengths[9] ?? 0) < 20 && (lengths.at(-1) ?? 0) < 20);
  assert.ok(lengths.filter((length) => length > 2_500).length < limits.hpackEvictAfterRequests + 10);
});

test('requests: random ones, with sizes that change at any time, come out as they went in', () => {
  const random = seededRandom(20);
  const below = (max: number): number => Math.floor(random.unit() * max);
  const value = (): string => {
    const text = random.bytes(1 + below(random.unit() < 0.02 ? 3_000 : 60)).toString('latin1');
    return text.replace(/[^\t\x20-\x7e\x80-\xff]/g, 'x').replace(/^[\t ]|[\t ]$/g, 'y');
  };
  const names = ['authorization', 'apns-topic', 'cookie', 'date', 'x-very-long-name-of-a-field', 'a', 'content-type'];
  const some = (max: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: below(max) }, () => [names[below(names.length)] ?? 'b', value()]));
  for (let world = 0; world < 40; world++) {
    const encoder = new HpackEncoder(constant);
    const reader = new HpackReader('all', 4096);
    const shareds = Array.from({ length: 1 + below(90) }, () => some(6));
    for (let sent = 0; sent < 300; sent++) {
      if (random.unit() < 0.03) encoder.setTableBytesMax([0, 50, 300, 4_096, 65_536][below(5)] ?? 0);
      const next = request(shareds[below(shareds.length)] ?? {}, some(3), `/${'p'.repeat(below(300))}`);
      assert.deepEqual(fieldsOf(reader, blockOf(encoder, next)), expectedFields(next));
    }
  }
});
