// Thread: any
/**
 * Reads the terms of `mongooseim.cfg` (2.x to 3.7; mongooseim 7.2): tuples, lists, atoms, strings, binaries, numbers,
 * each term closed by a full stop. Depth and length are bounded, because the file is somebody's input. What the file
 * may not hold, such as a variable or a map, is an error with its line.
 */
import { err, ok } from '../../src/core/result.ts';
import type { Result } from '../../src/core/result.ts';

export type ErlangTerm =
  | { readonly kind: 'atom'; readonly line: number; readonly text: string }
  | { readonly kind: 'text'; readonly line: number; readonly text: string }
  | { readonly kind: 'number'; readonly line: number; readonly value: number }
  | { readonly kind: 'tuple' | 'list'; readonly line: number; readonly items: readonly ErlangTerm[] };

export interface ErlangProblem {
  readonly line: number;
  readonly problem: string;
}

// A configuration has 6 levels; each costs a level of the stack here.
const depthMax = 64;

/** All terms of the file, in order. */
export function readErlang(text: string): Result<readonly ErlangTerm[], ErlangProblem> {
  const reader = new TermReader(text);
  try {
    return ok(reader.terms());
  } catch (error) {
    if (error instanceof TermError) return err({ line: error.line, problem: error.message });
    throw error;
  }
}

/** Leaves the recursion; never leaves this file. */
class TermError extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

const escapes = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['s', ' '],
  ['b', '\b'],
  ['d', '\u007f'],
  ['e', '\u001b'],
  ['f', '\f'],
  ['v', '\v'],
]);

class TermReader {
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  terms(): readonly ErlangTerm[] {
    const terms: ErlangTerm[] = [];
    for (;;) {
      this.#skipBlank();
      if (this.#at >= this.#text.length) return terms;
      terms.push(this.#term(0));
      this.#skipBlank();
      if (!this.#take('.')) this.#fail(`a full stop is missing after a term, before ${this.#next()}`);
    }
  }

  #term(depth: number): ErlangTerm {
    if (depth > depthMax) this.#fail(`nested deeper than ${depthMax} levels`);
    this.#skipBlank();
    const line = this.#line;
    const character = this.#text[this.#at] ?? '';
    if (this.#take('{')) return { kind: 'tuple', line, items: this.#items('}', depth) };
    if (this.#take('[')) return { kind: 'list', line, items: this.#items(']', depth) };
    if (this.#take('<<')) return { kind: 'text', line, text: this.#binary() };
    if (character === '"') return { kind: 'text', line, text: this.#strings() };
    if (character === "'") return { kind: 'atom', line, text: this.#quoted("'") };
    if (character === '$') return this.#character(line);
    if (/[-+\d]/.test(character)) return { kind: 'number', line, value: this.#number() };
    const atom = this.#match(/[a-z][\w@]*/y);
    if (atom !== undefined) return { kind: 'atom', line, text: atom };
    return this.#fail(`a term is missing, before ${this.#next()}`);
  }

  #items(end: string, depth: number): readonly ErlangTerm[] {
    const items: ErlangTerm[] = [];
    this.#skipBlank();
    if (this.#take(end)) return items;
    for (;;) {
      items.push(this.#term(depth + 1));
      this.#skipBlank();
      if (this.#take(end)) return items;
      if (!this.#take(',')) this.#fail(`a comma or ${end} is missing, before ${this.#next()}`);
    }
  }

  /** Strings beside each other are one. */
  #strings(): string {
    let text = '';
    do {
      text += this.#quoted('"');
      this.#skipBlank();
    } while (this.#text[this.#at] === '"');
    return text;
  }

  #quoted(quote: string): string {
    const opened = this.#line;
    this.#step();
    let text = '';
    while (this.#text[this.#at] !== quote) {
      if (this.#at >= this.#text.length) throw new TermError(`${quote} is not closed`, opened);
      if (this.#take('\\')) text += this.#escape();
      else {
        text += this.#text[this.#at] ?? '';
        this.#step();
      }
    }
    this.#step();
    return text;
  }

  #escape(): string {
    const hex = this.#match(/x(?:\{[0-9a-fA-F]{1,6}\}|[0-9a-fA-F]{2})/y);
    if (hex !== undefined) return this.#codePoint(Number.parseInt(hex.replaceAll(/[x{}]/g, ''), 16));
    const octal = this.#match(/[0-7]{1,3}/y);
    if (octal !== undefined) return this.#codePoint(Number.parseInt(octal, 8));
    const character = this.#text[this.#at] ?? '';
    this.#step();
    return escapes.get(character) ?? character;
  }

  #codePoint(value: number): string {
    return value <= 0x10ffff ? String.fromCodePoint(value) : this.#fail('a character beyond Unicode');
  }

  /** What stands between `<<` and `>>`: strings and bytes. */
  #binary(): string {
    let text = '';
    let bytes: number[] = [];
    for (;;) {
      this.#skipBlank();
      if (this.#take('>>')) return text + Buffer.from(bytes).toString('utf8');
      if (this.#text[this.#at] === '"') {
        text += Buffer.from(bytes).toString('utf8') + this.#strings();
        bytes = [];
        this.#match(/\/[\w-]+/y);
      } else if (/\d/.test(this.#text[this.#at] ?? '')) bytes.push(this.#number() & 0xff);
      else this.#fail(`a binary holds strings and bytes, before ${this.#next()}`);
      this.#skipBlank();
      if (!this.#take(',') && !this.#text.startsWith('>>', this.#at))
        this.#fail(`>> is missing before ${this.#next()}`);
    }
  }

  #character(line: number): ErlangTerm {
    this.#step();
    if (this.#take('\\')) return { kind: 'number', line, value: this.#escape().codePointAt(0) ?? 0 };
    const value = this.#text.codePointAt(this.#at);
    if (value === undefined) return this.#fail('a character is missing at the end of the file');
    this.#at += String.fromCodePoint(value).length;
    return { kind: 'number', line, value };
  }

  #number(): number {
    const radix = this.#match(/[-+]?\d{1,2}#[0-9a-zA-Z]+/y);
    if (radix !== undefined) {
      const [base = '', digits = ''] = radix.split('#');
      const value = Number.parseInt(digits, Math.abs(Number(base)));
      return Number.isNaN(value) ? this.#fail(`${radix} is not a number`) : value * (base.startsWith('-') ? -1 : 1);
    }
    const digits = this.#match(/[-+]?\d[\d_]*(?:\.\d+(?:[eE][-+]?\d+)?)?/y);
    return digits === undefined ? this.#fail(`a number is missing, before ${this.#next()}`) : Number(noGaps(digits));
  }

  #skipBlank(): void {
    for (;;) {
      const character = this.#text[this.#at];
      if (character === '%') while (this.#at < this.#text.length && this.#text[this.#at] !== '\n') this.#at += 1;
      else if (character !== undefined && /\s/.test(character)) this.#step();
      else return;
    }
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #step(): void {
    if (this.#text[this.#at] === '\n') this.#line += 1;
    this.#at += 1;
  }

  /** One character: what follows may be a password. */
  #next(): string {
    const character = this.#text[this.#at];
    return character === undefined ? 'the end of the file' : JSON.stringify(character);
  }

  #fail(problem: string): never {
    throw new TermError(problem, this.#line);
  }
}

function noGaps(digits: string): string {
  return digits.replaceAll('_', '');
}
