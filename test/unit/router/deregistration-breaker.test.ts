import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { DeregistrationBreaker } from '../../../src/router/deregistration-breaker.ts';

const startMs = Date.UTC(2026, 0, 1);
const minuteMs = 60_000;

function ask(breaker: DeregistrationBreaker, times: number, atMs: number): number {
  let allowed = 0;
  for (let count = 0; count < times; count++) if (breaker.allows(epochMs(atMs))) allowed++;
  return allowed;
}

describe('deregistration breaker', () => {
  it('4.62 an engine on an empty store deregisters no more than 20 users a minute, and says so once', () => {
    const breaker = new DeregistrationBreaker();
    assert.equal(ask(breaker, 10_000, startMs), limits.unknownNodesPerMinute);
    assert.equal(breaker.takeAlarm(), true);
    assert.equal(breaker.takeAlarm(), false);
    assert.equal(ask(breaker, 10_000, startMs), 0);
    assert.equal(breaker.takeAlarm(), false, 'nor for more of them in the same minute');
    assert.equal(ask(breaker, 10_000, startMs + minuteMs), limits.unknownNodesPerMinute);
    assert.equal(breaker.takeAlarm(), true);
  });

  it('4.62 a few unknown nodes are answered as they are', () => {
    const breaker = new DeregistrationBreaker();
    for (let minute = 0; minute < 60; minute++) assert.equal(ask(breaker, 15, startMs + minute * minuteMs), 15);
    assert.equal(breaker.takeAlarm(), false);
  });

  it('4.62 a number that has been usual for a week is allowed, and ten times it as well', () => {
    const breaker = new DeregistrationBreaker();
    const week = 7 * 24 * 60;
    for (let minute = 0; minute < 3 * week; minute++) ask(breaker, 100, startMs + minute * minuteMs);
    const allowed = ask(breaker, 5_000, startMs + (3 * week + 1) * minuteMs);
    assert.ok(allowed > 900 && allowed < 1_000, `${allowed} allowed of ten times 95`);
  });

  it('4.62 one bad hour does not teach', () => {
    const breaker = new DeregistrationBreaker();
    for (let minute = 0; minute < 60; minute++) ask(breaker, 1_000, startMs + minute * minuteMs);
    assert.ok(ask(breaker, 1_000, startMs + 61 * minuteMs) < 100);
  });
});
