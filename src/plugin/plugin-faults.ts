// Thread: main
/**
 * What plugins did wrong: counted for each, and told once a minute, because a line for each event would be as many
 * lines as there are events. Lines hold names and places of code; messages of errors may quote what is secret.
 */
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';

const complaintMs = 60_000;

export class PluginFaults {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #counts = new Map<string, number>();
  readonly #complainedAtMs = new Map<string, number>();

  constructor(names: readonly string[], clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
    for (const name of names) this.#counts.set(name, 0);
  }

  /** So far, by plugin. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  threw(plugin: string, callback: string, error: unknown): void {
    if (!this.#isDue(plugin)) return;
    const fields = { plugin, callback, kind: kindOf(error), at: placeOf(error), faults: this.#counts.get(plugin) };
    this.#logger.error(fields, 'a plugin threw; it is left out for this event');
  }

  /** @param problem without values of the event. */
  erred(plugin: string, callback: string, problem: string): void {
    if (!this.#isDue(plugin)) return;
    const fields = { plugin, callback, problem, faults: this.#counts.get(plugin) };
    this.#logger.error(fields, 'a plugin gave what it may not give; it is left out for this event');
  }

  #isDue(name: string): boolean {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - (this.#complainedAtMs.get(name) ?? Number.NEGATIVE_INFINITY) < complaintMs) return false;
    this.#complainedAtMs.set(name, nowMs);
    return true;
  }
}

function kindOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

/** File and line that threw: the first frame behind name and message, which the stack begins with. */
function placeOf(error: unknown): string {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return '';
  const { message, stack } = error;
  const behind = stack.indexOf(message) + message.length;
  return /^\s+at (.*)$/m.exec(stack.slice(behind))?.[1] ?? '';
}
