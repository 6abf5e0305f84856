/**
 * A source file as the tidy rules see it: `code` is the text with comments, string contents and regular expressions
 * blanked out at equal length, so that a rule finds code only and every offset still names a line. The compiler of
 * TypeScript 7 has no API to ask, hence this tokenizer.
 */
export interface Comment {
  readonly text: string;
  readonly offset: number;
}

export interface Import {
  readonly specifier: string;
  readonly offset: number;
  /** `import type`, or every name in the braces carries `type`: gone at run time. */
  readonly typeOnly: boolean;
  /** `export … from`. */
  readonly reexport: boolean;
  /** `import(…)`. */
  readonly dynamic: boolean;
}

export interface SourceFile {
  /** From the project's root, with slashes: `src/core/clock.ts`. */
  readonly path: string;
  readonly text: string;
  readonly code: string;
  readonly comments: readonly Comment[];
  readonly imports: readonly Import[];
}

export function sourceFile(path: string, text: string): SourceFile {
  const { code, comments } = blank(text);
  return { path, text, code, comments, imports: importsOf(text, code) };
}

/** Lines count from 1. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

// A slash after one of these begins a regular expression; after anything else it divides.
const beforeRegExp = /(?:^|[(,=:[!&|?{;+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|throw|await|yield))\s*$/;

interface Scan {
  readonly text: string;
  readonly comments: Comment[];
  /** The blanked text, piece by piece. */
  readonly pieces: string[];
  /** What was kept since the last blank, enough to tell a division from a regular expression. */
  kept: string;
  at: number;
}

function blank(text: string): { readonly code: string; readonly comments: readonly Comment[] } {
  const scan: Scan = { text, comments: [], pieces: [], kept: '', at: 0 };
  scanCode(scan, false);
  return { code: scan.pieces.join(''), comments: scan.comments };
}

/** Reads code up to the end, or to the `}` that ends a template's expression. */
function scanCode(scan: Scan, inTemplate: boolean): void {
  let braces = 0;
  while (scan.at < scan.text.length) {
    const two = scan.text.slice(scan.at, scan.at + 2);
    const one = two.charAt(0);
    if (two === '//') comment(scan, scan.text.indexOf('\n', scan.at));
    else if (two === '/*') comment(scan, scan.text.indexOf('*/', scan.at + 2) + 2);
    else if (one === "'" || one === '"') quoted(scan, one);
    else if (one === '`') template(scan);
    else if (one === '/' && beforeRegExp.test(scan.kept)) regExp(scan);
    else {
      if (one === '{') braces++;
      if (one === '}' && --braces < 0 && inTemplate) return;
      keep(scan, 1);
    }
  }
}

function keep(scan: Scan, length: number): void {
  const kept = scan.text.slice(scan.at, scan.at + length);
  scan.pieces.push(kept);
  scan.kept = (scan.kept + kept).slice(-40);
  scan.at += length;
}

/** Replaces by spaces, newlines excepted. */
function hide(scan: Scan, end: number): void {
  scan.pieces.push(scan.text.slice(scan.at, end).replace(/[^\n]/g, ' '));
  scan.at = end;
}

function comment(scan: Scan, end: number): void {
  const to = end <= scan.at ? scan.text.length : end;
  scan.comments.push({ text: scan.text.slice(scan.at, to), offset: scan.at });
  hide(scan, to);
}

function quoted(scan: Scan, quote: string): void {
  let end = scan.at + 1;
  while (end < scan.text.length && scan.text.charAt(end) !== quote && scan.text.charAt(end) !== '\n') {
    end += scan.text.charAt(end) === '\\' ? 2 : 1;
  }
  keep(scan, 1);
  hide(scan, end);
  keep(scan, 1);
}

function template(scan: Scan): void {
  keep(scan, 1);
  while (scan.at < scan.text.length && scan.text.charAt(scan.at) !== '`') {
    if (scan.text.startsWith('${', scan.at)) {
      keep(scan, 2);
      scanCode(scan, true);
      keep(scan, 1);
    } else {
      hide(scan, scan.at + (scan.text.charAt(scan.at) === '\\' ? 2 : 1));
    }
  }
  keep(scan, 1);
}

function regExp(scan: Scan): void {
  let inClass = false;
  let end = scan.at + 1;
  for (; end < scan.text.length; end++) {
    const character = scan.text.charAt(end);
    if (character === '\\') end++;
    else if (character === '[') inClass = true;
    else if (character === ']') inClass = false;
    else if (character === '\n' || (character === '/' && !inClass)) break;
  }
  keep(scan, 1);
  hide(scan, end);
  keep(scan, 1);
}

const statement = /^[ \t]*(import|export)\b([^;'"]*?)\bfrom\s*(['"])/gm;
const sideEffect = /^[ \t]*import\s*(['"])/gm;
const dynamicImport = /\bimport\s*\(\s*(['"])/g;

function importsOf(text: string, code: string): Import[] {
  const found: Import[] = [];
  const add = (match: RegExpExecArray, rest: Omit<Import, 'specifier' | 'offset'>): void => {
    const from = match.index + match[0].length;
    const quote = match[0].at(-1) ?? "'";
    found.push({ specifier: text.slice(from, text.indexOf(quote, from)), offset: match.index, ...rest });
  };
  for (const match of code.matchAll(statement)) {
    const names = match[2] ?? '';
    add(match, { typeOnly: namesAreTypes(names), reexport: match[1] === 'export', dynamic: false });
  }
  for (const match of code.matchAll(sideEffect)) add(match, { typeOnly: false, reexport: false, dynamic: false });
  for (const match of code.matchAll(dynamicImport)) add(match, { typeOnly: false, reexport: false, dynamic: true });
  return found;
}

function namesAreTypes(names: string): boolean {
  if (/^\s*type\b/.test(names)) return true;
  const braces = /^\s*\{([^}]*)\}\s*$/.exec(names)?.[1];
  return braces !== undefined && braces.split(',').every((name) => name.trim() === '' || /^\s*type\s/.test(name));
}
