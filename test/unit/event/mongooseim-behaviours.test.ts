import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../../../src/core/ids.ts';
import { pushDecider } from '../../../src/event/decide-push.ts';
import { bodyless, message, pushConfig } from '../../message-events.ts';
import { full } from '../../registration-rows.ts';
import type { MongooseimBehaviour } from '../../../src/event/mongooseim-behaviours.ts';
import type { UserStatus } from '../../../src/event/verdicts.ts';
import type { MessageEvent } from '../../../src/core/event.ts';

const behaviours: readonly MongooseimBehaviour[] = ['default', 'enhanced', 'hints'];

/** `kind/audience` of a push, or the reason why there is none. */
function verdictOf(behaviour: MongooseimBehaviour, over: Partial<MessageEvent>, status: UserStatus): string {
  const verdict = pushDecider(pushConfig({ behaviour }), () => status)(message(over), epochMs(0));
  return verdict.push ? `${verdict.kind}/${verdict.audience}` : verdict.reason;
}

interface Row {
  readonly says: string;
  readonly event: Partial<MessageEvent>;
  readonly status?: UserStatus;
  /** Of default, enhanced and hints. */
  readonly verdicts: readonly [string, string, string];
}

const all = (verdict: string): Row['verdicts'] => [verdict, verdict, verdict];
const hints = (over: Partial<MessageEvent['hints']>): Pick<MessageEvent, 'hints'> => ({
  hints: { store: false, noStore: false, noPermanentStore: false, ...over },
});
const unacknowledged = { kind: 'unacknowledged', to: full('anna@example.com/phone') } as const;
const propose = { ...bodyless, ...hints({ store: true }), jingle: 'propose', jingleId: 'call-1' } as const;
const reflected = full('tea@muclight.example.com/anna@example.com');

const noBody = 'no body';
const online = 'the user is online';
const types = 'neither of type chat nor groupchat';
const unheard = 'this behaviour does not push what a session has not acknowledged';

const rows: readonly Row[] = [
  { says: '2.7: chat with a body', event: {}, verdicts: all('message/all') },
  { says: '2.7: groupchat with a body', event: { type: 'groupchat' }, verdicts: all('group/all') },
  { says: '2.7: normal, or no type', event: { type: 'normal' }, verdicts: all(types) },
  { says: '2.7: headline', event: { type: 'headline' }, verdicts: all(types) },
  { says: '2.7: error', event: { type: 'error' }, verdicts: all('an error stanza') },
  { says: '2.7: no body', event: bodyless, verdicts: all(noBody) },
  { says: '2.7: an empty body', event: { bodyState: 'empty', body: '' }, verdicts: all('an empty body') },
  { says: '2.7: white space is a body', event: { body: ' ' }, verdicts: all('message/all') },
  { says: '2.7: online', event: {}, status: 'online', verdicts: all(online) },
  { says: '2.7: online on another device', event: {}, status: 'partly', verdicts: all(online) },
  {
    says: '2.7: to the full JID of an offline phone, another device is online',
    event: { to: full('anna@example.com/phone') },
    status: 'partly',
    verdicts: all(online),
  },
  { says: '2.7: from another own device', event: { carbon: 'sent' }, verdicts: all('a copy of a message') },
  { says: '2.7: CSI is ignored', event: { clientState: 'inactive' }, status: 'online', verdicts: all(online) },
  { says: '2.7: a chat state', event: { ...bodyless, isSignal: true }, verdicts: all(noBody) },
  { says: '2.7: OMEMO without a body', event: { ...bodyless, encryption: 'payload' }, verdicts: all(noBody) },
  { says: '2.7: OMEMO with a fallback body', event: { encryption: 'payload' }, verdicts: all('message/all') },
  { says: '2.7: a subject only', event: { ...bodyless, hasSubject: true }, verdicts: all(noBody) },
  {
    says: '2.7: no-store',
    event: hints({ noStore: true }),
    verdicts: ['message/all', 'message/all', 'the hint no-store'],
  },
  { says: '2.7: the reflection of a room', event: { type: 'groupchat', from: reflected }, verdicts: all('group/all') },
  {
    says: '1: in',
    event: { direction: 'in' },
    verdicts: all('sent by a user of the server, not delivered to one'),
  },
  {
    says: '2.14: unacknowledged',
    event: unacknowledged,
    status: 'online',
    verdicts: [unheard, 'message/session', 'message/session'],
  },
  {
    says: '2.14: unacknowledged, of type normal with a body',
    event: { ...unacknowledged, type: 'normal' },
    verdicts: [unheard, types, types],
  },
  {
    says: '2.14: unacknowledged without a body',
    event: { ...unacknowledged, ...bodyless },
    verdicts: [unheard, noBody, noBody],
  },
  {
    says: '2.14: routed again after the session has ended',
    event: { delayedAtMs: epochMs(1) },
    verdicts: all('message/all'),
  },
  { says: '2.13: a call with store', event: propose, verdicts: [noBody, noBody, 'call/all'] },
  { says: '2.13: a call with store, online', event: propose, status: 'online', verdicts: [noBody, noBody, online] },
  {
    says: '2.13: the end of a call with store and an empty body',
    event: { ...propose, jingle: 'retract', bodyState: 'empty' },
    verdicts: ['an empty body', 'an empty body', 'call-end/all'],
  },
  { says: '2.13: a call without store', event: { ...propose, ...hints({}) }, verdicts: all(noBody) },
  { says: '2.13: a call without an id', event: { ...propose, jingleId: '' }, verdicts: all(noBody) },
  {
    says: '2.13: a call with store and no-store',
    event: { ...propose, ...hints({ store: true, noStore: true }) },
    verdicts: [noBody, noBody, 'the hint no-store'],
  },
  {
    says: '2.13: an unacknowledged call, whatever its type',
    event: { ...propose, ...unacknowledged, type: 'normal' },
    verdicts: [unheard, noBody, 'call/session'],
  },
  {
    says: '2.13: a body wins over the call beside it',
    event: { ...propose, bodyState: 'non-empty', body: 'Calling you' },
    verdicts: all('message/all'),
  },
];

describe('the behaviours of MongooseIM', () => {
  for (const { says, event, status = 'offline', verdicts } of rows) {
    it(`mongooseim ${says}`, () => {
      assert.deepEqual(
        behaviours.map((behaviour) => verdictOf(behaviour, event, status)),
        verdicts,
      );
    });
  }
});
