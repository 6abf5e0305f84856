// Thread: main
/**
 * What one batch of the event actor sees of the enabled registrations: the rows of its owners, read at once, with the
 * changes of its earlier commands on top.
 */
import type { EnabledRegistration } from '../core/enabled.ts';
import type { BareJID } from '../core/ids.ts';
import type { EnabledChange, EnabledKey, EnabledRows } from '../storage/enabled-store.ts';

const nobody: readonly EnabledRegistration[] = Object.freeze([]);

export class EnabledView {
  readonly #rows = new Map<BareJID, EnabledRows>();
  readonly changes: EnabledChange[] = [];

  read(owner: BareJID, rows: EnabledRows): void {
    this.#rows.set(owner, rows);
  }

  rowsOf(owner: BareJID): EnabledRows {
    return this.#rows.get(owner) ?? nobody;
  }

  /** All of one owner. What could not be read is begun anew, as the store does it. */
  change(owner: BareJID, changes: readonly EnabledChange[]): void {
    if (changes.length === 0) return;
    const found = this.rowsOf(owner);
    let rows = found === 'unreadable' ? nobody : found;
    for (const change of changes) {
      this.changes.push(change);
      const { row, key } =
        change.kind === 'put' ? { row: change.row, key: change.row } : { row: undefined, key: change.key };
      rows = rows.filter((other) => !isSame(other, key));
      if (row !== undefined) rows = [...rows, row];
    }
    this.#rows.set(owner, rows);
  }
}

function isSame(row: EnabledRegistration, { service, node }: EnabledKey): boolean {
  return row.service === service && row.node === node;
}
