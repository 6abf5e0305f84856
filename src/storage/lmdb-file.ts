// Thread: main
/**
 * What every LMDB file of ours shares: how it is opened, how full it may become, and how a failed commit is told.
 * Commits are plain LMDB commits: `overlappingSync` is off, so that a resolved write has been fsynced (with it on,
 * lmdb-js resolves when the write is visible, which is earlier).
 */
import { basename } from 'node:path';
import { open } from 'lmdb';
import { EngineError } from '../core/errors.ts';
import type { RootDatabase } from 'lmdb';

// A page split copies a page in each of two trees, on each of their levels: what a small write may need besides its
// rows.
const splitReserveBytes = 262_144;

/** Throws EngineError E_STORE_IO. */
export function openEnvironment(path: string, mapBytes: number): RootDatabase {
  try {
    return open({ path, noSubdir: true, mapSize: mapBytes, maxDbs: 3, overlappingSync: false });
  } catch (error) {
    throw new EngineError('E_STORE_IO', `${path} could not be opened: ${reasonOf(error)}`, { cause: error });
  }
}

export interface Room {
  readonly path: string;
  readonly mapBytes: number;
  readonly environment: RootDatabase;
  /** The tables whose pages count as used. */
  readonly tables: readonly { getStats(): object }[];
}

/**
 * Throws EngineError E_STORE_IO where `bytes` more do not fit; lmdb-js would grow the map without end. Pages that
 * deletions have freed count as room; the file itself never shrinks.
 */
export function checkRoom({ path, mapBytes, environment, tables }: Room, bytes: number): void {
  const stats = environment.getStats();
  const pageBytes = figure(stats, 'pageSize');
  const need = 2 * bytes + splitReserveBytes;
  if ((figure(stats, 'lastPageNumber') + 1) * pageBytes + need <= mapBytes) return;
  let used = 0;
  for (const table of tables) used += pagesOf(table.getStats()) * pageBytes;
  if (used + need <= mapBytes) return;
  throw new EngineError(
    'E_STORE_IO',
    `${basename(path)} is full: ${used} bytes are used of at most ${mapBytes}; ` +
      'raise registrations.map_bytes, or remove registrations',
  );
}

/** Waits for a commit; rejects with EngineError E_STORE_IO that says why it failed. */
export async function committed<T>(path: string, commit: Promise<T>): Promise<T> {
  try {
    return await commit;
  } catch (error) {
    const cause = await commitCause(error);
    throw new EngineError('E_STORE_IO', `${basename(path)} could not be written: ${reasonOf(cause)}`, { cause });
  }
}

/** One number of LMDB's statistics; 0 where there is none of that name. */
export function figure(stats: object, name: string): number {
  const value: unknown = Reflect.get(stats, name);
  return typeof value === 'number' ? value : 0;
}

function pagesOf(stats: object): number {
  return figure(stats, 'treeBranchPageCount') + figure(stats, 'treeLeafPageCount') + figure(stats, 'overflowPages');
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** lmdb-js rejects with an error whose `commitError` is a promise that rejects with the reason, at once or never. */
async function commitCause(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error) || !(error.commitError instanceof Promise)) return error;
  const reason = error.commitError.catch((cause: unknown) => cause);
  return Promise.race([reason, Promise.resolve(error).then((late) => late)]);
}
