// Thread: main
/**
 * One enabled registration as columns: those of MongooseIM's table (mongooseim 2.6), and what Meerkat keeps besides, in
 * a table of its own. Reading trusts nothing: a row that does not fit is `undefined`.
 */
import { epochMs, parseNodeId, preparedBareJID } from '../../core/ids.ts';
import { noPreferences } from '../../core/enabled.ts';
import { limits } from '../../core/limits.ts';
import { isTexts, numberOf, parsedObject } from './json-columns.ts';
import type { EnabledRegistration, PublishOption, PushPreferences, RoomPreference } from '../../core/enabled.ts';

/** MongooseIM counts microseconds, and reads them nowhere. */
const microseconds = 1000;

export interface EnabledColumns {
  readonly owner: string;
  readonly service: string;
  readonly node: string;
  /** JSON. */
  readonly form: string;
  readonly createdAt: number;
  /** JSON; `''`: there is nothing to keep. */
  readonly extra: string;
}

export function encodeEnabled(row: EnabledRegistration): EnabledColumns {
  const { owner, service, node } = row;
  const createdAt = row.enabledAtMs * microseconds;
  return { owner, service, node, form: formOf(row.options), createdAt, extra: extraOf(row) };
}

/** @param columns owner, service, node, form, created_at, extra (`null`: nothing was kept) */
export function decodeEnabled(columns: readonly unknown[]): EnabledRegistration | undefined {
  const [owner, service, nodeText, form, createdAt, extra] = columns;
  if (typeof owner !== 'string' || typeof service !== 'string' || typeof nodeText !== 'string') return undefined;
  const node = parseNodeId(nodeText);
  const options = typeof form === 'string' ? optionsOf(form) : undefined;
  const kept = extra === null ? nothingKept : typeof extra === 'string' ? keptOf(extra) : undefined;
  if (owner === '' || service === '' || !node.ok || options === undefined || kept === undefined) return undefined;
  return {
    owner: preparedBareJID(owner),
    service: preparedBareJID(service),
    node: node.value,
    options,
    session: kept.session,
    preferences: kept.preferences,
    enabledAtMs: epochMs(Math.max(0, Math.floor((numberOf(createdAt) ?? 0) / microseconds))),
  };
}

/** By hand: a name may be `__proto__`, or a number, which objects put first. */
function formOf(options: readonly PublishOption[]): string {
  return `{${options.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
}

/** A flat object of texts, in the order of the text; of a name that is there twice the last value. */
function optionsOf(form: string): readonly PublishOption[] | undefined {
  const parsed = parsedObject(form);
  if (parsed === undefined) return undefined;
  const options = Object.entries(parsed).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  if (options.length !== Object.keys(parsed).length) return undefined;
  const inOrder = options.some(([name]) => /^\d/.test(name)) ? inOrderOfText(form) : options;
  // Rows of old versions may have it.
  return inOrder.filter(([name]) => name !== 'FORM_TYPE').slice(0, limits.enabledOptionsMax);
}

/** For forms with numbers as names, which objects put first. All that is in quotes is a name or a value. */
function inOrderOfText(form: string): PublishOption[] {
  const texts = [...form.matchAll(/"(?:[^"\\]|\\.)*"/g)].map(([quoted]) => String(JSON.parse(quoted)));
  const options = new Map<string, string>();
  for (let index = 0; index + 1 < texts.length; index += 2) options.set(texts[index] ?? '', texts[index + 1] ?? '');
  return [...options];
}

interface Kept {
  readonly session: string;
  readonly preferences: PushPreferences;
}

const nothingKept: Kept = { session: '', preferences: noPreferences };

function extraOf({ session, preferences }: EnabledRegistration): string {
  const isDefault =
    !preferences.priority &&
    !preferences.away &&
    !preferences.ignoreUnknown &&
    preferences.muted.length === 0 &&
    preferences.rooms.length === 0 &&
    preferences.encryptionKey === '' &&
    preferences.encryptedBytesMax === 0;
  if (session === '' && isDefault) return '';
  return JSON.stringify(isDefault ? { session } : { session, preferences });
}

function keptOf(extra: string): Kept | undefined {
  const parsed = parsedObject(extra);
  if (parsed === undefined || typeof parsed['session'] !== 'string') return undefined;
  const raw = parsed['preferences'];
  const preferences = raw === undefined ? noPreferences : preferencesOf(raw);
  return preferences === undefined ? undefined : { session: parsed['session'], preferences };
}

function preferencesOf(raw: unknown): PushPreferences | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { priority, away, ignoreUnknown, muted, rooms, encryptionKey, encryptedBytesMax } = {
    ...noPreferences,
    ...raw,
  };
  if (![priority, away, ignoreUnknown].every((flag) => typeof flag === 'boolean')) return undefined;
  if (!isTexts(muted) || muted.length > limits.mutedMax) return undefined;
  if (!Array.isArray(rooms) || rooms.length > limits.roomPreferencesMax || !rooms.every(isRoom)) return undefined;
  if (typeof encryptionKey !== 'string' || !Number.isSafeInteger(encryptedBytesMax)) return undefined;
  return {
    priority,
    away,
    ignoreUnknown,
    muted: muted.map(preparedBareJID),
    rooms: rooms.map(({ room, allow, nick }) => ({ room: preparedBareJID(room), allow, nick })),
    encryptionKey,
    encryptedBytesMax,
  };
}

function isRoom(raw: unknown): raw is RoomPreference {
  if (typeof raw !== 'object' || raw === null) return false;
  if (!('room' in raw) || !('nick' in raw) || !('allow' in raw)) return false;
  const isKnown = raw.allow === 'always' || raw.allow === 'mentioned' || raw.allow === 'never';
  return isKnown && typeof raw.room === 'string' && typeof raw.nick === 'string';
}
