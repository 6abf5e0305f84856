// Thread: main
/**
 * Writes rows that come from elsewhere into a store of enabled registrations, so that doing it twice changes nothing,
 * and an old file takes nothing back: what the store has newer stays.
 */
import type { EnabledRegistration } from '../core/enabled.ts';
import type { EnabledChange, EnabledStore } from '../storage/enabled-store.ts';
import type { ReadRow } from './enabled-rows.ts';

export interface WriteCounts {
  readonly written: number;
  /** The store has the same row. */
  readonly unchanged: number;
  /** The store has a newer row of the same key, which stays. */
  readonly older: number;
}

/** Resolves when the rows are durable. Rejects as the store does; then none of them is. */
export async function writeRows(store: EnabledStore, rows: readonly ReadRow[]): Promise<WriteCounts> {
  const known = await knownRows(store, rows);
  const puts = new Map<string, EnabledChange>();
  const counts = { written: 0, unchanged: 0, older: 0 };
  for (const { row, isDated } of rows) {
    const key = keyText(row);
    const before = known.get(key);
    if (before !== undefined && isSame(before, row, isDated)) counts.unchanged += 1;
    else if (before !== undefined && isDated && before.enabledAtMs > row.enabledAtMs) counts.older += 1;
    else {
      counts.written += 1;
      known.set(key, row);
      puts.set(key, { kind: 'put', row });
    }
  }
  if (puts.size > 0) await store.writeMany([...puts.values()]);
  return counts;
}

async function knownRows(store: EnabledStore, rows: readonly ReadRow[]): Promise<Map<string, EnabledRegistration>> {
  const owners = [...new Set(rows.map(({ row }) => row.owner))];
  const known = new Map<string, EnabledRegistration>();
  for (const found of await store.readMany(owners)) {
    if (found === 'unreadable') continue;
    for (const row of found) known.set(keyText(row), row);
  }
  return known;
}

/** No part of a key holds a line feed. */
function keyText({ owner, service, node }: EnabledRegistration): string {
  return `${owner}\n${service}\n${node}`;
}

function isSame(before: EnabledRegistration, row: EnabledRegistration, isDated: boolean): boolean {
  const dated = isDated ? row : { ...row, enabledAtMs: before.enabledAtMs };
  return JSON.stringify(fieldsOf(before)) === JSON.stringify(fieldsOf(dated));
}

function fieldsOf({ options, session, preferences, enabledAtMs }: EnabledRegistration): readonly unknown[] {
  // A column of JSON may give fields back in an order of its own.
  return [options.map((option) => JSON.stringify(option)).toSorted(), session, preferences, enabledAtMs];
}
