// Thread: main
/**
 * The work of an import: records become rows, rows become batches of the store, and what cannot be read is set aside.
 * Says where it is only after a batch is durable.
 */
import { err } from '../core/result.ts';
import { csvFields, csvRecord } from './csv-fields.ts';
import { readRow, rowColumns } from './enabled-rows.ts';
import { writeRows } from './enabled-writer.ts';
import { RejectFile } from './reject-file.ts';
import { RecordReader } from './record-reader.ts';
import type { ReadRow } from './enabled-rows.ts';
import type { RecordFormat, RowRecord } from './record-reader.ts';
import type { EnabledRegistration } from '../core/enabled.ts';
import type { EnabledStore } from '../storage/enabled-store.ts';
import type { Clock } from '../core/clock.ts';
import type { Result } from '../core/result.ts';

export interface ImportJob {
  /** `-`: standard input, which cannot be resumed. */
  readonly file: string;
  readonly input: AsyncIterable<Buffer> | undefined;
  readonly format: RecordFormat;
  readonly store: EnabledStore;
  /** Why the store cannot keep this row; `''` if it can. */
  readonly problemOf: (row: EnabledRegistration) => string;
  /** Names the store, so that a checkpoint of another one is not taken for this one's. */
  readonly target: string;
  readonly resume: boolean;
  readonly clock: Clock;
  /** Bytes that are done, of all. */
  readonly onProgress: (done: number, total: number) => void;
  /** A record that was set aside: its line and the reason. */
  readonly onRejected: (line: number, reason: string) => void;
}

export interface ImportCounts {
  read: number;
  written: number;
  unchanged: number;
  older: number;
  rejected: number;
}

/** How far an import is. */
export interface ImportPlace {
  /** Bytes of the file that are done. */
  readonly at: number;
  readonly line: number;
  /** Of CSV, once its first record is read. */
  readonly columns: readonly string[] | undefined;
  readonly rejectedBytes: number;
  readonly counts: ImportCounts;
}

/** Rows of one write. */
const batchRows = 1000;

/** One import from one place on. Without `save` nothing is set aside in a file, and nothing can be resumed. */
export class RowImporter {
  readonly #job: ImportJob;
  readonly #counts: ImportCounts;
  readonly #save: ((place: ImportPlace) => void) | undefined;
  readonly #rejects: RejectFile | undefined;
  #columns: readonly string[] | undefined;
  #rows: ReadRow[] = [];
  #at: number;
  #line: number;

  constructor(job: ImportJob, place: ImportPlace, save: ((place: ImportPlace) => void) | undefined) {
    this.#job = job;
    this.#save = save;
    this.#counts = { ...place.counts };
    this.#columns = place.columns;
    this.#at = place.at;
    this.#line = place.line;
    this.#rejects = save === undefined ? undefined : new RejectFile(`${job.file}.rejected`, place.rejectedBytes);
    if (place.columns !== undefined) this.#rejects?.setHeader(Buffer.from(`${csvRecord(place.columns)}\n`));
  }

  async run(chunks: AsyncIterable<Buffer>, total: number): Promise<ImportCounts> {
    const reader = new RecordReader(this.#job.format, { at: this.#at, line: this.#line });
    this.#job.onProgress(this.#at, total);
    try {
      this.#saveHere();
      for await (const chunk of chunks) {
        await this.#takeAll(reader.push(chunk), total);
      }
      await this.#takeAll(reader.end(), total);
      await this.#flush();
      this.#job.onProgress(total, total);
      return this.#counts;
    } finally {
      this.#rejects?.close();
    }
  }

  async #takeAll(records: readonly RowRecord[], total: number): Promise<void> {
    for (const record of records) {
      this.#take(record);
      this.#at = record.endsAt;
      this.#line = record.nextLine;
      if (this.#rows.length < batchRows) continue;
      await this.#flush();
      this.#job.onProgress(this.#at, total);
    }
  }

  #take(record: RowRecord): void {
    if (this.#job.format === 'csv' && this.#columns === undefined && record.text !== undefined) {
      const names = csvFields(record.text) ?? [];
      const isHeader = names.includes('owner_jid');
      this.#columns = isHeader ? names : rowColumns;
      if (isHeader) {
        this.#rejects?.setHeader(record.bytes);
        return;
      }
    }
    this.#counts.read += 1;
    const row = this.#rowOf(record);
    const problem = row.ok ? this.#job.problemOf(row.value.row) : row.error;
    if (row.ok && problem === '') this.#rows.push(row.value);
    else {
      this.#counts.rejected += 1;
      this.#rejects?.add(record.bytes);
      this.#job.onRejected(record.line, problem);
    }
  }

  #rowOf({ text, problem }: RowRecord): Result<ReadRow, string> {
    if (text === undefined) return err(problem);
    const fields = this.#job.format === 'csv' ? csvRow(text, this.#columns ?? rowColumns) : ndjsonRow(text);
    return typeof fields === 'string' ? err(fields) : readRow(fields, this.#job.clock.now());
  }

  async #flush(): Promise<void> {
    const rows = this.#rows;
    this.#rows = [];
    if (rows.length > 0) {
      const { written, unchanged, older } = await writeRows(this.#job.store, rows);
      this.#counts.written += written;
      this.#counts.unchanged += unchanged;
      this.#counts.older += older;
    }
    this.#saveHere();
  }

  #saveHere(): void {
    const rejectedBytes = this.#rejects?.bytes ?? 0;
    this.#save?.({ at: this.#at, line: this.#line, columns: this.#columns, rejectedBytes, counts: this.#counts });
  }
}

function csvRow(text: string, columns: readonly string[]): ReadonlyMap<string, unknown> | string {
  const fields = csvFields(text);
  if (fields === undefined) return 'a quote stands where none may be';
  if (fields.length > columns.length || fields.length < rowColumns.length - 1) {
    return `has ${fields.length} fields, not ${columns.length}`;
  }
  return new Map(fields.map((field, index) => [columns[index] ?? '', field]));
}

function ndjsonRow(text: string): ReadonlyMap<string, unknown> | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'is not JSON';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'is not an object';
  return new Map(Object.entries(value));
}
