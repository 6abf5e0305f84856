/** docs/push-tutorial.md taken apart: its fenced blocks by info string, and the first cells of its tables. */
import { blocksOf, pageOf } from './docs-page.ts';
import type { Block } from './docs-page.ts';

export const page: string = pageOf('push-tutorial.md');

export const blocks: readonly Block[] = blocksOf(page);

export function blocksNamed(...infos: readonly string[]): readonly Block[] {
  return blocks.filter(({ info }) => infos.includes(info));
}

/** The code in the first cells of all table rows. */
export function firstCells(): ReadonlySet<string> {
  return new Set([...page.matchAll(/^\| `([^`]+)`/gm)].map(([, code = '']) => code));
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
