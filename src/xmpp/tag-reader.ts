// Thread: any
/**
 * Reads one start tag: its name, its attributes, and what is wrong with them (XML 1.0 §3.1, Namespaces in XML 1.0 §3-6,
 * xmpp 8.9, 8.10). The hottest loop of the engine: names are looked at once, values are cut out by `indexOf`.
 */
import { limits } from '../core/limits.ts';
import { resolveReferences } from './xml-references.ts';
import { decoded } from './xml-text-reader.ts';

/** Instead of the position after the tag: its end has not come, or `wrong` says why it is refused. */
export const tagMore = -1;
export const tagWrong = -2;

const xmlNamespace = 'http://www.w3.org/XML/1998/namespace';
const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/';

// What ends a name: the ASCII characters that cannot be inside one. Whether the name is a good one is looked at once.
const endsName = new Uint8Array(128).fill(1);
for (const inner of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789-.:')
  endsName[inner.charCodeAt(0)] = 0;

const nameStart =
  'A-Z_a-z\\u{c0}-\\u{d6}\\u{d8}-\\u{f6}\\u{f8}-\\u{2ff}\\u{370}-\\u{37d}\\u{37f}-\\u{1fff}\\u{200c}\\u{200d}' +
  '\\u{2070}-\\u{218f}\\u{2c00}-\\u{2fef}\\u{3001}-\\u{d7ff}\\u{f900}-\\u{fdcf}\\u{fdf0}-\\u{fffd}' +
  '\\u{10000}-\\u{effff}';
const nameRest = `${nameStart}\\-.0-9\\u{b7}\\u{300}-\\u{36f}\\u{203f}-\\u{2040}`;
const qualifiedName = new RegExp(`^(?:[${nameStart}][${nameRest}]*:)?[${nameStart}][${nameRest}]*$`, 'u');

const wide = /[\x80-\xff]/g;

/** What is known about a name. The few dozen names of a stream are met all the time. */
interface KnownName {
  /** As it stands in the byte text. */
  readonly raw: string;
  /** Internalised: as a key it costs half of a fresh piece of text. */
  readonly text: string;
  readonly isGood: boolean;
  /** `''` if it has none. */
  readonly prefix: string;
  /** The tag that had it last as an attribute: seen again in the same one, it is there twice. -1: look at the tag. */
  lastTag: number;
}

/** Names known to one reader, found by a hash of their characters; a power of two. */
const namesMax = 1024;
const nobody: KnownName = { raw: '', text: '', isGood: false, prefix: '', lastTag: 0 };

export class TagReader {
  name = '';
  attrs: Record<string, string> = {};
  selfClosing = false;
  /** Which limit the tag is over, `''` if none; what was over it is not in `attrs`. */
  over = '';
  /** Why the tag is not well formed. */
  wrong = '';
  /** Prefixes that must be bound: those used, but for `xml` and `xmlns`. */
  readonly prefixes: string[] = [];

  #text = '';
  #ascii = true;
  /** The next ampersand, and the next byte that is not ASCII, as far as they are looked for. */
  #reference = 0;
  #wide = 0;
  #count = 0;
  #tags = 0;
  readonly #names: KnownName[] = Array.from({ length: namesMax }, () => nobody);
  /** The name read last. */
  #name: KnownName = nobody;

  /** Everything until the next call is about this text of one character for each byte. */
  begin(text: string, ascii: boolean): void {
    this.#text = text;
    this.#ascii = ascii;
    this.#reference = -1;
    this.hasReference(0, 0);
    this.#wide = -1;
  }

  /** That part of the text, decoded. `from` never goes back. */
  letters(from: number, to: number): string {
    const raw = this.#text.slice(from, to);
    if (this.#ascii) return raw;
    if (this.#wide < from) {
      wide.lastIndex = from;
      this.#wide = wide.test(this.#text) ? wide.lastIndex - 1 : this.#text.length;
    }
    return this.#wide < to ? decoded(raw) : raw;
  }

  /** Whether there is an ampersand in that part of the text. `from` never goes back. */
  hasReference(from: number, to: number): boolean {
    if (this.#reference < from) {
      const found = this.#text.indexOf('&', from);
      this.#reference = found === -1 ? this.#text.length : found;
    }
    return this.#reference < to;
  }

  /**
   * @param at position of the `<`.
   * @param limit position of the next `<`, or the end of the text: no tag goes beyond it.
   */
  read(at: number, limit: number): number {
    const text = this.#text;
    this.attrs = {};
    this.selfClosing = false;
    this.over = '';
    if (this.prefixes.length > 0) this.prefixes.length = 0;
    this.#count = 0;
    this.#tags++;
    let position = this.#readName(at + 1, limit);
    const name = this.#name;
    this.name = name.text;
    if (position === limit) return tagMore;
    if (!name.isGood) return this.#refuse('a tag without a proper name');
    if (name.raw.length > limits.elementNameBytesMax) this.over = 'an element name is too long';
    if (name.prefix !== '' && name.prefix !== 'xml') this.prefixes.push(name.prefix);
    for (;;) {
      const next = skipSpace(text, position, limit);
      if (next === limit) return tagMore;
      const code = text.charCodeAt(next);
      if (code === 62) return next + 1;
      if (code === 47) {
        if (next + 1 === limit) return tagMore;
        if (text.charCodeAt(next + 1) !== 62) return this.#refuse('a slash inside a tag');
        this.selfClosing = true;
        return next + 2;
      }
      if (next === position) return this.#refuse('no white space before an attribute');
      position = this.#attribute(next, limit);
      if (position < 0) return position;
    }
  }

  #attribute(from: number, limit: number): number {
    const text = this.#text;
    const nameEnd = this.#readName(from, limit);
    if (nameEnd === limit) return tagMore;
    const name = this.#name;
    if (!name.isGood) return this.#refuse('an attribute without a proper name');
    let at = skipSpace(text, nameEnd, limit);
    if (at === limit) return tagMore;
    if (text.charCodeAt(at) !== 61) return this.#refuse('an attribute without a value');
    at = skipSpace(text, at + 1, limit);
    if (at === limit) return tagMore;
    const quote = text.charCodeAt(at);
    if (quote !== 39 && quote !== 34) return this.#refuse('an attribute value without quotes');
    const end = text.indexOf(quote === 39 ? "'" : '"', at + 1);
    if (end === -1 || end >= limit) return tagMore;
    const letters = this.letters(at + 1, end);
    const value = this.hasReference(at + 1, end) ? resolveReferences(letters) : letters;
    if (value === null) return this.#refuse('an unknown entity or character');
    return this.#keep(name, value) ? end + 1 : tagWrong;
  }

  #keep(name: KnownName, value: string): boolean {
    const { text, prefix } = name;
    if (++this.#count > limits.attributesMax) {
      this.over = 'too many attributes';
      return true;
    }
    if (isLong(value, limits.attributeBytesMax) || name.raw.length > limits.elementNameBytesMax) {
      this.over = 'an attribute is too long';
      return true;
    }
    if (name.lastTag === this.#tags || (name.lastTag === -1 && Object.hasOwn(this.attrs, text))) {
      return this.#doubt('the same attribute twice');
    }
    name.lastTag = this.#tags;
    if (prefix === 'xmlns') {
      if (!isDeclaration(text.slice(6), value)) return this.#doubt('a reserved or empty namespace declaration');
    } else if (prefix !== '') {
      if (prefix !== 'xml') this.prefixes.push(prefix);
    } else if (text === 'xmlns' && (value === xmlNamespace || value === xmlnsNamespace)) {
      return this.#doubt('a reserved namespace declaration');
    }
    this.attrs[text] = value;
    return true;
  }

  /** Puts the name that begins at `from` into `#name`. @returns where it ends. */
  #readName(from: number, limit: number): number {
    const text = this.#text;
    let hash = 0;
    let at = from;
    for (; at < limit; at++) {
      const code = text.charCodeAt(at);
      if (code < 128 && endsName[code] === 1) break;
      // A multiplication would cost as much as the rest of the loop.
      hash = ((hash << 2) + code) | 0;
    }
    const slot = (hash ^ (hash >>> 9) ^ (hash >>> 18)) & (namesMax - 1);
    const known = this.#names[slot] ?? nobody;
    if (known.raw.length === at - from && isAt(known.raw, text, from)) this.#name = known;
    else this.#learn(text.slice(from, at), slot);
    return at;
  }

  #learn(raw: string, slot: number): void {
    const [key = ''] = Object.keys({ [decoded(raw)]: 0 });
    const colon = key.indexOf(':');
    this.#name = {
      raw,
      text: key,
      isGood: qualifiedName.test(key),
      prefix: colon === -1 ? '' : key.slice(0, colon),
      lastTag: -1,
    };
    if (raw.length <= limits.elementNameBytesMax) this.#names[slot] = this.#name;
  }

  #doubt(reason: string): false {
    this.wrong = reason;
    return false;
  }

  #refuse(reason: string): number {
    this.wrong = reason;
    return tagWrong;
  }
}

/** `startsWith`, for words of a few letters. */
function isAt(word: string, text: string, from: number): boolean {
  for (let index = 0; index < word.length; index++) {
    if (word.charCodeAt(index) !== text.charCodeAt(from + index)) return false;
  }
  return true;
}

function skipSpace(text: string, from: number, limit: number): number {
  let at = from;
  for (; at < limit; at++) {
    const code = text.charCodeAt(at);
    if (code !== 32 && code !== 10 && code !== 9 && code !== 13) break;
  }
  return at;
}

function isLong(text: string, bytesMax: number): boolean {
  return text.length * 3 > bytesMax && Buffer.byteLength(text) > bytesMax;
}

function isDeclaration(prefix: string, namespace: string): boolean {
  if (prefix === 'xml') return namespace === xmlNamespace;
  return prefix !== 'xmlns' && namespace !== '' && namespace !== xmlNamespace && namespace !== xmlnsNamespace;
}
