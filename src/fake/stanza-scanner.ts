// Thread: any
/**
 * Finds the top-level elements in what a component sends, without building trees: the fake server reads tens of
 * thousands of answers a second beside the engine it measures. Strict where the real servers are strict (xmpp 1.10):
 * mismatched tags, undefined entities, DOCTYPE.
 */
import { StringDecoder } from 'node:string_decoder';

/** ejabberd and Prosody close at this size (xmpp 1.10). */
const stanzaCharactersMax = 524_288;

export type Scanned =
  /** `text` from `<` to `>` of the whole element. */
  | { readonly kind: 'element'; readonly text: string }
  /** A comment or a processing instruction. */
  | { readonly kind: 'aside' }
  | { readonly kind: 'end' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'too-big' };

export class StanzaScanner {
  readonly #decoder = new StringDecoder('utf8');
  #text = '';

  /** Calls `found` for everything complete, in order, until it answers false; then the rest is dropped. */
  write(bytes: Uint8Array, found: (scanned: Scanned) => boolean): void {
    const text = this.#text + this.#decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    let at = 0;
    for (;;) {
      const start = text.indexOf('<', at);
      if (start === -1) {
        at = text.length;
        break;
      }
      const next = scanAt(text, start);
      if (next === null) {
        at = start;
        break;
      }
      if (!found(next.scanned)) {
        at = text.length;
        break;
      }
      at = next.end;
    }
    this.#text = at === 0 ? text : text.slice(at);
    if (this.#text.length > stanzaCharactersMax) {
      this.#text = '';
      found({ kind: 'too-big' });
    }
  }

  /** The stream header is no complete element: its tag, or null while it is incomplete. */
  header(bytes: Uint8Array): string | null {
    this.#text += this.#decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    const start = this.#text.indexOf('<stream:stream');
    const end = start === -1 ? -1 : this.#text.indexOf('>', start);
    if (end === -1) return null;
    const tag = this.#text.slice(start, end + 1);
    this.#text = this.#text.slice(end + 1);
    return tag;
  }
}

const malformed: Scanned = { kind: 'malformed' };

/** Null: incomplete. */
function scanAt(text: string, start: number): { readonly scanned: Scanned; readonly end: number } | null {
  const mark = text.charCodeAt(start + 1);
  if (Number.isNaN(mark)) return null;
  if (mark === 33) {
    // `<!`: a comment, or something no stream may carry
    if (text.length < start + 4) return null;
    if (!text.startsWith('<!--', start)) return { scanned: malformed, end: start };
    const end = text.indexOf('-->', start);
    return end === -1 ? null : { scanned: { kind: 'aside' }, end: end + 3 };
  }
  if (mark === 63) {
    const end = text.indexOf('?>', start);
    return end === -1 ? null : { scanned: { kind: 'aside' }, end: end + 2 };
  }
  if (mark === 47) {
    const end = text.indexOf('>', start);
    if (end === -1) return null;
    const isStreamEnd = text.slice(start, end).trimEnd() === '</stream:stream';
    return { scanned: isStreamEnd ? { kind: 'end' } : malformed, end: end + 1 };
  }
  const end = elementEnd(text, start);
  if (end === -1) return null;
  if (end === -2) return { scanned: malformed, end: start };
  if (end - start > stanzaCharactersMax) return { scanned: { kind: 'too-big' }, end };
  const element = text.slice(start, end);
  return { scanned: hasUndefinedEntity(element) ? malformed : { kind: 'element', text: element }, end };
}

/** Index behind the element that begins at `start`; -1 incomplete, -2 tags do not match. */
function elementEnd(text: string, start: number): number {
  const open: string[] = [];
  let at = start;
  for (;;) {
    const tag = text.indexOf('<', at);
    const close = tag === -1 ? -1 : text.indexOf('>', tag);
    if (close === -1) return -1;
    const mark = text.charCodeAt(tag + 1);
    if (mark === 47) {
      if (open.pop() !== text.slice(tag + 2, close).trimEnd()) return -2;
    } else if (mark === 33) {
      return -2;
    } else if (text.charCodeAt(close - 1) !== 47) {
      open.push(nameAt(text, tag + 1));
    }
    if (open.length === 0) return close + 1;
    at = close + 1;
  }
}

function nameAt(text: string, start: number): string {
  let end = start;
  for (;;) {
    const code = text.charCodeAt(end);
    // white space, '/' or '>'
    if (code <= 32 || code === 47 || code === 62 || Number.isNaN(code)) return text.slice(start, end);
    end++;
  }
}

function hasUndefinedEntity(element: string): boolean {
  return element.includes('&') && /&(?!(?:lt|gt|amp|quot|apos|#\d+|#x[\da-fA-F]+);)/.test(element);
}

/** The name in the opening tag of an element. */
export function elementName(element: string): string {
  return nameAt(element, 1);
}

/** An attribute of the opening tag, unescaped; `undefined` if it is not there. */
export function attributeOf(element: string, name: string): string | undefined {
  const tagEnd = element.indexOf('>');
  let at = element.indexOf(` ${name}=`);
  if (at === -1 || at > tagEnd) return undefined;
  at += name.length + 2;
  const quote = element.charAt(at);
  const end = element.indexOf(quote, at + 1);
  if (end === -1) return undefined;
  const value = element.slice(at + 1, end);
  return value.includes('&') ? unescapeXml(value) : value;
}

const characterOf: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

export function unescapeXml(text: string): string {
  return text.replace(/&(#x?)?([\da-zA-Z]+);/g, (whole, numeric: string | undefined, name: string) => {
    if (numeric === undefined) return characterOf[name] ?? whole;
    return String.fromCodePoint(Number.parseInt(name, numeric === '#x' ? 16 : 10));
  });
}
