import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { epochMs } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { silentLogger } from '../../../src/core/log.ts';
import { GuardedStore } from '../../../src/event/guarded-store.ts';
import { put } from '../../enabled-rows.ts';
import { bare } from '../../registration-rows.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import { carried, owner, TestStore } from './event-harness.ts';
import type { EnabledRegistration } from '../../../src/core/enabled.ts';

const dayMs = 86_400_000;
const boris = bare('boris@example.com');
const everything = { kind: 'remove-account', owner, reply: { answeredEnabled: () => undefined }, tag: 0 } as const;

async function setup(rows: readonly EnabledRegistration[] = [carried('phone')], expireDays = 30) {
  const clock = new VirtualClock();
  const store = new TestStore();
  await store.rows.writeMany(put(...rows));
  const complaints: Readonly<Record<string, unknown>>[] = [];
  const logger = { ...silentLogger, error: (fields: Readonly<Record<string, unknown>>) => complaints.push(fields) };
  return { clock, store, complaints, guarded: new GuardedStore({ store, clock, logger, expireDays }) };
}

describe('trouble of the store', () => {
  test('makes a read fail as a whole, whether it is thrown or rejected', async () => {
    const { store, guarded } = await setup();
    store.readFails = true;
    assert.equal(guarded.read([owner, boris]), 'failed');
    store.holdReads();
    const reading = guarded.read([owner, boris]);
    store.letRead();
    assert.equal(await reading, 'failed');
  });

  test('makes a write and a removal fail, and is no rejection', async () => {
    const { store, guarded } = await setup();
    store.writeFails = true;
    assert.equal(await guarded.write(put(carried('tablet'))), false);
    assert.deepEqual(await guarded.remove(everything), { kind: 'refused', refusal: 'store-failed' });
    assert.deepEqual(store.nodesOf(), ['phone']);
    store.writeFails = false;
    assert.equal(await guarded.write(put(carried('tablet'))), true);
    assert.deepEqual(await guarded.remove(everything), { kind: 'done', count: 2 });
  });

  test('is told to people once in a while, with how often it happened', async () => {
    const { clock, store, guarded, complaints } = await setup();
    store.readFails = true;
    for (let time = 0; time < 50; time++) await guarded.read([owner]);
    assert.equal(complaints.length, 1);
    await clock.advance(10_000);
    await guarded.read([owner]);
    assert.deepEqual(
      complaints.map(({ code, failures }) => [code, failures]),
      [
        ['E_STORE_IO', 1],
        ['E_STORE_IO', 51],
      ],
    );
    assert.doesNotMatch(JSON.stringify(complaints), /anna/);
  });

  test('is not confused with a defect, which goes on to the supervisor', async () => {
    const { store, guarded, complaints } = await setup();
    store.breaksOnce = 'read';
    assert.throws(() => guarded.read([owner]), TypeError);
    store.breaksOnce = 'write';
    await assert.rejects(guarded.write(put(carried('tablet'))), TypeError);
    store.breaksOnce = 'write';
    await assert.rejects(guarded.remove(everything), TypeError);
    assert.deepEqual(complaints, []);
  });

  test('is not asked for where nothing changes', async () => {
    const { store, guarded } = await setup();
    assert.equal(await guarded.write([]), true);
    assert.deepEqual(store.log, []);
  });
});

describe('a sweep', () => {
  const many = Array.from({ length: limits.sweepRows + 20 }, (_, index) =>
    carried('phone', { owner: bare(`user${String(index).padStart(4, '0')}@example.com`) }),
  );

  test('looks at a page at a time, and begins again at the end', async () => {
    const { clock, guarded, store } = await setup(many);
    const laterMs = epochMs(clock.now() + 31 * dayMs);
    assert.equal(await guarded.sweep(laterMs), limits.sweepRows);
    assert.equal(await guarded.sweep(laterMs), 20);
    assert.equal(await store.count(), 0);
    await store.rows.writeMany(put(carried('phone')));
    assert.equal(await guarded.sweep(laterMs), 1);
  });

  test('removes what is older than it may be, and nothing else; 0 days: nothing at all', async () => {
    const { clock, guarded, store } = await setup();
    assert.equal(await guarded.sweep(epochMs(clock.now() + 30 * dayMs)), 0);
    assert.equal(await guarded.sweep(epochMs(clock.now() + 30 * dayMs + 1)), 1);
    assert.equal(await store.count(), 0);
    const never = await setup([carried('phone')], 0);
    assert.equal(await never.guarded.sweep(epochMs(clock.now() + 9_999 * dayMs)), 0);
    assert.equal(await never.store.count(), 1);
  });

  test('that meets trouble removes nothing, and begins again', async () => {
    const { clock, guarded, store, complaints } = await setup(many);
    const laterMs = epochMs(clock.now() + 31 * dayMs);
    await guarded.sweep(laterMs);
    store.readFails = true;
    assert.equal(await guarded.sweep(laterMs), 0);
    store.readFails = false;
    store.writeFails = true;
    assert.equal(await guarded.sweep(laterMs), 0);
    assert.equal(await store.count(), 20);
    store.writeFails = false;
    assert.equal(await guarded.sweep(laterMs), 20);
    assert.equal(complaints.length, 1);
  });
});
