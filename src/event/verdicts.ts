// Thread: main
/**
 * What a decision can end with. The verdicts that push nothing are constants, one for each reason, so that the many
 * messages to users who are there cost no allocation; their reasons are read by people who search for a missing push.
 */
import type { MessageEvent } from '../core/event.ts';
import type { EpochMs } from '../core/ids.ts';
import type { PushKind, PushVerdict } from './push-verdict.ts';

export type PositiveVerdict = Extract<PushVerdict, { readonly push: true }>;
export type NegativeVerdict = Extract<PushVerdict, { readonly push: false }>;

/** Decides about one event: a whole behaviour, or one part of it. */
export type Decide = (event: MessageEvent, nowMs: EpochMs) => PushVerdict;

/**
 * Of the user an event is for. `partly`: some session of his is online, and it is known which ones, so that the devices
 * whose sessions are not may still be told; `online`: it is not known which.
 */
export type UserStatus = 'online' | 'offline' | 'partly';

export type StatusOf = (event: MessageEvent) => UserStatus;
export type ClientStateOf = (event: MessageEvent) => MessageEvent['clientState'];

export const skips = {
  error: { push: false, reason: 'an error stanza' },
  sent: { push: false, reason: 'sent by a user of the server, not delivered to one' },
  copy: { push: false, reason: 'a copy of a message' },
  own: { push: false, reason: "the user's own message" },
  type: { push: false, reason: 'neither of type chat nor groupchat' },
  headline: { push: false, reason: 'a headline' },
  noBody: { push: false, reason: 'no body' },
  emptyBody: { push: false, reason: 'an empty body' },
  subject: { push: false, reason: 'a subject without a body' },
  signal: { push: false, reason: 'a receipt, a marker or a chat state' },
  keys: { push: false, reason: 'encryption keys with nothing to read' },
  noStore: { push: false, reason: 'the hint no-store' },
  notStored: { push: false, reason: 'kept nowhere, so that it could not be fetched' },
  history: { push: false, reason: 'the history of a room' },
  tooOld: { push: false, reason: 'older than a notification lives' },
  rungOut: { push: false, reason: 'about a call that has rung out' },
  unacknowledged: { push: false, reason: 'this behaviour does not push what a session has not acknowledged' },
  online: { push: false, reason: 'the user is online' },
  noRule: { push: false, reason: 'no rule matches' },
  rule: { push: false, reason: 'a rule says skip' },
  noJingle: { push: false, reason: 'a rule pushes the call, and there is none' },
  blocked: { push: false, reason: 'the sender is blocked' },
  muted: { push: false, reason: 'the conversation is muted' },
  affiliation: { push: false, reason: 'not an affiliation in the room that is pushed' },
  groupNever: { push: false, reason: 'rooms of this kind do not push' },
  notMentioned: { push: false, reason: 'the user is not mentioned, and rooms of this kind push mentions only' },
  quiet: { push: false, reason: 'quiet hours' },
} as const;

/** What the phone is told by a message that is no call and no invitation. */
export function kindOf(event: MessageEvent): PushKind {
  return event.type === 'groupchat' ? 'group' : 'message';
}

/** XEP-0353 messages that end the ringing; `ringing` itself and what is not known tell a phone nothing. */
const callEnds: ReadonlySet<string> = new Set(['retract', 'reject', 'accept', 'proceed', 'finish']);

export function endsCall(event: MessageEvent): boolean {
  return callEnds.has(event.jingle);
}

/** Of an event with a Jingle message: everything but `propose` is silent. */
export function jingleVerdict(event: MessageEvent, audience: PositiveVerdict['audience']): PositiveVerdict {
  const rings = event.jingle === 'propose';
  return { push: true, kind: rings ? 'call' : 'call-end', content: 'jingle', audience, isSilent: !rings };
}
