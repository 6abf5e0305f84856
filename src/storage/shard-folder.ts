// Thread: main
/**
 * The folder of all shards: `<dataDir>/registrations/shard-00.mdb` and so on. It comes into being, and is replaced, by
 * renaming a folder that is complete; therefore a folder of this name always holds every shard, and one that is missing
 * has been lost. The names below say how far a resharding had come when it was interrupted.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../core/errors.ts';
import { LmdbStore } from './lmdb-store.ts';
import { MemoryStore } from './memory-store.ts';
import type { RegistrationStore } from './registration-store.ts';
import type { EngineConfig } from '../../config/engine-config.ts';

export type ShardStoresConfig = EngineConfig['registrations'] & { readonly dataDir: string };

/** Where things are below `dataDir`. */
export const folderNames = {
  live: 'registrations',
  /** A first creation that is not complete. */
  making: 'registrations.making',
  /** A resharding that is not complete. */
  resharding: 'registrations.resharding',
  /** A resharding that is complete and waits for its turn. */
  resharded: 'registrations.resharded',
  /** What was live before the last resharding. */
  backup: 'registrations.before-reshard',
} as const;

// A row in memory with its index: about 1 KiB, so that mapBytes bounds both kinds of store alike.
const memoryRowBytes = 1024;

/**
 * All shards, in order; made if there are none yet.
 *
 * Throws EngineError: E_STORE_SHARDS_MISMATCH when the folder was made with another number of shards, E_STORE_IO when a
 * file is missing or cannot be opened.
 */
export async function openShardStores(config: ShardStoresConfig): Promise<readonly RegistrationStore[]> {
  if (config.store === 'memory') {
    const rowsMax = Math.floor(config.mapBytes / memoryRowBytes);
    return Array.from({ length: config.shards }, () => new MemoryStore(rowsMax));
  }
  finishSwap(config.dataDir);
  const folder = join(config.dataDir, folderNames.live);
  if (!existsSync(folder)) await makeFolder(config, folderNames.making, folderNames.live);
  return openLmdbShards(config);
}

/** The shards of the live folder, which exists. */
export async function openLmdbShards(config: ShardStoresConfig): Promise<readonly LmdbStore[]> {
  const folder = join(config.dataDir, folderNames.live);
  checkCount(folder, config.shards);
  const stores: LmdbStore[] = [];
  try {
    for (let shard = 0; shard < config.shards; shard++) {
      stores.push(new LmdbStore({ ...shardOptions(config, folder, shard), create: false }));
    }
  } catch (error) {
    await Promise.all(stores.map((store) => store.close()));
    throw error;
  }
  return stores;
}

/** Makes a folder of empty shards under one name and gives it another when it is complete and on disk. */
export async function makeFolder(config: ShardStoresConfig, name: string, finalName: string): Promise<void> {
  const stores = makeShards(config, name);
  await Promise.all(stores.map((store) => store.close()));
  renameFolder(config.dataDir, name, finalName);
}

/** Empty shards in a new folder; what is there under this name is thrown away. */
export function makeShards(config: ShardStoresConfig, name: string): readonly LmdbStore[] {
  const folder = join(config.dataDir, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return Array.from(
    { length: config.shards },
    (_, shard) => new LmdbStore({ ...shardOptions(config, folder, shard), create: true }),
  );
}

/** Durable when it returns: the names inside the folder, and the folder's own. */
export function renameFolder(dataDir: string, from: string, to: string): void {
  syncFolder(join(dataDir, from));
  renameSync(join(dataDir, from), join(dataDir, to));
  syncFolder(dataDir);
}

/**
 * The last two steps of a resharding, from wherever it was interrupted. Does nothing when there is nothing to finish.
 */
export function finishSwap(dataDir: string): void {
  if (existsSync(join(dataDir, folderNames.live)) || !existsSync(join(dataDir, folderNames.resharded))) return;
  renameFolder(dataDir, folderNames.resharded, folderNames.live);
}

/** How many shards the next opening will find; 0 = there is no store yet. */
export function shardCount(dataDir: string): number {
  const folders = [folderNames.live, folderNames.resharded].map((name) => join(dataDir, name));
  const folder = folders.find((path) => existsSync(path));
  return folder === undefined ? 0 : shardFiles(folder).length;
}

function checkCount(folder: string, shards: number): void {
  const found = shardFiles(folder);
  if (found.length === shards && found.every((name, shard) => name === shardFile(shard))) return;
  if (found.length === 0 || !isPowerOfTwo(found.length)) {
    throw new EngineError('E_STORE_IO', `${folder} has ${found.length} shard files, wanted are ${shards}; restore it`);
  }
  throw new EngineError(
    'E_STORE_SHARDS_MISMATCH',
    `${folder} has ${found.length} shards, configured are ${shards}; ` +
      `set registrations.shards = ${found.length}, or run \`meerkat reshard\``,
  );
}

function shardOptions(config: ShardStoresConfig, folder: string, shard: number): ShardOptions {
  return { path: join(folder, shardFile(shard)), shard, shards: config.shards, mapBytes: config.mapBytes };
}

interface ShardOptions {
  readonly path: string;
  readonly shard: number;
  readonly shards: number;
  readonly mapBytes: number;
}

function shardFiles(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => /^shard-\d{2,3}\.mdb$/.test(name))
    .toSorted((one, other) => one.length - other.length || (one < other ? -1 : 1));
}

function shardFile(shard: number): string {
  return `shard-${String(shard).padStart(2, '0')}.mdb`;
}

function isPowerOfTwo(count: number): boolean {
  return (count & (count - 1)) === 0;
}

/** Makes the names inside a folder durable. */
export function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
