import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { eventOf } from '../../../src/event/event-input.ts';
import { readRabbitEvent } from '../../../src/rabbit/rabbit-events.ts';
import type { RabbitMessage, RabbitReading, RabbitSources } from '../../../src/rabbit/rabbit-events.ts';

const sources: RabbitSources = {
  presenceExchange: 'presence',
  chatExchange: 'chat_msg',
  chatTopic: 'chat_msg_recv',
  groupExchange: 'groupchat_msg',
  groupTopic: 'groupchat_msg_recv',
};

const hello = { from_user_id: 'alice@chat.example/res1', to_user_id: 'bob@chat.example/res1', message: 'Hello' };
const inRoom = { from_user_id: 'room@muc.example/nick', to_user_id: 'bob@chat.example/res1', message: 'Hello' };

function message(exchange: string, routingKey: string, body: unknown, headers?: unknown): RabbitMessage {
  const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  return { exchange, routingKey, headers, body: Buffer.isBuffer(body) ? body : bytes };
}

const chat = (body: unknown): RabbitMessage => message('chat_msg', 'bob@chat.example.chat_msg_recv', body);
const presence = (body: unknown): RabbitMessage => message('presence', 'alice@chat.example', body);
const group = (body: unknown): RabbitMessage => message('groupchat_msg', 'bob@chat.example.groupchat_msg_recv', body);

const read = (given: RabbitMessage, from = sources): RabbitReading => readRabbitEvent(given, from);

const chatInput = {
  kind: 'message',
  direction: 'out',
  type: 'chat',
  from: 'alice@chat.example/res1',
  to: 'bob@chat.example/res1',
  body: 'Hello',
};
const groupInput = { ...chatInput, type: 'groupchat', from: 'room@muc.example/nick' };

describe('mongooseim 5.3: what the rabbit event pusher says', () => {
  const rows: readonly [name: string, given: RabbitMessage, expected: RabbitReading | object][] = [
    [
      'presence',
      presence({ user_id: 'alice@chat.example/res1', present: true }),
      { kind: 'presence', input: { kind: 'status', jid: 'alice@chat.example/res1', status: 'online' } },
    ],
    [
      'presence that ends, by unavailable or by disconnect',
      presence({ present: false, user_id: 'alice@chat.example/res1' }),
      { kind: 'presence', input: { kind: 'status', jid: 'alice@chat.example/res1', status: 'offline' } },
    ],
    ['a chat message received', chat(hello), { kind: 'message', id: '', input: chatInput }],
    [
      'the same to a bare JID',
      chat({ ...hello, to_user_id: 'bob@chat.example' }),
      { kind: 'message', id: '', input: { ...chatInput, to: 'bob@chat.example' } },
    ],
    ['a room message received, from an occupant of MUC', group(inRoom), { kind: 'message', id: '', input: groupInput }],
    [
      'a room message received, to the bare JID of MUC Light',
      group({ ...inRoom, to_user_id: 'bob@chat.example' }),
      { kind: 'message', id: '', input: { ...groupInput, to: 'bob@chat.example' } },
    ],
    [
      "the room's own copy",
      message('groupchat_msg', 'room@muc.example.groupchat_msg_recv', { ...inRoom, to_user_id: 'room@muc.example' }),
      { kind: 'ignored' },
    ],
    ['an empty body', chat({ ...hello, message: '' }), { kind: 'message', id: '', input: { ...chatInput, body: '' } }],
    [
      'keys in another order, and metadata among them',
      chat(`{"timestamp":1700000000,"message":"Hello","x":{"y":[1]},"to_user_id":"bob@chat.example/res1",
        "from_user_id":"alice@chat.example/res1"}`),
      { kind: 'message', id: '', input: chatInput },
    ],
    [
      'metadata: stanza_id before the others',
      chat({ ...hello, id: 'a', message_id: 'b', stanza_id: 'c' }),
      { id: 'c' },
    ],
    ['metadata: message_id', chat({ ...hello, id: 'a', message_id: 'b' }), { id: 'b' }],
    ['metadata: id', chat({ ...hello, id: 'a' }), { id: 'a' }],
    ['metadata: a number for an id', chat({ ...hello, id: 17 }), { id: '17' }],
    ['metadata: an id that is none', chat({ ...hello, id: {}, message_id: '', stanza_id: null }), { id: '' }],
    ['metadata: an id without end', chat({ ...hello, id: 'x'.repeat(limits.iqIdBytesMax + 1) }), { id: '' }],
    [
      'JSON that was read because of its content type',
      { ...chat(''), body: hello },
      { kind: 'message', id: '', input: chatInput },
    ],
    [
      'text because of its content type',
      { ...chat(''), body: JSON.stringify(hello) },
      { kind: 'message', id: '', input: chatInput },
    ],
  ];
  for (const [name, given, expected] of rows) {
    test(`mongooseim 5.3: ${name}`, () => {
      const reading = read(given);
      assert.deepEqual({ ...reading, ...expected }, reading);
      if (reading.kind === 'message' || reading.kind === 'presence') assert.ok(eventOf(reading.input).ok);
    });
  }

  const topics: readonly [name: string, routingKey: string, isRead: boolean][] = [
    ['of a JID with dots', 'bob.the.builder@chat.example.chat_msg_recv', true],
    ['the topic alone', 'chat_msg_recv', true],
    ['sent, not received', 'alice@chat.example.chat_msg_sent', false],
    ['another topic that ends alike', 'bob@chat.example.my_chat_msg_recv', false],
  ];
  for (const [name, routingKey, isRead] of topics) {
    test(`mongooseim 5.3: routing key ${name} is ${isRead ? 'read' : 'not read'}`, () => {
      assert.equal(read(message('chat_msg', routingKey, hello)).kind, isRead ? 'message' : 'poison');
    });
  }

  test('mongooseim 5.3: one exchange for everything: sent messages are ignored, the rest is told apart', () => {
    const shared = { ...sources, presenceExchange: 'all', chatExchange: 'all', groupExchange: 'all' };
    const kinds = [
      message('all', 'alice@chat.example.chat_msg_sent', hello),
      message('all', 'bob@chat.example.chat_msg_recv', hello),
      message('all', 'bob@chat.example.groupchat_msg_recv', inRoom),
      message('all', 'alice@chat.example', { user_id: 'alice@chat.example/res1', present: true }),
    ].map((given) => {
      const reading = read(given, shared);
      return reading.kind === 'message' ? reading.input.type : reading.kind;
    });
    assert.deepEqual(kinds, ['ignored', 'chat', 'groupchat', 'presence']);
  });
});

describe('what cannot be read', () => {
  const rows: readonly [name: string, given: RabbitMessage, reason: RegExp][] = [
    ['no JSON', chat('secret words'), /^body: is not JSON$/],
    ['nothing', chat(''), /is not JSON/],
    ['not UTF-8', { ...chat(''), body: Buffer.from([0x7b, 0xff, 0x7d]) }, /is not UTF-8/],
    ['a list', chat('[1]'), /is not a JSON object/],
    ['null', chat('null'), /is not a JSON object/],
    ['very deep', chat('['.repeat(100_000)), /is not JSON/],
    ['very long', chat(JSON.stringify({ ...hello, message: 'x'.repeat(limits.stanzaBytesDefault) })), /at most 262144/],
    ['no sender', chat({ ...hello, from_user_id: undefined }), /^from_user_id: is not a text$/],
    ['a sender that is no text', chat({ ...hello, from_user_id: 1 }), /^from_user_id/],
    ['no receiver', chat({ ...hello, to_user_id: undefined }), /^to_user_id/],
    ['no message', chat({ ...hello, message: undefined }), /^message/],
    ['a message that is no text', group({ ...inRoom, message: { a: 1 } }), /^message/],
    ['presence without user', presence({ present: true }), /^user_id/],
    ['presence that says neither', presence({ user_id: 'alice@chat.example/r', present: 'yes' }), /^present/],
    ['presence that says nothing', presence({ user_id: 'alice@chat.example/r' }), /^present/],
    ['an inherited key', chat('{"__proto__":{"from_user_id":"a@b/c","to_user_id":"b@c","message":"x"}}'), /^from/],
    ['another exchange', message('stranger', 'bob@chat.example.chat_msg_recv', hello), /exchange and routing key/],
  ];
  for (const [name, given, reason] of rows) {
    test(`poison: ${name}`, () => {
      const reading = read(given);
      assert.equal(reading.kind, 'poison');
      if (reading.kind === 'poison') assert.match(reading.reason, reason);
      assert.doesNotMatch(JSON.stringify(reading), /secret/);
    });
  }

  test('a message that was set aside and is put back is read as if it came from where it came first', () => {
    const ours = { 'meerkat-exchange': 'chat_msg', 'meerkat-routing-key': 'bob@chat.example.chat_msg_recv' };
    assert.equal(read(message('', 'meerkat-events', hello, ours)).kind, 'message');
    const deaths = { 'x-death': [{ exchange: 'chat_msg', 'routing-keys': ['bob@chat.example.chat_msg_recv'] }] };
    assert.equal(read(message('', 'meerkat-events', hello, deaths)).kind, 'message');
    assert.equal(read(message('', 'meerkat-events', hello, undefined)).kind, 'poison');
  });
});
