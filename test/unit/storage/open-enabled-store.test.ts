import { test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enabledRow, put } from '../../enabled-rows.ts';
import { enabledFile, openEnabledStore } from '../../../src/storage/open-enabled-store.ts';

test('the store of a configuration keeps its rows in one file of the data folder, which is made', async (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'meerkat-enabled-'));
  t.after(() => rmSync(parent, { recursive: true }));
  const config = { store: 'lmdb', dataDir: join(parent, 'data'), mapBytes: 16_777_216 } as const;
  const store = await openEnabledStore(config);
  await store.writeMany(put(enabledRow('one')));
  await store.close();
  assert.ok(existsSync(join(config.dataDir, enabledFile)));
  const again = await openEnabledStore(config);
  t.after(() => again.close());
  assert.equal(await again.count(), 1);
});

test('the memory store is bounded by the same key: 1 KiB for each row', async () => {
  const store = await openEnabledStore({ store: 'memory', dataDir: '/nonexistent', mapBytes: 2048 });
  await store.writeMany(put(enabledRow('one'), enabledRow('two')));
  await assert.rejects(store.writeMany(put(enabledRow('three'))), { code: 'E_STORE_IO' });
  await store.writeMany(put(enabledRow('two', { session: 'again' })));
  assert.equal(await store.count(), 2);
});
