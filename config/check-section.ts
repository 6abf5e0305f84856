// Thread: any
/**
 * Checks one section against its table in schema.ts: unknown and missing keys, values, secrets in files. A key that is
 * wrong is reported and gets a stand-in, so that the rest of the configuration can still be checked in the same run.
 */
import { isReadableFromFile } from './config-key.ts';
import { nearestKey } from '../src/core/nearest-key.ts';
import { problemOf, remedyOf } from './check-value.ts';
import { assert } from '../src/core/assert.ts';
import type { Checked, ConfigKey, KeyTable } from './config-key.ts';
import type { ConfigIssues } from './config-issue.ts';

export interface Checking {
  readonly issues: ConfigIssues;
  /** Content of a text file; throws when it cannot be read. */
  readonly readFile: (path: string) => string;
}

export interface RawSection {
  /** What was written. */
  readonly raw: unknown;
  /** `servers.0` */
  readonly path: string;
  /** Keys that are checked by somebody else, tables inside the section for example. */
  readonly others?: readonly string[];
}

/** `T` is the type of the table, so that the result has the type of its values. */
export function checkSection<T extends KeyTable>(section: RawSection, keys: T, checking: Checking): Checked<T> {
  const { path, others = [] } = section;
  const written = asTable(section.raw, path, checking.issues);
  reportUnknown(written, { path, known: [...namesOf(keys), ...others] }, checking.issues);
  const values: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(keys)) {
    values[name] = checkKey({ written, path: `${path}.${name}`, name, key }, checking);
  }
  assert(isChecked(keys, values), `schema.ts: a default or an example in ${path} does not pass its own check`);
  return values;
}

/** An absent section is an empty one. */
export function asTable(raw: unknown, path: string, issues: ConfigIssues): Readonly<Record<string, unknown>> {
  if (raw === undefined) return {};
  if (isTable(raw)) return raw;
  issues.add(path, 'is not a table', `write [${path.replace(/\.\d+/g, '')}] on a line of its own and its keys below`);
  return {};
}

export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

export function namesOf(keys: KeyTable): readonly string[] {
  return Object.entries(keys).flatMap(([name, key]) => (isReadableFromFile(key) ? [name, `${name}_file`] : [name]));
}

export function reportUnknown(
  written: Readonly<Record<string, unknown>>,
  { path, known }: { readonly path: string; readonly known: readonly string[] },
  issues: ConfigIssues,
): void {
  for (const name of Object.keys(written)) {
    if (known.includes(name)) continue;
    const nearest = nearestKey(name, known);
    const place = path === '' ? name : `${path}.${name}`;
    const remedy = nearest === undefined ? `remove it; known here: ${known.join(', ')}` : `did you mean ${nearest}?`;
    issues.add(place, path === '' ? 'is not a section' : 'is not a key of this section', remedy);
  }
}

interface WrittenKey {
  readonly written: Readonly<Record<string, unknown>>;
  readonly path: string;
  readonly name: string;
  readonly key: ConfigKey;
}

function checkKey({ written, path, name, key }: WrittenKey, checking: Checking): unknown {
  const { issues } = checking;
  let value = Object.hasOwn(written, name) ? written[name] : undefined;
  const file = Object.hasOwn(written, `${name}_file`) && isReadableFromFile(key) ? written[`${name}_file`] : undefined;
  if (file !== undefined) {
    if (value !== undefined) issues.add(path, `is given twice, also as ${name}_file`, 'keep one of the two');
    issues.readFrom(path, `${path}_file`);
    value = readValue(file, path, checking);
    if (value === undefined) return standIn(key);
  }
  if (value === undefined) {
    if (key.required === true) issues.add(path, 'is missing', missingRemedy(name, key));
    return standIn(key);
  }
  if (typeof value === 'string' && key.type === 'text' && key.form === 'pem') value = withLineBreaks(value);
  const problem = problemOf(key, value);
  if (problem === undefined) return value;
  issues.add(path, problem, remedyOf(key, value));
  return standIn(key);
}

function missingRemedy(name: string, key: ConfigKey): string {
  if (!isReadableFromFile(key)) return remedyOf(key, undefined);
  return `write ${name}, or ${name}_file with the path of a file that holds it`;
}

/** The content of the file a key names, or `undefined` after reporting why there is none. */
function readValue(file: unknown, path: string, { issues, readFile }: Checking): string | undefined {
  if (typeof file !== 'string' || file === '') {
    issues.add(path, 'does not name a file', 'write the path of a file in quotes');
    return undefined;
  }
  try {
    return readFile(file).replace(/\r?\n$/, '');
  } catch (error) {
    reportUnreadable({ file, path, error }, issues);
    return undefined;
  }
}

/** Says that the file a key names cannot be read, with the reason that `error` gives. */
export function reportUnreadable(
  { file, path, error }: { readonly file: string; readonly path: string; readonly error: unknown },
  issues: ConfigIssues,
): void {
  const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
  issues.add(path, `names ${JSON.stringify(file)}, which cannot be read (${reason})`, readRemedy(reason));
}

function readRemedy(reason: string): string {
  if (reason === 'ENOENT') return 'check the path; relative paths start at the working directory';
  if (reason === 'EACCES') return 'let the user that runs meerkat read it';
  return 'name a text file';
}

// Environment variables cannot always hold line breaks: PEM then comes with \n spelled out.
function withLineBreaks(pem: string): string {
  return pem.includes('\n') ? pem : pem.replaceAll('\\n', '\n');
}

function standIn(key: ConfigKey): unknown {
  return key.default ?? key.example ?? (key.type === 'text' ? '' : undefined);
}

// What the table promises to the type checker, looked at value by value.
function isChecked<T extends KeyTable>(keys: T, values: unknown): values is Checked<T> {
  if (!isTable(values)) return false;
  return Object.entries(keys).every(([name, key]) => {
    const isLeftOut = key.optional === true && values[name] === undefined;
    return isLeftOut || problemOf(key, values[name]) === undefined;
  });
}
