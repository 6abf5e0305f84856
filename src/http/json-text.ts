// Thread: main
/**
 * JSON with a place for what is wrong. The platform's parser does the work; only when it has failed is the text walked
 * a second time, because that parser names no place for short texts, and repeats parts of the text for long ones.
 */
import { err, ok } from '../core/result.ts';
import type { Result } from '../core/result.ts';

/** The error: `line 3, column 14: ...`, counted from 1, columns in UTF-16 units. */
export function parseJSON(text: string): Result<unknown, string> {
  try {
    const value: unknown = JSON.parse(text);
    return ok(value);
  } catch {
    const at = offsetOfTrouble(text);
    const before = text.slice(0, at);
    const line = before.split('\n').length;
    const column = at - before.lastIndexOf('\n');
    return err(`line ${line}, column ${column}: ${at >= text.length ? 'the text ends too early' : 'not JSON'}`);
  }
}

type Expected = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'comma-or-end' | 'nothing';

const white = /[ \t\n\r]*/y;
const scalar = /(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)/y;
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** Of the first character that cannot stand where it does; the length when the end is missing. RFC 8259. */
function offsetOfTrouble(text: string): number {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let at = 0;
  const closed = (): Expected => (open.length === 0 ? 'nothing' : 'comma-or-end');
  for (;;) {
    at = past(white, text, at);
    if (at >= text.length) return text.length;
    const character = text.charAt(at);
    const isEnd = character === '}' || character === ']';
    if (isEnd && expected !== 'value' && expected !== 'key' && expected !== 'colon' && expected !== 'nothing') {
      if (open.pop() !== (character === '}' ? '{' : '[')) return at;
      expected = closed();
      at++;
    } else if (expected === 'value' || expected === 'value-or-end') {
      if (character === '{' || character === '[') {
        open.push(character);
        expected = character === '{' ? 'key-or-end' : 'value-or-end';
        at++;
        continue;
      }
      const end = character === '"' ? pastString(text, at) : past(scalar, text, at);
      if (end <= at) return end === at ? at : -end;
      at = end;
      expected = closed();
    } else if (expected === 'key' || expected === 'key-or-end') {
      const end = character === '"' ? pastString(text, at) : at;
      if (end <= at) return end === at ? at : -end;
      at = end;
      expected = 'colon';
    } else if (expected === 'colon' && character === ':') {
      expected = 'value';
      at++;
    } else if (expected === 'comma-or-end' && character === ',') {
      expected = open.at(-1) === '{' ? 'key' : 'value';
      at++;
    } else {
      return at;
    }
  }
}

function past(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/** @returns the negative offset of what cannot stand in a string; never 0, for a string does not begin before 1. */
function pastString(text: string, quote: number): number {
  for (let at = quote + 1; at < text.length;) {
    const unit = text.charCodeAt(at);
    if (unit === 0x22) return at + 1;
    if (unit < 0x20) return -at;
    if (unit !== 0x5c) {
      at++;
      continue;
    }
    const end = past(escape, text, at);
    if (end === at) return -at;
    at = end;
  }
  return -text.length;
}
