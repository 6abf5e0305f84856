import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { GatewayChoice } from '../../../src/transport/gateway-choice.ts';
import type { GatewayEnd } from '../../../src/transport/gateway-choice.ts';

const choiceOf = (count: number): GatewayChoice => new GatewayChoice(count, seededRandom(4));

function fails(choice: GatewayChoice, index: number, end: GatewayEnd, times: number): readonly boolean[] {
  return Array.from({ length: times }, () => choice.judge(index, end));
}

test('gateways: the one with the least in flight takes the next, equals take turns', () => {
  const choice = choiceOf(3);
  const taken = Array.from({ length: 7 }, () => {
    const index = choice.choose(-1);
    choice.began(index);
    return index;
  });
  assert.deepEqual(taken, [0, 1, 2, 0, 1, 2, 0]);
  choice.ended(1);
  choice.ended(1);
  assert.equal(choice.choose(-1), 1);
  assert.deepEqual(
    [0, 1, 2].map((index) => choice.inFlight(index)),
    [3, 0, 2],
  );
});

test('gateways: the one that must not be is not chosen, and alone it leaves none', () => {
  const pair = choiceOf(2);
  for (let round = 0; round < 5; round++) assert.equal(pair.choose(0), 1);
  assert.equal(choiceOf(1).choose(0), -1);
});

test('gateways: so many in a row that were not taken leave one out, and the last of them says so', () => {
  const choice = choiceOf(2);
  const max = limits.gatewayUnreachedMax;
  assert.deepEqual(fails(choice, 0, 'unreached', max), [...Array.from({ length: max - 1 }, () => false), true]);
  assert.equal(choice.isUp(0), false);
  for (let round = 0; round < 4; round++) assert.equal(choice.choose(-1), 1);
  // What was in flight fails as well: it is out already.
  assert.deepEqual(fails(choice, 0, 'unreached', 2), [false, false]);
});

test('gateways: faults of its own take more of them, and an answer between them takes them all back', () => {
  const choice = choiceOf(2);
  const most = limits.gatewayTroubledMax - 1;
  assert.ok(!fails(choice, 0, 'troubled', most).includes(true));
  choice.judge(0, 'worked');
  assert.ok(!fails(choice, 0, 'troubled', most).includes(true));
  assert.equal(choice.judge(0, 'troubled'), true);
});

test('gateways: with all left out there is none', () => {
  const choice = choiceOf(2);
  for (const index of [0, 1]) fails(choice, index, 'unreached', limits.gatewayUnreachedMax);
  assert.equal(choice.choose(-1), -1);
});

test('gateways: a late answer to an old request brings one back', () => {
  const choice = choiceOf(1);
  fails(choice, 0, 'unreached', limits.gatewayUnreachedMax);
  choice.judge(0, 'worked');
  assert.equal(choice.choose(-1), 0);
  assert.equal(fails(choice, 0, 'unreached', limits.gatewayUnreachedMax - 1).includes(true), false);
});

test('gateways: one that says it is well is on probation until it has worked', () => {
  const choice = choiceOf(1);
  fails(choice, 0, 'unreached', limits.gatewayUnreachedMax);
  choice.asked(0, true);
  assert.equal(choice.choose(-1), 0);
  assert.equal(choice.judge(0, 'troubled'), true);
  choice.asked(0, true);
  choice.judge(0, 'worked');
  assert.equal(choice.judge(0, 'troubled'), false);
});

test('gateways: the wait before one is asked has full jitter and grows, until it has worked', () => {
  const choice = choiceOf(1);
  const first = limits.gatewayReconnectFirstMs;
  fails(choice, 0, 'unreached', limits.gatewayUnreachedMax);
  const most = (): number => Math.max(...Array.from({ length: 200 }, () => choice.waitMs(0)));
  const near = (bound: number): void => assert.ok(most() <= bound && most() > bound * 0.9, `${most()} of ${bound}`);
  near(first);
  choice.asked(0, false);
  near(first * 2);
  for (let round = 0; round < 20; round++) choice.asked(0, false);
  near(limits.gatewayReconnectMaxMs);
  assert.ok(Math.min(...Array.from({ length: 200 }, () => choice.waitMs(0))) < limits.gatewayReconnectMaxMs * 0.1);
  choice.judge(0, 'worked');
  fails(choice, 0, 'unreached', limits.gatewayUnreachedMax);
  near(first);
});

test('gateways: one that is in use is asked seldom, give or take a half', () => {
  const choice = choiceOf(1);
  const waits = Array.from({ length: 200 }, () => choice.waitMs(0));
  assert.ok(waits.every((wait) => wait >= limits.gatewayCheckEveryMs / 2 && wait < limits.gatewayCheckEveryMs * 1.5));
});
