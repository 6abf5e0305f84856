import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeConformance, variety } from './store.ts';
import { LmdbStore } from '../../src/storage/lmdb-store.ts';

function setup(): { readonly open: (create: boolean) => LmdbStore; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-store-'));
  const options = { path: join(folder, 'shard-00.mdb'), shard: 0, shards: 1, mapBytes: 64 * 1024 * 1024 };
  return {
    open: (create) => new LmdbStore({ ...options, create }),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

storeConformance('lmdb', async () => {
  const { open, remove } = setup();
  const store = open(true);
  return {
    store,
    async dispose() {
      await store.close();
      remove();
    },
  };
});

test('lmdb: what was written is there after a reopening', async (t) => {
  const { open, remove } = setup();
  t.after(remove);
  const rows = variety();
  const first = open(true);
  await first.writeMany(rows);
  await first.close();
  const again = open(false);
  t.after(() => again.close());
  assert.deepEqual(again.readMany(rows.map((one) => one.node)), rows);
  assert.equal(await again.count(), rows.length);
  const [plain] = rows;
  assert.ok(plain !== undefined);
  assert.equal((await again.readByOwner(plain.owner, 100)).length, rows.length);
});
