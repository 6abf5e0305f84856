/** The whole engine on a database: what clients enable and register, side by side with MongooseIM, and outages. */
import { it } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mongooseimTable } from './sql-world.ts';
import { WireStream } from '../../bench/wire-stream.ts';
import { lastFirst } from '../peers/last-first.ts';
import { until } from '../peers/deadline.ts';
import { systemClock } from '../../src/core/clock.ts';
import { seededRandom } from '../../src/core/random.ts';
import { registeredTarget, Traffic } from '../../src/fake/traffic.ts';
import { createEngine } from '../../src/index.ts';
import { openSqlDatabase } from '../../src/storage/sql/open-sql-stores.ts';
import type { TestContext } from 'node:test';
import type { SqlWorld } from './sql-world.ts';
import type { Engine, EventResult } from '../../src/index.ts';
import type { SqlDatabase } from '../../src/storage/sql/database.ts';

const anna = 'anna@example.com';
const phone = 'a-token-of-a-phone-0123456789';
const table = 'event_pusher_push_subscription';

interface Place {
  readonly url: string;
  /** For the test's own statements. */
  readonly database: SqlDatabase;
}

/** A database in which MongooseIM's table is already, as its script makes it. */
async function newPlace(world: SqlWorld, t: TestContext): Promise<Place> {
  const url = await world.server.createDatabase();
  const database = await openSqlDatabase(world.config(url), systemClock);
  lastFirst(t)(() => database.close());
  await world.sql(database, mongooseimTable[database.dialect]);
  return { url, database };
}

async function startedEngine(
  t: TestContext,
  { url, database }: Place,
): Promise<{ engine: Engine; stream: WireStream }> {
  const after = lastFirst(t);
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-database-'));
  after(() => rmSync(dataDir, { recursive: true, force: true }));
  let stream: WireStream | undefined;
  const engine = await createEngine(
    {
      engine: { data_dir: dataDir, secret_key: 'sixteen bytes or more' },
      servers: [{ name: 's', host: '127.0.0.1', port: 5347, domain: 'push.example.net', secret: 'x' }],
      database: { url, query_ms: 500 },
      registrations: { store: database.dialect, shards: 2 },
      push: { store: database.dialect, virtual_hosts: ['push.@HOST@'] },
      providers: [{ name: 'trial', kind: 'blackhole' }],
    },
    { streams: (_server, owner) => [(stream = new WireStream(owner, 262_144))] },
  );
  await engine.start();
  after(() => engine.stop());
  assert.ok(stream !== undefined);
  stream.keepAnswers = true;
  return { engine, stream };
}

function enableIq(node: string, options = ''): string {
  return (
    `<iq type='set' id='e1' from='${anna}/phone' to='${anna}'>` +
    `<enable xmlns='urn:xmpp:push:0' jid='push.example.com' node='${node}'>${options}</enable></iq>`
  );
}

const form =
  `<x xmlns='jabber:x:data' type='submit'>` +
  `<field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>` +
  `<field var='service'><value>fcm</value></field><field var='device_id'><value>${phone}</value></field></x>`;

let messages = 0;

function message(to = anna): Parameters<Engine['onEvent']>[0] {
  return { from: 'boris@example.com/desk', to, id: `m${messages++}`, type: 'chat', body: 'Hi', userStatus: 'offline' };
}

/** Node and outcome of each publish; what is no push says what it is. */
function ends(result: EventResult): readonly string[] {
  if (result.kind === 'pushed')
    return result.publishes.map(({ node, outcome }) => `${node} ${outcome.kind}`).toSorted();
  return [result.kind === 'refused' ? `refused ${result.reason}` : result.kind];
}

function objectOf(json: unknown): unknown {
  return typeof json === 'string' ? JSON.parse(json) : json;
}

export function engineSuite(world: SqlWorld): void {
  it('mongooseim 2.6: what a client enables is a row of MongooseIM, pushes, and goes when it disables', async (t) => {
    const place = await newPlace(world, t);
    const { engine } = await startedEngine(t, place);
    assert.match((await engine.push.pushIQ(enableIq('phone-17', form))) ?? '', /^<iq type='result' [^>]*\/>$/);
    const columns = 'owner_jid, node, pubsub_jid, form, created_at';
    const [row = [], ...others] = await world.sql(place.database, `SELECT ${columns} FROM ${table}`);
    assert.deepEqual([others, row.slice(0, 3)], [[], [anna, 'phone-17', 'push.example.com']]);
    assert.deepEqual(objectOf(row[3]), { service: 'fcm', device_id: phone });
    // Microseconds.
    assert.ok(Math.abs(Number(row[4]) / 1000 - Date.now()) < 60_000, String(row[4]));
    assert.deepEqual(ends(await engine.onEvent(message())), ['phone-17 accepted']);
    const disable = `<disable xmlns='urn:xmpp:push:0' jid='push.example.com'/>`;
    const iq = `<iq type='set' id='d1' from='${anna}/phone' to='${anna}'>${disable}</iq>`;
    assert.match((await engine.push.pushIQ(iq)) ?? '', /^<iq type='result'/);
    assert.deepEqual(await world.sql(place.database, `SELECT node FROM ${table}`), []);
  });

  it('mongooseim 2.6: a row that MongooseIM inserts or deletes counts for the next event', async (t) => {
    const place = await newPlace(world, t);
    const { engine } = await startedEngine(t, place);
    const nowUs = Date.now() * 1000;
    const json = JSON.stringify({ device_id: phone, service: 'fcm' });
    const insert = `INSERT INTO ${table} VALUES (?, ?, ?, ?, ?)`;
    await world.sql(place.database, insert, [anna, 'theirs', 'push.example.com', json, nowUs]);
    await engine.push.pushIQ(enableIq('ours', form));
    assert.deepEqual(ends(await engine.onEvent(message())), ['ours accepted', 'theirs accepted']);
    await world.sql(place.database, `DELETE FROM ${table} WHERE node = ?`, ['theirs']);
    assert.deepEqual(ends(await engine.onEvent(message())), ['ours accepted']);
    // Past its time, and ours to leave alone until the sweep comes by.
    await world.sql(place.database, insert, [anna, 'old', 'push.example.com', json, 1_000_000]);
    assert.deepEqual(ends(await engine.onEvent(message())), ['ours accepted']);
  });

  it('mongooseim 2.6: what the table cannot keep is refused with the reason, and the next one is taken', async (t) => {
    const place = await newPlace(world, t);
    const { engine } = await startedEngine(t, place);
    const long = (await engine.push.pushIQ(enableIq('n'.repeat(251)))) ?? '';
    assert.match(long, /<error type='modify'><not-acceptable .*>node is longer than 250 characters<\/text>/);
    assert.match((await engine.push.pushIQ(enableIq('\u{1f4f1}'.repeat(250), form))) ?? '', /^<iq type='result'/);
    assert.deepEqual(ends(await engine.onEvent(message())), [`${'\u{1f4f1}'.repeat(250)} accepted`]);
  });

  it('mongooseim 2.6: a row that nobody can read costs its user only', async (t) => {
    const place = await newPlace(world, t);
    const { engine } = await startedEngine(t, place);
    const insert = `INSERT INTO ${table} VALUES (?, ?, ?, ?, ?)`;
    await world.sql(place.database, insert, ['bad@example.com', 'n', 'push.example.com', '[1]', 1]);
    await engine.push.pushIQ(enableIq('ours', form));
    const results = await engine.onEvents([message('bad@example.com'), message(), message('new@example.com')]);
    assert.deepEqual(results.map(ends), [['refused store-failed'], ['ours accepted'], ['skipped']]);
    assert.equal(await engine.push.enabledOf('bad@example.com'), undefined);
  });

  it('while the database is away all is told to wait, and when it is back all works without a restart', async (t) => {
    const place = await newPlace(world, t);
    const { engine, stream } = await startedEngine(t, place);
    const random = seededRandom(1);
    const traffic = new Traffic({ profile: 'ejabberd', domain: 'example.com', component: 'push.example.net', random });
    const ask = async (stanza: string): Promise<string> => {
      await stream.feed([Buffer.from(stanza)], 1);
      return stream.answers.at(-1) ?? '';
    };
    const target = registeredTarget(await ask(traffic.register('r', 0)));
    assert.ok(target !== null);
    traffic.use([target]);
    assert.match(await ask(traffic.publish('p1')), /^<iq type='result'/);
    await engine.push.pushIQ(enableIq('ours', form));
    const enabled = { owner: anna, service: 'push.example.net', node: target.node, options: { secret: target.secret } };
    assert.deepEqual(await engine.push.enable(enabled), { kind: 'done', count: 1 });
    const all = ['ours accepted', `${target.node} accepted`].toSorted();
    assert.deepEqual(ends(await engine.onEvent(message())), all);

    await world.server.kill();
    try {
      const wait = /<error type='wait'><internal-server-error /;
      assert.match((await engine.push.pushIQ(enableIq('other', form))) ?? '', wait);
      assert.match((await engine.push.pushIQ(enableIq('ours').replaceAll('enable', 'disable'))) ?? '', wait);
      assert.deepEqual(ends(await engine.onEvent(message())), ['refused store-failed']);
      assert.equal(await engine.push.enabledOf(anna), undefined);
      assert.deepEqual(await engine.push.removeAccount(anna), { kind: 'refused', refusal: 'store-failed' });
      assert.match(await ask(traffic.publish('p2')), wait);
      assert.match(await ask(traffic.register('r2', 1)), wait);
    } finally {
      await world.server.restart();
    }
    await until('events push again', async () => {
      const result = await engine.onEvent(message());
      return result.kind === 'pushed' ? true : undefined;
    });
    assert.deepEqual(ends(await engine.onEvent(message())), all);
    assert.match(await ask(traffic.publish('p3')), /^<iq type='result'/);
    assert.match((await engine.push.pushIQ(enableIq('other', form))) ?? '', /^<iq type='result'/);
    const rows = await world.sql(place.database, `SELECT node FROM ${table}`);
    assert.deepEqual(new Set(rows.flat()), new Set(['other', 'ours', target.node]));
    assert.deepEqual(engine.figures().actors, { lost: 0, restarts: 0 });
  });

  it('what was enabled and registered outlives the engine', async (t) => {
    const place = await newPlace(world, t);
    const first = await startedEngine(t, place);
    const random = seededRandom(2);
    const traffic = new Traffic({ profile: 'ejabberd', domain: 'example.com', component: 'push.example.net', random });
    await first.stream.feed([Buffer.from(traffic.register('r', 0))], 1);
    const target = registeredTarget(first.stream.answers[0] ?? '');
    assert.ok(target !== null);
    traffic.use([target]);
    await first.engine.push.pushIQ(enableIq('ours', form));
    await first.engine.stop();
    const second = await startedEngine(t, place);
    assert.deepEqual(ends(await second.engine.onEvent(message())), ['ours accepted']);
    await second.stream.feed([Buffer.from(traffic.publish('p'))], 1);
    assert.match(second.stream.answers[0] ?? '', /^<iq type='result'/);
  });
}
