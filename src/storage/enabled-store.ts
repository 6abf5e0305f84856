// Thread: main
/**
 * The port to where enabled registrations are kept, one instance for the engine. Batch-shaped, so that synchronous LMDB
 * and a remote database cost the same number of awaits. Nothing of it is kept in memory. Every implementation passes
 * test/conformance/enabled-store.ts. Trouble rejects (or throws, where the answer is synchronous) with EngineError
 * E_STORE_IO or E_STORE_ROW_CORRUPT.
 */
import type { EnabledRegistration } from '../core/enabled.ts';
import type { BareJID, NodeId } from '../core/ids.ts';

export interface EnabledKey {
  readonly owner: BareJID;
  readonly service: BareJID;
  readonly node: NodeId;
}

/** `put` replaces a row of the same key; `remove` of an unknown key does nothing. */
export type EnabledChange =
  { readonly kind: 'put'; readonly row: EnabledRegistration } | { readonly kind: 'remove'; readonly key: EnabledKey };

/** The rows of one owner, oldest first; `unreadable`: a record that cannot be decoded, which costs this owner only. */
export type EnabledRows = readonly EnabledRegistration[] | 'unreadable';

/** Told of a record that a scan passes over: the owner's hash for people. */
export type OnUnreadable = (ownerHash: string) => void;

export interface EnabledStore {
  /**
   * Why this store can never keep a row of this key, in words for whoever enables it; `''` if it can. Absent: it keeps
   * all. A row that is put nevertheless makes `writeMany` reject.
   */
  rowProblem?(key: EnabledKey): string;
  /**
   * One entry for each owner, in order; empty where nothing is enabled. At most `limits.enabledPerOwnerMax` each, the
   * newest ones: an older one that was put may be gone, or may be left out.
   */
  readMany(owners: readonly BareJID[]): Promise<readonly EnabledRows[]> | readonly EnabledRows[];
  /**
   * In order; durable (fsync) and visible to reads when it resolves; all or none. A row put to an owner whose record is
   * unreadable starts him anew.
   */
  writeMany(changes: readonly EnabledChange[]): Promise<void>;
  /** All rows of these owners; resolves to how many there were. */
  removeOwners(owners: readonly BareJID[]): Promise<number>;
  /**
   * All rows of owners in exactly this domain; resolves to how many there were. Done in several transactions: what was
   * removed before a failure stays removed.
   */
  removeDomain(domain: string): Promise<number>;
  /**
   * Rows in key order (owner, service, node, compared as bytes; a table that MongooseIM has made: by its collation),
   * after `after` (exclusive) if given; fewer than `limit` only at the end. An unreadable record is told to
   * `unreadable` and passed over; without that it rejects.
   */
  scan(
    after: EnabledKey | undefined,
    limit: number,
    unreadable?: OnUnreadable,
  ): Promise<readonly EnabledRegistration[]>;
  /** Rows; unreadable ones as they were counted when they were written. */
  count(): Promise<number>;
  /** Afterwards everything but `close` fails with E_STORE_IO. */
  close(): Promise<void>;
}
