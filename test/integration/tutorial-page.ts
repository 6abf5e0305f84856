/** docs/push-tutorial.md taken apart: its fenced blocks by info string, and the first cells of its tables. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../tidy/tree.ts';

export interface Block {
  /** The info string: the language, then what the block is to the tests. */
  readonly info: string;
  readonly text: string;
  /** Of its first line in the page. */
  readonly line: number;
}

export const page: string = readFileSync(join(projectRoot(), 'docs', 'push-tutorial.md'), 'utf8');

export const blocks: readonly Block[] = blocksOf(page);

export function blocksNamed(...infos: readonly string[]): readonly Block[] {
  return blocks.filter(({ info }) => infos.includes(info));
}

/** The code in the first cells of all table rows. */
export function firstCells(): ReadonlySet<string> {
  return new Set([...page.matchAll(/^\| `([^`]+)`/gm)].map(([, code = '']) => code));
}

function blocksOf(markdown: string): readonly Block[] {
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

export interface Mistake {
  readonly xml: string;
  /** `type/condition`, then the application condition or `: text` where there is one. */
  readonly answer: string;
  readonly line: number;
}

/** The elements of a block of mistakes, each with the comment behind it. A comment before an element is for people. */
export function mistakesOf({ text, line }: Block): readonly Mistake[] {
  const found: Mistake[] = [];
  let from = 0;
  for (const match of text.matchAll(/<!-- ((?:auth|cancel|modify|wait)\/\S+.*) -->/g)) {
    const xml = text.slice(from, match.index).replaceAll(/<!--[^>]*-->/g, '');
    found.push({
      xml: withoutGaps(xml),
      answer: match[1] ?? '',
      line: line + text.slice(0, match.index).split('\n').length - 1,
    });
    from = match.index + match[0].length;
  }
  return found;
}

/** Without the white space by which people read it. */
export function withoutGaps(xml: string): string {
  return xml.replaceAll(/>\s+</g, '><').trim();
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
