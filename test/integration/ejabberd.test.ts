/**
 * The engine with a real ejabberd, which drops a registration at the first error that is not `wait`, and at once while
 * no component is connected (4.60): several streams, and restarts that overlap.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ejabberdAbsent, startEjabberd } from '../peers/ejabberd.ts';
import { until } from '../peers/deadline.ts';
import { pushWorld } from '../peers/push-world.ts';
import { realServerSuite } from './real-server-suite.ts';

describe('ejabberd', { skip: ejabberdAbsent }, () => {
  realServerSuite(startEjabberd, 1);

  it('9.5.12 three streams share the publishes, and each is answered', async (t) => {
    const world = await pushWorld(t, startEjabberd, { engine: { connections: 3 } });
    const { target } = await world.bobAsleep();
    const answered = world.tap.said("type='result'");
    for (let sent = 1; sent <= 30; sent++) await world.write(`message ${sent}`);
    await world.untilApple(30);
    assert.equal(world.tap.publishes(target.node), 30);
    await world.tap.untilSaid("type='result'", answered + 30);
    assert.equal(await world.server.pushRegistrations('bob'), 1);
  });

  it('9.5.13 when two of three streams are cut, nothing is lost on the third', async (t) => {
    const world = await pushWorld(t, startEjabberd, { engine: { connections: 3 } });
    await world.bobAsleep();
    world.tap.cut(true, 2);
    await until('one line is left', () => (world.tap.lines === 1 ? true : undefined));
    for (let sent = 1; sent <= 10; sent++) await world.write(`message ${sent}`);
    await world.untilApple(10);
    assert.equal(await world.server.pushRegistrations('bob'), 1);
  });

  it('1.40 a restart with overlap under load costs no registration', async (t) => {
    const world = await pushWorld(t, startEjabberd, { engine: 'none', includeBody: true });
    const first = await world.startEngine({ connections: 2 });
    const { target } = await world.bobAsleep();
    for (let sent = 1; sent <= 5; sent++) await world.write(`before ${sent}`);
    await world.startEngine({ connections: 2 });
    await world.tap.untilOnline(4);
    const stopped = first.stop();
    for (let sent = 1; sent <= 10; sent++) await world.write(`meanwhile ${sent}`);
    await stopped;
    for (let sent = 1; sent <= 5; sent++) await world.write(`after ${sent}`);
    await until('the last message is pushed', () =>
      world.gateways.apns().received.items.some(({ payload }) => payload.includes('after 5')) ? true : undefined,
    );
    // What ejabberd hands to a stream in the very moment in which that ends, it drops: one for each stream at most.
    const publishes = world.tap.publishes(target.node);
    assert.ok(publishes >= 20 - 2 && publishes <= 20, `${publishes} publishes`);
    assert.equal(world.tap.said("type='cancel'"), 0);
    assert.equal(await world.server.pushRegistrations('bob'), 1);
  });

  it('9.5.9 ejabberd itself drops a registration while no component is connected', async (t) => {
    const world = await pushWorld(t, startEjabberd, {});
    await world.bobAsleep();
    world.tap.cut(true);
    await until('no line is left', () => (world.tap.lines === 0 ? true : undefined));
    await until('the registration is gone', async () => {
      await world.write('nobody hears this');
      return (await world.server.pushRegistrations('bob')) === 0 ? true : undefined;
    });
  });
});
