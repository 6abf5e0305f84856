/** Everything the tidy rules look at, read once: the project's sources, its pages, and the paths of all else. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceFile } from './source-file.ts';
import type { SourceFile } from './source-file.ts';

export interface Page {
  readonly path: string;
  readonly text: string;
}

export interface Tree {
  readonly files: readonly SourceFile[];
  /** Markdown, TOML, and the JSON that people write. */
  readonly pages: readonly Page[];
  /** Every path of the project from its root, folders included. */
  readonly paths: ReadonlySet<string>;
}

export interface Violation {
  readonly path: string;
  /** From 1; 0 when it is about the whole file. */
  readonly line: number;
  readonly message: string;
}

export interface Rule {
  readonly name: string;
  check(tree: Tree): readonly Violation[];
}

const leftOut = new Set(['node_modules', 'dist', 'data', '.git']);

export function readTree(): Tree {
  const root = projectRoot();
  const paths = new Set<string>();
  const files: SourceFile[] = [];
  const pages: Page[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (leftOut.has(entry.name)) continue;
      const full = join(folder, entry.name);
      const path = relative(root, full).split(sep).join('/');
      paths.add(path);
      if (entry.isDirectory()) visit(full);
      else if (/\.(?:ts|mjs)$/.test(entry.name)) files.push(sourceFile(path, readFileSync(full, 'utf8')));
      else if (/\.(?:md|toml)$/.test(entry.name) || path === 'bench/baseline.json' || path === 'package.json') {
        pages.push({ path, text: readFileSync(full, 'utf8') });
      }
    }
  };
  visit(root);
  return { files, pages, paths };
}

/** Built tests lie in dist, whose depth below the root is nobody's business: the root is where package.json is. */
export function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}
