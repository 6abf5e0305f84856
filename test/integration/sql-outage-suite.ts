/** A database that is away, silent, or busy: every call ends soon, none with a wrong answer, and all works again. */
import { it } from 'node:test';
import assert from 'node:assert/strict';
import { enabledRow, put } from '../enabled-rows.ts';
import { until } from '../peers/deadline.ts';
import { bare } from '../registration-rows.ts';
import { systemClock } from '../../src/core/clock.ts';
import { EngineError } from '../../src/core/errors.ts';
import { limits } from '../../src/core/limits.ts';
import { openSqlDatabase, sqlEnabledStore } from '../../src/storage/sql/open-sql-stores.ts';
import type { SqlWorld } from './sql-world.ts';

const anna = bare('anna@example.com');
const queryMs = 400;
// A busy machine is late; what hangs is later than this.
const graceMs = 2_000;

export function outageSuite(world: SqlWorld): void {
  it('while the server is down calls are refused soon, and when it is back all is there', async () => {
    const database = await world.open({ queryMs });
    const store = await sqlEnabledStore(database);
    await store.writeMany(put(enabledRow('one')));
    const busy = Promise.allSettled(Array.from({ length: 8 }, () => store.readMany([anna])));
    await world.server.kill();
    for (const result of await busy) {
      if (result.status === 'fulfilled') assert.deepEqual(result.value, [[enabledRow('one')]]);
    }
    for (let call = 0; call < 20; call++) await refusedSoon(store.readMany([anna]));
    await refusedSoon(store.writeMany(put(enabledRow('two'))));
    await refusedSoon(store.scan(undefined, 1));
    assert.equal(database.figures.waiting, 0);
    await world.server.restart();
    const rows = await until('the store reads again', () => store.readMany([anna]));
    assert.deepEqual(rows, [[enabledRow('one')]]);
    await store.close();
  });

  it('a server that is silent costs each call its limit, and no more', async () => {
    const database = await world.open({ queryMs });
    const store = await sqlEnabledStore(database);
    await store.writeMany(put(enabledRow('one')));
    await world.server.freeze();
    try {
      await Promise.all(Array.from({ length: 12 }, () => refusedSoon(store.readMany([anna]))));
      await refusedSoon(store.writeMany(put(enabledRow('two'))));
    } finally {
      world.server.thaw();
    }
    const [rows] = await until('the store reads again', () => store.readMany([anna]));
    assert.ok(rows !== undefined && rows !== 'unreadable' && rows.length >= 1);
    await until('no more connections than allowed', () => (database.figures.open <= 4 ? true : undefined));
    await store.close();
  });

  it('connections that the server ends are replaced', async () => {
    const database = await world.open();
    const store = await sqlEnabledStore(database);
    const pause = database.dialect === 'postgres' ? 'SELECT pg_sleep(0.2)' : 'SELECT SLEEP(0.2)';
    await Promise.all(Array.from({ length: 8 }, () => world.sql(database, pause)));
    assert.ok(database.figures.open > 1, 'several connections are idle');
    const isPostgres = database.dialect === 'postgres';
    const others = await world.sql(
      database,
      isPostgres
        ? 'SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()'
        : 'SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()',
    );
    assert.ok(others.length > 0);
    for (const [id] of others) {
      const kill = isPostgres ? `SELECT pg_terminate_backend(${Number(id)})` : `KILL ${Number(id)}`;
      await world.sql(database, kill);
    }
    await until('those connections are gone', () => (database.figures.open === 1 ? true : undefined));
    assert.deepEqual(await store.readMany([anna]), [[]]);
    await store.close();
  });

  it('when too many calls wait for a connection, the next ones are refused at once', async () => {
    const database = await world.open({ connections: 1, queryMs: 10_000 });
    const sleep = database.dialect === 'postgres' ? 'SELECT pg_sleep(2)' : 'SELECT SLEEP(2)';
    const long = database.query(database.quick('sleep'), { text: sleep, values: [] });
    const one = { text: 'SELECT 1', values: [] };
    const waiting = Array.from({ length: limits.databaseWaitersMax }, () =>
      database.query(database.quick('wait'), one),
    );
    const started = performance.now();
    await assert.rejects(database.query(database.quick('count'), one), (error) => {
      assert.ok(error instanceof EngineError && error.code === 'E_STORE_IO');
      assert.match(error.message, /could not count: 512 calls wait for a connection already/);
      return true;
    });
    assert.ok(performance.now() - started < 1_000);
    await long;
    assert.equal((await Promise.all(waiting)).length, limits.databaseWaitersMax);
  });

  it('a call that is too slow ends at its limit, and its connection is not used again', async () => {
    const database = await world.open({ connections: 1, queryMs });
    const sleep = database.dialect === 'postgres' ? 'SELECT pg_sleep(30)' : 'SELECT SLEEP(30)';
    await refusedSoon(database.query(database.quick('sleep'), { text: sleep, values: [] }));
    const { rows } = await database.query(database.quick('count'), { text: 'SELECT 1', values: [] });
    assert.deepEqual(rows, [[1]]);
  });

  it('a transaction that fails leaves nothing, and its connection clean', async () => {
    const database = await world.open({ connections: 1 });
    const store = await sqlEnabledStore(database);
    const statement = 'INSERT INTO meerkat_migration VALUES (77, 0)';
    await assert.rejects(
      database.transaction(database.quick('fail'), async (connection) => {
        await connection.query({ text: statement, values: [] });
        await connection.query({ text: 'SELECT no_such_column', values: [] });
      }),
      (error) => error instanceof EngineError && /could not fail: (?:42703|ER_BAD_FIELD_ERROR)$/.test(error.message),
    );
    const found = await world.sql(database, 'SELECT version FROM meerkat_migration WHERE version = 77');
    assert.deepEqual(found, []);
    await store.close();
  });

  it("of two transactions that stand in each other's way one is begun again, and both are done", async () => {
    const database = await world.open();
    await world.sql(database, 'INSERT INTO meerkat_migration VALUES (51, 0), (52, 0)');
    const meet = new Barrier(2);
    const write = (first: number, second: number): Promise<void> =>
      database.transaction(database.quick('write'), async (connection) => {
        for (const version of [first, second]) {
          const text = `UPDATE meerkat_migration SET applied_at_ms = applied_at_ms + 1 WHERE version = ${version}`;
          await connection.query({ text, values: [] });
          await meet.arrive();
        }
      });
    await Promise.all([write(51, 52), write(52, 51)]);
    const rows = await world.sql(database, 'SELECT applied_at_ms FROM meerkat_migration WHERE version IN (51, 52)');
    assert.deepEqual(
      rows.map(([times]) => Number(times)),
      [2, 2],
    );
  });

  it('after close every call is refused', async () => {
    const database = await openSqlDatabase(world.config(await world.server.createDatabase()), systemClock);
    const running = database.query(database.quick('count'), { text: 'SELECT 1', values: [] });
    await database.close();
    assert.deepEqual((await running).rows, [[1]]);
    await assert.rejects(database.query(database.quick('count'), { text: 'SELECT 1', values: [] }), isStoreError);
    assert.deepEqual(database.figures, { open: 0, waiting: 0 });
  });

  it('errors say what is wrong, and neither address, user nor password', async () => {
    const url = new URL(await world.server.createDatabase());
    url.password = 'not-the-password';
    const messages = [await problem(world, url.href)];
    url.password = encodeURIComponent('p%ss/w@rd');
    url.pathname = '/no-such-database';
    messages.push(await problem(world, url.href));
    url.port = '1';
    messages.push(await problem(world, url.href));
    const [password = '', name = '', port = ''] = messages;
    assert.match(password, /user or password is refused/);
    assert.match(name, /there is no database of this name/);
    assert.match(port, /nobody listens there \(ECONNREFUSED\)/);
    for (const message of messages) assert.doesNotMatch(message, /127\.0\.0\.1|meerkat:|no-such|not-the|p%|w@rd/);
  });
}

/** Holds the first ones up until enough have come; those that come later pass. */
class Barrier {
  #missing: number;
  #open: (() => void)[] = [];

  constructor(count: number) {
    this.#missing = count;
  }

  async arrive(): Promise<void> {
    this.#missing--;
    if (this.#missing > 0) return new Promise((resolve) => this.#open.push(resolve));
    for (const open of this.#open.splice(0)) open();
  }
}

async function problem(world: SqlWorld, url: string): Promise<string> {
  try {
    await openSqlDatabase(world.config(url), systemClock);
  } catch (error) {
    assert.ok(isStoreError(error));
    assert.equal(error.cause, undefined);
    return error.message;
  }
  throw new Error('the database was opened');
}

function isStoreError(error: unknown): error is EngineError {
  return error instanceof EngineError && error.code === 'E_STORE_IO';
}

async function refusedSoon(call: Promise<unknown> | readonly unknown[]): Promise<void> {
  const started = performance.now();
  await assert.rejects(async () => await call, isStoreError);
  const tookMs = performance.now() - started;
  assert.ok(tookMs < queryMs + graceMs, `it took ${tookMs} ms`);
}
