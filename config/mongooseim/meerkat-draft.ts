// Thread: any
/**
 * The Meerkat configuration that grows while the options of MongooseIM are read, and its text. Only keys that differ
 * from what Meerkat does by itself are in it.
 */
export type DraftValue = string | number | boolean | readonly string[];

/** A table whose members are in the order of their first writing, with comments above it. */
export interface DraftTable {
  readonly comments: string[];
  readonly keys: Map<string, DraftValue | readonly ReadonlyMap<string, string | boolean>[]>;
}

const order = ['push', 'push.groups', 'notifications', 'push_nodes', 'app_server', 'database', 'http'] as const;
const listOrder = ['push.rules', 'servers', 'rabbit', 'plugins', 'providers'] as const;

export type DraftSection = (typeof order)[number];
export type DraftList = (typeof listOrder)[number];

export class MeerkatDraft {
  readonly #tables = new Map<string, DraftTable>();
  readonly #lists = new Map<string, DraftTable[]>();

  table(section: DraftSection): DraftTable {
    const there = this.#tables.get(section) ?? newTable();
    this.#tables.set(section, there);
    return there;
  }

  list(section: DraftList): readonly DraftTable[] {
    return this.#lists.get(section) ?? [];
  }

  add(section: DraftList): DraftTable {
    const made = newTable();
    this.#lists.set(section, [...this.list(section), made]);
    return made;
  }

  /** As the text of a `meerkat.toml`. */
  text(): string {
    const parts = [heading];
    for (const section of ['servers', 'push', ...order.slice(1), 'push.rules', 'rabbit', 'plugins', 'providers']) {
      const table = this.#tables.get(section);
      if (table !== undefined) parts.push(tableText(`[${section}]`, table));
      for (const member of this.#lists.get(section) ?? []) parts.push(tableText(`[[${section}]]`, member));
    }
    return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
  }
}

const heading =
  '# Made by `meerkat import mongooseim`. Look through what it said needs a decision, then run `meerkat check-config`.';

function newTable(): DraftTable {
  return { comments: [], keys: new Map() };
}

/** A table that has nothing but comments is comments. */
function tableText(header: string, { comments, keys }: DraftTable): string {
  const lines = comments.map((comment) => `# ${clean(comment)}`);
  if (keys.size > 0) lines.push(header);
  for (const [name, value] of keys) lines.push(`${name} = ${valueText(value)}`);
  return lines.join('\n');
}

function valueText(value: DraftValue | readonly ReadonlyMap<string, string | boolean>[]): string {
  if (typeof value === 'string') return textOf(value);
  if (typeof value !== 'object') return String(value);
  return `[${value.map((item) => (typeof item === 'string' ? textOf(item) : inlineTable(item))).join(', ')}]`;
}

function inlineTable(table: ReadonlyMap<string, string | boolean>): string {
  return `{ ${[...table].map(([name, value]) => `${name} = ${valueText(value)}`).join(', ')} }`;
}

/** JSON's escapes are TOML's, but for DEL and for halves of surrogate pairs. */
function textOf(text: string): string {
  return JSON.stringify(text.replaceAll(/\p{Cs}/gu, '\ufffd')).replaceAll('\u007f', '\\u007F');
}

function clean(comment: string): string {
  return comment.replaceAll(/[\u0000-\u001f\u007f]|\p{Cs}/gu, '\ufffd');
}
