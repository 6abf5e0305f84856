// Thread: main
/**
 * What the store of push nodes says to a database, in each dialect. Reading gives node, owner, state, created_at_ms and
 * record, in this order.
 */
import { unreachable } from '../../core/assert.ts';
import type { SqlDialect } from './database-address.ts';
import type { RegistrationColumns } from './registration-row.ts';
import type { SqlStatement } from './sql-connection.ts';

/** The slots of one shard, both ends included. */
export interface SlotRange {
  readonly first: number;
  readonly last: number;
}

export interface RegistrationStatements {
  readMany(nodes: readonly string[]): SqlStatement;
  readByOwner(owner: string, limit: number): SqlStatement;
  /** In the order of the bytes of the node. */
  scan(after: string | undefined, limit: number): SqlStatement;
  /** Nodes are all different. */
  put(rows: readonly RegistrationColumns[]): SqlStatement;
  remove(nodes: readonly string[]): SqlStatement;
  count(): SqlStatement;
}

export function registrationStatements(dialect: SqlDialect, slots: SlotRange): RegistrationStatements {
  switch (dialect) {
    case 'postgres':
      return postgres(slots);
    case 'mysql':
      return mysql(slots);
    default:
      return unreachable(dialect);
  }
}

const table = 'meerkat_registration';

function postgres({ first, last }: SlotRange): RegistrationStatements {
  const select = `SELECT node, owner, state, created_at_ms, record::text FROM ${table}`;
  const ours = 'slot BETWEEN $1 AND $2';
  return {
    readMany: (nodes) => ({ text: `${select} WHERE node = ANY($1)`, values: [nodes] }),
    readByOwner: (owner, limit) => ({
      text: `${select} WHERE ${ours} AND owner = $3 ORDER BY created_at_ms, node LIMIT $4`,
      values: [first, last, owner, limit],
    }),
    scan: (after, limit) => ({
      text: `${select} WHERE ${ours} ${after === undefined ? '' : 'AND node > $4'} ORDER BY node LIMIT $3`,
      values: [first, last, limit, ...(after === undefined ? [] : [after])],
    }),
    put: (rows) => ({
      text: `INSERT INTO ${table} (node, slot, owner, state, created_at_ms, record)
        SELECT n, s, o, t, c, r::json FROM unnest(
          $1::text[], $2::smallint[], $3::text[], $4::text[], $5::bigint[], $6::text[]) AS given(n, s, o, t, c, r)
        ON CONFLICT (node) DO UPDATE SET slot = EXCLUDED.slot, owner = EXCLUDED.owner, state = EXCLUDED.state,
          created_at_ms = EXCLUDED.created_at_ms, record = EXCLUDED.record`,
      values: [0, 1, 2, 3, 4, 5].map((column) => rows.map((row) => row[column] ?? null)),
    }),
    remove: (nodes) => ({ text: `DELETE FROM ${table} WHERE node = ANY($1)`, values: [nodes] }),
    count: () => ({ text: `SELECT count(*) FROM ${table} WHERE ${ours}`, values: [first, last] }),
  };
}

function mysql({ first, last }: SlotRange): RegistrationStatements {
  // Keys are bytes, which the driver would hand out as such.
  const select = `SELECT CONVERT(node USING utf8mb4), CONVERT(owner USING utf8mb4), state, created_at_ms,
    CAST(record AS CHAR) FROM ${table}`;
  const ours = 'slot BETWEEN ? AND ?';
  return {
    readMany: (nodes) => ({ text: `${select} WHERE node IN (?)`, values: [nodes] }),
    readByOwner: (owner, limit) => ({
      text: `${select} WHERE ${ours} AND owner = ? ORDER BY created_at_ms, node LIMIT ?`,
      values: [first, last, owner, limit],
    }),
    scan: (after, limit) => ({
      text: `${select} FORCE INDEX (PRIMARY) WHERE ${ours} ${after === undefined ? '' : 'AND node > ?'}
        ORDER BY node LIMIT ?`,
      values: [first, last, ...(after === undefined ? [] : [after]), limit],
    }),
    put: (rows) => ({
      text: `INSERT INTO ${table} (node, slot, owner, state, created_at_ms, record) VALUES ?
        ON DUPLICATE KEY UPDATE slot = VALUES(slot), owner = VALUES(owner), state = VALUES(state),
          created_at_ms = VALUES(created_at_ms), record = VALUES(record)`,
      values: [rows],
    }),
    remove: (nodes) => ({ text: `DELETE FROM ${table} WHERE node IN (?)`, values: [nodes] }),
    count: () => ({ text: `SELECT COUNT(*) FROM ${table} WHERE ${ours}`, values: [first, last] }),
  };
}
