// Thread: main
/**
 * All enabled registrations of one owner as bytes, so that an event costs one look-up: a head, a fixed part for each
 * row, the length of every text, then all texts as one piece. Decoding trusts nothing: every length, choice and number
 * is checked, and a record that does not fit is `undefined`.
 */
import { assert } from '../core/assert.ts';
import { noPreferences } from '../core/enabled.ts';
import { epochMs, parseNodeId, preparedBareJID } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { RecordTexts, writeLengths } from './record-texts.ts';
import { isTime } from './registration-record.ts';
import type { EnabledRegistration, PublishOption, PushPreferences, RoomPreference } from '../core/enabled.ts';
import type { BareJID } from '../core/ids.ts';

/** Written into the first byte; a reader that does not know it refuses the record. */
export const enabledFormat = 1;

const bits = { priority: 1, away: 2, ignoreUnknown: 4 } as const;
const knownBits = 7;
// Of the head: the texts are not ASCII alone.
const unicode = 1;

// Head: format, flags, rows (u16). Each row: bits (u8), options, muted, rooms (u16), the longest payload (u32),
// enabledAtMs (f64).
const rowsAt = 2;
const headBytes = 4;
const optionsAt = 1;
const mutedAt = 3;
const roomsAt = 5;
const payloadAt = 7;
const enabledAtAt = 11;
const rowBytes = 19;
// service, node, session, encryption key
const textsOfRow = 4;
const textsOfRoom = 3;

/** @param rows of `owner`, 1 to `limits.enabledPerOwnerMax`; texts and lists no longer than the codecs let them be. */
export function encodeEnabled(owner: BareJID, rows: readonly EnabledRegistration[]): Buffer {
  const texts: string[] = [owner];
  for (const row of rows) addTexts(texts, row);
  const text = texts.join('');
  const textBytes = Buffer.byteLength(text);
  const lengthsAt = headBytes + rows.length * rowBytes;
  const textAt = lengthsAt + 2 * texts.length;
  const bytes = Buffer.allocUnsafe(textAt + textBytes);
  bytes[0] = enabledFormat;
  bytes[1] = textBytes === text.length ? 0 : unicode;
  bytes.writeUInt16LE(rows.length, rowsAt);
  for (const [index, row] of rows.entries()) writeFixed(bytes, headBytes + index * rowBytes, row);
  writeLengths(bytes, lengthsAt, texts);
  bytes.write(text, textAt);
  return bytes;
}

/** Bytes that a row adds to a record. Throws InvariantError where the row cannot be kept. */
export function enabledRowBytes(row: EnabledRegistration): number {
  return encodeEnabled(row.owner, [row]).length;
}

/** How many rows a record holds, as it says itself; 1 where it says nothing plausible. */
export function rowCountOf(bytes: Buffer): number {
  if (bytes.length < headBytes || bytes[0] !== enabledFormat) return 1;
  const count = bytes.readUInt16LE(rowsAt);
  return count >= 1 && count <= limits.enabledPerOwnerMax ? count : 1;
}

/**
 * @param bytes may be a view that the next read overwrites: nothing of it is kept.
 * @param owner under whose key it was found, if known; a record of another one is refused.
 */
export function decodeEnabled(bytes: Buffer, owner?: BareJID): readonly EnabledRegistration[] | undefined {
  const size = bytes.length;
  if (size < headBytes || bytes[0] !== enabledFormat) return undefined;
  const flags = bytes[1] ?? 0;
  const count = bytes.readUInt16LE(rowsAt);
  const lengthsAt = headBytes + count * rowBytes;
  if (flags > unicode || count === 0 || count > limits.enabledPerOwnerMax || lengthsAt > size) return undefined;
  const textAt = lengthsAt + 2 * textCount(bytes, count);
  // Not a number, where a row has more of something than a row can have.
  if (!(textAt <= size)) return undefined;
  const text = bytes.toString(flags === unicode ? 'utf8' : 'latin1', textAt, size);
  const texts = new RecordTexts(bytes, lengthsAt, text);
  const name = texts.next();
  if (name === '' || (owner !== undefined && name !== owner)) return undefined;
  const rows: EnabledRegistration[] = [];
  for (let index = 0; index < count; index++) {
    const row = readRow(bytes, headBytes + index * rowBytes, texts, owner ?? preparedBareJID(name));
    if (row === undefined) return undefined;
    rows.push(row);
  }
  return texts.isComplete ? rows : undefined;
}

function addTexts(texts: string[], { service, node, session, options, preferences }: EnabledRegistration): void {
  texts.push(service, node, session, preferences.encryptionKey);
  for (const [name, value] of options) texts.push(name, value);
  texts.push(...preferences.muted);
  for (const { room, allow, nick } of preferences.rooms) texts.push(room, allow, nick);
}

function writeFixed(bytes: Buffer, at: number, { options, preferences, enabledAtMs }: EnabledRegistration): void {
  const { muted, rooms } = preferences;
  assert(options.length <= limits.enabledOptionsMax, `a registration has ${options.length} publish-options`);
  assert(muted.length <= limits.mutedMax, `a registration mutes ${muted.length} conversations`);
  assert(rooms.length <= limits.roomPreferencesMax, `a registration has preferences for ${rooms.length} rooms`);
  bytes[at] = choices(preferences);
  bytes.writeUInt16LE(options.length, at + optionsAt);
  bytes.writeUInt16LE(muted.length, at + mutedAt);
  bytes.writeUInt16LE(rooms.length, at + roomsAt);
  bytes.writeUInt32LE(preferences.encryptedBytesMax, at + payloadAt);
  bytes.writeDoubleLE(enabledAtMs, at + enabledAtAt);
}

function choices({ priority, away, ignoreUnknown }: PushPreferences): number {
  return (priority ? bits.priority : 0) | (away ? bits.away : 0) | (ignoreUnknown ? bits.ignoreUnknown : 0);
}

function textCount(bytes: Buffer, rows: number): number {
  let count = 1;
  for (let at = headBytes; at < headBytes + rows * rowBytes; at += rowBytes) {
    const options = bytes.readUInt16LE(at + optionsAt);
    const muted = bytes.readUInt16LE(at + mutedAt);
    const rooms = bytes.readUInt16LE(at + roomsAt);
    if (options > limits.enabledOptionsMax || muted > limits.mutedMax || rooms > limits.roomPreferencesMax) return NaN;
    count += textsOfRow + 2 * options + muted + textsOfRoom * rooms;
  }
  return count;
}

function readRow(bytes: Buffer, at: number, texts: RecordTexts, owner: BareJID): EnabledRegistration | undefined {
  const flags = bytes[at] ?? 0;
  const enabledAtMs = bytes.readDoubleLE(at + enabledAtAt);
  const service = texts.next();
  const node = parseNodeId(texts.next());
  const session = texts.next();
  const encryptionKey = texts.next();
  const options = readOptions(texts, bytes.readUInt16LE(at + optionsAt));
  const muted = texts.rest(bytes.readUInt16LE(at + mutedAt));
  const rooms = readRooms(texts, bytes.readUInt16LE(at + roomsAt));
  const encryptedBytesMax = bytes.readUInt32LE(at + payloadAt);
  if (flags > knownBits || !isTime(enabledAtMs) || service === '' || !node.ok || rooms === undefined) return undefined;
  const hasPreferences =
    flags !== 0 || encryptionKey !== '' || encryptedBytesMax !== 0 || muted.length > 0 || rooms.length > 0;
  return {
    owner,
    service: preparedBareJID(service),
    node: node.value,
    options,
    session,
    preferences: hasPreferences
      ? {
          priority: (flags & bits.priority) !== 0,
          away: (flags & bits.away) !== 0,
          ignoreUnknown: (flags & bits.ignoreUnknown) !== 0,
          muted: muted.map(preparedBareJID),
          rooms,
          encryptionKey,
          encryptedBytesMax,
        }
      : noPreferences,
    enabledAtMs: epochMs(enabledAtMs),
  };
}

const noOptions: readonly PublishOption[] = Object.freeze([]);

function readOptions(texts: RecordTexts, count: number): readonly PublishOption[] {
  if (count === 0) return noOptions;
  const options: PublishOption[] = [];
  for (let index = 0; index < count; index++) options.push([texts.next(), texts.next()]);
  return options;
}

const noRooms: readonly RoomPreference[] = Object.freeze([]);

/** `undefined`: one of them says something that is no preference. */
function readRooms(texts: RecordTexts, count: number): readonly RoomPreference[] | undefined {
  if (count === 0) return noRooms;
  const rooms: RoomPreference[] = [];
  for (let index = 0; index < count; index++) {
    const room = preparedBareJID(texts.next());
    const allow = texts.next();
    if (allow !== 'always' && allow !== 'mentioned' && allow !== 'never') return undefined;
    rooms.push({ room, allow, nick: texts.next() });
  }
  return rooms;
}
