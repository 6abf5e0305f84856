// Thread: main
/**
 * Which of a user's registrations a push is for: what the verdict says of sessions, what the client has asked for when
 * it enabled (xmpp 5.50), and never the push service that the message comes from (5.53). A client's wishes narrow what
 * the operator's policy lets through; they do not widen it.
 */
import type { EnabledRegistration, PushPreferences } from '../core/enabled.ts';
import type { MessageEvent } from '../core/event.ts';
import { bareOf, resourceOf } from '../core/jid.ts';
import { mentionOf } from './mention.ts';
import type { PositiveVerdict } from './verdicts.ts';

/** What is asked of presence: `PresenceTable` answers it. */
export interface PresenceLookup {
  statusOf(owner: string): 'online' | 'offline' | 'unknown';
  isOnline(owner: string, resource: string): boolean;
  isAway(owner: string): boolean;
}

/** Why this registration is not pushed, in plain words; `''`: it is. */
export type RefusalOf = (event: MessageEvent, verdict: PositiveVerdict, row: EnabledRegistration) => string;

export function registrationFilter(presence: PresenceLookup): RefusalOf {
  return (event, verdict, row) => {
    const sender = bareOf(event.from);
    if (sender === row.service) return 'comes from the push service itself';
    if (verdict.audience === 'session' && !isSlotOf(event, row)) return 'not the registration of that session';
    if (verdict.audience === 'absent') {
      const reason = presenceRefusal(presence, verdict, row);
      if (reason !== '') return reason;
    }
    return wishRefusal(event, sender, row.preferences);
  };
}

/** A message from any of the user's push services is for none of his registrations: two of them could play ball. */
export function isFromPushService(event: MessageEvent, rows: readonly EnabledRegistration[]): boolean {
  const sender = bareOf(event.from);
  for (const { service } of rows) if (service === sender) return true;
  return false;
}

function isSlotOf({ to }: MessageEvent, { session, owner }: EnabledRegistration): boolean {
  return session !== '' && resourceOf(to) === session && bareOf(to) === owner;
}

function presenceRefusal(
  presence: PresenceLookup,
  { kind }: PositiveVerdict,
  { owner, session, preferences }: EnabledRegistration,
): string {
  if (preferences.away && presence.isAway(owner)) return '';
  const isCall = kind === 'call' || kind === 'call-end';
  // Only calls are decided without knowing the sessions: they ring everywhere.
  if (presence.statusOf(owner) !== 'online') return isCall ? '' : 'the user is online';
  if (session === '') return isCall ? '' : 'the user is online, and the session of this registration is not known';
  return presence.isOnline(owner, session) ? 'its session is online' : '';
}

function wishRefusal(event: MessageEvent, sender: string, wishes: PushPreferences): string {
  const { muted, ignoreUnknown, rooms } = wishes;
  for (const conversation of muted) if (conversation === sender) return 'the client has muted the conversation';
  // The occupants of a room are in nobody's roster.
  if (event.type !== 'groupchat') {
    return ignoreUnknown && event.isKnownSender === 'no' ? 'the client ignores unknown senders' : '';
  }
  for (const { room, allow, nick } of rooms) {
    if (room !== sender || allow === 'always') continue;
    if (allow === 'never') return 'the client wants nothing of this room';
    if (mentionOf(event, nick === '' ? event.nick : nick) !== 'yes') return 'the client wants mentions only';
  }
  return '';
}
