import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rejected, throttled, unauthorized, unavailable, unregistered } from '../../../src/core/outcome.ts';
import { RefusalPattern } from '../../../src/publish/refusal-pattern.ts';
import type { Outcome } from '../../../src/core/outcome.ts';

interface Told {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

function setup(): {
  readonly told: Told[];
  readonly note: (outcome: Outcome, times: number, accepted?: number) => void;
} {
  const told: Told[] = [];
  const ignore = (): void => undefined;
  const logger = {
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: (fields: Readonly<Record<string, unknown>>, message: string): void => void told.push({ fields, message }),
  };
  const pattern = new RefusalPattern({ provider: 'apple', mode: 'prod', logger });
  let nowMs = 0;
  return {
    told,
    note(outcome, times, accepted = 0) {
      for (let index = 0; index < times; index++) pattern.note(outcome, accepted, (nowMs += 1_000));
    },
  };
}

const badToken = rejected('BadDeviceToken');

describe('a gateway that refuses everything', () => {
  test('3.7 twenty bad tokens, and never a good one, are told as the wrong environment', () => {
    const { told, note } = setup();
    note(badToken, 19);
    assert.equal(told.length, 0);
    note(badToken, 1);
    assert.match(told[0]?.message ?? '', /of the other environment\?/);
    assert.deepEqual(told[0]?.fields, {
      provider: 'apple',
      mode: 'prod',
      reason: 'BadDeviceToken',
      inARow: 20,
      accepted: 0,
    });
  });

  for (const [reason, hint] of [
    ['DeviceTokenNotForTopic', /topic/],
    ['TopicDisallowed', /topic/],
    ['BadTopic', /topic/],
  ] as const) {
    test(`3.7 so is a topic that is wrong for all: ${reason}`, () => {
      const { told, note } = setup();
      note(rejected(reason), 20);
      assert.match(told[0]?.message ?? '', hint);
    });
  }

  for (const reason of ['BadEnvironmentKeyIdInToken', 'BadCertificateEnvironment']) {
    test(`3.5 so is a credential of the other environment: ${reason}`, () => {
      const { told, note } = setup();
      note(unauthorized(reason), 20);
      assert.match(told[0]?.message ?? '', /compare the mode/);
    });
  }

  test('it is told once an hour', () => {
    const { told, note } = setup();
    note(badToken, 20 + 3_599);
    assert.equal(told.length, 1);
    note(badToken, 1);
    assert.equal(told.length, 2);
  });

  test('where some were accepted it takes fifty in a row, and one that is accepted begins the row anew', () => {
    const { told, note } = setup();
    note(badToken, 49, 7);
    note(badToken, 49, 8);
    assert.equal(told.length, 0);
    note(badToken, 1, 8);
    assert.equal(told.length, 1);
  });

  test('3.7 a 410 shows that the environment is right: it begins the row anew', () => {
    const { told, note } = setup();
    note(badToken, 19);
    note(unregistered('Unregistered', 0), 1);
    note(badToken, 49);
    assert.equal(told.length, 0);
    note(badToken, 1);
    assert.equal(told.length, 1);
  });

  test('other troubles say nothing about it, and do not end the row', () => {
    const { told, note } = setup();
    for (const other of [rejected('PayloadTooLarge'), throttled('TooManyRequests', 0), unavailable('no', 'full')]) {
      note(other, 100);
    }
    assert.equal(told.length, 0);
    note(badToken, 19);
    note(unavailable('unknown', 'deadline'), 5);
    note(badToken, 1);
    assert.equal(told.length, 1);
  });
});
