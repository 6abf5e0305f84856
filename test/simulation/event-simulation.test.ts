/** The event half of the engine under traffic and faults drawn from a seed. More seeds: `npm run test:simulation`. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulateEvents } from './event-simulator.ts';

const steps = 120;
const seeds = Array.from({ length: 12 }, (_, index) => index + 1);

describe('simulation of events', () => {
  it('holds every invariant with each of the fixed seeds, and meets every kind of end and removal', async () => {
    const seen = new Set<string>();
    for (const seed of seeds) {
      const { ends, removals, restarts } = await simulateEvents(seed, steps);
      for (const kind of Object.keys({ ...ends, ...removals })) seen.add(kind);
      if (restarts > 0) seen.add('restarts');
    }
    const ended = ['pushed', 'skipped', 'noted', 'done', 'enabled-list', 'refused store-failed'];
    const removed = ['dead', 'asked', 'refused', 'limit', 'accounts', 'domains'];
    for (const kind of [...ended, ...removed, 'restarts']) assert.ok(seen.has(kind), `no ${kind} in all these seeds`);
  });

  it('runs the same seed the same', async () => {
    assert.deepEqual(await simulateEvents(99, 60), await simulateEvents(99, 60));
  });
});
