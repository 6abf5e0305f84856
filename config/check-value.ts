// Thread: any
/**
 * The checks of a single value, made by valibot from what schema.ts says about its key. Each failure is a sentence
 * about the value; what to write instead is made from the key. Values of secrets are never repeated.
 */
import * as v from 'valibot';
import { parseProviderName } from '../src/core/ids.ts';
import { unreachable } from '../src/core/assert.ts';
import type { ConfigKey, ListKey, NumberKey, TextForm, TextKey } from './config-key.ts';

type ValueSchema = v.GenericSchema;

const schemas = new WeakMap<ConfigKey, ValueSchema>();

/** `undefined` when the value is right, otherwise what is wrong with it. */
export function problemOf(key: ConfigKey, value: unknown): string | undefined {
  let schema = schemas.get(key);
  if (schema === undefined) {
    schema = schemaOf(key);
    schemas.set(key, schema);
  }
  const checked = v.safeParse(schema, value, { abortEarly: true });
  return checked.success ? undefined : checked.issues[0].message;
}

/** What to write for this key, as the start of a sentence. */
export function remedyOf(key: ConfigKey, value: unknown): string {
  switch (key.type) {
    case 'flag':
      return 'write true or false, without quotes';
    case 'choice':
      return `write ${oneOf(key.choices)}`;
    case 'list':
      return key.choices === undefined
        ? `write a list of texts, such as ["a", "b"], with at most ${key.itemsMax} members`
        : `write a list of ${oneOf(key.choices)}`;
    case 'integer':
    case 'number':
      return numberRemedy(key, value);
    case 'text':
      return textRemedy(key);
    default:
      return unreachable(key);
  }
}

function schemaOf(key: ConfigKey): ValueSchema {
  switch (key.type) {
    case 'flag':
      return v.boolean(wrongType('a flag'));
    case 'choice':
      return v.picklist(key.choices, ({ input }) => notAChoice(input));
    case 'list':
      return listSchema(key);
    case 'integer':
    case 'number':
      return numberSchema(key);
    case 'text':
      return textSchema(key);
    default:
      return unreachable(key);
  }
}

function listSchema(key: ListKey): ValueSchema {
  const member =
    key.choices === undefined
      ? v.pipe(v.string(wrongType('a list of texts')), v.minLength(1, 'has an empty member'))
      : v.picklist(key.choices, ({ input }) => notAChoice(input));
  return v.pipe(
    v.array(member, wrongType('a list')),
    v.maxLength(key.itemsMax, ({ input }) => `has ${input.length} members`),
  );
}

function numberSchema(key: NumberKey): ValueSchema {
  return v.pipe(
    v.number(wrongType(key.type === 'integer' ? 'a whole number' : 'a number')),
    v.check((value) => key.type === 'number' || Number.isInteger(value), 'is not a whole number'),
    v.check(
      (value) => value >= key.min && value <= key.max,
      ({ input }) => `is ${input}`,
    ),
    v.check(
      (value) => key.powerOfTwo === undefined || Number.isInteger(Math.log2(value)),
      ({ input }) => `is ${input}, not a power of two`,
    ),
  );
}

function textSchema(key: TextKey): ValueSchema {
  const { minBytes = 0, maxBytes = 65_536 } = key;
  return v.pipe(
    v.string(wrongType('text')),
    v.check((value) => value !== '' || minBytes === 0 || key.default === '', 'is empty'),
    v.check((value) => value === '' || Buffer.byteLength(value) >= minBytes, `is shorter than ${minBytes} bytes`),
    v.check((value) => Buffer.byteLength(value) <= maxBytes, `is longer than ${maxBytes} bytes`),
    v.check(
      (value) => value === '' || key.form === undefined || hasForm(key.form, value),
      ({ input }) => (key.secret === true || key.byFile === true ? 'is malformed' : `is ${JSON.stringify(input)}`),
    ),
  );
}

const labels = /^[^\s.@/:]+(\.[^\s.@/:]+)*$/u;
// A control character in a file name or label is a slip of the keyboard, and would reach logs and header fields.
const printable = /^[^\u0000-\u001f\u007f]+$/u;

function hasForm(form: TextForm, text: string): boolean {
  switch (form) {
    case 'domain':
      return labels.test(text);
    case 'host':
      return labels.test(text) || /^[0-9a-fA-F:.]+$/.test(text);
    case 'file':
    case 'folder':
      return printable.test(text);
    case 'label':
      return printable.test(text) && text.trim() === text;
    case 'provider-name':
      return parseProviderName(text).ok;
    case 'url':
      return isHttpURL(text);
    case 'proxy-url':
      return isServerURL(text, ['http:']) && new URL(text).pathname === '/';
    case 'amqp-url':
      return isServerURL(text, ['amqp:', 'amqps:']);
    case 'database-url':
      return isServerURL(text, ['postgres:', 'postgresql:', 'mysql:', 'mariadb:']);
    case 'time-of-day':
      return /^([01]\d|2[0-3]):[0-5]\d$/.test(text);
    case 'time-zone':
      return isTimeZone(text);
    case 'pem':
      return text.includes('-----BEGIN ');
    case 'json':
      return text.trimStart().startsWith('{');
    case 'token':
      return /^[\x21-\x7e]+$/.test(text);
    case 'language':
      return /^[a-z]{2,3}(-[a-z0-9]{1,8})*$/i.test(text);
    default:
      return unreachable(form);
  }
}

// A password with a bare / ? # or @ in it would be read as a part of the address; the rest of it must not pass for one.
function isServerURL(text: string, protocols: readonly string[]): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, pathname, search, hash } = new URL(text);
  if (!protocols.includes(protocol) || hostname === '' || search + hash !== '') return false;
  return /^(\/[^/@]*)?$/.test(pathname) && [username, password, pathname].every(isPercentEncoded);
}

function isPercentEncoded(text: string): boolean {
  try {
    return decodeURIComponent(text) !== undefined;
  } catch {
    return false; // URIError: a % that stands for itself
  }
}

function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    return false; // RangeError: no such zone
  }
}

function isHttpURL(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return (protocol === 'https:' || protocol === 'http:') && username + password + search + hash === '';
}

function wrongType(wanted: string): (issue: v.BaseIssue<unknown>) => string {
  return ({ input }) => `is ${typeName(input)}, not ${wanted}`;
}

function notAChoice(input: unknown): string {
  return typeof input === 'string' ? `is ${JSON.stringify(input.slice(0, 64))}` : `is ${typeName(input)}, not text`;
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'boolean') return 'a flag';
  return typeof value === 'number' || typeof value === 'bigint' ? 'a number' : 'a table';
}

function oneOf(choices: readonly string[]): string {
  const quoted = choices.map((choice) => `"${choice}"`);
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
}

const unitNames = {
  ms: 'milliseconds',
  s: 'seconds',
  h: 'hours',
  days: 'days',
  bytes: 'bytes',
  MiB: 'mebibytes',
  port: 'a port',
  share: 'a share',
  '': '',
} as const;

function numberRemedy(key: NumberKey, value: unknown): string {
  const unit = unitNames[key.unit];
  const meant = typeof value === 'string' ? numberMeant(value, key.unit) : undefined;
  if (meant !== undefined && meant >= key.min && meant <= key.max) {
    return `write ${meant}${unit === '' ? '' : ` (${unit})`}, without unit and quotes`;
  }
  const kind = key.powerOfTwo === undefined ? 'a number' : 'a power of two';
  return `write ${kind} from ${key.min} to ${key.max}${unit === '' ? '' : ` (${unit})`}`;
}

const milliseconds = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);
const binary = new Map([
  ['b', 1],
  ['k', 2 ** 10],
  ['m', 2 ** 20],
  ['g', 2 ** 30],
  ['t', 2 ** 40],
]);

// "5s" in a key of milliseconds: the person knows what they want, so we do the sum.
function numberMeant(text: string, unit: NumberKey['unit']): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  if (match === null) return undefined;
  const amount = Number(match[1]);
  const suffix = (match[2] ?? '').toLowerCase();
  if (suffix === '') return amount;
  const isTime = unit === 'ms' || unit === 's';
  const isSize = unit === 'bytes' || unit === 'MiB';
  const factor = isTime ? milliseconds.get(suffix) : isSize ? binary.get(suffix.replace(/i?b$/, '') || 'b') : undefined;
  if (factor === undefined) return undefined;
  return Math.round((amount * factor) / (unit === 's' ? 1000 : unit === 'MiB' ? 2 ** 20 : 1));
}

const escapes = 'without query, signs such as / and @ in the password written as %2F and %40';

function textRemedy(key: TextKey): string {
  const forms: Readonly<Record<TextForm, string>> = {
    domain: 'write a domain',
    host: 'write a host name or an address, without port',
    file: 'write the path of a file',
    folder: 'write the path of a folder',
    label: 'write text without line breaks or spaces around it',
    url: 'write an address that starts with https:// and has no user, query or fragment',
    'proxy-url': `write an address that starts with http://, ${escapes}`,
    'amqp-url': `write an address that starts with amqp:// or amqps://, ${escapes}`,
    'database-url': `write an address that starts with postgres:// or mysql://, ${escapes}`,
    token: 'write letters, digits and signs of ASCII without spaces',
    language: 'write a language tag (BCP 47)',
    'time-of-day': 'write hours and minutes',
    'time-zone': 'write the IANA name of a time zone',
    'provider-name': 'write lower-case letters, digits and hyphens, at most 64',
    pem: 'write PEM, which starts with -----BEGIN, or name its file in the key with _file',
    json: 'write the JSON itself, or name its file in the key with _file',
  };
  const base = key.form === undefined ? 'write text in quotes' : forms[key.form];
  return key.example === undefined ? base : `${base}, such as "${key.example}"`;
}
