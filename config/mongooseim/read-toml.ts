// Thread: any
/**
 * Reads `mongooseim.toml` (4.0 and later; mongooseim 7.1) into a tree of options with their lines.
 */
import { TomlError, parse } from 'smol-toml';
import { err, ok } from '../../src/core/result.ts';
import { findKeyLines, lineOf } from '../key-lines.ts';
import { newSection, take } from './option-tree.ts';
import { hostOf } from './layout.ts';
import type { Result } from '../../src/core/result.ts';
import type { ConfigIssue } from '../config-issue.ts';
import type { KeyLines } from '../key-lines.ts';
import type { MongooseConfig, OptionNode, OptionScope, OptionSection, OptionValue } from './option-tree.ts';

/** The layout is still that of the file. A syntax error is one issue, with its line and never with the line's text. */
export function readTOML(text: string): Result<MongooseConfig, readonly ConfigIssue[]> {
  let table: Record<string, unknown>;
  try {
    table = { ...parse(text, { unsafeKeyBehaviour: 'throw', integersAsBigInt: 'asNeeded' }) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
    const remedy = 'MongooseIM could not read it either; for mongooseim.cfg name a file that ends in .cfg.';
    return err([{ line: error.line, key: '', problem: `is not TOML: ${reason}`, remedy }]);
  }
  const lines = findKeyLines(text);
  const root = newSection('', 1);
  for (const [name, value] of Object.entries(table)) root.entries.set(name, nodeOf(value, name, lines));
  return ok({ syntax: 'toml', scopes: [{ host: '', root }, ...hostScopes(root)] });
}

function hostScopes(root: OptionSection): readonly OptionScope[] {
  const hosts = take(root, 'host_config');
  if (hosts?.kind !== 'section') return [];
  return [...hosts.entries.values()].flatMap((member) => {
    if (member.kind !== 'section') return [];
    const host = hostOf(member);
    take(member, 'host');
    take(member, 'host_type');
    return [{ host, root: member }];
  });
}

function nodeOf(value: unknown, key: string, lines: KeyLines): OptionNode {
  const line = lineOf(lines, key);
  if (Array.isArray(value)) {
    const members: readonly unknown[] = value;
    if (members.length === 0 || !members.every(isTable)) {
      return { kind: 'option', key, line, value: members.map(plainValue) };
    }
    return sectionOf(Object.entries(members), { key, line }, lines);
  }
  if (isTable(value)) return sectionOf(Object.entries(value), { key, line }, lines);
  return { kind: 'option', key, line, value: plainValue(value) };
}

function sectionOf(
  entries: readonly (readonly [string, unknown])[],
  { key, line }: { readonly key: string; readonly line: number },
  lines: KeyLines,
): OptionSection {
  const inner = entries.map(([name, value]) => [name, nodeOf(value, `${key}.${name}`, lines)] as const);
  // A table that no line of its own opens (`a.b.c = 1`) begins with its first key.
  return { ...newSection(key, lines.has(key) ? line : (inner[0]?.[1].line ?? line)), entries: new Map(inner) };
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function plainValue(value: unknown): OptionValue {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Date ? value.toISOString() : JSON.stringify(value);
}
