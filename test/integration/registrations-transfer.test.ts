/** Enabled registrations on their way between MongooseIM's table in real databases, LMDB, and files. */
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { postgresAbsent, startPostgres } from '../peers/postgres.ts';
import { mariadbAbsent, startMariadb } from '../peers/mariadb.ts';
import { commandLine } from '../unit/cli/command-line.ts';
import { mongooseimTable, sqlWorld } from './sql-world.ts';
import { systemClock } from '../../src/core/clock.ts';
import { openSqlDatabase } from '../../src/storage/sql/open-sql-stores.ts';
import type { SqlServer } from '../peers/sql-server.ts';

const insert = 'INSERT INTO event_pusher_push_subscription VALUES (?, ?, ?, ?, ?)';
const select = 'SELECT owner_jid, node, pubsub_jid, created_at FROM event_pusher_push_subscription ORDER BY owner_jid';
const rows = [
  [
    'anna@example.com',
    'a, "b"',
    'push.example.com',
    '{"service":"fcm","device_id":"t,\\"1\\""}',
    1_700_000_000_123_000,
  ],
  ['bert@example.com', 'n', 'pubsub.example.com', '{}', 1_700_000_000_000_000],
] as const;
const columns = rows.map(([owner, name, service, , createdAt]) => [owner, name, service, createdAt]);

function transferSuite(name: string, absent: false | string, start: () => Promise<SqlServer>): void {
  describe(name, { skip: absent }, () => {
    const world = sqlWorld(start);

    it("mongooseim 2.6: rows go from MongooseIM's table to LMDB, to CSV, and back into an empty table", async (t) => {
      const cli = commandLine(t);
      const url = await world.server.createDatabase();
      const database = await openSqlDatabase(world.config(url), systemClock);
      t.after(() => database.close());
      await world.sql(database, mongooseimTable[database.dialect]);
      for (const row of rows) await world.sql(database, insert, row);
      const store = database.dialect;
      cli.write('m.toml', `[push]\nstore = "${store}"\n[database]\nurl = ${JSON.stringify(url)}\n${trial}`);
      const moved = await cli.run(['registrations', 'export', '--from', 'database', '--to', 'lmdb', '-c', 'm.toml']);
      assert.match(moved.stdout, /2 registrations are in lmdb/, moved.stderr);
      await world.sql(database, 'DELETE FROM event_pusher_push_subscription');
      const args = ['registrations', 'export', '--from', 'lmdb', '--to', 'rows.csv', '-c', 'm.toml'];
      assert.equal((await cli.run(args)).exitCode, 0);
      const tooLong = `anna@example.com,${'n'.repeat(251)},push.example.com,{},1`;
      const file = cli.write('more.csv', `${tooLong}\n`);
      const back = await cli.run(['registrations', 'import', 'rows.csv', '-c', 'm.toml', '--json']);
      assert.deepEqual(JSON.parse(back.stdout), { ok: true, read: 2, written: 2, unchanged: 0, older: 0, rejected: 0 });
      const long = await cli.run(['registrations', 'import', file, '-c', 'm.toml']);
      assert.equal(long.exitCode, 1);
      assert.match(long.stderr, /more\.csv:1: node is longer than 250 characters/);
      const found = await world.sql(database, select);
      assert.deepEqual(
        found.map(([owner, node, service, createdAt]) => [owner, node, service, Number(createdAt)]),
        columns,
      );
      const shown = await cli.run(['registrations', 'list', '--enabled', '-c', 'm.toml']);
      assert.equal(shown.stdout.trim().split('\n').length, 2, shown.stderr);
      assert.doesNotMatch(moved.stderr + back.stderr + long.stderr, new RegExp(new URL(url).password));
    });
  });
}

const trial = '[[providers]]\nname = "t"\nkind = "blackhole"\n';

transferSuite('PostgreSQL', postgresAbsent, startPostgres);
transferSuite('MariaDB', mariadbAbsent, startMariadb);
