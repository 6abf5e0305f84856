// Thread: main
/**
 * Another number of shards: all rows are copied into a new folder beside the old one, and when every row is there and
 * on disk the folders change places by renaming. Killed at any moment, nothing is lost: before the swap the old folder
 * is still the live one and the copy is begun anew; within it the next opening finishes it. The old folder stays as
 * backup.
 */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../core/errors.ts';
import { assert } from '../core/assert.ts';
import { finishSwap, folderNames, makeShards, openLmdbShards, renameFolder, shardCount } from './shard-folder.ts';
import type { LmdbStore } from './lmdb-store.ts';
import type { ShardStoresConfig } from './shard-folder.ts';
import type { NodeId } from '../core/ids.ts';
import type { Registration } from '../core/registration.ts';

export interface ReshardOptions {
  readonly dataDir: string;
  /** Refused if the folder has another number; absent: whatever it has. */
  readonly from?: number;
  /** A power of two, 1 to 256. */
  readonly to: number;
  /** As in registrations.mapBytes, for the new shards. */
  readonly mapBytes: number;
  /** `shardOfNode` of registration/slots.ts. */
  readonly shardOfNode: (node: NodeId, shards: number) => number;
  readonly onProgress: (progress: ReshardProgress) => void;
}

export interface ReshardProgress {
  readonly step: 'copying' | 'copied' | 'complete' | 'swapping' | 'done';
  readonly rows: number;
  readonly rowsTotal: number;
}

export interface Resharded {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  /** The old folder, to be removed by hand; `''` when there was nothing to do. */
  readonly backup: string;
}

const pageRows = 1_000;
// Rows on the way to their new shards: about 20 MB, and few enough commits.
const heldRowsMax = 20_000;

/**
 * Throws EngineError: E_STORE_LOCKED while another process has the store open, E_STORE_SHARDS_MISMATCH when `from` is
 * not what is there, E_STORE_ROW_CORRUPT and E_STORE_IO when a row cannot be read or written. The live folder is then
 * as it was.
 */
export async function reshard(options: ReshardOptions): Promise<Resharded> {
  const { dataDir, to, onProgress } = options;
  finishSwap(dataDir);
  const from = shardCount(dataDir);
  if (from === 0) throw new EngineError('E_STORE_IO', `${dataDir} holds no registrations; check engine.data_dir`);
  if (options.from !== undefined && options.from !== from) {
    throw new EngineError('E_STORE_SHARDS_MISMATCH', `${dataDir} has ${from} shards, not ${options.from}`);
  }
  if (from === to) return { from, to, rows: 0, backup: '' };
  const sources = await openLmdbShards(configOf(options, from));
  try {
    refuseIfOpen(sources);
    const rows = await copyAll(sources, options);
    renameFolder(dataDir, folderNames.resharding, folderNames.resharded);
    onProgress({ step: 'complete', rows, rowsTotal: rows });
    swap(sources, dataDir, () => onProgress({ step: 'swapping', rows, rowsTotal: rows }));
    onProgress({ step: 'done', rows, rowsTotal: rows });
    return { from, to, rows, backup: join(dataDir, folderNames.backup) };
  } finally {
    await closeAll(sources);
  }
}

async function copyAll(sources: readonly LmdbStore[], options: ReshardOptions): Promise<number> {
  const { dataDir, to, onProgress } = options;
  rmSync(join(dataDir, folderNames.resharded), { recursive: true, force: true });
  const targets = makeShards(configOf(options, to), folderNames.resharding);
  try {
    const rowsTotal = await countAll(sources);
    let rows = 0;
    let held = emptyLots(to);
    let heldRows = 0;
    const flush = async (): Promise<void> => {
      await Promise.all(targets.map((target, index) => target.writeMany(held[index] ?? [])));
      rows += heldRows;
      held = emptyLots(to);
      heldRows = 0;
      onProgress({ step: 'copying', rows, rowsTotal });
    };
    for (const source of sources) {
      for await (const page of pagesOf(source)) {
        for (const row of page) lotOf(held, options.shardOfNode(row.node, to)).push(row);
        heldRows += page.length;
        if (heldRows >= heldRowsMax) await flush();
      }
    }
    await flush();
    const arrived = await countAll(targets);
    if (arrived !== rowsTotal) {
      throw new EngineError('E_STORE_IO', `${arrived} of ${rowsTotal} rows arrived; stop whatever writes, and repeat`);
    }
    onProgress({ step: 'copied', rows, rowsTotal });
    return rows;
  } finally {
    await closeAll(targets);
  }
}

/**
 * The old folder leaves its name first: from here on nobody can open it as the live one, so that a look at who has it
 * open is final.
 */
function swap(sources: readonly LmdbStore[], dataDir: string, swapping: () => void): void {
  const live = join(dataDir, folderNames.live);
  const backup = join(dataDir, folderNames.backup);
  rmSync(backup, { recursive: true, force: true });
  renameFolder(dataDir, folderNames.live, folderNames.backup);
  try {
    refuseIfOpen(sources);
  } catch (error) {
    if (!existsSync(live)) renameSync(backup, live);
    throw error;
  }
  swapping();
  finishSwap(dataDir);
}

function refuseIfOpen(stores: readonly LmdbStore[]): void {
  const pids = new Set(stores.flatMap((store) => store.otherProcesses));
  if (pids.size === 0) return;
  throw new EngineError('E_STORE_LOCKED', `the store is open in process ${[...pids].join(', ')}; stop it first`);
}

async function* pagesOf(store: LmdbStore): AsyncGenerator<readonly Registration[]> {
  let after: NodeId | undefined;
  for (;;) {
    const page = await store.scan(after, pageRows);
    if (page.length > 0) yield page;
    after = page.at(-1)?.node;
    if (page.length < pageRows) return;
  }
}

async function countAll(stores: readonly LmdbStore[]): Promise<number> {
  let rows = 0;
  for (const store of stores) rows += await store.count();
  return rows;
}

async function closeAll(stores: readonly LmdbStore[]): Promise<void> {
  await Promise.all(stores.map((store) => store.close()));
}

function emptyLots(count: number): Registration[][] {
  return Array.from({ length: count }, () => []);
}

function lotOf(lots: readonly Registration[][], index: number): Registration[] {
  const lot = lots[index];
  assert(lot !== undefined, `there is no shard ${index}`);
  return lot;
}

function configOf({ dataDir, mapBytes }: ReshardOptions, shards: number): ShardStoresConfig {
  return { store: 'lmdb', shards, perOwnerMax: 1, mapBytes, dataDir };
}
