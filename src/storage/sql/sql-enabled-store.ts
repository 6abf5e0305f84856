// Thread: main
/**
 * Enabled registrations in MongooseIM's table, which MongooseIM may read and write at the same time (mongooseim 2.6):
 * same columns, same values. What Meerkat keeps besides (session, preferences) is in a table of ours, beside the row
 * that has the same time; MongooseIM replaces a row with a new time, and what we knew then no longer applies.
 */
import { EngineError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { hashForPeople } from '../../core/redact.ts';
import { compareKeys } from '../enabled-changes.ts';
import { decodeEnabled, encodeEnabled } from './enabled-row.ts';
import { mysqlEnabled } from './mysql-enabled.ts';
import { pushTable } from './push-table.ts';
import { postgresEnabled } from './postgres-enabled.ts';
import { batches } from './batches.ts';
import type { Cancel } from '../../core/clock.ts';
import type { EnabledRegistration } from '../../core/enabled.ts';
import type { BareJID } from '../../core/ids.ts';
import type { EnabledChange, EnabledKey, EnabledRows, EnabledStore, OnUnreadable } from '../enabled-store.ts';
import type { SqlDatabase } from './database.ts';
import type { EnabledStatements, KeyColumns } from './enabled-statements.ts';
import type { PushTable } from './push-table.ts';
import type { SqlConnection, SqlStatement } from './sql-connection.ts';

// What our table holds and MongooseIM's does not is thrown away after this much: by then nobody is still writing it.
const orphanAgeMs = 3_600_000;

export class SqlEnabledStore implements EnabledStore {
  readonly #database: SqlDatabase;
  readonly #table: PushTable;
  readonly #statements: EnabledStatements;
  #cancelSweep: Cancel;
  #isClosed = false;

  /** @param table as it was found in `database`. */
  constructor(database: SqlDatabase, table: PushTable) {
    this.#database = database;
    this.#table = table;
    this.#statements = database.dialect === 'postgres' ? postgresEnabled : mysqlEnabled(table);
    this.#cancelSweep = this.#sweepLater();
  }

  async readMany(owners: readonly BareJID[]): Promise<readonly EnabledRows[]> {
    this.#checkOpen();
    if (owners.length === 0) return [];
    const found = new Map<string, EnabledRegistration[] | 'unreadable'>();
    for (const owner of owners) found.set(owner, []);
    const purpose = this.#database.quick('read what users have enabled');
    const { rows } = await this.#database.query(purpose, this.#statements.read([...found.keys()]));
    for (const columns of rows) {
      const owner = String(columns[0]);
      const others = found.get(owner);
      // A look-alike, which the index of a table that folds case has found too; or nothing more can be said.
      if (others === undefined || others === 'unreadable') continue;
      const row = decodeEnabled(columns);
      if (row === undefined) found.set(owner, 'unreadable');
      else others.push(row);
    }
    for (const rowsOfOne of found.values()) if (rowsOfOne !== 'unreadable') rowsOfOne.sort(byAge);
    return owners.map((owner) => found.get(owner) ?? []);
  }

  /** Why the table cannot keep this row, for whoever enables it: names the column and its width; `''` if it can. */
  rowProblem(key: EnabledKey): string {
    const { charsMax } = this.#table;
    const tooLong = (['owner', 'service', 'node'] as const).find((name) => isLonger(key[name], charsMax[name]));
    return tooLong === undefined ? '' : `${tooLong} is longer than ${charsMax[tooLong]} characters`;
  }

  async writeMany(changes: readonly EnabledChange[]): Promise<void> {
    this.#checkOpen();
    // The last change of a key is what counts. In the order of keys, so that two writers do not wait for each other.
    const last = new Map<string, EnabledChange>();
    for (const change of changes) {
      const { owner, service, node } = change.kind === 'put' ? change.row : change.key;
      last.set(`${owner}\n${service}\n${node}`, change);
    }
    const ordered = [...last].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, change]) => change);
    const puts = ordered.flatMap((change) => (change.kind === 'put' ? [change.row] : []));
    const removed = ordered.flatMap((change) => (change.kind === 'remove' ? [change.key] : []));
    for (const row of puts) this.#checkWidth(row);
    if (ordered.length === 0) return;
    const rows = puts.map(encodeEnabled);
    const purpose = this.#database.quick('write what users have enabled');
    await this.#database.transaction(purpose, async (connection) => {
      const unreadable = await this.#unreadable(connection, puts);
      for (const keys of batches([...removed, ...unreadable])) await each(connection, this.#statements.remove(keys));
      for (const some of batches(rows)) await each(connection, this.#statements.put(some));
    });
  }

  async removeOwners(owners: readonly BareJID[]): Promise<number> {
    this.#checkOpen();
    const purpose = this.#database.quick('remove what users have enabled');
    const statements = batches([...new Set(owners)]).map((some) => this.#statements.removeOwners(some));
    if (statements.length === 0) return 0;
    return await this.#database.transaction(purpose, async (connection) => {
      let removed = 0;
      for (const both of statements) removed += await changedByFirst(connection, both);
      return removed;
    });
  }

  async removeDomain(domain: string): Promise<number> {
    this.#checkOpen();
    const purpose = this.#database.slow('remove what users of a domain have enabled');
    const statements = this.#statements.removeDomain(domain);
    return await this.#database.transaction(purpose, (connection) => changedByFirst(connection, statements));
  }

  async scan(
    after: EnabledKey | undefined,
    limit: number,
    unreadable: OnUnreadable = corrupt,
  ): Promise<readonly EnabledRegistration[]> {
    this.#checkOpen();
    const purpose = this.#database.slow('list what users have enabled');
    const found: EnabledRegistration[] = [];
    let from: KeyColumns | undefined = after;
    for (;;) {
      const wanted = limit - found.length;
      const { rows } = await this.#database.query(purpose, this.#statements.scan(from, wanted));
      for (const columns of rows) {
        const row = decodeEnabled(columns);
        if (row === undefined) unreadable(hashForPeople(String(columns[0])));
        else found.push(row);
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < wanted || found.length === limit) return found;
      from = keyOf(last);
    }
  }

  async count(): Promise<number> {
    this.#checkOpen();
    const purpose = this.#database.slow('count what users have enabled');
    const { rows } = await this.#database.query(purpose, this.#statements.count());
    return Number(rows[0]?.[0]);
  }

  /** Removes what we keep beside rows that MongooseIM has removed; resolves to how many there were. */
  async removeOrphans(): Promise<number> {
    const before = (this.#database.clock.now() - orphanAgeMs) * 1000;
    const purpose = this.#database.slow('remove what belongs to no enabled registration');
    return (await this.#database.query(purpose, this.#statements.removeOrphans(before))).changed;
  }

  /** The database is not closed: it serves other stores too. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelSweep();
  }

  /** Rows of these owners that nobody can read: whoever enables again starts anew, and must not stay unreadable. */
  async #unreadable(connection: SqlConnection, puts: readonly EnabledRegistration[]): Promise<readonly KeyColumns[]> {
    const keys: KeyColumns[] = [];
    const owners = new Set<string>(puts.map((row) => row.owner));
    for (const some of batches([...owners])) {
      const { rows } = await connection.query(this.#statements.read(some));
      for (const columns of rows) {
        if (owners.has(String(columns[0])) && decodeEnabled(columns) === undefined) keys.push(keyOf(columns));
      }
    }
    return keys;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new EngineError('E_STORE_IO', 'the store of enabled registrations is closed');
  }

  #sweepLater(): Cancel {
    return this.#database.clock.after(
      limits.databaseSweepMs,
      () => {
        this.#cancelSweep = this.#sweepLater();
        // Harmless rows: in an outage they stay until the next time.
        this.removeOrphans().catch(() => undefined);
      },
      false,
    );
  }

  #checkWidth(row: EnabledRegistration): void {
    const problem = this.rowProblem(row);
    if (problem !== '') {
      throw new EngineError(
        'E_STORE_IO',
        `an enabled registration cannot be kept in MongooseIM's table: its ${problem}`,
      );
    }
  }
}

async function changedByFirst(connection: SqlConnection, statements: readonly SqlStatement[]): Promise<number> {
  const [first, ...others] = statements;
  if (first === undefined) return 0;
  const { changed } = await connection.query(first);
  for (const statement of others) await connection.query(statement);
  return changed;
}

async function each(connection: SqlConnection, statements: readonly SqlStatement[]): Promise<void> {
  for (const statement of statements) await connection.query(statement);
}

function keyOf([owner, service, node]: readonly unknown[]): KeyColumns {
  return { owner: String(owner), service: String(service), node: String(node) };
}

function corrupt(ownerHash: string): never {
  throw new EngineError(
    'E_STORE_ROW_CORRUPT',
    `a row of ${ownerHash} in ${pushTable} cannot be decoded; correct it, or remove the registration`,
  );
}

function isLonger(text: string, charsMax: number): boolean {
  // Databases count code points; a text has no more of them than UTF-16 units.
  return text.length > charsMax && Array.from(text).length > charsMax;
}

function byAge(one: EnabledRegistration, other: EnabledRegistration): number {
  return one.enabledAtMs - other.enabledAtMs || compareKeys(one, other);
}
