// Thread: main
/**
 * One keeper for each key, whatever number of providers use it: Apple counts how often a key's tokens change, not who
 * asks for them (reference 3.5). A key's value outlives the process where the data folder is in use.
 */
import { assert } from './core/assert.ts';
import { CredentialKeeper } from './publish/credential-keeper.ts';
import { GatewayTime } from './publish/gateway-time.ts';
import { SignerStore } from './publish/signer-store.ts';
import { credentialFile } from './storage/credential-file.ts';
import type { EngineConfig, ProviderConfig } from '../config/engine-config.ts';
import type { Clock } from './core/clock.ts';
import type { Logger } from './core/log.ts';
import type { Random } from './core/random.ts';
import type { CredentialSource } from './provider/provider.ts';

export interface KeepersOptions {
  readonly config: EngineConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly sourceOf: (config: ProviderConfig, clock: Clock) => CredentialSource | undefined;
}

interface Shared {
  readonly id: string;
  readonly keeper: CredentialKeeper;
  users: number;
}

export class Keepers {
  readonly #options: KeepersOptions;
  readonly #time: GatewayTime;
  readonly #all: Shared[] = [];
  #closed = false;

  constructor(options: KeepersOptions) {
    this.#options = options;
    this.#time = new GatewayTime(options.clock, options.logger);
  }

  /** `undefined`: the provider needs no authorization field. Otherwise give it back by `release`. */
  take(provider: ProviderConfig): CredentialKeeper | undefined {
    const { clock, random, logger, sourceOf } = this.#options;
    const source = sourceOf(provider, clock);
    if (source === undefined) return undefined;
    const known = this.#all.find(({ id }) => id !== '' && id === source.id);
    if (known !== undefined) {
      void source.close(); // it has nothing open yet
      known.users++;
      return known.keeper;
    }
    const { name } = provider;
    const store = this.#storeOf(source, name);
    const options = { source, time: this.#time, clock, random, logger, provider: name };
    const keeper = new CredentialKeeper(store === undefined ? options : { ...options, store });
    this.#all.push({ id: source.id, keeper, users: 1 });
    return keeper;
  }

  async release(keeper: CredentialKeeper): Promise<void> {
    if (this.#closed) return; // with all the others
    const at = this.#all.findIndex((one) => one.keeper === keeper);
    const shared = this.#all[at];
    assert(shared !== undefined, 'a keeper is released as often as it was taken');
    if (--shared.users > 0) return;
    this.#all.splice(at, 1);
    await keeper.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#all.splice(0).map(({ keeper }) => keeper.close()));
  }

  #storeOf({ id, watched }: CredentialSource, provider: string): SignerStore | undefined {
    const { config, logger } = this.#options;
    if (id === '' || watched === undefined || !usesDataDir(config)) return undefined;
    const file = credentialFile(config.engine.dataDir, id);
    return new SignerStore({ file, key: watched, time: this.#time, logger, provider });
  }
}

/** Programs that keep everything in memory leave no files behind. */
function usesDataDir({ engine, registrations, push }: EngineConfig): boolean {
  return engine.secretKey === '' || registrations.store === 'lmdb' || push.store === 'lmdb';
}
