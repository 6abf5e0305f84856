// Thread: main
/**
 * The stores of the engine, opened together and closed together: registrations of nodes, and what users enabled. Those
 * that are kept in a database share one.
 */
import { slotOfNode } from './registration/slots.ts';
import { openEnabledStore } from './storage/open-enabled-store.ts';
import { openShardStores } from './storage/shard-folder.ts';
import { openSqlDatabase, sqlEnabledStore, sqlShardStores } from './storage/sql/open-sql-stores.ts';
import type { EngineConfig, StoreKind } from '../config/engine-config.ts';
import type { Clock } from './core/clock.ts';
import type { EnabledStore } from './storage/enabled-store.ts';
import type { RegistrationStore } from './storage/registration-store.ts';

export interface Stores {
  /** One for each shard, in order. */
  readonly shards: readonly RegistrationStore[];
  readonly enabled: EnabledStore;
}

export interface OpenStores extends Stores {
  close(): Promise<void>;
}

/** Those that are given are taken as they are. Rejects with EngineError E_STORE_...; nothing then stays open. */
export async function openStores(config: EngineConfig, clock: Clock, given: Partial<Stores> = {}): Promise<OpenStores> {
  const { registrations, push, database: address, engine } = config;
  const { dataDir } = engine;
  const needsDatabase =
    (given.shards === undefined && isSql(registrations.store)) || (given.enabled === undefined && isSql(push.store));
  const database = needsDatabase ? await openSqlDatabase(address, clock) : undefined;
  let shards: readonly RegistrationStore[] = [];
  try {
    shards =
      given.shards ??
      (database !== undefined && isSql(registrations.store)
        ? sqlShardStores(database, { shards: registrations.shards, slotOfNode })
        : await openShardStores({ ...registrations, dataDir }));
    const enabled =
      given.enabled ??
      (database !== undefined && isSql(push.store)
        ? await sqlEnabledStore(database)
        : await openEnabledStore({ store: push.store, dataDir, mapBytes: registrations.mapBytes }));
    return {
      shards,
      enabled,
      async close() {
        await Promise.all([...shards.map((store) => store.close()), enabled.close()]);
        await database?.close();
      },
    };
  } catch (error) {
    await Promise.all(shards.map((store) => store.close()));
    await database?.close();
    throw error;
  }
}

function isSql(store: StoreKind): boolean {
  return store === 'postgres' || store === 'mysql';
}
