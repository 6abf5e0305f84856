// Thread: any
/**
 * The providers of one thread while their credentials change: each name has the provider that new batches go to, and
 * for the time of a change the one before it. A batch says by its revision which of the two its authorization belongs
 * to, because Apple binds a connection to the key it has seen first (reference 3.5).
 */
import type { ProviderConfig } from '../../config/engine-config.ts';
import type { ProviderName } from '../core/ids.ts';
import type { Provider } from '../provider/provider.ts';

/** A provider that is built when its first batch comes, and lives as long as its revision. */
interface Generation {
  readonly revision: number;
  readonly config: ProviderConfig;
  provider: Provider | undefined;
}

interface Named {
  current: Generation;
  /** Finishes what it has; `undefined`: there is none, or it has been let go. */
  older: Generation | undefined;
}

export class ProviderGenerations {
  readonly #create: (config: ProviderConfig) => Provider;
  readonly #named = new Map<ProviderName, Named>();
  /** Those that have been let go and close their connections. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(providers: readonly ProviderConfig[], create: (config: ProviderConfig) => Provider) {
    this.#create = create;
    for (const config of providers) this.#named.set(config.name, { current: newborn(config, 0), older: undefined });
  }

  /** `undefined`: no such provider. Throws what `create` throws. */
  providerOf(name: ProviderName, revision: number): Provider | undefined {
    const named = this.#named.get(name);
    if (named === undefined) return undefined;
    const { current, older } = named;
    // A thread that was started after a change knows but one, which then serves batches of all revisions.
    const generation = older !== undefined && older.revision === revision ? older : current;
    generation.provider ??= this.#create(generation.config);
    return generation.provider;
  }

  /** From now on batches of this revision go to a provider built from this. May be told again. */
  renew(config: ProviderConfig, revision: number): void {
    const named = this.#named.get(config.name);
    if (named === undefined || named.current.revision >= revision) return;
    if (named.older !== undefined) this.#letGo(named.older, named.older.config.requestMs);
    named.older = named.current;
    named.current = newborn(config, revision);
  }

  /** No more batches of earlier revisions will come: their connections close when nothing is in flight on them. */
  release(name: ProviderName, revision: number, budgetMs: number): void {
    const named = this.#named.get(name);
    if (named?.older === undefined || named.older.revision >= revision) return;
    this.#letGo(named.older, budgetMs);
    named.older = undefined;
  }

  async drain(budgetMs: number): Promise<void> {
    for (const { current, older } of this.#named.values()) {
      this.#letGo(older, budgetMs);
      this.#letGo(current, budgetMs);
    }
    await Promise.all(this.#leaving);
  }

  #letGo(generation: Generation | undefined, budgetMs: number): void {
    if (generation?.provider === undefined) return;
    const left = generation.provider.drain(budgetMs).then(() => void this.#leaving.delete(left));
    this.#leaving.add(left);
  }
}

function newborn(config: ProviderConfig, revision: number): Generation {
  return { revision, config, provider: undefined };
}
