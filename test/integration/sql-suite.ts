/**
 * What both database engines must do: the stores' conformance, side by side with MongooseIM, migrations, and outages.
 */
import { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { storeConformance } from '../conformance/store.ts';
import { enabledStoreConformance } from '../conformance/enabled-store.ts';
import { sqlWorld } from './sql-world.ts';
import { registrationSuite } from './sql-registration-suite.ts';
import { slotOfNode } from '../../src/registration/slots.ts';
import { sqlEnabledStore, sqlShardStores } from '../../src/storage/sql/open-sql-stores.ts';
import { mongooseimSuite } from './sql-mongooseim-suite.ts';
import { engineSuite } from './sql-engine-suite.ts';
import { outageSuite } from './sql-outage-suite.ts';
import { tlsSuite } from './sql-tls-suite.ts';
import { speedSuite } from './sql-speed-suite.ts';
import { schemaSuite } from './sql-schema-suite.ts';
import type { SqlDatabase } from '../../src/storage/sql/database.ts';
import type { EnabledStoreParts, OpenedEnabledStore } from '../conformance/enabled-store.ts';
import type { SqlServer, SqlServerOptions } from '../peers/sql-server.ts';
import type { SqlWorld } from './sql-world.ts';

export interface SqlSuiteOptions {
  readonly start: (options?: SqlServerOptions) => Promise<SqlServer>;
  /** Whether MongooseIM's table, as its script makes it, tells nodes apart byte by byte. */
  readonly lookAlikes: boolean;
}

export function sqlSuite({ start, lookAlikes }: SqlSuiteOptions): void {
  const world = sqlWorld(start);
  describe('a table of our making', () => {
    enabledConformance(world, () => world.open(), { lookAlikes: true, byteOrder: true });
  });
  describe("MongooseIM's own table", () => {
    enabledConformance(world, async () => (await world.openBesideMongooseIM()).database, {
      lookAlikes,
      byteOrder: false,
    });
  });
  describe('registrations of push nodes', () => {
    registrationConformance(world);
    registrationSuite(world);
  });
  describe('side by side with MongooseIM', () => mongooseimSuite(world));
  describe('the whole engine', () => engineSuite(world));
  describe('schema', () => schemaSuite(world));
  describe('outages', () => outageSuite(world));
  describe('TLS', () => tlsSuite(start));
  describe('speed', () => speedSuite(world));
}

function registrationConformance(world: SqlWorld): void {
  let database: SqlDatabase | undefined;
  before(async () => {
    database = await world.open();
  });
  storeConformance('registrations', async () => {
    assert.ok(database !== undefined);
    await world.sql(database, 'DELETE FROM meerkat_registration');
    const [store] = sqlShardStores(database, { shards: 1, slotOfNode });
    assert.ok(store !== undefined);
    return { store, dispose: () => store.close() };
  });
}

function enabledConformance(
  world: SqlWorld,
  open: () => Promise<SqlDatabase>,
  parts: Pick<EnabledStoreParts, 'lookAlikes' | 'byteOrder'>,
): void {
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
  enabledStoreConformance('enabled', openStore, { longNames: false, ...parts });
}
