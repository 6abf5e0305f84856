// Thread: main
/**
 * Bytes of one XMPP stream to stanzas, within limits. It reads the tags itself and lets @xmpp/xml build the tree, so
 * that what is refused and what is built can never differ; everything RFC 6120 §11.1 forbids ends the stream, and a
 * stanza over a limit is skipped without being built (xmpp 8.1 to 8.14). Only a tag that a chunk cuts is read
 * twice.
 */
import { Parser } from '@xmpp/xml';
import { limits } from '../core/limits.ts';
import { ns } from './namespaces.ts';
import { StanzaSkipper, skipMore, skipRefused } from './stanza-skipper.ts';
import { TagReader, tagMore } from './tag-reader.ts';
import { localName, namespaceOf } from './xml.ts';
import { referenceCharsMax, resolveReferences } from './xml-references.ts';
import { boundTo, hasTwins } from './xml-scope.ts';
import { XmlTextReader, encoded } from './xml-text-reader.ts';
import type { XmlElement } from './xml.ts';

export interface StreamLimits {
  readonly stanzaBytesMax: number;
}

/** RFC 6120 §4.9.3: the conditions this end may have to close a stream with. */
export type StreamErrorCondition =
  | 'bad-format'
  | 'invalid-namespace'
  | 'not-well-formed'
  | 'policy-violation'
  | 'restricted-xml'
  | 'unsupported-encoding';

export interface StreamSink {
  /** The stream header; its attributes are unescaped. */
  opened(header: XmlElement): void;
  /** One complete top-level element. `bytes`: its exact size in UTF-8, line ends normalised. */
  stanza(element: XmlElement, bytes: number): void;
  /**
   * A stanza over a limit was skipped, up to its end. `start`: its start tag without children, so that an IQ can be
   * answered (xmpp 8.7); without attributes that were over a limit themselves, and of a tag that alone was too large,
   * what was read.
   */
  oversized(start: XmlElement, reason: string): void;
  /** `</stream:stream>`; nothing is delivered after it. */
  closed(): void;
  /** The input is refused; nothing is delivered after this. */
  failed(condition: StreamErrorCondition, reason: string): void;
}

/** Instead of a position: the token goes on in the next chunk; this chunk is done with. */
const more = -1;
const stop = -2;

const cdataStart = '<![CDATA[';
const declarationCharsMax = 256;
const declaration = new RegExp(
  `^<\\?xml\\s+version\\s*=\\s*(?:'1\\.\\d+'|"1\\.\\d+")` +
    `(?:\\s+encoding\\s*=\\s*(?:'([\\w.-]+)'|"([\\w.-]+)"))?` +
    `(?:\\s+standalone\\s*=\\s*(?:'(?:yes|no)'|"(?:yes|no)"))?\\s*\\?>$`,
);

export class StreamParser {
  readonly #stanzaBytesMax: number;
  readonly #sink: StreamSink;
  readonly #reader = new XmlTextReader();
  readonly #tag = new TagReader();
  readonly #skipper = new StanzaSkipper();
  readonly #tree = new Parser();

  #phase: 'start' | 'prolog' | 'stream' | 'skipping' | 'ended' = 'start';
  /** A token whose end has not come. */
  #rest = '';
  /** This text needs no decoding. */
  #ascii = true;
  /** Open elements below the header. */
  #depth = 0;
  #elements = 0;
  /** Bytes of the open stanza that are counted, and where in this text the uncounted ones begin. */
  #stanzaBytes = 0;
  #stanzaFrom = 0;
  /** `]]>` is somewhere in this text: legal only as the end of a CDATA section. */
  #strayEnds = false;
  /** The next `<` of this text, as far as it is known; the length of the text if there is none. */
  #next = -1;
  #skippedStart: XmlElement | null = null;
  #skipReason = '';

  constructor({ stanzaBytesMax }: StreamLimits, sink: StreamSink) {
    this.#stanzaBytesMax = stanzaBytesMax;
    this.#sink = sink;
    this.#tree.on('element', (element) => this.#sink.stanza(element, this.#stanzaBytes));
    this.#tree.on('error', (error) => this.#fail('not-well-formed', error.message));
  }

  /** Reads the next bytes of the stream and tells the sink what became complete. The buffer is not kept. */
  write(bytes: Uint8Array): void {
    if (this.#phase === 'ended') return;
    const text = this.#reader.read(bytes, this.#rest);
    this.#rest = '';
    this.#consume(text);
    const { trouble } = this.#reader;
    if (trouble === '') return;
    const reason = trouble === 'encoding' ? 'bytes that are not UTF-8' : 'a character that XML forbids';
    this.#fail(this.#tree.root === null ? 'unsupported-encoding' : 'not-well-formed', reason);
  }

  #consume(text: string): void {
    this.#ascii = this.#reader.ascii;
    this.#stanzaFrom = 0;
    let at = this.#phase === 'skipping' ? this.#skip(text, 0) : 0;
    this.#next = -1;
    this.#strayEnds = text.includes(']]>');
    this.#tag.begin(text, this.#ascii);
    while (at >= 0 && at < text.length) {
      const open = this.#next < at ? text.indexOf('<', at) : this.#next;
      if (open === -1 || open === text.length) {
        at = this.#lastText(text, at);
        continue;
      }
      if (open > at && this.#text(text, at, open) === stop) return;
      at = this.#markup(text, open);
      if (at === more) this.#keepRest(text, open);
      else if (at !== stop && this.#phase === 'skipping') at = this.#skip(text, at);
    }
    if (at === text.length && this.#depth > 0) this.#count(at);
  }

  /** @returns where the markup ends; `more`; `stop`. */
  #markup(text: string, at: number): number {
    const code = text.charCodeAt(at + 1);
    if (code === 47) return this.#endTag(text, at);
    if (code === 33) return this.#exclamation(text, at);
    if (code === 63) return this.#instruction(text, at);
    return this.#startTag(text, at);
  }

  #startTag(text: string, at: number): number {
    const tag = this.#tag;
    const found = text.indexOf('<', at + 1);
    const next = found === -1 ? text.length : found;
    this.#next = next;
    const end = tag.read(at, next);
    if (end === tagMore) return found === -1 ? more : this.#fail('not-well-formed', 'a tag inside a tag');
    if (end < 0) return this.#fail('not-well-formed', tag.wrong);
    if (this.#tree.root === null) return this.#header(end);
    if (this.#depth === 0) {
      this.#stanzaFrom = at;
      this.#elements = 0;
    }
    const over = this.#overLimit(end);
    if (over !== '') return this.#skipFromTag(over, end);
    if (tag.prefixes.length > 0) {
      const wrong = this.#wrongPrefix();
      if (wrong !== '') return this.#fail('not-well-formed', wrong);
      if (this.#depth === 0 && this.#isHeader()) return this.#fail('bad-format', 'a second stream header');
    }
    this.#open(tag.name, tag.attrs);
    this.#depth++;
    return tag.selfClosing ? this.#close(tag.name, end) : end;
  }

  #overLimit(end: number): string {
    const { over } = this.#tag;
    if (over !== '') return over;
    if (++this.#elements > limits.elementsMax) return 'too many elements';
    if (this.#depth > limits.stanzaDepthMax) return 'nested too deep';
    return this.#stanzaBytes + end - this.#stanzaFrom > this.#stanzaBytesMax ? 'too large' : '';
  }

  #wrongPrefix(): string {
    const { attrs, prefixes } = this.#tag;
    for (const prefix of prefixes) {
      if (boundTo(prefix, attrs, this.#tree) === undefined) return 'a prefix that is not declared';
    }
    return prefixes.length > 1 && hasTwins(attrs, this.#tree) ? 'the same attribute twice' : '';
  }

  #isHeader(): boolean {
    const { name, attrs } = this.#tag;
    const element = { name, attrs, children: [], parent: this.#tree.root };
    return localName(element) === 'stream' && namespaceOf(element) === ns.stream;
  }

  #header(end: number): number {
    const { name, attrs, over, selfClosing } = this.#tag;
    if (over !== '') return this.#fail('policy-violation', `stream header: ${over}`);
    const wrong = this.#wrongPrefix();
    if (wrong !== '') return this.#fail('not-well-formed', wrong);
    if (!this.#isHeader()) {
      const named = name === 'stream' || name.endsWith(':stream');
      return this.#fail(named ? 'invalid-namespace' : 'bad-format', 'no stream header at the beginning');
    }
    this.#open(name, attrs);
    this.#phase = 'stream';
    if (this.#tree.root !== null) this.#sink.opened(this.#tree.root);
    return selfClosing ? this.#closed() : end;
  }

  #open(name: string, attrs: Record<string, string>): void {
    this.#tree.onStartElement(name);
    // Given as an argument they would be copied key by key.
    if (this.#tree.cursor !== null) this.#tree.cursor.attrs = attrs;
  }

  #endTag(text: string, at: number): number {
    const end = text.indexOf('>', at);
    const { cursor, root } = this.#tree;
    if (cursor === null) return this.#fail('not-well-formed', 'an end tag before the stream header');
    if (end === -1) return more;
    const { name } = cursor;
    const raw = this.#ascii ? name : encoded(name);
    const nameEnd = at + 2 + raw.length;
    if (!text.startsWith(raw, at + 2) || nameEnd > end || (nameEnd < end && !isBlank(text.slice(nameEnd, end)))) {
      return this.#fail('not-well-formed', 'an end tag without its start tag');
    }
    return cursor === root ? this.#closed() : this.#close(name, end + 1);
  }

  /** An element is complete, and with depth 1 the stanza. */
  #close(name: string, end: number): number {
    if (this.#depth === 1) {
      this.#stanzaBytes += end - this.#stanzaFrom;
      if (this.#stanzaBytes > this.#stanzaBytesMax) {
        this.#beginSkip('too large', 0);
        return this.#endSkip(end);
      }
    }
    this.#depth--;
    this.#tree.onEndElement(name);
    if (this.#depth === 0) this.#stanzaBytes = 0;
    return end;
  }

  #closed(): number {
    this.#phase = 'ended';
    this.#sink.closed();
    return stop;
  }

  #exclamation(text: string, at: number): number {
    if (!text.startsWith(cdataStart, at)) {
      if (text.length - at < cdataStart.length && cdataStart.startsWith(text.slice(at))) return more;
      return this.#fail('restricted-xml', 'a comment or a document type');
    }
    if (this.#tree.root === null) return this.#fail('not-well-formed', 'text before the stream header');
    const end = text.indexOf(']]>', at);
    if (end === -1) return more;
    if (this.#depth > 0) this.#append(this.#tag.letters(at + cdataStart.length, end));
    return end + 3;
  }

  #instruction(text: string, at: number): number {
    const begin = text.slice(at, at + 6);
    if (begin.length < 6 && '<?xml '.startsWith(begin)) return more;
    if (!/^<\?xml\s/.test(begin)) return this.#fail('restricted-xml', 'a processing instruction');
    if (this.#phase !== 'start') return this.#fail('not-well-formed', 'an XML declaration inside the stream');
    const end = text.indexOf('?>', at);
    if (end === -1 && text.length <= declarationCharsMax) return more;
    const found = end === -1 ? null : declaration.exec(text.slice(at, end + 2));
    if (found === null) return this.#fail('not-well-formed', 'a malformed XML declaration');
    const encoding = found[1] ?? found[2] ?? 'UTF-8';
    if (!/^utf-8$/i.test(encoding)) return this.#fail('unsupported-encoding', 'an encoding other than UTF-8');
    this.#phase = 'prolog';
    return end + 2;
  }

  #text(text: string, from: number, to: number): number {
    if (this.#tree.root === null) {
      this.#phase = 'prolog';
      return isBlank(text.slice(from, to)) ? to : this.#fail('not-well-formed', 'text before the stream header');
    }
    if (this.#strayEnds && text.slice(from, to).includes(']]>')) return this.#fail('not-well-formed', ']]> in text');
    const letters = this.#tag.letters(from, to);
    const resolved = this.#tag.hasReference(from, to) ? resolveReferences(letters) : letters;
    if (resolved === null) return this.#fail('not-well-formed', 'an unknown entity or character');
    // Between stanzas any text is ignored: Prosody writes some (xmpp 1.11).
    if (this.#depth > 0) this.#append(resolved);
    return to;
  }

  /** Text up to the end of the chunk; a reference or `]]` at its very end waits for what follows. */
  #lastText(text: string, from: number): number {
    let to = text.length;
    const reference = text.lastIndexOf('&');
    if (reference >= from && to - reference <= referenceCharsMax && !text.includes(';', reference)) to = reference;
    else if (text.endsWith(']')) to = Math.max(from, to - (text.endsWith(']]') ? 2 : 1));
    if (to > from && this.#text(text, from, to) === stop) return stop;
    if (to === text.length) return to;
    this.#keepRest(text, to);
    return more;
  }

  /** Adjacent pieces are one text, however they were cut. */
  #append(piece: string): void {
    const { cursor } = this.#tree;
    if (piece === '' || cursor === null) return;
    const { children } = cursor;
    const last = children.length - 1;
    const before = last < 0 ? null : children[last];
    if (typeof before === 'string') children[last] = before + piece;
    else this.#tree.onText(piece);
  }

  #keepRest(text: string, from: number): void {
    if (this.#depth > 0) this.#count(from);
    const rest = text.slice(from);
    if (this.#phase === 'skipping') {
      this.#skip(rest, 0);
      return;
    }
    const bytes = rest.length;
    const isCut = rest.startsWith('<') && !rest.startsWith(cdataStart);
    if (this.#stanzaBytes + bytes <= this.#stanzaBytesMax && (!isCut || bytes <= limits.tagBytesMax)) {
      this.#rest = rest;
    } else if (this.#tree.root === null || (this.#depth === 0 && (!isCut || rest.startsWith('</')))) {
      this.#fail('policy-violation', 'markup without an end');
    } else {
      this.#beginSkip('too large', this.#depth);
      this.#skip(rest, 0);
    }
  }

  /** Counts the bytes of the open stanza up to there. */
  #count(to: number): void {
    this.#stanzaBytes += to - this.#stanzaFrom;
    this.#stanzaFrom = to;
    if (this.#stanzaBytes > this.#stanzaBytesMax) this.#beginSkip('too large', this.#depth);
  }

  #skipFromTag(reason: string, end: number): number {
    const open = this.#tag.selfClosing ? this.#depth : this.#depth + 1;
    this.#stanzaBytes += end - this.#stanzaFrom;
    this.#beginSkip(reason, open);
    return open === 0 ? this.#endSkip(end) : end;
  }

  /** Drops what was built of the stanza. `open`: how many of its elements wait for their end. */
  #beginSkip(reason: string, open: number): void {
    const { root, cursor } = this.#tree;
    let top: Pick<XmlElement, 'name' | 'attrs'> = this.#tag;
    if (this.#depth > 0) for (let at: XmlElement | null = cursor; at !== null; at = at.parent) top = at;
    this.#skippedStart = { name: top.name, attrs: top.attrs, children: [], parent: root };
    this.#skipReason = reason;
    this.#tree.cursor = root;
    this.#depth = 0;
    this.#phase = 'skipping';
    this.#skipper.start(open);
  }

  #skip(text: string, from: number): number {
    const end = this.#skipper.skip(text, from);
    if (end === skipRefused) return this.#fail(this.#skipper.refusal, 'in a stanza that is skipped');
    this.#stanzaBytes += (end === skipMore ? text.length : end) - from;
    if (this.#stanzaBytes > limits.stanzaSkipBytesMax) return this.#fail('policy-violation', 'a stanza without an end');
    return end === skipMore ? more : this.#endSkip(end);
  }

  #endSkip(end: number): number {
    const start = this.#skippedStart;
    this.#phase = 'stream';
    this.#stanzaBytes = 0;
    this.#skippedStart = null;
    if (start !== null) this.#sink.oversized(start, this.#skipReason);
    return end;
  }

  #fail(condition: StreamErrorCondition, reason: string): number {
    if (this.#phase === 'ended') return stop;
    this.#phase = 'ended';
    this.#rest = '';
    this.#tree.cursor = this.#tree.root;
    this.#sink.failed(condition, reason);
    return stop;
  }
}

function isBlank(text: string): boolean {
  return /^[ \t\r\n]*$/.test(text);
}
