import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../../../src/core/ids.ts';
import { pushDecider } from '../../../src/event/decide-push.ts';
import { bodyless, message, pushConfig } from '../../message-events.ts';
import { full } from '../../registration-rows.ts';
import type { PushCondition, PushRule } from '../../../config/engine-config.ts';
import type { MessageEvent } from '../../../src/core/event.ts';
import type { UserStatus } from '../../../src/event/verdicts.ts';

function verdictOf(rules: readonly PushRule[], over: Partial<MessageEvent>, status: UserStatus = 'offline'): string {
  const verdict = pushDecider(pushConfig({ behaviour: 'hints', rules }), () => status)(message(over), epochMs(0));
  return verdict.push ? `${verdict.kind}/${verdict.content}/${verdict.audience}` : verdict.reason;
}

const push = (...conditions: PushCondition[]): PushRule => ({ conditions, action: 'push', content: 'message' });
const skip = (...conditions: PushCondition[]): PushRule => ({ conditions, action: 'skip', content: '' });
const jingle = (...conditions: PushCondition[]): PushRule => ({ conditions, action: 'push', content: 'jingle' });

const unacknowledged = { kind: 'unacknowledged', to: full('anna@example.com/phone') } as const;
const noStore = { hints: { store: false, noStore: true, noPermanentStore: false } };
const store = { hints: { store: true, noStore: false, noPermanentStore: false } };
const propose = { ...bodyless, jingle: 'propose', jingleId: 'call-1' } as const;

const matching: readonly [PushCondition, Partial<MessageEvent>, UserStatus, boolean][] = [
  [{ event: 'msg' }, {}, 'offline', true],
  [{ event: 'msg' }, unacknowledged, 'offline', false],
  [{ event: 'unack_msg' }, {}, 'offline', false],
  [{ event: 'unack_msg' }, unacknowledged, 'offline', true],
  [{ type: 'chat' }, {}, 'offline', true],
  [{ type: 'chat' }, { type: 'groupchat' }, 'offline', false],
  [{ type: 'groupchat' }, { type: 'groupchat' }, 'offline', true],
  [{ body: 'absent' }, {}, 'offline', false],
  [{ body: 'empty' }, { bodyState: 'empty', body: '' }, 'offline', true],
  [{ body: 'empty' }, {}, 'offline', false],
  [{ body: 'non_empty' }, {}, 'offline', true],
  [{ body: 'non_empty' }, { bodyState: 'empty', body: '' }, 'offline', false],
  [{ hint: 'no_store' }, noStore, 'offline', true],
  [{ hint: 'no_store' }, store, 'offline', false],
  [{ hint: 'store' }, store, 'offline', true],
  [{ hint: 'store' }, {}, 'offline', false],
  [{ jingle: true }, { jingle: 'propose' }, 'offline', true],
  [{ jingle: true }, {}, 'offline', false],
  [{ jingle: false }, {}, 'offline', true],
  [{ jingle: false }, { jingle: 'propose' }, 'offline', false],
  [{ user_status: 'offline' }, {}, 'offline', true],
  [{ user_status: 'offline' }, {}, 'online', false],
  [{ user_status: 'online' }, {}, 'online', true],
  [{ user_status: 'online' }, {}, 'partly', true],
  [{ user_status: 'online' }, {}, 'offline', false],
  [{ user_status: 'online' }, unacknowledged, 'online', false],
  [{ user_status: 'offline' }, unacknowledged, 'offline', false],
  [{ client_state: 'inactive' }, { clientState: 'inactive' }, 'online', true],
  [{ client_state: 'inactive' }, { clientState: 'active' }, 'online', false],
  [{ client_state: 'inactive' }, { clientState: 'unknown' }, 'online', false],
  [{ client_state: 'inactive' }, { clientState: 'inactive' }, 'offline', false],
  [{ client_state: 'active' }, { clientState: 'active' }, 'partly', true],
  [{ client_state: 'active' }, { ...unacknowledged, clientState: 'active' }, 'online', false],
];

const vendors: readonly PushRule[] = [
  skip({ hint: 'no_store' }),
  push(
    { event: 'msg', body: 'non_empty', user_status: 'offline' },
    { event: 'msg', body: 'non_empty', client_state: 'inactive' },
    { event: 'unack_msg', body: 'non_empty' },
  ),
];

describe('rules', () => {
  for (const [condition, event, status, holds] of matching) {
    const about = `${JSON.stringify(condition)} and ${JSON.stringify(event)}, ${status}`;
    it(`mongooseim 2.18: ${about}: ${holds ? 'holds' : 'does not hold'}`, () => {
      assert.equal(verdictOf([skip(condition)], event, status), holds ? 'a rule says skip' : 'no rule matches');
    });
  }

  it('mongooseim 2.18: the first rule that matches decides', () => {
    assert.equal(verdictOf([skip({ type: 'chat' }), push()], {}), 'a rule says skip');
    assert.equal(verdictOf([push(), skip({ type: 'chat' })], {}), 'message/message/all');
  });

  it('mongooseim 2.18: one condition of a rule is enough, and all keys of it', () => {
    const rule = push({ type: 'groupchat' }, { type: 'chat', body: 'non_empty' });
    assert.equal(verdictOf([rule], {}), 'message/message/all');
    assert.equal(verdictOf([rule], { bodyState: 'empty', body: '' }), 'no rule matches');
    assert.equal(verdictOf([rule], { type: 'groupchat' }), 'group/message/all');
  });

  it('mongooseim 2.18: only chat and groupchat on their way to a user are looked at', () => {
    assert.equal(verdictOf([push()], { type: 'normal' }), 'neither of type chat nor groupchat');
    assert.equal(verdictOf([push()], { ...unacknowledged, type: 'headline' }), 'neither of type chat nor groupchat');
    assert.equal(verdictOf([push()], { direction: 'in' }), 'sent by a user of the server, not delivered to one');
  });

  it('mongooseim 2.18: a message needs a body, which may be empty; a call needs its element and id', () => {
    assert.equal(verdictOf([push()], bodyless), 'no body');
    assert.equal(verdictOf([push()], { bodyState: 'empty', body: '' }), 'message/message/all');
    assert.equal(verdictOf([jingle()], propose), 'call/jingle/all');
    assert.equal(verdictOf([jingle()], { ...propose, jingle: 'finish' }), 'call-end/jingle/all');
    assert.equal(verdictOf([jingle()], {}), 'a rule pushes the call, and there is none');
    assert.equal(verdictOf([jingle()], { ...propose, jingleId: '' }), 'a rule pushes the call, and there is none');
  });

  it("mongooseim 2.18: the vendor's own sample", () => {
    assert.equal(verdictOf(vendors, {}), 'message/message/all');
    assert.equal(verdictOf(vendors, {}, 'online'), 'no rule matches');
    assert.equal(verdictOf(vendors, { clientState: 'inactive' }, 'online'), 'message/message/all');
    assert.equal(verdictOf(vendors, unacknowledged, 'online'), 'message/message/all');
    assert.equal(verdictOf(vendors, noStore), 'a rule says skip');
    assert.equal(verdictOf(vendors, bodyless), 'no rule matches');
  });

  it('mongooseim 2.18: the state of the client is asked of whoever knows it', () => {
    const rules = [push({ client_state: 'inactive' })];
    const decide = pushDecider(pushConfig({ rules }), () => 'online', { clientStateOf: () => 'inactive' });
    assert.equal(decide(message(), epochMs(0)).push, true);
  });
});
