// Thread: main
/**
 * `meerkat reload`: tells the running process to take over new keys, certificates and service accounts, and prints what
 * became of each provider. The process reads its own file, the one `meerkat run` was given.
 */
import type { Command } from 'commander';
import { configOption, exitCodes, jsonOption, printJSON, printLine, printNote, runCommand } from './command-frame.ts';
import { askForReload } from './control-socket.ts';
import { loadConfig, problemCount, readConfig } from './load-config.ts';
import { issueText } from '../../config/config-issue.ts';
import { EngineError } from '../core/errors.ts';
import type { CommonOptions, Ended } from './command-frame.ts';
import type { Logger } from '../core/log.ts';
import type { Engine } from '../engine.ts';
import type { ReloadReport } from '../engine-reload.ts';

const examples = `
Examples:
  $ meerkat reload
  $ meerkat reload --config /etc/meerkat/meerkat.toml
  $ meerkat reload --json | jq '.providers[] | select(.kind == "kept")'
  $ systemctl kill --signal=HUP meerkat                   the same; what happened is in the log

Finds the process by data_dir. Each new credential is tried at its gateway before the old one is let go, and no
notification is lost. Prints unchanged, renewed, or kept and why, for each provider, and what needs a restart.
Exit code 0, or 1 when something was kept.`;

interface ReloadOptions extends CommonOptions {
  readonly config: string;
}

/** What the running process answers. */
type ReloadAnswer = ReloadReport | { readonly ok: false; readonly issues: readonly string[] };

export function addReload(program: Command, ended: Ended): void {
  program
    .command('reload')
    .description('take over new keys and certificates in the running process')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', examples)
    .action((options: ReloadOptions) => runCommand(options, ended, () => reload(options)));
}

async function reload({ config: path, json = false }: ReloadOptions): Promise<number> {
  const { engine } = loadConfig(path);
  const answer = await askForReload(engine.dataDir);
  if (!isAnswer(answer)) throw new EngineError('E_ENGINE_STATE', 'the running process is of another version');
  if (json) printJSON(answer);
  else print(answer);
  return answer.ok ? exitCodes.done : exitCodes.failed;
}

function print(answer: ReloadAnswer): void {
  if ('issues' in answer) {
    for (const issue of answer.issues) printNote(issue);
    printNote(`meerkat: nothing was reloaded, for ${problemCount(answer.issues.length)}`);
    return;
  }
  for (const one of answer.providers) {
    printLine(`${one.provider}: ${one.kind}${one.kind === 'kept' ? `: ${one.why}` : ''}`);
  }
  if (answer.restart.length > 0) printLine(`needs a restart: ${answer.restart.join(', ')}`);
}

function isAnswer(value: unknown): value is ReloadAnswer {
  return typeof value === 'object' && value !== null && ('providers' in value || 'issues' in value);
}

/** In the running process. Never rejects; all of it is in the log, too. */
export async function reloadFrom(path: string, engine: Engine, logger: Logger): Promise<ReloadAnswer> {
  try {
    const read = readConfig(path);
    if (!read.ok) return refused(read.error.map((issue) => issueText(issue, path)));
    const report = await engine.reloadChecked(read.value);
    const { providers, restart } = report;
    if (restart.length > 0) logger.warn({ restart }, 'reloaded; what else has changed needs a restart');
    else logger.info({ providers }, 'reloaded');
    return report;
  } catch (error) {
    return refused([error instanceof EngineError ? error.message : String(error)]);
  }

  function refused(issues: readonly string[]): ReloadAnswer {
    logger.error({ issues }, 'nothing was reloaded');
    return { ok: false, issues };
  }
}
