// Thread: main
/**
 * What one batch sees of its shard: the rows it read at once, with the changes of its earlier commands on top. Rows
 * that could not be read stay apart, so that one corrupt row costs only the commands that need it.
 */
import type { BareJID, NodeId } from '../core/ids.ts';
import type { Registration } from '../core/registration.ts';

/** `unreadable`: the store failed for this one. */
export type Found<T> = T | 'unreadable';

export class BatchView {
  readonly #rows = new Map<NodeId, Found<Registration | undefined>>();
  readonly #owners = new Map<BareJID, Found<readonly Registration[]>>();
  readonly #changed = new Map<NodeId, Registration>();
  readonly #removed = new Set<NodeId>();

  readNode(node: NodeId, row: Found<Registration | undefined>): void {
    this.#rows.set(node, row);
  }

  readOwner(owner: BareJID, rows: Found<readonly Registration[]>): void {
    this.#owners.set(owner, rows);
  }

  row(node: NodeId): Found<Registration | undefined> {
    return this.#changed.get(node) ?? this.#rows.get(node);
  }

  /** With the changes of this batch; only for an owner that was read. */
  rowsOf(owner: BareJID): Found<readonly Registration[]> {
    const read = this.#owners.get(owner) ?? [];
    if (read === 'unreadable') return read;
    const rows = read.filter((row) => !this.#changed.has(row.node) && !this.#removed.has(row.node));
    for (const row of this.#changed.values()) if (row.owner === owner) rows.push(row);
    return rows;
  }

  /** An earlier command of this batch has changed it: what depends on it waits for the commit. */
  isChanged(node: NodeId): boolean {
    return this.#changed.has(node);
  }

  change(row: Registration): void {
    this.#changed.set(row.node, row);
  }

  /** Tombstones only: a row that this batch has made or changed stays. */
  remove(nodes: readonly NodeId[]): void {
    for (const node of nodes) this.#removed.add(node);
  }

  get changes(): readonly Registration[] {
    return [...this.#changed.values()];
  }

  get removals(): readonly NodeId[] {
    return [...this.#removed].filter((node) => !this.#changed.has(node));
  }
}
