import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../src/core/random.ts';
import { DeliveryIds } from '../../../src/rabbit/delivery-ids.ts';

const ids = (prefetch = 4): DeliveryIds => new DeliveryIds(seededRandom(1), prefetch);

test('mongooseim 2.14: what is delivered again after a cut has the id it had', () => {
  const given = ids();
  const first = given.give('hi', false);
  const other = given.give('you', false);
  given.connectionLost();
  assert.equal(given.give('you', true), other);
  assert.equal(given.give('hi', true), first);
});

test('mongooseim 2.14: equal words that were written twice have two ids, and keep them', () => {
  const given = ids();
  const first = given.give('ok', false);
  const second = given.give('ok', false);
  assert.notEqual(first, second);
  given.connectionLost();
  assert.deepEqual([given.give('ok', true), given.give('ok', true)], [first, second]);
  assert.notEqual(given.give('ok', true), first);
});

test('mongooseim 2.14: an id whose acknowledgement may be lost is taken back after those without one', () => {
  const given = ids();
  const done = given.give('ok', false);
  const open = given.give('ok', false);
  given.acknowledged(done);
  given.connectionLost();
  assert.deepEqual([given.give('ok', true), given.give('ok', true)], [open, done]);
});

test('mongooseim 2.14: a message that is not marked as redelivered is a new one', () => {
  const given = ids();
  const first = given.give('ok', false);
  given.connectionLost();
  assert.notEqual(given.give('ok', false), first);
});

test('an id that nobody has taken back outlives a second cut', () => {
  const given = ids();
  const first = given.give('a', false);
  const second = given.give('a', false);
  given.connectionLost();
  given.connectionLost();
  assert.deepEqual([given.give('a', true), given.give('a', true)], [first, second]);
});

test('ids are kept for a bounded number of messages', () => {
  const given = ids(4);
  for (let cut = 0; cut < 20; cut++) {
    for (let n = 0; n < 50; n++) given.acknowledged(given.give(`${cut} ${n}`, false));
    for (let n = 0; n < 4; n++) given.give(`open ${cut} ${n}`, false);
    given.connectionLost();
    assert.ok(given.size <= 12, `${given.size} are kept`);
  }
});
