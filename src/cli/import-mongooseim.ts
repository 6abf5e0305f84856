// Thread: main
/**
 * `meerkat import mongooseim`: translates the push options of a MongooseIM configuration and says of each what became
 * of it. Writes one file at most, and never over another one unasked; connects to nothing.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { issueText } from '../../config/config-issue.ts';
import { importMongooseIM } from '../../config/mongooseim/import-config.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { EngineError } from '../core/errors.ts';
import { exitCodes, jsonOption, printJSON, printLine, printNote, runCommand } from './command-frame.ts';
import { problemCount } from './load-config.ts';
import type { Finding } from '../../config/mongooseim/finding.ts';
import type { ImportedConfig } from '../../config/mongooseim/import-config.ts';
import type { ConfigIssue } from '../../config/config-issue.ts';
import type { CommonOptions, Ended } from './command-frame.ts';

const examples = `
Examples:
  $ meerkat import mongooseim --config /etc/mongooseim/mongooseim.toml
  $ meerkat import mongooseim --config mongooseim.toml --out meerkat.toml
  $ meerkat import mongooseim --config mongooseim.cfg --json | jq '.findings[] | select(.became == "decision")'

Reads mongooseim.toml (4.0 and later) and mongooseim.cfg (2.x to 3.7). Without --out the configuration goes to standard
output, and what became of each option to standard error. What is written holds the passwords of the source.
Exit code 0: ready for \`meerkat check-config\`; 1: written too, but something needs a decision; 2: could not be read.`;

interface ImportOptions extends CommonOptions {
  readonly config: string;
  readonly out?: string;
  readonly force?: boolean;
}

export function addImport(program: Command, ended: Ended): void {
  const command = program.command('import').description('take over the configuration of another push server');
  command
    .command('mongooseim')
    .description('translate the push options of a MongooseIM, and say of each what became of it')
    .requiredOption('-c, --config <file>', 'its mongooseim.toml or mongooseim.cfg')
    .option('-o, --out <file>', 'write the Meerkat configuration here, instead of to standard output')
    .option('--force', 'replace what is in --out')
    .option(...jsonOption)
    .addHelpText('after', examples)
    .action((options: ImportOptions) => runCommand(options, ended, async () => importConfig(options)));
}

function importConfig(options: ImportOptions): number {
  const imported = read(options.config);
  const checked = parseConfig({
    text: imported.text,
    path: options.out ?? 'meerkat.toml',
    env: {},
    readFile: (path) => readFileSync(path, 'utf8'),
  });
  const problems = checked.ok ? [] : checked.error;
  if (options.out !== undefined) write(options.out, imported.text, options.force === true);
  print(imported, problems, options);
  const isDecided = problems.length === 0 && imported.findings.every(({ became }) => became !== 'decision');
  return isDecided ? exitCodes.done : exitCodes.failed;
}

function read(path: string): ImportedConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new EngineError('E_CONFIG_UNREADABLE', `cannot read ${path}`, { cause: error });
  }
  const imported = importMongooseIM(text, path);
  if (imported.ok) return imported.value;
  const issues = imported.error.map((issue) => issueText(issue, path));
  throw new EngineError('E_CONFIG_INVALID', `${path} has ${problemCount(issues.length)}`, { issues });
}

/** For its owner alone: it holds passwords. */
function write(path: string, text: string, force: boolean): void {
  try {
    writeFileSync(path, text, { mode: 0o600, flag: force ? 'w' : 'wx' });
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    const message = isThere ? `${path} is there already; --force replaces it` : `cannot write ${path}`;
    throw new EngineError('E_CONFIG_UNREADABLE', message, isThere ? {} : { cause: error });
  }
}

function print({ text, findings }: ImportedConfig, problems: readonly ConfigIssue[], options: ImportOptions): void {
  const { out, json, config } = options;
  if (json === true) {
    const result = out === undefined ? { config: text } : { out };
    printJSON({ ok: true, ...result, findings, problems });
    return;
  }
  const say = out === undefined ? printNote : printLine;
  if (out === undefined) printLine(text.trimEnd());
  for (const line of tableOf(findings, config)) say(line);
  const counted = (became: Finding['became']): number => findings.filter((one) => one.became === became).length;
  say(
    `${counted('translated')} translated, ${counted('no-counterpart')} without counterpart, ` +
      `${counted('ignored')} ignored, ${counted('decision')} for you to decide`,
  );
  const where = out ?? 'meerkat.toml';
  for (const problem of problems) say(issueText(problem, where));
  if (out !== undefined) say(`written to ${out}; next: meerkat check-config ${out}`);
}

/** One line for each option: where it is, what became of it, and why. */
function tableOf(findings: readonly Finding[], path: string): readonly string[] {
  return findings.map(({ key, line, value, became, note }) => {
    const place = line === 0 ? `${path}: ` : `${path}:${line}: `;
    return `${became.padEnd(15)} ${place}${key}${value === '' ? '' : ` = ${value}`}: ${note}`;
  });
}
