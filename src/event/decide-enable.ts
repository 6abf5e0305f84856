// Thread: main
/**
 * What enabling and disabling changes among the registrations of one user (mongooseim 2.3 to 2.5). Pure. A session has
 * one slot, for the registration it enabled last; the slot is kept in the row that is in it.
 */
import type { EnabledAnswer, EnabledRegistration, PublishOption, PushPreferences } from '../core/enabled.ts';
import type { EpochMs } from '../core/ids.ts';
import type { EnabledChange, EnabledKey, EnabledRows } from '../storage/enabled-store.ts';
import type { DisableServiceCommand, EnableCommand, RevokeCommand } from './commands.ts';

export interface EnableContext {
  /** `push.per_user_max` */
  readonly perUserMax: number;
  /** `push.expire_days` */
  readonly expireDays: number;
  readonly nowMs: EpochMs;
  /** Why the options cannot work at our own push service; `''`: they can, or the service is not ours. */
  readonly optionsProblem: (command: EnableCommand) => string;
}

export interface EnableDecision {
  /** Empty: nothing is to be written. */
  readonly changes: readonly EnabledChange[];
  readonly answer: EnabledAnswer;
}

const dayMs = 86_400_000;

/**
 * Enables one node. Clients do that at each connect: the same once more is written only where a session comes to hold
 * it or a day has passed (less where rows expire soon), so that a reconnect storm costs no fsync. Past the limit the
 * registrations that were enabled longest ago go, never the new one. An unreadable record is begun anew.
 *
 * @returns `done` with a count of 1, also where nothing was to be written.
 */
export function decideEnable(found: EnabledRows, command: EnableCommand, context: EnableContext): EnableDecision {
  const problem = context.optionsProblem(command);
  if (problem !== '') return { changes: [], answer: { kind: 'refused', refusal: 'options', problem } };
  const rows = found === 'unreadable' ? [] : found;
  const before = rows.find((row) => isAt(row, command));
  const others = rows.filter((row) => row !== before);
  const evicted = oldest(others, others.length + 1 - context.perUserMax);
  const changes: EnabledChange[] = [];
  for (const row of others) {
    if (evicted.has(row)) changes.push({ kind: 'remove', key: keyOf(row) });
    else if (command.session !== '' && row.session === command.session) {
      changes.push({ kind: 'put', row: { ...row, session: '' } });
    }
  }
  const after = enabledRow(before, command, context.nowMs);
  if (before === undefined || !isFresh(before, after, freshMs(context.expireDays)))
    changes.push({ kind: 'put', row: after });
  return { changes, answer: done(1) };
}

/**
 * Disables one node, or with `''` all at that service. Nothing there to disable is no error. An unreadable record may
 * hold what is to go, so that the client has to hear that it failed.
 */
export function decideDisable(
  found: EnabledRows,
  command: Pick<DisableServiceCommand, 'service' | 'node'> & Pick<RevokeCommand, 'options'>,
): EnableDecision {
  if (found === 'unreadable') return { changes: [], answer: { kind: 'refused', refusal: 'store-failed' } };
  const { service, node, options } = command;
  const changes: EnabledChange[] = [];
  for (const row of found) {
    if (row.service !== service || (node !== '' && row.node !== node)) continue;
    if (options !== undefined && !isSameOptions(row.options, options)) continue;
    changes.push({ kind: 'remove', key: keyOf(row) });
  }
  return { changes, answer: done(changes.length) };
}

/** Keys of rows that no client has enabled again for longer than that many days; 0: none ever. */
export function expiredKeys(
  rows: readonly EnabledRegistration[],
  nowMs: EpochMs,
  expireDays: number,
): readonly EnabledKey[] {
  return rows.filter((row) => isExpired(row, nowMs, expireDays)).map(keyOf);
}

/** No client has enabled it again for so many days; 0: that never ends one. */
export function isExpired({ enabledAtMs }: EnabledRegistration, nowMs: EpochMs, expireDays: number): boolean {
  return expireDays > 0 && enabledAtMs < nowMs - expireDays * dayMs;
}

function done(count: number): EnabledAnswer {
  return { kind: 'done', count };
}

function keyOf({ owner, service, node }: EnabledRegistration): EnabledKey {
  return { owner, service, node };
}

function isAt(row: EnabledRegistration, { service, node }: EnableCommand): boolean {
  return row.service === service && row.node === node;
}

/** Who asks without a session leaves the registration in the slot that it is in. */
function enabledRow(
  before: EnabledRegistration | undefined,
  { owner, service, node, options, session, preferences }: EnableCommand,
  nowMs: EpochMs,
): EnabledRegistration {
  const slot = session === '' ? (before?.session ?? '') : session;
  return { owner, service, node, options, session: slot, preferences, enabledAtMs: nowMs };
}

/** Short against the time a row lives: what a client enables in the meantime does not make it live longer. */
function freshMs(expireDays: number): number {
  return expireDays === 0 ? dayMs : Math.min(dayMs, (expireDays * dayMs) / 24);
}

/** A row from the future, after the clock was set back, is not fresh: it would outlive its time. */
function isFresh(before: EnabledRegistration, after: EnabledRegistration, freshForMs: number): boolean {
  const ageMs = after.enabledAtMs - before.enabledAtMs;
  return (
    ageMs >= 0 &&
    ageMs <= freshForMs &&
    before.session === after.session &&
    isSameOptions(before.options, after.options) &&
    isSamePreferences(before.preferences, after.preferences)
  );
}

function isSameOptions(one: readonly PublishOption[], other: readonly PublishOption[]): boolean {
  return (
    one.length === other.length && one.every(([name, value], at) => name === other[at]?.[0] && value === other[at][1])
  );
}

function isSamePreferences(one: PushPreferences, other: PushPreferences): boolean {
  if (one === other) return true;
  return (
    one.priority === other.priority &&
    one.away === other.away &&
    one.ignoreUnknown === other.ignoreUnknown &&
    one.encryptionKey === other.encryptionKey &&
    one.encryptedBytesMax === other.encryptedBytesMax &&
    one.muted.length === other.muted.length &&
    one.muted.every((jid, at) => jid === other.muted[at]) &&
    one.rooms.length === other.rooms.length &&
    one.rooms.every((room, at) => isSameRoom(room, other.rooms[at]))
  );
}

function isSameRoom(
  one: PushPreferences['rooms'][number],
  other: PushPreferences['rooms'][number] | undefined,
): boolean {
  return one.room === other?.room && one.allow === other.allow && one.nick === other.nick;
}

/** The `count` rows that were enabled longest ago. */
function oldest(rows: readonly EnabledRegistration[], count: number): ReadonlySet<EnabledRegistration> {
  if (count <= 0) return none;
  return new Set(rows.toSorted((one, other) => one.enabledAtMs - other.enabledAtMs).slice(0, count));
}

const none: ReadonlySet<EnabledRegistration> = new Set();
