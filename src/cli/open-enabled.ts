// Thread: main
/**
 * The store of enabled registrations for commands that work beside the engine: the one that is configured, or the other
 * one, so that rows can be moved between MongooseIM's table and LMDB.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { EngineError } from '../core/errors.ts';
import { enabledFile, openEnabledStore } from '../storage/open-enabled-store.ts';
import type { EnabledRegistration } from '../core/enabled.ts';
import { openSqlDatabase, sqlEnabledStore } from '../storage/sql/open-sql-stores.ts';
import { SqlEnabledStore } from '../storage/sql/sql-enabled-store.ts';
import type { EnabledStore } from '../storage/enabled-store.ts';
import type { EngineConfig } from '../../config/engine-config.ts';

/** `lmdb`: in `data_dir`; `database`: the table in `[database]`. */
export const storePlaces = ['lmdb', 'database'] as const;
export type StorePlace = (typeof storePlaces)[number];

/** Where `push.store` is. Throws E_CONFIG_INVALID for memory, which nobody else can see. */
export function configuredPlace({ push }: EngineConfig): StorePlace {
  if (push.store === 'memory') {
    const message = 'push.store is "memory": nothing is kept outside the engine; write store = "lmdb"';
    throw new EngineError('E_CONFIG_INVALID', message);
  }
  return push.store === 'lmdb' ? 'lmdb' : 'database';
}

/** The file of the LMDB store, or the address of the database without user and password. */
export function placeText({ engine, database }: EngineConfig, place: StorePlace): string {
  if (place === 'lmdb') return join(engine.dataDir, enabledFile);
  if (database.url === '') return 'database';
  const { protocol, host, pathname } = new URL(database.url);
  return `${protocol}//${host}${pathname}`;
}

/** Whether there is anything to read: opening an LMDB store would make it. */
export function isThere(config: EngineConfig, place: StorePlace): boolean {
  return place === 'database' || existsSync(placeText(config, place));
}

/** Opens the store, works, and closes it. */
export async function withEnabledStore<T>(
  config: EngineConfig,
  place: StorePlace,
  work: (store: EnabledStore) => Promise<T>,
): Promise<T> {
  if (place === 'database') return withDatabase(config, work);
  const { engine, registrations } = config;
  const store = await openEnabledStore({ store: 'lmdb', dataDir: engine.dataDir, mapBytes: registrations.mapBytes });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function withDatabase<T>(
  { database: address }: EngineConfig,
  work: (store: EnabledStore) => Promise<T>,
): Promise<T> {
  if (address.url === '') {
    throw new EngineError('E_CONFIG_INVALID', 'database.url is missing; write the address of the database');
  }
  const database = await openSqlDatabase(address, systemClock);
  try {
    const store = await sqlEnabledStore(database);
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  } finally {
    await database.close();
  }
}

/** Why a store cannot keep a row: MongooseIM's table has columns of 250 characters. `''`: it can. */
export function problemOfRow(store: EnabledStore): (row: EnabledRegistration) => string {
  return store instanceof SqlEnabledStore ? (row) => store.rowProblem(row) : () => '';
}
