import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../../../src/core/ids.ts';
import { pushDecider } from '../../../src/event/decide-push.ts';
import { anna, bodyless, message, pushConfig } from '../../message-events.ts';
import { full } from '../../registration-rows.ts';
import type { PushConfig } from '../../../config/engine-config.ts';
import type { MessageEvent } from '../../../src/core/event.ts';
import type { UserStatus } from '../../../src/event/verdicts.ts';

const nowMs = epochMs(Date.UTC(2026, 0, 10, 12));
const ago = (ms: number): Pick<MessageEvent, 'delayedAtMs'> => ({ delayedAtMs: epochMs(nowMs - ms) });

interface World {
  readonly status?: UserStatus;
  readonly config?: Partial<PushConfig>;
}

function verdictOf(over: Partial<MessageEvent>, { status = 'offline', config = {} }: World = {}): string {
  const verdict = pushDecider(pushConfig(config), () => status, { lifeMs: 86_400_000 })(message(over), nowMs);
  if (!verdict.push) return verdict.reason;
  return `${verdict.kind}/${verdict.content}/${verdict.audience}${verdict.isSilent ? '/silent' : ''}`;
}

const groupchat = { type: 'groupchat', from: full('tea@rooms.example.com/boris') } as const;
const propose = { ...bodyless, jingle: 'propose', jingleId: 'call-1' } as const;
const everyBehaviour = ['meerkat', 'default', 'enhanced', 'hints'] as const;
const rules: Partial<PushConfig> = { rules: [{ conditions: [], action: 'push', content: 'message' }] };
const everyMode: readonly Partial<PushConfig>[] = [...everyBehaviour.map((behaviour) => ({ behaviour })), rules];

/** The same answer by all behaviours and by rules. */
function agreed(over: Partial<MessageEvent>, groups: Partial<PushConfig['groups']> = {}): string {
  const config = { groups: { ...pushConfig().groups, ...groups } };
  const answers = new Set(everyMode.map((mode) => verdictOf(over, { config: { ...config, ...mode } })));
  assert.equal(answers.size, 1, [...answers].join('; '));
  return [...answers].join();
}

describe('what takes a push back, whatever the behaviour', () => {
  it('7.50: an error never pushes', () => {
    assert.equal(agreed({ type: 'error' }), 'an error stanza');
  });

  it('7.50: neither a blocked sender nor a muted conversation pushes, calls included', () => {
    assert.equal(agreed({ isBlocked: true }), 'the sender is blocked');
    assert.equal(agreed({ isMuted: true }), 'the conversation is muted');
    assert.equal(verdictOf({ ...propose, isMuted: true }), 'the conversation is muted');
  });

  it('7.33: what the user has sent himself never pushes', () => {
    for (const config of everyMode) {
      assert.equal(verdictOf({ carbon: 'sent' }, { config }).includes('/'), false);
      assert.equal(verdictOf({ direction: 'in' }, { config }).includes('/'), false);
    }
  });

  it('7.17: an affiliation that is not pushed, and an outcast in any case', () => {
    const affiliation = 'not an affiliation in the room that is pushed';
    assert.equal(agreed({ ...groupchat, affiliation: 'none' }), affiliation);
    assert.equal(agreed({ ...groupchat, affiliation: 'outcast' }, { affiliations: ['none'] }), affiliation);
    assert.equal(agreed({ ...groupchat, affiliation: 'none' }, { affiliations: ['none'] }), 'group/message/all');
    assert.equal(agreed({ ...groupchat, affiliation: 'member' }), 'group/message/all');
    assert.equal(agreed({ ...groupchat, affiliation: '' }), 'group/message/all');
    assert.equal(agreed({ affiliation: 'none' }), 'message/message/all');
  });

  it('7.55: private rooms push always, public ones mentions only', () => {
    const without = 'the user is not mentioned, and rooms of this kind push mentions only';
    const open = { ...groupchat, roomKind: 'public' } as const;
    assert.equal(agreed({ ...groupchat, roomKind: 'private' }), 'group/message/all');
    assert.equal(agreed(groupchat), 'group/message/all');
    assert.equal(agreed(open), without);
    assert.equal(agreed({ ...open, isMentioned: 'no', body: 'annie!', nick: 'annie' }), without);
    assert.equal(agreed({ ...open, isMentioned: 'yes' }), 'group/message/all');
    assert.equal(agreed({ ...open, mentions: ['anna@example.com'] }), 'group/message/all');
    assert.equal(agreed({ ...open, nick: 'annie', body: 'Annie, tea?' }), 'group/message/all');
  });

  it('7.17: the policies of rooms are the configured ones', () => {
    assert.equal(agreed(groupchat, { private: 'never' }), 'rooms of this kind do not push');
    const open = { ...groupchat, roomKind: 'public' } as const;
    assert.equal(agreed(open, { public: 'always' }), 'group/message/all');
    assert.equal(agreed(open, { private: 'never', public: 'always' }), 'group/message/all');
  });
});

describe('the behaviour meerkat', () => {
  it('7.30, 7.57: with another session online, only devices whose sessions are not', () => {
    assert.equal(verdictOf({}, { status: 'partly' }), 'message/message/absent');
    assert.equal(verdictOf({}, { status: 'online' }), 'the user is online');
  });

  it('7.32, 7.54: a call goes to the devices that are not online even where it is not known which', () => {
    assert.equal(verdictOf(propose, { status: 'partly' }), 'call/jingle/absent');
    assert.equal(verdictOf(propose, { status: 'online' }), 'call/jingle/absent');
    assert.equal(verdictOf({ ...propose, jingle: 'retract' }, { status: 'online' }), 'call-end/jingle/absent/silent');
  });

  it('7.54: a call older than a minute is a missed call, its end is nothing', () => {
    assert.equal(verdictOf({ ...propose, ...ago(60_000) }), 'call/jingle/all');
    assert.equal(verdictOf({ ...propose, ...ago(60_001) }), 'message/jingle/all');
    assert.equal(verdictOf({ ...propose, ...ago(60_001) }, { status: 'online' }), 'the user is online');
    assert.equal(verdictOf({ ...propose, jingle: 'reject', ...ago(60_001) }), 'about a call that has rung out');
  });

  it('7.11: another own device that accepts ends the ringing of this one', () => {
    const accept = { ...propose, jingle: 'accept', from: full('anna@example.com/desk') };
    assert.equal(verdictOf(accept, { status: 'partly' }), 'call-end/jingle/absent/silent');
    assert.equal(verdictOf({ ...accept, jingle: 'propose' }), "the user's own message");
    assert.equal(verdictOf({ ...accept, carbon: 'sent' }), "the user's own message");
  });

  it('7.11: ringing, unknown actions and calls without an id are no calls', () => {
    assert.equal(verdictOf({ ...propose, jingle: 'ringing' }), 'no body');
    assert.equal(verdictOf({ ...propose, jingle: 'wave' }), 'no body');
    assert.equal(verdictOf({ ...propose, jingleId: '' }), 'no body');
    assert.equal(verdictOf({ ...propose, type: 'groupchat' }), 'no body');
  });

  it('7.33: own messages: to oneself, and reflected by a room under the nick or the own JID', () => {
    const own = "the user's own message";
    assert.equal(verdictOf({ from: full('anna@example.com/desk') }), own);
    assert.equal(verdictOf({ ...groupchat, nick: 'boris' }), own);
    assert.equal(verdictOf({ ...groupchat, from: full('tea@muclight.example.com/anna@example.com') }), own);
    assert.equal(verdictOf({ ...groupchat, from: full('tea@rooms.example.com'), nick: '' }), 'group/message/all');
  });

  it('7.34, 7.35: what a session has not acknowledged goes to its own device, whoever else is online', () => {
    const unacknowledged = { kind: 'unacknowledged', to: full('anna@example.com/phone') } as const;
    assert.equal(verdictOf(unacknowledged, { status: 'online' }), 'message/message/session');
    assert.equal(verdictOf({ ...unacknowledged, ...propose }, { status: 'online' }), 'call/jingle/session');
    assert.equal(verdictOf({ ...unacknowledged, ...bodyless, isSignal: true }), 'a receipt, a marker or a chat state');
    assert.equal(verdictOf({ ...unacknowledged, carbon: 'received' }), 'message/message/session');
    assert.equal(verdictOf({ ...unacknowledged, carbon: 'sent' }), "the user's own message");
  });

  it('7.37: a session that is inactive but connected gets the message itself', () => {
    assert.equal(verdictOf({ clientState: 'inactive' }, { status: 'online' }), 'the user is online');
  });

  it('7.14, 7.15, 7.51: hints, and whether the server keeps the message', () => {
    const noStore = { hints: { store: false, noStore: true, noPermanentStore: false } };
    const fleeting = { hints: { store: false, noStore: false, noPermanentStore: true } };
    assert.equal(verdictOf(noStore), 'the hint no-store');
    assert.equal(verdictOf({ ...noStore, isStored: 'no' }), 'the hint no-store');
    assert.equal(verdictOf({ ...noStore, isStored: 'yes' }), 'message/message/all');
    assert.equal(verdictOf({ ...noStore, ...propose, isStored: 'no' }), 'call/jingle/all');
    assert.equal(verdictOf(fleeting), 'message/message/all');
    assert.equal(verdictOf({ ...fleeting, isStored: 'no' }), 'kept nowhere, so that it could not be fetched');
    assert.equal(verdictOf({ isStored: 'no' }), 'kept nowhere, so that it could not be fetched');
  });

  it('7.55: the history of a room never pushes', () => {
    assert.equal(verdictOf({ ...groupchat, ...ago(1) }), 'the history of a room');
    assert.equal(verdictOf(ago(1)), 'message/message/all');
  });

  it('7.56: what is older than a notification lives is not pushed', () => {
    assert.equal(verdictOf(ago(86_400_000)), 'message/message/all');
    assert.equal(verdictOf(ago(86_400_001)), 'older than a notification lives');
    assert.equal(verdictOf(ago(-5_000)), 'message/message/all');
  });

  it('7.4: keys say nothing to people, whatever stands beside them', () => {
    assert.equal(verdictOf({ encryption: 'keys' }), 'encryption keys with nothing to read');
    assert.equal(verdictOf({ encryption: 'payload' }), 'message/message/all');
  });

  it('7.22: a correction, a retraction or a reaction is silent, with a body or without', () => {
    assert.equal(verdictOf({ isAmendment: true }), 'message/message/all/silent');
    assert.equal(verdictOf({ isAmendment: true, ...bodyless }), 'message/message/all/silent');
    assert.equal(verdictOf({ isAmendment: true }, { status: 'online' }), 'the user is online');
  });

  it('names the full JID of a session or the bare one: both are the user', () => {
    assert.equal(verdictOf({ to: anna }), verdictOf({ to: full('anna@example.com/phone') }));
  });
});
