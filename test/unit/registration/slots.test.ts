import { test } from 'node:test';
import assert from 'node:assert/strict';
import { bare, node } from '../../registration-rows.ts';
import { create, nobody, publish, register, unregister } from '../../registration-commands.ts';
import { seededRandom } from '../../../src/core/random.ts';
import {
  generateNode,
  isForAllShards,
  routingSlot,
  shardOf,
  shardOfCommand,
  slotOf,
  slotOfNode,
} from '../../../src/registration/slots.ts';

test('5.29 a name of ours is m, the slot, and 22 characters of base64url, and gives the slot back', () => {
  const random = seededRandom(1);
  for (let slot = 0; slot < 256; slot++) {
    const name = generateNode(slot, random);
    assert.match(name, /^m[0-9a-f]{2}[A-Za-z0-9_-]{22}$/);
    assert.equal(slotOfNode(name), slot);
  }
});

test('a name of the client lives where its hash says', () => {
  for (const name of [
    'phone',
    'm',
    'mzz' + 'x'.repeat(22),
    'm1F' + 'x'.repeat(22),
    'm1f' + 'x'.repeat(21),
    'é'.repeat(9),
  ]) {
    assert.equal(slotOfNode(node(name)), slotOf(name), name);
  }
});

test('slots and shards are used evenly, by bare JIDs that differ in little', () => {
  for (const shards of [2, 8, 64]) {
    const loads = Array.from({ length: shards }, () => 0);
    for (let user = 0; user < 64_000; user++) {
      const shard = shardOf(slotOf(`user${user}@example.com`), shards);
      loads[shard] = (loads[shard] ?? 0) + 1;
    }
    const even = 64_000 / shards;
    assert.ok(
      loads.every((load) => load > even * 0.8 && load < even * 1.2),
      `${shards}: ${loads.join(' ')}`,
    );
  }
});

test('every slot is used, by names that repeat themselves too', () => {
  const slots = new Set(Array.from({ length: 20_000 }, (_, index) => slotOf(`${index}-${index}-`)));
  assert.equal(slots.size, 256);
});

test('a shard owns a range of slots, and all are owned', () => {
  assert.deepEqual(
    [0, 63, 64, 255].map((slot) => shardOf(slot, 4)),
    [0, 0, 1, 3],
  );
  assert.deepEqual(
    [0, 255].map((slot) => shardOf(slot, 1)),
    [0, 0],
  );
  assert.deepEqual(
    [0, 1, 255].map((slot) => shardOf(slot, 256)),
    [0, 1, 255],
  );
});

test('commands go by node or by owner, and those about all of an owner to every shard', () => {
  const owner = slotOf('anna@example.com');
  assert.equal(routingSlot(publish('phone')), slotOf('phone'));
  assert.equal(routingSlot(create('phone')), slotOf('phone'));
  assert.equal(routingSlot(create('')), owner);
  assert.equal(routingSlot(register()), owner);
  assert.equal(slotOfNode(generateNode(owner, seededRandom(2))), routingSlot(register()));
  assert.equal(shardOfCommand(register(), 8), shardOf(owner, 8));
  const list = { kind: 'list', owner: bare('anna@example.com'), reply: nobody, tag: 0 } as const;
  for (const command of [list, unregister()]) {
    assert.ok(isForAllShards(command));
    assert.equal(shardOfCommand(command, 8), -1);
  }
});
