// Thread: main
/** The store of enabled registrations in the words of PostgreSQL. Lists are arrays, so that a statement is one text. */
import { domainPattern, extraTable } from './enabled-statements.ts';
import { pushTable } from './push-table.ts';
import { limits } from '../../core/limits.ts';
import type { EnabledColumns } from './enabled-row.ts';
import type { EnabledStatements, KeyColumns } from './enabled-statements.ts';

// Beside each row by the index, whatever the planner thinks of an empty table. Collations are said because the two
// tables may have different ones, which PostgreSQL refuses to choose between.
const besides = `LEFT JOIN LATERAL (
  SELECT extra FROM ${extraTable} WHERE owner_jid = e.owner_jid COLLATE "C" AND node = e.node COLLATE "C"
    AND pubsub_jid = e.pubsub_jid COLLATE "C" AND created_at = e.created_at LIMIT 1) AS x ON true`;

export const postgresEnabled: EnabledStatements = {
  read: (owners) => ({
    text: `SELECT e.owner_jid, e.pubsub_jid, e.node, e.form::text, e.created_at, x.extra::text
      FROM unnest($1::text[]) AS asked(owner) CROSS JOIN LATERAL (
        SELECT * FROM ${pushTable} WHERE owner_jid = asked.owner ORDER BY created_at DESC LIMIT $2) AS e
      ${besides}`,
    values: [owners, limits.enabledPerOwnerMax],
  }),
  put(rows) {
    const extras = rows.filter((row) => row.extra !== '');
    const without = rows.filter((row) => row.extra === '');
    const created = (of: readonly EnabledColumns[]): readonly number[] => of.map((row) => row.createdAt);
    const statements = [
      {
        text: `INSERT INTO ${pushTable} (owner_jid, node, pubsub_jid, form, created_at)
          SELECT o, n, s, f::json, c FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
            AS given(o, n, s, f, c)
          ON CONFLICT (owner_jid, node, pubsub_jid)
            DO UPDATE SET form = EXCLUDED.form, created_at = EXCLUDED.created_at`,
        values: [...keyLists(rows), rows.map((row) => row.form), created(rows)],
      },
      {
        text: `INSERT INTO ${extraTable} (owner_jid, node, pubsub_jid, extra, created_at)
          SELECT o, n, s, f::json, c FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
            AS given(o, n, s, f, c)
          ON CONFLICT (owner_jid, node, pubsub_jid)
            DO UPDATE SET extra = EXCLUDED.extra, created_at = EXCLUDED.created_at`,
        values: [...keyLists(extras), extras.map((row) => row.extra), created(extras)],
      },
      { text: postgresRemove(extraTable), values: keyLists(without) },
    ];
    return statements.filter(({ values: [owners] }) => Array.isArray(owners) && owners.length > 0);
  },
  remove: (keys) => [pushTable, extraTable].map((name) => ({ text: postgresRemove(name), values: keyLists(keys) })),
  removeOwners: (owners) =>
    [pushTable, extraTable].map((name) => ({
      text: `DELETE FROM ${name} WHERE owner_jid = ANY($1)`,
      values: [owners],
    })),
  removeDomain: (domain) =>
    [pushTable, extraTable].map((name) => ({
      text: `DELETE FROM ${name} WHERE owner_jid LIKE $1 ESCAPE '$' OR owner_jid = $2`,
      values: [domainPattern(domain), domain],
    })),
  scan(after, limit) {
    const [from, rest] =
      after === undefined
        ? ['', '']
        : ['WHERE owner_jid >= $2', 'WHERE (e.owner_jid, e.pubsub_jid, e.node) > ($2, $3, $4)'];
    return {
      text: `SELECT e.owner_jid, e.pubsub_jid, e.node, e.form::text, e.created_at, x.extra::text
        FROM (SELECT DISTINCT owner_jid FROM ${pushTable} ${from} ORDER BY owner_jid LIMIT $1 + 1) AS next
        CROSS JOIN LATERAL (SELECT * FROM ${pushTable} WHERE owner_jid = next.owner_jid OFFSET 0) AS e
        ${besides} ${rest} ORDER BY e.owner_jid, e.pubsub_jid, e.node LIMIT $1`,
      values: [limit, ...(after === undefined ? [] : [after.owner, after.service, after.node])],
    };
  },
  count: () => ({ text: `SELECT count(*) FROM ${pushTable}`, values: [] }),
  removeOrphans: (before) => ({
    text: `DELETE FROM ${extraTable} x WHERE created_at < $1 AND NOT EXISTS (
      SELECT FROM ${pushTable} e WHERE e.owner_jid COLLATE "C" = x.owner_jid
        AND e.node COLLATE "C" = x.node AND e.pubsub_jid COLLATE "C" = x.pubsub_jid AND e.created_at = x.created_at)`,
    values: [before],
  }),
};

function postgresRemove(name: string): string {
  return `DELETE FROM ${name} USING unnest($1::text[], $2::text[], $3::text[]) AS given(o, n, s)
    WHERE owner_jid = o AND node = n AND pubsub_jid = s`;
}

function keyLists(rows: readonly KeyColumns[]): readonly (readonly string[])[] {
  return [rows.map((row) => row.owner), rows.map((row) => row.node), rows.map((row) => row.service)];
}
