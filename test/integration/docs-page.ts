/** Pages of docs/ taken apart: fenced blocks by info string, command lines, messages of the log that they tell of. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../tidy/tree.ts';
import { commandLine } from '../unit/cli/command-line.ts';
import type { TestContext } from 'node:test';

export interface Block {
  /** The info string: the language, then what the block is to the tests. */
  readonly info: string;
  readonly text: string;
  /** Of its first line in the page. */
  readonly line: number;
}

export function pageOf(name: string): string {
  return readFileSync(join(projectRoot(), 'docs', name), 'utf8');
}

export function blocksOf(markdown: string): readonly Block[] {
  const found: Block[] = [];
  let open: { readonly info: string; readonly line: number; readonly lines: string[] } | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    if (!line.startsWith('```')) open?.lines.push(line);
    else if (open === undefined) open = { info: line.slice(3).trim(), line: index + 2, lines: [] };
    else {
      found.push({ info: open.info, line: open.line, text: open.lines.join('\n') });
      open = undefined;
    }
  }
  return found;
}

/** Of the scripts, and of the text between backticks. */
function commandsOf(page: string): readonly string[] {
  const scripts = blocksOf(page).filter(({ info }) => info === 'sh');
  const lines = scripts.flatMap(({ text }) => text.split('\n'));
  const inline = [...page.replaceAll(/```[\s\S]*?```/g, '').matchAll(/`(meerkat [^`]+)`/g)].map(
    ([, text = '']) => text,
  );
  return [...lines.filter((line) => line.startsWith('meerkat ')), ...inline];
}

/** Every command line is one of ours, with options that it has. @returns how many commands there are. */
export async function assertCommands(t: TestContext, page: string): Promise<number> {
  const { run } = commandLine(t);
  const helps = new Map<string, Promise<{ readonly exitCode: number; readonly stdout: string }>>();
  for (const command of commandsOf(page)) {
    const words = wordsOf(command, {}).slice(1);
    const end = words.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
    const name = words.slice(0, end === -1 ? words.length : end);
    const help = helps.get(name.join(' ')) ?? run([...name, '--help']);
    helps.set(name.join(' '), help);
    const { exitCode, stdout } = await help;
    assert.equal(exitCode, 0, command);
    for (const option of words.filter((word) => word.startsWith('-') && word !== '--help')) {
      assert.match(stdout, new RegExp(`(?<![\\w-])${option}\\b`), `${command}: ${option}`);
    }
  }
  return helps.size;
}

/** Every message of the log that this part of a page tells of is written by the source. @returns how many there are. */
export function assertMessages(section: string): number {
  const source = sourceText('src');
  const messages = [...section.matchAll(/^\|(.*?)\|/gm)]
    .flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text))
    .filter((text) => text.includes(' '))
    .map((text) => text.replace(/[;:]? \.\.\.$/, ''));
  for (const message of messages) assert.ok(source.includes(message), message);
  return messages.length;
}

/** The words of a command line as a shell takes them; variables are replaced by their values. */
export function wordsOf(command: string, variables: Readonly<Record<string, string>>): readonly string[] {
  const words: string[] = [];
  for (const [whole] of command.replaceAll(/\\\n/g, ' ').matchAll(/(?:'[^']*'|"(?:\\[\s\S]|[^"\\])*"|[^\s'"])+/g)) {
    words.push(
      whole.replaceAll(/'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"|([^'"]+)/g, (_, single, double, bare) => {
        if (single !== undefined) return String(single);
        const text = double === undefined ? String(bare) : String(double).replaceAll(/\\([\s\S])/g, '$1');
        return text.replaceAll(/\$([A-Z]+)/g, (name, variable: string) => variables[variable] ?? name);
      }),
    );
  }
  return words;
}

function sourceText(folder: string): string {
  const root = join(projectRoot(), folder);
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(root, name), 'utf8').replaceAll(/' \+\s+'/g, ''))
    .join('\n');
}
