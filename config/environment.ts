// Thread: any
/**
 * Environment variables over the file: `MEERKAT_SERVERS__0__SECRET` is `secret` of the first `[[servers]]`. They win
 * over the file, and a variable that means nothing is a problem like an unknown key, because it was meant to do
 * something.
 */
import { unreachable } from '../src/core/assert.ts';
import { isReadableFromFile } from './config-key.ts';
import { isTable, namesOf } from './check-section.ts';
import { configSections, listPaths } from './config-sections.ts';
import { nearestKey } from '../src/core/nearest-key.ts';
import type { ConfigKey } from './config-key.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Overlaid {
  readonly raw: Record<string, unknown>;
  /** Path of a key → the variable that set it. */
  readonly names: ReadonlyMap<string, string>;
  readonly refused: readonly { readonly name: string; readonly problem: string; readonly remedy: string }[];
}

const prefix = 'MEERKAT_';
// Far more servers or providers than one process serves.
const membersMax = 1000;

/** Leaves `file` as it is. */
export function overlayEnvironment(file: Readonly<Record<string, unknown>>, env: Environment): Overlaid {
  const raw: Record<string, unknown> = structuredClone({ ...file });
  const names = new Map<string, string>();
  const refused: { name: string; problem: string; remedy: string }[] = [];
  for (const { name, parts, value } of variablesOf(env)) {
    const known = findKey(parts);
    if (known === undefined) {
      refused.push({ name, problem: 'is not a configuration variable', remedy: unknownRemedy(parts) });
      continue;
    }
    const table = descend(raw, parts.slice(0, -1));
    if (table === undefined) {
      refused.push({
        name,
        problem: 'leaves out a number',
        remedy: 'count the members of [[...]] sections from 0 without gaps',
      });
      continue;
    }
    const last = parts.at(-1) ?? '';
    table[last] = known.isFile ? value : valueOf(known.key, value);
    delete table[known.isFile ? last.slice(0, -'_file'.length) : `${last}_file`];
    names.set(parts.join('.'), name);
  }
  return { raw, names, refused };
}

/** `servers.0.secret` → `MEERKAT_SERVERS__0__SECRET` */
export function variableName(path: string): string {
  return prefix + path.toUpperCase().replaceAll('.', '__');
}

interface Variable {
  readonly name: string;
  readonly parts: readonly string[];
  readonly value: string;
}

// In the order of their paths, so that member 0 exists before member 1 is asked for.
function variablesOf(env: Environment): readonly Variable[] {
  return Object.entries(env)
    .flatMap(([name, value]) =>
      name.startsWith(prefix) && value !== undefined
        ? [{ name, value, parts: name.slice(prefix.length).toLowerCase().split('__') }]
        : [],
    )
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

interface FoundKey {
  readonly key: ConfigKey;
  readonly isFile: boolean;
}

function findKey(parts: readonly string[]): FoundKey | undefined {
  const path = sectionPath(parts.slice(0, -1));
  const last = parts.at(-1) ?? '';
  const bare = last.endsWith('_file') ? last.slice(0, -'_file'.length) : last;
  for (const section of configSections) {
    if (section.path !== path && !section.path.startsWith(`${path} (`)) continue;
    const key = Object.hasOwn(section.keys, last) ? section.keys[last] : undefined;
    if (key !== undefined) return { key, isFile: false };
    const named = Object.hasOwn(section.keys, bare) ? section.keys[bare] : undefined;
    if (named !== undefined && isReadableFromFile(named)) return { key: named, isFile: true };
  }
  return undefined;
}

// servers.0.tls → servers.tls; '' when the place of a number is wrong.
function sectionPath(parts: readonly string[]): string {
  let path = '';
  for (let at = 0; at < parts.length; at++) {
    path = path === '' ? (parts[at] ?? '') : `${path}.${parts[at] ?? ''}`;
    if (!listPaths.has(path)) continue;
    at += 1;
    if (!/^\d{1,3}$/.test(parts[at] ?? '')) return '';
  }
  return path;
}

function descend(raw: Record<string, unknown>, parts: readonly string[]): Record<string, unknown> | undefined {
  let table: Record<string, unknown> = raw;
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] ?? '';
    const index = parts[at + 1] ?? '';
    if (/^\d+$/.test(index)) {
      const list: unknown[] = Array.isArray(table[part]) ? table[part] : [];
      if (Number(index) > list.length || Number(index) >= membersMax) return undefined;
      table[part] = list;
      const member = { ...(isTable(list[Number(index)]) ? tableOf(list[Number(index)]) : {}) };
      list[Number(index)] = member;
      table = member;
      at += 1;
    } else {
      const member = { ...tableOf(table[part]) };
      table[part] = member;
      table = member;
    }
  }
  return table;
}

function tableOf(value: unknown): Readonly<Record<string, unknown>> {
  return isTable(value) ? value : {};
}

// Text that is not of the key's type stays text: the check of the value then says what is wrong with it.
function valueOf(key: ConfigKey, text: string): unknown {
  switch (key.type) {
    case 'integer':
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
    case 'flag':
      return text === 'true' || text === 'false' ? text === 'true' : text;
    case 'list':
      return text
        .split(',')
        .map((member) => member.trim())
        .filter((member) => member !== '');
    case 'text':
    case 'choice':
      return text;
    default:
      return unreachable(key);
  }
}

function unknownRemedy(parts: readonly string[]): string {
  const path = sectionPath(parts.slice(0, -1));
  const known = configSections
    .filter((section) => section.path === path || section.path.startsWith(`${path} (`))
    .flatMap((section) => namesOf(section.keys));
  const nearest = nearestKey(parts.at(-1) ?? '', known);
  if (nearest !== undefined) return `did you mean ${variableName([...parts.slice(0, -1), nearest].join('.'))}?`;
  return 'unset it, or write it like MEERKAT_ENGINE__DATA_DIR or MEERKAT_SERVERS__0__SECRET';
}
