/** One database server for a test file, with what its suites need: databases, stores on them, and plain SQL. */
import { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { systemClock } from '../../src/core/clock.ts';
import { openSqlDatabase, sqlEnabledStore } from '../../src/storage/sql/open-sql-stores.ts';
import type { DatabaseConfig } from '../../config/engine-config.ts';
import type { SqlDatabase } from '../../src/storage/sql/database.ts';
import type { SqlValue } from '../../src/storage/sql/sql-connection.ts';
import type { SqlEnabledStore } from '../../src/storage/sql/sql-enabled-store.ts';
import type { SqlServer } from '../peers/sql-server.ts';

export interface SqlWorld {
  readonly server: SqlServer;
  config(url: string, over?: Partial<DatabaseConfig>): DatabaseConfig;
  /** A database of its own with the tables of ours in it; closed after the tests. */
  open(over?: Partial<DatabaseConfig>): Promise<SqlDatabase>;
  /** The same, with MongooseIM's table as MongooseIM's script makes it, and a store on it. */
  openBesideMongooseIM(): Promise<{ readonly database: SqlDatabase; readonly store: SqlEnabledStore }>;
  /** Rows of a statement of the test's own; `?` stands for values, in either dialect. */
  sql(database: SqlDatabase, text: string, values?: readonly SqlValue[]): Promise<readonly (readonly unknown[])[]>;
}

/** As in MongooseIM's own scripts for the two databases (mongooseim 2.6). */
export const mongooseimTable = {
  postgres: `CREATE TABLE event_pusher_push_subscription (
    owner_jid VARCHAR(250), node VARCHAR(250), pubsub_jid VARCHAR(250), form JSON NOT NULL, created_at BIGINT NOT NULL,
    PRIMARY KEY(owner_jid, node, pubsub_jid))`,
  mysql: `CREATE TABLE event_pusher_push_subscription (
    owner_jid VARCHAR(250), node VARCHAR(250), pubsub_jid VARCHAR(250), form JSON NOT NULL, created_at BIGINT NOT NULL,
    PRIMARY KEY(owner_jid, node, pubsub_jid)) CHARACTER SET utf8mb4 ROW_FORMAT=DYNAMIC`,
} as const;

/** To be called inside `describe`. */
export function sqlWorld(start: () => Promise<SqlServer>): SqlWorld {
  let server: SqlServer | undefined;
  const databases: SqlDatabase[] = [];
  before(async () => {
    server = await start();
  });
  after(async () => {
    await Promise.all(databases.map((database) => database.close()));
    await server?.stop();
  });
  const running = (): SqlServer => {
    assert.ok(server !== undefined, 'the server is up');
    return server;
  };
  const config: SqlWorld['config'] = (url, over) => ({ url, caFile: '', connections: 4, queryMs: 3_000, ...over });
  const sql: SqlWorld['sql'] = async (database, text, values = []) => {
    let place = 0;
    const own = database.dialect === 'mysql' ? text : text.replaceAll('?', () => `$${++place}`);
    return (await database.query(database.slow('do what a test asks'), { text: own, values })).rows;
  };
  const open: SqlWorld['open'] = async (over) => {
    const database = await openSqlDatabase(config(await running().createDatabase(), over), systemClock);
    databases.push(database);
    return database;
  };
  return {
    get server() {
      return running();
    },
    config,
    sql,
    open,
    async openBesideMongooseIM() {
      const database = await open();
      await sql(database, mongooseimTable[database.dialect]);
      return { database, store: await sqlEnabledStore(database) };
    },
  };
}
