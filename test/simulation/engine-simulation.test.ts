/**
 * The whole engine under traffic and faults drawn from a seed, with every invariant looked at after every step. More
 * seeds: `npm run test:simulation`.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import { noOutcomes } from '../../src/publish/dispatch-figures.ts';
import { checkFigures, Ledger } from './invariants.ts';
import { simulate, Simulation } from './simulator.ts';
import type { Service } from '../../src/core/registration.ts';
import type { Connection } from './sim-stream.ts';
import type { Truth } from './invariants.ts';
import { VirtualClock } from './virtual-clock.ts';

const steps = 150;
const seeds = Array.from({ length: 24 }, (_, index) => index + 1);

async function started(services: readonly Service[] = ['apns', 'fcm']): Promise<Simulation> {
  const simulation = new Simulation({ seed: 1, steps: 0, stopsEarly: false });
  await simulation.start();
  const devices = Array.from({ length: 40 }, (_, index) =>
    simulation.traffic.register(services[index % services.length] ?? 'apns', `device-${index}`),
  );
  simulation.ask(devices);
  await simulation.advance(2_000);
  return simulation;
}

describe('simulation', () => {
  it('holds every invariant with each of the fixed seeds, and meets every kind of answer and outcome', async () => {
    const seen = new Set<string>();
    for (const seed of seeds) {
      const { answers, outcomes, restarts } = await simulate(seed, steps);
      for (const [kind, count] of Object.entries({ ...answers, ...outcomes, restarts })) if (count > 0) seen.add(kind);
    }
    const wanted = ['result', 'wait', 'cancel', 'other', 'accepted', 'unregistered', 'rejected'];
    const rest = ['restarts', 'expired', 'throttled', 'unauthorized', 'unavailable'];
    for (const kind of [...wanted, ...rest]) assert.ok(seen.has(kind), `no ${kind} in all these seeds`);
  });

  it('runs the same seed the same, step by step', async () => {
    const one = await simulate(99, 60);
    assert.deepEqual(await simulate(99, 60), one);
    assert.notEqual((await simulate(98, 60)).trace, one.trace);
  });

  it('a gateway that stalls fills its own queue and no other, and every publish is answered in time', async () => {
    const simulation = await started(['apns']);
    const fcm = simulation.traffic.register('fcm', 'an-android');
    simulation.ask([fcm]);
    await simulation.advance(100);
    const other = simulation.traffic.publishTo(fcm.id);
    simulation.gateways.apns.mode = 'stalled';
    const flood = limits.dispatcherMailbox * 2 + 4_000;
    for (let sent = 0; sent < flood; sent += 1_000) {
      simulation.ask(Array.from({ length: 1_000 }, () => simulation.traffic.publish()));
      await simulation.advance(1);
    }
    const full = simulation.engine.figures();
    assert.equal(full.dispatchers[0]?.waiting, limits.dispatcherMailbox);
    simulation.ask([other]);
    await simulation.advance(1_500); // it has its share of the flood before it
    assert.ok(simulation.gateways.fcm.hasEnded(other.id, 'accepted'), 'the other gateway is not held up');
    assert.ok(simulation.ledger.answers.wait > 1_000, 'what does not fit is told so at once');
    await simulation.advance(4_000);
    assert.equal(simulation.ledger.open, 0);
    assert.equal(simulation.ledger.answers.cancel, 0);
    await simulation.rest();
    await simulation.stop();
  });

  it('a jump of wall time by an hour, either way, changes no wait and marks nothing overdue', async () => {
    for (const jumpMs of [3_600_000, -3_600_000]) {
      const simulation = await started();
      for (const gateway of Object.values(simulation.gateways)) gateway.mode = 'refusing';
      simulation.ask(Array.from({ length: 60 }, () => simulation.traffic.publish()));
      await simulation.advance(200);
      simulation.clock.jump(jumpMs);
      await simulation.advance(4_000);
      const { dispatchers } = simulation.engine.figures();
      assert.deepEqual(
        dispatchers.map(({ inFlight, waiting, overdue }) => ({ inFlight, waiting, overdue })),
        [
          { inFlight: 0, waiting: 0, overdue: 0 },
          { inFlight: 0, waiting: 0, overdue: 0 },
        ],
      );
      await simulation.rest();
      await simulation.stop();
    }
  });

  it('a credential that is refused after wall time was set back is renewed all the same', async () => {
    const simulation = await started();
    simulation.clock.jump(-3_600_000);
    await simulation.advance(11_000); // past the spacing of two renewals
    simulation.gateways.apns.credentials.revoke();
    await simulation.rest();
    await simulation.stop();
  });

  it('what was asked on a connection that was cut is answered on the one that is left', async () => {
    const simulation = await started();
    simulation.gateways.apns.mode = 'slow';
    simulation.ask(Array.from({ length: 20 }, () => simulation.traffic.publish()));
    await simulation.advance(1);
    simulation.streams[0]?.cut();
    await simulation.advance(4_000);
    assert.equal(simulation.ledger.answers.unanswered + simulation.ledger.open, 0);
    await simulation.rest();
    await simulation.stop();
  });
});

describe('the invariants themselves', () => {
  const truth: Truth = {
    wasAccepted: () => false,
    wasSkipped: () => false,
    isSaidDead: () => false,
    mayPublish: () => true,
    isRegistered: () => false,
  };

  function setup(over: Partial<Truth> = {}) {
    const clock = new VirtualClock();
    const ledger = new Ledger(clock, { ...truth, ...over }, () => undefined);
    const connection: Connection = { live: true };
    const ask = (id: string): void =>
      ledger.asked({ id, kind: 'publish', node: 'n', secret: '', connection, dueMs: clock.monotonicMs() + 1_000 });
    return { clock, ledger, connection, ask };
  }

  const result = "<iq type='result' id='q-1' from='a' to='b'/>";
  const error = (type: string, condition: string): string =>
    `<iq type='error' id='q-1' from='a' to='b'><error type='${type}'><${condition} xmlns='urn:x'/></error></iq>`;

  it('a second answer, an answer to nobody, and a missing one are violations', async () => {
    const { clock, ledger, connection, ask } = setup();
    assert.throws(() => ledger.received(result), /nobody asked/);
    ask('q-1');
    ledger.received(result);
    assert.throws(() => ledger.received(result), /answered twice/);
    ask('q-2');
    await clock.advance(1_010);
    assert.throws(() => ledger.check(), /q-2 was not answered/);
    connection.live = false;
    ledger.check();
  });

  it('a result nobody accepted, and a cancel for a live registration, are violations', () => {
    const { ledger, ask } = setup();
    ask('q-1');
    assert.throws(() => ledger.decided(result), /no gateway has accepted/);
    assert.throws(() => ledger.decided(error('cancel', 'item-not-found')), /is alive/);
    assert.throws(() => ledger.decided(error('modify', 'bad-request')));
    ledger.decided(error('wait', 'service-unavailable'));
    const dead = setup({ isSaidDead: () => true });
    dead.ask('q-1');
    dead.ledger.decided(error('cancel', 'item-not-found'));
  });

  it('negative credit and an outcome written off are violations', () => {
    const dispatcher = {
      provider: 'p',
      taken: 0,
      retries: 0,
      inFlight: 0,
      creditMax: 4,
      waiting: 0,
      held: 0,
      quota: undefined,
      outcomes: noOutcomes(),
    };
    const figures = (over: { inFlight?: number; overdue?: number }) => ({
      ...{
        routers: [],
        shards: [],
        events: undefined,
        embedded: 0,
        actors: { lost: 0, restarts: 0 },
        http: undefined,
        rabbits: [],
        pluginThrows: {},
      },
      dispatchers: [{ ...dispatcher, overdue: 0, ...over }],
    });
    checkFigures(figures({ inFlight: 4 }));
    assert.throws(() => checkFigures(figures({ inFlight: 5 })), /negative credit/);
    assert.throws(() => checkFigures(figures({ inFlight: -1 })), /more credit/);
    assert.throws(() => checkFigures(figures({ overdue: 1 })), /written off/);
  });
});
