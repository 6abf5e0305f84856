import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { pushDecider } from '../../../src/event/decide-push.ts';
import { emptyMessage } from '../../../src/event/event-fields.ts';
import { eventOf } from '../../../src/event/event-input.ts';
import { memberEvents } from '../../../src/event/room-members.ts';
import { message, pushConfig } from '../../message-events.ts';
import type { MessageEvent, PushEvent } from '../../../src/core/event.ts';
import type { EventInput } from '../../../src/event/event-input.ts';
import type { Random } from '../../../src/core/random.ts';

const addressed = { from: 'Boris@Example.org/desk', to: 'anna@example.com' };

function event(input: EventInput): PushEvent {
  const read = eventOf(input);
  assert.ok(read.ok, read.ok ? '' : read.error);
  return read.value;
}

function messageOf(input: EventInput): MessageEvent {
  const read = event(input);
  assert.ok(read.kind !== 'status');
  return read;
}

function problemOf(input: unknown): string {
  const read = eventOf(input);
  return read.ok ? '' : read.error;
}

/** Every field of an event, and what it becomes. */
const fields: readonly [Partial<EventInput>, Partial<MessageEvent>][] = [
  [{}, { kind: 'message', direction: 'out', type: 'normal', bodyState: 'absent', userStatus: 'unknown', unread: -1 }],
  [{ direction: 'in' }, { direction: 'in' }],
  [{ id: 'm1' }, { id: 'm1' }],
  [{ type: 'groupchat' }, { type: 'groupchat' }],
  [{ body: '' }, { bodyState: 'empty', body: '' }],
  [{ body: 'hi' }, { bodyState: 'non-empty', body: 'hi' }],
  [{ body: 'x'.repeat(5_000) }, { bodyState: 'non-empty', body: 'x'.repeat(4_096) }],
  [{ hasSubject: true }, { hasSubject: true }],
  [{ hints: ['no-store', 'store'] }, { hints: { store: true, noStore: true, noPermanentStore: false } }],
  [{ hints: ['no-permanent-store'] }, { hints: { store: false, noStore: false, noPermanentStore: true } }],
  [{ encryption: 'payload' }, { encryption: 'payload' }],
  [
    { jingle: 'propose', jingleId: 'c1', media: 'video' },
    { jingle: 'propose', jingleId: 'c1', media: 'video' },
  ],
  [{ isInvitation: true }, { isInvitation: true }],
  [{ isAmendment: true }, { isAmendment: true }],
  [{ isSignal: true }, { isSignal: true }],
  [{ carbon: 'sent' }, { carbon: 'sent' }],
  [{ mentions: ['Anna@example.com'] }, { mentions: ['anna@example.com'] }],
  [{ delayedAtMs: 5 }, { delayedAtMs: epochMs(5) }],
  [{ language: 'de-AT' }, { language: 'de-AT' }],
  [{ userStatus: 'offline' }, { userStatus: 'offline' }],
  [{ clientState: 'inactive' }, { clientState: 'inactive' }],
  [{ unread: 0 }, { unread: 0 }],
  [{ unreadTotal: 1_000_000 }, { unreadTotal: limits.messageCountMax }],
  [{ isBlocked: true }, { isBlocked: true }],
  [{ isMuted: true }, { isMuted: true }],
  [{ isMentioned: true }, { isMentioned: 'yes' }],
  [{ isKnownSender: false }, { isKnownSender: 'no' }],
  [{ isStored: true }, { isStored: 'yes' }],
  [{ affiliation: 'outcast' }, { affiliation: 'outcast' }],
  [{ roomKind: 'public' }, { roomKind: 'public' }],
  [{ nick: 'annie' }, { nick: 'annie' }],
];

const wrong: readonly [unknown, string | RegExp][] = [
  [undefined, 'an event is an object'],
  [null, 'an event is an object'],
  ['message', 'an event is an object'],
  [[], 'an event is an object'],
  [{}, 'from: missing'],
  [{ from: 'boris@example.org' }, 'to: missing'],
  [{ ...addressed, from: '@' }, 'from: not a JID'],
  [{ ...addressed, from: 7 }, 'from: not a JID'],
  [{ ...addressed, to: '' }, 'to: not a JID'],
  [{ ...addressed, to: null }, 'to: not a JID'],
  [{ ...addressed, to: `${'x'.repeat(2_000)}@example.com` }, 'to: not a JID'],
  [{ ...addressed, kind: 'msg' }, 'kind: one of message, unacknowledged, status'],
  [{ ...addressed, kind: 'unacknowledged' }, 'to: names no session: a resource is needed'],
  [{ ...addressed, type: 'loud' }, 'type: one of chat, groupchat, headline, normal, error'],
  [{ ...addressed, body: 7 }, 'body: not a text'],
  [{ ...addressed, id: 'x'.repeat(1_025) }, 'id: at most 1024 bytes'],
  [{ ...addressed, hints: 'store' }, 'hints: not a list'],
  [{ ...addressed, hints: ['store', 'keep'] }, 'hints.1: one of store, no-store, no-permanent-store'],
  [{ ...addressed, jingle: 'pro pose' }, 'jingle: not a name of XEP-0353'],
  [{ ...addressed, mentions: ['a@b', '@'] }, 'mentions.1: not a JID'],
  [{ ...addressed, mentions: Array.from({ length: 65 }, () => 'a@b') }, 'mentions: at most 64'],
  [{ ...addressed, delayedAtMs: '2026-01-01' }, 'delayedAtMs: a whole number of 0 or more'],
  [{ ...addressed, unread: -1 }, 'unread: a whole number of 0 or more'],
  [{ ...addressed, unread: 1.5 }, 'unread: a whole number of 0 or more'],
  [{ ...addressed, unread: Number.NaN }, 'unread: a whole number of 0 or more'],
  [{ ...addressed, language: 'no language' }, 'language: not a language tag'],
  [{ ...addressed, isBlocked: 'yes' }, 'isBlocked: true or false'],
  [{ ...addressed, isMentioned: 'yes' }, 'isMentioned: true or false'],
  [{ ...addressed, nick: 'x'.repeat(1_024) }, 'nick: at most 1023 bytes'],
  [{ ...addressed, userstatus: 'offline' }, '"userstatus": no such field; did you mean userStatus?'],
  [{ ...addressed, form: 'x' }, '"form": no such field; did you mean from?'],
  [JSON.parse('{"from":"a@b","to":"c@d","__proto__":{"isBlocked":true}}'), /^"__proto__": no such field; /],
  [{ ...addressed, constructor: 1 }, /^"constructor": no such field; /],
  [{ ...addressed, ['x'.repeat(10_000)]: 1 }, /^"x{100}": no such field; known are kind, from, /],
  [{ ...addressed, members: {} }, 'members: not a list'],
  [{ ...addressed, members: [{ jid: 'a@b' }] }, 'members: of a groupchat only'],
  [{ ...addressed, members: ['a@b'] }, 'members.0: not an object'],
  [{ ...addressed, members: [{ jid: 'a@b' }, {}] }, 'members.1.jid: missing'],
  [{ ...addressed, members: [{ jid: '@' }] }, 'members.0.jid: not a JID'],
  [
    { ...addressed, members: [{ jid: 'a@b', isOcupant: true }] },
    'members.0."isOcupant": no such field; did you mean isOccupant?',
  ],
  [{ ...addressed, members: [{ jid: 'a@b', affiliation: 'king' }] }, /^members\.0\.affiliation: one of owner, /],
  [{ ...addressed, members: Array.from({ length: 10_001 }, () => ({ jid: 'a@b' })) }, 'members: at most 10000'],
  [{ ...addressed, stanza: 7 }, 'stanza: not a text'],
  [{ ...addressed, stanza: '<message>' }, 'stanza: a stanza without an end'],
  [{ ...addressed, stanza: '<iq/>' }, 'stanza: <iq/> is not a message'],
  [{ ...addressed, stanza: '<message/>', body: 'x' }, 'body: the stanza says it already'],
  [{ ...addressed, stanza: '<message/>', carbon: 'none' }, 'carbon: the stanza says it already'],
  [{ stanza: "<message to='a@b'/>" }, 'from: missing'],
  [{ stanza: "<message from='@' to='a@b'/>" }, 'stanza: from: not a JID'],
  [{ stanza: "<message from='a@b' to='@'/>" }, 'stanza: to: not a JID'],
  [{ kind: 'status' }, 'jid: missing'],
  [{ kind: 'status', jid: 'anna@example.com/x' }, 'status: missing'],
  [{ kind: 'status', jid: 'anna@example.com', status: 'online' }, 'jid: names no session: a resource is needed'],
  [{ kind: 'status', jid: 'anna@example.com/x', status: 'away' }, 'status: one of online, offline'],
  [{ kind: 'status', jid: 'anna@example.com/x', status: 'online', show: 7 }, 'show: not a text'],
  [{ kind: 'status', jid: 'a@b/c', status: 'online', state: 1 }, '"state": no such field; did you mean status?'],
];

describe('events as programs tell them', () => {
  for (const [input, expected] of fields) {
    it(`2.20: ${JSON.stringify(input).slice(0, 80)}`, () => {
      const read = messageOf({ ...addressed, ...input } as EventInput);
      assert.deepEqual({ ...read, ...expected }, read);
      assert.deepEqual([read.from, read.to], ['boris@example.org/desk', 'anna@example.com']);
    });
  }

  for (const [input, problem] of wrong) {
    it(`8: ${(JSON.stringify(input) ?? 'undefined').slice(0, 100)} is refused`, () => {
      if (typeof problem === 'string') assert.equal(problemOf(input), problem);
      else assert.match(problemOf(input), problem);
    });
  }

  it('7.50: what a stanza says is read from it', () => {
    const stanza =
      "<message from='Boris@example.org/desk' to='anna@example.com' type='chat' id='m1'><body>hi</body></message>";
    const read = messageOf({ stanza, unread: 3, userStatus: 'offline' });
    assert.deepEqual([read.from, read.to, read.type], ['boris@example.org/desk', 'anna@example.com', 'chat']);
    assert.deepEqual([read.id, read.body, read.unread], ['m1', 'hi', 3]);
    const chosen = messageOf({ stanza, kind: 'unacknowledged', to: 'anna@example.com/phone', id: 'archive-7' });
    assert.deepEqual([chosen.to, chosen.id, chosen.kind], ['anna@example.com/phone', 'archive-7', 'unacknowledged']);
    assert.equal(messageOf({ stanza, from: 'eve@example.com' }).from, 'boris@example.org/desk');
  });

  it('mongooseim 1: a session came or went', () => {
    const jid = 'Anna@example.com/phone';
    assert.deepEqual(event({ kind: 'status', jid, status: 'online', show: 'away', clientState: 'active' }), {
      kind: 'status',
      jid: 'anna@example.com/phone',
      status: 'online',
      clientState: 'active',
      show: 'away',
    });
  });

  it('has the same fields in the same order, whatever was given', () => {
    const stanza = "<message from='a@b/c' to='d@e'><body>x</body></message>";
    const keys = Object.keys(emptyMessage());
    assert.deepEqual(Object.keys(message()), keys);
    for (const input of [addressed, { nick: 'x', ...addressed, type: 'chat' }, { stanza }] as EventInput[]) {
      assert.deepEqual(Object.keys(messageOf(input)), keys);
    }
  });

  it('reads own keys only, and keys without a value as absent', () => {
    const inherited: unknown = Object.assign(Object.create({ isBlocked: true, colour: 'red' }), addressed);
    const read = eventOf(inherited);
    assert.ok(read.ok && read.value.kind === 'message' && !read.value.isBlocked);
    const status: unknown = Object.assign(Object.create({ kind: 'status', stanza: '<iq/>' }), addressed);
    assert.equal(problemOf(status), '');
    assert.equal(problemOf({ ...addressed, body: undefined }), '');
    assert.equal(problemOf({ ...addressed, __proto__: { colour: 'red' } }), '');
  });
});

const values: readonly unknown[] = [
  ...[undefined, null, true, false, 0, -1, 7, 1e21, '', 'x', '🍵', 'anna@example.com', 'anna@example.com/phone'],
  ...['chat', 'groupchat', 'normal', 'headline', 'error', 'unacknowledged', 'message', 'status', 'online', 'offline'],
  ...[
    'in',
    'out',
    'active',
    'inactive',
    'payload',
    'keys',
    'propose',
    'retract',
    'sent',
    'received',
    'public',
    'private',
  ],
  ...[
    'member',
    'none',
    'outcast',
    ['store'],
    ['no-store'],
    [],
    {},
    [{ jid: 'eve@example.com', affiliation: 'member' }],
  ],
  "<message from='a@b/c' type='chat'><body>anna</body></message>",
  "<message from='a@b/c' type='groupchat'><body>x</body>" +
    "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/></message>",
];

function drawn(random: Random): Record<string, unknown> {
  const keys = [...Object.keys(emptyMessage()), 'stanza', 'jid', 'status', 'show'];
  const base = [
    {},
    addressed,
    { ...addressed, type: 'chat', body: 'hi' },
    { ...addressed, type: 'groupchat', body: 'x' },
  ];
  const input: Record<string, unknown> = { ...base[Math.floor(random.unit() * base.length)] };
  const count = Math.floor(random.unit() * 4);
  for (let index = 0; index < count; index++) {
    const key = keys[Math.floor(random.unit() * keys.length)] ?? 'from';
    input[key] = values[Math.floor(random.unit() * values.length)];
  }
  return input;
}

it('7.50: no event that is accepted makes a decision throw', () => {
  const random = seededRandom(357);
  const rules = [{ conditions: [{ jingle: true }], action: 'push', content: 'jingle' }] as const;
  const groups = { private: 'mentioned', public: 'mentioned', affiliations: ['none', 'member'] } as const;
  const statuses = ['online', 'offline', 'partly'] as const;
  const configs = [
    ...(['meerkat', 'default', 'enhanced', 'hints'] as const).map((behaviour) => pushConfig({ behaviour, groups })),
    pushConfig({ rules }),
  ];
  let accepted = 0;
  let pushed = 0;
  for (let round = 0; round < 20_000; round++) {
    const read = eventOf(drawn(random));
    if (!read.ok || read.value.kind === 'status') continue;
    accepted++;
    const status = statuses[round % 3] ?? 'online';
    for (const each of [read.value, ...memberEvents(read.value, groups.affiliations)]) {
      for (const config of configs) {
        const verdict = pushDecider(config, () => status)(each, epochMs(Date.UTC(2026, 0, 2)));
        if (verdict.push) pushed++;
        else assert.notEqual(verdict.reason, '');
      }
    }
  }
  assert.ok(accepted > 4_000 && pushed > 2_000, `${accepted} accepted, ${pushed} pushed`);
});
