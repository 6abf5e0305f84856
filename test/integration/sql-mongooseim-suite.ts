/** Rows as MongooseIM writes and reads them, while both work on one table. */
import { before, it } from 'node:test';
import assert from 'node:assert/strict';
import { enabledRow, keyOf, put, remove } from '../enabled-rows.ts';
import { bare, node } from '../registration-rows.ts';
import { noPreferences } from '../../src/core/enabled.ts';
import { EngineError } from '../../src/core/errors.ts';
import { epochMs } from '../../src/core/ids.ts';
import { limits } from '../../src/core/limits.ts';
import { hashForPeople } from '../../src/core/redact.ts';
import type { SqlWorld } from './sql-world.ts';
import type { SqlDatabase } from '../../src/storage/sql/database.ts';
import type { SqlEnabledStore } from '../../src/storage/sql/sql-enabled-store.ts';

const anna = bare('anna@example.com');
const boris = bare('boris@example.com');
const insert = 'INSERT INTO event_pusher_push_subscription VALUES (?, ?, ?, ?, ?)';
const table = 'event_pusher_push_subscription';

export function mongooseimSuite(world: SqlWorld): void {
  let database: SqlDatabase;
  let store: SqlEnabledStore;
  before(async () => {
    ({ database, store } = await world.openBesideMongooseIM());
  });
  const setup = async (): Promise<void> => {
    await world.sql(database, `DELETE FROM ${table}`);
    await world.sql(database, 'DELETE FROM meerkat_push_extra');
  };
  /** As MongooseIM does it: by position, without a transaction. */
  const enableThere = async (owner: string, name: string, form: string, createdAt = 5_000_001): Promise<void> => {
    await world.sql(database, insert, [owner, name, 'push.example.net', form, createdAt]);
  };

  it('mongooseim 2.6: rows of MongooseIM are read, whatever the order of their keys', async () => {
    await setup();
    await enableThere(anna, 'one', '{"service":"fcm","device_id":"token"}');
    await enableThere(boris, 'two', '{"device_id" : "t\\u00fc\\"\\\\",\n "2":"b","silent":"","1":"a"}', 7_000_999);
    await enableThere('empty@example.com', 'three', '{}', 0);
    const [ofAnna, ofBoris, ofEmpty] = await store.readMany([anna, boris, bare('empty@example.com')]);
    assert.deepEqual(ofAnna, [
      {
        ...enabledRow('one'),
        enabledAtMs: 5_000,
        options: [
          ['service', 'fcm'],
          ['device_id', 'token'],
        ],
      },
    ]);
    assert.ok(ofBoris !== undefined && ofBoris !== 'unreadable');
    assert.deepEqual(
      ofBoris[0]?.options.toSorted(([one], [other]) => (one < other ? -1 : 1)),
      [
        ['1', 'a'],
        ['2', 'b'],
        ['device_id', 't\u00fc"\\'],
        ['silent', ''],
      ],
    );
    assert.equal(ofBoris[0]?.enabledAtMs, 7_000);
    assert.ok(ofEmpty !== undefined && ofEmpty !== 'unreadable');
    assert.deepEqual(ofEmpty[0]?.options, []);
    assert.equal(await store.count(), 3);
  });

  it('mongooseim 2.6: a form that still has its FORM_TYPE is read without', async () => {
    await setup();
    await enableThere(anna, 'one', '{"FORM_TYPE":"http://jabber.org/protocol/pubsub#publish-options","a":"b"}');
    const [rows] = await store.readMany([anna]);
    assert.ok(rows !== undefined && rows !== 'unreadable');
    assert.deepEqual(rows[0]?.options, [['a', 'b']]);
  });

  it('mongooseim 2.6: rows of ours have the columns and values that MongooseIM writes', async () => {
    await setup();
    await store.writeMany(
      put(
        enabledRow('phone-17', { owner: anna, service: bare('pub-sub@push.example.net'), session: 'phone' }),
        enabledRow('no form', { owner: anna, options: [], enabledAtMs: epochMs(1) }),
      ),
    );
    const columns = 'owner_jid, node, pubsub_jid, form, created_at';
    const rows = await world.sql(database, `SELECT ${columns} FROM ${table} ORDER BY created_at DESC`);
    assert.equal(rows.length, 2);
    const [[owner, name, service, form, createdAt] = [], second = []] = rows;
    assert.deepEqual([owner, name, service], ['anna@example.com', 'phone-17', 'pub-sub@push.example.net']);
    assert.deepEqual(objectOf(form), { service: 'fcm', device_id: 'token of phone-17' });
    assert.equal(Number(createdAt), 1_760_000_000_000_000);
    assert.deepEqual([second[1], objectOf(second[3]), Number(second[4])], ['no form', {}, 1_000]);
  });

  it('mongooseim 2.3: a row that MongooseIM replaces loses what we knew of its session and wishes', async () => {
    await setup();
    const wishes = { ...noPreferences, away: true };
    await store.writeMany(put(enabledRow('one', { session: 'phone', preferences: wishes })));
    const [before_] = await store.readMany([anna]);
    assert.deepEqual(before_, [enabledRow('one', { session: 'phone', preferences: wishes })]);
    await world.sql(database, `DELETE FROM ${table} WHERE owner_jid = ? AND node = ?`, [anna, 'one']);
    assert.deepEqual(await store.readMany([anna]), [[]]);
    await enableThere(anna, 'one', '{"service":"apns"}');
    const [rows] = await store.readMany([anna]);
    assert.ok(rows !== undefined && rows !== 'unreadable');
    assert.deepEqual([rows[0]?.session, rows[0]?.preferences], ['', noPreferences]);
  });

  it('what is kept beside rows that MongooseIM has removed goes in time, and nothing else', async () => {
    await setup();
    const kept = enabledRow('kept', { session: 'phone', enabledAtMs: epochMs(1) });
    const gone = enabledRow('gone', { session: 'phone', enabledAtMs: epochMs(1) });
    const fresh = enabledRow('fresh', { session: 'phone', enabledAtMs: epochMs(Date.now()) });
    await store.writeMany(put(kept, gone, fresh));
    await world.sql(database, `DELETE FROM ${table} WHERE node IN ('gone', 'fresh')`);
    assert.equal(await store.removeOrphans(), 1);
    assert.deepEqual(await store.readMany([anna]), [[kept]]);
    await world.sql(database, insert, [anna, 'fresh', fresh.service, '{}', fresh.enabledAtMs * 1000]);
    const [rows] = await store.readMany([anna]);
    assert.ok(rows !== undefined && rows !== 'unreadable');
    assert.deepEqual(
      rows.map((row) => row.session),
      ['phone', 'phone'],
    );
  });

  it('a row that cannot be read costs its owner only, and ends when he enables again', async () => {
    await setup();
    const bad = ['[]', '"text"', '{"a":1}', '{"a":{"b":"c"}}', '{"a":["b"]}', '{"a":null}', 'null', '7'];
    for (const [index, form] of bad.entries()) await enableThere(`bad${index}@example.com`, 'one', form);
    await enableThere('bad0@example.com', 'fine', '{"a":"b"}');
    await enableThere(anna, '', '{}');
    await enableThere(boris, 'one', '{"a":"b"}');
    const owners = [...bad.map((_, index) => bare(`bad${index}@example.com`)), anna, boris];
    const found = await store.readMany(owners);
    assert.deepEqual(found.slice(0, -1), Array(bad.length + 1).fill('unreadable'));
    assert.ok(found.at(-1) !== 'unreadable' && found.at(-1)?.length === 1);

    const passed: string[] = [];
    const rows = await store.scan(undefined, 1, (owner) => passed.push(owner));
    assert.deepEqual(
      rows.map((row) => row.node),
      ['fine'],
    );
    assert.deepEqual(passed, [anna, 'bad0@example.com'].map(hashForPeople).slice(0, passed.length));
    await assert.rejects(store.scan(undefined, 5), isError('E_STORE_ROW_CORRUPT'));

    await store.writeMany(put(enabledRow('new', { owner: bare('bad0@example.com') })));
    const [healed] = await store.readMany([bare('bad0@example.com')]);
    assert.ok(healed !== undefined && healed !== 'unreadable');
    assert.deepEqual(
      healed.map((row) => row.node),
      ['fine', 'new'],
    );
  });

  it('an owner whose wishes cannot be read is unreadable: silence may be one of them', async () => {
    await setup();
    for (const extra of [
      '[]',
      '{}',
      '{"session":"a","preferences":{"muted":[1]}}',
      '{"session":"a","preferences":7}',
    ]) {
      await store.writeMany(put(enabledRow('one', { session: 'phone' })));
      await world.sql(database, 'UPDATE meerkat_push_extra SET extra = ?', [extra]);
      assert.deepEqual(await store.readMany([anna]), ['unreadable'], extra);
    }
  });

  it('mongooseim 2.6: names of 250 characters fit, longer ones are refused and nothing is written', async () => {
    await setup();
    const widest = enabledRow('\u{1f4f1}'.repeat(250));
    assert.equal(store.rowProblem(keyOf(widest)), '');
    await store.writeMany(put(widest));
    assert.deepEqual(await store.readMany([anna]), [[widest]]);
    const tooLong = { owner: bare(`${'a'.repeat(240)}@example.com`), service: bare(`${'s'.repeat(247)}.net`) };
    for (const [name, row] of [
      ['owner', enabledRow('one', { owner: tooLong.owner })],
      ['service', enabledRow('one', { service: tooLong.service })],
      ['node', enabledRow('n'.repeat(251))],
    ] as const) {
      assert.equal(store.rowProblem(keyOf(row)), `${name} is longer than 250 characters`);
      await assert.rejects(store.writeMany(put(enabledRow('other'), row)), (error) => {
        assert.ok(error instanceof EngineError && error.code === 'E_STORE_IO');
        assert.match(error.message, new RegExp(`${name} is longer`));
        return true;
      });
    }
    assert.equal(await store.count(), 1);
  });

  it('of an owner with more rows than are read, the newest are, and memory stays bounded', async () => {
    await setup();
    const many = Array.from({ length: limits.enabledPerOwnerMax * 3 }, (_, index) => index);
    for (const index of many) await enableThere(anna, `row ${index}`, '{}', 1_000_000 + index * 1_000);
    await enableThere(boris, 'one', '{}');
    const [ofAnna, ofBoris] = await store.readMany([anna, boris]);
    assert.ok(ofAnna !== undefined && ofAnna !== 'unreadable' && ofBoris !== undefined);
    assert.equal(ofAnna.length, limits.enabledPerOwnerMax);
    assert.equal(ofAnna.at(-1)?.node, `row ${many.length - 1}`);
    assert.equal(ofBoris.length, 1);
    assert.equal(await store.removeOwners([anna]), many.length);
  });

  it('times that nobody should have written are read as the beginning of time', async () => {
    await setup();
    await enableThere(anna, 'one', '{}', -5);
    await world.sql(database, `UPDATE ${table} SET created_at = 9223372036854775807 WHERE node = 'one'`);
    const [huge] = await store.readMany([anna]);
    assert.ok(huge !== undefined && huge !== 'unreadable');
    assert.equal(huge[0]?.enabledAtMs, 0);
    await world.sql(database, `UPDATE ${table} SET created_at = -5`);
    const [negative] = await store.readMany([anna]);
    assert.ok(negative !== undefined && negative !== 'unreadable');
    assert.equal(negative[0]?.enabledAtMs, 0);
  });

  it('an owner who looks alike to the table is another owner', async () => {
    await setup();
    await enableThere('ANNA@example.com', 'one', '{"a":"b"}');
    assert.deepEqual(await store.readMany([anna]), [[]]);
    assert.equal(await store.removeOwners([anna]), 0);
    assert.equal(await store.removeDomain('EXAMPLE.com'), 0);
    await store.writeMany(remove(enabledRow('one')));
    assert.equal(await store.count(), 1);
    await store.writeMany(put(enabledRow('ONE')));
    const [rows] = await store.readMany([anna]);
    assert.deepEqual(rows, [enabledRow('ONE')]);
  });

  it('writes of both meet without losing one', async () => {
    await setup();
    const names = Array.from({ length: 50 }, (_, index) => node(`node ${index}`));
    await Promise.all([
      ...names.map((name) => enableThere(boris, name, '{}')),
      ...names.map((name) => store.writeMany(put(enabledRow(name, { session: 's' })))),
      ...names.map((name) => store.writeMany(put(enabledRow(name, { session: 't' }), enabledRow('last')))),
    ]);
    assert.equal(await store.count(), 101);
  });
}

function objectOf(form: unknown): unknown {
  return typeof form === 'string' ? JSON.parse(form) : form;
}

function isError(code: string): (error: unknown) => boolean {
  return (error) => error instanceof EngineError && error.code === code;
}
