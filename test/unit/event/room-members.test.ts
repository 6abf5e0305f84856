import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { memberEvents } from '../../../src/event/room-members.ts';
import { message } from '../../message-events.ts';
import { bare, full } from '../../registration-rows.ts';
import type { RoomMember } from '../../../src/core/event.ts';

function member(name: string, over: Partial<RoomMember> = {}): RoomMember {
  return { jid: bare(`${name}@example.com`), affiliation: 'member', isOccupant: false, nick: '', ...over };
}

const toRoom = message({
  type: 'groupchat',
  from: full('tea@rooms.example.com/boris'),
  to: full('tea@rooms.example.com'),
  body: 'Annie, tea?',
});
const pushed = ['owner', 'admin', 'member'] as const;

function receivers(members: readonly RoomMember[], from = toRoom.from): string[] {
  return memberEvents({ ...toRoom, from, members }, pushed).map(({ to }) => to);
}

describe('the members of a room', () => {
  it('7.17: get an event each, by their affiliation, unless they are in the room', () => {
    const members = [
      member('owner', { affiliation: 'owner' }),
      member('admin', { affiliation: 'admin' }),
      member('member'),
      member('visitor', { affiliation: 'none' }),
      member('outcast', { affiliation: 'outcast' }),
      member('unsaid', { affiliation: '' }),
      member('occupant', { isOccupant: true }),
    ];
    assert.deepEqual(receivers(members), ['owner@example.com', 'admin@example.com', 'member@example.com']);
    const open = memberEvents({ ...toRoom, members }, ['none']);
    assert.deepEqual(
      open.map(({ to }) => to),
      ['visitor@example.com'],
    );
  });

  it('7.33: the author gets none, known by nick, by JID, or by a room whose occupants are JIDs', () => {
    const members = [member('boris', { nick: 'boris' }), member('anna', { nick: 'annie' })];
    assert.deepEqual(receivers(members), ['anna@example.com']);
    const nameless = [member('boris'), member('anna')];
    assert.deepEqual(receivers(nameless, full('boris@example.com/desk')), ['anna@example.com']);
    assert.deepEqual(receivers(nameless, full('tea@rooms.example.com/boris@example.com')), ['anna@example.com']);
    assert.deepEqual(receivers([member('eve', { nick: '' })], full('tea@rooms.example.com')), ['eve@example.com']);
  });

  it('7.55: each event has its own nick, affiliation and mention, and nobody else', () => {
    const members = [
      member('anna', { nick: 'annie', affiliation: 'owner' }),
      member('eve', { nick: 'eve' }),
      member('kim'),
    ];
    const events = memberEvents({ ...toRoom, members }, pushed);
    assert.deepEqual(
      events.map(({ nick, affiliation, isMentioned, members: left }) => [nick, affiliation, isMentioned, left.length]),
      [
        ['annie', 'owner', 'yes', 0],
        ['eve', 'member', 'no', 0],
        ['', 'member', 'unknown', 0],
      ],
    );
    assert.deepEqual(Object.keys(events[0] ?? {}), Object.keys(toRoom));
    const answer = memberEvents({ ...toRoom, mentions: ['eve@example.com'], members }, pushed);
    assert.deepEqual(
      answer.map(({ isMentioned }) => isMentioned),
      ['yes', 'yes', 'unknown'],
    );
  });

  it('7.17: the largest room is divided', () => {
    const members = Array.from({ length: limits.roomMembersMax }, (_, index) => member(`u${index}`));
    assert.equal(receivers(members).length, limits.roomMembersMax);
  });
});
