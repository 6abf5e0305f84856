// Thread: main
/**
 * One shard in one LMDB environment. One `writeMany` is one transaction: all of it or nothing. Another process may
 * read, and may remove rows, at any time; two processes must not write the same rows, because what is decided here is
 * decided on what was read before.
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { checkRoom, committed, figure, openEnvironment } from './lmdb-file.ts';
import { decodeRegistration, encodeRegistration, recordFormat } from './registration-record.ts';
import { EngineError } from '../core/errors.ts';
import { hashForPeople } from '../core/redact.ts';
import type { Database, RootDatabase } from 'lmdb';
import type { RegistrationStore } from './registration-store.ts';
import type { BareJID, NodeId } from '../core/ids.ts';
import type { Registration } from '../core/registration.ts';

export interface LmdbStoreOptions {
  /** The file; its folder exists. */
  readonly path: string;
  readonly shard: number;
  readonly shards: number;
  /** The most the file may grow to, in bytes. lmdb-js would grow the map without end, so that it is checked here. */
  readonly mapBytes: number;
  /** Write the `meta` record into a new file; otherwise a file without one is refused. */
  readonly create: boolean;
}

type OwnerKey = [ownerHash: string, createdAtMs: number, rowKey: string];

interface Meta {
  readonly format: number;
  readonly shard: number;
  readonly shards: number;
}

// LMDB keys end at 1978 bytes; a name longer than this is found by its digest, and the row says which name it is.
const nodeBytesInKeyMax = 500;
const rowReserveBytes = 512;
// The owners' index is its keys; LMDB wants a value.
const present = Buffer.of(1);

export class LmdbStore implements RegistrationStore {
  readonly #path: string;
  readonly #mapBytes: number;
  readonly #env: RootDatabase;
  readonly #rows: Database<Buffer, string>;
  readonly #owners: Database<Buffer, OwnerKey>;

  constructor(options: LmdbStoreOptions) {
    this.#path = options.path;
    this.#mapBytes = options.mapBytes;
    this.#env = openEnvironment(options.path, options.mapBytes);
    this.#rows = this.#env.openDB<Buffer, string>('rows', { encoding: 'binary' });
    this.#owners = this.#env.openDB<Buffer, OwnerKey>('owners', { encoding: 'binary' });
    const meta = this.#env.openDB<unknown, string>('meta', { encoding: 'json' });
    const wanted: Meta = { format: recordFormat, shard: options.shard, shards: options.shards };
    if (options.create) meta.putSync('meta', wanted);
    try {
      checkMeta(meta.get('meta'), wanted, options.path);
    } catch (error) {
      void this.#env.close();
      throw error;
    }
  }

  /** Other processes that have the file open: `pid`s as LMDB's reader table has them. */
  get otherProcesses(): readonly number[] {
    this.#env.readerCheck();
    const pids = this.#env.readerList().matchAll(/^\s*(\d+)\s/gm);
    return [...new Set([...pids].map(([, pid]) => Number(pid)))].filter((pid) => pid !== process.pid);
  }

  readMany(nodes: readonly NodeId[]): readonly (Registration | undefined)[] {
    const found: (Registration | undefined)[] = [];
    for (const node of nodes) found.push(this.#read(node));
    return found;
  }

  async readByOwner(owner: BareJID, limit: number): Promise<readonly Registration[]> {
    const hash = ownerHash(owner);
    const found: Registration[] = [];
    // Above any createdAtMs: all entries of this owner, oldest first.
    const entries = this.#owners.getRange({ start: [hash, 0, ''], end: [hash, Number.MAX_SAFE_INTEGER, ''] });
    for (const { key } of entries) {
      const row = this.#readByKey(key[2]);
      // An entry may be left over from an owner before; the row alone says whose it is.
      if (row === undefined || row.owner !== owner || row.createdAtMs !== key[1]) continue;
      found.push(row);
      if (found.length === limit) break;
    }
    return found;
  }

  async scan(after: NodeId | undefined, limit: number): Promise<readonly Registration[]> {
    const found: Registration[] = [];
    const from = after === undefined ? undefined : rowKey(after);
    // One more than asked: the range begins with `after` itself, if it is still there.
    const range = from === undefined ? { limit } : { start: from, limit: limit + 1 };
    for (const { key, value } of this.#rows.getRange(range)) {
      const row = decodeRegistration(value) ?? corrupt(this.#path, hashOfKey(key));
      if (row.node !== after && found.length < limit) found.push(row);
    }
    return found;
  }

  async writeMany(rows: readonly Registration[]): Promise<void> {
    if (rows.length === 0) return;
    // Everything that can throw comes first: a put that has been queued cannot be taken back.
    const records = rows.map((row) => ({ row, key: rowKey(row.node), bytes: encodeRegistration(row) }));
    let bytes = 0;
    for (const record of records) bytes += record.bytes.length + rowReserveBytes;
    checkRoom(
      { path: this.#path, mapBytes: this.#mapBytes, environment: this.#env, tables: [this.#rows, this.#owners] },
      bytes,
    );
    const commit = this.#rows.batch(() => {
      for (const { row, key, bytes: record } of records) {
        const before = this.#readLoosely(row.node);
        if (before !== undefined && !isSameEntry(before, row)) void this.#owners.remove(ownerKey(before, key));
        void this.#rows.put(key, record);
        void this.#owners.put(ownerKey(row, key), present);
      }
    });
    await committed(this.#path, commit);
  }

  async removeMany(nodes: readonly NodeId[]): Promise<void> {
    if (nodes.length === 0) return;
    const commit = this.#rows.batch(() => {
      for (const node of nodes) {
        const key = rowKey(node);
        const before = this.#readLoosely(node);
        if (before !== undefined) void this.#owners.remove(ownerKey(before, key));
        void this.#rows.remove(key);
      }
    });
    await committed(this.#path, commit);
  }

  async count(): Promise<number> {
    return figure(this.#rows.getStats(), 'entryCount');
  }

  async close(): Promise<void> {
    await this.#env.close();
  }

  #read(node: NodeId): Registration | undefined {
    const key = rowKey(node);
    // Valid until the next read only: decoding copies what it takes.
    const bytes = this.#rows.getBinaryFast(key);
    if (bytes === undefined) return undefined;
    return decodeRegistration(bytes, node) ?? corrupt(this.#path, hashForPeople(node));
  }

  #readByKey(key: string): Registration | undefined {
    const bytes = this.#rows.getBinaryFast(key);
    if (bytes === undefined) return undefined;
    return decodeRegistration(bytes) ?? corrupt(this.#path, hashOfKey(key));
  }

  /** For the owner's entry of the row that is replaced: of a corrupt one it stays, and reading skips it. */
  #readLoosely(node: NodeId): Registration | undefined {
    const bytes = this.#rows.getBinaryFast(rowKey(node));
    return bytes === undefined ? undefined : decodeRegistration(bytes, node);
  }
}

function checkMeta(meta: unknown, wanted: Meta, path: string): void {
  if (!isMeta(meta)) {
    throw new EngineError('E_STORE_IO', `${path} is not a shard of Meerkat, or its creation was cut short; restore it`);
  }
  if (meta.format !== wanted.format) {
    throw new EngineError(
      'E_STORE_IO',
      `${path} has record format ${meta.format}, this version reads ${wanted.format}; run the version that wrote it`,
    );
  }
  if (meta.shards !== wanted.shards || meta.shard !== wanted.shard) {
    throw new EngineError(
      'E_STORE_SHARDS_MISMATCH',
      `${path} is shard ${meta.shard} of ${meta.shards}, wanted is shard ${wanted.shard} of ${wanted.shards}; ` +
        `set registrations.shards = ${meta.shards}, or run \`meerkat reshard\``,
    );
  }
}

function isMeta(meta: unknown): meta is Meta {
  if (typeof meta !== 'object' || meta === null) return false;
  if (!('format' in meta) || !('shard' in meta) || !('shards' in meta)) return false;
  return Number.isInteger(meta.format) && Number.isInteger(meta.shard) && Number.isInteger(meta.shards);
}

function rowKey(node: NodeId): string {
  // A UTF-16 unit is at most three bytes: most names need no counting.
  if (node.length * 3 <= nodeBytesInKeyMax || Buffer.byteLength(node) <= nodeBytesInKeyMax) return `n${node}`;
  return `h${createHash('sha256').update(node).digest('base64url')}`;
}

function ownerHash(owner: BareJID): string {
  return createHash('sha256').update(owner).digest('base64url').slice(0, 22);
}

function ownerKey(row: Registration, key: string): OwnerKey {
  return [ownerHash(row.owner), row.createdAtMs, key];
}

function isSameEntry(one: Registration, other: Registration): boolean {
  return one.owner === other.owner && one.createdAtMs === other.createdAtMs;
}

/** The node's hash for people, from its key in this file. */
function hashOfKey(key: string): string {
  if (key.startsWith('n')) return hashForPeople(key.slice(1));
  return `#${Buffer.from(key.slice(1), 'base64url').toString('hex').slice(0, 8)}`;
}

function corrupt(path: string, nodeHash: string): never {
  throw new EngineError(
    'E_STORE_ROW_CORRUPT',
    `the row of node ${nodeHash} in ${basename(path)} cannot be decoded; ` +
      'restore a backup, or remove the registration',
  );
}
