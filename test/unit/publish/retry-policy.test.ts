import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  accepted,
  expired,
  rejected,
  throttled,
  unauthorized,
  unavailable,
  unregistered,
} from '../../../src/core/outcome.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { retryAfter } from '../../../src/publish/retry-policy.ts';
import { sampleNotification } from '../../conformance/provider.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { Retry } from '../../../src/publish/retry-policy.ts';

const nowMs = 1_000_000;

function decide(
  outcome: Outcome,
  options: { attempt?: number; leftMs?: number; collapseId?: string; collapses?: boolean } = {},
): Retry {
  const random = seededRandom(3);
  return retryAfter(outcome, {
    notification: sampleNotification({ collapseId: options.collapseId ?? '' }),
    collapses: options.collapses ?? true,
    attempt: options.attempt ?? 0,
    nowMs,
    deadlineMs: nowMs + (options.leftMs ?? 5_000),
    random,
  });
}

describe('retry policy', () => {
  it('what the gateway has answered is settled', () => {
    const answered = [
      accepted('x'),
      unregistered('Unregistered', 0),
      rejected('BadTopic'),
      throttled('TooManyRequests', 0),
    ];
    for (const outcome of answered) assert.deepEqual(decide(outcome), { kind: 'settle' }, outcome.kind);
  });

  it('what could not be sent in the time of one request goes again while its asker waits longer', () => {
    assert.deepEqual(decide(expired('deadline-unsent')), { kind: 'retry', atMs: nowMs });
    assert.deepEqual(decide(expired('deadline-unsent'), { leftMs: 100 }), { kind: 'settle' });
  });

  it('a refused credential is renewed once', () => {
    assert.deepEqual(decide(unauthorized('ExpiredProviderToken')), { kind: 'renew' });
    assert.deepEqual(decide(unauthorized('ExpiredProviderToken'), { attempt: 1 }), { kind: 'settle' });
    assert.deepEqual(decide(unauthorized('ExpiredProviderToken'), { leftMs: 100 }), { kind: 'settle' });
  });

  it('4.3 a refusal that no fresh credential changes is told at once', () => {
    assert.deepEqual(decide(unauthorized('PERMISSION_DENIED', 0, false)), { kind: 'settle' });
  });

  it('what nobody got goes again at once, later attempts wait with full jitter up to a second', () => {
    assert.deepEqual(decide(unavailable('no', 'GOAWAY')), { kind: 'retry', atMs: nowMs });
    for (let attempt = 1; attempt < 12; attempt++) {
      const retry = decide(unavailable('no', 'ECONNREFUSED'), { attempt });
      assert.ok(retry.kind === 'retry' && retry.atMs >= nowMs && retry.atMs <= nowMs + 1_000);
    }
  });

  it('4.4 a wait the gateway asked for is kept, or the asker is told at once when it is too long', () => {
    for (const outcome of [unavailable('no', '503', 2_000), throttled('QUOTA_EXCEEDED', 2_000)]) {
      const retry = decide(outcome);
      assert.ok(retry.kind === 'retry' && retry.atMs >= nowMs + 2_000 && retry.atMs <= nowMs + 2_500, outcome.kind);
    }
    assert.deepEqual(decide(unavailable('no', '503', 6_000)), { kind: 'settle' });
    assert.deepEqual(decide(throttled('QUOTA_EXCEEDED', 60_000)), { kind: 'settle' });
  });

  it('4.4 waits that were asked for double from one retry to the next, with jitter', () => {
    for (const [attempt, leastMs] of [
      [0, 10_000],
      [1, 20_000],
      [2, 40_000],
    ] as const) {
      const retry = decide(unavailable('no', 'UNAVAILABLE', 10_000), { attempt, leftMs: 3_600_000 });
      assert.ok(retry.kind === 'retry');
      const waitedMs = retry.atMs - nowMs;
      assert.ok(waitedMs > leastMs && waitedMs <= leastMs * 1.25, String(waitedMs));
    }
    const many = decide(unavailable('no', 'UNAVAILABLE', 10_000), { attempt: 5_000, leftMs: 3_600_000 });
    assert.deepEqual(many, { kind: 'settle' });
  });

  it('4.4 what may have been delivered obeys the rule against duplicates, whatever wait was asked for', () => {
    const lost = unavailable('unknown', 'INTERNAL', 2_000);
    assert.deepEqual(decide(lost), { kind: 'settle' });
    const retry = decide(lost, { collapseId: 'c' });
    assert.ok(retry.kind === 'retry' && retry.atMs >= nowMs + 2_000);
    assert.deepEqual(decide(lost, { collapseId: 'c', attempt: 1 }), { kind: 'settle' });
  });

  it('what may have been delivered goes again only where the copy replaces the first, and once', () => {
    assert.deepEqual(decide(unavailable('unknown', 'lost')), { kind: 'settle' });
    assert.deepEqual(decide(unavailable('unknown', 'lost'), { collapseId: 'c' }), { kind: 'retry', atMs: nowMs });
    assert.deepEqual(decide(unavailable('unknown', 'lost'), { collapseId: 'c', attempt: 1 }), { kind: 'settle' });
  });

  it('what may have been delivered never goes again through a gateway that knows no collapse ids', () => {
    const through = { collapseId: 'c', collapses: false };
    assert.deepEqual(decide(unavailable('unknown', 'lost'), through), { kind: 'settle' });
    assert.deepEqual(decide(unavailable('no', 'lost'), through), { kind: 'retry', atMs: nowMs });
  });

  it('no retry is started that cannot be answered in time', () => {
    assert.deepEqual(decide(unavailable('no', 'GOAWAY'), { leftMs: 150 }), { kind: 'settle' });
  });
});
