// Thread: any
/**
 * What a header field means to a client, judged once: when it is read as a literal, or when it enters the dynamic
 * table; an indexed field then costs no comparison (RFC 9113 §8.2, §8.3). Text is made only for names that somebody
 * wants.
 */
import { characterFlags, notInName, whiteSpace } from './hpack-characters.ts';
import { entryBytes } from './hpack-dynamic-table.ts';

/** Bits of `HpackField.traits`. */
export const fieldTraits = {
  /** Name and value are there as text. */
  wanted: 1,
  /** `:status`; `number` is its value. */
  status: 2,
  /** `number` is its value. */
  contentLength: 4,
  /** Any other pseudo field: those of requests, and unknown ones. */
  pseudo: 8,
  /** It may stand in no message: for its name, its value, or because it is about the connection (§8.2.2). */
  malformed: 16,
} as const;

export interface FieldName {
  /** `''` if nobody wants it. */
  readonly text: string;
  readonly bytes: number;
  readonly traits: number;
}

export interface HpackField {
  readonly name: FieldName;
  /** `''` if nobody wants it. */
  readonly value: string;
  /** Name, value and 32 (RFC 7541 §4.1). */
  readonly listBytes: number;
  readonly traits: number;
  readonly number: number;
}

const colon = 0x3a;
const digit0 = 0x30;
const digitsMax = 15;

const namesWithTraits: readonly (readonly [name: string, traits: number])[] = [
  [':status', fieldTraits.status],
  ['content-length', fieldTraits.contentLength],
  // §8.2.2; `te` may stand in requests only.
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'te'].map(
    (name): readonly [string, number] => [name, fieldTraits.malformed],
  ),
];

export class HpackFields {
  readonly #all: boolean;
  /** Names that mean something. */
  readonly #names = new Map<string, FieldName>();
  /** The lengths of those: a name of another length is none of them. */
  readonly #lengths = new Set<number>();

  /** @param wanted lower-case names; `all`: every field is given as text. */
  constructor(wanted: readonly string[] | 'all') {
    this.#all = wanted === 'all';
    for (const [name, traits] of namesWithTraits) this.#know(name, traits);
    if (wanted !== 'all') for (const name of wanted) this.#know(name, fieldTraits.wanted);
  }

  /** The name in bytes [0, end). */
  nameOf(bytes: Buffer, end: number): FieldName {
    if (!this.#all && !this.#lengths.has(end)) return { text: '', bytes: end, traits: traitsOfName(bytes, end) };
    const text = bytes.toString('latin1', 0, end);
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    const traits = traitsOfName(bytes, end);
    return this.#all ? { text, bytes: end, traits: traits | fieldTraits.wanted } : { text: '', bytes: end, traits };
  }

  /** The field with the value in bytes [0, end). `forbidden`: a character among them may stand in no value. */
  fieldOf(name: FieldName, bytes: Buffer, end: number, forbidden: boolean): HpackField {
    let { traits } = name;
    let number = -1;
    if (forbidden || isPadded(bytes, end)) traits |= fieldTraits.malformed;
    if ((traits & (fieldTraits.status | fieldTraits.contentLength)) !== 0) {
      number = (traits & fieldTraits.status) !== 0 ? statusIn(bytes, end) : numberIn(bytes, end);
      if (number === -1) traits |= fieldTraits.malformed;
    }
    const value = (traits & fieldTraits.wanted) === 0 ? '' : bytes.toString('latin1', 0, end);
    return { name, value, listBytes: name.bytes + end + entryBytes, traits, number };
  }

  #know(text: string, traits: number): void {
    const known = this.#names.get(text)?.traits ?? 0;
    const wanted = this.#all ? fieldTraits.wanted : 0;
    this.#names.set(text, { text, bytes: text.length, traits: known | traits | wanted });
    this.#lengths.add(text.length);
  }
}

/** §8.2.1; of a name without a meaning of its own. */
function traitsOfName(bytes: Uint8Array, end: number): number {
  const pseudo = bytes[0] === colon && end > 1;
  let flags = end === 0 ? notInName : 0;
  for (let at = pseudo ? 1 : 0; at < end; at++) flags |= characterFlags[bytes[at] ?? 0] ?? 0;
  return (pseudo ? fieldTraits.pseudo : 0) | ((flags & notInName) === 0 ? 0 : fieldTraits.malformed);
}

/** §8.2.1: a value neither begins nor ends with white space. */
function isPadded(bytes: Uint8Array, end: number): boolean {
  if (end === 0) return false;
  return (((characterFlags[bytes[0] ?? 0] ?? 0) | (characterFlags[bytes[end - 1] ?? 0] ?? 0)) & whiteSpace) !== 0;
}

/** RFC 9110 §15: three digits; -1 if it is something else. */
function statusIn(bytes: Uint8Array, end: number): number {
  const number = end === 3 ? numberIn(bytes, end) : -1;
  return number >= 100 ? number : -1;
}

/** -1 if it is no number, or none that can be counted exactly. */
function numberIn(bytes: Uint8Array, end: number): number {
  if (end === 0 || end > digitsMax) return -1;
  let number = 0;
  for (let at = 0; at < end; at++) {
    const digit = (bytes[at] ?? 0) - digit0;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}
