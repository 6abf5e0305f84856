/** How long a file, a function and a line may be, and how files are named. */
import { closing, isProduct } from './code-rules.ts';
import { lineAt } from './source-file.ts';
import type { SourceFile } from './source-file.ts';
import type { Rule, Tree, Violation } from './tree.ts';

const fileLinesMax = 400;
const testLinesMax = 600;
const functionLinesMax = 60;
const lineColumnsMax = 120;

/** Files that are one table: their length is that of the specification they copy. */
const tables = new Set(['src/transport/h2/hpack-tables.ts', 'config/schema.ts']);

export const sizeRules: readonly Rule[] = [
  { name: 'sizes: files of at most 400 lines, tests 600', check: fileLengths },
  { name: 'sizes: functions of at most 60 lines', check: functionLengths },
  { name: 'sizes: lines of at most 120 columns', check: lineLengths },
  { name: 'names: a file is a kebab-case noun', check: fileNames },
];

function fileLengths(tree: Tree): Violation[] {
  return tree.files.flatMap((file) => {
    const lines = file.text.split('\n').length - 1;
    const max = file.path.startsWith('test/') ? testLinesMax : fileLinesMax;
    return lines <= max || tables.has(file.path) ? [] : [{ path: file.path, line: max + 1, message: `${lines} lines` }];
  });
}

function functionLengths(tree: Tree): Violation[] {
  return tree.files.filter(isProduct).flatMap((file) =>
    functions(file).flatMap(({ from, to }) => {
      const first = lineAt(file.text, from);
      const lines = lineAt(file.text, to) - first + 1;
      return lines <= functionLinesMax
        ? []
        : [{ path: file.path, line: first, message: `a function of ${lines} lines` }];
    }),
  );
}

const notFunctions = /(?:^|[^\w$.])(?:if|for|while|switch|catch|with)\s*$/;

/** From the opening bracket of each function's body to its closing one. */
function functions(file: SourceFile): { readonly from: number; readonly to: number }[] {
  const found: { from: number; to: number }[] = [];
  const { code } = file;
  for (let at = code.indexOf('{'); at !== -1; at = code.indexOf('{', at + 1)) {
    if (opensFunction(code.slice(Math.max(0, at - 2_000), at))) found.push({ from: at, to: closing(code, at) });
  }
  return found;
}

/** @param before the code in front of a `{`. */
function opensFunction(before: string): boolean {
  if (/=>\s*$/.test(before)) return true;
  // A return type may stand between the parameters and the body.
  const parameters = /\)\s*(?::[^;={}()]*(?:\{[^{}]*\}[^;={}()]*)?)?$/.exec(before);
  if (parameters === null) return false;
  const opens = opening(before, parameters.index);
  return opens !== -1 && !notFunctions.test(before.slice(0, opens)) && !/\bawait\s*$/.test(before.slice(0, opens));
}

/** Where the bracket that closes at `offset` was opened, -1 if not within the text. */
function opening(code: string, offset: number): number {
  let depth = 0;
  for (let at = offset; at >= 0; at--) {
    const character = code.charAt(at);
    if (character === ')') depth++;
    if (character === '(' && --depth === 0) return at;
  }
  return -1;
}

function lineLengths(tree: Tree): Violation[] {
  return tree.files.flatMap((file) =>
    file.text.split('\n').flatMap((text, index) => {
      const isLink = /https?:\/\/\S{60,}/.test(text);
      return text.length <= lineColumnsMax || isLink || tables.has(file.path)
        ? []
        : [{ path: file.path, line: index + 1, message: `${text.length} columns` }];
    }),
  );
}

const fileName = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.(?:test|bench|simulation|d))?\.(?:ts|mjs)$/;
const emptyName = /^(?:utils?|helpers?|common|types?|managers?|misc|shared)(?:\.|-)/;

function fileNames(tree: Tree): Violation[] {
  return tree.files.flatMap((file) => {
    const name = file.path.split('/').at(-1) ?? '';
    if (!fileName.test(name)) return [{ path: file.path, line: 0, message: 'not kebab-case' }];
    return emptyName.test(name) ? [{ path: file.path, line: 0, message: 'says nothing about what is inside' }] : [];
  });
}
