// Thread: main
/**
 * `meerkat registrations export`: writes what users have enabled to a file that MongooseIM's table can load, or moves
 * it straight between that table and LMDB.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import type { Command } from 'commander';
import { hashForPeople } from '../core/redact.ts';
import { EngineError } from '../core/errors.ts';
import { CheckpointFile } from './checkpoint-file.ts';
import { configOption, exitCodes, jsonOption, printJSON, printLine, printNote, runCommand } from './command-frame.ts';
import { FileSink, StoreSink, StreamSink, runExport } from './export-job.ts';
import { loadConfig } from './load-config.ts';
import { configuredPlace, isThere, placeText, problemOfRow, storePlaces, withEnabledStore } from './open-enabled.ts';
import { oneOf } from './option-values.ts';
import { formatOf, progressOf, recordFormats } from './registrations-import.ts';
import type { EngineConfig } from '../../config/engine-config.ts';
import type { EnabledStore } from '../storage/enabled-store.ts';
import type { CommonOptions, Ended } from './command-frame.ts';
import type { ExportCounts, RowSink } from './export-job.ts';
import type { RecordFormat } from './record-reader.ts';
import type { StorePlace } from './open-enabled.ts';

const examples = `
Examples:
  $ meerkat registrations export --to enabled.csv
  $ psql mongooseim -c "\\copy event_pusher_push_subscription from 'enabled.csv' csv header"
  $ meerkat registrations export --to enabled.ndjson --resume     after an interruption
  $ meerkat registrations export --to - | gzip > enabled.ndjson.gz
  $ meerkat registrations export --from database --to lmdb        MongooseIM's table becomes Meerkat's own store

The file holds device tokens: only its owner can read it. CSV has the columns of MongooseIM's table; NDJSON has session
and preferences as well. FILE is there once it is whole; until then FILE.partial and FILE.checkpoint are, and --resume
goes on. Exit code 1 when some rows could not be read or kept.`;

interface ExportOptions extends CommonOptions {
  readonly config: string;
  readonly from?: StorePlace;
  readonly to: string;
  readonly format?: RecordFormat;
  readonly resume?: boolean;
  readonly force?: boolean;
}

export function addRegistrationsExport(registrations: Command, ended: Ended): void {
  registrations
    .command('export')
    .description('write what users have enabled to CSV or NDJSON, or into another store')
    .requiredOption('--to <target>', 'a file, - for standard output, lmdb or database')
    .option('--from <store>', `${storePlaces.join(' or ')}; without it the one of push.store`, oneOf(storePlaces))
    .option('--format <format>', 'csv or ndjson; without it by the name of the file', oneOf(recordFormats))
    .option('--resume', 'go on where an interrupted export was')
    .option('--force', 'replace the file')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', examples)
    .action((options: ExportOptions) => runCommand(options, ended, () => exportRows(options)));
}

async function exportRows(options: ExportOptions): Promise<number> {
  const config = loadConfig(options.config);
  const from = options.from ?? configuredPlace(config);
  if (!isThere(config, from)) {
    printNote(`meerkat: there is no store at ${placeText(config, from)} yet`);
    return exitCodes.failed;
  }
  const to = storePlaces.find((place) => place === options.to);
  if (to === from) throw new EngineError('E_CONFIG_INVALID', `--from and --to are both ${from}`);
  return withEnabledStore(config, from, (store) => {
    const source = placeText(config, from);
    if (to === undefined) return toFile({ store, source }, options);
    return withEnabledStore(config, to, (target) => toStore({ store, source }, { config, target, to }, options));
  });
}

interface Source {
  readonly store: EnabledStore;
  readonly source: string;
}

async function toFile(source: Source, options: ExportOptions): Promise<number> {
  const { to, format = formatOf(to), force = false } = options;
  if (to === '-') {
    const counts = await run(source, { sink: new StreamSink(format, writeOut), checkpoint: undefined }, options);
    return counts.unreadable === 0 ? exitCodes.done : exitCodes.failed;
  }
  const sink = new FileSink(to, format, force);
  const counts = await run(source, { sink, checkpoint: new CheckpointFile(`${to}.checkpoint`) }, options);
  if (format === 'csv' && sink.withPreferences > 0) {
    printNote(`meerkat: ${sink.withPreferences} of them have preferences, for which CSV has no column; take NDJSON`);
  }
  return done(counts, 0, options);
}

interface Target {
  readonly config: EngineConfig;
  readonly target: EnabledStore;
  readonly to: StorePlace;
}

async function toStore(source: Source, { config, target, to }: Target, options: ExportOptions): Promise<number> {
  const sink = new StoreSink(placeText(config, to), target, {
    problemOf: problemOfRow(target),
    onRejected: (row, reason) => printNote(`owner ${hashForPeople(row.owner)}: ${reason}`),
  });
  const checkpoint = new CheckpointFile(join(config.engine.dataDir, 'registrations-export.checkpoint'));
  return done(await run(source, { sink, checkpoint }, options), sink.rejected, options);
}

async function run(
  { store, source }: Source,
  { sink, checkpoint }: { readonly sink: RowSink; readonly checkpoint: CheckpointFile | undefined },
  { json = false, resume = false }: ExportOptions,
): Promise<ExportCounts> {
  const bar = progressOf('export', json);
  try {
    return await runExport({
      store,
      source,
      sink,
      checkpoint,
      resume,
      onProgress: (rows, total) => bar?.update(rows, total),
      onUnreadable: (hash) => printNote(`owner ${hash}: the registrations cannot be decoded`),
    });
  } finally {
    bar?.end();
  }
}

function done({ rows, unreadable }: ExportCounts, rejected: number, { json, to }: ExportOptions): number {
  const isWhole = unreadable + rejected === 0;
  if (json === true) printJSON({ ok: isWhole, rows: rows - rejected, unreadable, rejected });
  else printLine(`${rows - rejected} registrations are in ${to}`);
  if (!isWhole) printNote(`meerkat: ${unreadable} owners could not be read, ${rejected} rows not be kept`);
  return isWhole ? exitCodes.done : exitCodes.failed;
}

async function writeOut(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}
