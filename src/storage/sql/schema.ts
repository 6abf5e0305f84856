// Thread: main
/**
 * The tables of ours, made by numbered migrations under a lock of the server, so that several processes may start at
 * once; and MongooseIM's table (mongooseim 2.6), which is made only where there is none, and otherwise looked at and
 * left as it is.
 */
import { EngineError } from '../../core/errors.ts';
import { createPushTable } from './push-table.ts';
import type { SqlDialect } from './database-address.ts';
import type { SqlDatabase } from './database.ts';
import type { SqlConnection } from './sql-connection.ts';

interface Migration {
  readonly version: number;
  readonly statements: Readonly<Record<SqlDialect, readonly string[]>>;
}

/**
 * A migration that has been released is never changed; the next one gets the next number. Keys are compared byte by
 * byte: collation "C" in PostgreSQL; bytes in MySQL, whose collations fold case, or ignore spaces at the end.
 */
const migrations: readonly Migration[] = [
  {
    version: 1,
    // Widths in bytes are those of 250 characters (mongooseim 2.6). `created_at` is the one of the row it belongs to.
    statements: {
      postgres: [
        `CREATE TABLE meerkat_push_extra (
          owner_jid VARCHAR(250) COLLATE "C" NOT NULL,
          node VARCHAR(250) COLLATE "C" NOT NULL,
          pubsub_jid VARCHAR(250) COLLATE "C" NOT NULL,
          created_at BIGINT NOT NULL,
          extra JSON NOT NULL,
          PRIMARY KEY (owner_jid, node, pubsub_jid))`,
        `CREATE TABLE meerkat_registration (
          node TEXT COLLATE "C" NOT NULL PRIMARY KEY,
          slot SMALLINT NOT NULL,
          owner TEXT COLLATE "C" NOT NULL,
          state VARCHAR(4) NOT NULL,
          created_at_ms BIGINT NOT NULL,
          record JSON NOT NULL)`,
        'CREATE INDEX meerkat_registration_owner ON meerkat_registration (owner, created_at_ms)',
        'CREATE INDEX meerkat_registration_slot ON meerkat_registration (slot)',
      ],
      mysql: [
        `CREATE TABLE IF NOT EXISTS meerkat_push_extra (
          owner_jid VARBINARY(1000) NOT NULL,
          node VARBINARY(1000) NOT NULL,
          pubsub_jid VARBINARY(1000) NOT NULL,
          created_at BIGINT NOT NULL,
          extra JSON NOT NULL,
          PRIMARY KEY (owner_jid, node, pubsub_jid)
        ) ENGINE=InnoDB CHARACTER SET utf8mb4 ROW_FORMAT=DYNAMIC`,
        `CREATE TABLE IF NOT EXISTS meerkat_registration (
          node VARBINARY(1024) NOT NULL PRIMARY KEY,
          slot SMALLINT NOT NULL,
          owner VARBINARY(2047) NOT NULL,
          state VARCHAR(4) NOT NULL,
          created_at_ms BIGINT NOT NULL,
          record JSON NOT NULL,
          INDEX meerkat_registration_owner (owner, created_at_ms),
          INDEX meerkat_registration_slot (slot)
        ) ENGINE=InnoDB CHARACTER SET utf8mb4 ROW_FORMAT=DYNAMIC`,
      ],
    },
  },
];

const newest = migrations.length;

/** "meerkat" as a number: advisory locks of PostgreSQL have no names. */
const lockNumber = 0x6d_65_65_72_6b;

/**
 * Brings the tables of ours up to date. Does nothing when they are.
 *
 * @throws EngineError E_STORE_IO: not possible, or a newer version of Meerkat has been here.
 */
export async function migrate(database: SqlDatabase): Promise<void> {
  await locked(database, async (connection) => {
    await run(
      connection,
      'CREATE TABLE IF NOT EXISTS meerkat_migration (version INTEGER PRIMARY KEY, applied_at_ms BIGINT NOT NULL)',
    );
    const { rows } = await connection.query({ text: 'SELECT MAX(version) FROM meerkat_migration', values: [] });
    const version = Number(rows[0]?.[0] ?? 0);
    if (version > newest) {
      throw new EngineError(
        'E_STORE_IO',
        `the database is of version ${version} and this program knows ${newest}; run the version that was here last`,
      );
    }
    for (const migration of migrations.slice(version)) {
      for (const text of migration.statements[database.dialect]) await run(connection, text);
      await run(
        connection,
        `INSERT INTO meerkat_migration VALUES (${migration.version}, ${Math.floor(database.clock.now())})`,
      );
    }
  });
}

/** Makes MongooseIM's table if there is none. */
export async function ensurePushTable(database: SqlDatabase): Promise<void> {
  await locked(database, async (connection) => {
    for (const text of await createPushTable(database.dialect, connection)) await run(connection, text);
  });
}

/**
 * One process at a time. PostgreSQL undoes what was begun when anything fails; MySQL commits after each statement, so
 * that its statements are such as can be run again.
 */
async function locked(database: SqlDatabase, work: (connection: SqlConnection) => Promise<void>): Promise<void> {
  const purpose = database.slow('prepare its tables');
  if (database.dialect === 'postgres') {
    await database.transaction(purpose, async (connection) => {
      await run(connection, `SELECT pg_advisory_xact_lock(${lockNumber})`);
      await work(connection);
    });
    return;
  }
  await database.withConnection(purpose, async (connection) => {
    // The name is one for the whole server, of 64 characters at most. The lock ends with the connection at the latest.
    const name = "CONCAT('meerkat.', MD5(DATABASE()))";
    const seconds = Math.ceil(purpose.waitMs / 1000);
    const { rows } = await connection.query({ text: `SELECT GET_LOCK(${name}, ${seconds})`, values: [] });
    if (Number(rows[0]?.[0]) !== 1) {
      throw new EngineError('E_STORE_IO', 'another process prepares the tables of the database and does not end');
    }
    try {
      await work(connection);
    } finally {
      await run(connection, `SELECT RELEASE_LOCK(${name})`);
    }
  });
}

async function run(connection: SqlConnection, text: string): Promise<void> {
  await connection.query({ text, values: [] });
}
