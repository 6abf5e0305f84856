/**
 * Who may import whom: layers, cycles, npm packages, threads. The drawing is in src/README.md; this is its text.
 */
import { posix } from 'node:path';
import { lineAt } from './source-file.ts';
import type { Import, SourceFile } from './source-file.ts';
import type { Rule, Tree, Violation } from './tree.ts';

type Arrow = 'value' | 'type';
type Arrows = Readonly<Record<string, Arrow>>;

const adapter: Arrows = { 'src/core': 'value' };
// Behaviour: the ports of layer 2 as types, codecs of xmpp as they are, and each other's messages as types.
const behaviour: Arrows = {
  'src/core': 'value',
  'src/actor': 'type',
  'src/xmpp': 'value',
  'src/storage': 'type',
  'src/provider': 'type',
  'src/transport': 'type',
  'src/observe': 'type',
  'src/plugin': 'type',
  'src/notification': 'value',
};

const door: Arrows = { 'src/core': 'value', 'src/actor': 'type', 'src/xmpp': 'value', 'src/event': 'value' };

/** What each folder may import besides itself. A folder that is not here and not an edge may import nothing. */
const arrows: Readonly<Record<string, Arrows>> = {
  'src/core': {},
  'src/actor': { 'src/core': 'value' },
  config: { 'src/core': 'value' },
  'src/xmpp': adapter,
  'src/storage': adapter,
  'src/observe': adapter,
  'src/plugin': adapter,
  // Pure builders between the adapters and the behaviours.
  'src/notification': { 'src/core': 'value', 'src/xmpp': 'type' },
  'src/transport': adapter,
  'src/provider': { ...adapter, 'src/transport': 'value' },
  'src/registration': behaviour,
  'src/publish': behaviour,
  'src/router': behaviour,
  'src/event': behaviour,
  // Doors by which events arrive: they read what comes, and hand it to the event actor.
  'src/http': door,
  'src/rabbit': door,
};

/** Message unions and what crosses threads: any behaviour may import these files of a sibling as types. */
const sharedTypes = /^src\/(?:registration|publish|router|event)\/(?:commands|wire|executor)\.ts$/;

/** Edges, and the files right in src that put the parts together, may import anything; nothing above imports them. */
const edges = ['src/fake', 'src/demo', 'workers', 'bench', 'test', '.ci'];
const edgeFiles = /^src\/[\w-]+\.ts$|^src\/cli\//;

/** One folder imports each package; edges besides may use a package for what they imitate or measure. */
const packageHomes: Readonly<Record<string, readonly string[]>> = {
  lmdb: ['src/storage'],
  piscina: ['src/publish'],
  undici: ['src/transport'],
  'http2-wrapper': ['src/transport'],
  '@xmpp/xml': ['src/xmpp'],
  jose: ['src/provider'],
  'smol-toml': ['config'],
  valibot: ['config'],
  commander: ['src/cli'],
  pino: ['src/observe'],
  fastify: ['src/http'],
  'rabbitmq-client': ['src/rabbit'],
  pg: ['src/storage'],
  mysql2: ['src/storage'],
  '@peculiar/x509': ['src/fake'],
  tinybench: ['bench'],
  '@parse/node-apn': ['bench'],
  '@xmpp/client': ['test/peers'],
};

export const importRules: readonly Rule[] = [
  { name: 'layers: imports go downwards', check: (tree) => eachImport(tree, layerViolation) },
  { name: 'imports: no cycles', check: cycles },
  { name: 'imports: one folder for each npm package', check: (tree) => eachImport(tree, packageViolation) },
  { name: 'imports: index.ts alone re-exports', check: (tree) => eachImport(tree, barrelViolation) },
  { name: 'threads: a file runs where those that import it run', check: threadMixes },
];

function eachImport(tree: Tree, judge: (file: SourceFile, imported: Import) => string | undefined): Violation[] {
  const found: Violation[] = [];
  for (const file of tree.files) {
    for (const imported of file.imports) {
      const message = judge(file, imported);
      if (message !== undefined) found.push({ path: file.path, line: lineAt(file.text, imported.offset), message });
    }
  }
  return found;
}

/** The project path an import leads to, `undefined` for packages. */
function target(file: SourceFile, imported: Import): string | undefined {
  if (!imported.specifier.startsWith('.')) return undefined;
  return posix.normalize(posix.join(posix.dirname(file.path), imported.specifier));
}

function folderOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  return first === 'src' && path.split('/').length > 2 ? `src/${second}` : first === 'src' ? path : first;
}

function isEdge(path: string): boolean {
  return edges.includes(folderOf(path)) || edgeFiles.test(path);
}

function layerViolation(file: SourceFile, imported: Import): string | undefined {
  const to = target(file, imported);
  if (to === undefined) return undefined;
  const from = folderOf(file.path);
  if (to.startsWith('test/') && from !== 'test') return `only tests may import ${to}`;
  if (to.startsWith('workers/') && from !== 'test' && from !== 'bench' && from !== 'workers') {
    return `${to} is started by its address, never imported`;
  }
  if (isEdge(file.path) || folderOf(to) === from) return undefined;
  if (to === 'config/engine-config.ts') return imported.typeOnly ? undefined : `${to} may be imported as type only`;
  if (imported.typeOnly && sharedTypes.test(to) && arrows[from] === behaviour) return undefined;
  const arrow = arrows[from]?.[folderOf(to)];
  if (arrow === undefined) return `${from} may not import ${to}`;
  return arrow === 'type' && !imported.typeOnly ? `${from} may import ${to} as type only` : undefined;
}

function packageViolation(file: SourceFile, imported: Import): string | undefined {
  const { specifier } = imported;
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined;
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const homes = packageHomes[name];
  if (homes === undefined) return `${name} is imported by nobody in the table of test/tidy/import-rules.ts`;
  const near = [
    ...homes,
    ...(file.path.startsWith('src/') || file.path.startsWith('config/') ? [] : ['test', 'bench']),
  ];
  const isHome = near.some(
    (home) => file.path.startsWith(`${home}/`) || (/^src\/cli[\w-]*\.ts$/.test(file.path) && home === 'src/cli'),
  );
  return isHome ? undefined : `${name} is imported in ${homes.join(', ')} only`;
}

function barrelViolation(file: SourceFile, imported: Import): string | undefined {
  return imported.reexport && file.path !== 'src/index.ts' ? 'import from the file that defines' : undefined;
}

function cycles(tree: Tree): Violation[] {
  const byPath = new Map(tree.files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const found: Violation[] = [];
  const visit = (file: SourceFile, trail: readonly string[]): void => {
    const again = trail.indexOf(file.path);
    if (again !== -1) {
      const circle = [...trail.slice(again), file.path].join(' → ');
      found.push({ path: file.path, line: 0, message: `a cycle of imports: ${circle}` });
      return;
    }
    if (done.has(file.path)) return;
    for (const imported of file.imports) {
      const next = byPath.get(target(file, imported) ?? '');
      if (next !== undefined && !imported.typeOnly) visit(next, [...trail, file.path]);
    }
    done.add(file.path);
  };
  for (const file of tree.files) visit(file, []);
  return found;
}

function threadOf(file: SourceFile): string | undefined {
  return /^(?:#!.*\n)?\/\/ Thread: (main|worker|any)\n/.exec(file.text)?.[1];
}

/** The table that joins the halves of each provider: minting on the main thread, sending on a worker. */
const whereThreadsMeet = 'src/provider/provider-kinds.ts';

function threadMixes(tree: Tree): Violation[] {
  const threads = new Map(tree.files.map((file) => [file.path, threadOf(file)]));
  return eachImport(tree, (file, imported) => {
    const to = target(file, imported);
    const here = threads.get(file.path);
    const there = threads.get(to ?? '');
    if (
      imported.typeOnly ||
      isEdge(file.path) ||
      file.path === whereThreadsMeet ||
      here === undefined ||
      there === undefined
    )
      return undefined;
    return there === 'any' || there === here ? undefined : `a file of thread ${here} imports ${String(to)} (${there})`;
  });
}
