// Thread: main
/**
 * `meerkat reshard`: brings the store to the number of shards that the configuration asks for. The engine must not run;
 * nothing is lost when this is interrupted.
 */
import { join } from 'node:path';
import type { Command } from 'commander';
import { configOption, exitCodes, jsonOption, printJSON, printLine, runCommand } from './command-frame.ts';
import { loadConfig } from './load-config.ts';
import { ProgressBar } from './progress-bar.ts';
import { reshardStores } from './reshard-stores.ts';
import { EngineError } from '../core/errors.ts';
import { folderNames, shardCount } from '../storage/shard-folder.ts';
import type { CommonOptions, Ended } from './command-frame.ts';

const examples = `
Examples:
  $ meerkat reshard --config /etc/meerkat/meerkat.toml
  $ MEERKAT_REGISTRATIONS__SHARDS=16 meerkat reshard

Stop the engine, write the new registrations.shards into the configuration, reshard, start the engine. What was live
before stays in data_dir, as ${folderNames.backup}, until the next resharding.`;

interface ReshardOptions extends CommonOptions {
  readonly config: string;
}

export function addReshard(program: Command, ended: Ended): void {
  program
    .command('reshard')
    .description('bring the store to the configured number of shards, while the engine is stopped')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', examples)
    .action((options: ReshardOptions) => runCommand(options, ended, () => reshard(options)));
}

async function reshard({ config: path, json = false }: ReshardOptions): Promise<number> {
  const { engine, registrations } = loadConfig(path);
  const { dataDir } = engine;
  const to = registrations.shards;
  if (registrations.store === 'memory') {
    throw new EngineError('E_CONFIG_INVALID', 'registrations.store is "memory": there is nothing to reshard');
  }
  const from = shardCount(dataDir);
  if (from === 0 || from === to) {
    const why = from === 0 ? `there is no store in ${dataDir} yet` : `the store has ${to} shards already`;
    if (json) printJSON({ ok: true, from, to, registrations: 0 });
    else printLine(`nothing to do: ${why}`);
    return exitCodes.done;
  }
  const bar = new ProgressBar(`${from} to ${to} shards`);
  let rows: number;
  try {
    rows = await reshardStores({
      config: { ...registrations, dataDir },
      from,
      progress: (done, total) => {
        if (!json) bar.update(done, total);
      },
    });
  } finally {
    bar.end();
  }
  if (json) printJSON({ ok: true, from, to, registrations: rows });
  else {
    printLine(`${rows} registrations are now in ${to} shards; the ${from} before are in ${backupOf(dataDir)}`);
  }
  return exitCodes.done;
}

function backupOf(dataDir: string): string {
  return join(dataDir, folderNames.backup);
}
