// Thread: main
/**
 * What the store of enabled registrations says to a database; each dialect in a file of its own. Reading gives owner,
 * service, node, form, created_at and extra, in this order.
 */
import type { EnabledColumns } from './enabled-row.ts';
import type { SqlStatement } from './sql-connection.ts';

export interface KeyColumns {
  readonly owner: string;
  readonly service: string;
  readonly node: string;
}

export interface EnabledStatements {
  /** The newest rows of each owner, `limits.enabledPerOwnerMax` at most; rows of look-alikes may be among them. */
  read(owners: readonly string[]): SqlStatement;
  /** Keys are all different; one statement for MongooseIM's table, then those for ours. */
  put(rows: readonly EnabledColumns[]): readonly SqlStatement[];
  /** The first one says how many rows there were; so do the next two. */
  remove(keys: readonly KeyColumns[]): readonly SqlStatement[];
  removeOwners(owners: readonly string[]): readonly SqlStatement[];
  removeDomain(domain: string): readonly SqlStatement[];
  /**
   * In the order of owner, service and node by the table's own collation: another one would sort the whole table for
   * each page. The owners of the next rows come first, by their index; then their rows, which alone are sorted.
   */
  scan(after: KeyColumns | undefined, limit: number): SqlStatement;
  count(): SqlStatement;
  /** What is left in our table of rows that somebody else has removed or replaced; microseconds since the epoch. */
  removeOrphans(before: number): SqlStatement;
}

/** MongooseIM's own escape (mongooseim 2.5); `LIKE` without it has another in each dialect and mode. */
export function domainPattern(domain: string): string {
  return `%@${domain.replaceAll(/[%_$]/g, (special) => `$${special}`)}`;
}

export const extraTable = 'meerkat_push_extra';
