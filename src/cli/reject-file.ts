// Thread: main
/**
 * Rows of a file that could not be imported, as they were, so that they can be mended and imported. Made when there is
 * one; for its owner alone, because it holds tokens.
 */
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { EngineError } from '../core/errors.ts';

const newline = 0x0a;

export class RejectFile {
  readonly #path: string;
  #handle: number | undefined;
  #header: Buffer = Buffer.alloc(0);
  bytes = 0;

  /** @param keep how much of the file was there at the checkpoint; without any it begins anew. */
  constructor(path: string, keep: number) {
    this.#path = path;
    if (keep === 0) {
      rmSync(path, { force: true });
      return;
    }
    this.#open();
    this.bytes = keep;
    if (this.#handle !== undefined) ftruncateSync(this.#handle, keep);
  }

  /** So that the file can be imported once it is mended. */
  setHeader(line: Buffer): void {
    this.#header = Buffer.from(line);
  }

  add(record: Buffer): void {
    if (this.#handle === undefined) {
      this.#open();
      this.#write(this.#header);
    }
    this.#write(record);
    if (record.at(-1) !== newline) this.#write(Buffer.of(newline));
  }

  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
  }

  #open(): void {
    try {
      this.#handle = openSync(this.#path, 'a', 0o600);
    } catch (error) {
      throw new EngineError('E_STORE_IO', `cannot write ${this.#path}, where bad rows are set aside`, { cause: error });
    }
  }

  #write(bytes: Buffer): void {
    if (this.#handle === undefined || bytes.length === 0) return;
    writeSync(this.#handle, bytes);
    this.bytes += bytes.length;
  }
}
