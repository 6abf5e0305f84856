import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HuffmanReader, huffmanRoom } from '../../../../src/transport/h2/huffman.ts';
import { endOfString, huffmanBits } from '../../../../src/transport/h2/hpack-tables.ts';
import { seededRandom } from '../../../../src/core/random.ts';
import { bitsToBytes, hex, huffman, huffmanCodes } from './hpack-blocks.ts';

/** The characters of a coded string in latin1, `undefined` if it is none. */
function decoded(coded: Uint8Array): string | undefined {
  const room = Buffer.alloc(huffmanRoom(coded.length));
  // Bytes around the string do not count.
  const around = Buffer.concat([Buffer.from([0x00, 0xff]), coded, Buffer.from([0x00])]);
  const end = new HuffmanReader().read(around, 2, 2 + coded.length, room);
  return end === -1 ? undefined : room.toString('latin1', 0, end);
}

test('huffman: the code is complete, and as long as RFC 7541 Appendix B says at its landmarks', () => {
  assert.equal(huffmanBits.length, 257);
  assert.equal(
    huffmanBits.reduce((sum, bits) => sum + 2 ** -bits, 0),
    1,
  );
  const landmarks: readonly (readonly [character: number, code: string])[] = [
    [0x00, '1111111111000'],
    [0x20, '010100'],
    [0x30, '00000'],
    [0x39, '011111'],
    [0x61, '00011'],
    [0x7f, '1111111111111111111111111100'],
    [0x80, '11111111111111100110'],
    [0xff, '11111111111111111111101110'],
    [endOfString, '1'.repeat(30)],
  ];
  for (const [character, code] of landmarks) assert.equal(huffmanCodes[character], code, `character ${character}`);
});

test('huffman: the strings of RFC 7541 Appendix C', () => {
  const strings: readonly (readonly [coded: string, text: string])[] = [
    ['f1e3 c2e5 f23a 6ba0 ab90 f4ff', 'www.example.com'],
    ['a8eb 1064 9cbf', 'no-cache'],
    ['25a8 49e9 5ba9 7d7f', 'custom-key'],
    ['25a8 49e9 5bb8 e8b4 bf', 'custom-value'],
    ['6402', '302'],
    ['640e ff', '307'],
    ['aec3 771a 4b', 'private'],
    ['d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3', 'https://www.example.com'],
    ['9bd9 ab', 'gzip'],
  ];
  for (const [coded, text] of strings) assert.equal(decoded(hex(coded)), text);
});

test('huffman: every byte alone, many pairs, and random strings come back', () => {
  for (let first = 0; first < 256; first++) {
    assert.equal(decoded(huffman(Buffer.from([first]))), String.fromCharCode(first));
    for (let second = first % 5; second < 256; second += 5) {
      assert.equal(decoded(huffman(Buffer.from([first, second]))), String.fromCharCode(first, second));
    }
  }
  const random = seededRandom(1);
  for (let round = 0; round < 500; round++) {
    const characters = random.bytes(Math.floor(random.unit() * 200));
    assert.equal(decoded(huffman(characters)), characters.toString('latin1'));
  }
  assert.equal(decoded(Buffer.alloc(0)), '');
});

test('huffman: padding is at most seven bits, all ones (RFC 7541 §5.2)', () => {
  const a = huffmanCodes[0x61] ?? '';
  assert.equal(decoded(bitsToBytes(a)), 'a');
  assert.equal(decoded(bitsToBytes(`${a}110`)), undefined);
  assert.equal(decoded(bitsToBytes(`${a}000`)), undefined);
  assert.equal(decoded(bitsToBytes(`${a}${'1'.repeat(11)}`)), undefined);
  assert.equal(decoded(Buffer.from([0xff])), undefined);
  // Eight characters of five bits need no padding at all, and then may have none.
  assert.equal(decoded(bitsToBytes(a.repeat(8))), 'a'.repeat(8));
  assert.equal(decoded(bitsToBytes(a.repeat(8) + '1'.repeat(8))), undefined);
});

test('huffman: the end of the string may not be sent, nor may a code be cut off (RFC 7541 §5.2)', () => {
  const eos = huffmanCodes[endOfString] ?? '';
  assert.equal(decoded(bitsToBytes(eos)), undefined);
  assert.equal(decoded(bitsToBytes(`${eos}${huffmanCodes[0x61] ?? ''}`)), undefined);
  assert.equal(decoded(huffman(Buffer.from([0x00])).subarray(0, 1)), undefined);
});

test('huffman: characters that may stand in no value are noticed wherever they are', () => {
  const reader = new HuffmanReader();
  const room = Buffer.alloc(64);
  for (const [text, forbidden] of [
    ['abc', false],
    ['a\rc', true],
    ['\nbc', true],
    ['ab\0', true],
    ['a\tb\x7f\xff', false],
  ] as const) {
    const coded = huffman(Buffer.from(text, 'latin1'));
    reader.read(coded, 0, coded.length, room);
    assert.equal(reader.forbidden, forbidden, JSON.stringify(text));
  }
});
