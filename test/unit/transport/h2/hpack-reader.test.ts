import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HpackReader } from '../../../../src/transport/h2/hpack-reader.ts';
import { HpackWriter, representations } from '../../../../src/transport/h2/hpack-writer.ts';
import { seededRandom } from '../../../../src/core/random.ts';
import { fieldsOf, hex, huffman, incremental, integer, literal, string, tableOf } from './hpack-blocks.ts';
import type { Pair } from './hpack-blocks.ts';

interface Step {
  readonly blocks: readonly string[];
  readonly fields: readonly Pair[];
  readonly table: readonly Pair[];
  readonly tableBytes: number;
}

/** Each step says the same without and with Huffman coding. */
function checkSeries(steps: readonly Step[], tableBytesMax: number): void {
  for (const coding of [0, 1]) {
    const reader = new HpackReader('all', tableBytesMax);
    for (const { blocks, fields, table, tableBytes } of steps) {
      assert.deepEqual(fieldsOf(reader, hex(blocks[coding] ?? '')), fields);
      assert.deepEqual(tableOf(reader), table);
      assert.equal(reader.tableBytes, tableBytes);
    }
  }
}

const authority: Pair = [':authority', 'www.example.com'];
const noCache: Pair = ['cache-control', 'no-cache'];
const custom: Pair = ['custom-key', 'custom-value'];
const isPrivate: Pair = ['cache-control', 'private'];
const date: Pair = ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'];
const laterDate: Pair = ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'];
const location: Pair = ['location', 'https://www.example.com'];
const gzip: Pair = ['content-encoding', 'gzip'];
const cookie: Pair = ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'];

test('hpack: integers as in RFC 7541 C.1, read and written', () => {
  // A change of the table's size has a prefix of five bits; 1337 is too much for a table of 1336.
  assert.deepEqual(fieldsOf(new HpackReader('all', 10), hex('2a')), []);
  assert.deepEqual(fieldsOf(new HpackReader('all', 9), hex('2a')), 'broken');
  assert.deepEqual(fieldsOf(new HpackReader('all', 1337), hex('3f9a0a')), []);
  assert.deepEqual(fieldsOf(new HpackReader('all', 1336), hex('3f9a0a')), 'broken');
  const writer = new HpackWriter(Buffer.alloc(64));
  writer.index(representations.tableSize, 10);
  writer.index(representations.tableSize, 1337);
  writer.text('x'.repeat(42));
  assert.equal(writer.copyFrom(0).toString('hex', 0, 5), '2a3f9a0a2a');
});

test('hpack: integers around every prefix and continuation, written and read', () => {
  for (const number of [0, 1, 30, 31, 32, 126, 127, 128, 158, 159, 254, 255, 16_383, 16_510, 16_511, 70_000]) {
    const text = 'x'.repeat(number);
    const writer = new HpackWriter(Buffer.alloc(number + 16));
    writer.name(representations.never, 'n');
    writer.text(text);
    const block = writer.copyFrom(0);
    assert.deepEqual(block, Buffer.concat([hex('10016e'), integer(0, 7, number), Buffer.from(text)]));
    assert.deepEqual(fieldsOf(new HpackReader('all', 4096), block), [['n', text]]);
  }
});

test('hpack: the representations of RFC 7541 C.2', () => {
  const vectors: readonly (readonly [block: string, field: Pair, entersTable: boolean])[] = [
    ['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', ['custom-key', 'custom-header'], true],
    ['040c 2f73 616d 706c 652f 7061 7468', [':path', '/sample/path'], false],
    ['1008 7061 7373 776f 7264 0673 6563 7265 74', ['password', 'secret'], false],
    ['82', [':method', 'GET'], false],
  ];
  for (const [block, field, entersTable] of vectors) {
    const reader = new HpackReader('all', 4096);
    assert.deepEqual(fieldsOf(reader, hex(block)), [field]);
    assert.deepEqual(tableOf(reader), entersTable ? [field] : []);
    assert.equal(reader.tableBytes, entersTable ? 55 : 0);
  }
});

test('hpack: the requests of RFC 7541 C.3 and C.4', () => {
  const get: readonly Pair[] = [[':method', 'GET'], [':scheme', 'http'], [':path', '/'], authority];
  checkSeries(
    [
      {
        blocks: ['8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d', '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff'],
        fields: get,
        table: [authority],
        tableBytes: 57,
      },
      {
        blocks: ['8286 84be 5808 6e6f 2d63 6163 6865', '8286 84be 5886 a8eb 1064 9cbf'],
        fields: [...get, noCache],
        table: [noCache, authority],
        tableBytes: 110,
      },
      {
        blocks: [
          '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
          '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
        ],
        fields: [[':method', 'GET'], [':scheme', 'https'], [':path', '/index.html'], authority, custom],
        table: [custom, noCache, authority],
        tableBytes: 164,
      },
    ],
    4096,
  );
});

test('hpack: the responses of RFC 7541 C.5 and C.6, with evictions from a table of 256', () => {
  checkSeries(
    [
      {
        blocks: [
          `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120
           474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
          `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718
           63c7 8f0b 97c8 e9ae 82ae 43d3`,
        ],
        fields: [[':status', '302'], isPrivate, date, location],
        table: [location, date, isPrivate, [':status', '302']],
        tableBytes: 222,
      },
      {
        blocks: ['4803 3330 37c1 c0bf', '4883 640e ffc1 c0bf'],
        fields: [[':status', '307'], isPrivate, date, location],
        table: [[':status', '307'], location, date, isPrivate],
        tableBytes: 222,
      },
      {
        blocks: [
          `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738
           666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33
           3630 303b 2076 6572 7369 6f6e 3d31`,
          `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7
           b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
        ],
        fields: [[':status', '200'], isPrivate, laterDate, location, gzip, cookie],
        table: [cookie, gzip, laterDate],
        tableBytes: 215,
      },
    ],
    256,
  );
});

test('hpack: an entry larger than the table empties it and is a field all the same (RFC 7541 §4.4)', () => {
  const reader = new HpackReader('all', 64);
  assert.deepEqual(fieldsOf(reader, incremental('a', 'b')), [['a', 'b']]);
  assert.deepEqual(fieldsOf(reader, incremental('a', 'x'.repeat(32))), [['a', 'x'.repeat(32)]]);
  assert.deepEqual([tableOf(reader), reader.tableBytes], [[], 0]);
  // Exactly full is not over.
  assert.deepEqual(fieldsOf(reader, incremental('a', 'x'.repeat(31))), [['a', 'x'.repeat(31)]]);
  assert.equal(reader.tableBytes, 64);
});

test('hpack: a name may come from the entry that its own insertion evicts (RFC 7541 §4.4)', () => {
  const reader = new HpackReader('all', 70);
  fieldsOf(reader, incremental('name', 'x'.repeat(30)));
  const again = Buffer.concat([integer(0x40, 6, 62), string('y'.repeat(30))]);
  assert.deepEqual(fieldsOf(reader, again), [['name', 'y'.repeat(30)]]);
  assert.deepEqual(tableOf(reader), [['name', 'y'.repeat(30)]]);
});

test('hpack: changes of the size evict from the old end, and may come twice (RFC 7541 §4.2, §4.3)', () => {
  const reader = new HpackReader('all', 4096);
  fieldsOf(reader, Buffer.concat([incremental('a', '1'), incremental('b', '2'), incremental('c', '3')]));
  fieldsOf(reader, integer(0x20, 5, 68));
  assert.deepEqual(tableOf(reader), [
    ['c', '3'],
    ['b', '2'],
  ]);
  fieldsOf(reader, Buffer.concat([hex('20'), integer(0x20, 5, 4096), incremental('d', '4')]));
  assert.deepEqual(tableOf(reader), [['d', '4']]);
});

test('hpack: the ring keeps its order when it goes round many times', () => {
  const reader = new HpackReader('all', 320);
  let expected: Pair[] = [];
  for (let round = 0; round < 1_000; round++) {
    const value = 'v'.repeat(round % 40);
    fieldsOf(reader, incremental('', value));
    expected = [['', value], ...expected];
    const sum = (): number => expected.reduce((bytes, [name, text]) => bytes + name.length + text.length + 32, 0);
    while (sum() > 320) expected.pop();
    assert.deepEqual(tableOf(reader), expected);
    assert.equal(reader.tableBytes, sum());
  }
});

test('hpack: compression errors (RFC 7541 §2.3.3, §5, §6.3)', () => {
  const broken: Readonly<Record<string, Buffer>> = {
    'index 0': hex('80'),
    'an index beyond the static table': hex('be'),
    'an index far beyond it': integer(0x80, 7, 200),
    'the name at such an index': Buffer.concat([integer(0x40, 6, 62), string('x')]),
    'the name at such an index, not indexed': Buffer.concat([integer(0x00, 4, 62), string('x')]),
    'an index that is cut off': hex('ff'),
    'an index that is cut off in its continuation': hex('ff80'),
    'an integer over the bound': hex('ffffffffff0f'),
    'an integer of zeros without an end (it would be 31)': hex('3f808080808000'),
    'a name that is cut off': hex('4003 6162'),
    'no name at all': hex('40'),
    'a value that is cut off': hex('400161 0362'),
    'no value at all': hex('400161'),
    'a length that is cut off': hex('4001617f'),
    'a length beyond any block': hex('400161 7fffffff7f'),
    'a Huffman name with padding of eight bits': hex('4081ff 00'),
    'a Huffman value with zeros for padding': Buffer.concat([hex('400161 81'), hex('18')]),
    'a Huffman value with the end of the string': hex('400161 84 ffffffff'),
    'a table size over ours': integer(0x20, 5, 4097),
    'a table size that is cut off': hex('3f'),
    'a table size behind a field': hex('8220'),
    'a table size between fields': hex('822082'),
  };
  for (const [what, block] of Object.entries(broken)) {
    const reader = new HpackReader('all', 4096);
    assert.equal(fieldsOf(reader, block), 'broken', what);
    assert.equal(fieldsOf(reader, hex('82')), 'broken', `${what}: the connection is lost`);
  }
});

test('hpack: strings larger than the room that is kept, with and without Huffman', () => {
  const value = 'a0;'.repeat(20_000);
  const coded = huffman(Buffer.from(value));
  const reader = new HpackReader('all', 4096);
  const block = Buffer.concat([hex('000161'), integer(0x80, 7, coded.length), coded, literal('b', value), hex('82')]);
  assert.deepEqual(fieldsOf(reader, block), [
    ['a', value],
    ['b', value],
    [':method', 'GET'],
  ]);
});

test('hpack: no block makes the reader throw, loop, or pass its end; the table keeps its size', () => {
  const random = seededRandom(7541);
  const seeds = [
    hex('4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff'),
    Buffer.concat([hex('20'), integer(0x20, 5, 200), incremental('apns-id', 'x'.repeat(36)), literal('te', 'a')]),
    hex('88 be bf c0 0f2f03616263'),
  ];
  for (let round = 0; round < 4_000; round++) {
    const reader = new HpackReader(random.unit() < 0.5 ? 'all' : ['apns-id'], 256);
    for (let block = 0; block < 4 && !reader.broken; block++) {
      const bytes = Buffer.from(seeds[Math.floor(random.unit() * seeds.length)] ?? []);
      for (let change = 0; change < 3; change++) {
        bytes[Math.floor(random.unit() * bytes.length)] = Math.floor(random.unit() * 256);
      }
      const end = random.unit() < 0.2 ? Math.floor(random.unit() * bytes.length) : bytes.length;
      reader.begin(bytes, 0, end);
      let fields = 0;
      while (reader.next()) fields++;
      assert.ok(fields <= end);
      const entries = [];
      for (let at = 0, entry = reader.tableField(0); entry !== undefined; entry = reader.tableField(++at)) {
        entries.push(entry.listBytes);
      }
      assert.equal(
        reader.tableBytes,
        entries.reduce((sum, entry) => sum + entry, 0),
      );
      assert.ok(reader.tableBytes <= 256);
    }
  }
});
