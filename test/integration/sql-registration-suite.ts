/** Registrations of push nodes in a database: several shards on one table, and rows that somebody has changed. */
import { before, it } from 'node:test';
import assert from 'node:assert/strict';
import { bare, node, row } from '../registration-rows.ts';
import { EngineError } from '../../src/core/errors.ts';
import { hashForPeople } from '../../src/core/redact.ts';
import { seededRandom } from '../../src/core/random.ts';
import { generateNode, shardOfNode, slotOfNode } from '../../src/registration/slots.ts';
import { sqlShardStores } from '../../src/storage/sql/open-sql-stores.ts';
import type { SqlWorld } from './sql-world.ts';
import type { NodeId } from '../../src/core/ids.ts';
import type { SqlDatabase } from '../../src/storage/sql/database.ts';
import type { RegistrationStore } from '../../src/storage/registration-store.ts';

export function registrationSuite(world: SqlWorld): void {
  let database: SqlDatabase;
  before(async () => {
    database = await world.open();
  });
  const setup = async (shards: number): Promise<readonly RegistrationStore[]> => {
    await world.sql(database, 'DELETE FROM meerkat_registration');
    return sqlShardStores(database, { shards, slotOfNode });
  };

  it('each shard lists and counts its own rows, and another number of shards needs no resharding', async () => {
    const random = seededRandom(7);
    const names = Array.from({ length: 200 }, (_, index) =>
      index % 2 === 0 ? node(`chosen ${index}`) : generateNode(index, random),
    );
    const stores = await setup(4);
    for (const name of names) await stores[shardOfNode(name, 4)]?.writeMany([row(name)]);
    await checkShards(stores, names);
    await checkShards(sqlShardStores(database, { shards: 16, slotOfNode }), names);
    await checkShards(sqlShardStores(database, { shards: 1, slotOfNode }), names);
  });

  it('rows of an owner are those of the shard that is asked', async () => {
    const stores = await setup(2);
    const names = Array.from({ length: 20 }, (_, index) => node(`n${index}`));
    for (const name of names) await stores[shardOfNode(name, 2)]?.writeMany([row(name)]);
    const found = await Promise.all(stores.map((store) => store.readByOwner(bare('anna@example.com'), 100)));
    for (const [shard, rows] of found.entries()) {
      assert.ok(rows.length > 0);
      assert.ok(rows.every((one) => shardOfNode(one.node, 2) === shard));
    }
    assert.equal(found.flat().length, names.length);
  });

  it('what people read in the table is what is meant', async () => {
    const [store] = await setup(1);
    await store?.writeMany([row('one', { deviceName: 'Annas Telefon' })]);
    const isPostgres = database.dialect === 'postgres';
    const name = isPostgres ? "record->>'deviceName'" : "JSON_UNQUOTE(JSON_EXTRACT(record, '$.deviceName'))";
    const [found] = await world.sql(database, `SELECT state, ${name} FROM meerkat_registration`);
    assert.deepEqual(found, ['live', 'Annas Telefon']);
  });

  it('a row that cannot be read is named by its hash, and the others are read', async () => {
    const broken: readonly (readonly [string, string])[] = [
      ['record', '[]'],
      ['record', '{}'],
      ['record', '{"target":{"service":"other"}}'],
      ['state', 'gone'],
      ['owner', ''],
    ];
    for (const [column, value] of broken) {
      const [store] = await setup(1);
      assert.ok(store !== undefined);
      await store.writeMany([row('secret name'), row('fine')]);
      await world.sql(database, `UPDATE meerkat_registration SET ${column} = ? WHERE state = 'live' AND slot = ?`, [
        value,
        slotOfNode(node('secret name')),
      ]);
      await assert.rejects(
        async () => await store.readMany([node('fine'), node('secret name')]),
        (error) => {
          assert.ok(error instanceof EngineError && error.code === 'E_STORE_ROW_CORRUPT');
          assert.ok(error.message.includes(hashForPeople('secret name')) && !error.message.includes('secret name'));
          return true;
        },
      );
      assert.deepEqual(await store.readMany([node('fine')]), [row('fine')]);
    }
  });

  it('after close everything fails with E_STORE_IO, and the database goes on', async () => {
    const [store, other] = await setup(2);
    assert.ok(store !== undefined && other !== undefined);
    await store.close();
    const calls = [
      async () => await store.readMany([node('one')]),
      async () => await store.writeMany([row('one')]),
      async () => await store.removeMany([node('one')]),
      async () => await store.scan(undefined, 1),
      async () => await store.readByOwner(bare('anna@example.com'), 1),
      async () => await store.count(),
    ];
    for (const call of calls) {
      await assert.rejects(call, (error) => error instanceof EngineError && error.code === 'E_STORE_IO');
    }
    assert.equal(await other.count(), 0);
  });
}

async function checkShards(stores: readonly RegistrationStore[], names: readonly NodeId[]): Promise<void> {
  const seen: NodeId[] = [];
  for (const [shard, store] of stores.entries()) {
    const mine = names.filter((name) => shardOfNode(name, stores.length) === shard).toSorted();
    assert.equal(await store.count(), mine.length);
    const listed: NodeId[] = [];
    for (;;) {
      const page = await store.scan(listed.at(-1), 7);
      listed.push(...page.map((one) => one.node));
      if (page.length < 7) break;
    }
    assert.deepEqual(listed, mine);
    seen.push(...listed);
  }
  assert.deepEqual(seen.toSorted(), names.toSorted());
}
