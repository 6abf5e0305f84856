/**
 * The engine with a real Prosody, which counts errors other than `wait`, keeps registrations while no component is
 * connected, and takes one stream at a time (4.60, 1.E).
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../peers/deadline.ts';
import { prosodyAbsent, startProsody } from '../peers/prosody.ts';
import { pushWorld } from '../peers/push-world.ts';
import { realServerSuite } from './real-server-suite.ts';

describe('Prosody', { skip: prosodyAbsent }, () => {
  realServerSuite(startProsody, 3);

  it('1.E a second engine takes over under kick_old, and the first does not fight for the domain', async (t) => {
    const world = await pushWorld(t, startProsody, { engine: 'none', pushMaxErrors: 1 });
    const first = await world.startEngine();
    await world.bobAsleep();
    await world.write('before');
    await world.untilApple(1);
    await world.startEngine();
    await world.write('the second has taken over');
    await world.untilApple(2);
    await first.stop();
    await world.write('the first is gone');
    await world.untilApple(3);
    assert.equal(world.tap.handshakes(), 2);
    assert.equal(world.tap.said("type='cancel'"), 0);
    assert.equal(await world.server.pushRegistrations('bob'), 1);
  });

  it('9.5.9 a component that was away loses the messages of that time, and no registration', async (t) => {
    const world = await pushWorld(t, startProsody, { pushMaxErrors: 1 });
    await world.bobAsleep();
    world.tap.cut(true);
    await until('the line is cut', () => (world.tap.lines === 0 ? true : undefined));
    await world.write('nobody hears this');
    world.tap.restore();
    await world.tap.untilOnline(2);
    await world.write('you are back');
    await world.untilApple(1);
    assert.equal(world.gateways.apns().accepted, 1);
    assert.equal(await world.server.pushRegistrations('bob'), 1);
  });
});
