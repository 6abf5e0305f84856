// Thread: main
/**
 * Writes enabled registrations of a store to a file, or into another store, page by page in the order of keys. A file
 * is written under another name until it is whole; a job that was killed goes on after the last row of its checkpoint.
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { EngineError } from '../core/errors.ts';
import { bareJID } from '../core/jid.ts';
import { parseNodeId } from '../core/ids.ts';
import { csvLine, hasPreferences, ndjsonLine, rowColumns } from './enabled-rows.ts';
import { writeRows } from './enabled-writer.ts';
import { syncFolder } from '../storage/shard-folder.ts';
import type { CheckpointFile } from './checkpoint-file.ts';
import type { RecordFormat } from './record-reader.ts';
import type { EnabledRegistration } from '../core/enabled.ts';
import type { EnabledKey, EnabledStore } from '../storage/enabled-store.ts';

export interface ExportJob {
  readonly store: EnabledStore;
  /** Names the store, for the checkpoint. */
  readonly source: string;
  readonly sink: RowSink;
  readonly checkpoint: CheckpointFile | undefined;
  readonly resume: boolean;
  /** Rows that are done, of all. */
  readonly onProgress: (done: number, total: number) => void;
  /** An owner whose rows cannot be read, as a hash. */
  readonly onUnreadable: (ownerHash: string) => void;
}

export interface ExportCounts {
  rows: number;
  unreadable: number;
}

/** Where rows go. */
export interface RowSink {
  /** Names it, for the checkpoint. */
  readonly name: string;
  /** Goes on behind what was durable then; `state` is that of the checkpoint, `undefined` at the beginning. */
  open(state: number | undefined): void;
  write(rows: readonly EnabledRegistration[]): Promise<void>;
  /** Resolves to the state for the checkpoint when everything so far is durable. */
  flush(): number;
  /** Everything is there. */
  finish(): void;
}

const pageRows = 1000;
/** Pages between two checkpoints: each costs a flush to the disk. */
const checkpointPages = 10;

/** Resolves when everything is durable. Rejects with E_STORE_IO, and can then be resumed. */
export async function runExport(job: ExportJob): Promise<ExportCounts> {
  const { store, sink, checkpoint, source } = job;
  const origin = { job: 'export', source, target: sink.name };
  const place = job.resume ? placeOf(checkpoint?.read(), origin) : undefined;
  const counts: ExportCounts = { rows: place?.rows ?? 0, unreadable: 0 };
  const total = await store.count();
  let after = place?.after;
  sink.open(place?.state);
  const unreadable = (hash: string): void => {
    counts.unreadable += 1;
    job.onUnreadable(hash);
  };
  job.onProgress(counts.rows, total);
  for (let page = 1; ; page++) {
    const rows = await store.scan(after, pageRows, unreadable);
    if (rows.length > 0) await sink.write(rows);
    counts.rows += rows.length;
    after = rows.at(-1) ?? after;
    job.onProgress(Math.min(counts.rows, total), total);
    if (rows.length < pageRows) break;
    if (page % checkpointPages === 0 && after !== undefined) {
      const { owner, service, node } = after;
      checkpoint?.write({ ...origin, state: sink.flush(), rows: counts.rows, after: { owner, service, node } });
    }
  }
  sink.finish();
  checkpoint?.remove();
  return counts;
}

interface Place {
  readonly after: EnabledKey;
  readonly rows: number;
  readonly state: number;
}

/** Throws E_CONFIG_INVALID where the checkpoint is of another export. */
function placeOf(
  found: Readonly<Record<string, unknown>> | undefined,
  origin: Readonly<Record<string, unknown>>,
): Place | undefined {
  if (found === undefined) return undefined;
  const changed = Object.keys(origin).find((name) => found[name] !== origin[name]);
  const after = keyOf(found['after']);
  const { rows, state } = found;
  if (changed !== undefined || after === undefined || typeof rows !== 'number' || typeof state !== 'number') {
    const why = changed === undefined ? 'it cannot be read' : `its ${changed} is another`;
    throw new EngineError('E_CONFIG_INVALID', `the checkpoint is not of this export (${why}); export without --resume`);
  }
  return { after, rows, state };
}

function keyOf(value: unknown): EnabledKey | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const [owner, service, node] = ['owner', 'service', 'node'].map((name) => String(Reflect.get(value, name)));
  const [ownerJID, serviceJID, nodeId] = [bareJID(owner ?? ''), bareJID(service ?? ''), parseNodeId(node ?? '')];
  if (!ownerJID.ok || !serviceJID.ok || !nodeId.ok) return undefined;
  return { owner: ownerJID.value, service: serviceJID.value, node: nodeId.value };
}

/** A file that has its name once it is whole; before, `.partial` is behind it. Only its owner can read it: tokens. */
export class FileSink implements RowSink {
  readonly name: string;
  readonly #format: RecordFormat;
  readonly #force: boolean;
  #handle = -1;
  /** Rows that have preferences which CSV has no column for. */
  withPreferences = 0;

  constructor(name: string, format: RecordFormat, force: boolean) {
    this.name = name;
    this.#format = format;
    this.#force = force;
  }

  open(state: number | undefined): void {
    if (existsSync(this.name) && !this.#force) {
      throw new EngineError('E_CONFIG_INVALID', `${this.name} is there already; --force replaces it`);
    }
    try {
      this.#handle = openSync(`${this.name}.partial`, state === undefined ? 'w' : 'r+', 0o600);
    } catch (error) {
      throw new EngineError('E_STORE_IO', `cannot write ${this.name}.partial`, { cause: error });
    }
    if (state === undefined) {
      if (this.#format === 'csv') this.#writeText(`${rowColumns.join(',')}\n`);
      return;
    }
    if (fstatSync(this.#handle).size < state) {
      throw new EngineError('E_CONFIG_INVALID', `${this.name}.partial is shorter than it was; export without --resume`);
    }
    ftruncateSync(this.#handle, state);
    this.#at = state;
  }

  write(rows: readonly EnabledRegistration[]): Promise<void> {
    this.#writeText(textOf(rows, this.#format));
    for (const row of rows) if (hasPreferences(row)) this.withPreferences += 1;
    return Promise.resolve();
  }

  flush(): number {
    fdatasyncSync(this.#handle);
    return this.#at;
  }

  finish(): void {
    fdatasyncSync(this.#handle);
    closeSync(this.#handle);
    renameSync(`${this.name}.partial`, this.name);
    syncFolder(dirname(this.name));
  }

  #at = 0;

  #writeText(text: string): void {
    const bytes = Buffer.from(text);
    try {
      for (let from = 0; from < bytes.length;) {
        from += writeSync(this.#handle, bytes, from, bytes.length - from, this.#at + from);
      }
    } catch (error) {
      throw new EngineError('E_STORE_IO', `cannot write ${this.name}.partial; --resume goes on`, { cause: error });
    }
    this.#at += bytes.length;
  }
}

/** Standard output, which takes its time: a page waits until the reader has it. */
export class StreamSink implements RowSink {
  readonly name = '-';
  readonly #format: RecordFormat;
  readonly #write: (text: string) => Promise<void>;

  constructor(format: RecordFormat, write: (text: string) => Promise<void>) {
    this.#format = format;
    this.#write = write;
  }

  open(): void {
    this.#header = this.#format === 'csv' ? `${rowColumns.join(',')}\n` : '';
  }

  #header = '';

  async write(rows: readonly EnabledRegistration[]): Promise<void> {
    const text = this.#header + textOf(rows, this.#format);
    this.#header = '';
    await this.#write(text);
  }

  flush(): number {
    return 0;
  }

  finish(): void {
    // What was written is the reader's.
  }
}

/** Another store; what it has newer stays there. */
export class StoreSink implements RowSink {
  readonly name: string;
  readonly #store: EnabledStore;
  readonly #problemOf: (row: EnabledRegistration) => string;
  readonly #onRejected: (row: EnabledRegistration, reason: string) => void;
  rejected = 0;

  constructor(
    name: string,
    store: EnabledStore,
    checks: {
      readonly problemOf: (row: EnabledRegistration) => string;
      readonly onRejected: (row: EnabledRegistration, reason: string) => void;
    },
  ) {
    this.name = name;
    this.#store = store;
    this.#problemOf = checks.problemOf;
    this.#onRejected = checks.onRejected;
  }

  open(): void {
    // What is there stays.
  }

  async write(rows: readonly EnabledRegistration[]): Promise<void> {
    const fitting = rows.filter((row) => {
      const problem = this.#problemOf(row);
      if (problem === '') return true;
      this.rejected += 1;
      this.#onRejected(row, problem);
      return false;
    });
    await writeRows(
      this.#store,
      fitting.map((row) => ({ row, isDated: true })),
    );
  }

  flush(): number {
    return 0;
  }

  finish(): void {
    // Each page was durable when it was written.
  }
}

function textOf(rows: readonly EnabledRegistration[], format: RecordFormat): string {
  const line = format === 'csv' ? csvLine : ndjsonLine;
  return rows.map((row) => `${line(row)}\n`).join('');
}
