/** Header blocks by hand: hex, Huffman coding straight from the table of lengths, and fields of a block as pairs. */
import type { HpackReader } from '../../../../src/transport/h2/hpack-reader.ts';
import { endOfString, huffmanBits } from '../../../../src/transport/h2/hpack-tables.ts';

export type Pair = readonly [name: string, value: string];

export function hex(text: string): Buffer {
  return Buffer.from(text.replace(/\s+/g, ''), 'hex');
}

/** The codes as text of 0 and 1; the last is that of the end of the string. */
export const huffmanCodes: readonly string[] = canonicalCodes();

function canonicalCodes(): string[] {
  const codes: string[] = [];
  let code = 0;
  for (let bits = 1; bits <= 30; bits++) {
    code *= 2;
    for (let character = 0; character <= endOfString; character++) {
      if (huffmanBits[character] === bits) codes[character] = (code++).toString(2).padStart(bits, '0');
    }
  }
  return codes;
}

/** Bytes of a text of 0 and 1, which is padded with ones. */
export function bitsToBytes(bits: string): Buffer {
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  return Buffer.from(padded.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
}

export function huffman(characters: Uint8Array): Buffer {
  return bitsToBytes(Array.from(characters, (character) => huffmanCodes[character] ?? '').join(''));
}

/** RFC 7541 §5.1, as its pseudo code says it. */
export function integer(lead: number, prefixBits: number, value: number): Buffer {
  const prefix = 2 ** prefixBits - 1;
  if (value < prefix) return Buffer.from([lead | value]);
  const bytes = [lead | prefix];
  let rest = value - prefix;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

/** §5.2. */
export function string(text: string, coded = false): Buffer {
  const characters = Buffer.from(text, 'latin1');
  const bytes = coded ? huffman(characters) : characters;
  return Buffer.concat([integer(coded ? 0x80 : 0, 7, bytes.length), bytes]);
}

/** A field with its name in full, outside the table. */
export function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), string(name), string(value)]);
}

/** The same, entering the table. */
export function incremental(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0x40]), string(name), string(value)]);
}

/** The fields of a block; `broken` where it cannot be read. */
export function fieldsOf(reader: HpackReader, block: Uint8Array): Pair[] | 'broken' {
  reader.begin(block, 0, block.length);
  const fields: Pair[] = [];
  while (reader.next()) fields.push([reader.field.name.text, reader.field.value]);
  return reader.broken ? 'broken' : fields;
}

/** The dynamic table, newest entry first. */
export function tableOf(reader: HpackReader): Pair[] {
  const fields: Pair[] = [];
  for (let index = 0; ; index++) {
    const field = reader.tableField(index);
    if (field === undefined) return fields;
    fields.push([field.name.text, field.value]);
  }
}
