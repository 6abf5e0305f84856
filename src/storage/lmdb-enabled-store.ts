// Thread: main
/**
 * Enabled registrations in one LMDB environment: one record for each owner with all rows of his, and the number of rows
 * as a counter that changes in the same transaction. What a write changes it reads inside its transaction, so that
 * overlapping writes, of other processes too, lose nothing. The key is the owner; of one that is longer than a key
 * should be, it is the first bytes, a NUL and a digest. Hence scans come in the order of owners as bytes, but among
 * owners that agree in all of those first bytes, in the order of their digests.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { EngineError } from '../core/errors.ts';
import { domainOf } from '../core/jid.ts';
import { hashForPeople } from '../core/redact.ts';
import { changedRows, changesByOwner, compareKeys } from './enabled-changes.ts';
import { decodeEnabled, enabledFormat, enabledRowBytes, encodeEnabled, rowCountOf } from './enabled-record.ts';
import { checkRoom, committed, openEnvironment } from './lmdb-file.ts';
import { syncFolder } from './shard-folder.ts';
import type { Database, RootDatabase } from 'lmdb';
import type { EnabledRegistration } from '../core/enabled.ts';
import type { BareJID } from '../core/ids.ts';
import type { EnabledChange, EnabledKey, EnabledRows, EnabledStore, OnUnreadable } from './enabled-store.ts';

export interface LmdbEnabledStoreOptions {
  /** The file; its folder exists. A new file can be read by its owner only: options hold device tokens. */
  readonly path: string;
  /** The most the file may grow to, in bytes. */
  readonly mapBytes: number;
}

// LMDB keys end at 1978 bytes.
const ownerBytesInKeyMax = 1024;
const changeReserveBytes = 128;
// Owners that a removal of a domain looks at in one transaction: 2 ms.
const domainPageOwners = 2048;
const none: readonly EnabledRegistration[] = Object.freeze([]);

export class LmdbEnabledStore implements EnabledStore {
  readonly #path: string;
  readonly #mapBytes: number;
  readonly #env: RootDatabase;
  readonly #owners: Database<Buffer, Buffer>;
  readonly #meta: Database<unknown, string>;
  #isClosed = false;

  /** Makes the file if there is none. Throws EngineError E_STORE_IO where it is another one, or of another format. */
  constructor({ path, mapBytes }: LmdbEnabledStoreOptions) {
    this.#path = path;
    this.#mapBytes = mapBytes;
    makeFile(path);
    this.#env = openEnvironment(path, mapBytes);
    this.#owners = this.#env.openDB<Buffer, Buffer>('enabled', { encoding: 'binary', keyEncoding: 'binary' });
    this.#meta = this.#env.openDB<unknown, string>('meta', { encoding: 'json' });
    try {
      this.#checkMeta();
    } catch (error) {
      void this.#env.close();
      throw error;
    }
  }

  readMany(owners: readonly BareJID[]): readonly EnabledRows[] {
    return this.#reading(() => {
      const found: EnabledRows[] = [];
      for (const owner of owners) {
        // Valid until the next read only: decoding copies what it takes.
        const bytes = this.#owners.getBinaryFast(ownerKey(owner));
        found.push(bytes === undefined ? none : (decodeEnabled(bytes, owner) ?? 'unreadable'));
      }
      return found;
    });
  }

  async writeMany(changes: readonly EnabledChange[]): Promise<void> {
    this.#checkOpen();
    if (changes.length === 0) return;
    const byOwner = changesByOwner(changes);
    this.#checkRoom(changes, byOwner.keys());
    await this.#transaction(() => {
      let added = 0;
      for (const [owner, ofOwner] of byOwner) added += this.#change(owner, ofOwner);
      return added;
    });
  }

  async removeOwners(owners: readonly BareJID[]): Promise<number> {
    this.#checkOpen();
    const keys = owners.map(ownerKey);
    const added = await this.#transaction(() => this.#removeKeys(keys));
    return Math.abs(added);
  }

  async removeDomain(domain: string): Promise<number> {
    this.#checkOpen();
    let removed = 0;
    let start: Buffer | undefined;
    for (;;) {
      const page = this.#reading(() => this.#domainPage(domain, start));
      // Also where nothing matches: each page is one turn of the event loop, not all owners of all domains.
      removed -= await this.#transaction(() => this.#removeKeys(page.matching));
      if (page.next === undefined) return removed;
      start = page.next;
    }
  }

  async scan(
    after: EnabledKey | undefined,
    limit: number,
    unreadable?: OnUnreadable,
  ): Promise<readonly EnabledRegistration[]> {
    return this.#reading(() => {
      const found: EnabledRegistration[] = [];
      const range = after === undefined ? {} : { start: ownerKey(after.owner) };
      for (const { key, value } of this.#owners.getRange(range)) {
        const rows = recordAt(key, value) ?? this.#passOver(key, unreadable);
        for (const row of rows.toSorted(compareKeys)) {
          if (found.length === limit) return found;
          if (after === undefined || row.owner !== after.owner || compareKeys(row, after) > 0) found.push(row);
        }
      }
      return found;
    });
  }

  async count(): Promise<number> {
    return this.#reading(() => this.#count());
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#env.close();
  }

  /** Inside a transaction: how many rows more there are. */
  #change(owner: BareJID, changes: readonly EnabledChange[]): number {
    const key = ownerKey(owner);
    const bytes = this.#owners.getBinaryFast(key);
    const before = bytes === undefined ? 0 : rowCountOf(bytes);
    const rows = bytes === undefined ? none : decodeEnabled(bytes, owner);
    const changed = changedRows(rows ?? none, changes);
    if (changed.length > 0) void this.#owners.put(key, encodeEnabled(owner, changed));
    else if (rows === undefined) return 0;
    else if (bytes !== undefined) void this.#owners.remove(key);
    return changed.length - before;
  }

  /** Inside a transaction: how many rows more there are, which is 0 or less. */
  #removeKeys(keys: readonly Buffer[]): number {
    let added = 0;
    for (const key of keys) {
      const bytes = this.#owners.getBinaryFast(key);
      if (bytes === undefined) continue;
      added -= rowCountOf(bytes);
      void this.#owners.remove(key);
    }
    return added;
  }

  /** @returns `matching`: keys of owners in this domain; `next`: where the next page begins, `undefined` at the end. */
  #domainPage(domain: string, start: Buffer | undefined): { matching: Buffer[]; next: Buffer | undefined } {
    const matching: Buffer[] = [];
    const range = { ...(start === undefined ? {} : { start }), limit: domainPageOwners + 1 };
    let looked = 0;
    for (const key of this.#owners.getKeys(range)) {
      if (looked === domainPageOwners) return { matching, next: Buffer.from(key) };
      looked += 1;
      if (this.#isInDomain(key, domain)) matching.push(Buffer.from(key));
    }
    return { matching, next: undefined };
  }

  #isInDomain(key: Buffer, domain: string): boolean {
    if (key.length <= ownerBytesInKeyMax) return domainOf(key.toString()) === domain;
    const bytes = this.#owners.getBinaryFast(key);
    const [row] = (bytes === undefined ? undefined : recordAt(key, bytes)) ?? none;
    return row !== undefined && domainOf(row.owner) === domain;
  }

  #passOver(key: Buffer, unreadable: OnUnreadable | undefined): readonly EnabledRegistration[] {
    const hash = hashForPeople(key.toString());
    if (unreadable === undefined) {
      throw new EngineError(
        'E_STORE_ROW_CORRUPT',
        `the registrations of owner ${hash} in ${basename(this.#path)} cannot be decoded; ` +
          'restore a backup, or remove the account from the store',
      );
    }
    unreadable(hash);
    return none;
  }

  #count(): number {
    const count = this.#meta.get('count');
    return typeof count === 'number' ? count : 0;
  }

  #checkRoom(changes: readonly EnabledChange[], owners: Iterable<BareJID>): void {
    let bytes = 0;
    // Throws for a row that cannot be kept before anything is changed.
    for (const change of changes) if (change.kind === 'put') bytes += enabledRowBytes(change.row) + changeReserveBytes;
    if (bytes === 0) return;
    this.#reading(() => {
      for (const owner of owners) bytes += this.#owners.getBinaryFast(ownerKey(owner))?.length ?? 0;
      const tables = [this.#owners, this.#meta];
      checkRoom({ path: this.#path, mapBytes: this.#mapBytes, environment: this.#env, tables }, bytes);
    });
  }

  /** @param work returns how many rows it has added. A throw in it takes back what it has done. */
  async #transaction(work: () => number): Promise<number> {
    const commit = this.#env.childTransaction(() => {
      const added = work();
      if (added !== 0) void this.#meta.put('count', Math.max(0, this.#count() + added));
      return added;
    });
    return committed(this.#path, commit);
  }

  /** Opens the door for one turn's reads; whatever LMDB throws is told as trouble of the store. */
  #reading<T>(read: () => T): T {
    this.#checkOpen();
    try {
      return read();
    } catch (error) {
      if (error instanceof EngineError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new EngineError('E_STORE_IO', `${basename(this.#path)} could not be read: ${reason}`, { cause: error });
    }
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new EngineError('E_STORE_IO', `${basename(this.#path)} is closed`);
  }

  /** A file without rows and without the record is new, or its creation was cut short: both begin here. */
  #checkMeta(): void {
    const meta = this.#meta.get('meta');
    if (meta === undefined && this.#meta.getKeysCount() === 0 && this.#owners.getKeysCount({ limit: 1 }) === 0) {
      this.#meta.putSync('meta', { kind: 'enabled', format: enabledFormat });
      syncFolder(dirname(this.#path));
      return;
    }
    const format = formatOf(meta);
    if (format === enabledFormat) return;
    throw new EngineError(
      'E_STORE_IO',
      format === undefined
        ? `${this.#path} is not a store of enabled registrations; move it away, or restore it`
        : `${this.#path} has format ${format}, this version reads ${enabledFormat}; run the version that wrote it`,
    );
  }
}

function makeFile(path: string): void {
  if (existsSync(path)) return;
  try {
    closeSync(openSync(path, 'a', 0o600));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new EngineError('E_STORE_IO', `${path} could not be made: ${reason}`, { cause: error });
  }
}

function formatOf(meta: unknown): number | undefined {
  if (typeof meta !== 'object' || meta === null || !('kind' in meta) || meta.kind !== 'enabled') return undefined;
  return 'format' in meta && typeof meta.format === 'number' ? meta.format : undefined;
}

function ownerKey(owner: BareJID): Buffer {
  const bytes = Buffer.from(owner);
  if (bytes.length <= ownerBytesInKeyMax) return bytes;
  const digest = createHash('sha256').update(bytes).digest();
  return Buffer.concat([bytes.subarray(0, ownerBytesInKeyMax), Buffer.of(0), digest]);
}

/** The rows of a record that was found without knowing its owner; it has to say one whose key this is. */
function recordAt(key: Buffer, bytes: Buffer): readonly EnabledRegistration[] | undefined {
  const rows = decodeEnabled(bytes);
  const owner = rows?.[0]?.owner;
  return owner !== undefined && ownerKey(owner).equals(key) ? rows : undefined;
}
