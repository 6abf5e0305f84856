/** A process of its own that opens a database and its stores, as an engine does at its start; then it ends. */
import { systemClock } from '../../src/core/clock.ts';
import { openSqlDatabase, sqlEnabledStore } from '../../src/storage/sql/open-sql-stores.ts';
import type { DatabaseConfig } from '../../config/engine-config.ts';

const config: DatabaseConfig = JSON.parse(process.argv[2] ?? '{}');
const database = await openSqlDatabase(config, systemClock);
const store = await sqlEnabledStore(database);
await store.count();
await store.close();
await database.close();
