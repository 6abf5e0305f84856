import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Mailbox } from '../../../src/actor/mailbox.ts';
import { seededRandom } from '../../../src/core/random.ts';

describe('mailbox', () => {
  it('behaves as a bounded queue under random puts and takes, across growth and wrap-around', () => {
    const random = seededRandom(11);
    const mailbox = new Mailbox<number>(50);
    const model: number[] = [];
    for (let step = 0; step < 20_000; step++) {
      if (random.unit() < 0.55) {
        const fits = model.length < 50;
        assert.equal(mailbox.put(step), fits);
        if (fits) model.push(step);
      } else {
        const count = Math.floor(random.unit() * 20);
        assert.deepEqual(mailbox.take(count), model.splice(0, count));
      }
      assert.equal(mailbox.depth, model.length);
    }
  });

  it('refuses a capacity that is not a positive integer', () => {
    for (const capacity of [0, -1, 1.5, Number.POSITIVE_INFINITY, Number.NaN]) {
      assert.throws(() => new Mailbox<number>(capacity), /positive integer/);
    }
  });
});
