import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorProfileName } from '../../../config/engine-config.ts';
import {
  accepted,
  expired,
  outcomeKinds,
  rejected,
  throttled,
  unauthorized,
  unavailable,
  unregistered,
} from '../../../src/core/outcome.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { Refusal } from '../../../src/registration/commands.ts';
import { commandRefusal, publishRefusal, verdictOf } from '../../../src/router/iq-verdict.ts';
import { stanzaErrors } from '../../../src/xmpp/stanza-errors.ts';
import type { StanzaError } from '../../../src/xmpp/stanza-errors.ts';

const outcomes: readonly Outcome[] = [
  accepted('id'),
  unregistered('Unregistered', 0),
  rejected('PayloadTooLarge'),
  expired('deadline'),
  throttled('TooManyRequests', 1000),
  unauthorized('ExpiredProviderToken'),
  unavailable('no', 'refused'),
  unavailable('unknown', 'reset'),
];

const profiles: readonly ErrorProfileName[] = ['common', 'ejabberd', 'prosody', 'mongooseim', 'openfire', 'tigase'];

const refusals: readonly Refusal[] = [
  'unknown-node',
  'conflict',
  'not-owner',
  'quota',
  'last-owner',
  'precondition',
  'nothing-matched',
  'no-provider',
  'overloaded',
  'store-failed',
  'stopping',
];

test('every kind of outcome is in the table of this test', () => {
  assert.deepEqual(new Set(outcomes.map((outcome) => outcome.kind)), new Set(outcomeKinds));
});

test('4.60 cancel leaves only for an unregistered device, and every other error is wait', () => {
  for (const profile of profiles) {
    for (const outcome of outcomes) {
      const type = verdictOf(outcome, profile)?.type ?? 'result';
      const wanted = outcome.kind === 'accepted' ? 'result' : outcome.kind === 'unregistered' ? 'cancel' : 'wait';
      assert.equal(type, wanted, `${profile} ${outcome.kind}`);
    }
  }
});

const tigaseKeeps = ['remote-server-timeout', 'service-unavailable', 'internal-server-error', 'bad-request'];

test('4.60 wait carries only conditions for which Tigase keeps the registration', () => {
  for (const profile of profiles) {
    const errors = [
      ...outcomes.map((outcome) => verdictOf(outcome, profile)),
      ...refusals.map((refusal) => publishRefusal(refusal, profile)),
    ];
    for (const error of errors) {
      if (error?.type === 'wait') assert.ok(tigaseKeeps.includes(error.condition), `${profile} ${error.condition}`);
    }
  }
});

/** What a server does with the registration, by the rule found in its source (xmpp 4.60). */
const servers: Readonly<Record<string, (error: StanzaError | undefined) => 'keep' | 'count' | 'delete'>> = {
  ejabberd: (error) => (error === undefined || error.type === 'wait' ? 'keep' : 'delete'),
  mongooseim: (error) => (error?.type === 'cancel' ? 'delete' : 'keep'),
  prosody: (error) => (error === undefined || error.type === 'wait' ? 'keep' : 'count'),
  tigase: (error) => (error === undefined || tigaseKeeps.includes(error.condition) ? 'keep' : 'delete'),
  openfire: () => 'keep',
};

test('4.60 under every profile each server forgets a dead device and keeps all others', () => {
  const whenDead: Readonly<Record<string, string>> = {
    ejabberd: 'delete',
    mongooseim: 'delete',
    prosody: 'count',
    tigase: 'delete',
    openfire: 'keep',
  };
  for (const profile of profiles) {
    for (const outcome of outcomes) {
      for (const [server, rule] of Object.entries(servers)) {
        const expectedFate = outcome.kind === 'unregistered' ? whenDead[server] : 'keep';
        assert.equal(rule(verdictOf(outcome, profile)), expectedFate, `${profile} ${server} ${outcome.kind}`);
      }
    }
  }
});

test('4.60 a refused publish costs a registration only when its node is unknown', () => {
  for (const profile of profiles.filter((name) => name !== 'mongooseim')) {
    for (const refusal of refusals) {
      for (const [server, rule] of Object.entries(servers)) {
        const fate = rule(publishRefusal(refusal, profile));
        const dead = refusal === 'unknown-node' && server !== 'openfire';
        assert.equal(fate !== 'keep', dead, `${profile} ${server} ${refusal}`);
      }
    }
  }
});

test('the MongooseIM profile answers as its own push service does, but a passing fault costs nobody anything', () => {
  assert.equal(verdictOf(unregistered('gone', 0), 'mongooseim'), stanzaErrors.deviceNotRegistered);
  assert.equal(verdictOf(rejected('bad topic'), 'mongooseim'), stanzaErrors.failedToSubmit);
  assert.match(stanzaErrors.failedToSubmit.detail, /faild-to-submit-push-notification/);
  assert.equal(publishRefusal('precondition', 'mongooseim'), stanzaErrors.preconditionNotMet);
  assert.equal(publishRefusal('precondition', 'common'), stanzaErrors.waitPreconditionNotMet);
  for (const refusal of refusals.filter((name) => name !== 'precondition' && name !== 'unknown-node')) {
    assert.equal(publishRefusal(refusal, 'mongooseim').type, 'wait', refusal);
  }
});

test('4.52 an unknown node is answered item-not-found under every profile', () => {
  for (const profile of profiles) assert.equal(publishRefusal('unknown-node', profile), stanzaErrors.itemNotFound);
});

test('4.12 a stranger learns that a node exists only where the operator wants it so', () => {
  assert.equal(commandRefusal('not-owner', false), commandRefusal('unknown-node', false));
  assert.equal(commandRefusal('not-owner', true), stanzaErrors.forbidden);
});

test('5.42 refused commands have the errors of the table', () => {
  const table: readonly (readonly [Refusal, StanzaError])[] = [
    ['conflict', stanzaErrors.conflict],
    ['quota', stanzaErrors.quota],
    ['last-owner', stanzaErrors.notAcceptable],
    ['precondition', stanzaErrors.preconditionNotMet],
    ['nothing-matched', stanzaErrors.itemNotFound],
    ['no-provider', stanzaErrors.itemNotFound],
    ['overloaded', stanzaErrors.waitUnavailable],
    ['store-failed', stanzaErrors.waitInternal],
    ['stopping', stanzaErrors.waitUnavailable],
  ];
  for (const [refusal, error] of table) assert.equal(commandRefusal(refusal, true), error, refusal);
});
