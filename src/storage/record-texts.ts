// Thread: main
/**
 * The texts of a record, kept as one piece behind their lengths: one decoding of the piece and sub-strings of it cost
 * half of what decoding each text costs. Lengths are UTF-16 units, 16 bits, little-endian.
 */
import { assert } from '../core/assert.ts';

/** The longest text a record can hold, in UTF-16 units: the codecs bound texts far below. */
const lengthMax = 65_535;

/** Writes the lengths of `texts` one after the other, beginning at `lengthsAt`. */
export function writeLengths(bytes: Buffer, lengthsAt: number, texts: readonly string[]): void {
  for (let index = 0; index < texts.length; index++) {
    const length = texts[index]?.length ?? 0;
    assert(length <= lengthMax, `a text of a registration has ${length} units, at most ${lengthMax} can be kept`);
    bytes.writeUInt16LE(length, lengthsAt + 2 * index);
  }
}

/** Cuts the piece into the texts, by the lengths in front of it. */
export class RecordTexts {
  readonly #bytes: Buffer;
  readonly #text: string;
  #lengthAt: number;
  #at = 0;

  constructor(bytes: Buffer, lengthsAt: number, text: string) {
    this.#bytes = bytes;
    this.#lengthAt = lengthsAt;
    this.#text = text;
  }

  /** Exactly as much text as the lengths announce: otherwise the record was cut or changed. */
  get isComplete(): boolean {
    return this.#at === this.#text.length;
  }

  next(): string {
    const length = (this.#bytes[this.#lengthAt] ?? 0) | ((this.#bytes[this.#lengthAt + 1] ?? 0) << 8);
    this.#lengthAt += 2;
    const from = this.#at;
    this.#at += length;
    return length === 0 ? '' : this.#text.slice(from, this.#at);
  }

  rest(count: number): readonly string[] {
    if (count === 0) return nothing;
    return Array.from({ length: count }, () => this.next());
  }
}

const nothing: readonly string[] = Object.freeze([]);
