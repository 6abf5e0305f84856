import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enabledStoreConformance, enabledVariety } from './enabled-store.ts';
import { put } from '../enabled-rows.ts';
import { bare } from '../registration-rows.ts';
import { LmdbEnabledStore } from '../../src/storage/lmdb-enabled-store.ts';

function setup(): { readonly open: () => LmdbEnabledStore; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-enabled-'));
  return {
    open: () => new LmdbEnabledStore({ path: join(folder, 'enabled.mdb'), mapBytes: 64 * 1024 * 1024 }),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

enabledStoreConformance('lmdb', async () => {
  const { open, remove } = setup();
  const store = open();
  return {
    store,
    async dispose() {
      await store.close();
      remove();
    },
  };
});

test('lmdb: what was enabled is there after a reopening, and counted', async (t) => {
  const { open, remove } = setup();
  t.after(remove);
  const rows = enabledVariety();
  const first = open();
  await first.writeMany(put(...rows));
  await first.close();
  const again = open();
  t.after(() => again.close());
  assert.deepEqual(again.readMany([bare('anna@example.com')]), [rows]);
  assert.equal(await again.count(), rows.length);
});
