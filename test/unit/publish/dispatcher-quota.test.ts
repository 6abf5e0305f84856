import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { accepted, throttled, unavailable } from '../../../src/core/outcome.ts';
import { QuotaPace } from '../../../src/publish/quota-pace.ts';
import { quotaPaces } from '../../../src/publish/quota-gate.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import { fcmConfig } from '../../provider-configs.ts';
import { setup } from './dispatcher-world.ts';
import type { Logger } from '../../../src/core/log.ts';
import type { DispatcherWorld, DispatcherWorldOptions } from './dispatcher-world.ts';

// A message a second, and one at once.
const slowest = 60;

function paced(quotaPerMinute: number, options: DispatcherWorldOptions = {}): DispatcherWorld {
  const clock = options.clock ?? new VirtualClock();
  return setup({ creditMax: 1_000, ...options, clock, pace: new QuotaPace(quotaPerMinute, clock.monotonicMs()) });
}

function sentBy({ executor }: DispatcherWorld): number {
  return executor.batches.reduce((sum, { batch }) => sum + batch.notifications.length, 0);
}

/** Time passes, and the gateway takes what comes. */
async function accept({ clock, executor }: DispatcherWorld, seconds: number, from = 0): Promise<void> {
  let at = from;
  for (let second = 0; second < seconds; second++) {
    await clock.advance(1_000);
    for (; at < executor.batches.length; at++) executor.end(at, accepted('id'));
  }
}

describe('dispatcher and the quota of its project', () => {
  it('4.4 within the quota nothing waits', async () => {
    const world = paced(600_000);
    for (let count = 0; count < 100; count++) assert.equal(world.publish(), 'accepted');
    await world.clock.settle();
    assert.equal(sentBy(world), 100);
    assert.deepEqual([world.figures().held, world.figures().quota?.pausedMs], [0, 0]);
  });

  it('4.4 without quota messages wait in order, go out as it comes back, and the figures show it', async () => {
    const world = paced(slowest);
    for (let count = 0; count < 5; count++) assert.equal(world.publish(60_000), 'accepted');
    await world.clock.settle();
    assert.equal(sentBy(world), 1);
    assert.equal(world.figures().held, 4);
    await world.clock.advance(2_100);
    assert.equal(sentBy(world), 3);
    await world.clock.advance(60_000);
    assert.equal(sentBy(world), 5);
    assert.equal(world.figures().held, 0);
    world.executor.batches.forEach((_, at) => world.executor.end(at, accepted('id')));
    await world.clock.settle();
    assert.equal(world.outcomes().length, 5);
    assert.equal(world.figures().inFlight, 0);
  });

  it('4.4 what waits for quota fills the mailbox, which then says so', async () => {
    const world = paced(slowest);
    let full = 0;
    for (let count = 0; count < limits.dispatcherMailbox + 500; count++) if (world.publish() === 'full') full++;
    assert.equal(full, 500);
    await world.clock.settle();
    assert.equal(world.publish(), 'accepted', 'one batch has left it');
  });

  it('4.4 nothing is sent late: whose deadline passes while waiting is expired, and told so soon', async () => {
    const world = paced(slowest);
    assert.equal(world.publish(60_000), 'accepted');
    await world.clock.settle();
    world.executor.end(0, throttled('QUOTA_EXCEEDED', 60_000));
    for (const waitMs of [30_000, 3_000, 5_000]) assert.equal(world.publish(waitMs), 'accepted');
    await world.clock.advance(2_900);
    assert.deepEqual(world.outcomes(), ['throttled']);
    await world.clock.advance(3_200);
    assert.deepEqual(world.outcomes(), ['throttled', 'expired', 'expired']);
    await world.clock.advance(60_000);
    assert.deepEqual(world.outcomes(), ['throttled', 'expired', 'expired', 'expired']);
    assert.equal(sentBy(world), 1);
    assert.equal(world.figures().inFlight, 0);
  });

  it('4.3 after QUOTA_EXCEEDED nothing leaves before Retry-After is over', async () => {
    const world = paced(600_000);
    assert.equal(world.publish(), 'accepted');
    await world.clock.settle();
    world.executor.end(0, throttled('QUOTA_EXCEEDED', 30_000));
    assert.equal(world.publish(120_000), 'accepted');
    await world.clock.advance(29_900);
    assert.equal(sentBy(world), 1);
    assert.ok((world.figures().quota?.pausedMs ?? 0) > 0);
    await world.clock.advance(200);
    assert.equal(sentBy(world), 2);
  });

  it('4.4 retries take quota as everything does, and wait for it as long as somebody waits for them', async () => {
    const world = paced(slowest);
    for (const waitMs of [60_000, 60_000, 14_000]) {
      assert.equal(world.publish(waitMs), 'accepted');
      await world.clock.advance(1_100);
    }
    assert.equal(sentBy(world), 3);
    for (const at of [0, 1, 2]) world.executor.end(at, unavailable('no', 'UNAVAILABLE', 10_000));
    await world.clock.advance(9_900);
    assert.equal(sentBy(world), 3, 'not before 10 s');
    // Two of the three have their turn a second after each other, and the third's asker has gone by then.
    for (let count = 0; count < 4; count++) assert.equal(world.publish(60_000), 'accepted');
    await accept(world, 60, 3);
    assert.deepEqual(
      world.outcomes().filter((kind) => kind !== 'accepted'),
      ['expired'],
    );
    assert.deepEqual([world.outcomes().length, sentBy(world)], [7, 3 + 2 + 4]);
    assert.deepEqual([world.figures().retries, world.figures().inFlight], [3, 0]);
  });

  it('4.4 a retry that a pause holds up ends at its deadline, not when the pause ends', async () => {
    const world = paced(600_000);
    for (const waitMs of [14_000, 14_000]) {
      assert.equal(world.publish(waitMs), 'accepted');
      await world.clock.settle();
    }
    world.executor.end(0, unavailable('no', 'UNAVAILABLE', 10_000));
    world.executor.end(1, throttled('QUOTA_EXCEEDED', 60_000));
    assert.deepEqual(world.outcomes(), ['throttled']);
    await world.clock.advance(14_500);
    assert.deepEqual(world.outcomes(), ['throttled', 'expired']);
    assert.equal(sentBy(world), 2);
  });

  it('stop ends what waits for quota, each once', async () => {
    const world = paced(slowest);
    for (let count = 0; count < 4; count++) assert.equal(world.publish(), 'accepted');
    await world.clock.settle();
    const stopped = world.system.stop(100);
    await world.clock.advance(100);
    await stopped;
    assert.equal(world.clock.pending, 0);
    assert.deepEqual(world.outcomes(), ['unavailable', 'unavailable', 'unavailable', 'unavailable']);
    assert.equal(sentBy(world), 1);
  });

  it('4.4 dispatchers of one project share its quota', async () => {
    const clock = new VirtualClock();
    const pace = new QuotaPace(slowest, clock.monotonicMs());
    const worlds = [setup({ clock, pace, seed: 1 }), setup({ clock, pace, seed: 2 })];
    for (const world of worlds) for (let count = 0; count < 20; count++) world.publish(60_000);
    await clock.advance(10_000);
    const sent = worlds.map(sentBy);
    assert.equal((sent[0] ?? 0) + (sent[1] ?? 0), 10);
    assert.ok(
      sent.every((count) => count > 1),
      'neither starves',
    );
  });

  it('people are told once when waiting begins and once when it has ended', async () => {
    const told: string[] = [];
    const tell = (level: string) => (_: object, message: string) => told.push(`${level} ${message}`);
    const logger: Logger = { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') };
    const world = paced(slowest, { logger });
    for (let count = 0; count < 30; count++) assert.equal(world.publish(120_000), 'accepted');
    await accept(world, 31);
    const begins = 'warn notifications wait for the quota of the project';
    assert.deepEqual(told, [begins]);
    await world.clock.advance(60_000);
    assert.deepEqual(told, [begins, 'info the quota of the project suffices again']);
    await world.clock.advance(300_000);
    assert.equal(told.length, 2);
  });
});

describe('paces of projects', () => {
  it('4.4 providers of one project share one pace, with the smallest quota that is configured', () => {
    const first = { ...fcmConfig, quotaPerMinute: 600 };
    const second = { ...fcmConfig, quotaPerMinute: 300 };
    const other = { ...fcmConfig, projectId: 'other' };
    const blackhole = { ...fcmConfig, kind: 'blackhole', services: [], stallShare: 0, stallMs: 0 } as const;
    const paceOf = quotaPaces([first, second, other, blackhole], 0);
    assert.ok(paceOf(first) !== undefined && paceOf(first) === paceOf(second));
    assert.notEqual(paceOf(other), paceOf(first));
    assert.equal(paceOf(blackhole), undefined);
    assert.equal(paceOf(first)?.figures(0).perSecond.toFixed(2), (295 / 60).toFixed(2));
  });
});
