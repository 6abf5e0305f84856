// Thread: main
/**
 * `meerkat reshard`: brings the store to the number of shards that the configuration asks for. The engine must not run;
 * nothing is lost when this is interrupted.
 */
import type { Command } from 'commander';
import { configOption, exitCodes, jsonOption, printJSON, printLine, runCommand } from './command-frame.ts';
import { loadConfig } from './load-config.ts';
import { ProgressBar } from './progress-bar.ts';
import { EngineError } from '../core/errors.ts';
import { shardOfNode } from '../registration/slots.ts';
import { reshard } from '../storage/reshard.ts';
import { folderNames } from '../storage/shard-folder.ts';
import type { CommonOptions, Ended } from './command-frame.ts';

const examples = `
Examples:
  $ meerkat reshard --config /etc/meerkat/meerkat.toml
  $ MEERKAT_REGISTRATIONS__SHARDS=16 meerkat reshard

Stop the engine, write the new registrations.shards into the configuration, reshard, start the engine. What was live
before stays in data_dir, as ${folderNames.backup}, until the next resharding.`;

interface ReshardCommandOptions extends CommonOptions {
  readonly config: string;
}

export function addReshard(program: Command, ended: Ended): void {
  program
    .command('reshard')
    .description('bring the store to the configured number of shards, while the engine is stopped')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', examples)
    .action((options: ReshardCommandOptions) => runCommand(options, ended, () => reshardStore(options)));
}

async function reshardStore({ config: path, json = false }: ReshardCommandOptions): Promise<number> {
  const { engine, registrations } = loadConfig(path);
  if (registrations.store === 'memory') {
    throw new EngineError('E_CONFIG_INVALID', 'registrations.store is "memory": there is nothing to reshard');
  }
  const to = registrations.shards;
  const bar = new ProgressBar(`to ${to} shards`);
  try {
    const { from, rows, backup } = await reshard({
      dataDir: engine.dataDir,
      to,
      mapBytes: registrations.mapBytes,
      shardOfNode,
      onProgress: (progress) => {
        if (!json) bar.update(progress.rows, progress.rowsTotal);
      },
    });
    bar.end();
    if (json) printJSON({ ok: true, from, to, registrations: rows, backup });
    else if (from === to) printLine(`nothing to do: the store has ${to} shards already`);
    else printLine(`${rows} registrations are now in ${to} shards; the ${from} before are in ${backup}`);
    return exitCodes.done;
  } finally {
    bar.end();
  }
}
