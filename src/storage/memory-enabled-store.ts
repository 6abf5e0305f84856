// Thread: main
/**
 * Enabled registrations in memory: for tests, the simulator, and servers whose clients enable push at each connect
 * anyway. Bounded in rows, because there is no file whose size could be bounded.
 */
import { EngineError } from '../core/errors.ts';
import { domainOf } from '../core/jid.ts';
import { changedRows, changesByOwner, compareAsBytes, compareKeys } from './enabled-changes.ts';
import type { EnabledRegistration } from '../core/enabled.ts';
import type { EnabledChange, EnabledKey, EnabledRows, EnabledStore } from './enabled-store.ts';
import type { BareJID } from '../core/ids.ts';

const none: readonly EnabledRegistration[] = Object.freeze([]);

export class MemoryEnabledStore implements EnabledStore {
  readonly #rowsMax: number;
  readonly #ofOwner = new Map<BareJID, readonly EnabledRegistration[]>();
  #rows = 0;
  /** Owners in order, for `scan`; made anew after an owner came or went. */
  #order: readonly BareJID[] | undefined;
  #isClosed = false;

  /** @param rowsMax past it a write fails with E_STORE_IO. */
  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax;
  }

  readMany(owners: readonly BareJID[]): readonly EnabledRows[] {
    this.#checkOpen();
    return owners.map((owner) => this.#ofOwner.get(owner) ?? none);
  }

  async writeMany(changes: readonly EnabledChange[]): Promise<void> {
    this.#checkOpen();
    const after = new Map<BareJID, readonly EnabledRegistration[]>();
    let rows = this.#rows;
    for (const [owner, ofOwner] of changesByOwner(changes)) {
      const before = this.#ofOwner.get(owner) ?? none;
      const changed = changedRows(before, ofOwner);
      after.set(owner, changed);
      rows += changed.length - before.length;
    }
    if (rows > this.#rowsMax && rows > this.#rows) {
      throw new EngineError(
        'E_STORE_IO',
        `the memory store holds ${this.#rows} of at most ${this.#rowsMax} rows; raise registrations.mapBytes`,
      );
    }
    for (const [owner, changed] of after) this.#put(owner, changed);
  }

  async removeOwners(owners: readonly BareJID[]): Promise<number> {
    this.#checkOpen();
    const before = this.#rows;
    for (const owner of owners) this.#put(owner, none);
    return before - this.#rows;
  }

  async removeDomain(domain: string): Promise<number> {
    this.#checkOpen();
    return this.removeOwners([...this.#ofOwner.keys()].filter((owner) => domainOf(owner) === domain));
  }

  async scan(after: EnabledKey | undefined, limit: number): Promise<readonly EnabledRegistration[]> {
    this.#checkOpen();
    this.#order ??= [...this.#ofOwner.keys()].toSorted(compareAsBytes);
    const found: EnabledRegistration[] = [];
    for (let at = after === undefined ? 0 : firstFrom(this.#order, after.owner); at < this.#order.length; at++) {
      const owner = this.#order[at];
      const rows = owner === undefined ? none : (this.#ofOwner.get(owner) ?? none);
      for (const row of rows.toSorted(compareKeys)) {
        if (found.length === limit) return found;
        if (after === undefined || compareKeys(row, after) > 0) found.push(row);
      }
    }
    return found;
  }

  async count(): Promise<number> {
    this.#checkOpen();
    return this.#rows;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#ofOwner.clear();
    this.#order = undefined;
  }

  #put(owner: BareJID, rows: readonly EnabledRegistration[]): void {
    const before = this.#ofOwner.get(owner)?.length ?? 0;
    this.#rows += rows.length - before;
    if ((before === 0) !== (rows.length === 0)) this.#order = undefined;
    if (rows.length === 0) this.#ofOwner.delete(owner);
    else this.#ofOwner.set(owner, rows);
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new EngineError('E_STORE_IO', 'the store of enabled registrations is closed');
  }
}

/** The place of the first owner that is not before this one. */
function firstFrom(order: readonly BareJID[], owner: BareJID): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = order[middle];
    if (at !== undefined && compareAsBytes(at, owner) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
