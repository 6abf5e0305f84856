// Thread: main
/**
 * The configured plugins, checked once at start. Without plugins the publish path does not come here at all.
 */
import { EngineError } from '../core/errors.ts';
import type { Plugin, PublishEvent } from './plugin.ts';
import type { Logger } from '../core/log.ts';
import type { Notification } from '../core/notification.ts';
import type { Clock } from '../core/clock.ts';

// One line a minute for each plugin that throws: a throw for each publish would be a log line for each publish.
const complaintMs = 60_000;

export class PluginChain {
  readonly #plugins: readonly Plugin[];
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #throws = new Map<string, number>();
  readonly #complainedAtMs = new Map<string, number>();

  /** @throws EngineError E_PLUGIN_INVALID when something is not a plugin, or a name is used twice. */
  constructor(plugins: readonly Plugin[], clock: Clock, logger: Logger) {
    this.#plugins = plugins;
    this.#clock = clock;
    this.#logger = logger;
    for (const plugin of plugins) {
      const problem = problemOf(plugin);
      if (problem !== undefined) throw new EngineError('E_PLUGIN_INVALID', problem);
      if (this.#throws.has(plugin.name)) {
        throw new EngineError('E_PLUGIN_INVALID', `two plugins are named ${plugin.name}; give each a name of its own`);
      }
      this.#throws.set(plugin.name, 0);
    }
  }

  /** Throws counted so far, by plugin. */
  get throws(): ReadonlyMap<string, number> {
    return this.#throws;
  }

  /** What is to be sent to a device, or `skip`. */
  rewrite(event: PublishEvent, notification: Notification): Notification | 'skip' {
    let rewritten = notification;
    for (const plugin of this.#plugins) {
      try {
        const next = plugin.rewriteNotification?.(event, rewritten);
        if (next === 'skip') return 'skip';
        if (next !== undefined) rewritten = next;
      } catch (error) {
        this.#complain(plugin.name, error);
      }
    }
    return rewritten;
  }

  #complain(name: string, error: unknown): void {
    this.#throws.set(name, (this.#throws.get(name) ?? 0) + 1);
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - (this.#complainedAtMs.get(name) ?? Number.NEGATIVE_INFINITY) < complaintMs) return;
    this.#complainedAtMs.set(name, nowMs);
    const kind = error instanceof Error ? error.name : typeof error;
    this.#logger.error(
      { plugin: name, kind, throws: this.#throws.get(name) },
      'a plugin threw; it is left out for this event',
    );
  }
}

function problemOf(plugin: unknown): string | undefined {
  if (typeof plugin !== 'object' || plugin === null) return 'a plugin must be an object with a name and callbacks';
  if (!('name' in plugin) || typeof plugin.name !== 'string' || plugin.name === '') return 'a plugin needs a name';
  const known = ['name', 'prepareNotification', 'shouldPublish', 'publishNotification', 'rewriteNotification'];
  for (const [key, value] of Object.entries(plugin)) {
    if (!known.includes(key)) return `plugin ${plugin.name}: unknown key ${key}; known are ${known.join(', ')}`;
    if (key !== 'name' && typeof value !== 'function') return `plugin ${plugin.name}: ${key} must be a function`;
  }
  return undefined;
}
