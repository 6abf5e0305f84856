import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf } from '../../../src/router/iq-answer.ts';
import { ns } from '../../../src/xmpp/namespaces.ts';
import { parseXml } from '../../parse-xml.ts';
import type { IqAnswer } from '../../../src/event/commands.ts';

function error(type: string, condition: string, detail = ''): IqAnswer {
  return { kind: 'error', type, condition, detail };
}

const gone = `<gone xmlns='${ns.stanzaErrors}'>xmpp:x@example.com</gone>`;
const forbidden = `<forbidden xmlns='${ns.stanzaErrors}'/>`;
const text = `<text xmlns='${ns.stanzaErrors}'>for people</text>`;
const preconditions = `<precondition-not-met xmlns='${ns.pubsubErrors}'/>`;
const notFound = `<item-not-found xmlns='${ns.stanzaErrors}'/>`;

const cases: readonly (readonly [name: string, stanza: string, answer: IqAnswer])[] = [
  ['a result', "<iq type='result'/>", { kind: 'result' }],
  ['a result with a payload', `<iq type='result'><pubsub xmlns='${ns.pubsub}'/></iq>`, { kind: 'result' }],
  ['an error', `<iq type='error'><error type='cancel'>${gone}</error></iq>`, error('cancel', 'gone')],
  [
    'text before the condition',
    `<iq type='error'><error type='auth'>${text}${forbidden}</error></iq>`,
    error('auth', 'forbidden'),
  ],
  [
    'the application condition, in any order',
    `<iq type='error'><error type='cancel'>${preconditions}<conflict xmlns='${ns.stanzaErrors}'/></error></iq>`,
    error('cancel', 'conflict', 'precondition-not-met'),
  ],
  [
    'the request before the error, as ejabberd answers',
    `<iq type='error'><pubsub xmlns='${ns.pubsub}'/><error code='404' type='cancel'>${notFound}</error></iq>`,
    error('cancel', 'item-not-found'),
  ],
  ['mongooseim 2.11: an error without <error/>', "<iq type='error'/>", error('', 'undefined-condition')],
  ['an error that is empty', "<iq type='error'><error type='wait'/></iq>", error('wait', 'undefined-condition')],
  ['a type nobody knows', `<iq type='error'><error type='whatever'>${gone}</error></iq>`, error('', 'gone')],
  ['no type', `<iq type='error'><error>${gone}</error></iq>`, error('', 'gone')],
  [
    'prefixes',
    `<iq type='error'><error type='wait'><s:gone xmlns:s='${ns.stanzaErrors}'/></error></iq>`,
    error('wait', 'gone'),
  ],
];

for (const [name, stanza, answer] of cases) {
  test(`8.16 an answer is read off the element: ${name}`, () => assert.deepEqual(answerOf(parseXml(stanza)), answer));
}
