/** What every implementation of the registration store must do. `open` gives an empty store each time. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { bare, device, node, row } from '../registration-rows.ts';
import { epochMs } from '../../src/core/ids.ts';
import type { RegistrationStore } from '../../src/storage/registration-store.ts';
import type { NodeId } from '../../src/core/ids.ts';
import type { Registration } from '../../src/core/registration.ts';

export interface OpenedStore {
  readonly store: RegistrationStore;
  readonly dispose: () => Promise<void>;
}

const anna = bare('anna@example.com');
const boris = bare('boris@example.org');
// xmpp 9.6-K, and what else a client may invent: both normal forms of é, an emoji, quotes, controls that XML allows.
const oddNames = [
  'a&b<c"d\'e ü/=+',
  '\u00e9',
  'e\u0301',
  '\u{1f468}\u200d\u{1f469}',
  ' ',
  '\t\n',
  '../../etc/passwd',
  'n',
  'h',
  'x'.repeat(500),
  'x'.repeat(501),
  'x'.repeat(1024),
  'ü'.repeat(512),
  '\u{1f600}'.repeat(256),
];

export function storeConformance(name: string, open: () => Promise<OpenedStore>): void {
  const storeTest = (title: string, run: (opened: OpenedStore) => Promise<void>): void => {
    test(`${name}: ${title}`, async () => {
      const opened = await open();
      try {
        await run(opened);
      } finally {
        await opened.dispose();
      }
    });
  };

  storeTest('what was written is read back, field by field', async ({ store }) => {
    const rows = variety();
    await store.writeMany(rows);
    const nodes = rows.map((one) => one.node);
    assert.deepEqual(await store.readMany(nodes), rows);
    assert.deepEqual(await store.readMany([...nodes].toReversed()), rows.toReversed());
  });

  storeTest('a node without a row reads as undefined, at its place', async ({ store }) => {
    await store.writeMany([row('one'), row('three')]);
    const found = await store.readMany([node('one'), node('two'), node('three'), node('one')]);
    assert.deepEqual(
      found.map((one) => one?.node),
      ['one', undefined, 'three', 'one'],
    );
    assert.deepEqual(await store.readMany([]), []);
  });

  storeTest('9.6-K odd, long and look-alike names are different rows', async ({ store }) => {
    const rows = oddNames.map((one) => row(one));
    await store.writeMany(rows);
    assert.deepEqual(await store.readMany(oddNames.map(node)), rows);
    assert.equal(await store.count(), oddNames.length);
    await store.removeMany([node('x'.repeat(1024)), node('\u00e9')]);
    const [long, composed, decomposed] = await store.readMany(['x'.repeat(1024), '\u00e9', 'e\u0301'].map(node));
    assert.deepEqual([long, composed, decomposed?.node], [undefined, undefined, 'e\u0301']);
  });

  storeTest('a write replaces the row of the same node', async ({ store }) => {
    await store.writeMany([row('one')]);
    const changed = row('one', { target: { ...device, token: 'b2'.repeat(32) }, confirmedAtMs: epochMs(5) });
    await store.writeMany([changed]);
    assert.deepEqual(await store.readMany([node('one')]), [changed]);
    assert.equal(await store.count(), 1);
  });

  storeTest('of two rows of one node in one write the last one stays', async ({ store }) => {
    await store.writeMany([row('one', { app: 'first' }), row('one', { app: 'last', owner: boris })]);
    const [found] = await store.readMany([node('one')]);
    assert.equal(found?.app, 'last');
    assert.deepEqual(names(await store.readByOwner(anna, 10)), []);
    assert.deepEqual(names(await store.readByOwner(boris, 10)), ['one']);
  });

  storeTest('the rows of an owner come oldest first, dead ones included, up to the limit', async ({ store }) => {
    const ages = [30, 10, 20];
    await store.writeMany(ages.map((age) => row(`age ${age}`, { createdAtMs: epochMs(age) })));
    await store.writeMany([row('boris', { owner: boris }), row('dead', { state: 'dead', createdAtMs: epochMs(15) })]);
    assert.deepEqual(names(await store.readByOwner(anna, 10)), ['age 10', 'dead', 'age 20', 'age 30']);
    assert.deepEqual(names(await store.readByOwner(anna, 2)), ['age 10', 'dead']);
    assert.deepEqual(await store.readByOwner(bare('anna@example.co'), 10), []);
  });

  storeTest('an owner whose name is a prefix or very long has its own rows', async ({ store }) => {
    const owners = ['anna@example.com', 'anna@example.comm', `${'a'.repeat(1023)}@${'b'.repeat(1023)}`].map(bare);
    await store.writeMany(owners.map((owner, index) => row(`of ${index}`, { owner })));
    for (const [index, owner] of owners.entries()) {
      assert.deepEqual(names(await store.readByOwner(owner, 10)), [`of ${index}`]);
    }
  });

  storeTest('a row that changes its owner or its age is listed once, where it is now', async ({ store }) => {
    await store.writeMany([row('one'), row('two', { createdAtMs: epochMs(1) })]);
    await store.writeMany([row('one', { owner: boris }), row('two', { createdAtMs: epochMs(2) })]);
    assert.deepEqual(names(await store.readByOwner(anna, 10)), ['two']);
    assert.deepEqual(names(await store.readByOwner(boris, 10)), ['one']);
    await store.writeMany([row('one')]);
    assert.deepEqual(names(await store.readByOwner(boris, 10)), []);
  });

  storeTest('a removed row is gone everywhere; unknown nodes are ignored', async ({ store }) => {
    await store.writeMany([row('one'), row('two')]);
    await store.removeMany([node('one'), node('never there')]);
    assert.deepEqual(await store.readMany([node('one')]), [undefined]);
    assert.deepEqual(names(await store.readByOwner(anna, 10)), ['two']);
    assert.deepEqual(names(await store.scan(undefined, 10)), ['two']);
    assert.equal(await store.count(), 1);
    await store.removeMany([]);
  });

  storeTest('a scan in pages sees every row once', async ({ store }) => {
    const written = [...Array.from({ length: 100 }, (_, index) => `row ${index}`), ...oddNames];
    await store.writeMany(written.map((one) => row(one)));
    const seen: string[] = [];
    let after: NodeId | undefined;
    for (;;) {
      const page = await store.scan(after, 7);
      assert.ok(page.length <= 7);
      seen.push(...names(page));
      after = page.at(-1)?.node;
      if (page.length < 7) break;
    }
    assert.deepEqual(seen.toSorted(), written.toSorted());
  });

  storeTest('a scan goes on after a row that is gone', async ({ store }) => {
    await store.writeMany(['a', 'b', 'c'].map((one) => row(one)));
    const [first] = await store.scan(undefined, 1);
    assert.ok(first !== undefined);
    await store.removeMany([first.node]);
    assert.deepEqual(names(await store.scan(first.node, 10)), ['b', 'c']);
  });

  storeTest('a write of a thousand rows is one write', async ({ store }) => {
    const rows = Array.from({ length: 1000 }, (_, index) => row(`row ${index}`, { createdAtMs: epochMs(index) }));
    await store.writeMany(rows);
    assert.equal(await store.count(), 1000);
    assert.deepEqual(await store.readByOwner(anna, 1000), rows);
  });

  storeTest('a write that cannot be done changes nothing', async ({ store }) => {
    await store.writeMany([row('one')]);
    const tooLong = row('bad', { deviceName: 'x'.repeat(70_000) });
    await store.writeMany([row('one', { app: 'new' }), tooLong, row('two')]).catch(() => undefined);
    const [one, bad, two] = await store.readMany([node('one'), node('bad'), node('two')]);
    const all = one?.app === 'new' && bad !== undefined && two !== undefined;
    const none = one?.app === '' && bad === undefined && two === undefined;
    assert.ok(all || none, 'all or none');
  });

  storeTest('writes that overlap all arrive', async ({ store }) => {
    const lots = Array.from({ length: 20 }, (_, lot) =>
      Array.from({ length: 20 }, (__, index) => row(`row ${lot}-${index}`)),
    );
    await Promise.all(lots.map((rows) => store.writeMany(rows)));
    assert.equal(await store.count(), 400);
  });
}

/** Every choice of every field at least once. */
export function variety(): readonly Registration[] {
  return [
    row('plain'),
    row('dead', { state: 'dead', deathReason: 'deleted', diedAtMs: epochMs(1_760_000_000_123) }),
    row('carried', { target: { kind: 'publish-options' }, deviceId: '', secretVersion: 0 }),
    row('fcm', { target: { ...device, service: 'fcm', mode: 'dev', voipToken: 'v'.repeat(64), topic: '' } }),
    row('no mode', { target: { ...device, mode: '', token: 't'.repeat(4096) } }),
    row('publishers', { publishModel: 'publishers', publishers: ['example.com', 'boris@example.org', 'müc.example'] }),
    row('texts', { app: 'app', deviceName: 'Annas Telefon \u{1f4f1}', room: 'room@muc.example', deviceId: 'ü' }),
    row('numbers', { secretVersion: 4_294_967_295, createdAtMs: epochMs(1), confirmedAtMs: epochMs(2 ** 52) }),
  ];
}

function names(rows: readonly Registration[]): readonly string[] {
  return rows.map((one) => one.node);
}
