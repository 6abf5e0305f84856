import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bare, row } from '../../registration-rows.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { generateNode, shardOfNode } from '../../../src/registration/slots.ts';
import { reshard } from '../../../src/storage/reshard.ts';
import { folderNames, openShardStores, shardCount } from '../../../src/storage/shard-folder.ts';
import type { TestContext } from 'node:test';
import type { Registration } from '../../../src/core/registration.ts';
import type { ReshardOptions, ReshardProgress } from '../../../src/storage/reshard.ts';
import type { ShardStoresConfig } from '../../../src/storage/shard-folder.ts';

const mapBytes = 64 * 1024 * 1024;
const holder = new URL('./store-holder.js', import.meta.url).pathname;
const random = seededRandom(1);
// Names of ours, names of clients, dead ones: 3000 rows are several pages.
const rows: readonly Registration[] = Array.from({ length: 3_000 }, (_, index) =>
  row(index % 3 === 0 ? `phone ${index}` : generateNode(index % 256, random), {
    owner: bare(`user${index % 100}@example.com`),
    state: index % 7 === 0 ? 'dead' : 'live',
    createdAtMs: epochMs(index),
  }),
);

async function setup(t: TestContext, shards: number): Promise<ReshardOptions & { readonly config: ShardStoresConfig }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-reshard-'));
  t.after(() => rmSync(dataDir, { recursive: true }));
  const config: ShardStoresConfig = { store: 'lmdb', shards, perOwnerMax: 10, mapBytes, dataDir };
  const stores = await openShardStores(config);
  for (const [index, store] of stores.entries()) {
    await store.writeMany(rows.filter((one) => shardOfNode(one.node, shards) === index));
  }
  await closeAll(stores);
  return { dataDir, to: shards, mapBytes, shardOfNode, onProgress: () => undefined, config };
}

async function closeAll(stores: readonly { close(): Promise<void> }[]): Promise<void> {
  await Promise.all(stores.map((store) => store.close()));
}

/** Every row is there, in its shard, and found by its owner. */
async function assertComplete(config: ShardStoresConfig): Promise<void> {
  const stores = await openShardStores(config);
  let count = 0;
  for (const [index, store] of stores.entries()) {
    const own = rows.filter((one) => shardOfNode(one.node, config.shards) === index);
    assert.deepEqual(await store.readMany(own.map((one) => one.node)), own);
    count += await store.count();
  }
  assert.equal(count, rows.length);
  const owned = await Promise.all(stores.map((store) => store.readByOwner(bare('user7@example.com'), 1_000)));
  assert.equal(owned.flat().length, 30);
  await closeAll(stores);
}

for (const [from, to] of [
  [2, 8],
  [8, 2],
  [1, 4],
] as const) {
  test(`resharding from ${from} to ${to} moves every row to its new shard and keeps a backup`, async (t) => {
    const world = await setup(t, from);
    const steps: ReshardProgress[] = [];
    const done = await reshard({ ...world, from, to, onProgress: (progress) => steps.push(progress) });
    assert.deepEqual(done, { from, to, rows: 3_000, backup: join(world.dataDir, folderNames.backup) });
    await assertComplete({ ...world.config, shards: to });
    assert.deepEqual(readdirSync(world.dataDir).toSorted(), [folderNames.live, folderNames.backup]);
    assert.deepEqual(
      steps.map((progress) => progress.step),
      ['copying', 'copied', 'complete', 'swapping', 'done'],
    );
    assert.ok(steps.every((progress) => progress.rows === 3_000 && progress.rowsTotal === 3_000));
  });
}

test('resharding to the same number does nothing', async (t) => {
  const world = await setup(t, 2);
  assert.deepEqual(await reshard({ ...world, to: 2 }), { from: 2, to: 2, rows: 0, backup: '' });
  assert.deepEqual(readdirSync(world.dataDir), [folderNames.live]);
});

test('resharding again replaces the backup', async (t) => {
  const world = await setup(t, 2);
  await reshard({ ...world, to: 4 });
  await reshard({ ...world, to: 1 });
  await assertComplete({ ...world.config, shards: 1 });
  assert.deepEqual(readdirSync(world.dataDir).toSorted(), [folderNames.live, folderNames.backup]);
});

test('an empty data folder, or another number than expected, is refused', async (t) => {
  const world = await setup(t, 2);
  await assert.rejects(reshard({ ...world, from: 4, to: 8 }), { code: 'E_STORE_SHARDS_MISMATCH' });
  await assert.rejects(reshard({ ...world, dataDir: join(world.dataDir, 'none'), to: 8 }), { code: 'E_STORE_IO' });
});

test('killed at any step, nothing is lost: the store opens, and resharding again completes', async (t) => {
  const runner = new URL('./reshard-runner.js', import.meta.url).pathname;
  for (let killAt = 1; killAt <= 5; killAt++) {
    const world = await setup(t, 2);
    const run = (at: number): { readonly signal: string | null; readonly status: number | null } =>
      spawnSync(process.execPath, [runner, world.dataDir, '4', String(at)]);
    assert.equal(run(killAt).signal, 'SIGKILL', `killed at step ${killAt}`);
    const isSwapped = killAt >= 4;
    await assertComplete({ ...world.config, shards: isSwapped ? 4 : 2 });
    assert.equal(shardCount(world.dataDir), isSwapped ? 4 : 2);
    assert.equal(run(0).status, 0);
    await assertComplete({ ...world.config, shards: 4 });
  }
});

test('a store that another process has open is not resharded', async (t) => {
  const world = await setup(t, 2);
  const child = spawn(process.execPath, [holder, world.dataDir, '2'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  await assert.rejects(reshard({ ...world, to: 4 }), { code: 'E_STORE_LOCKED', message: new RegExp(`${child.pid}`) });
  assert.equal(shardCount(world.dataDir), 2);
  child.kill('SIGTERM');
  await exited;
  await reshard({ ...world, to: 4 });
  await assertComplete({ ...world.config, shards: 4 });
});

test('a process that opens the store while it is copied stops the swap, and the store stays as it was', async (t) => {
  const world = await setup(t, 2);
  let pid = 0;
  const onProgress = ({ step }: ReshardProgress): void => {
    if (step === 'complete') pid = openInAnotherProcess(world.dataDir);
  };
  await assert.rejects(reshard({ ...world, to: 4, onProgress }), { code: 'E_STORE_LOCKED' });
  process.kill(pid, 'SIGKILL');
  await assertComplete(world.config);
  await reshard({ ...world, to: 4 });
  await assertComplete({ ...world.config, shards: 4 });
});

/** Returns when it is open: progress is reported by a plain call, which cannot wait for an event. */
function openInAnotherProcess(dataDir: string): number {
  const script =
    'mkfifo "$1/said" && { "$2" "$3" "$1" 2 >"$1/said" & } && read -r line <"$1/said" && rm "$1/said" && echo $!';
  const args = ['-c', script, 'sh', dataDir, process.execPath, holder];
  const { stdout } = spawnSync('sh', args, { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' });
  return Number(stdout);
}
