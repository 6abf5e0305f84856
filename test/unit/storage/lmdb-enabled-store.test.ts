import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { open } from 'lmdb';
import { enabledRow, keyOf, put, remove } from '../../enabled-rows.ts';
import { bare } from '../../registration-rows.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { hashForPeople } from '../../../src/core/redact.ts';
import { LmdbEnabledStore } from '../../../src/storage/lmdb-enabled-store.ts';
import { LmdbStore } from '../../../src/storage/lmdb-store.ts';
import type { TestContext } from 'node:test';

interface World {
  readonly path: string;
  open(mapBytes?: number): LmdbEnabledStore;
  /** Puts bytes under the key of an owner, past the store. */
  damage(owner: string, bytes: Buffer): Promise<void>;
}

const anna = bare('anna@example.com');
const boris = bare('boris@example.org');

function setup(t: TestContext): World {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-enabled-'));
  const path = join(folder, 'enabled.mdb');
  const stores: LmdbEnabledStore[] = [];
  t.after(async () => {
    await Promise.all(stores.map((store) => store.close()));
    rmSync(folder, { recursive: true });
  });
  return {
    path,
    open(mapBytes = 64 * 1024 * 1024) {
      const store = new LmdbEnabledStore({ path, mapBytes });
      stores.push(store);
      return store;
    },
    async damage(owner, bytes) {
      const environment = open({ path, noSubdir: true, maxDbs: 3, overlappingSync: false });
      await environment
        .openDB({ name: 'enabled', encoding: 'binary', keyEncoding: 'binary' })
        .put(Buffer.from(owner), bytes);
      await environment.close();
    },
  };
}

async function withDamage(t: TestContext): Promise<LmdbEnabledStore> {
  const world = setup(t);
  const first = world.open();
  await first.writeMany(put(enabledRow('one'), enabledRow('two'), enabledRow('one', { owner: boris })));
  await first.close();
  await world.damage(anna, Buffer.from([1, 0, 2, 0, 9, 9, 9]));
  return world.open();
}

test('a corrupt record costs its owner only', async (t) => {
  const store = await withDamage(t);
  assert.deepEqual(store.readMany([anna, boris]), ['unreadable', [enabledRow('one', { owner: boris })]]);
  await store.writeMany(remove(enabledRow('one'), enabledRow('one', { owner: boris })));
  assert.deepEqual(store.readMany([anna, boris]), ['unreadable', []]);
});

test('a scan names a corrupt record by hash, or passes over it and tells so', async (t) => {
  const store = await withDamage(t);
  const hash = hashForPeople(anna);
  await assert.rejects(
    store.scan(undefined, 10),
    (error: Error & { code?: string }) =>
      error.code === 'E_STORE_ROW_CORRUPT' && error.message.includes(hash) && !error.message.includes(anna),
  );
  const told: string[] = [];
  const rows = await store.scan(undefined, 10, (owner) => told.push(owner));
  assert.deepEqual(rows, [enabledRow('one', { owner: boris })]);
  assert.deepEqual(told, [hash]);
});

test('an owner whose record is corrupt begins anew with his next row, and the count follows', async (t) => {
  const store = await withDamage(t);
  await store.writeMany(put(enabledRow('new')));
  assert.deepEqual(store.readMany([anna]), [[enabledRow('new')]]);
  assert.equal(await store.count(), 2);
  assert.equal(await store.removeDomain('example.com'), 1);
  assert.equal(await store.count(), 1);
});

test('a corrupt record goes with the account', async (t) => {
  const store = await withDamage(t);
  assert.equal(await store.removeOwners([anna]), 2);
  assert.deepEqual(store.readMany([anna]), [[]]);
});

test('a record under the key of another owner is unreadable', async (t) => {
  const world = setup(t);
  const first = world.open();
  await first.writeMany(put(enabledRow('one')));
  await first.close();
  const environment = open({ path: world.path, noSubdir: true, maxDbs: 3, overlappingSync: false });
  const owners = environment.openDB({ name: 'enabled', encoding: 'binary', keyEncoding: 'binary' });
  const bytes = owners.getBinary(Buffer.from(anna));
  assert.ok(bytes !== undefined);
  await environment.close();
  await world.damage(boris, bytes);
  const store = world.open();
  assert.deepEqual(store.readMany([anna, boris]), [[enabledRow('one')], 'unreadable']);
  await assert.rejects(store.scan(undefined, 10), { code: 'E_STORE_ROW_CORRUPT' });
});

test('a full file refuses a write, keeps what it has, and takes rows again after removals', async (t) => {
  const store = setup(t).open(2 * 1024 * 1024);
  const lot = (number: number): readonly ReturnType<typeof enabledRow>[] =>
    Array.from({ length: 100 }, (_, index) => enabledRow('one', { owner: bare(`u${number}-${index}@example.com`) }));
  let lots = 0;
  await assert.rejects(
    async () => {
      for (; lots < 1000; lots++) await store.writeMany(put(...lot(lots)));
    },
    { code: 'E_STORE_IO', message: /registrations\.map_bytes/ },
  );
  assert.ok(lots > 20 && lots < 200, `${lots} lots of 100 rows in 2 MiB`);
  assert.equal(await store.count(), lots * 100);
  for (let number = 0; number < lots - 2; number++) await store.writeMany(remove(...lot(number)));
  await store.writeMany(put(...lot(1000)));
  assert.equal(await store.count(), 300);
});

test('a new file is for its owner alone, and can be opened twice', async (t) => {
  const world = setup(t);
  const store = world.open();
  assert.equal(statSync(world.path).mode & 0o777, 0o600);
  const other = world.open();
  await Promise.all([
    store.writeMany(put(enabledRow('one'))),
    other.writeMany(put(enabledRow('two', { enabledAtMs: epochMs(1_770_000_000_000) }))),
  ]);
  assert.equal(await other.count(), 2);
});

test('a file whose creation was cut short is begun again', async (t) => {
  const world = setup(t);
  await open({ path: world.path, noSubdir: true, maxDbs: 3 }).close();
  await world.open().writeMany(put(enabledRow('one')));
});

test('another file, and one of another format, are refused', async (t) => {
  const world = setup(t);
  const shard = new LmdbStore({ path: world.path, shard: 0, shards: 1, mapBytes: 1_048_576, create: true });
  await shard.close();
  assert.throws(() => world.open(), { code: 'E_STORE_IO', message: /is not a store of enabled registrations/ });
  const later = setup(t);
  await later.open().close();
  const environment = open({ path: later.path, noSubdir: true, maxDbs: 3, overlappingSync: false });
  await environment.openDB({ name: 'meta', encoding: 'json' }).put('meta', { kind: 'enabled', format: 99 });
  await environment.close();
  assert.throws(() => later.open(), { code: 'E_STORE_IO', message: /has format 99, this version reads 1/ });
  assert.throws(() => new LmdbEnabledStore({ path: '/nonexistent/enabled.mdb', mapBytes: 1_048_576 }), {
    code: 'E_STORE_IO',
  });
});

test('owners that agree in their first 1024 bytes are scanned in the order of their digests', async (t) => {
  const store = setup(t).open();
  const stem = `${'a'.repeat(1023)}@`;
  const long = Array.from({ length: 20 }, (_, index) => enabledRow('one', { owner: bare(`${stem}${index}.example`) }));
  const before = enabledRow('one', { owner: bare('a'.repeat(1023)) });
  const after = enabledRow('one', { owner: bare('b@example.com') });
  await store.writeMany(put(after, ...long, before));
  const seen: string[] = [];
  for (let key: ReturnType<typeof keyOf> | undefined; ;) {
    const [row] = await store.scan(key, 1);
    if (row === undefined) break;
    seen.push(row.owner);
    key = keyOf(row);
  }
  assert.deepEqual([seen.at(0), seen.at(-1)], [before.owner, after.owner]);
  assert.deepEqual(seen.slice(1, -1).toSorted(), long.map(({ owner }) => owner).toSorted());
});

test('rows at rest take no memory of the process', async (t) => {
  const store = setup(t).open();
  const fill = async (from: number, to: number): Promise<void> => {
    for (let at = from; at < to; at += 1000) {
      const rows = Array.from({ length: 1000 }, (_, index) =>
        enabledRow('one', { owner: bare(`u${at + index}@a.example`) }),
      );
      await store.writeMany(put(...rows));
    }
  };
  setFlagsFromString('--expose_gc');
  const collect: unknown = runInNewContext('gc');
  assert.ok(typeof collect === 'function');
  const used = (): number => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  await fill(0, 5000);
  const before = used();
  await fill(5000, 55_000);
  const each = (used() - before) / 50_000;
  assert.equal(await store.count(), 55_000);
  assert.ok(each < 8, `${each} bytes for each row`);
});
