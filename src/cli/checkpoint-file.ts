// Thread: main
/**
 * Where a long job was, in a small file of JSON beside what it reads or writes: replaced as a whole, so that it is
 * either the old one or the new one. It is written after what it speaks of is durable, never before.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { EngineError } from '../core/errors.ts';

export class CheckpointFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** `undefined`: there is none, or none that can be read. */
  read(): Readonly<Record<string, unknown>> | undefined {
    try {
      const value: unknown = JSON.parse(readFileSync(this.path, 'utf8'));
      return typeof value === 'object' && value !== null ? { ...value } : undefined;
    } catch {
      return undefined;
    }
  }

  /** Throws E_STORE_IO: a job that cannot be resumed should not begin. */
  write(state: Readonly<Record<string, unknown>>): void {
    const next = `${this.path}.new`;
    try {
      writeFileSync(next, JSON.stringify(state), { mode: 0o600 });
      renameSync(next, this.path);
    } catch (error) {
      throw new EngineError('E_STORE_IO', `cannot write ${this.path}, where an interrupted job goes on`, {
        cause: error,
      });
    }
  }

  remove(): void {
    rmSync(this.path, { force: true });
  }
}
