import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accepted, expired, rejected, throttled, unavailable } from '../../../src/core/outcome.ts';
import { QuotaPace } from '../../../src/publish/quota-pace.ts';

const tickMs = 10;

/** Sends from `fromMs` on, as fast as the pace and `perSecond` allow; returns what left in each second. */
function run(pace: QuotaPace, fromMs: number, seconds: number, perSecond = Number.MAX_SAFE_INTEGER): number[] {
  const left: number[] = [];
  for (let second = 0; second < seconds; second++) {
    let sent = 0;
    for (let tick = 0; tick < 1_000 / tickMs; tick++) {
      const wanted = Math.min(1_000, Math.round((perSecond * tickMs) / 1_000));
      sent += pace.take(wanted, fromMs + second * 1_000 + tick * tickMs);
    }
    left.push(sent);
  }
  return left;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((before, count) => before + count, 0);
}

describe('FCM quota: the pace', () => {
  it('4.4 no minute, wherever it begins, has more than the quota', () => {
    for (const quota of [60, 600, 6_000, 600_000]) {
      const counts = run(new QuotaPace(quota, 0), 0, 240);
      for (let from = 0; from + 60 <= counts.length; from++) {
        const minute = sum(counts.slice(from, from + 60));
        assert.ok(minute <= quota, `${minute} of ${quota} from second ${from}`);
      }
      const last = sum(counts.slice(-60));
      assert.ok(last > quota * 0.95, `${last} of ${quota} in the last minute: the quota is not wasted`);
    }
  });

  it('4.4 a new sender rises from a tenth of the rate to all of it within a minute, not sooner', () => {
    const counts = run(new QuotaPace(600_000, 0), 0, 90);
    const tenth = 984;
    assert.ok((counts[0] ?? 0) <= 2 * tenth, `${counts[0]} in the first second, with what may leave at once`);
    counts.slice(1).forEach((count, at) => assert.ok(count <= tenth + 160 * (at + 3), `${count} in second ${at + 1}`));
    assert.ok((counts[30] ?? 0) < 6_000, 'about halfway there after half the time');
    assert.ok((counts[57] ?? 0) < 9_833);
    assert.ok((counts[63] ?? 0) > 9_800, 'all of it after a minute');
  });

  it('a small quota is not approached: what one connection carries is no rush', () => {
    const pace = new QuotaPace(3_000, 0);
    assert.equal(Math.round(pace.figures(0).perSecond), 49);
    assert.equal(sum(run(pace, 0, 60)) > 2_900, true);
  });

  it("4.4 at most a second's worth leaves at once, however long nothing was sent", () => {
    const pace = new QuotaPace(600_000, 0);
    run(pace, 0, 70);
    const atOnce = pace.take(1_000_000, 70_000 + 500);
    assert.ok(atOnce <= 9_834, `${atOnce}`);
    assert.equal(pace.take(1_000_000, 70_500), 0);
  });

  it('4.4 a rate that is not used shrinks as it grew, and is approached anew', () => {
    const pace = new QuotaPace(600_000, 0);
    run(pace, 0, 70);
    assert.equal(Math.round(pace.figures(70_000).perSecond), 9_833);
    assert.equal(pace.take(1, 70_000 + 600_000), 1);
    assert.equal(Math.round(pace.figures(670_000).perSecond), 983);
  });

  it('a steady rate has about twice of itself to rise into', () => {
    const pace = new QuotaPace(600_000, 0);
    const counts = run(pace, 0, 200, 2_000);
    assert.ok(counts.slice(30).every((count) => count === 2_000));
    const { perSecond } = pace.figures(200_000);
    assert.ok(perSecond > 3_500 && perSecond < 4_500, String(perSecond));
  });

  it('all or none: what does not fit costs nothing', () => {
    const pace = new QuotaPace(6_000, 0);
    assert.equal(pace.takeAll(99, 0), false);
    assert.equal(pace.takeAll(98, 0), true);
    assert.equal(pace.takeAll(1, 0), false);
    assert.equal(pace.takeAll(1, 20), true);
  });

  it('says when it is worth asking again', () => {
    const pace = new QuotaPace(600, 0);
    assert.equal(pace.waitMs(0), 0);
    pace.take(1_000, 0);
    const waitMs = pace.waitMs(0);
    assert.ok(waitMs > 0);
    assert.equal(pace.take(1, waitMs * 0.9), 0);
    assert.equal(pace.take(1, waitMs + 0.001), 1);
  });
});

describe('FCM quota: what Google says of it', () => {
  it('4.3 QUOTA_EXCEEDED stops the project for Retry-After, else for 60 s, and it goes on at half the rate', () => {
    for (const [retryAfterMs, pausedMs] of [
      [0, 60_000],
      [90_000, 90_000],
      [999_999_999_000, 3_600_000],
    ] as const) {
      const pace = new QuotaPace(600_000, 0);
      run(pace, 0, 70);
      pace.note(throttled('QUOTA_EXCEEDED', retryAfterMs), 70_000);
      assert.equal(pace.figures(70_000).pausedMs, pausedMs);
      assert.equal(pace.take(1, 70_000 + pausedMs - 1), 0);
      const waitMs = pace.waitMs(70_000);
      assert.ok(waitMs >= pausedMs && waitMs < pausedMs + 20, String(waitMs));
      assert.ok(pace.take(1_000, 70_000 + pausedMs + 100) > 0);
      assert.equal(Math.round(pace.figures(80_000_000).perSecond), Math.round(9_833 / 2));
    }
  });

  it('4.3 a thousand answers to what flew at that time slow it down once', () => {
    const pace = new QuotaPace(600_000, 0);
    run(pace, 0, 70);
    for (let count = 0; count < 1_000; count++) pace.note(throttled('QUOTA_EXCEEDED', 60_000), 70_000 + count);
    assert.equal(pace.figures(71_000).pausedMs, 59_999);
    assert.equal(Math.round(pace.figures(71_000).perSecond), Math.round(9_833 / 2));
  });

  it("4.3 the quota of one device or topic stops nobody, and costs none of the project's", () => {
    const pace = new QuotaPace(6_000, 0);
    assert.equal(pace.takeAll(98, 0), true);
    pace.note(throttled('DEVICE_QUOTA_EXCEEDED', 60_000), 0);
    pace.note(throttled('TOPIC_QUOTA_EXCEEDED', 60_000), 0);
    assert.equal(pace.take(10, 0), 2);
  });

  it('4.3 the quota of one device lets nobody out during a pause', () => {
    const pace = new QuotaPace(6_000, 0);
    pace.note(throttled('QUOTA_EXCEEDED', 60_000), 0);
    pace.note(throttled('DEVICE_QUOTA_EXCEEDED', 60_000), 1);
    assert.equal(pace.take(10, 2), 0);
  });

  it('4.4 4xx answers count as sent', () => {
    const pace = new QuotaPace(6_000, 0);
    assert.equal(pace.takeAll(98, 0), true);
    pace.note(rejected('INVALID_ARGUMENT'), 0);
    assert.equal(pace.take(10, 0), 0);
  });

  it('4.4 more than 1 % of errors slow it down, fewer do not, and recovery is gradual', () => {
    const rateAfter = (share: number): number => {
      const pace = new QuotaPace(600_000, 0);
      run(pace, 0, 70);
      const [sent = 0] = run(pace, 70_000, 1);
      for (let count = 0; count < sent * share; count++) pace.note(unavailable('unknown', 'INTERNAL', 10_000), 70_990);
      run(pace, 71_000, 1);
      return pace.figures(72_000).perSecond;
    };
    assert.ok(rateAfter(0.02) < 9_000);
    assert.equal(Math.round(rateAfter(0.005)), 9_833);
  });

  it('what was never sent, or was taken, says nothing about the gateway', () => {
    const pace = new QuotaPace(600_000, 0);
    run(pace, 0, 70);
    run(pace, 70_000, 1);
    for (const outcome of [unavailable('no', 'ECONNREFUSED'), expired('late'), accepted('x')]) {
      for (let count = 0; count < 5_000; count++) pace.note(outcome, 70_990);
    }
    run(pace, 71_000, 1);
    assert.equal(Math.round(pace.figures(72_000).perSecond), 9_833);
  });
});
