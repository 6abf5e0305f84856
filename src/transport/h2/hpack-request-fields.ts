// Thread: worker
/**
 * What is known of a request's fields before they are written: whether HTTP/2 can carry them (RFC 9113 §8.2), which
 * index of the static table they have, and whether they may enter the dynamic table at all (RFC 7541 §7.1).
 */
import { entryBytes } from './hpack-dynamic-table.ts';
import { staticFields } from './hpack-tables.ts';
import { integerBytesMax } from './hpack-writer.ts';

export interface RequestField {
  readonly name: string;
  readonly value: string;
  /** Name, value and 32 (RFC 7541 §4.1). */
  readonly listBytes: number;
  /** In the static table, with this value; 0 = it is not. */
  readonly staticIndex: number;
  /** In the static table, the name alone; 0 = it is not. */
  readonly staticNameIndex: number;
  /** `never`: a secret that could be guessed piece by piece if it were compressed (RFC 7541 §7.1.3). */
  readonly indexing: 'may' | 'never';
}

const fieldNamePattern = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const valuePattern = /^[\t\x20-\x7e\x80-\xff]*$/;
// RFC 9113 §8.3.1, RFC 3986: what else a path holds is escaped.
const pathPattern = /^\/[\x21-\x7e]*$/;
const space = 0x20;
const constantPseudoNames = new Set([':method', ':scheme', ':authority']);
// §8.2.2. `te: trailers` could be carried; nobody here sends it.
const connectionNames = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'te']);

const secretNames = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie']);
/** A credential of this many characters cannot be guessed, and Apple asks to have it indexed. */
const guessableCharactersMax = 31;

const staticNames = new Map<string, number>();
const staticPairs = new Map<string, number>();
staticFields.forEach(([name, value], index) => {
  if (!staticNames.has(name)) staticNames.set(name, index + 1);
  staticPairs.set(pairKey(name, value), index + 1);
});

function pairKey(name: string, value: string): string {
  return `${name}\n${value}`;
}

/** 0 = none. */
export function staticNameIndexOf(name: string): number {
  return staticNames.get(name) ?? 0;
}

/** Names of fields that are no pseudo fields. */
export function isCarriedName(name: string): boolean {
  return fieldNamePattern.test(name) && !connectionNames.has(name);
}

export function isConstantPseudoName(name: string): boolean {
  return constantPseudoNames.has(name);
}

export function isCarriedValue(value: string): boolean {
  // NaN for an empty value, which may stand.
  if (value.charCodeAt(0) <= space || value.charCodeAt(value.length - 1) <= space) return false;
  return valuePattern.test(value);
}

export function isCarriedPath(path: string): boolean {
  return pathPattern.test(path);
}

/** Its value is a secret, whatever it is. */
export function isSecretName(name: string): boolean {
  return secretNames.has(name);
}

export function requestField(name: string, value: string): RequestField {
  return {
    name,
    value,
    listBytes: name.length + value.length + entryBytes,
    staticIndex: staticPairs.get(pairKey(name, value)) ?? 0,
    staticNameIndex: staticNameIndexOf(name),
    indexing: isSecretName(name) && !isUnguessable(name, value) ? 'never' : 'may',
  };
}

/** What a field can need at most in a block. */
export function fieldBytesMax(field: RequestField): number {
  return field.name.length + field.value.length + 1 + 2 * integerBytesMax;
}

function isUnguessable(name: string, value: string): boolean {
  // Behind the scheme: `bearer eyJ…`.
  const credential = value.slice(value.indexOf(' ') + 1);
  return name === 'authorization' && credential.length > guessableCharactersMax;
}
