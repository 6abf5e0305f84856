import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mentionOf } from '../../../src/event/mention.ts';
import { message } from '../../message-events.ts';
import { full } from '../../registration-rows.ts';
import type { Answered, MessageEvent } from '../../../src/core/event.ts';

const table: readonly [string, Partial<MessageEvent>, nick: string, Answered][] = [
  ['the server has said so', { isMentioned: 'yes' }, '', 'yes'],
  ['the server has denied it', { isMentioned: 'no', body: 'anna' }, 'anna', 'no'],
  ['a reference to the own JID', { mentions: ['anna@example.com'] }, '', 'yes'],
  ['a reference to the own full JID', { mentions: ['anna@example.com/phone'] }, '', 'yes'],
  ['a reference to the own occupant', { mentions: ['tea@rooms.example.com/anna'] }, 'anna', 'yes'],
  ['a reference to somebody else', { mentions: ['tea@rooms.example.com/eve'] }, 'anna', 'no'],
  ['a reference to another room', { mentions: ['coffee@rooms.example.com/anna'] }, 'anna', 'no'],
  ['the nick alone', { body: 'anna' }, 'anna', 'yes'],
  ['the nick at the beginning', { body: 'Anna: tea?' }, 'anna', 'yes'],
  ['the nick at the end', { body: 'tea, @ANNA' }, 'Anna', 'yes'],
  ['the nick inside a word', { body: 'savanna' }, 'anna', 'no'],
  ['the nick inside one word, then alone', { body: 'annabel and anna' }, 'anna', 'yes'],
  ['a longer name', { body: 'anna2, annaö, anna_b' }, 'anna', 'no'],
  ['a nick beside letters outside the first plane', { body: '𐐷anna' }, 'anna', 'no'],
  ['a nick beside an emoji', { body: '🍵anna🍵' }, 'anna', 'yes'],
  ['a nick of signs', { body: 'tea🐍time' }, '🐍', 'yes'],
  ['a nick with what regular expressions read', { body: 'hi a.*(b' }, 'a.*(b', 'yes'],
  ['no nick known', { body: 'anna' }, '', 'unknown'],
  ['an encrypted body', { encryption: 'payload', body: 'anna' }, 'anna', 'unknown'],
];

describe('mention', () => {
  for (const [says, over, nick, answer] of table) {
    it(`7.55: ${says}: ${answer}`, () => {
      const event = message({ type: 'groupchat', from: full('tea@rooms.example.com/boris'), body: 'tea?', ...over });
      assert.equal(mentionOf(event, nick), answer);
    });
  }
});
