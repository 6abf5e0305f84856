// Thread: main
/**
 * A PostgreSQL, MySQL or MariaDB database for the stores: one pool for all of them, limits on every wait, and errors
 * that say what was tried and the server's code, never a value, a user or an address.
 */
import { EngineError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { ConnectionPool } from './connection-pool.ts';
import { databaseAddress } from './database-address.ts';
import { mysqlDriver } from './mysql-driver.ts';
import { postgresDriver } from './postgres-driver.ts';
import { SqlTrouble } from './sql-connection.ts';
import type { DatabaseConfig } from '../../../config/engine-config.ts';
import type { Clock } from '../../core/clock.ts';
import type { SqlDialect } from './database-address.ts';
import type { SqlConnection, SqlResult, SqlStatement } from './sql-connection.ts';

/** `what`: the end of "could not ...", in the errors. */
export interface Purpose {
  readonly what: string;
  /** All of it, the wait for a connection included, ms. */
  readonly waitMs: number;
}

export class SqlDatabase {
  readonly dialect: SqlDialect;
  readonly clock: Clock;
  readonly #pool: ConnectionPool;
  readonly #queryMs: number;

  constructor(pool: ConnectionPool, options: { dialect: SqlDialect; clock: Clock; queryMs: number }) {
    this.#pool = pool;
    this.dialect = options.dialect;
    this.clock = options.clock;
    this.#queryMs = options.queryMs;
  }

  /** For what looks at few rows by their keys: `database.query_ms`. */
  quick(what: string): Purpose {
    return { what, waitMs: this.#queryMs };
  }

  /** For what has to look at whole tables. */
  slow(what: string): Purpose {
    return { what, waitMs: Math.max(this.#queryMs, limits.databaseWholeTableMs) };
  }

  /** @throws EngineError E_STORE_IO */
  query(purpose: Purpose, statement: SqlStatement): Promise<SqlResult> {
    return this.#run(purpose, (connection) => connection.query(statement));
  }

  /**
   * All or nothing; begun anew a few times when another transaction stood in its way.
   *
   * @throws EngineError E_STORE_IO: nothing was done, unless the connection was lost while committing.
   */
  async transaction<T>(purpose: Purpose, work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    return await this.#run(purpose, async (connection) => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await inTransaction(connection, work);
        } catch (error) {
          if (attempt === limits.databaseAttemptsMax || !isConflict(error)) throw error;
        }
      }
    });
  }

  /** One connection for several statements, without a transaction. @throws EngineError E_STORE_IO */
  withConnection<T>(purpose: Purpose, work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    return this.#run(purpose, work);
  }

  /** Connections that are open, and calls that wait for one. */
  get figures(): ConnectionPool['figures'] {
    return this.#pool.figures;
  }

  /** Waits for what is under way, `query_ms` at most. */
  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #run<T>(purpose: Purpose, work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    try {
      return await this.#pool.run(work, purpose.waitMs);
    } catch (error) {
      if (!(error instanceof SqlTrouble)) throw error;
      throw new EngineError('E_STORE_IO', `the database could not ${purpose.what}: ${explained(error.code, purpose)}`);
    }
  }
}

/** Loads the driver and makes the pool; connections are made when they are needed. */
export async function connectDatabase(config: DatabaseConfig, clock: Clock): Promise<SqlDatabase> {
  const address = databaseAddress(config);
  const driver = await (address.dialect === 'postgres' ? postgresDriver(address) : mysqlDriver(address));
  const { connections, queryMs } = config;
  const pool = new ConnectionPool({ driver, clock, connections, connectMs: queryMs });
  return new SqlDatabase(pool, { dialect: address.dialect, clock, queryMs });
}

async function inTransaction<T>(
  connection: SqlConnection,
  work: (connection: SqlConnection) => Promise<T>,
): Promise<T> {
  await connection.query({ text: 'BEGIN', values: [] });
  try {
    const result = await work(connection);
    await connection.query({ text: 'COMMIT', values: [] });
    return result;
  } catch (error) {
    // On a connection that is lost this fails too, and the server rolls back by itself.
    await connection.query({ text: 'ROLLBACK', values: [] }).catch(() => undefined);
    throw error;
  }
}

/** Serialization failure and deadlock, of PostgreSQL and of MySQL. */
const conflicts = new Set(['40001', '40P01', 'ER_LOCK_DEADLOCK']);

function isConflict(error: unknown): boolean {
  return error instanceof SqlTrouble && conflicts.has(error.code);
}

const explanations: Readonly<Record<string, string>> = {
  overloaded: `${limits.databaseWaitersMax} calls wait for a connection already; raise database.connections`,
  connection_lost: 'the connection was lost',
  closed: 'it has been closed',
  ECONNREFUSED: 'nobody listens there (ECONNREFUSED); start it, or correct database.url',
  ENOTFOUND: 'its host is unknown (ENOTFOUND); correct database.url',
  CERT_SIGNATURE_FAILURE: 'no authority of database.ca_file has signed its certificate (CERT_SIGNATURE_FAILURE)',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host (ERR_TLS_CERT_ALTNAME_INVALID)',
  HANDSHAKE_SSL_ERROR: 'its certificate is not trusted (HANDSHAKE_SSL_ERROR); check database.ca_file and the host',
  HANDSHAKE_NO_SSL_SUPPORT: 'it offers no TLS (HANDSHAKE_NO_SSL_SUPPORT), which database.ca_file demands',
  '28P01': 'user or password is refused (28P01); correct database.url',
  '28000': 'the user is refused (28000); correct database.url',
  '3D000': 'there is no database of this name (3D000); correct database.url',
  '42501': 'the user lacks a privilege (42501); grant it',
  '22001': 'a value is longer than its column (22001)',
  ER_ACCESS_DENIED_ERROR: 'user or password is refused (ER_ACCESS_DENIED_ERROR); correct database.url',
  ER_DBACCESS_DENIED_ERROR: 'the user may not use this database (ER_DBACCESS_DENIED_ERROR); grant it',
  ER_BAD_DB_ERROR: 'there is no database of this name (ER_BAD_DB_ERROR); correct database.url',
  ER_TABLEACCESS_DENIED_ERROR: 'the user lacks a privilege (ER_TABLEACCESS_DENIED_ERROR); grant it',
  ER_DATA_TOO_LONG: 'a value is longer than its column (ER_DATA_TOO_LONG)',
};

function explained(code: string, purpose: Purpose): string {
  if (code === 'timeout') return `it took longer than ${purpose.waitMs} ms`;
  return Object.hasOwn(explanations, code) ? String(explanations[code]) : code;
}
