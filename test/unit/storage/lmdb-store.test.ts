import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { bare, node, row } from '../../registration-rows.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { hashForPeople } from '../../../src/core/redact.ts';
import { LmdbStore } from '../../../src/storage/lmdb-store.ts';
import type { TestContext } from 'node:test';
import type { LmdbStoreOptions } from '../../../src/storage/lmdb-store.ts';

interface World {
  readonly options: LmdbStoreOptions;
  openAgain(): LmdbStore;
  /** Puts bytes under the name of a node, past the store. */
  damage(name: string, bytes: Buffer): Promise<void>;
}

function setup(t: TestContext, mapBytes = 16 * 1024 * 1024): World {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-lmdb-'));
  const options = { path: join(folder, 'shard-00.mdb'), shard: 0, shards: 1, mapBytes, create: true };
  let store: LmdbStore | undefined;
  t.after(async () => {
    await store?.close();
    rmSync(folder, { recursive: true });
  });
  return {
    options,
    openAgain() {
      store = new LmdbStore({ ...options, create: false });
      return store;
    },
    async damage(name, bytes) {
      const environment = open({ path: options.path, noSubdir: true, maxDbs: 3, overlappingSync: false });
      await environment.openDB({ name: 'rows', encoding: 'binary' }).put(`n${name}`, bytes);
      await environment.close();
    },
  };
}

async function written(world: World, names: readonly string[]): Promise<void> {
  const store = new LmdbStore(world.options);
  await store.writeMany(names.map((name) => row(name)));
  await store.close();
}

test('a corrupt row is an error that names its hash, and the other rows are read', async (t) => {
  const world = setup(t);
  await written(world, ['good', 'bad']);
  await world.damage('bad', Buffer.from('not a record'));
  const store = world.openAgain();
  const isCorrupt = (error: unknown): boolean =>
    error instanceof Error &&
    'code' in error &&
    error.code === 'E_STORE_ROW_CORRUPT' &&
    error.message.includes(hashForPeople('bad')) &&
    !error.message.includes('node bad');
  assert.throws(() => store.readMany([node('good'), node('bad')]), isCorrupt);
  assert.equal(store.readMany([node('good')])[0]?.node, 'good');
  await assert.rejects(store.scan(undefined, 10), isCorrupt);
  await assert.rejects(store.readByOwner(bare('anna@example.com'), 10), isCorrupt);
});

test('a corrupt row can be removed, and written anew', async (t) => {
  const world = setup(t);
  await written(world, ['good', 'bad', 'worse']);
  await world.damage('bad', Buffer.alloc(40));
  await world.damage('worse', Buffer.alloc(200));
  const store = world.openAgain();
  await store.removeMany([node('bad')]);
  await store.writeMany([row('worse')]);
  const rows = await store.readByOwner(bare('anna@example.com'), 10);
  assert.deepEqual(rows.map((one) => one.node).toSorted(), ['good', 'worse']);
  assert.equal(await store.count(), 2);
});

test('the index of owners has one entry for each row, whatever rows go through', async (t) => {
  const world = setup(t);
  const store = new LmdbStore(world.options);
  for (let round = 0; round < 5; round++) {
    const over = { owner: bare(`owner${round}@example.com`), createdAtMs: epochMs(round) };
    await store.writeMany([row('one', over), row('two', { createdAtMs: epochMs(round) }), row('x'.repeat(1024), over)]);
  }
  await store.removeMany([node('two')]);
  await store.close();
  const environment = open({ path: world.options.path, noSubdir: true, maxDbs: 3, overlappingSync: false });
  t.after(() => environment.close());
  assert.equal(environment.openDB({ name: 'owners', encoding: 'binary' }).getKeysCount(), 2);
});

test('a full file refuses a write, keeps what it has, and takes rows again after removals', async (t) => {
  const world = setup(t, 2 * 1024 * 1024);
  const store = new LmdbStore(world.options);
  t.after(() => store.close());
  const batch = (lot: number): readonly ReturnType<typeof row>[] =>
    Array.from({ length: 100 }, (_, index) => row(`row ${lot}-${index}`));
  let lots = 0;
  await assert.rejects(async () => {
    for (; lots < 100; lots++) await store.writeMany(batch(lots));
  }, /E_STORE_IO|registrations\.map_bytes/);
  assert.ok(lots > 5 && lots < 50, `${lots} lots of 100 rows in 2 MiB`);
  assert.equal(await store.count(), lots * 100);
  for (let lot = 0; lot < lots - 2; lot++) await store.removeMany(batch(lot).map((one) => one.node));
  await store.writeMany(batch(1000));
  assert.equal(await store.count(), 300);
});

test('a file of another shard, or of another number of shards, is refused by name', async (t) => {
  const world = setup(t);
  await written(world, ['one']);
  const mismatch = { code: 'E_STORE_SHARDS_MISMATCH', message: /meerkat reshard/ };
  assert.throws(() => new LmdbStore({ ...world.options, create: false, shards: 4 }), mismatch);
  assert.throws(() => new LmdbStore({ ...world.options, create: false, shard: 1 }), mismatch);
});

test('a file without a meta record is refused', async (t) => {
  const world = setup(t);
  const environment = open({ path: world.options.path, noSubdir: true, maxDbs: 3 });
  await environment.openDB({ name: 'rows', encoding: 'binary' }).put('x', Buffer.of(1));
  await environment.close();
  assert.throws(() => world.openAgain(), { code: 'E_STORE_IO' });
});
