// Thread: main
/**
 * Connections to PostgreSQL by `pg`. Statements are not prepared by name, so that a pooler between us and the server
 * need not keep them.
 */
import { limits } from '../../core/limits.ts';
import { sqlTrouble } from './sql-connection.ts';
import type { DatabaseAddress } from './database-address.ts';
import type { OpenedConnection, SqlDriver, SqlResult, SqlStatement } from './sql-connection.ts';
import type { Client } from 'pg';

/** Resolves when the package is loaded: it is read on first use only. */
export async function postgresDriver(address: DatabaseAddress): Promise<SqlDriver> {
  const { Client: ClientClass } = await import('pg');
  return {
    async connect(socket, lost) {
      const client = new ClientClass({
        host: address.host,
        port: address.port,
        user: address.user,
        password: address.password,
        database: address.name,
        // Everything is said here, so that PGOPTIONS and the like in the environment change nothing.
        options: '',
        ssl: address.ca === '' ? false : { ca: address.ca, rejectUnauthorized: true },
        stream: () => socket,
        keepAlive: true,
        keepAliveInitialDelayMillis: limits.socketKeepaliveMs,
      });
      client.on('error', lost);
      client.on('end', lost);
      await client.connect();
      // What a query asks of the server ends there too, soon after nobody waits for it any more.
      await client.query(`SET statement_timeout = ${limits.databaseWholeTableMs}`);
      return opened(client);
    },
  };
}

function opened(client: Client): OpenedConnection {
  return {
    send: (statement) => send(client, statement),
    leave() {
      // A server that is gone does not take the farewell: nobody needs to know.
      client.end().catch(() => undefined);
    },
  };
}

async function send(client: Client, { text, values }: SqlStatement): Promise<SqlResult> {
  try {
    const result = await client.query<unknown[]>({ text, values: [...values], rowMode: 'array' });
    return { rows: result.rows, changed: result.rowCount ?? 0 };
  } catch (error) {
    throw sqlTrouble(error);
  }
}
