/** The event actor ends every command exactly once, on every path: also when its store, its parts or its life end. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { domainOf } from '../../../src/core/jid.ts';
import { limits } from '../../../src/core/limits.ts';
import { rejected, unregistered } from '../../../src/core/outcome.ts';
import { bare, full } from '../../registration-rows.ts';
import { bodyless, message } from '../../message-events.ts';
import { carried, foreign, harness, owner, ours, waitMs } from './event-harness.ts';
import type { Decide } from '../../../src/event/verdicts.ts';

const push = { push: true, kind: 'message', content: 'message', audience: 'all', isSilent: false } as const;

/** Pushes everything, and throws where the body says so. */
const breakable: Decide = ({ body }) => {
  if (body === 'break') throw new TypeError('a defect of the decision');
  return push;
};

describe('an event ends', () => {
  test('mongooseim 2.7: skipped, when it deserves no push; no registration is read', async () => {
    const world = await harness({ rows: [carried('phone')] });
    const tag = await world.push(bodyless);
    assert.equal(world.ends.said(tag), 'skipped: no body');
    assert.deepEqual(world.store.log, []);
    world.checkRest();
  });

  test('5.48 skipped, when the user has enabled nothing', async () => {
    const world = await harness();
    assert.equal(world.ends.said(await world.push()), 'skipped: the user has enabled no push service');
    assert.equal(world.publishing.asked, 0);
    world.checkRest();
  });

  test('pushed, when all of its publishes have ended, each with its own ending', async () => {
    const world = await harness({ rows: [carried('phone'), carried('tablet'), foreign('watch')] });
    const tag = await world.push();
    assert.equal(world.ends.said(tag), 'nothing');
    world.publishing.endDevice(1, rejected('BadTopic'));
    world.publishing.endIq(0);
    assert.equal(world.ends.said(tag), 'nothing', 'one is still under way');
    world.publishing.endDevice(0, unregistered('Unregistered', 0));
    assert.deepEqual(world.ends.outcomes(tag), ['tablet rejected', 'watch accepted', 'phone unregistered']);
    await world.clock.settle();
    world.checkRest();
  });

  test('noted, when a session came or went', async () => {
    const world = await harness();
    const status = world.status('phone', 'online');
    await world.tell(status);
    assert.equal(world.ends.said(status.tag), 'noted');
    assert.equal(world.presence.statusOf(owner), 'online');
    world.checkRest();
  });

  test('refused, when the store fails; what was pushed before it goes on', async () => {
    const world = await harness({ rows: [carried('phone')] });
    const before = await world.push();
    world.store.readFails = true;
    const failing = await world.push();
    assert.equal(world.ends.said(failing), 'refused: store-failed');
    assert.equal(world.ends.said(before), 'nothing');
    world.store.readFails = false;
    world.publishing.endDevice(0);
    const after = await world.push();
    world.publishing.endDevice(1);
    assert.deepEqual(
      [before, after].map((tag) => world.ends.said(tag)),
      ['pushed', 'pushed'],
    );
    assert.equal(world.system.counters.restarts, 0, 'trouble of the store is no reason to restart');
    assert.equal(world.complaints.length, 1);
    world.checkRest();
  });

  test('refused, when the record of its user cannot be read, at no cost for anybody else', async () => {
    const boris = bare('boris@example.com');
    const world = await harness({ rows: [carried('phone'), carried('tablet', { owner: boris })] });
    world.store.unreadable.add(owner);
    const [hers, his] = [world.event(), world.event({ to: full(boris), from: full('anna@example.com/desk') })];
    await world.tell(hers, his);
    world.publishing.endDevice(0);
    assert.deepEqual(
      [hers, his].map(({ tag }) => world.ends.said(tag)),
      ['refused: store-failed', 'pushed'],
    );
    world.checkRest();
  });

  test('by its deadline, with publishes under way as unknown; late answers change nothing', async () => {
    const world = await harness({ rows: [carried('phone'), carried('tablet')] });
    const tag = await world.push();
    world.publishing.endDevice(0);
    await world.clock.advance(waitMs + limits.eventSweepMs);
    assert.deepEqual(world.ends.outcomes(tag), ['phone accepted', 'tablet unavailable']);
    const result = world.ends.results.get(tag);
    const late = result?.kind === 'pushed' ? result.publishes[1]?.outcome : undefined;
    assert.equal(late?.kind === 'unavailable' ? late.reached : '', 'unknown');
    assert.equal(world.figures().underWay, 1, 'its answer still counts for the registration');
    world.publishing.endDevice(1, unregistered('Unregistered', 0));
    await world.clock.settle();
    assert.deepEqual(world.store.nodesOf(), ['phone']);
    assert.equal(result?.kind === 'pushed' ? result.publishes.length : 0, 2, 'what was told is not changed');
    world.checkRest();
    await world.clock.advance(limits.eventSweepMs);
    assert.equal(world.clock.pending, 1, 'only the sweep of registrations is left');
  });

  test('not before its deadline', async () => {
    const world = await harness({ rows: [carried('phone')] });
    const tag = await world.push();
    await world.clock.advance(waitMs - 1);
    assert.equal(world.ends.said(tag), 'nothing');
    world.publishing.endDevice(0);
    assert.equal(world.ends.said(tag), 'pushed');
  });

  test('an answer that comes twice ends one publish', async () => {
    const world = await harness({ rows: [carried('phone'), carried('tablet')] });
    const tag = await world.push();
    world.publishing.endDevice(0);
    world.publishing.endDevice(0, rejected('again'));
    assert.equal(world.ends.said(tag), 'nothing');
    world.publishing.endDevice(1);
    assert.deepEqual(world.ends.outcomes(tag), ['phone accepted', 'tablet accepted']);
    world.checkRest();
  });
});

describe('a mailbox that is full', () => {
  test('says so, and everything that was taken ends', async () => {
    const world = await harness({ rows: [carried('phone')] });
    world.store.holdReads();
    await world.tell(world.event());
    const admissions = new Map<string, number>();
    const more = 100;
    let taken = 1;
    for (let sent = 0; sent < limits.eventMailbox + more; sent++) {
      const event = message(bodyless);
      const admission = world.ref.tell({
        kind: 'event',
        event,
        deadlineMs: 0,
        reply: world.ends,
        tag: 1_000_000 + sent,
      });
      admissions.set(admission, (admissions.get(admission) ?? 0) + 1);
      if (admission === 'accepted') taken++;
    }
    assert.deepEqual(
      [...admissions],
      [
        ['accepted', limits.eventMailbox],
        ['full', more],
      ],
    );
    world.store.letRead();
    await world.clock.settle();
    world.publishing.endDevice(0);
    assert.equal(world.ends.results.size, taken);
    assert.deepEqual(world.ends.twice, []);
  });
});

describe('when the engine stops', () => {
  test('publishes under way are told as unknown, and what is told after that is refused', async () => {
    const world = await harness({ rows: [carried('phone')] });
    const tag = await world.push();
    const stopping = world.system.stop(1_000);
    await world.clock.advance(2_000);
    await stopping;
    assert.deepEqual(world.ends.outcomes(tag), ['phone unavailable']);
    assert.equal(world.ref.tell(world.event()), 'stopped');
    world.publishing.endDevice(0);
    assert.deepEqual(world.ends.twice, []);
    assert.equal(world.clock.pending, 0, 'a timer is left');
  });

  test('while the store is being read, every event and command of the batch and behind it ends once', async () => {
    const world = await harness({ rows: [carried('phone')] });
    world.store.holdReads();
    const first = [world.event(), world.enable('tablet'), world.ask({ kind: 'remove-account', owner }), world.event()];
    await world.tell(...first);
    const behind = [world.event(bodyless), world.enable('watch')];
    await world.tell(...behind);
    const stopping = world.system.stop(500);
    await world.clock.advance(1_000);
    await stopping;
    for (const { tag } of [...first, ...behind]) assert.equal(world.ends.said(tag), 'refused: stopping');
    world.store.letRead();
    await world.clock.settle();
    world.checkRest();
    assert.equal(world.publishing.asked, 0, 'nothing is published after the stop');
    assert.deepEqual(world.store.nodesOf(), ['phone'], 'nothing is removed after the stop');
  });

  test('while a change is being written, whoever asked is answered once', async () => {
    const world = await harness({ rows: [carried('phone')] });
    world.store.holdWrites();
    const commands = [world.enable('tablet'), world.event()];
    await world.tell(...commands);
    const stopping = world.system.stop(500);
    await world.clock.advance(500);
    // Now: after the answer, before the state is released.
    world.store.letWrite();
    await world.clock.advance(500);
    await stopping;
    world.checkRest();
  });

  test('within its budget, what waits is carried out', async () => {
    const world = await harness({ rows: [carried('phone')] });
    world.store.holdWrites();
    const enable = world.enable('tablet');
    await world.tell(enable);
    const stopping = world.system.stop(5_000);
    await world.clock.advance(100);
    world.store.letWrite();
    await world.clock.advance(5_000);
    await stopping;
    assert.equal(world.ends.said(enable.tag), 'done 1');
    assert.deepEqual(world.store.nodesOf(), ['phone', 'tablet']);
    world.checkRest();
  });
});

describe('a defect', () => {
  const defects: readonly { readonly what: string; readonly world: () => ReturnType<typeof harness> }[] = [
    { what: 'of the decision', world: () => harness({ rows: [carried('phone')], decide: breakable }) },
    {
      what: 'of the store while it is read',
      world: async () => {
        const world = await harness({ rows: [carried('phone')] });
        world.store.breaksOnce = 'read';
        return world;
      },
    },
    {
      what: 'of the store while it is written',
      world: async () => {
        const world = await harness({ rows: [carried('phone')] });
        world.store.breaksOnce = 'write';
        return world;
      },
    },
    {
      what: 'of the publishing',
      world: async () => {
        const world = await harness({ rows: [carried('phone')] });
        world.publishing.breaksOnce = true;
        return world;
      },
    },
  ];

  for (const { what, world: make } of defects) {
    test(`${what} restarts the actor, and every command of its batch ends once`, async () => {
      const world = await make();
      const commands = [
        world.status('desk', 'offline'),
        world.event({ id: 'one', body: 'one' }),
        world.enable('tablet'),
        world.event({ id: 'two', body: 'break' }),
        world.event({ id: 'three', body: 'three' }),
        world.ask({ kind: 'list-enabled', owner }),
        world.event({ ...bodyless, id: 'four' }),
      ];
      await world.tell(...commands);
      await world.clock.advance(50);
      assert.equal(world.system.counters.restarts, 1);
      assert.deepEqual(world.ends.twice, []);
      for (const { tag } of commands) assert.notEqual(world.ends.said(tag), 'nothing', `${what}: command ${tag}`);
      const after = world.event({ id: 'after', body: 'after' });
      await world.tell(after);
      world.publishing.devices.forEach((_, index) => world.publishing.endDevice(index));
      assert.equal(world.ends.said(after.tag), 'pushed');
      assert.deepEqual(world.ends.twice, []);
      await world.clock.advance(waitMs + 1_000);
      world.checkRest();
      assert.deepEqual(world.failed, []);
    });
  }

  test('what one member of a room breaks ends the event of the room once', async () => {
    const decide: Decide = (event) => {
      if (domainOf(event.to) === 'broken.example') throw new TypeError('a defect');
      return push;
    };
    const world = await harness({ rows: [carried('phone')], decide });
    const member = { affiliation: 'member', isOccupant: false, nick: '' } as const;
    const members = [owner, bare('boris@broken.example')].map((jid) => ({ jid, ...member }));
    const room = world.event({ type: 'groupchat', from: full('room@muc.example.com/carla'), members });
    await world.tell(room);
    assert.equal(world.ends.said(room.tag), 'refused: store-failed');
    await world.clock.advance(50);
    world.checkRest();
  });

  test('again and again is the end of the actor, and what it was given ends all the same', async () => {
    const world = await harness({ rows: [carried('phone')], decide: breakable });
    const tags: number[] = [];
    for (let time = 0; time < 12; time++) {
      const event = world.event({ body: 'break' });
      tags.push(event.tag);
      if (world.ref.tell(event) === 'accepted') await world.clock.advance(1_100);
      else world.ends.ended(event.tag, { kind: 'refused', reason: 'stopping' });
    }
    assert.equal(world.failed.length, 1);
    for (const tag of tags) assert.match(world.ends.said(tag), /^refused/);
    world.checkRest();
  });
});

describe('figures', () => {
  test('count events, statuses, publishes, and what was removed', async () => {
    const world = await harness({ rows: [carried('phone'), carried('tablet')] });
    await world.tell(world.status('desk', 'offline'), world.event(bodyless));
    await world.push({ userStatus: 'offline' });
    world.publishing.endDevice(0);
    world.publishing.endDevice(1, unregistered('Unregistered', 0));
    await world.clock.settle();
    assert.deepEqual(world.figures(), {
      ...{ events: 2, skipped: 1, pushed: 1, statuses: 1, publishes: 2, removed: 1, unremoved: 0, underWay: 0 },
      skips: { 'no body': 1 },
    });
    assert.deepEqual(world.store.nodesOf(), ['phone']);
  });

  test('count why events were not pushed, whenever it was found out', async () => {
    const world = await harness({ rows: [carried('phone')] });
    await world.tell(world.event(bodyless), world.event(bodyless), world.event({ userStatus: 'online' }));
    await world.push({ id: 'm1', userStatus: 'offline' });
    await world.push({ id: 'm1', userStatus: 'offline' });
    await world.push({ to: full('nobody@example.com'), userStatus: 'offline' });
    const { skipped, skips } = world.figures();
    assert.equal(skipped, 5);
    assert.deepEqual(skips, {
      'no body': 2,
      'the user is online': 1,
      'the message has been pushed already': 1,
      'the user has enabled no push service': 1,
    });
  });

  test('do not count a removal that was not committed', async () => {
    const world = await harness({ rows: [carried('phone')] });
    world.store.writeFails = true;
    const disable = world.ask({ kind: 'disable-service', owner, service: ours, node: '' });
    await world.tell(disable);
    assert.equal(world.ends.said(disable.tag), 'refused: store-failed');
    assert.equal(world.figures().removed, 0);
  });
});
