// Thread: main
/** How the stores in a database come into being: the database first, once for the engine, then stores on it. */
import { connectDatabase } from './database.ts';
import { checkPushTable } from './push-table.ts';
import { ensurePushTable, migrate } from './schema.ts';
import { SqlEnabledStore } from './sql-enabled-store.ts';
import { SqlRegistrationStore } from './sql-registration-store.ts';
import type { DatabaseConfig } from '../../../config/engine-config.ts';
import type { Clock } from '../../core/clock.ts';
import type { NodeId } from '../../core/ids.ts';
import type { RegistrationStore } from '../registration-store.ts';
import type { SqlDatabase } from './database.ts';

/**
 * Connects, and brings the tables of ours up to date. To be closed after its stores.
 *
 * @throws EngineError E_CONFIG_INVALID: the address is none; E_STORE_IO: the database cannot be reached, or its tables
 *   are those of a newer version.
 */
export async function openSqlDatabase(config: DatabaseConfig, clock: Clock): Promise<SqlDatabase> {
  const database = await connectDatabase(config, clock);
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

/**
 * MongooseIM's table, made if there is none; the database stays open when the store is closed.
 *
 * @throws EngineError E_STORE_IO: a table of this name is there and is not as MongooseIM makes it.
 */
export async function sqlEnabledStore(database: SqlDatabase): Promise<SqlEnabledStore> {
  await ensurePushTable(database);
  return new SqlEnabledStore(database, await checkPushTable(database));
}

export interface SqlShards {
  /** A power of two, 1 to 256; may differ from one start to the next. */
  readonly shards: number;
  /** `slotOfNode` of registration/slots.ts. */
  readonly slotOfNode: (node: NodeId) => number;
}

// As slotCount of registration/slots.ts.
const slotCount = 256;

/** The stores of all shards, in order, on one table; the database stays open when they are closed. */
export function sqlShardStores(database: SqlDatabase, { shards, slotOfNode }: SqlShards): readonly RegistrationStore[] {
  const width = slotCount / shards;
  return Array.from({ length: shards }, (_, shard) => {
    const slots = { first: shard * width, last: (shard + 1) * width - 1 };
    return new SqlRegistrationStore({ database, slots, slotOfNode });
  });
}
