// Thread: main
/**
 * `[[plugins]]`: loads modules by their paths. Their code runs in this process with all of its rights, as the operator
 * has asked. Every trouble says which entry of the configuration it is about, and what to write.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../core/clock.ts';
import { EngineError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { pluginProblem } from './plugin-chain.ts';
import type { Plugin } from './plugin.ts';
import type { EngineConfig } from '../../config/engine-config.ts';
import type { Clock } from '../core/clock.ts';

type Entry = EngineConfig['plugins'][number];

/** The trouble of one entry, in words. */
type Refuse = (problem: string, remedy: string, cause?: unknown) => EngineError;

/**
 * In the order of the entries. Each module exports `createPlugin(options)`, which gives a `Plugin` or a promise of one.
 *
 * @param clock measures how long a module may take.
 * @throws EngineError E_PLUGIN_INVALID for the first entry that is none; its cause is what the module threw.
 */
export async function loadPlugins(entries: readonly Entry[], clock: Clock = systemClock): Promise<readonly Plugin[]> {
  const plugins: Plugin[] = [];
  const names = new Set<string>();
  for (const [index, entry] of entries.entries()) {
    const refuse: Refuse = (problem, remedy, cause) =>
      new EngineError('E_PLUGIN_INVALID', `plugins.${index}.module: ${entry.module} ${problem}. ${remedy}.`, { cause });
    const plugin = await inTime(loadPlugin(entry, refuse), clock, () =>
      refuse(`is not loaded after ${limits.pluginLoadMs} ms`, 'Let createPlugin answer, and fetch what it needs later'),
    );
    if (names.has(plugin.name)) {
      throw refuse(`makes a second plugin named ${plugin.name}`, 'Give each plugin a name of its own');
    }
    names.add(plugin.name);
    plugins.push(plugin);
  }
  return plugins;
}

async function loadPlugin({ module, options }: Entry, refuse: Refuse): Promise<Plugin> {
  const path = resolve(module);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    throw refuse(
      'is not a file that is there',
      `Write the path of a JavaScript module; this one was sought at ${path}`,
    );
  }
  const createPlugin = await exportOf(path, refuse);
  let plugin: unknown;
  let problem: string | undefined;
  try {
    plugin = await createPlugin(options);
    // Its keys may be accessors, which is code of the module as well.
    if (isPlugin(plugin)) return plugin;
    problem = pluginProblem(plugin);
  } catch (error) {
    throw refuse('threw in createPlugin', 'See the cause, and look at its options', error);
  }
  const remedy = 'Let createPlugin return { name, ... } with the callbacks of src/plugin/plugin.ts';
  throw refuse(`makes something else: ${String(problem)}`, remedy);
}

type CreatePlugin = (options: Entry['options']) => unknown;

async function exportOf(path: string, refuse: Refuse): Promise<CreatePlugin> {
  let loaded: unknown;
  try {
    loaded = await import(pathToFileURL(path).href);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw refuse('threw while it was loaded', 'See the cause', error);
    // A package.json around it may say that .js is CommonJS.
    throw refuse('is not JavaScript that can be loaded', 'See the cause; an ES module may have to end in .mjs', error);
  }
  const found: unknown =
    typeof loaded === 'object' && loaded !== null ? Reflect.get(loaded, 'createPlugin') : undefined;
  if (isCreatePlugin(found)) return found;
  throw refuse('exports no function createPlugin', 'Write `export function createPlugin(options) { ... }`');
}

function isCreatePlugin(value: unknown): value is CreatePlugin {
  return typeof value === 'function';
}

function isPlugin(value: unknown): value is Plugin {
  return pluginProblem(value) === undefined;
}

/** A module that never answers would keep the engine from starting, without a word. */
function inTime<T>(work: Promise<T>, clock: Clock, late: () => EngineError): Promise<T> {
  return new Promise((done, failed) => {
    const cancel = clock.after(limits.pluginLoadMs, () => failed(late()));
    work.then(done, failed).finally(cancel);
  });
}
