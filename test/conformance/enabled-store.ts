/**
 * What every implementation of the store of enabled registrations must do. `open` gives an empty store each time.
 * MongooseIM's table has columns of 250 characters (mongooseim 2.6), and in MySQL a collation that may take letters of
 * either case for the same: what goes beyond that is in parts of its own.
 */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { enabledRow, keyOf, put, remove } from '../enabled-rows.ts';
import { bare } from '../registration-rows.ts';
import { noPreferences } from '../../src/core/enabled.ts';
import { EngineError } from '../../src/core/errors.ts';
import { epochMs } from '../../src/core/ids.ts';
import { limits } from '../../src/core/limits.ts';
import type { EnabledKey, EnabledRows, EnabledStore } from '../../src/storage/enabled-store.ts';
import type { EnabledRegistration } from '../../src/core/enabled.ts';

export interface OpenedEnabledStore {
  readonly store: EnabledStore;
  readonly dispose: () => Promise<void>;
}

export interface EnabledStoreParts {
  /** Owners, services and nodes of more than 250 characters. */
  readonly longNames: boolean;
  /** Nodes that differ in case, in normal form, or in white space at the end. */
  readonly lookAlikes: boolean;
  /** A scan in the order of bytes, not in one of the table's own. */
  readonly byteOrder: boolean;
}

type Run = (store: EnabledStore) => Promise<void>;
type Declare = (title: string, run: Run) => void;

const all: EnabledStoreParts = { longNames: true, lookAlikes: true, byteOrder: true };
const anna = bare('anna@example.com');
const boris = bare('boris@example.org');
const nobody = bare('nobody@example.com');

export function enabledStoreConformance(
  name: string,
  open: () => Promise<OpenedEnabledStore>,
  parts: EnabledStoreParts = all,
): void {
  const declare: Declare = (title, run) => {
    test(`${name}: ${title}`, async () => {
      const opened = await open();
      try {
        await run(opened.store);
      } finally {
        await opened.dispose();
      }
    });
  };
  reading(declare);
  writing(declare);
  oddNames(declare);
  removing(declare);
  scanning(declare, parts.byteOrder);
  ending(declare);
  if (parts.longNames) longNames(declare);
  if (parts.lookAlikes) lookAlikes(declare);
}

function reading(declare: Declare): void {
  declare('what was written is read back, field by field', async (store) => {
    const rows = enabledVariety();
    await store.writeMany(put(...rows));
    assert.deepEqual(await read(store, anna), rows);
  });

  declare('a batch names owners in any order, twice, and unknown ones', async (store) => {
    const [one, two] = [enabledRow('one'), enabledRow('two', { owner: boris })];
    await store.writeMany(put(one, two));
    const found = await store.readMany([boris, nobody, anna, boris, anna]);
    assert.deepEqual(found, [[two], [], [one], [two], [one]]);
    assert.deepEqual(await store.readMany([]), []);
  });

  declare('the rows of an owner come oldest first, in whatever order they were put', async (store) => {
    const rows = [30, 10, 20].map((age) => enabledRow(`age ${age}`, { enabledAtMs: epochMs(age) }));
    await store.writeMany(put(...rows));
    assert.deepEqual(await nodesOf(store), ['age 10', 'age 20', 'age 30']);
    await store.writeMany(put(enabledRow('age 10', { enabledAtMs: epochMs(40) })));
    assert.deepEqual(await nodesOf(store), ['age 20', 'age 30', 'age 10']);
  });

  declare('of too many rows of one owner the newest are read', async (store) => {
    const rows = Array.from({ length: limits.enabledPerOwnerMax + 5 }, (_, index) =>
      enabledRow(`row ${index}`, { enabledAtMs: epochMs(1000 + index) }),
    );
    await store.writeMany(put(...rows.slice(50)));
    await store.writeMany(put(...rows.slice(0, 50)));
    assert.deepEqual(await read(store, anna), rows.slice(5));
  });
}

function writing(declare: Declare): void {
  declare('2.3 a row of the same key is replaced, and options that are not given again are gone', async (store) => {
    await store.writeMany(put(enabledRow('one', { session: 'phone' }), enabledRow('two')));
    const again = enabledRow('one', { options: [], enabledAtMs: epochMs(1_760_000_000_001) });
    await store.writeMany(put(again));
    assert.deepEqual(await read(store, anna), [enabledRow('two'), again]);
    assert.equal(await store.count(), 2);
  });

  declare('2.3 another service, another node or another owner is another row', async (store) => {
    const rows = [
      enabledRow('one'),
      enabledRow('one', { service: bare('push.example.org'), enabledAtMs: epochMs(1_760_000_000_001) }),
      enabledRow('one', { service: bare('push@push.example.org'), enabledAtMs: epochMs(1_760_000_000_002) }),
      enabledRow('two', { enabledAtMs: epochMs(1_760_000_000_003) }),
    ];
    const other = enabledRow('one', { owner: boris });
    await store.writeMany(put(...rows, other));
    assert.deepEqual(await store.readMany([anna, boris]), [rows, [other]]);
    assert.equal(await store.count(), 5);
  });

  declare('changes of one write are done in order', async (store) => {
    const [one, two] = [enabledRow('one'), enabledRow('two')];
    const last = enabledRow('one', { session: 'last' });
    await store.writeMany([...put(one), ...remove(one), ...put(two), ...put(last), ...remove(two)]);
    assert.deepEqual(await read(store, anna), [last]);
    assert.equal(await store.count(), 1);
  });

  declare('2.4 a removed row is gone; what is not there can be removed', async (store) => {
    const [one, two, never] = [enabledRow('one'), enabledRow('two'), enabledRow('never')];
    await store.writeMany(put(one, two));
    await store.writeMany(remove(one, never, enabledRow('two', { service: bare('push.example.org') })));
    assert.deepEqual(await read(store, anna), [two]);
    await store.writeMany(remove(two));
    await store.writeMany(remove(two));
    assert.deepEqual(await read(store, anna), []);
    assert.equal(await store.count(), 0);
    await store.writeMany([]);
  });

  declare('a write that cannot be done changes nothing', async (store) => {
    await store.writeMany(put(enabledRow('one')));
    const tooLong = enabledRow('bad', { session: 'x'.repeat(70_000) });
    const changes = [...remove(enabledRow('one')), ...put(enabledRow('two', { owner: boris }), tooLong)];
    const isDone = await store.writeMany(changes).then(
      () => true,
      () => false,
    );
    const found = await store.readMany([anna, boris]);
    const names = found.map((rows) => namesOf(rows));
    assert.deepEqual(names, isDone ? [['bad'], ['two']] : [['one'], []], 'all or none');
    assert.equal(await store.count(), isDone ? 2 : 1);
  });

  declare('writes that overlap all arrive, for one owner as well', async (store) => {
    const writes = Array.from({ length: 20 }, (_, lot) => [
      enabledRow(`of anna ${lot}`, { enabledAtMs: epochMs(lot) }),
      enabledRow('one', { owner: bare(`user${lot}@example.com`) }),
    ]);
    await Promise.all(writes.map((rows) => store.writeMany(put(...rows))));
    assert.equal((await nodesOf(store)).length, 20);
    assert.equal(await store.count(), 40);
  });

  declare('a write of a thousand owners is one write', async (store) => {
    const rows = Array.from({ length: 1000 }, (_, index) =>
      enabledRow('one', { owner: bare(`u${index}@example.com`) }),
    );
    await store.writeMany(put(...rows));
    assert.equal(await store.count(), 1000);
    const found = await store.readMany(rows.map(({ owner }) => owner));
    assert.deepEqual(found.flat(), rows);
  });
}

// Wildcards and quotes of SQL, both ends of the code points that XML allows, what looks like markup, JSON or a path.
const oddTexts = [
  '%',
  '_',
  'a%b_c',
  "it's",
  '"quoted"',
  'back\\slash',
  '\\',
  'a&b<c>',
  "'; DROP TABLE event_pusher_push_subscription; --",
  '$1 ? :name',
  '{"service":"fcm"}',
  '../../etc/passwd',
  '__proto__',
  'null',
  '\u00fc\u{1f4f1}\ufffd',
  '\u{1f468}\u200d\u{1f469}',
  ' leading',
  'tab\tand\nline',
  '\u0001\u001f\u007f',
];

function oddNames(declare: Declare): void {
  declare('9.6-K odd nodes, option names, values and sessions come back as they were', async (store) => {
    const rows = oddTexts.map((text, index) =>
      enabledRow(text, {
        options: [
          [text, text],
          [`name of ${text}`, `${text}${text}`],
          ['empty', ''],
        ],
        session: text,
        enabledAtMs: epochMs(1_760_000_000_000 + index),
      }),
    );
    await store.writeMany(put(...rows));
    assert.deepEqual(await read(store, anna), rows);
    await store.writeMany(remove(enabledRow('%'), enabledRow('_'), enabledRow('\\')));
    assert.equal(await store.count(), rows.length - 3);
  });

  declare('owners and services with odd characters are told apart', async (store) => {
    const names = ["o'brien", 'a%', 'a_', 'ab', 'abc', 'a\\', 'a"', 'm\u00fcller', '\u7528\u6237', '\u{20000}', 'a$'];
    const rows = names.map((local) =>
      enabledRow('one', { owner: bare(`${local}@example.com`), service: bare(`${local}@m\u00fcnchen.example`) }),
    );
    await store.writeMany(put(...rows));
    assert.deepEqual((await store.readMany(rows.map(({ owner }) => owner))).flat(), rows);
    assert.equal(await store.removeOwners([bare('a%@example.com'), bare('a_@example.com')]), 2);
    assert.equal(await store.count(), names.length - 2);
  });

  declare('long option values are kept', async (store) => {
    const value = '\u00fc'.repeat(limits.fieldBytesMax / 2);
    const options = Array.from({ length: 20 }, (_, index) => [`field ${index}`, value] as const);
    await store.writeMany(put(enabledRow('one', { options })));
    assert.deepEqual(await read(store, anna), [enabledRow('one', { options })]);
  });
}

function removing(declare: Declare): void {
  declare('2.5 an account goes with all its rows, and nobody else', async (store) => {
    const others = ['anna@example.co', 'nanna@example.com', 'anna@example.com.org'].map(bare);
    const rows = others.map((owner) => enabledRow('one', { owner }));
    await store.writeMany(put(enabledRow('one'), enabledRow('two'), enabledRow('one', { owner: boris }), ...rows));
    assert.equal(await store.removeOwners([anna, nobody, boris, anna]), 3);
    assert.deepEqual(await store.readMany([anna, boris]), [[], []]);
    assert.deepEqual((await store.readMany(others)).flat(), rows);
    assert.equal(await store.removeOwners([]), 0);
    assert.equal(await store.count(), 3);
  });

  declare('2.5 a domain goes with all its accounts; other domains are untouched', async (store) => {
    const gone = ['a@ex_mple.com', 'b%@ex_mple.com', 'c@ex_mple.com'];
    const kept = ['a@example.com', 'a@xex_mple.com', 'a@ex_mple.com.org', 'a@sub.ex_mple.com', 'ex_mple.com@b.org'];
    const rows = [...gone, ...kept].map((owner) => enabledRow('one', { owner: bare(owner) }));
    await store.writeMany(put(...rows, enabledRow('two', { owner: bare('c@ex_mple.com') })));
    assert.equal(await store.removeDomain('ex_mple.com'), 4);
    assert.deepEqual((await store.readMany(kept.map(bare))).map(namesOf), Array(5).fill(['one']));
    assert.deepEqual((await store.readMany(gone.map(bare))).flat(), []);
    assert.equal(await store.removeDomain('ex_mple.com'), 0);
    assert.equal(await store.removeDomain('%'), 0);
    assert.equal(await store.removeDomain(''), 0);
    assert.equal(await store.count(), kept.length);
  });

  declare('2.5 a domain of many accounts goes, whatever stands between them', async (store) => {
    const rows = Array.from({ length: 5000 }, (_, index) =>
      enabledRow('one', { owner: bare(`user${index}@${index % 2 === 0 ? 'even' : 'odd'}.example`) }),
    );
    await store.writeMany(put(...rows));
    assert.equal(await store.removeDomain('even.example'), 2500);
    assert.equal(await store.count(), 2500);
    assert.equal(await store.removeDomain('odd.example'), 2500);
    assert.deepEqual(await store.scan(undefined, 1), []);
  });
}

function scanning(declare: Declare, byteOrder: boolean): void {
  declare(
    `a scan in pages sees every row once, in the order of ${byteOrder ? 'its key as bytes' : 'the table'}`,
    async (store) => {
      const rows: EnabledRegistration[] = [];
      for (const owner of ['a@example.com', 'aa@example.com', '\uffee@example.com', '\u{1f600}@example.com']) {
        for (const service of ['push.example.net', 'push.example.com']) {
          for (const name of ['2', '10', '\u{1f600}', '\uffee', 'z']) {
            rows.push(enabledRow(name, { owner: bare(owner), service: bare(service) }));
          }
        }
      }
      await store.writeMany(put(...rows));
      const seen = await pages(store, 7);
      const ordered = rows.toSorted((one, other) => Buffer.compare(keyBytes(one), keyBytes(other)));
      const compared = byteOrder ? seen : seen.toSorted((one, other) => Buffer.compare(keyBytes(one), keyBytes(other)));
      assert.deepEqual(compared, ordered);
    },
  );

  declare('a page may begin after a row, or an owner, that is gone', async (store) => {
    const rows = ['a', 'b', 'c'].map((name) => enabledRow(name));
    const last = enabledRow('z', { owner: bare('zoe@example.com') });
    await store.writeMany(put(...rows, last));
    const [first] = await store.scan(undefined, 1);
    assert.ok(first !== undefined);
    assert.deepEqual(first, rows[0]);
    await store.writeMany(remove(first));
    assert.deepEqual(await store.scan(keyOf(first), 2), rows.slice(1));
    await store.removeOwners([anna]);
    assert.deepEqual(await store.scan(keyOf(first), 10), [last]);
    assert.deepEqual(await store.scan(keyOf(last), 10), []);
  });
}

function ending(declare: Declare): void {
  declare('after close everything fails with E_STORE_IO, and a second close does no harm', async (store) => {
    await store.writeMany(put(enabledRow('one')));
    await store.close();
    const calls: readonly (() => Promise<unknown>)[] = [
      async () => store.readMany([anna]),
      async () => store.writeMany(put(enabledRow('two'))),
      async () => store.removeOwners([anna]),
      async () => store.removeDomain('example.com'),
      async () => store.scan(undefined, 1),
      async () => store.count(),
    ];
    for (const call of calls) {
      await assert.rejects(call(), (error) => error instanceof EngineError && error.code === 'E_STORE_IO');
    }
    await store.close();
  });
}

function longNames(declare: Declare): void {
  const domain = `${'b'.repeat(63)}.`.repeat(15) + 'example';
  const long = bare(`${'a'.repeat(1023)}@${domain}`);
  const twin = bare(`${'a'.repeat(1023)}@${domain.replace('example', 'exempla')}`);
  const prefix = bare('a'.repeat(1023));

  declare('the longest names are kept, and told apart by their ends', async (store) => {
    const service = bare(`${'s'.repeat(1023)}@${domain}`);
    const nodes = ['n'.repeat(1024), `${'n'.repeat(1023)}m`, '\u00fc'.repeat(512)];
    const rows = nodes.map((name, index) =>
      enabledRow(name, { owner: long, service, enabledAtMs: epochMs(1_760_000_000_000 + index) }),
    );
    await store.writeMany(put(...rows, enabledRow('of twin', { owner: twin }), enabledRow('short', { owner: prefix })));
    assert.deepEqual(await store.readMany([long]), [rows]);
    assert.deepEqual(namesOf((await store.readMany([twin]))[0]), ['of twin']);
    assert.deepEqual(namesOf((await store.readMany([prefix]))[0]), ['short']);
    assert.deepEqual((await pages(store, 2)).length, 5);
  });

  declare('2.5 long owners go with their domain', async (store) => {
    await store.writeMany(put(enabledRow('one', { owner: long }), enabledRow('two', { owner: twin })));
    assert.equal(await store.removeDomain(domain), 1);
    assert.deepEqual((await store.readMany([long, twin])).map(namesOf), [[], ['two']]);
  });
}

function lookAlikes(declare: Declare): void {
  declare('9.6-K nodes are compared byte by byte', async (store) => {
    const names = ['Node', 'node', '\u00e9', 'e\u0301', 'end', 'end ', '\u00df', 'ss'];
    const rows = names.map((name, index) => enabledRow(name, { enabledAtMs: epochMs(1000 + index) }));
    await store.writeMany(put(...rows));
    assert.deepEqual(await read(store, anna), rows);
    await store.writeMany(remove(enabledRow('NODE'), enabledRow('node'), enabledRow('\u00e9')));
    assert.deepEqual(await nodesOf(store), ['Node', 'e\u0301', 'end', 'end ', '\u00df', 'ss']);
  });
}

/** Every choice of every field at least once; all of one owner, oldest first. */
export function enabledVariety(): readonly EnabledRegistration[] {
  const over: readonly Partial<EnabledRegistration>[] = [
    { options: [] },
    { session: 'phone \u{1f4f1}' },
    { options: [['secret', '\u00fc'.repeat(20)]], service: bare('push@push.example.net') },
    { preferences: { ...noPreferences, priority: true } },
    { preferences: { ...noPreferences, away: true, ignoreUnknown: true } },
    { preferences: { ...noPreferences, muted: [bare('boris@example.org'), bare('room@muc.example.org')] } },
    {
      preferences: {
        ...noPreferences,
        rooms: [
          { room: bare('one@muc.example.org'), allow: 'always', nick: '' },
          { room: bare('two@muc.example.org'), allow: 'mentioned', nick: 'Anna \u00fc' },
          { room: bare('three@muc.example.org'), allow: 'never', nick: '' },
        ],
      },
    },
    { preferences: { ...noPreferences, encryptionKey: 'A'.repeat(22) + '==', encryptedBytesMax: 4_294_967_295 } },
  ];
  return over.map((one, index) =>
    enabledRow(`row ${index}`, { ...one, enabledAtMs: epochMs(1_760_000_000_123 + index) }),
  );
}

async function read(store: EnabledStore, owner: EnabledRegistration['owner']): Promise<EnabledRows | undefined> {
  const [rows] = await store.readMany([owner]);
  return rows;
}

async function nodesOf(store: EnabledStore): Promise<readonly string[]> {
  return namesOf(await read(store, anna));
}

function namesOf(rows: EnabledRows | undefined): readonly string[] {
  assert.ok(rows !== undefined && rows !== 'unreadable');
  return rows.map((row) => row.node);
}

async function pages(store: EnabledStore, limit: number): Promise<readonly EnabledRegistration[]> {
  const seen: EnabledRegistration[] = [];
  let after: EnabledKey | undefined;
  for (;;) {
    const page = await store.scan(after, limit);
    assert.ok(page.length <= limit);
    seen.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < limit) return seen;
    after = keyOf(last);
  }
}

function keyBytes({ owner, service, node: name }: EnabledRegistration): Buffer {
  return Buffer.from([owner, service, name].join('\0'));
}
