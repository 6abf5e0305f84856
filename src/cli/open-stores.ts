// Thread: main
/**
 * The stores of a configuration for the commands that work beside the engine. The number of shards is read from the
 * folder, so that these commands also work while the configuration waits for a resharding; in a database all are one.
 */
import { systemClock } from '../core/clock.ts';
import { EngineError } from '../core/errors.ts';
import { printNote } from './command-frame.ts';
import { slotOfNode } from '../registration/slots.ts';
import { openShardStores, shardCount } from '../storage/shard-folder.ts';
import { openSqlDatabase, sqlShardStores } from '../storage/sql/open-sql-stores.ts';
import type { EngineConfig } from '../../config/engine-config.ts';
import type { RegistrationStore } from '../storage/registration-store.ts';

/** Opens all shards, works, and closes them; makes nothing when there is no store yet. */
export async function withStores<T>(
  config: EngineConfig,
  work: (stores: readonly RegistrationStore[]) => Promise<T>,
): Promise<T> {
  const { registrations, engine } = config;
  if (registrations.store === 'memory') {
    const message = 'registrations.store is "memory": nothing is kept outside the engine; write store = "lmdb"';
    throw new EngineError('E_CONFIG_INVALID', message);
  }
  if (registrations.store !== 'lmdb') {
    const database = await openSqlDatabase(config.database, systemClock);
    try {
      return await work(sqlShardStores(database, { shards: 1, slotOfNode }));
    } finally {
      await database.close();
    }
  }
  const shards = shardCount(engine.dataDir);
  if (shards === 0) {
    printNote(`meerkat: there is no store in ${engine.dataDir} yet`);
    return work([]);
  }
  const stores = await openShardStores({ ...registrations, shards, dataDir: engine.dataDir });
  try {
    return await work(stores);
  } finally {
    await Promise.all(stores.map((store) => store.close()));
  }
}
