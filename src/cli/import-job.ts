// Thread: main
/**
 * Reads a file of enabled registrations into a store, in batches: each is durable before the checkpoint says so, so
 * that an import that was killed goes on where it was. What cannot be read is set aside in a file of its own, and the
 * rest goes on.
 */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import { EngineError } from '../core/errors.ts';
import { CheckpointFile } from './checkpoint-file.ts';
import { RowImporter } from './row-importer.ts';
import type { ImportCounts, ImportJob, ImportPlace } from './row-importer.ts';

const chunkBytes = 262_144;
// Enough to tell two files apart; the length is compared as well.
const headBytes = 65_536;

const beginning: ImportPlace = {
  at: 0,
  line: 1,
  columns: undefined,
  rejectedBytes: 0,
  counts: { read: 0, written: 0, unchanged: 0, older: 0, rejected: 0 },
};

/** Resolves when everything that could be read is durable. Rejects with E_STORE_IO, and can then be resumed. */
export async function runImport(job: ImportJob): Promise<ImportCounts> {
  if (job.input !== undefined) return new RowImporter(job, beginning, undefined).run(job.input, 0);
  const { size, head } = look(job.file);
  const checkpoint = new CheckpointFile(`${job.file}.checkpoint`);
  const origin = { job: 'import', target: job.target, format: job.format, size, head };
  const place = job.resume ? placeOf(checkpoint.read(), origin, job.file) : beginning;
  const importing = new RowImporter(job, place, (now) => checkpoint.write({ ...origin, ...now }));
  const counts = await importing.run(createReadStream(job.file, { start: place.at, highWaterMark: chunkBytes }), size);
  checkpoint.remove();
  return counts;
}

function look(file: string): { readonly size: number; readonly head: string } {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch (error) {
    throw new EngineError('E_CONFIG_UNREADABLE', `cannot read ${file}`, { cause: error });
  }
  try {
    const head = Buffer.alloc(headBytes);
    const read = readSync(handle, head, 0, headBytes, 0);
    return { size: fstatSync(handle).size, head: createHash('sha256').update(head.subarray(0, read)).digest('hex') };
  } finally {
    closeSync(handle);
  }
}

/** Throws E_CONFIG_INVALID where the checkpoint is of another import, or the file has changed since. */
function placeOf(
  state: Readonly<Record<string, unknown>> | undefined,
  origin: Readonly<Record<string, unknown>>,
  file: string,
): ImportPlace {
  if (state === undefined) return beginning;
  const changed = Object.keys(origin).find((name) => state[name] !== origin[name]);
  const { at, line, columns, rejectedBytes, counts } = state;
  if (changed !== undefined || !isCount(at) || !isCount(line) || !isCount(rejectedBytes) || !isCounts(counts)) {
    const why = changed === undefined ? 'it cannot be read' : `its ${changed} is another`;
    const message = `${file}.checkpoint is not of this import (${why}); import without --resume`;
    throw new EngineError('E_CONFIG_INVALID', message);
  }
  const names = Array.isArray(columns) ? columns.filter((name) => typeof name === 'string') : undefined;
  return { at, line, columns: names, rejectedBytes, counts: { ...counts } };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isCounts(value: unknown): value is ImportCounts {
  return typeof value === 'object' && value !== null && Object.keys(beginning.counts).every((name) => name in value);
}
