import { test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { node, row } from '../../registration-rows.ts';
import { folderNames, openShardStores, shardCount } from '../../../src/storage/shard-folder.ts';
import type { TestContext } from 'node:test';
import type { ShardStoresConfig } from '../../../src/storage/shard-folder.ts';

function setup(t: TestContext): ShardStoresConfig {
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-shards-'));
  t.after(() => rmSync(dataDir, { recursive: true }));
  return { store: 'lmdb', shards: 4, perOwnerMax: 10, mapBytes: 8 * 1024 * 1024, dataDir };
}

async function closeAll(stores: readonly { close(): Promise<void> }[]): Promise<void> {
  await Promise.all(stores.map((store) => store.close()));
}

test('the first opening makes all shards, the next one finds them', async (t) => {
  const config = setup(t);
  assert.equal(shardCount(config.dataDir), 0);
  const stores = await openShardStores(config);
  assert.equal(stores.length, 4);
  await stores[2]?.writeMany([row('one')]);
  await closeAll(stores);
  assert.equal(shardCount(config.dataDir), 4);
  const again = await openShardStores(config);
  const [found] = (await again[2]?.readMany([node('one')])) ?? [];
  assert.equal(found?.node, 'one');
  await closeAll(again);
});

test('another number of shards is refused, whichever is larger', async (t) => {
  const config = setup(t);
  await closeAll(await openShardStores(config));
  for (const shards of [2, 8]) {
    await assert.rejects(openShardStores({ ...config, shards }), {
      code: 'E_STORE_SHARDS_MISMATCH',
      message: /has 4 shards, configured are \d; set registrations.shards = 4, or run `meerkat reshard`/,
    });
  }
});

test('a shard file that is gone is not made anew in silence', async (t) => {
  const config = setup(t);
  await closeAll(await openShardStores(config));
  rmSync(join(config.dataDir, folderNames.live, 'shard-01.mdb'));
  await assert.rejects(openShardStores(config), { code: 'E_STORE_IO', message: /3 shard files/ });
});

test('two shards that changed places are refused', async (t) => {
  const config = setup(t);
  await closeAll(await openShardStores(config));
  const at = (name: string): string => join(config.dataDir, folderNames.live, name);
  renameSync(at('shard-00.mdb'), at('spare'));
  renameSync(at('shard-01.mdb'), at('shard-00.mdb'));
  renameSync(at('spare'), at('shard-01.mdb'));
  await assert.rejects(openShardStores(config), { code: 'E_STORE_SHARDS_MISMATCH' });
});

test('a creation that was cut short is begun again', async (t) => {
  const config = setup(t);
  await closeAll(await openShardStores(config));
  const inData = (name: string): string => join(config.dataDir, name);
  renameSync(inData(folderNames.live), inData(folderNames.making));
  rmSync(join(inData(folderNames.making), 'shard-03.mdb'));
  await closeAll(await openShardStores(config));
  assert.deepEqual(readdirSync(config.dataDir), [folderNames.live]);
});

test('a resharding that was interrupted between its renames is finished at the next opening', async (t) => {
  const config = setup(t);
  const stores = await openShardStores(config);
  await stores[0]?.writeMany([row('one')]);
  await closeAll(stores);
  const inData = (name: string): string => join(config.dataDir, name);
  renameSync(inData(folderNames.live), inData(folderNames.resharded));
  assert.equal(shardCount(config.dataDir), 4);
  const again = await openShardStores(config);
  assert.equal(await again[0]?.count(), 1);
  assert.equal(existsSync(inData(folderNames.resharded)), false);
  await closeAll(again);
});

test('the memory kind opens as many shards and makes no folder', async (t) => {
  const config = setup(t);
  const stores = await openShardStores({ ...config, store: 'memory', shards: 2, mapBytes: 1024 * 1024 });
  assert.equal(stores.length, 2);
  assert.deepEqual(readdirSync(config.dataDir), []);
  const rows = Array.from({ length: 1025 }, (_, index) => row(`row ${index}`));
  await assert.rejects(stores[0]?.writeMany(rows) ?? Promise.resolve(), { code: 'E_STORE_IO' });
  assert.equal(await stores[0]?.count(), 0);
});
