import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { emptySummary } from '../../../src/core/notification.ts';
import { buildSummary } from '../../../src/event/build-summary.ts';
import { boris, bodyless, message } from '../../message-events.ts';
import { full } from '../../registration-rows.ts';
import type { MessageEvent } from '../../../src/core/event.ts';
import type { Summary } from '../../../src/core/notification.ts';
import type { PushVerdict } from '../../../src/event/push-verdict.ts';

type Push = Extract<PushVerdict, { readonly push: true }>;

const rules = { unread: 'conversation', encryptedBody: 'Encrypted message' } as const;

function verdict(over: Partial<Push> = {}): Push {
  return { push: true, kind: 'message', content: 'message', audience: 'all', isSilent: false, ...over };
}

function build(over: Partial<MessageEvent> = {}, how: Partial<Push> = {}, unread?: 'total'): Summary {
  return buildSummary(message(over), verdict(how), unread === undefined ? rules : { ...rules, unread });
}

test('mongooseim 2.8: a chat message is told with count, bare sender and body, and nothing else', () => {
  assert.deepEqual(build(), {
    ...emptySummary,
    messageCount: 1,
    lastMessageSender: 'boris@example.org',
    lastMessageBody: 'Where are you?',
    priority: 'high',
    kind: 'message',
  });
});

test('mongooseim 2.8: the sender of a chat is a bare JID, of a room the occupant', () => {
  const rows: readonly [MessageEvent['type'], string, string][] = [
    ['chat', 'boris@example.org/desk', 'boris@example.org'],
    ['chat', 'example.org', 'example.org'],
    ['groupchat', 'tea@rooms.example.org/Boris', 'tea@rooms.example.org/Boris'],
    ['groupchat', 'tea@muclight.example.org/boris@example.org', 'tea@muclight.example.org/boris@example.org'],
    ['groupchat', 'tea@rooms.example.org', 'tea@rooms.example.org'],
    ['normal', 'boris@example.org/desk', 'boris@example.org'],
  ];
  for (const [type, from, sender] of rows) assert.equal(build({ type, from: full(from) }).lastMessageSender, sender);
});

test('mongooseim 2.8: the body is told verbatim', () => {
  for (const body of [' ', 'Tom & Jerry <3 😀\nline2', 'x'.repeat(limits.bodyBytesMax)]) {
    assert.equal(build({ body }).lastMessageBody, body);
  }
});

test('mongooseim 2.18: a rule may push an empty body, which says nothing about urgency', () => {
  const { lastMessageBody, priority } = build({ bodyState: 'empty', body: '' });
  assert.deepEqual([lastMessageBody, priority], ['', '']);
});

test('mongooseim 2.9: message-count is the unread messages of the conversation, or of all by configuration', () => {
  const rows: readonly [number, number, 'total' | undefined, number][] = [
    [-1, -1, undefined, 1], // no inbox: always 1
    [3, -1, undefined, 3],
    [3, 17, undefined, 3], // counts of two senders do not leak into each other
    [-1, 17, undefined, 1],
    [3, 17, 'total', 17],
    [3, -1, 'total', 3],
    [-1, -1, 'total', 1],
    [0, 0, 'total', 0],
    [1e9, -1, undefined, limits.messageCountMax],
  ];
  for (const [unread, unreadTotal, which, count] of rows) {
    assert.equal(build({ unread, unreadTotal }, {}, which).messageCount, count, `${unread} of ${unreadTotal}`);
  }
});

test('7.52 the body of an encrypted message is the configured placeholder', () => {
  const rows: readonly [Partial<MessageEvent>, string][] = [
    [{ encryption: 'payload', body: 'Your client cannot read this' }, 'Encrypted message'],
    [{ encryption: 'payload', ...bodyless }, 'Encrypted message'],
    [{ encryption: 'keys', body: 'Your client cannot read this' }, 'Encrypted message'],
    [{ encryption: 'keys', ...bodyless }, ''],
    [{ encryption: 'none' }, 'Where are you?'],
  ];
  for (const [event, body] of rows) assert.equal(build(event).lastMessageBody, body);
});

test('mongooseim 2.18: a call is told by element and session', () => {
  const event = { jingle: 'propose', jingleId: 'ca3cf894', ...bodyless };
  assert.deepEqual(build(event, { kind: 'call', content: 'jingle' }), {
    ...emptySummary,
    messageCount: 1,
    lastMessageSender: 'boris@example.org',
    lastMessageBody: 'Jingle message: propose, session ID: ca3cf894',
    priority: 'high',
    jingleMessage: 'propose',
    jingleSessionId: 'ca3cf894',
  });
});

test('mongooseim 2.18: the end of a call stops the ringing in silence', () => {
  for (const jingle of ['accept', 'proceed', 'reject', 'retract', 'finish']) {
    const summary = build({ jingle, jingleId: 's', ...bodyless }, { kind: 'call-end', content: 'jingle' });
    assert.equal(summary.priority, 'low');
    assert.equal(summary.jingleMessage, jingle);
    assert.equal(summary.lastMessageBody, `Jingle message: ${jingle}, session ID: s`);
  }
});

test('a call that has rung out is told of, and does not ring', () => {
  const summary = build({ jingle: 'propose', jingleId: 's', ...bodyless }, { content: 'jingle' });
  assert.equal(summary.lastMessageBody, 'Jingle message: propose, session ID: s');
  assert.deepEqual([summary.jingleMessage, summary.jingleSessionId], ['', '']);
});

test('what it is about is said for templates, of a call by its own field', () => {
  const kinds = ['message', 'group', 'invitation', 'call', 'call-end'] as const;
  assert.deepEqual(
    kinds.map((kind) => build({}, { kind }).kind),
    ['message', 'group', 'invitation', '', ''],
  );
});

test('an ordinary message that carries a Jingle element rings nowhere', () => {
  assert.equal(build({ jingle: 'propose', jingleId: 's' }).jingleMessage, '');
});

test('an invitation has a body that people can read', () => {
  assert.equal(build({ ...bodyless }, { kind: 'invitation' }).lastMessageBody, 'Invitation to a group chat');
  assert.equal(build({ body: 'Tea?' }, { kind: 'invitation' }).lastMessageBody, 'Tea?');
});

test('5.49 what people are to see has priority high, what wakes the app in silence low', () => {
  const rows: readonly [Partial<Push>, Summary['priority']][] = [
    [{}, 'high'],
    [{ kind: 'group' }, 'high'],
    [{ kind: 'invitation' }, 'high'],
    [{ kind: 'call', content: 'jingle' }, 'high'],
    [{ kind: 'call-end', content: 'jingle' }, 'low'],
    [{ isSilent: true }, 'low'],
    [{ kind: 'group', isSilent: true }, 'low'],
  ];
  for (const [how, priority] of rows) assert.equal(build({}, how).priority, priority);
});

test('all summaries share one shape', () => {
  assert.deepEqual(Object.keys(build()), Object.keys(emptySummary));
  assert.equal(build({ from: boris }, { kind: 'call-end' }).encrypted, '');
});
