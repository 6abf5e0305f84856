// Thread: main
/**
 * `meerkat registrations import`: brings what users have enabled into the store, out of a file as MongooseIM's table is
 * exported, or as `registrations export` writes it.
 */
import type { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { configOption, exitCodes, jsonOption, printJSON, printLine, printNote, runCommand } from './command-frame.ts';
import { runImport } from './import-job.ts';
import { loadConfig } from './load-config.ts';
import { configuredPlace, placeText, problemOfRow, storePlaces, withEnabledStore } from './open-enabled.ts';
import { oneOf } from './option-values.ts';
import { ProgressBar } from './progress-bar.ts';
import type { CommonOptions, Ended } from './command-frame.ts';
import type { ImportCounts } from './row-importer.ts';
import type { RecordFormat } from './record-reader.ts';
import type { StorePlace } from './open-enabled.ts';

const examples = `
Examples:
  $ psql mongooseim -c "\\copy event_pusher_push_subscription to 'enabled.csv' csv header"
  $ meerkat registrations import enabled.csv
  $ meerkat registrations import enabled.ndjson --to database
  $ meerkat registrations import enabled.csv --resume          after an interruption
  $ zcat enabled.ndjson.gz | meerkat registrations import -

Columns of CSV, keys of NDJSON: owner_jid, node, pubsub_jid, form (JSON), created_at (microseconds); NDJSON may have
session and preferences as well. Importing twice changes nothing, and what the store has newer stays.
What cannot be read goes to FILE.rejected, with its reasons on standard error, and the exit code is 1. While it runs,
FILE.checkpoint says what is durable: --resume goes on there.`;

interface ImportOptions extends CommonOptions {
  readonly config: string;
  readonly to?: StorePlace;
  readonly format?: RecordFormat;
  readonly resume?: boolean;
}

// More than these are counted only: the file of rejected rows has them all.
const shownMax = 20;

export function addRegistrationsImport(registrations: Command, ended: Ended): void {
  registrations
    .command('import')
    .description('bring what users have enabled into the store, out of CSV or NDJSON')
    .argument('<file>', 'CSV or NDJSON; - is standard input')
    .option('--to <store>', `${storePlaces.join(' or ')}; without it the one of push.store`, oneOf(storePlaces))
    .option('--format <format>', 'csv or ndjson; without it by the name of the file', oneOf(recordFormats))
    .option('--resume', 'go on where an interrupted import was')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', examples)
    .action((file: string, options: ImportOptions) => runCommand(options, ended, () => importFile(file, options)));
}

export const recordFormats = ['csv', 'ndjson'] as const;

/** By the name of a file; NDJSON if it does not say. */
export function formatOf(file: string): RecordFormat {
  return /\.csv$/i.test(file) ? 'csv' : 'ndjson';
}

/** A bar for somebody who looks at a terminal, nothing otherwise. */
export function progressOf(label: string, json: boolean): ProgressBar | undefined {
  return json || !process.stderr.isTTY ? undefined : new ProgressBar(label);
}

async function importFile(file: string, { config: path, json = false, ...options }: ImportOptions): Promise<number> {
  const config = loadConfig(path);
  const place = options.to ?? configuredPlace(config);
  const bar = progressOf('import', json);
  let shown = 0;
  const counts = await withEnabledStore(config, place, async (store) => {
    try {
      return await runImport({
        file,
        input: file === '-' ? process.stdin : undefined,
        format: options.format ?? formatOf(file),
        store,
        problemOf: problemOfRow(store),
        target: placeText(config, place),
        resume: options.resume === true,
        clock: systemClock,
        onProgress: (done, total) => bar?.update(done, total),
        onRejected(line, reason) {
          shown += 1;
          if (shown <= shownMax) printNote(`${file}:${line}: ${reason}`);
        },
      });
    } finally {
      bar?.end();
    }
  });
  if (shown > shownMax) printNote(`meerkat: ... and ${shown - shownMax} more`);
  print(counts, file, json);
  return counts.rejected === 0 ? exitCodes.done : exitCodes.failed;
}

function print(counts: ImportCounts, file: string, json: boolean): void {
  const { read, written, unchanged, older, rejected } = counts;
  if (json) {
    printJSON({ ok: rejected === 0, read, written, unchanged, older, rejected });
    return;
  }
  printLine(`${read} read: ${written} written, ${unchanged} there already, ${older} older than the store's own`);
  if (rejected > 0) printNote(`meerkat: ${rejected} could not be read${file === '-' ? '' : `; see ${file}.rejected`}`);
}
