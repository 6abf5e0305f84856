// Thread: main
/** The store of enabled registrations in the words of MySQL and MariaDB. */
import { domainPattern, extraTable } from './enabled-statements.ts';
import { pushTable } from './push-table.ts';
import { limits } from '../../core/limits.ts';
import type { EnabledStatements, KeyColumns } from './enabled-statements.ts';
import type { PushTable } from './push-table.ts';
import type { SqlStatement, SqlValue } from './sql-connection.ts';

/**
 * The columns of MongooseIM's table may fold case, and ignore spaces at the end: its index finds what looks alike, and
 * the bytes then decide.
 */
function bytes(column: string): string {
  return `CAST(CONVERT(${column} USING utf8mb4) AS BINARY)`;
}

const exactKey = ['owner_jid', 'node', 'pubsub_jid'].map((name) => `${name} = ? AND ${bytes(name)} = ?`).join(' AND ');
const ownKey = 'owner_jid = ? AND node = ? AND pubsub_jid = ?';
const mysqlColumns = `e.owner_jid, e.pubsub_jid, e.node, CAST(e.form AS CHAR), e.created_at, CAST(x.extra AS CHAR)`;
const mysqlExtra = `LEFT JOIN ${extraTable} x ON x.owner_jid = ${bytes('e.owner_jid')} AND x.node = ${bytes('e.node')}
  AND x.pubsub_jid = ${bytes('e.pubsub_jid')} AND x.created_at = e.created_at`;

export const mysqlEnabled = (table: PushTable): EnabledStatements => ({
  read: (owners) => ({
    text: `SELECT ${mysqlColumns} FROM (
        SELECT owner_jid, node, pubsub_jid, form, created_at,
          ROW_NUMBER() OVER (PARTITION BY owner_jid ORDER BY created_at DESC) AS place
        FROM ${pushTable} WHERE owner_jid IN (?)) AS e
      ${mysqlExtra} WHERE e.place <= ?`,
    values: [owners, limits.enabledPerOwnerMax],
  }),
  put(rows) {
    const extras = rows.filter((row) => row.extra !== '');
    const without = rows.filter((row) => row.extra === '');
    const statements: SqlStatement[] = [
      {
        text: `INSERT INTO ${pushTable} (owner_jid, node, pubsub_jid, form, created_at) VALUES ?
          ON DUPLICATE KEY UPDATE owner_jid = VALUES(owner_jid), node = VALUES(node), pubsub_jid = VALUES(pubsub_jid),
            form = VALUES(form), created_at = VALUES(created_at)`,
        values: [rows.map((row) => [row.owner, row.node, row.service, row.form, row.createdAt])],
      },
    ];
    if (extras.length > 0) {
      statements.push({
        text: `INSERT INTO ${extraTable} (owner_jid, node, pubsub_jid, extra, created_at) VALUES ?
          ON DUPLICATE KEY UPDATE extra = VALUES(extra), created_at = VALUES(created_at)`,
        values: [extras.map((row) => [row.owner, row.node, row.service, row.extra, row.createdAt])],
      });
    }
    if (without.length > 0) statements.push(mysqlRemove(extraTable, ownKey, without));
    return statements;
  },
  remove: (keys) => [mysqlRemove(pushTable, exactKey, keys), mysqlRemove(extraTable, ownKey, keys)],
  removeOwners: (owners) => [
    {
      text: `DELETE FROM ${pushTable} WHERE owner_jid IN (?) AND ${bytes('owner_jid')} IN (?)`,
      values: [owners, owners],
    },
    { text: `DELETE FROM ${extraTable} WHERE owner_jid IN (?)`, values: [owners] },
  ],
  removeDomain: (domain) =>
    [bytes('owner_jid'), 'owner_jid'].map((owner, index) => ({
      text: `DELETE FROM ${index === 0 ? pushTable : extraTable} WHERE ${owner} LIKE ? ESCAPE '$' OR ${owner} = ?`,
      values: [domainPattern(domain), domain],
    })),
  scan: mysqlScan,
  count: () => ({ text: `SELECT COUNT(*) FROM ${pushTable}`, values: [] }),
  removeOrphans(before) {
    const [charset = ''] = table.ownerCollation.split('_');
    return {
      text: `DELETE x FROM ${extraTable} x LEFT JOIN ${pushTable} e
          ON e.owner_jid = CONVERT(x.owner_jid USING ${charset}) COLLATE ${table.ownerCollation}
          AND ${bytes('e.owner_jid')} = x.owner_jid AND ${bytes('e.node')} = x.node
          AND ${bytes('e.pubsub_jid')} = x.pubsub_jid AND e.created_at = x.created_at
        WHERE x.created_at < ? AND e.owner_jid IS NULL`,
      values: [before],
    };
  },
});

function mysqlRemove(name: string, condition: string, keys: readonly KeyColumns[]): SqlStatement {
  const isTwice = condition === exactKey;
  const values = keys.flatMap(({ owner, node, service }) =>
    isTwice ? [owner, owner, node, node, service, service] : [owner, node, service],
  );
  return { text: `DELETE FROM ${name} WHERE ${keys.map(() => `(${condition})`).join(' OR ')}`, values };
}

function mysqlScan(after: KeyColumns | undefined, limit: number): SqlStatement {
  const [from, rest] =
    after === undefined ? ['', ''] : ['WHERE owner_jid >= ?', 'WHERE (e.owner_jid, e.pubsub_jid, e.node) > (?, ?, ?)'];
  return {
    text: `SELECT ${mysqlColumns}
      FROM (SELECT DISTINCT owner_jid FROM ${pushTable} ${from} ORDER BY owner_jid LIMIT ?) AS next
      JOIN ${pushTable} e ON e.owner_jid = next.owner_jid ${mysqlExtra} ${rest}
      ORDER BY e.owner_jid, e.pubsub_jid, e.node LIMIT ?`,
    values: [...(after === undefined ? [] : [after.owner]), limit + 1, ...keyOf(after), limit],
  };
}

function keyOf(key: KeyColumns | undefined): readonly SqlValue[] {
  return key === undefined ? [] : [key.owner, key.service, key.node];
}
