// Thread: any
/**
 * Bytes of a stream to text that may be XML: strict UTF-8 that survives a split inside a character (xmpp 1.5), no
 * character outside XML 1.0 §2.2 (xmpp 8.2), line ends as §2.11 wants them. The text has one character for each byte:
 * markup is ASCII, so tags are found in it, sizes are exact, and only pieces that hold other letters are decoded. That
 * takes a tenth of the time of a streaming TextDecoder.
 */
import { isAscii, isUtf8 } from 'node:buffer';

export type TextTrouble = '' | 'encoding' | 'character';

const control = /[\x00-\x08\x0b\x0c\x0e-\x1f]/;
// With U+FFFE and U+FFFF, which a text of ASCII cannot hold. Lone surrogates need no place: valid UTF-8 has none.
const illegal = /[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]/;
const byteOrderMark = '\xef\xbb\xbf';
const nothing = Buffer.alloc(0);

/** The letters of a piece of byte text that begins and ends between characters. */
export function decoded(byteText: string): string {
  return /[\x80-\xff]/.test(byteText) ? Buffer.from(byteText, 'latin1').toString('utf8') : byteText;
}

/** The other way. */
export function encoded(text: string): string {
  return /[^\x00-\x7f]/.test(text) ? Buffer.from(text).toString('latin1') : text;
}

export class XmlTextReader {
  /** The first bytes of a character whose end has not come yet: at most 3. */
  #tail: Buffer = nothing;
  #started = false;
  #afterCarriageReturn = false;
  #trouble: TextTrouble = '';
  #ascii = true;

  /** Not `''`: the text returned last was the valid part before the trouble; do not read on. */
  get trouble(): TextTrouble {
    return this.#trouble;
  }

  /** Whether the text returned last needs no decoding. */
  get ascii(): boolean {
    return this.#ascii;
  }

  /**
   * @param rest what the caller could not use of the text before; the result begins with it. Joined as bytes, because
   *   looking at each character of two joined strings is slow.
   */
  read(bytes: Uint8Array, rest: string): string {
    let chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#afterCarriageReturn && chunk.length > 0) {
      this.#afterCarriageReturn = false;
      if (chunk[0] === 10) chunk = chunk.subarray(1);
    }
    if (this.#tail.length > 0 || rest !== '') chunk = Buffer.concat([Buffer.from(rest, 'latin1'), this.#tail, chunk]);
    const open = unfinished(chunk);
    this.#tail = open === 0 ? nothing : Buffer.from(chunk.subarray(chunk.length - open));
    let end = chunk.length - open;
    if (!isUtf8(open === 0 ? chunk : chunk.subarray(0, end))) {
      this.#trouble = 'encoding';
      end = validLength(chunk);
    }
    const text = chunk.toString('latin1', 0, end);
    this.#ascii = isAscii(chunk);
    const bad = text.search(this.#ascii ? control : illegal);
    if (bad === -1) return this.#cleaned(text);
    this.#trouble = 'character';
    return this.#cleaned(text.slice(0, bad));
  }

  #cleaned(text: string): string {
    const isFirst = !this.#started && text !== '';
    if (isFirst) this.#started = true;
    const marked = isFirst && text.startsWith(byteOrderMark) ? text.slice(3) : text;
    if (!marked.includes('\r')) return marked;
    this.#afterCarriageReturn = marked.endsWith('\r');
    return marked.replace(/\r\n?/g, '\n');
  }
}

/** How many bytes at the end belong to a character that goes on in the next chunk. */
function unfinished(chunk: Buffer): number {
  for (let back = 1; back <= 3 && back <= chunk.length; back++) {
    const byte = chunk[chunk.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    if (byte > 0xf4) return 0;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? back : 0;
  }
  return 0;
}

/** The length of the longest valid prefix. Being valid but for an unfinished end is monotone, so halving finds it. */
function validLength(chunk: Buffer): number {
  let good = 0;
  let bad = chunk.length + 1;
  while (bad - good > 1) {
    const middle = (good + bad) >>> 1;
    const part = chunk.subarray(0, middle);
    if (isUtf8(part.subarray(0, middle - unfinished(part)))) good = middle;
    else bad = middle;
  }
  return good - unfinished(chunk.subarray(0, good));
}
