// Thread: main
/**
 * The registrations of one shard in a table that all shards, and other processes, share. A row carries the slot of its
 * node, so that the number of shards may change from one start to the next. Of two processes that write the same row
 * the last one wins.
 */
import { EngineError } from '../../core/errors.ts';
import { hashForPeople } from '../../core/redact.ts';
import { batches } from './batches.ts';
import { decodeRow, encodeRow } from './registration-row.ts';
import { registrationStatements } from './registration-statements.ts';
import type { BareJID, NodeId } from '../../core/ids.ts';
import type { Registration } from '../../core/registration.ts';
import type { RegistrationStore } from '../registration-store.ts';
import type { SqlDatabase } from './database.ts';
import type { RegistrationStatements, SlotRange } from './registration-statements.ts';

export interface SqlRegistrationStoreOptions {
  readonly database: SqlDatabase;
  readonly slots: SlotRange;
  /** `slotOfNode` of registration/slots.ts. */
  readonly slotOfNode: (node: NodeId) => number;
}

export class SqlRegistrationStore implements RegistrationStore {
  readonly #database: SqlDatabase;
  readonly #slotOfNode: (node: NodeId) => number;
  readonly #statements: RegistrationStatements;
  #isClosed = false;

  constructor({ database, slots, slotOfNode }: SqlRegistrationStoreOptions) {
    this.#database = database;
    this.#slotOfNode = slotOfNode;
    this.#statements = registrationStatements(database.dialect, slots);
  }

  async readMany(nodes: readonly NodeId[]): Promise<readonly (Registration | undefined)[]> {
    this.#checkOpen();
    if (nodes.length === 0) return [];
    const purpose = this.#database.quick('read registrations');
    const { rows } = await this.#database.query(purpose, this.#statements.readMany(nodes));
    const found = new Map<string, Registration>();
    for (const row of rows.map(decoded)) found.set(row.node, row);
    return nodes.map((node) => found.get(node));
  }

  async readByOwner(owner: BareJID, limit: number): Promise<readonly Registration[]> {
    this.#checkOpen();
    const purpose = this.#database.quick('read the registrations of an owner');
    return (await this.#database.query(purpose, this.#statements.readByOwner(owner, limit))).rows.map(decoded);
  }

  async scan(after: NodeId | undefined, limit: number): Promise<readonly Registration[]> {
    this.#checkOpen();
    const purpose = this.#database.slow('list registrations');
    return (await this.#database.query(purpose, this.#statements.scan(after, limit))).rows.map(decoded);
  }

  async writeMany(rows: readonly Registration[]): Promise<void> {
    this.#checkOpen();
    if (rows.length === 0) return;
    // Of each node the last row. In one order, so that two writers do not wait for each other.
    const last = new Map(rows.map((row) => [row.node, row]));
    const columns = [...last.keys()].toSorted().flatMap((node) => {
      const row = last.get(node);
      return row === undefined ? [] : [encodeRow(row, this.#slotOfNode(node))];
    });
    const purpose = this.#database.quick('write registrations');
    await this.#database.transaction(purpose, async (connection) => {
      for (const some of batches(columns)) await connection.query(this.#statements.put(some));
    });
  }

  async removeMany(nodes: readonly NodeId[]): Promise<void> {
    this.#checkOpen();
    if (nodes.length === 0) return;
    const purpose = this.#database.quick('remove registrations');
    await this.#database.transaction(purpose, async (connection) => {
      for (const some of batches(nodes.toSorted())) await connection.query(this.#statements.remove(some));
    });
  }

  async count(): Promise<number> {
    this.#checkOpen();
    const purpose = this.#database.slow('count registrations');
    const { rows } = await this.#database.query(purpose, this.#statements.count());
    return Number(rows[0]?.[0]);
  }

  /** The database is not closed: it serves other stores too. */
  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new EngineError('E_STORE_IO', 'the store of registrations is closed');
  }
}

function decoded(columns: readonly unknown[]): Registration {
  const row = decodeRow(columns);
  if (row !== undefined) return row;
  throw new EngineError(
    'E_STORE_ROW_CORRUPT',
    `the row of node ${hashForPeople(String(columns[0]))} in meerkat_registration cannot be decoded; ` +
      'restore a backup, or remove the registration',
  );
}
