/** What may not stand in code: escapes from the type system, hidden inputs, lost answers, half-finished work. */
import { lineAt } from './source-file.ts';
import type { SourceFile } from './source-file.ts';
import type { Rule, Tree, Violation } from './tree.ts';

/** Code that is delivered or measured; tests and tools may do more. */
export function isProduct(file: SourceFile): boolean {
  return /^(?:src|workers|config|bench)\//.test(file.path);
}

const isTypeScript = (file: SourceFile): boolean => file.path.endsWith('.ts');

// The casts of the house: branded ids, and gaps in foreign types, each with its reason beside it.
const castsAllowed = new Set([
  'src/core/ids.ts',
  'src/transport/http2-wrapper-session.ts',
  'src/xmpp/stream-parser.ts',
]);
const clockFiles = new Set(['src/core/clock.ts', 'src/core/random.ts']);

// Plugins are operators' code, beside the engine and its virtual clock; the examples show what such code may do.
const isExamplePlugin = (file: SourceFile): boolean => file.path.startsWith('config/plugins/');

const takesTimeAsInput = (file: SourceFile): boolean =>
  isProduct(file) && !clockFiles.has(file.path) && !isExamplePlugin(file);

const hiddenInputs = new RegExp(
  [
    /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b|\bhrtime\b/,
    /\b(?:set|clear)(?:Timeout|Interval|Immediate)\b/,
    /\bMath\.random\b|\brandom(?:Bytes|UUID|Int|Fill|FillSync)\b|\bgetRandomValues\b/,
  ]
    .map((part) => part.source)
    .join('|'),
  'g',
);

const threadsOf: Readonly<Record<string, readonly string[]>> = {
  'src/core': ['any'],
  'src/actor': ['any', 'main'],
  'src/xmpp': ['any', 'main'],
  'src/storage': ['main', 'any'],
  'src/observe': ['any', 'main'],
  'src/transport': ['worker', 'any'],
  'src/provider': ['worker', 'main', 'any'],
  'src/registration': ['main', 'any'],
  'src/router': ['main', 'any'],
  'src/publish': ['main', 'any'],
  'src/notification': ['main', 'any'],
  workers: ['worker'],
};

export const codeRules: readonly Rule[] = [
  { name: 'threads: the first line says where a file runs, then a comment says why it exists', check: headers },
  pattern('types: no any', isTypeScript, /(?::|<|\||&|,|=>|\bas|\bextends)\s*any\b(?!\s*[:(=])|\bany\[\]/g),
  pattern('types: no non-null assertion', isTypeScript, /[\w$)\]]!(?![=\w$])/g),
  { name: 'types: casts in ids.ts and at the named gaps only', check: casts },
  pattern('modules: no default export', isTypeScript, /\bexport\s+default\b/g),
  pattern('time and chance come from a Clock and a Random', takesTimeAsInput, hiddenInputs),
  {
    name: 'time and chance: no timers from node:timers',
    check: (tree) =>
      tree.files.flatMap((file) =>
        takesTimeAsInput(file)
          ? file.imports
              .filter((imported) => imported.specifier.startsWith('node:timers'))
              .map((imported) => ({
                path: file.path,
                line: lineAt(file.text, imported.offset),
                message: 'ask a Clock',
              }))
          : [],
      ),
  },
  { name: 'actors: the answer of tell is looked at', check: discardedTells },
  pattern(
    'tests: none is left out or alone',
    (file) => file.path.startsWith('test/'),
    /\b(?:it|test|describe|suite)\.(?:only|skip|todo)\b|\b(?:only|todo):\s*true\b/g,
  ),
  { name: 'comments: no unfinished work', check: unfinished },
  { name: 'comments and pages: plain words', check: vagueWords },
  { name: 'pages and code: no path of one machine', check: machinePaths },
];

function pattern(name: string, where: (file: SourceFile) => boolean, wrong: RegExp): Rule {
  return {
    name,
    check: (tree) =>
      tree.files.filter(where).flatMap((file) =>
        [...file.code.matchAll(wrong)].map((match) => ({
          path: file.path,
          line: lineAt(file.text, match.index),
          message: `not here: ${match[0].trim()}`,
        })),
      ),
  };
}

function headers(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const file of tree.files) {
    if (!/^(?:src|workers|config)\//.test(file.path)) continue;
    const thread = /^(?:#!.*\n)?\/\/ Thread: (main|worker|any)\n/.exec(file.text)?.[1];
    if (thread === undefined) {
      found.push({ path: file.path, line: 1, message: 'the first line is `// Thread: main`, `worker` or `any`' });
      continue;
    }
    const folder = file.path.startsWith('src/') ? file.path.split('/').slice(0, 2).join('/') : file.path.split('/')[0];
    const allowed = threadsOf[folder ?? ''];
    if (allowed !== undefined && !allowed.includes(thread)) {
      found.push({
        path: file.path,
        line: 1,
        message: `${String(folder)} runs in thread ${allowed.join(' or ')}, not ${thread}`,
      });
    }
    if (!file.comments.some((comment) => comment.text.startsWith('/**'))) {
      found.push({ path: file.path, line: 2, message: 'no doc comment says what this file is for' });
    }
  }
  return found;
}

function casts(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const file of tree.files) {
    if (!isProduct(file) || !isTypeScript(file) || castsAllowed.has(file.path)) continue;
    const code = file.code.replace(/^[ \t]*(?:import|export)\b[^;'"]*?\bfrom\b/gm, (statement) =>
      ' '.repeat(statement.length),
    );
    for (const match of code.matchAll(/[\w$)\]}'"`]\s+as\s+(?!const\b|unknown\s+as\b)[\w{('"`[]/g)) {
      // `[K in Keys as …]` renames the keys of a mapped type.
      if (/\[\w+ in [^\]\n]*$/.test(code.slice(0, match.index))) continue;
      found.push({ path: file.path, line: lineAt(file.text, match.index), message: `a cast: ${match[0]}…` });
    }
  }
  return found;
}

/** A statement that begins with a chain of names and calls `tell` on it throws the answer away. */
function discardedTells(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const file of tree.files.filter(isProduct)) {
    for (const match of file.code.matchAll(/(^|[;{})]|\b(?:else|void))\s*([\w$#.?[\]]+)\.tell\(/g)) {
      const closes = closing(file.code, match.index + match[0].length - 1);
      if (!/^\s*(?:;|\n|\})/.test(file.code.slice(closes + 1))) continue;
      found.push({
        path: file.path,
        line: lineAt(file.text, match.index + match[0].length),
        message: `${match[2] ?? ''}.tell(…): accepted, full or stopped? The sender must look`,
      });
    }
  }
  return found;
}

/** Where the bracket that opens at `offset` closes. */
export function closing(code: string, offset: number): number {
  let depth = 0;
  for (let at = offset; at < code.length; at++) {
    const character = code.charAt(at);
    if (character === '(' || character === '{' || character === '[') depth++;
    if ((character === ')' || character === '}' || character === ']') && --depth === 0) return at;
  }
  return code.length;
}

// In pieces, so that this file keeps its own rule.
const unfinishedWords = /\b(?:TO[D]O|FIX[M]E|XX[X])\b/;

function unfinished(tree: Tree): Violation[] {
  return tree.files.flatMap((file) =>
    file.comments
      .filter((comment) => unfinishedWords.test(comment.text))
      .map((comment) => ({
        path: file.path,
        line: lineAt(file.text, comment.offset),
        message: 'finish it, or leave it out',
      })),
  );
}

const vague = /\b(?:simply|obviously|robust(?:ly)?|powerful|effortless(?:ly)?|seamless(?:ly)?)\b/i;

function vagueWords(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const file of tree.files.filter(isProduct)) {
    for (const comment of file.comments) {
      const word = vague.exec(comment.text);
      if (word === null) continue;
      const line = lineAt(file.text, comment.offset + word.index);
      found.push({ path: file.path, line, message: `"${word[0]}" says nothing: say what happens` });
    }
  }
  return [...found, ...pageLines(tree, vague, (word) => `"${word}" says nothing: say what happens`)];
}

const machine = /(?<![\w.:}$/-])\/(?:work|root|home)\/[\w.-]/;

function machinePaths(tree: Tree): Violation[] {
  const message = (path: string): string => `${path}… exists on one machine only`;
  const inFiles = tree.files.flatMap((file) =>
    file.text.split('\n').flatMap((text, index) => {
      const path = machine.exec(text);
      return path === null ? [] : [{ path: file.path, line: index + 1, message: message(path[0]) }];
    }),
  );
  return [...inFiles, ...pageLines(tree, machine, message)];
}

function pageLines(tree: Tree, wrong: RegExp, message: (found: string) => string): Violation[] {
  return tree.pages.flatMap((page) =>
    page.text.split('\n').flatMap((text, index) => {
      const match = wrong.exec(text);
      return match === null ? [] : [{ path: page.path, line: index + 1, message: message(match[0]) }];
    }),
  );
}
