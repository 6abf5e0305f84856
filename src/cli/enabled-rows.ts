// Thread: main
/**
 * Enabled registrations as rows of text, in the columns of MongooseIM's table (mongooseim 2.6): owner_jid, node,
 * pubsub_jid, form (a flat JSON object), created_at (microseconds since the epoch). What only Meerkat keeps, session
 * and preferences, NDJSON has as well where it is not the default; CSV has MongooseIM's columns alone. Reading believes
 * nothing, and says of the first thing that is wrong what it is; a reason never holds a value, which may be a token.
 */
import { bareJID } from '../core/jid.ts';
import { epochMs, parseNodeId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { err, ok } from '../core/result.ts';
import { noPreferences } from '../core/enabled.ts';
import { csvRecord } from './csv-fields.ts';
import { readPreferences } from './enabled-preferences.ts';
import type { Result } from '../core/result.ts';
import type { EnabledRegistration, PublishOption } from '../core/enabled.ts';
import type { EpochMs } from '../core/ids.ts';

export const rowColumns = ['owner_jid', 'node', 'pubsub_jid', 'form', 'created_at'] as const;

const microseconds = 1000;
const formatType = 'FORM_TYPE';

export interface ReadRow {
  readonly row: EnabledRegistration;
  /** Whether the row says when it was enabled; otherwise it is as of now. */
  readonly isDated: boolean;
}

/** @param fields by the names of columns. */
export function readRow(fields: ReadonlyMap<string, unknown>, now: EpochMs): Result<ReadRow, string> {
  const owner = readJID(fields.get('owner_jid'), 'owner_jid');
  if (!owner.ok) return owner;
  const service = readJID(fields.get('pubsub_jid'), 'pubsub_jid');
  if (!service.ok) return service;
  const name = fields.get('node');
  const node = typeof name === 'string' ? parseNodeId(name) : err('empty' as const);
  if (!node.ok) return err(node.error === 'empty' ? 'node is missing' : 'node is longer than 1024 bytes');
  const options = readForm(fields.get('form'));
  if (!options.ok) return options;
  const enabledAt = readTime(fields.get('created_at'));
  if (!enabledAt.ok) return enabledAt;
  const session = fields.get('session') ?? '';
  if (typeof session !== 'string' || Buffer.byteLength(session) > limits.jidPartBytesMax) {
    return err(`session is not a text of at most ${limits.jidPartBytesMax} bytes`);
  }
  const preferences = readPreferences(fields.get('preferences'));
  if (!preferences.ok) return preferences;
  const row: EnabledRegistration = {
    owner: owner.value,
    service: service.value,
    node: node.value,
    options: options.value,
    session,
    preferences: preferences.value,
    enabledAtMs: enabledAt.value ?? now,
  };
  return ok({ row, isDated: enabledAt.value !== undefined });
}

/** One line of NDJSON, without its end. */
export function ndjsonLine(row: EnabledRegistration): string {
  const fields: Record<string, unknown> = {
    owner_jid: row.owner,
    node: row.node,
    pubsub_jid: row.service,
    // Objects put names that are numbers first: pairs keep the order of the form.
    form: row.options.some(([name]) => /^\d+$/.test(name)) ? row.options : Object.fromEntries(row.options),
    created_at: row.enabledAtMs * microseconds,
  };
  if (row.session !== '') fields['session'] = row.session;
  if (hasPreferences(row)) fields['preferences'] = row.preferences;
  return JSON.stringify(fields);
}

/** One record of CSV, without its end. */
export function csvLine(row: EnabledRegistration): string {
  const form = JSON.stringify(Object.fromEntries(row.options));
  return csvRecord([row.owner, row.node, row.service, form, String(row.enabledAtMs * microseconds)]);
}

/** Whether NDJSON says more of the row than CSV can. */
export function hasPreferences({ preferences }: EnabledRegistration): boolean {
  return JSON.stringify(preferences) !== standard;
}

const standard = JSON.stringify(noPreferences);

function readJID(value: unknown, column: string): Result<EnabledRegistration['owner'], string> {
  if (typeof value !== 'string' || value === '') return err(`${column} is missing`);
  const jid = bareJID(value);
  return jid.ok ? jid : err(`${column} is not a JID (${jid.error})`);
}

function readTime(value: unknown): Result<EpochMs | undefined, string> {
  if (value === undefined || value === null || value === '') return ok(undefined);
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^\d{1,16}$/.test(value));
  const time = isNumber ? Number(value) : -1;
  if (!Number.isSafeInteger(time) || time < 0) return err('created_at is not a number of microseconds since 1970');
  return ok(epochMs(Math.floor(time / microseconds)));
}

/**
 * The form as it is found: an object of texts; the same as text in JSON, as a column is exported; pairs, as before 6.2.
 * A value of `null` is that of a field without a value, which was stored up to 6.0; numbers and flags become text.
 */
function readForm(value: unknown): Result<readonly PublishOption[], string> {
  let form = value;
  // Twice: a column of text in JSON inside a line of JSON.
  for (let depth = 0; typeof form === 'string' && depth < 2; depth++) {
    try {
      form = JSON.parse(form);
    } catch {
      return err('form is not JSON');
    }
  }
  if (typeof form !== 'object' || form === null) return err('form is not an object of texts');
  const options = new Map<string, string>();
  for (const pair of Array.isArray(form) ? form : Object.entries(form)) {
    const option = readOption(pair);
    if (option === undefined) return err('form is not an object of texts');
    const [name, text] = option;
    if (Math.max(Buffer.byteLength(name), Buffer.byteLength(text)) > limits.fieldBytesMax) {
      return err(`form has a field of more than ${limits.fieldBytesMax} bytes`);
    }
    if (name !== formatType) options.set(name, text);
  }
  if (options.size > limits.enabledOptionsMax) return err(`form has more than ${limits.enabledOptionsMax} fields`);
  return ok([...options]);
}

function readOption(pair: unknown): PublishOption | undefined {
  if (!Array.isArray(pair) || pair.length !== 2) return undefined;
  const [name, value]: readonly unknown[] = pair;
  if (typeof name !== 'string') return undefined;
  if (value === null) return [name, ''];
  if (typeof value === 'string') return [name, value];
  return typeof value === 'number' || typeof value === 'boolean' ? [name, String(value)] : undefined;
}
