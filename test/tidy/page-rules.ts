/** Pages and tables that must keep up with the code: links, error codes, limits, the list of benchmarks. */
import { posix } from 'node:path';
import { lineAt } from './source-file.ts';
import type { Page, Rule, Tree, Violation } from './tree.ts';

export const pageRules: readonly Rule[] = [
  { name: 'pages: links lead somewhere', check: brokenLinks },
  { name: 'pages: src/core/errors.md lists every error code, and no other', check: errorPage },
  { name: 'limits: every limit is used', check: unusedLimits },
  { name: 'benches: each is in baseline.json', check: benchList },
  { name: 'package.json: every program it names is built from a source', check: programs },
  { name: 'pages: every npm command exists', check: npmCommands },
];

function brokenLinks(tree: Tree): Violation[] {
  const byPath = new Map(tree.pages.map((page) => [page.path, page]));
  const found: Violation[] = [];
  for (const page of tree.pages.filter(({ path }) => path.endsWith('.md'))) {
    for (const match of withoutCode(page.text).matchAll(/\[[^\]\n]*\]\(([^)\s]+)\)/g)) {
      const [address = '', anchor = ''] = (match[1] ?? '').split('#');
      if (/^[a-z]+:/i.test(address)) continue;
      const to = address === '' ? page.path : posix.normalize(posix.join(posix.dirname(page.path), address));
      const line = lineAt(page.text, match.index);
      const path = to.replace(/\/$/, '');
      if (path !== '.' && !tree.paths.has(path) && path !== page.path) {
        found.push({ path: page.path, line, message: `${address} is not there` });
      } else if (anchor !== '' && byPath.has(path) && !anchors(byPath.get(path)).has(anchor)) {
        found.push({ path: page.path, line, message: `${path} has no heading #${anchor}` });
      }
    }
  }
  return found;
}

/** Code blanked out, offsets kept. */
function withoutCode(markdown: string): string {
  return markdown.replace(/```[\s\S]*?```|`[^`\n]*`/g, (code) => code.replace(/[^\n]/g, ' '));
}

/** The ids that GitHub gives to headings. */
function anchors(page: Page | undefined): Set<string> {
  const headings = page?.text.replace(/```[\s\S]*?```/g, '').matchAll(/^#+\s+(.*)$/gm) ?? [];
  return new Set(
    [...headings].map((heading) =>
      (heading[1] ?? '')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    ),
  );
}

const errorPagePath = 'src/core/errors.md';

function errorPage(tree: Tree): Violation[] {
  const source = tree.files.find((file) => file.path === 'src/core/errors.ts');
  if (source === undefined) return [];
  const page = tree.pages.find(({ path }) => path === errorPagePath);
  const defined = new Set([...source.code.matchAll(/^ {2}(E_[A-Z0-9_]+):/gm)].map((match) => match[1] ?? ''));
  const listed = new Set([...(page?.text ?? '').matchAll(/^\|\s*`(E_[A-Z0-9_]+)`/gm)].map((match) => match[1] ?? ''));
  const missing = [...defined].filter((code) => !listed.has(code));
  const surplus = [...listed].filter((code) => !defined.has(code));
  return [
    ...missing.map((code) => ({ path: errorPagePath, line: 0, message: `${code} is not documented` })),
    ...surplus.map((code) => ({ path: errorPagePath, line: 0, message: `${code} does not exist (any more)` })),
  ];
}

function unusedLimits(tree: Tree): Violation[] {
  const path = 'src/core/limits.ts';
  const source = tree.files.find((file) => file.path === path);
  if (source === undefined) return [];
  // Some files read `limits` under another name, for tests with smaller ones: the key is what counts.
  const users = tree.files.filter(
    (file) =>
      /^(?:src|workers|config)\//.test(file.path) &&
      file.imports.some(({ specifier }) => /\blimits\.ts$/.test(specifier)),
  );
  const code = users.map((file) => file.code).join('\n');
  return [...source.code.matchAll(/^ {2}(\w+):/gm)].flatMap((match) => {
    const name = match[1] ?? '';
    if (new RegExp(`\\.${name}\\b|\\{[^{}]*\\b${name}\\b[^{}]*\\}\\s*=\\s*limits\\b`).test(code)) return [];
    return [{ path, line: lineAt(source.text, match.index), message: `nothing keeps to limits.${name}` }];
  });
}

function benchList(tree: Tree): Violation[] {
  const baseline = tree.pages.find(({ path }) => path === 'bench/baseline.json')?.text ?? '';
  return tree.files.flatMap((file) => {
    const subject = /^bench\/(.+)\.bench\.ts$/.exec(file.path)?.[1];
    const isListed = subject === undefined || baseline.includes(`"${subject}`);
    return isListed ? [] : [{ path: file.path, line: 0, message: `"${subject}" is not in bench/baseline.json` }];
  });
}

const packagePath = 'package.json';

function programs(tree: Tree): Violation[] {
  const page = tree.pages.find(({ path }) => path === packagePath);
  if (page === undefined) return [];
  return [...page.text.matchAll(/\bdist\/([\w/.-]+)\.(?:js|d\.ts)\b/g)].flatMap((match) => {
    const source = `${match[1] ?? ''}.ts`;
    if (tree.paths.has(source)) return [];
    return [{ path: packagePath, line: lineAt(page.text, match.index), message: `${source} is not there` }];
  });
}

function npmCommands(tree: Tree): Violation[] {
  const scripts = /"scripts":\s*\{([^}]*)\}/.exec(tree.pages.find(({ path }) => path === packagePath)?.text ?? '')?.[1];
  const known = new Set([...(scripts ?? '').matchAll(/"([\w:-]+)":/g)].map((match) => match[1] ?? ''));
  return tree.pages
    .filter(({ path }) => path.endsWith('.md'))
    .flatMap((page) =>
      [...page.text.matchAll(/\bnpm (?:run (?:--silent )?([\w:-]+)|(test|start)\b)/g)].flatMap((match) => {
        const script = match[1] ?? match[2] ?? '';
        if (known.has(script)) return [];
        return [{ path: page.path, line: lineAt(page.text, match.index), message: `no script is called ${script}` }];
      }),
    );
}
