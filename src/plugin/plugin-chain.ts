// Thread: main
/**
 * The plugins in their order, checked once at start. Without plugins neither publishes nor events come here at all. A
 * plugin that throws, or gives what it may not give, is left out for that event: what the others decided stands.
 */
import { EngineError } from '../core/errors.ts';
import { PluginFaults } from './plugin-faults.ts';
import { checkSummary, isNotification } from './summary-check.ts';
import type { Plugin, PublishEvent, PublishNext } from './plugin.ts';
import type { Clock } from '../core/clock.ts';
import type { EnabledRegistration } from '../core/enabled.ts';
import type { MessageEvent } from '../core/event.ts';
import type { Logger } from '../core/log.ts';
import type { Notification, Summary } from '../core/notification.ts';

type Rows = readonly EnabledRegistration[];

/** Registrations on their way through the chain, and what they are to be told. */
interface Share {
  readonly summary: Summary;
  readonly rows: Rows;
}

/** One call of `publishNotification`. */
interface Step {
  readonly plugin: Plugin;
  readonly event: MessageEvent;
  readonly share: Share;
}

export class PluginChain {
  readonly #plugins: readonly Plugin[];
  readonly #faults: PluginFaults;
  /** Whether any plugin has a callback for events: without, the event path need not come here. */
  readonly hasEventCallbacks: boolean;

  /** @throws EngineError E_PLUGIN_INVALID when something is not a plugin, or a name is used twice. */
  constructor(plugins: readonly Plugin[], clock: Clock, logger: Logger) {
    this.#plugins = plugins;
    const names = new Set<string>();
    for (const plugin of plugins) {
      const problem = pluginProblem(plugin);
      if (problem !== undefined) throw new EngineError('E_PLUGIN_INVALID', problem);
      if (names.has(plugin.name)) {
        throw new EngineError('E_PLUGIN_INVALID', `two plugins are named ${plugin.name}; give each a name of its own`);
      }
      names.add(plugin.name);
    }
    this.#faults = new PluginFaults([...names], clock, logger);
    this.hasEventCallbacks = plugins.some((plugin) => eventCallbacks.some((name) => plugin[name] !== undefined));
  }

  /** Throws and wrong answers so far, by plugin. */
  get throws(): ReadonlyMap<string, number> {
    return this.#faults.counts;
  }

  /** What push services are told of an event, or `skip`. */
  prepare(event: MessageEvent, summary: Summary): Summary | 'skip' {
    let prepared = summary;
    for (const plugin of this.#plugins) {
      if (plugin.prepareNotification === undefined) continue;
      try {
        const next: unknown = plugin.prepareNotification(event, prepared);
        if (next === 'skip') return 'skip';
        if (next === prepared) continue;
        const checked = checkSummary(next);
        if (checked.ok) prepared = checked.value;
        else this.#erred(plugin, 'prepareNotification', checked.error, next);
      } catch (error) {
        this.#faults.threw(plugin.name, 'prepareNotification', error);
      }
    }
    return prepared;
  }

  /** Which of these registrations are pushed; in their order, each once. */
  filter(event: MessageEvent, rows: Rows): Rows {
    let left = rows;
    for (const plugin of this.#plugins) {
      if (plugin.shouldPublish === undefined) continue;
      if (left.length === 0) return left;
      try {
        // A copy: what a plugin does to the list is not what it answers.
        const chosen: unknown = plugin.shouldPublish(event, [...left]);
        const part = partOf(left, chosen);
        if (part === undefined) this.#erred(plugin, 'shouldPublish', notAPart, chosen);
        else left = part;
      } catch (error) {
        this.#faults.threw(plugin.name, 'shouldPublish', error);
      }
    }
    return left;
  }

  /**
   * Gives `next` every registration that no plugin takes over, each once; after all plugins have been asked, so that
   * what publishing throws never passes through one.
   *
   * @returns the registrations that plugins took over.
   */
  publish(event: MessageEvent, summary: Summary, rows: Rows, next: PublishNext): Rows {
    const taken: EnabledRegistration[] = [];
    let shares: Share[] = rows.length === 0 ? [] : [{ summary, rows }];
    for (const plugin of this.#plugins) {
      if (plugin.publishNotification === undefined) continue;
      const passed: Share[] = [];
      for (const share of shares) taken.push(...this.#step({ plugin, event, share }, passed));
      shares = passed;
    }
    for (const share of shares) next(share.summary, share.rows);
    return taken;
  }

  /** What is to be sent to a device, or `skip`. */
  rewrite(event: PublishEvent, notification: Notification): Notification | 'skip' {
    let rewritten = notification;
    for (const plugin of this.#plugins) {
      if (plugin.rewriteNotification === undefined) continue;
      try {
        const next: unknown = plugin.rewriteNotification(event, rewritten);
        if (next === 'skip') return 'skip';
        if (isNotification(next, rewritten)) rewritten = next;
        else this.#erred(plugin, 'rewriteNotification', 'neither a notification nor skip', next);
      } catch (error) {
        this.#faults.threw(plugin.name, 'rewriteNotification', error);
      }
    }
    return rewritten;
  }

  /**
   * Asks one plugin. What it passes on goes to `passed`; after a fault, all that it was given and has not passed on.
   *
   * @returns what it keeps.
   */
  #step({ plugin, event, share }: Step, passed: Share[]): Rows {
    const left = new Set(share.rows);
    let isOpen = true;
    let isFaulty = false;
    const fault = (problem: string): void => {
      isFaulty = true;
      this.#faults.erred(plugin.name, callback, problem);
    };
    const pass = (summary: unknown, rows: unknown): void => {
      if (!isOpen) {
        fault('next was called after publishNotification had returned');
        return;
      }
      const checked = summary === share.summary ? undefined : checkSummary(summary);
      if (checked?.ok === false) fault(checked.error);
      const part = partOf(share.rows, rows);
      if (part === undefined) {
        fault(notAPart);
        return;
      }
      const fresh = part.filter((row) => left.delete(row));
      if (fresh.length < part.length)
        this.#faults.erred(plugin.name, callback, 'next was called twice for a registration');
      if (fresh.length > 0) passed.push({ summary: checked?.ok === true ? checked.value : share.summary, rows: fresh });
    };
    try {
      const answer: unknown = plugin.publishNotification?.(event, share.summary, [...share.rows], pass);
      this.#watch(plugin, callback, answer);
    } catch (error) {
      isFaulty = true;
      this.#faults.threw(plugin.name, callback, error);
    }
    isOpen = false;
    const kept = [...left];
    if (!isFaulty) return kept;
    if (kept.length > 0) passed.push({ summary: share.summary, rows: kept });
    return [];
  }

  #erred(plugin: Plugin, name: string, problem: string, answer: unknown): void {
    this.#faults.erred(plugin.name, name, answer instanceof Promise ? 'a promise; callbacks are synchronous' : problem);
    this.#watch(plugin, name, answer);
  }

  /** A promise that nobody waits for would end the process when it is rejected. */
  #watch({ name }: Plugin, of: string, answer: unknown): void {
    if (answer instanceof Promise) answer.catch((error: unknown) => this.#faults.threw(name, of, error));
  }
}

const eventCallbacks = ['prepareNotification', 'shouldPublish', 'publishNotification'] as const;
const callback = 'publishNotification';
const notAPart = 'registrations that are no part of those given';

/** Those of `given` that are in `answer`; `undefined` when it is not a list, or holds anything else. */
function partOf(given: Rows, answer: unknown): Rows | undefined {
  if (!Array.isArray(answer)) return undefined;
  const chosen = new Set<unknown>(answer);
  const part = given.filter((row) => chosen.has(row));
  return part.length === chosen.size ? part : undefined;
}

/** Why this is not a plugin; `undefined` if it is one. */
export function pluginProblem(plugin: unknown): string | undefined {
  if (typeof plugin !== 'object' || plugin === null) return 'a plugin must be an object with a name and callbacks';
  if (!('name' in plugin) || typeof plugin.name !== 'string' || plugin.name === '') return 'a plugin needs a name';
  const known = ['name', 'prepareNotification', 'shouldPublish', 'publishNotification', 'rewriteNotification'];
  for (const [key, value] of Object.entries(plugin)) {
    if (!known.includes(key)) return `plugin ${plugin.name}: unknown key ${key}; known are ${known.join(', ')}`;
    if (key !== 'name' && typeof value !== 'function') return `plugin ${plugin.name}: ${key} must be a function`;
  }
  return undefined;
}
