/** What breaks each tidy rule, and where it must be found; and what looks as if it broke one, but does not. */
interface BadSample {
  readonly rule: string;
  readonly files: Readonly<Record<string, string>>;
  /** `path:line`, in the order in which they are found. */
  readonly found: readonly string[];
}

// Put together here, so that this file keeps the rules that it breaks.
const unfinished = ['TO', 'DO'].join('');
const home = ['', 'home'].join('/');

const header = '// Thread: any\n/** For the sample. */\n';

export const badSamples: readonly BadSample[] = [
  {
    rule: 'layers: imports go downwards',
    files: {
      'src/core/a.ts': "import { x } from '../xmpp/x.ts';\n",
      'src/xmpp/b.ts': "import type { x } from '../storage/x.ts';\n",
      'src/provider/c.ts': "import { x } from '../transport/x.ts';\nimport { y } from '../publish/y.ts';\n",
      'src/router/d.ts': "import { x } from '../storage/x.ts';\nimport type { y } from '../storage/y.ts';\n",
      'src/router/e.ts':
        "import type { x } from '../publish/dispatcher.ts';\nimport type { y } from '../publish/commands.ts';\n",
      'src/core/f.ts': "import { x } from '../../config/engine-config.ts';\n",
      'src/xmpp/g.ts': "import { x } from '../../test/parse-xml.ts';\n",
      'src/publish/h.ts': "const x = await import('../../workers/publish.ts');\n",
      'src/storage/i.ts': "import { x } from '../fake/x.ts';\n",
    },
    found: [
      'src/core/a.ts:1',
      'src/xmpp/b.ts:1',
      'src/provider/c.ts:2',
      'src/router/d.ts:1',
      'src/router/e.ts:1',
      'src/core/f.ts:1',
      'src/xmpp/g.ts:1',
      'src/publish/h.ts:1',
      'src/storage/i.ts:1',
    ],
  },
  {
    rule: 'imports: no cycles',
    files: {
      'src/core/a.ts': "import { b } from './b.ts';\n",
      'src/core/b.ts': "import { c } from './c.ts';\n",
      'src/core/c.ts': "import { a } from './a.ts';\n",
    },
    found: ['src/core/a.ts:0'],
  },
  {
    rule: 'imports: one folder for each npm package',
    files: {
      'src/router/a.ts': "import { open } from 'lmdb';\n",
      'src/transport/b.ts': "import { request } from 'undici';\nimport leftPad from 'left-pad/inner.js';\n",
    },
    found: ['src/router/a.ts:1', 'src/transport/b.ts:2'],
  },
  {
    rule: 'imports: index.ts alone re-exports',
    files: { 'src/xmpp/all.ts': "export * from './xml.ts';\nexport { a } from './a.ts';\n" },
    found: ['src/xmpp/all.ts:1', 'src/xmpp/all.ts:2'],
  },
  {
    rule: 'threads: a file runs where those that import it run',
    files: {
      'src/publish/a.ts': "// Thread: main\nimport { b } from '../transport/b.ts';\n",
      'src/transport/b.ts': '// Thread: worker\n',
    },
    found: ['src/publish/a.ts:2'],
  },
  {
    rule: 'threads: the first line says where a file runs, then a comment says why it exists',
    files: {
      'src/core/a.ts': '/** No thread. */\n',
      'src/storage/b.ts': '// Thread: worker\n/** Wrong thread. */\n',
      'src/core/c.ts': '// Thread: any\n// No doc comment.\n',
    },
    found: ['src/core/a.ts:1', 'src/storage/b.ts:1', 'src/core/c.ts:2'],
  },
  {
    rule: 'types: no any',
    files: {
      'test/a.ts': 'let a: any;\nlet b: Map<string, any>;\nlet c: any[];\nlet d = x as any;\nlet e: string | any;\n',
    },
    found: ['test/a.ts:1', 'test/a.ts:2', 'test/a.ts:3', 'test/a.ts:4', 'test/a.ts:5'],
  },
  {
    rule: 'types: no non-null assertion',
    files: { 'src/a.ts': 'a!.b;\nf()!;\nlist[0]![1];\nlet x!: string;\n' },
    found: ['src/a.ts:1', 'src/a.ts:2', 'src/a.ts:3', 'src/a.ts:4'],
  },
  {
    rule: 'types: casts in ids.ts and at the named gaps only',
    files: {
      'src/a.ts': 'const a = b as string;\nconst c = (d) as unknown as E;\nconst f = {} as { g: 1 };\n',
      'src/core/ids.ts': 'return text as NodeId;\n',
    },
    found: ['src/a.ts:1', 'src/a.ts:2', 'src/a.ts:3'],
  },
  {
    rule: 'modules: no default export',
    files: { 'src/a.ts': 'export default function a() {}\n' },
    found: ['src/a.ts:1'],
  },
  {
    rule: 'time and chance come from a Clock and a Random',
    files: {
      'src/a.ts': 'Date.now();\nnew Date();\nMath.random();\nsetTimeout(f, 1);\nrandomBytes(3);\nperformance.now();\n',
      'bench/b.bench.ts': 'setImmediate(f);\n',
    },
    found: ['src/a.ts:1', 'src/a.ts:2', 'src/a.ts:3', 'src/a.ts:4', 'src/a.ts:5', 'src/a.ts:6', 'bench/b.bench.ts:1'],
  },
  {
    rule: 'time and chance: no timers from node:timers',
    files: { 'workers/a.ts': "import { setTimeout as after } from 'node:timers/promises';\n" },
    found: ['workers/a.ts:1'],
  },
  {
    rule: 'actors: the answer of tell is looked at',
    files: {
      'src/a.ts': 'ref.tell({ a: 1 });\nif (x) this.#ref.tell(y);\nelse shards[0].tell(f(y));\nvoid ref.tell(x);\n',
      'src/b.ts': 'for (const r of refs) {\n  r.tell({\n    a,\n  })\n}\n',
    },
    found: ['src/a.ts:1', 'src/a.ts:2', 'src/a.ts:3', 'src/a.ts:4', 'src/b.ts:2'],
  },
  {
    rule: 'tests: none is left out or alone',
    files: { 'test/a.test.ts': "it.only('a', f);\ndescribe.skip('b', g);\nit('c', { todo: true }, h);\n" },
    found: ['test/a.test.ts:1', 'test/a.test.ts:2', 'test/a.test.ts:3'],
  },
  {
    rule: 'comments: no unfinished work',
    files: { 'src/a.ts': `const a = 1;\n// ${unfinished}: think\n` },
    found: ['src/a.ts:2'],
  },
  {
    rule: 'comments and pages: plain words',
    files: { 'src/a.ts': '/**\n * It simply works.\n */\n', 'README.md': 'Fast.\nAnd powerful.\n' },
    found: ['src/a.ts:2', 'README.md:2'],
  },
  {
    rule: 'pages and code: no path of one machine',
    files: { 'src/a.ts': `\nconst a = '${home}/anna/x';\n`, 'README.md': `see ${home}/x\n` },
    found: ['src/a.ts:2', 'README.md:1'],
  },
  {
    rule: 'sizes: files of at most 400 lines, tests 600',
    files: { 'src/a.ts': '\n'.repeat(401), 'test/b.ts': '\n'.repeat(600), 'test/c.ts': '\n'.repeat(601) },
    found: ['src/a.ts:401', 'test/c.ts:601'],
  },
  {
    rule: 'sizes: functions of at most 60 lines',
    files: {
      'src/a.ts': `function a(b: string): Promise<void> {${'\n'.repeat(60)}}\n`,
      'src/b.ts': `const b = (c) => {${'\n'.repeat(60)}};\n`,
      'src/c.ts': `class C {\n  async #d(e: (f: 1) => 2): Promise<{ g: 1 }> {${'\n'.repeat(60)}}\n}\n`,
    },
    found: ['src/a.ts:1', 'src/b.ts:1', 'src/c.ts:2'],
  },
  {
    rule: 'sizes: lines of at most 120 columns',
    files: { 'src/a.ts': `${'x'.repeat(120)}\n${'x'.repeat(121)}\n` },
    found: ['src/a.ts:2'],
  },
  {
    rule: 'names: a file is a kebab-case noun',
    files: { 'src/myFile.ts': '', 'src/core/utils.ts': '', 'src/core/node-id.ts': '' },
    found: ['src/myFile.ts:0', 'src/core/utils.ts:0'],
  },
  {
    rule: 'pages: links lead somewhere',
    files: { 'src/README.md': '# Top\n[a](gone.md)\n[b](#nowhere)\n[c](#top)\n[d](https://example.com/x)\n' },
    found: ['src/README.md:2', 'src/README.md:3'],
  },
  {
    rule: 'pages: src/core/errors.md lists every error code, and no other',
    files: {
      'src/core/errors.ts': "export const errorCodes = {\n  E_A_NEW: 'x',\n  E_A_KNOWN: 'y',\n};\n",
      'src/core/errors.md': '| `E_A_KNOWN` | y |\n| `E_A_OLD` | z |\n',
    },
    found: ['src/core/errors.md:0', 'src/core/errors.md:0'],
  },
  {
    rule: 'limits: every limit is used',
    files: {
      'src/core/limits.ts': 'export const limits = {\n  usedMax: 1,\n  forgottenMax: 2,\n};\n',
      'src/router/a.ts':
        "import { limits } from '../core/limits.ts';\nif (n > limits.usedMax) stop();\n// limits.forgottenMax\n",
    },
    found: ['src/core/limits.ts:3'],
  },
  {
    rule: 'benches: each is in baseline.json',
    files: { 'bench/parse.bench.ts': '', 'bench/new.bench.ts': '', 'bench/baseline.json': '{"parse: publish": 1}' },
    found: ['bench/new.bench.ts:0'],
  },
  {
    rule: 'package.json: every program it names is built from a source',
    files: { 'package.json': '{\n"main": "dist/src/a.js",\n"bin": "dist/src/gone.js"\n}', 'src/a.ts': '' },
    found: ['package.json:3'],
  },
  {
    rule: 'pages: every npm command exists',
    files: {
      'package.json': '{ "scripts": { "test": "x", "a:b": "y" } }',
      'README.md': '`npm test`, `npm run a:b`,\n`npm run gone` or `npm start`\n',
    },
    found: ['README.md:2', 'README.md:2'],
  },
];

/** Each must pass every rule. */
export const goodSamples: readonly Readonly<Record<string, string>>[] = [
  {
    'src/xmpp/a.ts':
      header +
      "import { b as c } from '../core/b.ts';\nimport type { d } from '../../config/engine-config.ts';\n" +
      "const text = 'it.only Date.now() as any // no comment';\nconst pattern = /[/'\"`] as any!/;\n" +
      'const half = total / 2; // a division, / and not a pattern\n' +
      "const nested = `${c !== 1 ? `Math.random() ${'}'}` : ''} a!.b`;\n" +
      'const kinds = [1] as const;\nif (!half || a != b) f(!c);\nconst many = company.any();\n' +
      'type Written<T> = { readonly [K in keyof T & string as `${K}_file`]?: string };\n',
    'src/core/b.ts': `${header}export const b = 1;\n`,
    'src/publish/e.ts':
      `${header}import type { f } from '../registration/commands.ts';\nif (ref.tell(x) === 'full') wait();\n` +
      "const answer = ref.tell(x);\nreturn ref.tell({ kind: 'a' });\nrefs.map((ref) => ref.tell(x));\n",
    'src/engine.ts': `${header}import { e } from './publish/e.ts';\n`,
    'test/x.test.ts': "import { engine } from '../src/engine.ts';\nit('c', { skip: reason }, h);\nsetTimeout(f, 1);\n",
    'bench/core.bench.ts': '',
    'bench/baseline.json': '{ "core": 1 }',
    'README.md': '# Title\n\n[here](#title) [there](src/engine.ts) `[not](a-link)`\n',
  },
];
