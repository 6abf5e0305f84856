// Thread: main
/**
 * `meerkat check-config`: every problem of a file with its line, or what would run. Changes nothing and connects to
 * nothing, so it may be run beside a serving engine and before a restart. Of plugins it runs what they do when loaded.
 */
import type { Command } from 'commander';
import { issueText } from '../../config/config-issue.ts';
import { exitCodes, jsonOption, printJSON, printLine, printNote, runCommand } from './command-frame.ts';
import { problemCount, readConfig } from './load-config.ts';
import { summaryOf, withoutSecrets } from './config-summary.ts';
import { systemClock } from '../core/clock.ts';
import { loadPlugins } from '../plugin/load-plugins.ts';
import type { CommonOptions, Ended } from './command-frame.ts';

const examples = `
Examples:
  $ meerkat check-config
  $ meerkat check-config /etc/meerkat/meerkat.toml
  $ meerkat check-config --json | jq .config.servers

Prints file:line: key: problem. What to write instead. Exit code 2 when there is a problem.
The modules of [[plugins]] are loaded, which runs their code.`;

export function addCheckConfig(program: Command, ended: Ended): void {
  program
    .command('check-config')
    .description('report every problem of a configuration, or what it would run')
    .argument('[file]', 'the configuration file', 'config/meerkat.toml')
    .option(...jsonOption)
    .addHelpText('after', examples)
    .action((file: string, options: CommonOptions) =>
      runCommand(options, ended, () => checkConfig(file, options.json === true)),
    );
}

async function checkConfig(file: string, json: boolean): Promise<number> {
  const result = readConfig(file);
  if (result.ok) {
    await loadPlugins(result.value.plugins);
    if (json) printJSON({ ok: true, config: withoutSecrets(result.value) });
    else {
      const lines = summaryOf(result.value, systemClock.now()).map((line) => `  ${line}`);
      printLine([`${file} is fine. It would run:`, ...lines].join('\n'));
    }
    return exitCodes.done;
  }
  if (json) {
    printJSON({ ok: false, issues: result.error.map((issue) => ({ file, ...issue })) });
  } else {
    for (const issue of result.error) printLine(issueText(issue, file));
    printNote(`meerkat: ${file} has ${problemCount(result.error.length)}`);
  }
  return exitCodes.usage;
}
