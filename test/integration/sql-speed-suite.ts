/** How long a hundred thousand rows take; printed, not judged: the machine decides. */
import { it } from 'node:test';
import assert from 'node:assert/strict';
import { enabledRow, keyOf, put } from '../enabled-rows.ts';
import { bare } from '../registration-rows.ts';
import { limits } from '../../src/core/limits.ts';
import type { SqlWorld } from './sql-world.ts';
import type { EnabledKey } from '../../src/storage/enabled-store.ts';

const total = 100_000;
const pageRows = 1_000;
const reads = 100;

export function speedSuite(world: SqlWorld): void {
  it('a hundred thousand rows are written, read in batches, and listed', { timeout: 300_000 }, async (t) => {
    const { database, store } = await world.openBesideMongooseIM();
    const owner = (index: number): ReturnType<typeof bare> => bare(`user${index}@example.com`);
    const writing = performance.now();
    for (let first = 0; first < total; first += pageRows) {
      const rows = Array.from({ length: pageRows }, (_, index) =>
        enabledRow(`node ${first + index}`, { owner: owner(first + index), session: index % 2 === 0 ? 'phone' : '' }),
      );
      await store.writeMany(put(...rows));
    }
    t.diagnostic(`writing: ${perSecond(total, writing)} rows/s`);

    // As the server does by itself, soon after so many rows have come.
    const analyze = database.dialect === 'postgres' ? 'ANALYZE' : 'ANALYZE TABLE event_pusher_push_subscription';
    await world.sql(database, analyze);

    const reading = performance.now();
    for (let read = 0; read < reads; read++) {
      const owners = Array.from({ length: limits.eventBatchMax }, (_, index) =>
        owner((read * 7919 + index * 613) % total),
      );
      const found = await store.readMany(owners);
      assert.ok(found.every((rows) => rows.length === 1));
    }
    const usEach = ((performance.now() - reading) * 1000) / (reads * limits.eventBatchMax);
    t.diagnostic(`reading batches of ${limits.eventBatchMax}: ${usEach.toFixed(1)} us for each owner`);

    const listing = performance.now();
    let seen = 0;
    let after: EnabledKey | undefined;
    do {
      const page = await store.scan(after, pageRows);
      const last = page.at(-1);
      after = last === undefined || page.length < pageRows ? undefined : keyOf(last);
      seen += page.length;
    } while (after !== undefined);
    assert.equal(seen, total);
    t.diagnostic(`listing: ${perSecond(total, listing)} rows/s`);
    await store.close();
  });
}

function perSecond(rows: number, sinceMs: number): string {
  return ((rows * 1000) / (performance.now() - sinceMs)).toFixed(0);
}
