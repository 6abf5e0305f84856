import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerForReason } from '../../../src/fake/mongoosepush-answers.ts';
import { classifyMongoosePush, endAtGateway, isWell } from '../../../src/provider/mongoosepush-answers.ts';
import type { Outcome } from '../../../src/core/outcome.ts';

const nowMs = Date.UTC(2026, 5, 1);

function outcomeOf(status: number, body: string, fields: Readonly<Record<string, string>> = {}): Outcome {
  return classifyMongoosePush({ status, fields, body, nowMs });
}

/** `unavailable` with what it says of the device: `unavailable no`, `unavailable unknown`. */
function shortOf(outcome: Outcome): string {
  return outcome.kind === 'unavailable' ? `unavailable ${outcome.reached}` : outcome.kind;
}

const reason = (word: string): string => `{"reason":"${word}"}`;
const details = (word: string): string => `{"details":"${word}"}`;

describe('MongoosePush: answers', () => {
  for (const [status, body, expected] of [
    [200, 'null', 'accepted'],
    [204, '', 'accepted'],
    [400, reason('invalid_request'), 'rejected'],
    [400, reason('no_matching_pool'), 'rejected'],
    [400, reason('invalid_notification'), 'rejected'],
    [400, '', 'rejected'],
    [410, reason('unregistered'), 'unregistered'],
    [410, '', 'unregistered'],
    [410, '<html>Gone</html>', 'rejected'],
    [413, reason('payload_too_large'), 'rejected'],
    [413, '', 'rejected'],
    [422, '{"errors":[{"title":"Invalid value","source":{"pointer":"/priority"},"message":"x"}]}', 'rejected'],
    [429, reason('too_many_requests'), 'throttled'],
    [500, reason('request_timeout'), 'unavailable unknown'],
    [500, reason('ExpiredToken'), 'unregistered'],
    [500, reason('InvalidPushType'), 'rejected'],
    [500, reason('UnrelatedKeyIdInToken'), 'unauthorized'],
    [500, reason('NOT_FOUND'), 'rejected'],
    [500, reason('PERMISSION_DENIED'), 'unauthorized'],
    [500, reason('RESOURCE_EXHAUSTED'), 'throttled'],
    [500, reason('DEADLINE_EXCEEDED'), 'unavailable unknown'],
    [500, reason('UNSPECIFIED_ERROR'), 'unavailable unknown'],
    [500, 'null', 'unavailable unknown'],
    [503, reason('service_internal'), 'unavailable unknown'],
    [503, reason('internal_config'), 'rejected'],
    [503, reason('unable_to_connect'), 'unavailable no'],
    [503, reason('connection_lost'), 'unavailable unknown'],
    [520, reason('unspecified'), 'unavailable unknown'],
  ] as const) {
    test(`1.5 v3: ${status} ${body} is ${expected}`, () => {
      assert.equal(shortOf(outcomeOf(status, body)), expected);
    });
  }

  for (const [status, body, expected] of [
    [200, 'null', 'accepted'],
    [503, details('Please try again later'), 'unavailable no'],
    [500, details('probably_unregistered'), 'unregistered'],
    [500, details('no_matching_pool'), 'rejected'],
    [500, details('invalid_notification'), 'rejected'],
    [500, details('connection_lost'), 'unavailable unknown'],
    [500, details('request_timeout'), 'unavailable unknown'],
    [500, 'null', 'unavailable unknown'],
    [400, details('Bad Request'), 'rejected'],
    [404, '', 'rejected'],
    [406, '{"errors":{"detail":"Not Acceptable"}}', 'rejected'],
    [422, '{"errors":[]}', 'rejected'],
  ] as const) {
    test(`1.5 v1 and v2: ${status} ${body} is ${expected}`, () => {
      assert.equal(shortOf(outcomeOf(status, body)), expected);
    });
  }

  const rows: readonly (readonly [word: string, v2: string, v3: string])[] = [
    ['BadCollapseId', 'rejected', 'rejected'],
    ['BadDeviceToken', 'rejected', 'rejected'],
    ['DeviceTokenNotForTopic', 'rejected', 'rejected'],
    ['IdleTimeout', 'unavailable no', 'rejected'],
    ['PayloadEmpty', 'rejected', 'rejected'],
    ['TopicDisallowed', 'rejected', 'rejected'],
    ['Forbidden', 'unauthorized', 'rejected'],
    ['BadMessageId', 'rejected', 'rejected'],
    ['BadPriority', 'rejected', 'rejected'],
    ['BadTopic', 'rejected', 'rejected'],
    ['DuplicateHeaders', 'rejected', 'rejected'],
    ['MissingDeviceToken', 'rejected', 'rejected'],
    ['MethodNotAllowed', 'rejected', 'rejected'],
    ['BadPath', 'rejected', 'rejected'],
    ['MissingTopic', 'rejected', 'rejected'],
    ['BadExpirationDate', 'rejected', 'rejected'],
    ['ExpiredProviderToken', 'unauthorized', 'unavailable unknown'],
    ['InvalidProviderToken', 'unauthorized', 'unavailable unknown'],
    ['MissingProviderToken', 'unauthorized', 'unavailable unknown'],
    ['BadCertificate', 'unauthorized', 'unavailable unknown'],
    ['BadCertificateEnvironment', 'unauthorized', 'unavailable unknown'],
    ['Unregistered', 'unregistered', 'unregistered'],
    ['TooManyProviderTokenUpdates', 'throttled', 'throttled'],
    ['TooManyRequests', 'throttled', 'throttled'],
    ['ServiceUnavailable', 'unavailable no', 'unavailable unknown'],
    ['Shutdown', 'unavailable no', 'unavailable unknown'],
    ['InternalServerError', 'unavailable unknown', 'unavailable unknown'],
    ['PayloadTooLarge', 'rejected', 'rejected'],
    ['ExpiredToken', 'unregistered', 'unregistered'],
    ['InvalidPushType', 'rejected', 'rejected'],
    ['UnrelatedKeyIdInToken', 'unauthorized', 'unauthorized'],
    ['BadEnvironmentKeyIdInToken', 'unauthorized', 'unauthorized'],
    ['INVALID_ARGUMENT', 'rejected', 'rejected'],
    ['UNREGISTERED', 'unregistered', 'unregistered'],
    ['SENDER_ID_MISMATCH', 'rejected', 'unavailable unknown'],
    ['APNS_AUTH_ERROR', 'unauthorized', 'unavailable unknown'],
    ['THIRD_PARTY_AUTH_ERROR', 'unauthorized', 'unavailable unknown'],
    ['QUOTA_EXCEEDED', 'throttled', 'throttled'],
    ['UNAVAILABLE', 'unavailable no', 'unavailable unknown'],
    ['INTERNAL', 'unavailable unknown', 'unavailable unknown'],
    ['UNSPECIFIED', 'unavailable unknown', 'unavailable unknown'],
    ['UNSPECIFIED_ERROR', 'unavailable unknown', 'unavailable unknown'],
    ['NOT_FOUND', 'rejected', 'rejected'],
    ['UNAUTHENTICATED', 'unauthorized', 'unauthorized'],
    ['RESOURCE_EXHAUSTED', 'throttled', 'throttled'],
    ['no_matching_pool', 'rejected', 'rejected'],
    ['unable_to_connect', 'unavailable no', 'unavailable no'],
    ['connection_lost', 'unavailable unknown', 'unavailable unknown'],
    ['invalid_notification', 'rejected', 'rejected'],
    ['request_timeout', 'unavailable unknown', 'unavailable unknown'],
  ];
  for (const [word, v2, v3] of rows) {
    test(`1.6 ${word} is ${v2} through v1 and v2, ${v3} through v3`, () => {
      for (const version of ['v1', 'v2', 'v3'] as const) {
        const { status, body } = answerForReason(version, word);
        assert.equal(shortOf(outcomeOf(status, body)), version === 'v3' ? v3 : v2, `${version} ${status} ${body}`);
      }
    });
  }

  test('1.6 only these words end a registration', () => {
    const deadly = rows.filter(([, v2, v3]) => v2 === 'unregistered' || v3 === 'unregistered').map(([word]) => word);
    assert.deepEqual(deadly, ['Unregistered', 'ExpiredToken', 'UNREGISTERED']);
  });

  for (const [status, expected] of [
    [301, 'rejected'],
    [401, 'unauthorized'],
    [403, 'unauthorized'],
    [407, 'unauthorized'],
    [408, 'unavailable unknown'],
    [429, 'throttled'],
    [502, 'unavailable unknown'],
    [503, 'unavailable no'],
    [504, 'unavailable unknown'],
  ] as const) {
    test(`a ${status} of what stands in front of it is ${expected}`, () => {
      assert.equal(shortOf(outcomeOf(status, '<html>')), expected);
    });
  }

  test('a wait that something in front of it asks for is told', () => {
    const busy = outcomeOf(429, '', { 'retry-after': '7' });
    assert.ok(busy.kind === 'throttled' && busy.retryAfterMs === 7_000);
  });
});

describe('MongoosePush: what an answer says about the gateway', () => {
  test('1.5 what Apple or Google said, and every fault of a notification, is no fault of the gateway', () => {
    for (const [status, body] of [
      [200, 'null'],
      [400, reason('no_matching_pool')],
      [410, reason('unregistered')],
      [422, '{"errors":[]}'],
      [429, reason('too_many_requests')],
      [503, reason('service_internal')],
      [503, reason('internal_config')],
      [500, details('BadDeviceToken')],
      [500, details('UNAVAILABLE')],
      [520, reason('unspecified')],
    ] as const) {
      assert.equal(endAtGateway({ status, body }), 'worked', `${status} ${body}`);
    }
  });

  test('1.5 no connection, a lost one, a crash and whatever stands in front of it are', () => {
    for (const [status, body] of [
      [500, 'null'],
      [500, reason('request_timeout')],
      [500, details('connection_lost')],
      [502, '<html>'],
      [503, ''],
      [503, reason('unable_to_connect')],
      [503, details('Please try again later')],
    ] as const) {
      assert.equal(endAtGateway({ status, body }), 'troubled', `${status} ${body}`);
    }
  });

  test('1.12 a health check is good with one connected pool, bad with none or without a pool', () => {
    const check = (status: number, text: string, pools: number): Parameters<typeof isWell>[0] => {
      const checks = Object.fromEntries(Array.from({ length: pools }, (_, index) => [`pool:apns_${index}`, []]));
      return { status, body: JSON.stringify({ status: text, version: '2.3.0', checks }) };
    };
    assert.equal(isWell(check(200, 'pass', 2)), true);
    assert.equal(isWell(check(200, 'warn', 2)), true);
    assert.equal(isWell(check(503, 'fail', 2)), false);
    assert.equal(isWell(check(503, 'pass', 0)), false);
    assert.equal(isWell(check(200, 'pass', 0)), false);
    assert.equal(isWell({ status: 404, body: '<html>' }), true);
    assert.equal(isWell({ status: 200, body: 'ok' }), true);
    assert.equal(isWell({ status: 502, body: '' }), false);
  });
});
