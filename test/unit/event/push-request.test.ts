/** mongooseim 2.1: who asks, for which account, and what. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readPushRequest } from '../../../src/event/push-request.ts';
import { parseXml } from '../../parse-xml.ts';

const enable = `<enable xmlns='urn:xmpp:push:0' jid='push.example.net' node='phone'/>`;
const disable = `<disable xmlns='urn:xmpp:push:0' jid='push.example.net'/>`;

function read(attributes: string, children = enable) {
  return readPushRequest(parseXml(`<iq ${attributes}>${children}</iq>`));
}

function errorOf(attributes: string, children = enable): string {
  const asked = read(attributes, children)?.asked;
  return asked?.kind === 'refused' ? `${asked.error.type}/${asked.error.condition}` : (asked?.kind ?? 'nothing');
}

const from = `from='Anna@Example.com/phone'`;

describe('mongooseim 2.1: a push request', () => {
  test('is for the bare JID of its sender, in the name of his session', () => {
    const asked = read(`type='set' id='e1' ${from}`);
    assert.equal(asked?.account, 'anna@example.com');
    assert.equal(asked.session, 'phone');
    assert.equal(asked.asked.kind, 'enable');
    assert.equal(asked.request.id, 'e1');
    assert.equal(read(`type='set' id='e1' from='anna@example.com'`)?.session, '');
    assert.equal(read(`type='set' id='d1' ${from}`, disable)?.asked.kind, 'disable');
  });

  const addressees: readonly (readonly [to: string, kind: string])[] = [
    ['', 'enable'],
    [`to='anna@example.com'`, 'enable'],
    [`to='ANNA@example.com'`, 'enable'],
    [`to='example.com'`, 'enable'],
    [`to='boris@example.com'`, 'auth/forbidden'],
    [`to='other.example'`, 'auth/forbidden'],
    [`to='anna@example.com/desk'`, 'auth/forbidden'],
    [`to='@'`, 'auth/forbidden'],
  ];
  for (const [to, kind] of addressees) {
    test(`addressed ${to === '' ? 'to nobody' : to} is ${kind}`, () => {
      assert.equal(errorOf(`type='set' id='e1' ${from} ${to}`), kind);
    });
  }

  const children: readonly (readonly [what: string, children: string])[] = [
    ['no child', ''],
    ['two children', enable + disable],
    ['a child without a namespace of its own', `<enable jid='push.example.net' node='phone'/>`],
    ['another child of the namespace', `<other xmlns='urn:xmpp:push:0'/>`],
  ];
  for (const [what, xml] of children) {
    test(`with ${what} is modify/bad-request`, () => {
      assert.equal(errorOf(`type='set' id='e1' ${from}`, xml), 'modify/bad-request');
    });
  }

  test('5.45 of type get is modify/bad-request', () => {
    assert.equal(errorOf(`type='get' id='e1' ${from}`), 'modify/bad-request');
  });

  test('that nobody could be answered for is none: a reply, no id, no sender, a sender that is no user', () => {
    for (const attributes of [
      `type='result' id='e1' ${from}`,
      `type='error' id='e1' ${from}`,
      `id='e1' ${from}`,
      `type='set' ${from}`,
      `type='set' id='' ${from}`,
      `type='set' id='e1'`,
      `type='set' id='e1' from='example.com'`,
      `type='set' id='e1' from='@/x'`,
    ]) {
      assert.equal(read(attributes), undefined, attributes);
    }
    assert.equal(readPushRequest(parseXml(`<message type='set' id='e1' ${from}>${enable}</message>`)), undefined);
  });
});
