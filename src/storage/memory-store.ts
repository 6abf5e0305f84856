// Thread: main
/**
 * The store port in memory: for tests, the simulator, and engines whose registrations come again after a restart
 * anyway. Bounded in rows, because there is no file whose size could be bounded.
 */
import { EngineError } from '../core/errors.ts';
import type { RegistrationStore } from './registration-store.ts';
import type { BareJID, NodeId } from '../core/ids.ts';
import type { Registration } from '../core/registration.ts';

export class MemoryStore implements RegistrationStore {
  readonly #rowsMax: number;
  readonly #rows = new Map<NodeId, Registration>();
  readonly #ofOwner = new Map<BareJID, Set<NodeId>>();
  /** Names in order, for `scan`; made anew after a name came or went. */
  #order: readonly NodeId[] | undefined;

  /** @param rowsMax dead rows included; past it a write fails with E_STORE_IO. */
  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax;
  }

  readMany(nodes: readonly NodeId[]): readonly (Registration | undefined)[] {
    return nodes.map((node) => this.#rows.get(node));
  }

  async readByOwner(owner: BareJID, limit: number): Promise<readonly Registration[]> {
    const rows: Registration[] = [];
    for (const node of this.#ofOwner.get(owner) ?? []) {
      const row = this.#rows.get(node);
      if (row !== undefined) rows.push(row);
    }
    return rows.toSorted(byAge).slice(0, limit);
  }

  async scan(after: NodeId | undefined, limit: number): Promise<readonly Registration[]> {
    this.#order ??= [...this.#rows.keys()].toSorted();
    const from = after === undefined ? 0 : firstAfter(this.#order, after);
    const rows: Registration[] = [];
    for (const node of this.#order.slice(from, from + limit)) {
      const row = this.#rows.get(node);
      if (row !== undefined) rows.push(row);
    }
    return rows;
  }

  async writeMany(rows: readonly Registration[]): Promise<void> {
    const added = new Set<NodeId>();
    for (const row of rows) if (!this.#rows.has(row.node)) added.add(row.node);
    if (this.#rows.size + added.size > this.#rowsMax) {
      throw new EngineError(
        'E_STORE_IO',
        `the memory store holds ${this.#rows.size} of at most ${this.#rowsMax} rows; raise registrations.mapBytes`,
      );
    }
    if (added.size > 0) this.#order = undefined;
    for (const row of rows) {
      this.#forgetOwner(row.node);
      this.#rows.set(row.node, row);
      const nodes = this.#ofOwner.get(row.owner);
      if (nodes === undefined) this.#ofOwner.set(row.owner, new Set([row.node]));
      else nodes.add(row.node);
    }
  }

  async removeMany(nodes: readonly NodeId[]): Promise<void> {
    for (const node of nodes) {
      this.#forgetOwner(node);
      if (this.#rows.delete(node)) this.#order = undefined;
    }
  }

  async count(): Promise<number> {
    return this.#rows.size;
  }

  async close(): Promise<void> {
    this.#rows.clear();
    this.#ofOwner.clear();
    this.#order = undefined;
  }

  #forgetOwner(node: NodeId): void {
    const row = this.#rows.get(node);
    if (row === undefined) return;
    const nodes = this.#ofOwner.get(row.owner);
    nodes?.delete(node);
    if (nodes?.size === 0) this.#ofOwner.delete(row.owner);
  }
}

function byAge(one: Registration, other: Registration): number {
  if (one.createdAtMs !== other.createdAtMs) return one.createdAtMs - other.createdAtMs;
  return one.node < other.node ? -1 : 1;
}

function firstAfter(order: readonly NodeId[], after: NodeId): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const node = order[middle];
    if (node !== undefined && node <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
