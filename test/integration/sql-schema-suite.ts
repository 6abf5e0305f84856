/** Tables come into being once, whoever comes first, and those of others are left as they are. */
import { it } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mongooseimTable } from './sql-world.ts';
import { systemClock } from '../../src/core/clock.ts';
import { EngineError } from '../../src/core/errors.ts';
import { openSqlDatabase, sqlEnabledStore } from '../../src/storage/sql/open-sql-stores.ts';
import type { SqlWorld } from './sql-world.ts';
import type { SqlDatabase } from '../../src/storage/sql/database.ts';

const opener = new URL('./sql-opener.js', import.meta.url).pathname;

export function schemaSuite(world: SqlWorld): void {
  it('several processes that start at once make the tables once', async () => {
    const config = JSON.stringify(world.config(await world.server.createDatabase()));
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, [opener, config], { stdio: ['ignore', 'ignore', 'inherit'] }),
    );
    const codes = await Promise.all(children.map((child) => once(child, 'exit')));
    assert.deepEqual(codes, Array(4).fill([0, null]));
    const database = await openSqlDatabase(JSON.parse(config), systemClock);
    const versions = await world.sql(database, 'SELECT version FROM meerkat_migration');
    assert.deepEqual(versions, [[1]]);
    await database.close();
  });

  it('several engines of one process that start at once make the tables once', async () => {
    const config = world.config(await world.server.createDatabase(), { connections: 1 });
    const databases = await Promise.all(Array.from({ length: 8 }, () => openSqlDatabase(config, systemClock)));
    const stores = await Promise.all(databases.map((database) => sqlEnabledStore(database)));
    assert.deepEqual(await Promise.all(stores.map((store) => store.count())), Array(8).fill(0));
    await Promise.all([...stores, ...databases].map((opened) => opened.close()));
  });

  it('a value that is longer than its column is an error, and is not cut', async () => {
    const { database } = await world.openBesideMongooseIM();
    const values = ['a'.repeat(251), 'n', 's', '{}', 0];
    const insert = 'INSERT INTO event_pusher_push_subscription VALUES (?, ?, ?, ?, ?)';
    await assert.rejects(world.sql(database, insert, values), /a value is longer than its column/);
  });

  it('a second opening changes nothing, and a store finds its rows', async () => {
    const database = await world.open();
    const first = await sqlEnabledStore(database);
    assert.equal(await first.count(), 0);
    await first.close();
    const again = await sqlEnabledStore(database);
    assert.equal(await again.count(), 0);
    await again.close();
  });

  it('the tables of a newer version are refused', async () => {
    const config = world.config(await world.server.createDatabase());
    const first = await openSqlDatabase(config, systemClock);
    await world.sql(first, 'INSERT INTO meerkat_migration VALUES (99, 0)');
    await first.close();
    await assert.rejects(
      openSqlDatabase(config, systemClock),
      /the database is of version 99 and this program knows 1/,
    );
  });

  it("mongooseim 2.6: MongooseIM's table is used as it is", async () => {
    const { database, store } = await world.openBesideMongooseIM();
    const before = await columns(world, database);
    assert.deepEqual(
      before.map(([name]) => name),
      ['owner_jid', 'node', 'pubsub_jid', 'form', 'created_at'],
    );
    await store.close();
    await (await sqlEnabledStore(database)).close();
    assert.deepEqual(await columns(world, database), before);
  });

  it('mongooseim 2.6: the table of our making has the columns of MongooseIM', async () => {
    const { database } = await world.openBesideMongooseIM();
    const ours = await world.open();
    await (await sqlEnabledStore(ours)).close();
    assert.deepEqual(await columns(world, ours), await columns(world, database));
  });

  const wrong = [
    ['no column created_at', (sql: string) => sql.replace('created_at BIGINT NOT NULL,', ''), /created_at is missing/],
    [
      'no key',
      (sql: string) => sql.replace(/,\s*PRIMARY KEY\([^)]*\)/, ''),
      /primary key \(owner_jid, node, pubsub_jid\)/,
    ],
    [
      'a form of another type',
      (sql: string) => sql.replace('form JSON', 'form INTEGER'),
      /form is (?:integer|int), not/,
    ],
    [
      'a column more',
      (sql: string) => sql.replace('created_at', 'more INTEGER, created_at'),
      /it has 6 columns, not 5/,
    ],
    [
      'columns in another order',
      (sql: string) => sql.replace('node VARCHAR(250), pubsub_jid VARCHAR(250)', 'pubsub_jid VARCHAR(250), node TEXT'),
      /node is not the 2\. one/,
    ],
  ] as const;
  for (const [what, change, message] of wrong) {
    it(`mongooseim 2.6: a table with ${what} is refused, and left alone`, async () => {
      const database = await world.open();
      const text = mongooseimTable[database.dialect].replace('node VARCHAR(250),', 'node VARCHAR(250),');
      await world.sql(database, change(text).replace('node TEXT', 'node VARCHAR(200)'));
      const before = await columns(world, database);
      await assert.rejects(sqlEnabledStore(database), (error) => {
        assert.ok(error instanceof EngineError && error.code === 'E_STORE_IO');
        assert.match(error.message, message);
        return true;
      });
      assert.deepEqual(await columns(world, database), before);
    });
  }
}

async function columns(world: SqlWorld, database: SqlDatabase): Promise<readonly (readonly unknown[])[]> {
  const schema = database.dialect === 'postgres' ? 'current_schema()' : 'DATABASE()';
  return await world.sql(
    database,
    `SELECT column_name, data_type, character_maximum_length, is_nullable FROM information_schema.columns
      WHERE table_schema = ${schema} AND table_name = 'event_pusher_push_subscription' ORDER BY ordinal_position`,
  );
}
