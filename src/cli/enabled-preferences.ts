// Thread: main
/** The preferences of an enabled registration, out of a file: each checked as the codec of `<enable/>` would. */
import { bareJID } from '../core/jid.ts';
import { limits } from '../core/limits.ts';
import { noPreferences } from '../core/enabled.ts';
import { err, ok } from '../core/result.ts';
import type { PushPreferences, RoomPreference } from '../core/enabled.ts';
import type { BareJID } from '../core/ids.ts';
import type { Result } from '../core/result.ts';

const keyPattern = /^(?:[A-Za-z0-9+/]{22}==)?$/;
// As the codec reads it: 9 digits.
const payloadBytesMax = 999_999_999;

/** `undefined`, `null` and `''` are the default, and so is every key that is left out. */
export function readPreferences(value: unknown): Result<PushPreferences, string> {
  if (value === undefined || value === null || value === '') return ok(noPreferences);
  if (typeof value !== 'object' || Array.isArray(value)) return err('preferences are not an object');
  const { priority, away, ignoreUnknown, muted, rooms, encryptionKey, encryptedBytesMax } = {
    ...noPreferences,
    ...value,
  };
  if (typeof priority !== 'boolean' || typeof away !== 'boolean' || typeof ignoreUnknown !== 'boolean') {
    return err('preferences: priority, away and ignoreUnknown are true or false');
  }
  const mutedJIDs = readList(muted, limits.mutedMax, readMuted);
  if (mutedJIDs === undefined) return err(`preferences: muted is not a list of at most ${limits.mutedMax} JIDs`);
  const readRooms = readList(rooms, limits.roomPreferencesMax, readRoom);
  if (readRooms === undefined) return err(`preferences: rooms is not a list of at most ${limits.roomPreferencesMax}`);
  if (typeof encryptionKey !== 'string' || !keyPattern.test(encryptionKey))
    return err('preferences: encryptionKey is no key');
  const bytes = encryptedBytesMax;
  if (typeof bytes !== 'number' || !Number.isInteger(bytes) || bytes < 0 || bytes > payloadBytesMax) {
    return err('preferences: encryptedBytesMax is out of bounds');
  }
  return ok({
    priority,
    away,
    ignoreUnknown,
    muted: mutedJIDs,
    rooms: readRooms,
    encryptionKey,
    encryptedBytesMax: bytes,
  });
}

function readList<T>(value: unknown, max: number, read: (item: unknown) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(value) || value.length > max) return undefined;
  const items: T[] = [];
  for (const item of value) {
    const one = read(item);
    if (one === undefined) return undefined;
    items.push(one);
  }
  return items;
}

function readMuted(value: unknown): BareJID | undefined {
  const jid = typeof value === 'string' ? bareJID(value) : undefined;
  return jid?.ok === true ? jid.value : undefined;
}

function readRoom(value: unknown): RoomPreference | undefined {
  if (typeof value !== 'object' || value === null || !('room' in value) || !('allow' in value)) return undefined;
  const { allow } = value;
  const nick = 'nick' in value ? value.nick : '';
  const room = readMuted(value.room);
  if (room === undefined || typeof nick !== 'string' || nick.length > limits.jidPartBytesMax) return undefined;
  return allow === 'always' || allow === 'mentioned' || allow === 'never' ? { room, allow, nick } : undefined;
}
