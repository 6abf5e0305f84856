import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SlotQueue } from '../../../src/transport/slot-queue.ts';

test('slot queue: first in, first out, over many turns', () => {
  const queue = new SlotQueue();
  let next = 0;
  for (let slot = 0; slot < 10_000; slot++) {
    queue.push(slot);
    if (slot % 3 !== 0) assert.equal(queue.shift(), next++);
  }
  while (queue.size > 0) assert.equal(queue.shift(), next++);
  assert.equal(next, 10_000);
  assert.equal(queue.shift(), undefined);
});

test('slot queue: what is sent again goes before what waits', () => {
  const queue = new SlotQueue();
  queue.push(1);
  queue.pushFront(0);
  assert.deepEqual([queue.shift(), queue.shift()], [0, 1]);
  queue.push(3);
  queue.pushFront(2);
  assert.deepEqual([queue.shift(), queue.shift(), queue.size], [2, 3, 0]);
});

test('slot queue: what came back keeps its order, and what could not leave is first again', () => {
  const queue = new SlotQueue();
  queue.push(9);
  for (const slot of [1, 2, 3]) queue.pushReturned(slot);
  assert.equal(queue.shift(), 1);
  queue.pushFront(1);
  queue.pushReturned(4);
  assert.deepEqual(
    queue.removeWhere((slot) => slot === 3),
    [3],
  );
  assert.equal(queue.size, 4);
  assert.deepEqual([queue.shift(), queue.shift(), queue.shift(), queue.shift()], [1, 2, 4, 9]);
});

test('slot queue: taking out keeps the order of both parts', () => {
  const queue = new SlotQueue();
  for (let slot = 0; slot < 6; slot++) queue.push(slot);
  queue.shift();
  assert.deepEqual(
    queue.removeWhere((slot) => slot % 2 === 0),
    [2, 4],
  );
  assert.deepEqual([queue.shift(), queue.shift(), queue.shift()], [1, 3, 5]);
});
