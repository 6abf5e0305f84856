/** Frames against a broker's book of what is unacknowledged. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../src/core/random.ts';
import { Acknowledgements } from '../../../src/rabbit/acknowledgements.ts';

function delivered(count: number): Acknowledgements {
  const acknowledgements = new Acknowledgements();
  for (let tag = 1; tag <= count; tag++) acknowledgements.delivered(tag);
  return acknowledgements;
}

test('all that have ended without a gap go in one frame, in whatever order they ended', () => {
  const acknowledgements = delivered(4);
  assert.deepEqual(
    [3, 1, 2].map((tag) => acknowledgements.ended(tag)),
    [true, false, false],
  );
  assert.deepEqual(acknowledgements.take(), { upTo: 3, alone: [] });
  assert.deepEqual(acknowledgements.take(), { upTo: 0, alone: [] });
});

test('beyond a message that is under way each goes alone, and none twice when it ends', () => {
  const acknowledgements = delivered(4);
  for (const tag of [1, 3, 4]) acknowledgements.ended(tag);
  assert.deepEqual(acknowledgements.take(), { upTo: 1, alone: [3, 4] });
  assert.equal(acknowledgements.ended(2), true);
  assert.deepEqual(acknowledgements.take(), { upTo: 2, alone: [] });
});

test('what was never delivered, or has ended, or belongs to a channel that is gone is not acknowledged', () => {
  const acknowledgements = delivered(2);
  assert.equal(acknowledgements.ended(3), false);
  acknowledgements.ended(1);
  assert.equal(acknowledgements.ended(1), false);
  acknowledgements.clear();
  assert.equal(acknowledgements.ended(2), false);
  assert.deepEqual(acknowledgements.take(), { upTo: 0, alone: [] });
});

test('whatever the order, the broker forgets exactly what has ended, and knows every tag it is told', () => {
  const random = seededRandom(3);
  const acknowledgements = new Acknowledgements();
  const unacknowledged = new Set<number>();
  const underWay: number[] = [];
  let last = 0;
  for (let turn = 0; turn < 500; turn++) {
    while (unacknowledged.size < 20) {
      acknowledgements.delivered(++last);
      unacknowledged.add(last);
      underWay.push(last);
    }
    for (let ends = Math.floor(random.unit() * 8); ends > 0; ends--) {
      const [tag] = underWay.splice(Math.floor(random.unit() * underWay.length), 1);
      if (tag !== undefined) acknowledgements.ended(tag);
    }
    const { upTo, alone } = acknowledgements.take();
    for (const tag of upTo > 0 ? [upTo, ...alone] : alone) assert.ok(unacknowledged.has(tag), `unknown tag ${tag}`);
    for (const tag of unacknowledged) if (tag <= upTo || alone.includes(tag)) unacknowledged.delete(tag);
    assert.deepEqual([...unacknowledged], underWay);
  }
});
