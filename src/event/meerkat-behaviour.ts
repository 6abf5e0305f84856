// Thread: main
/**
 * Which events push as Meerkat sees it: the engine's column of xmpp 7.A and 7.B, in the order of 7.50, by the rules
 * 7.51 to 7.57. What needs no fact but the event itself comes first, the user's presence last.
 */
import type { MessageEvent } from '../core/event.ts';
import { bareOf, resourceOf } from '../core/jid.ts';
import { limits } from '../core/limits.ts';
import { endsCall, jingleVerdict, kindOf, skips } from './verdicts.ts';
import type { PushKind, PushVerdict } from './push-verdict.ts';
import type { Decide, NegativeVerdict, PositiveVerdict, StatusOf } from './verdicts.ts';

/** @param lifeMs how long a notification lives: what is delayed for longer is not pushed (7.56). */
export function meerkatDecider(statusOf: StatusOf, lifeMs: number): Decide {
  return (event, nowMs) => {
    if (event.kind === 'message' && event.direction === 'in') return skips.sent;
    if (event.type === 'headline') return skips.headline;
    const ageMs = event.delayedAtMs === 0 ? 0 : nowMs - event.delayedAtMs;
    if (isCall(event)) return callVerdict(event, ageMs, statusOf);
    const unworthy = isOwn(event) ? skips.own : (unreadable(event) ?? unfetchable(event, ageMs, lifeMs));
    if (unworthy !== undefined) return unworthy;
    const audience = audienceOf(event, statusOf);
    if (audience === 'none') return skips.online;
    // What changes an earlier message changes what the phone shows of it, and never rings again (7.22).
    const isInvitation = invites(event);
    const kind: PushKind = isInvitation ? 'invitation' : kindOf(event);
    return { push: true, kind, content: 'message', audience, isSilent: event.isAmendment && !isInvitation };
  };
}

/** A Jingle message that some phone must know of; without an id nobody could tell which call it is about. */
function isCall(event: MessageEvent): boolean {
  if (event.jingle === '' || event.jingleId === '' || event.type === 'groupchat') return false;
  return event.jingle === 'propose' || endsCall(event);
}

/** Hints are not asked: a call is not fetched, it rings (7.51, 7.54). */
function callVerdict(event: MessageEvent, ageMs: number, statusOf: StatusOf): PushVerdict {
  const rings = event.jingle === 'propose';
  // Another device of the user accepts or rejects by a message to his own address: that ends the ringing of this one.
  if (event.carbon === 'sent' || (rings && isOwn(event))) return skips.own;
  const isLate = ageMs > limits.callLifeMs;
  if (isLate && !rings) return skips.rungOut;
  const audience = audienceOf(event, statusOf);
  if (isLate) {
    return audience === 'none'
      ? skips.online
      : { push: true, kind: 'message', content: 'jingle', audience, isSilent: false };
  }
  // A session that counts as online may be one that waits to be resumed, where nothing would ring.
  return jingleVerdict(event, audience === 'none' ? 'absent' : audience);
}

/** Sent by the user himself: from another of his devices, or reflected by a room (7.33). */
function isOwn(event: MessageEvent): boolean {
  if (event.carbon === 'sent') return true;
  const user = bareOf(event.to);
  if (event.type !== 'groupchat') return bareOf(event.from) === user;
  const occupant = resourceOf(event.from);
  return occupant !== '' && (occupant === event.nick || bareOf(occupant) === user);
}

/** Why there is nothing in it that a person would read; `undefined` if there is. */
function unreadable(event: MessageEvent): NegativeVerdict | undefined {
  if (invites(event)) return undefined;
  if (event.encryption === 'keys') return skips.keys;
  if (event.bodyState === 'non-empty' || event.encryption === 'payload' || event.isAmendment) return undefined;
  if (event.isSignal) return skips.signal;
  if (event.hasSubject) return skips.subject;
  return event.bodyState === 'empty' ? skips.emptyBody : skips.noBody;
}

function invites(event: MessageEvent): boolean {
  return event.isInvitation && event.type !== 'groupchat';
}

/** Why the phone would not find it, or would find what it has; `undefined` if it is to be told (7.51, 7.55, 7.56). */
function unfetchable(event: MessageEvent, ageMs: number, lifeMs: number): NegativeVerdict | undefined {
  if (event.hints.noStore && event.isStored !== 'yes') return skips.noStore;
  if (event.isStored === 'no') return skips.notStored;
  if (event.type === 'groupchat' && event.delayedAtMs !== 0) return skips.history;
  return ageMs > lifeMs ? skips.tooOld : undefined;
}

function audienceOf(event: MessageEvent, statusOf: StatusOf): PositiveVerdict['audience'] | 'none' {
  if (event.kind === 'unacknowledged') return 'session';
  const status = statusOf(event);
  return status === 'offline' ? 'all' : status === 'partly' ? 'absent' : 'none';
}
