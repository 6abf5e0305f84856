// Thread: main
/**
 * Copies all registrations into another number of shards. The live folder is only read; the copy takes its place by
 * renaming when it is complete and on disk, and shard-folder.ts finishes an interruption between the two renames. What
 * was live stays beside it until the next resharding.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../core/errors.ts';
import { shardOf, slotOfNode } from '../registration/slots.ts';
import { finishSwap, folderNames, makeShards, openLmdbShards, renameFolder } from '../storage/shard-folder.ts';
import type { NodeId } from '../core/ids.ts';
import type { Registration } from '../core/registration.ts';
import type { LmdbStore } from '../storage/lmdb-store.ts';
import type { ShardStoresConfig } from '../storage/shard-folder.ts';

export interface Resharding {
  /** With the number of shards that is wanted. */
  readonly config: ShardStoresConfig;
  /** How many the live folder has. */
  readonly from: number;
  readonly progress: (done: number, total: number) => void;
}

// One transaction for each target shard: a fsync for some hundred rows costs less than it takes to read them.
const pageRows = 2_000;

/**
 * Resolves to the number of registrations, dead ones included.
 *
 * Throws EngineError: E_STORE_LOCKED while another process has the store open, E_STORE_IO when a row could not be
 * copied; the live folder is then as it was.
 */
export async function reshardStores({ config, from, progress }: Resharding): Promise<number> {
  const { dataDir } = config;
  const live = await openLmdbShards({ ...config, shards: from });
  const rows = await copyAndClose(live, config, progress);
  renameFolder(dataDir, folderNames.resharding, folderNames.resharded);
  rmSync(join(dataDir, folderNames.backup), { recursive: true, force: true });
  renameFolder(dataDir, folderNames.live, folderNames.backup);
  finishSwap(dataDir);
  return rows;
}

async function copyAndClose(
  live: readonly LmdbStore[],
  config: ShardStoresConfig,
  progress: Resharding['progress'],
): Promise<number> {
  const opened: LmdbStore[] = [...live];
  try {
    refuseCompany(live);
    const made = makeShards(config, folderNames.resharding);
    opened.push(...made);
    const total = await rowsIn(live);
    progress(0, total);
    let done = 0;
    for (const store of live) {
      for await (const page of pagesOf(store)) {
        await Promise.all(byShard(page, made.length).map(async (rows, shard) => made[shard]?.writeMany(rows)));
        done += page.length;
        progress(done, total);
      }
    }
    // An engine that was started meanwhile has perhaps written what was copied before.
    refuseCompany(live);
    const copied = await rowsIn(made);
    if (copied !== total) {
      throw new EngineError('E_STORE_IO', `${copied} of ${total} registrations were copied; nothing has been changed`);
    }
    return copied;
  } finally {
    await Promise.all(opened.map((store) => store.close()));
  }
}

function refuseCompany(stores: readonly LmdbStore[]): void {
  const others = new Set(stores.flatMap((store) => store.otherProcesses));
  if (others.size === 0) return;
  throw new EngineError('E_STORE_LOCKED', `process ${[...others].join(', ')} has the store open; stop it first`);
}

async function rowsIn(stores: readonly LmdbStore[]): Promise<number> {
  const counts = await Promise.all(stores.map((store) => store.count()));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function* pagesOf(store: LmdbStore): AsyncGenerator<readonly Registration[]> {
  let after: NodeId | undefined;
  for (;;) {
    const page = await store.scan(after, pageRows);
    if (page.length > 0) yield page;
    if (page.length < pageRows) return;
    after = page.at(-1)?.node;
  }
}

function byShard(rows: readonly Registration[], shards: number): readonly (readonly Registration[])[] {
  const divided: Registration[][] = Array.from({ length: shards }, () => []);
  for (const row of rows) divided[shardOf(slotOfNode(row.node), shards)]?.push(row);
  return divided;
}
