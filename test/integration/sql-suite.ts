/**
 * What both database engines must do: the stores' conformance, side by side with MongooseIM, migrations, and outages.
 */
import { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { enabledStoreConformance } from '../conformance/enabled-store.ts';
import { sqlWorld } from './sql-world.ts';
import { sqlEnabledStore } from '../../src/storage/sql/open-sql-stores.ts';
import { mongooseimSuite } from './sql-mongooseim-suite.ts';
import { outageSuite } from './sql-outage-suite.ts';
import { schemaSuite } from './sql-schema-suite.ts';
import type { SqlDatabase } from '../../src/storage/sql/database.ts';
import type { OpenedEnabledStore } from '../conformance/enabled-store.ts';
import type { SqlServer } from '../peers/sql-server.ts';
import type { SqlWorld } from './sql-world.ts';

export interface SqlSuiteOptions {
  readonly start: () => Promise<SqlServer>;
  /** Whether MongooseIM's table, as its script makes it, tells nodes apart byte by byte. */
  readonly lookAlikes: boolean;
}

export function sqlSuite({ start, lookAlikes }: SqlSuiteOptions): void {
  const world = sqlWorld(start);
  describe('a table of our making', () => {
    enabledConformance(world, () => world.open(), true);
  });
  describe("MongooseIM's own table", () => {
    enabledConformance(world, async () => (await world.openBesideMongooseIM()).database, lookAlikes);
  });
  describe('side by side with MongooseIM', () => mongooseimSuite(world));
  describe('schema', () => schemaSuite(world));
  describe('outages', () => outageSuite(world));
}

function enabledConformance(world: SqlWorld, open: () => Promise<SqlDatabase>, lookAlikes: boolean): void {
  let database: SqlDatabase | undefined;
  before(async () => {
    database = await open();
  });
  const openStore = async (): Promise<OpenedEnabledStore> => {
    assert.ok(database !== undefined);
    const store = await sqlEnabledStore(database);
    await world.sql(database, 'DELETE FROM event_pusher_push_subscription');
    await world.sql(database, 'DELETE FROM meerkat_push_extra');
    return { store, dispose: () => store.close() };
  };
  enabledStoreConformance('enabled', openStore, { longNames: false, lookAlikes });
}
