import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classOf, conditions, reachedBy, reasonOf } from '../../../src/event/iq-outcomes.ts';
import type { IqAnswer } from '../../../src/event/commands.ts';
import type { ErrorClass } from '../../../src/event/iq-outcomes.ts';

type IqError = Extract<IqAnswer, { readonly kind: 'error' }>;

function error(type: string, condition: string, detail = ''): IqError {
  return { kind: 'error', type, condition, detail };
}

// RFC 6120 §8.3.3, in its order.
const rfc6120: readonly [string, ErrorClass][] = [
  ['bad-request', 'refusal'],
  ['conflict', 'refusal'],
  ['feature-not-implemented', 'refusal'],
  ['forbidden', 'refusal'],
  ['gone', 'refusal'],
  ['internal-server-error', 'outage'],
  ['item-not-found', 'refusal'],
  ['jid-malformed', 'refusal'],
  ['not-acceptable', 'notification'],
  ['not-allowed', 'refusal'],
  ['not-authorized', 'refusal'],
  ['policy-violation', 'notification'],
  ['recipient-unavailable', 'outage'],
  ['redirect', 'notification'],
  ['registration-required', 'refusal'],
  ['remote-server-not-found', 'outage'],
  ['remote-server-timeout', 'outage'],
  ['resource-constraint', 'outage'],
  ['service-unavailable', 'outage'],
  ['subscription-required', 'refusal'],
  ['undefined-condition', 'notification'],
  ['unexpected-request', 'notification'],
];

test('5.51 every condition of RFC 6120 has its class, whatever the type of the error', () => {
  assert.deepEqual(
    conditions,
    rfc6120.map(([condition]) => condition),
  );
  for (const [condition, expected] of rfc6120) {
    for (const type of ['cancel', 'modify', 'continue', '']) {
      assert.equal(classOf(error(type, condition)), expected, `${type}/${condition}`);
    }
  }
});

test('5.51 any error of type wait is an outage', () => {
  for (const [condition] of rfc6120) assert.equal(classOf(error('wait', condition)), 'outage');
  assert.equal(classOf(error('wait', 'conflict', 'precondition-not-met')), 'outage');
  assert.equal(classOf(error('wait', '')), 'outage');
});

test('5.51 an error of type auth is a refusal, unless the service is away', () => {
  for (const [condition, expected] of rfc6120) {
    assert.equal(classOf(error('auth', condition)), expected === 'outage' ? 'outage' : 'refusal', condition);
  }
});

// Type and condition as MongooseIM sends them; what it does about the registration; what becomes of it here.
const mongooseim: readonly [string, string, string, 'removed' | 'kept', ErrorClass][] = [
  ['cancel', 'item-not-found', '', 'removed', 'refusal'],
  ['cancel', 'conflict', 'precondition-not-met', 'removed', 'refusal'],
  ['cancel', 'not-acceptable', 'device-not-registered', 'removed', 'refusal'],
  ['cancel', 'feature-not-implemented', 'unsupported', 'removed', 'refusal'],
  ['cancel', 'service-unavailable', '', 'removed', 'outage'],
  ['cancel', 'remote-server-not-found', '', 'removed', 'outage'],
  ['wait', 'remote-server-timeout', '', 'kept', 'outage'],
  ['wait', 'internal-server-error', '', 'kept', 'outage'],
  ['wait', 'resource-constraint', '', 'kept', 'outage'],
  ['auth', 'forbidden', '', 'kept', 'refusal'],
  ['auth', 'not-authorized', '', 'kept', 'refusal'],
  ['auth', 'registration-required', '', 'kept', 'refusal'],
  ['modify', 'bad-request', '', 'kept', 'refusal'],
  ['modify', 'bad-request', 'faild-to-submit-push-notification', 'kept', 'notification'],
  ['modify', 'not-acceptable', 'payload-too-big', 'kept', 'notification'],
  // an error without an <error/> child, or without a type
  ['', '', '', 'kept', 'notification'],
  ['', 'item-not-found', '', 'kept', 'refusal'],
];

test('mongooseim 2.11: outages are not refusals although MongooseIM takes them for it', () => {
  for (const [type, condition, detail, theirs, ours] of mongooseim) {
    assert.equal(classOf(error(type, condition, detail)), ours, `${type}/${condition}`);
    if (ours === 'outage' && theirs === 'removed') assert.equal(type, 'cancel');
  }
});

test('5.51 whether a publish may have been acted on is doubtful after errors inside the service only', () => {
  for (const [condition, errorClass] of rfc6120) {
    if (errorClass !== 'outage') continue;
    const isDoubtful = condition === 'internal-server-error' || condition === 'remote-server-timeout';
    assert.equal(reachedBy(error('cancel', condition)), isDoubtful ? 'unknown' : 'no', condition);
  }
});

test('a reason is made of known words only', () => {
  const rows: readonly [IqError, string][] = [
    [error('cancel', 'item-not-found'), 'item-not-found'],
    [error('cancel', 'not-acceptable', 'device-not-registered'), 'not-acceptable (device-not-registered)'],
    [error('wait', 'item-not-found'), 'wait: item-not-found'],
    [error('wait', 'service-unavailable'), 'service-unavailable'],
    [error('cancel', 'token-abcdef', 'secret'), 'undefined-condition'],
    [error('', ''), 'undefined-condition'],
  ];
  for (const [answer, reason] of rows) assert.equal(reasonOf(answer), reason);
});
