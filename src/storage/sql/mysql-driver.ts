// Thread: main
/**
 * Connections to MySQL and MariaDB by `mysql2`. Values are written into the statement by the driver, which is right as
 * long as backslashes escape: therefore `sql_mode` is set, and not left to the server's configuration. Strict mode
 * makes a value that is too long an error; without it the server would cut it.
 */
import { limits } from '../../core/limits.ts';
import { sqlTrouble } from './sql-connection.ts';
import type { DatabaseAddress } from './database-address.ts';
import type { OpenedConnection, SqlDriver, SqlResult, SqlStatement } from './sql-connection.ts';
import type { Connection } from 'mysql2';

/** Resolves when the package is loaded: it is read on first use only. */
export async function mysqlDriver(address: DatabaseAddress): Promise<SqlDriver> {
  const { createConnection } = await import('mysql2');
  return {
    async connect(socket, lost) {
      socket.setNoDelay(true);
      socket.setKeepAlive(true, limits.socketKeepaliveMs);
      const connection = createConnection({
        user: address.user,
        password: address.password,
        database: address.name,
        host: address.host,
        // Without `verifyIdentity` any certificate of the authority would do, whichever host it names.
        ...(address.ca === '' ? {} : { ssl: { ca: address.ca, rejectUnauthorized: true, verifyIdentity: true } }),
        stream: () => socket.connect(address.port, address.host),
        charset: 'utf8mb4',
        jsonStrings: true,
        supportBigNumbers: true,
        // The pool has a limit of its own, over the log-in too.
        connectTimeout: 0,
      });
      connection.on('error', lost);
      connection.on('end', lost);
      await new Promise<void>((resolve, reject) => {
        connection.connect((error: unknown) => {
          if (error === null || error === undefined) resolve();
          else reject(sqlTrouble(error));
        });
      });
      await prepareSession(connection);
      return opened(connection);
    },
  };
}

async function prepareSession(connection: Connection): Promise<void> {
  const run = (text: string): Promise<SqlResult> => send(connection, { text, values: [] });
  // One snapshot for each statement, as in PostgreSQL: fewer gaps are locked, and so fewer writes meet.
  await run('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  const { rows } = await run("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'").then(() =>
    run('SELECT VERSION()'),
  );
  const seconds = limits.databaseWholeTableMs / 1000;
  // What a query asks of the server ends there too, soon after nobody waits for it any more.
  await run(
    isMariaDB(rows)
      ? `SET SESSION max_statement_time = ${seconds}`
      : `SET SESSION max_execution_time = ${limits.databaseWholeTableMs}`,
  );
}

/** @param rows of `SELECT VERSION()` */
export function isMariaDB(rows: SqlResult['rows']): boolean {
  return String(rows[0]?.[0]).includes('MariaDB');
}

function opened(connection: Connection): OpenedConnection {
  return {
    send: (statement) => send(connection, statement),
    leave() {
      connection.end(() => undefined);
    },
  };
}

function send(connection: Connection, { text, values }: SqlStatement): Promise<SqlResult> {
  return new Promise((resolve, reject) => {
    connection.query({ sql: text, values: [...values], rowsAsArray: true }, (error: unknown, result: unknown) => {
      if (error !== null && error !== undefined) reject(sqlTrouble(error));
      else if (Array.isArray(result)) resolve({ rows: result.filter((row) => Array.isArray(row)), changed: 0 });
      else resolve({ rows: [], changed: changedRows(result) });
    });
  });
}

function changedRows(header: unknown): number {
  const isHeader = typeof header === 'object' && header !== null && 'affectedRows' in header;
  return isHeader && typeof header.affectedRows === 'number' ? header.affectedRows : 0;
}
