// Thread: main
/**
 * One connection to a database, as the pool and the stores see it: one statement at a time, rows as arrays of columns.
 * What a driver says in its errors may hold values of rows, addresses and users: only its code goes on from here.
 */
import type { Socket } from 'node:net';

/** Nothing else: the MySQL driver would write an object as conditions. */
export type SqlValue = string | number | null | readonly SqlValue[];

export interface SqlStatement {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

export interface SqlResult {
  /** Columns in the order of the statement. */
  readonly rows: readonly (readonly unknown[])[];
  /** Rows inserted, updated or deleted. */
  readonly changed: number;
}

/** A statement or connection has failed. `code`: SQLSTATE, the server's name of the error, or the system's. */
export class SqlTrouble extends Error {
  override readonly name = 'SqlTrouble';
  readonly code: string;

  constructor(code: string) {
    super(`the database says ${code}`);
    this.code = code;
  }
}

/** The code of what a driver has thrown, and nothing else of it. */
export function sqlTrouble(error: unknown): SqlTrouble {
  if (error instanceof SqlTrouble) return error;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return new SqlTrouble(typeof code === 'string' && /^\w{1,64}$/.test(code) ? code : 'an error without a code');
}

export interface SqlConnection {
  /** @throws SqlTrouble (rejects) */
  query(statement: SqlStatement): Promise<SqlResult>;
}

/** One engine's way to connect and to log in. */
export interface SqlDriver {
  /** Never takes longer than the socket lives: whoever gave up destroys it. */
  connect(socket: Socket, lost: () => void): Promise<OpenedConnection>;
}

export interface OpenedConnection {
  readonly send: (statement: SqlStatement) => Promise<SqlResult>;
  /** Says goodbye; the server then ends the connection. */
  readonly leave: () => void;
}

/**
 * A connection of the pool. Whatever happens to the socket, a query that waits is rejected in the same turn: the
 * drivers differ in when, and whether, they say so.
 */
export class PooledConnection implements SqlConnection {
  readonly #socket: Socket;
  readonly #opened: OpenedConnection;
  #rejectQuery: ((error: SqlTrouble) => void) | undefined;
  #isLost = false;

  constructor(socket: Socket, opened: OpenedConnection) {
    this.#socket = socket;
    this.#opened = opened;
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  query(statement: SqlStatement): Promise<SqlResult> {
    if (this.#isLost) return Promise.reject(new SqlTrouble('connection_lost'));
    return new Promise((resolve, reject) => {
      this.#rejectQuery = reject;
      this.#opened.send(statement).then(
        (result) => {
          this.#rejectQuery = undefined;
          resolve(result);
        },
        (error: unknown) => {
          this.#rejectQuery = undefined;
          reject(sqlTrouble(error));
        },
      );
    });
  }

  /** At once. A statement that the server has begun may still be done by it. */
  destroy(code: string): void {
    this.#isLost = true;
    this.#socket.destroy();
    this.#rejectQuery?.(new SqlTrouble(code));
    this.#rejectQuery = undefined;
  }

  leave(): void {
    this.#isLost = true;
    this.#opened.leave();
  }
}
