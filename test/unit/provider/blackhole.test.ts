import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epochMs } from '../../../src/core/ids.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { BlackholeProvider } from '../../../src/provider/blackhole.ts';
import { providerName, sampleNotification } from '../../conformance/provider.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import type { Outcome } from '../../../src/core/outcome.ts';

function setup(stallShare: number, stallMs = 2_000) {
  const clock = new VirtualClock();
  const outcomes = new Map<number, Outcome>();
  const name = providerName('hole');
  const provider = new BlackholeProvider(
    {
      kind: 'blackhole',
      name,
      apps: [],
      tags: [],
      mode: 'prod',
      creditMax: 10,
      requestMs: 5_000,
      services: ['apns', 'fcm'],
      stallShare,
      stallMs,
    },
    { name, clock, random: seededRandom(1), settle: (tag, outcome) => outcomes.set(tag, outcome) },
  );
  const publish = (tag: number, lifeMs = 5_000): void =>
    provider.publish(sampleNotification(), '', epochMs(clock.now() + lifeMs), tag);
  return { clock, provider, outcomes, publish };
}

test('blackhole: without stalls everything is accepted at once', () => {
  const { outcomes, publish } = setup(0);
  publish(1);
  assert.deepEqual(outcomes.get(1), { kind: 'accepted', gatewayId: '' });
});

test('blackhole: the stalled share is what was asked for, and ends after the stall', async () => {
  const { clock, outcomes, publish } = setup(0.1);
  for (let tag = 0; tag < 1_000; tag++) publish(tag);
  assert.ok(outcomes.size > 870 && outcomes.size < 930, `${outcomes.size} at once`);
  await clock.advance(2_000);
  assert.equal(outcomes.size, 1_000);
  assert.equal(clock.pending, 0);
});

test('blackhole: a stall past the deadline is unavailable at the deadline', async () => {
  const { clock, outcomes, publish } = setup(1);
  publish(1, 500);
  await clock.advance(500);
  const outcome = outcomes.get(1);
  assert.ok(outcome?.kind === 'unavailable' && outcome.reached === 'unknown');
});

test('blackhole: drain waits for stalls within its budget and settles the rest', async () => {
  const { clock, provider, outcomes, publish } = setup(1);
  publish(1);
  const drained = provider.drain(1_000);
  await clock.advance(1_000);
  await drained;
  assert.equal(outcomes.get(1)?.kind, 'unavailable');
  assert.equal(clock.pending, 0);
});
