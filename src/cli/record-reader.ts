// Thread: main
/**
 * Cuts a file of rows into records while it is read: a line of NDJSON, or a record of CSV, whose quoted fields may hold
 * line breaks (RFC 4180). A record knows its line, and where the next one begins, so that reading can go on there. One
 * bad record never costs the next: a quote that is not closed is given up at the end of its own line.
 */
import { limits } from '../core/limits.ts';

export type RecordFormat = 'csv' | 'ndjson';

export interface RowRecord {
  /** Without its line end; `undefined`: it is not UTF-8, too long, or its quotes do not close, as `problem` says. */
  readonly text: string | undefined;
  readonly problem: string;
  /** As it was, with its line end. */
  readonly bytes: Buffer;
  /** Of its first line, counted from 1. */
  readonly line: number;
  /** Position of the first byte after it, and the line that is on. */
  readonly endsAt: number;
  readonly nextLine: number;
}

const newline = 0x0a;
const quote = 0x22;

export class RecordReader {
  readonly #format: RecordFormat;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });
  /** What has been read of records that are not whole yet. */
  #rest: Buffer = Buffer.alloc(0);
  /** How much of `#rest` has been looked at, and whether inside quotes. */
  #looked = 0;
  #isQuoted = false;
  #line: number;
  #endsAt: number;

  /** @param from where reading goes on: the position of a record, and its line. */
  constructor(format: RecordFormat, from: { readonly at: number; readonly line: number } = { at: 0, line: 1 }) {
    this.#format = format;
    this.#endsAt = from.at;
    this.#line = from.line;
  }

  /** The records that `chunk` completes. */
  push(chunk: Buffer): readonly RowRecord[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    return this.#cut(false);
  }

  /** What is left at the end of the file, where the last line end may be missing. */
  end(): readonly RowRecord[] {
    return this.#cut(true);
  }

  #cut(isEnd: boolean): readonly RowRecord[] {
    const records: RowRecord[] = [];
    let start = 0;
    for (;;) {
      let end = this.#recordEnd(start);
      if (end === -1) {
        const length = this.#rest.length - start;
        const isStuck = isEnd ? length > 0 : length > limits.importRecordBytesMax;
        if (!isStuck) break;
        end = this.#giveUp(start, records);
      } else records.push(this.#record(start, end, ''));
      start = end;
      this.#looked = start;
      this.#isQuoted = false;
    }
    this.#rest = this.#rest.subarray(start);
    this.#looked -= start;
    return records.filter((record) => record.text === undefined || record.text.trim() !== '');
  }

  /** Position after the record that begins at `start`; -1 if its end is not there yet. */
  #recordEnd(start: number): number {
    let at = Math.max(start, this.#looked);
    if (this.#format === 'ndjson') {
      const end = this.#rest.indexOf(newline, at);
      this.#looked = this.#rest.length;
      return end + (end === -1 ? 0 : 1);
    }
    for (; at < this.#rest.length; at++) {
      const byte = this.#rest[at];
      if (byte === quote) this.#isQuoted = !this.#isQuoted;
      else if (byte === newline && !this.#isQuoted) return at + 1;
    }
    this.#looked = at;
    return -1;
  }

  /** A record without an end: its first line alone is lost, or all that is there if even that has no end. */
  #giveUp(start: number, records: RowRecord[]): number {
    const lineEnd = this.#rest.indexOf(newline, start);
    const end = lineEnd === -1 ? this.#rest.length : lineEnd + 1;
    const isOver = end - start > limits.importRecordBytesMax;
    if (this.#isQuoted) records.push(this.#record(start, end, 'a quote is not closed'));
    else if (isOver) records.push(this.#record(start, end, tooLong));
    else records.push(this.#record(start, end, ''));
    return end;
  }

  #record(start: number, end: number, problem: string): RowRecord {
    const bytes = this.#rest.subarray(start, end);
    const line = this.#line;
    for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) this.#line += 1;
    this.#endsAt += bytes.length;
    const rest = { bytes, line, endsAt: this.#endsAt, nextLine: this.#line };
    if (problem !== '') return { ...rest, text: undefined, problem };
    if (bytes.length > limits.importRecordBytesMax) return { ...rest, text: undefined, problem: tooLong };
    try {
      return { ...rest, text: this.#decoder.decode(bytes).replace(/\r?\n$/, ''), problem };
    } catch {
      return { ...rest, text: undefined, problem: 'is not UTF-8' };
    }
  }
}

const tooLong = `is longer than ${limits.importRecordBytesMax} bytes`;
