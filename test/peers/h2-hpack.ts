/**
 * HPACK as a scripted peer needs it (RFC 7541), made from the RFC and sharing nothing with the client: a strict decoder
 * of requests with both tables and Huffman, and a writer of response blocks that leaves each representation visible.
 */

export type Field = readonly [name: string, value: string];

/** Appendix A. */
const staticFields: readonly Field[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  ...['200', '204', '206', '304', '400', '404', '500'].map((status): Field => [':status', status]),
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ...(
    'accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control ' +
    'content-disposition content-encoding content-language content-length content-location content-range ' +
    'content-type cookie date etag expect expires from host if-match if-modified-since if-none-match if-range ' +
    'if-unmodified-since last-modified link location max-forwards proxy-authenticate proxy-authorization range ' +
    'referer refresh retry-after server set-cookie strict-transport-security transfer-encoding user-agent vary ' +
    'via www-authenticate'
  )
    .split(' ')
    .map((name): Field => [name, '']),
];

/** Appendix B: bits of the code of each byte, and of EOS last. Shorter codes come first, then smaller bytes. */
const codeBits: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];
const endOfString = 256;

interface Code {
  readonly symbol: number;
  readonly bits: number;
  readonly code: number;
}

const codes: readonly Code[] = canonicalCodes();
const symbols: ReadonlyMap<string, number> = new Map(
  codes.map(({ symbol, bits, code }) => [`${bits}:${code}`, symbol]),
);

function canonicalCodes(): readonly Code[] {
  const found: Code[] = [];
  let next = 0;
  for (let bits = 5; bits <= 30; bits++) {
    for (const [symbol, wanted] of codeBits.entries()) {
      if (wanted === bits) found.push({ symbol, bits, code: next++ });
    }
    next *= 2;
  }
  return found.sort((a, b) => a.symbol - b.symbol);
}

/** §5.2, padded with ones. */
export function huffman(text: string): Buffer {
  let written = '';
  for (const byte of Buffer.from(text, 'latin1')) {
    const { bits, code } = codes[byte] ?? { bits: 0, code: 0 };
    written += code.toString(2).padStart(bits, '0');
  }
  while (written.length % 8 !== 0) written += '1';
  return Buffer.from((written.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2)));
}

function unhuffman(bytes: Uint8Array): string {
  const text: number[] = [];
  let code = 0;
  let bits = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1);
      bits++;
      const symbol = symbols.get(`${bits}:${code}`);
      if (symbol === undefined) continue;
      if (symbol === endOfString) throw new Error('HPACK: EOS inside a string (RFC 7541 §5.2)');
      text.push(symbol);
      code = 0;
      bits = 0;
    }
  }
  if (bits > 7 || code !== 2 ** bits - 1) throw new Error('HPACK: wrong padding (RFC 7541 §5.2)');
  return Buffer.from(text).toString('latin1');
}

/** §5.1, with the bits above the prefix given in `high`. */
export function integer(value: number, prefixBits: number, high: number): Buffer {
  const most = 2 ** prefixBits - 1;
  if (value < most) return Buffer.from([high | value]);
  const bytes = [high | most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([integer(bytes.length, 7, 0), bytes]);
}

/** Literals without indexing, names written out (§6.2.2): no table is touched. */
export function literals(...fields: readonly Field[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0x00]), string(name), string(value)]));
}

/** Literals with incremental indexing (§6.2.1). */
export function indexing(...fields: readonly Field[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0x40]), string(name), string(value)]));
}

/** A literal never indexed with both strings in Huffman code (§6.2.3, §5.2). */
export function huffmanLiteral([name, value]: Field): Buffer {
  const coded = [huffman(name), huffman(value)];
  return Buffer.concat([Buffer.from([0x10]), ...coded.flatMap((bytes) => [integer(bytes.length, 7, 0x80), bytes])]);
}

/** §6.1: 1 to 61 static, 62 and up dynamic, newest first. */
export function indexed(index: number): Buffer {
  return integer(index, 7, 0x80);
}

/** §6.3. */
export function tableSize(bytes: number): Buffer {
  return integer(bytes, 5, 0x20);
}

export interface DecodedField {
  readonly name: string;
  readonly value: string;
  readonly form: 'indexed' | 'indexing' | 'without' | 'never';
}

/** §3.2; throws at the first thing the RFC calls an error. */
export class RequestDecoder {
  readonly #entries: Field[] = [];
  #bytes = 0;
  #bytesMax = 4_096;
  #allowed = 4_096;
  /** A smaller table that the client has acknowledged and must announce at the head of its next block (§4.2). */
  #announce: number | undefined;
  #block: Uint8Array = Buffer.alloc(0);
  #at = 0;

  /** The client has acknowledged this SETTINGS_HEADER_TABLE_SIZE. */
  allow(bytes: number): void {
    this.#allowed = bytes;
    if (bytes < this.#bytesMax) this.#announce = Math.min(this.#announce ?? bytes, bytes);
  }

  get tableBytes(): number {
    return this.#bytes;
  }

  decode(block: Uint8Array): readonly DecodedField[] {
    this.#block = block;
    this.#at = 0;
    const fields: DecodedField[] = [];
    while (this.#at < block.length) {
      const first = block[this.#at] ?? 0;
      if ((first & 0xe0) === 0x20) this.#resize(this.#integer(5), fields.length === 0);
      else fields.push(this.#field(first));
    }
    if (this.#announce !== undefined) throw new Error('HPACK: a smaller table was not announced (RFC 7541 §4.2)');
    return fields;
  }

  #field(first: number): DecodedField {
    if (this.#announce !== undefined) throw new Error('HPACK: a field before the smaller table (RFC 7541 §4.2)');
    if ((first & 0x80) !== 0) {
      const [name, value] = this.#entry(this.#integer(7));
      return { name, value, form: 'indexed' };
    }
    const indexes = (first & 0x40) !== 0;
    const index = this.#integer(indexes ? 6 : 4);
    const name = index === 0 ? this.#string() : this.#entry(index)[0];
    const value = this.#string();
    if (indexes) this.#add([name, value]);
    return { name, value, form: indexes ? 'indexing' : (first & 0x10) === 0 ? 'without' : 'never' };
  }

  #resize(bytes: number, atHead: boolean): void {
    if (!atHead) throw new Error('HPACK: a table size after a field (RFC 7541 §4.2)');
    if (bytes > this.#allowed) throw new Error(`HPACK: a table of ${bytes}, ${this.#allowed} allowed (RFC 7541 §6.3)`);
    if (this.#announce !== undefined && bytes <= this.#announce) this.#announce = undefined;
    this.#bytesMax = bytes;
    this.#evict();
  }

  #entry(index: number): Field {
    const entry = index <= 61 ? staticFields[index - 1] : this.#entries[index - 62];
    if (entry === undefined) throw new Error(`HPACK: nothing at index ${index} (RFC 7541 §2.3.3)`);
    return entry;
  }

  #add(field: Field): void {
    this.#entries.unshift(field);
    this.#bytes += sizeOf(field);
    this.#evict();
  }

  #evict(): void {
    while (this.#bytes > this.#bytesMax) {
      const oldest = this.#entries.pop();
      if (oldest === undefined) throw new Error('HPACK: sizes do not add up');
      this.#bytes -= sizeOf(oldest);
    }
  }

  #integer(prefixBits: number): number {
    const most = 2 ** prefixBits - 1;
    let value = this.#byte() & most;
    if (value < most) return value;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (value > 2 ** 31) throw new Error('HPACK: an integer too large (RFC 7541 §5.1)');
      if (byte < 0x80) return value;
    }
  }

  #string(): string {
    const coded = ((this.#block[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#integer(7);
    const bytes = this.#block.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new Error('HPACK: a string longer than its block');
    this.#at += length;
    return coded ? unhuffman(bytes) : Buffer.from(bytes).toString('latin1');
  }

  #byte(): number {
    const byte = this.#block[this.#at++];
    if (byte === undefined) throw new Error('HPACK: an integer longer than its block');
    return byte;
  }
}

/** §4.1. */
function sizeOf([name, value]: Field): number {
  return Buffer.byteLength(name, 'latin1') + Buffer.byteLength(value, 'latin1') + 32;
}
