import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fullJitterMs, newNotificationId, seededRandom, systemRandom } from '../../../src/core/random.ts';

describe('random', () => {
  it('makes UUIDs in lower case, all different, from one source and from another', () => {
    const ids = new Set(Array.from({ length: 2_000 }, () => newNotificationId(systemRandom)));
    assert.equal(ids.size, 2_000);
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.notEqual(newNotificationId(seededRandom(1)), newNotificationId(seededRandom(2)));
  });

  it('is reproducible from a seed', () => {
    const draw = (seed: number): string => seededRandom(seed).bytes(16).toString('hex');
    assert.equal(draw(5), draw(5));
    assert.notEqual(draw(5), draw(6));
  });

  it('gives numbers in [0, 1) that fill the range', () => {
    for (const random of [systemRandom, seededRandom(1)]) {
      const drawn = Array.from({ length: 5_000 }, () => random.unit());
      assert.ok(drawn.every((value) => value >= 0 && value < 1));
      const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
      assert.ok(Math.abs(mean - 0.5) < 0.05, `mean ${mean}`);
    }
  });

  it('refuses a count past the pool', () => {
    assert.throws(() => systemRandom.bytes(5_000), /1 to 4096/);
  });

  it('1.20 full jitter spreads over the whole interval and is capped', () => {
    const random = seededRandom(9);
    const waits = Array.from({ length: 1_000 }, () => fullJitterMs(random, 20, 500, 60_000));
    assert.ok(Math.max(...waits) < 60_000 && Math.max(...waits) > 55_000);
    assert.ok(Math.min(...waits) < 5_000);
    assert.ok(fullJitterMs(random, 0, 500, 60_000) < 500);
  });
});
