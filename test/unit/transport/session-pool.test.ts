import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epochMs } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { SessionPool } from '../../../src/transport/session-pool.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import { ScriptedGateway } from './scripted-connection.ts';
import type { SessionPoolOptions } from '../../../src/transport/session-pool.ts';

interface World {
  readonly clock: CountingClock;
  readonly gateway: ScriptedGateway;
  readonly pool: SessionPool;
  /** How each tag ended, in the order they ended. */
  readonly ends: Map<number, string>;
  readonly send: (tag: number, lifeMs?: number) => 'taken' | 'full' | 'closed';
}

class CountingClock extends VirtualClock {
  reads = 0;

  override monotonicMs(): number {
    this.reads += 1;
    return super.monotonicMs();
  }
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

function setup(changes: Partial<SessionPoolOptions> & { readonly seed?: number } = {}): World {
  const clock = new CountingClock();
  const gateway = new ScriptedGateway(clock);
  const ends = new Map<number, string>();
  const end = (tag: number, how: string): void => {
    assert.ok(!ends.has(tag), `tag ${tag} ends once`);
    ends.set(tag, how);
  };
  const options: SessionPoolOptions = {
    clock,
    random: seededRandom(changes.seed ?? 1),
    replies: {
      responded: (tag, status) => end(tag, String(status)),
      failed: (tag, failure) => end(tag, failure),
    },
    sessionsMax: 2,
    streamsMax: 1000,
    waitingMax: 1000,
    firstAlone: false,
    pingAfterMs: 0,
    idleMs: 0,
    ageMs: 0,
    ...changes,
  };
  const pool = new SessionPool(options, gateway.dial);
  const send = (tag: number, lifeMs = 10_000): 'taken' | 'full' | 'closed' =>
    pool.request({ path: `/${tag}`, shared: {}, fields: {}, body: '' }, tag, epochMs(clock.now() + lifeMs));
  return { clock, gateway, pool, ends, send };
}

/** One connection that is open and has answered tag 0. */
async function warm(changes: Partial<SessionPoolOptions> & { readonly seed?: number } = {}): Promise<World> {
  const world = setup(changes);
  world.send(0);
  await world.clock.settle();
  world.gateway.at(0).events.opened();
  await world.clock.settle();
  world.gateway.at(0).answer();
  assert.equal(world.ends.get(0), '200');
  return world;
}

/** Time passes until that many connections have been dialled; 0.9 to 1 of `withinMs`. */
async function grownOld({ clock, gateway }: World, total: number, withinMs: number): Promise<void> {
  const startMs = clock.monotonicMs();
  await clock.advance(0.9 * withinMs - 1_000);
  assert.ok(gateway.total < total, 'not before nine tenths of the age');
  while (gateway.total < total) {
    assert.ok(clock.monotonicMs() - startMs < withinMs, `${gateway.total} connections at the age of ${withinMs} ms`);
    await clock.advance(500);
  }
}

test('session pool: an idle connection is closed in order, and the next request opens one', async () => {
  const { clock, gateway, ends, send } = await warm({ idleMs: 4 * minuteMs });
  await clock.advance(3 * minuteMs);
  send(1);
  await clock.settle();
  gateway.at(0).answer();
  await clock.advance(4 * minuteMs - 1);
  assert.equal(gateway.at(0).closeAsked, false);
  await clock.advance(1);
  assert.ok(gateway.at(0).ended);
  assert.equal(gateway.at(0).destroyedFor, '');
  assert.equal(gateway.total, 1);
  send(2);
  await clock.settle();
  gateway.at(1).events.opened();
  await clock.settle();
  gateway.at(1).answer();
  assert.deepEqual(
    [...ends],
    [
      [0, '200'],
      [1, '200'],
      [2, '200'],
    ],
  );
});

test('session pool: a request in flight keeps its connection from being idle', async () => {
  const { clock, gateway, send } = await warm({ idleMs: minuteMs });
  send(1, hourMs);
  await clock.advance(30 * minuteMs);
  assert.equal(gateway.at(0).closeAsked, false);
  gateway.at(0).answer();
  await clock.advance(2 * minuteMs);
  assert.ok(gateway.at(0).ended);
});

test('session pool: the answer to a PING is no work, so that a pinged connection is idle too', async () => {
  const { clock, gateway } = await warm({ idleMs: 10 * minuteMs, pingAfterMs: minuteMs });
  for (let minute = 1; minute < 10; minute++) {
    await clock.advance(minuteMs);
    assert.equal(gateway.at(0).pings, minute);
    gateway.at(0).events.turnEnded();
  }
  await clock.advance(minuteMs);
  assert.ok(gateway.at(0).ended);
});

test('session pool: without idle time and age a connection is kept', async () => {
  const { clock, gateway } = await warm();
  await clock.advance(1000 * hourMs);
  assert.equal(gateway.total, 1);
  assert.equal(gateway.at(0).ended, false);
  assert.equal(clock.pending, 0);
});

test('session pool: an old connection is replaced while it works, nothing is lost', async () => {
  const world = await warm({ ageMs: hourMs });
  const { clock, gateway, ends, send } = world;
  send(1, 3 * hourMs);
  await grownOld(world, 2, hourMs);
  send(2);
  assert.deepEqual(gateway.at(0).paths, ['/0', '/1', '/2'], 'until it is open the old one is used');
  gateway.at(1).events.opened();
  await clock.settle();
  send(3);
  assert.deepEqual(gateway.at(1).paths, ['/3']);
  assert.equal(gateway.at(0).ended, false);
  gateway.at(0).answer(2);
  gateway.at(1).answer();
  await clock.settle();
  assert.ok(gateway.at(0).ended);
  assert.deepEqual([...ends.values()], ['200', '200', '200', '200']);
  assert.equal(gateway.total, 2);
});

test('session pool: an old connection works until the new one has answered its first request, alone', async () => {
  const world = await warm({ ageMs: hourMs, firstAlone: true });
  const { clock, gateway, send } = world;
  send(1, 2 * hourMs);
  await grownOld(world, 2, hourMs);
  gateway.at(1).events.opened();
  await clock.settle();
  for (let tag = 2; tag < 6; tag++) send(tag);
  assert.deepEqual(gateway.at(1).paths, ['/2'], 'the first of them tries the new connection, alone');
  assert.deepEqual(gateway.at(0).paths.slice(1), ['/1', '/3', '/4', '/5']);
  gateway.at(1).answer();
  send(6);
  assert.deepEqual(gateway.at(1).paths, ['/2', '/6']);
  gateway.at(0).answer(4);
  await clock.settle();
  assert.ok(gateway.at(0).ended);
});

test('session pool: connections of one age are replaced at different moments, none after its age', async () => {
  const moments = new Set<number>();
  for (let seed = 1; seed <= 8; seed++) {
    const world = await warm({ ageMs: hourMs, seed });
    await grownOld(world, 2, hourMs);
    moments.add(world.gateway.at(1).dialledAtMs - world.gateway.at(0).dialledAtMs);
  }
  assert.equal(moments.size, 8);
});

test('session pool: an old connection stays in use while no replacement can be opened', async () => {
  const { clock, gateway, ends, send } = await warm({ ageMs: hourMs });
  gateway.refused = true;
  await clock.advance(2 * hourMs);
  const tries = gateway.total - 1;
  assert.ok(tries > 60 && tries < 300, `${tries} tries in an hour`);
  send(1);
  gateway.at(0).answer();
  assert.equal(ends.get(1), '200');
  gateway.refused = false;
  await clock.advance(minuteMs);
  gateway.at(gateway.total - 1).events.opened();
  await clock.settle();
  assert.ok(gateway.at(0).ended);
  const { total } = gateway;
  await clock.advance(minuteMs);
  assert.equal(gateway.total, total);
});

test('session pool: two connections that grow old together have two replacements, and no more', async () => {
  const world = await warm({ ageMs: hourMs, streamsMax: 1 });
  const { clock, gateway, send } = world;
  send(1, 10 * hourMs);
  send(2, 10 * hourMs);
  await clock.settle();
  gateway.at(1).events.opened();
  await clock.settle();
  await grownOld(world, 3, hourMs);
  gateway.at(2).events.opened();
  while (gateway.total < 4) await clock.advance(500);
  gateway.at(3).events.opened();
  await clock.advance(minuteMs);
  assert.equal(gateway.total, 4);
  assert.deepEqual([gateway.at(0).ended, gateway.at(1).ended], [false, false]);
  gateway.at(0).answer();
  gateway.at(1).answer();
  await clock.settle();
  assert.deepEqual([gateway.at(0).ended, gateway.at(1).ended], [true, true]);
});

test('session pool: a gateway that refuses is dialled again with full jitter, and not without end', async () => {
  const { clock, gateway, ends, send } = setup();
  gateway.refused = true;
  for (let second = 0; second < 600; second++) {
    send(second, 500);
    await clock.advance(1_000);
  }
  const gaps = gateway.connections.map(({ dialledAtMs }, index) =>
    index === 0 ? 0 : dialledAtMs - gateway.at(index - 1).dialledAtMs,
  );
  assert.equal(gaps[1], 0, 'the first failure is met at once');
  assert.ok(gaps.slice(2).every((gap, index) => gap <= limits.gatewayReconnectFirstMs * 2 ** index + 1_000));
  assert.ok(gateway.total > 40 && gateway.total < 160, `${gateway.total} connections in 10 minutes`);
  assert.equal(ends.size, 600);
});

test('session pool: a pool that drains does not dial a dead gateway without end', async () => {
  const { clock, gateway, pool, ends, send } = setup();
  gateway.refused = true;
  for (let tag = 0; tag < 5; tag++) send(tag);
  const drained = pool.drain(10_000);
  await clock.advance(10_000);
  await drained;
  assert.ok(gateway.total <= limits.gatewayConnectAttemptsMax, `${gateway.total} connections`);
  assert.deepEqual([...ends.values()], Array(5).fill('not-sent'));
  assert.equal(clock.pending, 0);
});

test('session pool: a drained pool leaves no timer behind', async () => {
  const { clock, pool, send, gateway } = await warm({ pingAfterMs: 30_000, idleMs: minuteMs, ageMs: hourMs });
  send(1);
  const drained = pool.drain(10_000);
  gateway.at(0).answer();
  await clock.settle();
  await drained;
  assert.equal(clock.pending, 0);
});

test('session pool: a stalled request ends at its deadline however many that are nearly late follow it', async () => {
  const { clock, ends, send } = await warm();
  for (let tag = 1; tag <= 100; tag++) {
    send(tag, 10);
    await clock.advance(5);
  }
  assert.equal(ends.get(1), 'deadline');
  assert.ok(ends.size > 80, `${ends.size} ended`);
});

test('session pool: a jump of the wall clock moves no deadline of what flies', async () => {
  const { clock, ends, send } = await warm();
  send(1, 5_000);
  clock.jump(-hourMs);
  await clock.advance(4_000);
  assert.ok(!ends.has(1));
  await clock.advance(1_100);
  assert.equal(ends.get(1), 'deadline');
  send(2, 5_000);
  clock.jump(2 * hourMs);
  await clock.advance(4_000);
  assert.ok(!ends.has(2));
});

test('session pool: what waits is sent when the read that made room has ended', async () => {
  const { gateway, ends, send } = await warm({ sessionsMax: 1, streamsMax: 3 });
  for (let tag = 1; tag <= 7; tag++) send(tag);
  assert.deepEqual(gateway.at(0).paths.slice(1), ['/1', '/2', '/3']);
  gateway.at(0).answer(2);
  assert.deepEqual(gateway.at(0).paths.slice(4), ['/4', '/5']);
  gateway.at(0).answer(3);
  assert.deepEqual(gateway.at(0).paths.slice(6), ['/6', '/7']);
  assert.equal(ends.size, 6);
});

test('session pool: the clock is read a few times for a burst, not for each request', async () => {
  const { clock, gateway, ends, send } = await warm();
  clock.reads = 0;
  for (let tag = 1; tag <= 500; tag++) send(tag);
  gateway.at(0).answer(500);
  assert.equal(ends.size, 501);
  assert.ok(clock.reads <= 5, `${clock.reads} reads`);
});

test('session pool: what a gateway refuses is sent again in its order, before what has waited', async () => {
  const { clock, gateway, send } = await warm({ sessionsMax: 1, streamsMax: 4 });
  for (let tag = 1; tag <= 6; tag++) send(tag, hourMs);
  const first = gateway.at(0).paths.slice(-4);
  gateway.at(0).refuse(4);
  await clock.settle();
  assert.deepEqual(gateway.at(0).paths.slice(-4), first);
});

test('session pool: a connection that only finishes gives way when there are twice as many as allowed', async () => {
  const { clock, gateway, ends, send } = await warm({ sessionsMax: 1 });
  send(1, hourMs);
  gateway.at(0).events.leaving('GOAWAY NO_ERROR');
  await clock.settle();
  gateway.at(1).events.opened();
  await clock.settle();
  send(2, hourMs);
  gateway.at(1).answer();
  send(3, hourMs);
  gateway.at(1).events.leaving('GOAWAY NO_ERROR');
  await clock.settle();
  assert.equal(gateway.at(0).destroyedFor, 'replaced');
  assert.equal(ends.get(1), 'no-answer');
  assert.equal(ends.has(3), false);
  assert.equal(gateway.connections.filter(({ ended }) => !ended).length, 2);
});

test('session pool: sixteen refusals in a row without an answer end a connection, fifteen do not', async () => {
  const { clock, gateway, send } = await warm({ sessionsMax: 1 });
  let tag = 1;
  for (let round = 0; round < 2; round++) {
    while (gateway.at(0).slots.length < limits.gatewayRefusalsMax - 1) send(tag++);
    const { length } = gateway.at(0).slots;
    gateway.at(0).refuse(length);
    await clock.settle();
    gateway.at(0).answer(gateway.at(0).slots.length); // all of them again, by themselves
  }
  assert.equal(gateway.at(0).closeAsked, false);
  for (let count = 0; count < limits.gatewayRefusalsMax; count++) send(tag++);
  gateway.at(0).refuse(limits.gatewayRefusalsMax);
  await clock.settle();
  assert.ok(gateway.at(0).ended);
  assert.equal(gateway.total, 2);
});

test('pool: a connection that has gone mute is left when a request on it is overdue, without any PING', async () => {
  const { clock, gateway, ends, send } = await warm();
  send(1, limits.gatewayMuteMs);
  await clock.advance(limits.gatewayMuteMs + limits.gatewaySweepGapMs);
  assert.equal(ends.get(1), 'deadline');
  assert.equal(gateway.at(0).closeAsked, true);
  send(2);
  await clock.settle();
  assert.equal(gateway.total, 2);
});

test('pool: a connection on which others are answered stays when one request is overdue', async () => {
  const { clock, gateway, ends, send } = await warm();
  send(1, limits.gatewayMuteMs);
  await clock.advance(limits.gatewayMuteMs / 2);
  send(2);
  gateway.at(0).answerLast();
  await clock.advance(limits.gatewayMuteMs / 2 + limits.gatewaySweepGapMs);
  assert.equal(ends.get(1), 'deadline');
  assert.equal(gateway.at(0).closeAsked, false);
});

test('pool: a request that is overdue soon after an idle hour says nothing about its connection', async () => {
  const { clock, gateway, ends, send } = await warm();
  await clock.advance(hourMs);
  send(1, 500);
  await clock.advance(500 + limits.gatewaySweepGapMs);
  assert.equal(ends.get(1), 'deadline');
  assert.equal(gateway.at(0).closeAsked, false);
});
