// Thread: main
/**
 * What all commands share: where output goes, what `--json` prints, and how a failure becomes an exit code. Results go
 * to standard output, everything for people beside them to standard error.
 */
import { EngineError } from '../core/errors.ts';

export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/** Told the exit code of the command that ran. */
export type Ended = (exitCode: number) => void;

export interface CommonOptions {
  /** Print one JSON document, or one for each line where there can be many. */
  readonly json?: boolean;
}

export const jsonOption = ['--json', 'print JSON for programs'] as const;
export const configOption = ['-c, --config <file>', 'the configuration file', 'config/meerkat.toml'] as const;

/** Runs a command; a failure is printed and becomes its exit code. A broken invariant keeps its stack. */
export async function runCommand(options: CommonOptions, ended: Ended, work: () => Promise<number>): Promise<void> {
  try {
    ended(await work());
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    printFailure(error, options.json === true);
    ended(isWrongConfig(error) ? exitCodes.usage : exitCodes.failed);
  }
}

/** Plugins are loaded as the configuration says. */
function isWrongConfig({ code }: EngineError): boolean {
  return code.startsWith('E_CONFIG_') || code === 'E_PLUGIN_INVALID';
}

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJSON(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** For people beside the result; not part of what a program reads. */
export function printNote(text: string): void {
  process.stderr.write(`${text}\n`);
}

function printFailure(error: EngineError, json: boolean): void {
  if (json) {
    printJSON({ ok: false, code: error.code, message: error.message, issues: error.issues });
    return;
  }
  for (const issue of error.issues) printNote(issue);
  printNote(`meerkat: ${error.message}${causeText(error.cause)}`);
}

function causeText(cause: unknown): string {
  return cause instanceof Error ? ` (${cause.message})` : '';
}
