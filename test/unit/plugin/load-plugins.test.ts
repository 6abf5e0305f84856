import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { EngineError } from '../../../src/core/errors.ts';
import { limits } from '../../../src/core/limits.ts';
import { createEngine } from '../../../src/index.ts';
import { loadPlugins } from '../../../src/plugin/load-plugins.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';

function folder(t: TestContext) {
  const path = mkdtempSync(join(tmpdir(), 'meerkat-plugins-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  const write = (name: string, text: string) => {
    writeFileSync(join(path, name), text);
    return { module: join(path, name), options: {} };
  };
  return { path, write };
}

const good = 'export function createPlugin({ name = "good" }) { return { name, shouldPublish: () => [] }; }';

describe('modules of plugins', () => {
  it('are loaded in order, each with its options, from the working directory or an absolute path', async (t) => {
    const { write } = folder(t);
    const { module } = write('good.mjs', good);
    const plugins = await loadPlugins([
      { module: relative(process.cwd(), module), options: { name: 'one' } },
      { module, options: { name: 'two' } },
    ]);
    assert.deepEqual(
      plugins.map(({ name }) => name),
      ['one', 'two'],
    );
    assert.deepEqual(await loadPlugins([]), []);
  });

  it('may answer with a promise, wait at their top, and be CommonJS', async (t) => {
    const { write } = folder(t);
    const later = 'await Promise.resolve(); export async function createPlugin() { return { name: "later" }; }';
    const old = 'exports.createPlugin = () => ({ name: "old" });';
    const plugins = await loadPlugins([write('later.mjs', later), write('old.cjs', old), write('plain.js', good)]);
    assert.deepEqual(
      plugins.map(({ name }) => name),
      ['later', 'old', 'good'],
    );
  });

  const wrong: readonly (readonly [what: string, name: string, text: string, says: RegExp])[] = [
    ['a syntax error', 'a.mjs', 'export function (', /is not JavaScript that can be loaded\. See the cause/],
    [
      'an ES module that counts as CommonJS',
      'a.cjs',
      good,
      /can be loaded\. See the cause; an ES module may have to end in/,
    ],
    ['a throw', 'a.mjs', 'throw new Error("no")', /threw while it was loaded/],
    ['an import of what is not there', 'a.mjs', 'import "./absent.mjs"', /threw while it was loaded/],
    ['no export', 'a.mjs', '', /exports no function createPlugin\. Write `export function createPlugin\(options\)/],
    ['a default export', 'a.mjs', 'export default () => ({ name: "x" })', /exports no function createPlugin/],
    ['an export that is no function', 'a.mjs', 'export const createPlugin = {}', /exports no function createPlugin/],
    [
      'a factory that throws',
      'a.mjs',
      'export function createPlugin() { throw new Error("no") }',
      /threw in createPlugin/,
    ],
    [
      'a callback that cannot be looked at',
      'a.mjs',
      'export const createPlugin = () => ({ name: "x", get shouldPublish() { throw new Error("no") } })',
      /threw in createPlugin\. See the cause, and look at its options/,
    ],
    ['a factory that rejects', 'a.mjs', 'export async function createPlugin() { throw 1 }', /threw in createPlugin/],
    [
      'a factory of nothing',
      'a.mjs',
      'export function createPlugin() {}',
      /makes something else: a plugin must be an obj/,
    ],
    ['a plugin without a name', 'a.mjs', 'export const createPlugin = () => ({})', /a plugin needs a name/],
    [
      'a plugin with an unknown callback',
      'a.mjs',
      'export const createPlugin = () => ({ name: "x", shouldPush: () => [] })',
      /unknown key shouldPush; known are name, prepareNotification/,
    ],
  ];
  for (const [what, name, text, says] of wrong) {
    it(`${what} is told of with entry, path and remedy`, async (t) => {
      const { write } = folder(t);
      const [first, second] = [write('good.mjs', good), write(name, text)];
      await assert.rejects(loadPlugins([first, second]), (error) => {
        assert.ok(error instanceof EngineError);
        assert.equal(error.code, 'E_PLUGIN_INVALID');
        assert.ok(error.message.startsWith(`plugins.1.module: ${second.module} `), error.message);
        assert.match(error.message, says);
        return true;
      });
    });
  }

  it('a path that leads nowhere, or to a folder, says where the module was sought', async (t) => {
    const { path } = folder(t);
    mkdirSync(join(path, 'inner'));
    for (const module of [join(path, 'absent.mjs'), join(path, 'inner')]) {
      const remedy = `Write the path of a JavaScript module; this one was sought at ${module}.`;
      const message = `plugins.0.module: ${module} is not a file that is there. ${remedy}`;
      await assert.rejects(loadPlugins([{ module, options: {} }]), { code: 'E_PLUGIN_INVALID', message });
    }
  });

  it('two plugins of one name are refused', async (t) => {
    const entry = folder(t).write('good.mjs', good);
    await assert.rejects(loadPlugins([entry, entry]), /plugins\.1\.module: .*makes a second plugin named good/);
  });

  it('one that does not answer holds the start no longer than its time', async (t) => {
    const entry = folder(t).write('slow.mjs', 'export const createPlugin = () => new Promise(() => undefined);');
    const clock = new VirtualClock();
    const loading = assert.rejects(loadPlugins([entry], clock), /is not loaded after 10000 ms/);
    await clock.advance(limits.pluginLoadMs);
    await loading;
    await loadPlugins([folder(t).write('good.mjs', good)], clock);
    assert.equal(clock.pending, 0, 'nothing waits for one that has answered');
  });
});

describe('createEngine', () => {
  const providers = [{ name: 'trial', kind: 'blackhole' } as const];

  it('asks configured plugins after those given, and refuses a name that both have', async (t) => {
    const { module } = folder(t).write('good.mjs', good);
    const given = [{ name: 'given' }];
    const engine = await createEngine(
      { providers, plugins: [{ module, options: { name: 'mine' } }] },
      { plugins: given },
    );
    assert.deepEqual(Object.keys(engine.figures().pluginThrows), ['given', 'mine']);
    const twice = createEngine({ providers, plugins: [{ module, options: { name: 'given' } }] }, { plugins: given });
    await assert.rejects(twice, /two plugins are named given/);
  });

  it('rejects for a module that makes no plugin', async (t) => {
    const { module } = folder(t).write('empty.mjs', '');
    await assert.rejects(createEngine({ providers, plugins: [{ module }] }), { code: 'E_PLUGIN_INVALID' });
  });
});
