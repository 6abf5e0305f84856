// Thread: main
/**
 * The port to where registrations are kept. Batch-shaped, so that synchronous LMDB and a remote database cost the same
 * number of awaits. One instance serves one shard. Every implementation passes test/conformance/store.ts.
 */
import type { BareJID, NodeId } from '../core/ids.ts';
import type { Registration } from '../core/registration.ts';

export interface RegistrationStore {
  /** One entry for each node, in order; `undefined` where there is no row. Dead rows are returned. */
  readMany(
    nodes: readonly NodeId[],
  ): Promise<readonly (Registration | undefined)[]> | readonly (Registration | undefined)[];
  /** Rows of this owner in this shard, oldest first, dead ones included. */
  readByOwner(owner: BareJID, limit: number): Promise<readonly Registration[]>;
  /** All rows in key order, after `after` (exclusive) if given: for listing, export and resharding. */
  scan(after: NodeId | undefined, limit: number): Promise<readonly Registration[]>;
  /**
   * Puts each row, replacing one with the same node. Durable (fsync) and visible to reads when it resolves; all or
   * none.
   */
  writeMany(rows: readonly Registration[]): Promise<void>;
  /** Removes rows for good, tombstones included; unknown nodes are ignored. Durable when it resolves. */
  removeMany(nodes: readonly NodeId[]): Promise<void>;
  /** Rows in this shard, dead ones included. */
  count(): Promise<number>;
  close(): Promise<void>;
}
