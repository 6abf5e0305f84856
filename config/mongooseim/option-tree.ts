// Thread: any
/**
 * A MongooseIM configuration as a tree of options, whichever syntax it was written in: both readers make one, in the
 * layout of MongooseIM 6.8 (mongooseim 2.15), and the translation reads no other. Every option keeps the name and the
 * line it has in the file, because that is what its operator looks for.
 */
export type OptionValue = string | number | boolean | readonly OptionValue[];

export interface Option {
  readonly kind: 'option';
  /** As the file has it: `modules.mod_event_pusher.backend.push.backend`. */
  readonly key: string;
  readonly line: number;
  readonly value: OptionValue;
}

/** A table, or a list of tables, whose entries are then named `0`, `1` and so on. */
export interface OptionSection {
  readonly kind: 'section';
  readonly key: string;
  readonly line: number;
  /** A Map, because names come from outside: `__proto__` is one of them. */
  readonly entries: Map<string, OptionNode>;
}

export type OptionNode = Option | OptionSection;

/** What is configured for all hosts, or for one of them (`host_config`). */
export interface OptionScope {
  /** The domain or host type; `''`: all hosts. */
  readonly host: string;
  readonly root: OptionSection;
}

export interface MongooseConfig {
  readonly syntax: 'toml' | 'erlang';
  /** What is for all hosts comes first. */
  readonly scopes: readonly OptionScope[];
}

export function newSection(key: string, line: number): OptionSection {
  return { kind: 'section', key, line, entries: new Map() };
}

/** The section at `path`; an empty list where one is looked for becomes one, which is how Erlang writes it. */
export function sectionAt(root: OptionSection, ...path: readonly string[]): OptionSection | undefined {
  let section = root;
  for (const name of path) {
    const node = section.entries.get(name);
    if (node?.kind === 'section') section = node;
    else if (node !== undefined && Array.isArray(node.value) && node.value.length === 0) {
      const empty = newSection(node.key, node.line);
      section.entries.set(name, empty);
      section = empty;
    } else return undefined;
  }
  return section;
}

export function optionAt(root: OptionSection, ...path: readonly string[]): Option | undefined {
  const parent = sectionAt(root, ...path.slice(0, -1));
  const node = parent?.entries.get(path.at(-1) ?? '');
  return node?.kind === 'option' ? node : undefined;
}

/** The sections inside one that holds nothing else, with their names, in the order of the file. */
export function sectionsIn(section: OptionSection | undefined): readonly (readonly [string, OptionSection])[] {
  return [...(section?.entries.keys() ?? [])].flatMap((name) => {
    const inner = section === undefined ? undefined : sectionAt(section, name);
    return inner === undefined ? [] : [[name, inner] as const];
  });
}

/** Every option below, with its path from here. */
export function optionsIn(
  section: OptionSection,
  path: readonly string[] = [],
): readonly { readonly path: readonly string[]; readonly option: Option }[] {
  return [...section.entries].flatMap(([name, node]) => {
    const here = [...path, name];
    return node.kind === 'option' ? [{ path: here, option: node }] : optionsIn(node, here);
  });
}

/** Puts `node` at `path` and makes what is missing there; two sections become one, of two options the first stays. */
export function place(root: OptionSection, path: readonly string[], node: OptionNode): void {
  let section = root;
  for (const name of path.slice(0, -1)) {
    const inner = section.entries.get(name);
    if (inner?.kind === 'section') {
      section = inner;
      continue;
    }
    const made = newSection(node.key, node.line);
    section.entries.set(name, made);
    section = made;
  }
  const name = path.at(-1) ?? '';
  const there = section.entries.get(name);
  if (there?.kind === 'section' && node.kind === 'section') {
    for (const [inner, value] of node.entries) place(there, [inner], value);
  } else if (there?.kind !== 'option' || node.kind === 'section') section.entries.set(name, node);
}

/** Takes what is at `path` out of the tree. */
export function take(root: OptionSection, ...path: readonly string[]): OptionNode | undefined {
  const parent = sectionAt(root, ...path.slice(0, -1));
  const name = path.at(-1) ?? '';
  const node = parent?.entries.get(name);
  parent?.entries.delete(name);
  return node;
}
