// Thread: main
/**
 * All commands under one roof, with one meaning of exit codes. commander's own complaints (unknown option, missing
 * argument) are wrong usage: 2, not its 1.
 */
import { Command, CommanderError } from 'commander';
import { addCheckConfig } from './check-config.ts';
import { addDemo } from './demo.ts';
import { addImport } from './import-mongooseim.ts';
import { addRegistrations } from './registrations.ts';
import { addReload } from './reload.ts';
import { addReshard } from './reshard.ts';
import { addRun } from './run.ts';
import { addSend } from './send.ts';
import { exitCodes } from './command-frame.ts';
import { version } from '../core/version.ts';

const examples = `
Examples:
  $ meerkat demo                                          a push arrives, without any server
  $ meerkat check-config /etc/meerkat/meerkat.toml        every problem with its line
  $ meerkat run --config /etc/meerkat/meerkat.toml        serve
  $ meerkat <command> --help                              options and examples of one command

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.
Every configuration key is also an environment variable: MEERKAT_ENGINE__LOG_LEVEL=debug.`;

/** Runs one command line, without `node` and the script; resolves to the exit code. */
export async function runProgram(args: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.done;
  const program = new Command('meerkat')
    .description('High-throughput push notification engine for XMPP (XEP-0357): publishes in, APNs and FCM out.')
    .version(version)
    .showHelpAfterError('(add --help for the options and examples)')
    .exitOverride()
    .addHelpText('after', examples);
  const ended = (code: number): void => {
    exitCode = code;
  };
  for (const add of [addRun, addReload, addCheckConfig, addDemo, addSend, addRegistrations, addReshard, addImport]) {
    add(program, ended);
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  }
}
