// Thread: main
/** The stores of the engine, opened together and closed together: registrations of nodes, and what users enabled. */
import { openEnabledStore } from './storage/open-enabled-store.ts';
import { openShardStores } from './storage/shard-folder.ts';
import type { EngineConfig } from '../config/engine-config.ts';
import type { EnabledStore } from './storage/enabled-store.ts';
import type { RegistrationStore } from './storage/registration-store.ts';

export interface Stores {
  /** One for each shard, in order. */
  readonly shards: readonly RegistrationStore[];
  readonly enabled: EnabledStore;
}

/** Those that are given are taken as they are. Rejects with EngineError E_STORE_...; nothing then stays open. */
export async function openStores(
  { engine: { dataDir }, registrations, push }: EngineConfig,
  given: Partial<Stores>,
): Promise<Stores> {
  const shards = given.shards ?? (await openShardStores({ ...registrations, dataDir }));
  try {
    const enabled =
      given.enabled ?? (await openEnabledStore({ store: push.store, dataDir, mapBytes: registrations.mapBytes }));
    return { shards, enabled };
  } catch (error) {
    await Promise.all(shards.map((store) => store.close()));
    throw error;
  }
}

export async function closeStores({ shards, enabled }: Stores): Promise<void> {
  await Promise.all([...shards.map((store) => store.close()), enabled.close()]);
}
