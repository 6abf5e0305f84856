// Thread: main
/**
 * MongooseIM's table of enabled registrations, `event_pusher_push_subscription` (mongooseim 2.6): how it is made, and
 * whether one that is there is what we and MongooseIM expect. MongooseIM inserts by position: five columns in this
 * order.
 */
import { unreachable } from '../../core/assert.ts';
import { EngineError } from '../../core/errors.ts';
import { isMariaDB } from './mysql-driver.ts';
import type { SqlDialect } from './database-address.ts';
import type { SqlDatabase } from './database.ts';
import type { SqlConnection, SqlResult } from './sql-connection.ts';

export const pushTable = 'event_pusher_push_subscription';

/** What differs from one database to another. */
export interface PushTable {
  /** Characters that fit. */
  readonly charsMax: { readonly owner: number; readonly service: number; readonly node: number };
  /** Of `owner_jid`. */
  readonly ownerCollation: string;
}

interface Column {
  readonly name: string;
  /** Without its width. */
  readonly type: string;
  readonly charsMax: number;
  readonly collation: string;
}

const keyTypes = ['character varying', 'text', 'varchar'];
const wanted: readonly { readonly name: string; readonly types: readonly string[] }[] = [
  { name: 'owner_jid', types: keyTypes },
  { name: 'node', types: keyTypes },
  { name: 'pubsub_jid', types: keyTypes },
  // MariaDB's JSON is a longtext with a check.
  { name: 'form', types: ['json', 'jsonb', 'longtext'] },
  { name: 'created_at', types: ['bigint'] },
];

/** Statements that make the table if there is none. Compared byte by byte, as nodes and JIDs are. */
export async function createPushTable(dialect: SqlDialect, connection: SqlConnection): Promise<readonly string[]> {
  switch (dialect) {
    case 'postgres': {
      const { rows } = await connection.query({ text: 'SELECT to_regclass($1)', values: [pushTable] });
      if (rows[0]?.[0] !== null) return [];
      return [
        `CREATE TABLE ${pushTable} (${columns(' COLLATE "C"')})`,
        `CREATE INDEX i_${pushTable} ON ${pushTable} (owner_jid)`,
      ];
    }
    case 'mysql': {
      const { rows } = await connection.query({ text: 'SELECT VERSION()', values: [] });
      // Both compare bytes and keep spaces at the end, which utf8mb4_bin passes over.
      const collation = isMariaDB(rows) ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
      return [
        `CREATE TABLE IF NOT EXISTS ${pushTable} (${columns('')}, INDEX i_${pushTable} (owner_jid))
         ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE ${collation} ROW_FORMAT=DYNAMIC`,
      ];
    }
    default:
      return unreachable(dialect);
  }
}

function columns(collation: string): string {
  return `owner_jid VARCHAR(250)${collation}, node VARCHAR(250)${collation}, pubsub_jid VARCHAR(250)${collation},
    form JSON NOT NULL, created_at BIGINT NOT NULL, PRIMARY KEY (owner_jid, node, pubsub_jid)`;
}

/** @throws EngineError E_STORE_IO: the table is not as MongooseIM makes it; the message says what is missing. */
export async function checkPushTable(database: SqlDatabase): Promise<PushTable> {
  const purpose = database.quick(`look at the table ${pushTable}`);
  const isPostgres = database.dialect === 'postgres';
  const found = columnsOf(await database.query(purpose, isPostgres ? postgresColumns : mysqlColumns));
  const keys = await database.query(purpose, isPostgres ? postgresKeys : mysqlKeys);
  const problems = wanted.flatMap(({ name, types }, index) => {
    const column = found.find((each) => each.name === name);
    if (column === undefined) return [`the column ${name} is missing`];
    if (!types.includes(column.type)) return [`the column ${name} is ${column.type}, not ${types.join(' or ')}`];
    return found[index] === column ? [] : [`the column ${name} is not the ${index + 1}. one`];
  });
  if (found.length > wanted.length) problems.push(`it has ${found.length} columns, not ${wanted.length}`);
  // What MongooseIM's statements and ours rely on to replace a row; in whichever order.
  if (!keys.rows.some(([names]) => names === 'node,owner_jid,pubsub_jid')) {
    problems.push('the primary key (owner_jid, node, pubsub_jid) is missing');
  }
  if (problems.length > 0) {
    throw new EngineError(
      'E_STORE_IO',
      `the table ${pushTable} is not as MongooseIM makes it: ${problems.join(', ')}; use another database or mend it`,
    );
  }
  const charsMax = (name: string): number => found.find((column) => column.name === name)?.charsMax ?? 0;
  return {
    charsMax: { owner: charsMax('owner_jid'), service: charsMax('pubsub_jid'), node: charsMax('node') },
    ownerCollation: found[0]?.collation ?? '',
  };
}

function columnsOf({ rows }: SqlResult): readonly Column[] {
  return rows.map(([name, type, charsMax, collation]) => ({
    name: String(name),
    type: String(type).toLowerCase(),
    charsMax: charsMax === null ? Number.MAX_SAFE_INTEGER : Number(charsMax),
    collation: String(collation),
  }));
}

const postgresColumns = {
  text: `SELECT a.attname::text, regexp_replace(format_type(a.atttypid, a.atttypmod), '\\(.*', ''),
      CASE WHEN a.atttypmod > 4 THEN a.atttypmod - 4 END,
      c.collname::text
    FROM pg_attribute a LEFT JOIN pg_collation c ON c.oid = a.attcollation
    WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum`,
  values: [pushTable],
};

const postgresKeys = {
  text: `SELECT string_agg(a.attname::text, ',' ORDER BY a.attname::text COLLATE "C")
    FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
    WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indpred IS NULL GROUP BY i.indexrelid`,
  values: [pushTable],
};

const mysqlColumns = {
  text: `SELECT column_name, data_type, CASE WHEN data_type = 'varchar' THEN character_maximum_length END,
      collation_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?
    ORDER BY ordinal_position`,
  values: [pushTable],
};

const mysqlKeys = {
  text: `SELECT GROUP_CONCAT(column_name ORDER BY column_name)
    FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = ? AND non_unique = 0 GROUP BY index_name`,
  values: [pushTable],
};
