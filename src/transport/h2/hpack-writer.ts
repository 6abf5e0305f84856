// Thread: worker
/**
 * Writes the primitives of HPACK into a buffer (RFC 7541 §5, §6). Strings are not Huffman-coded: a loop over their
 * characters costs more than all the rest of a block, and saves 30 bytes of a request.
 */

/** First bytes of the representations, and the largest number that the rest of the byte holds (§6.1 to 6.3). */
export const representations = {
  indexed: { lead: 0x80, prefix: 0x7f },
  incremental: { lead: 0x40, prefix: 0x3f },
  plain: { lead: 0x00, prefix: 0x0f },
  /** Who passes the field on may not index it either (§7.1.3). */
  never: { lead: 0x10, prefix: 0x0f },
  tableSize: { lead: 0x20, prefix: 0x1f },
} as const;

export type Representation = (typeof representations)[keyof typeof representations];

/** Of the prefix and the length of one string that is no longer than a block may be. */
export const integerBytesMax = 5;

const stringPrefix = 0x7f;
/** Up to here a loop copies quicker than a call. */
const callBytesMin = 24;

export class HpackWriter {
  #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Where the next byte goes. */
  get at(): number {
    return this.#at;
  }

  begin(bytes: Buffer, at: number): void {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** A copy of what was written since `start`. */
  copyFrom(start: number): Buffer {
    return Buffer.from(this.#bytes.subarray(start, this.#at));
  }

  /** Bytes that were written before. */
  again(written: Uint8Array): void {
    const { length } = written;
    if (length > callBytesMin) this.#bytes.set(written, this.#at);
    else for (let from = 0, to = this.#at; from < length; from++, to++) this.#bytes[to] = written[from] ?? 0;
    this.#at += length;
  }

  /** The beginning of a field: an index, or that of a name that a value follows. */
  index({ lead, prefix }: Representation, index: number): void {
    this.#integer(lead, prefix, index);
  }

  /** The beginning of a field: a name that is in no table. */
  name({ lead }: Representation, name: string): void {
    this.#bytes[this.#at++] = lead;
    this.text(name);
  }

  /** Characters up to U+00FF. */
  text(text: string): void {
    const { length } = text;
    if (length < stringPrefix) this.#bytes[this.#at++] = length;
    else this.#integer(0, stringPrefix, length);
    this.#at += this.#bytes.write(text, this.#at, 'latin1');
  }

  /** §5.1. */
  #integer(lead: number, prefix: number, number: number): void {
    if (number < prefix) {
      this.#bytes[this.#at++] = lead | number;
      return;
    }
    this.#bytes[this.#at++] = lead | prefix;
    let rest = number - prefix;
    for (; rest >= 0x80; rest >>>= 7) this.#bytes[this.#at++] = 0x80 | (rest & 0x7f);
    this.#bytes[this.#at++] = rest;
  }
}
