/** One batch of the event actor: what it reads and writes at once, in which order, and who is asked about an event. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { accepted, unavailable } from '../../../src/core/outcome.ts';
import { bare, full, node } from '../../registration-rows.ts';
import { bodyless } from '../../message-events.ts';
import { carried, foreign, harness, owner, ours, theirs } from './event-harness.ts';
import type { Plugin } from '../../../src/plugin/plugin.ts';
import type { RoomMember } from '../../../src/core/event.ts';

const dayMs = 86_400_000;

describe('one batch', () => {
  test('reads the registrations of all that push at once, and of nobody else', async () => {
    const world = await harness({ rows: [carried('phone')] });
    await world.tell(world.event(), world.event(bodyless), world.status('desk', 'offline'), world.event());
    assert.deepEqual(world.store.log, ['read 2']);
  });

  test('an event sees what commands before it have changed, and nothing of those behind it', async () => {
    const world = await harness({ rows: [carried('phone')] });
    const commands = [
      world.event({ body: 'one' }),
      world.enable('tablet'),
      world.event({ body: 'two' }),
      world.ask({ kind: 'disable-service', owner, service: ours, node: node('phone') }),
      world.event({ body: 'three' }),
      world.ask({ kind: 'list-enabled', owner }),
      world.ask({ kind: 'revoke', owner, service: ours, node: node('tablet') }),
      world.event({ body: 'four' }),
      world.enable('watch'),
      world.event({ body: 'five' }),
    ];
    await world.tell(...commands);
    assert.deepEqual(
      world.publishing.devices.map(({ notification: { body, token } }) => `${body} ${token}`),
      ['one token-of-phone', 'two token-of-phone', 'two token-of-tablet', 'three token-of-tablet'].concat(
        'five token-of-watch',
      ),
    );
    assert.deepEqual(world.store.log, ['read 10', 'write 4'], 'one read, one commit');
    assert.deepEqual(world.store.nodesOf(), ['watch']);
    world.publishing.devices.forEach((_, index) => world.publishing.endDevice(index));
    assert.deepEqual(
      commands.map(({ tag }) => world.ends.said(tag)),
      ['pushed', 'done 1', 'pushed', 'done 1', 'pushed', 'list tablet', 'done 1'].concat(
        'skipped: the user has enabled no push service',
        'done 1',
        'pushed',
      ),
    );
    world.checkRest();
  });

  test('a commit that fails is told to all that had a part in it, and nothing is changed', async () => {
    const world = await harness({ rows: [carried('phone')] });
    world.store.writeFails = true;
    const commands = [
      world.enable('tablet'),
      world.ask({ kind: 'disable-service', owner, service: ours, node: '' }),
      world.enable('watch', { owner: bare('boris@example.com') }),
    ];
    await world.tell(...commands);
    for (const { tag } of commands) assert.equal(world.ends.said(tag), 'refused: store-failed');
    assert.deepEqual(world.store.nodesOf(), ['phone']);
    world.store.writeFails = false;
    const again = world.enable('tablet');
    await world.tell(again);
    assert.equal(world.ends.said(again.tag), 'done 1');
    assert.equal(world.system.counters.restarts, 0);
    world.checkRest();
  });

  test('a read that fails is told to all: nothing is begun anew whose record is there', async () => {
    const world = await harness({ rows: [carried('phone')] });
    world.store.readFails = true;
    const commands = [
      world.enable('tablet'),
      world.ask({ kind: 'disable-service', owner, service: ours, node: '' }),
      world.ask({ kind: 'list-enabled', owner }),
      world.event(),
    ];
    await world.tell(...commands);
    for (const { tag } of commands) assert.equal(world.ends.said(tag), 'refused: store-failed');
    assert.deepEqual(world.store.nodesOf(), ['phone']);
    world.checkRest();
  });

  test('nobody is answered before what he asked for is on the disk', async () => {
    const world = await harness();
    world.store.holdWrites();
    const enable = world.enable('phone');
    await world.tell(enable);
    assert.equal(world.ends.said(enable.tag), 'nothing');
    world.store.letWrite();
    await world.clock.settle();
    assert.equal(world.ends.said(enable.tag), 'done 1');
  });

  test('events do not wait for a commit of their batch', async () => {
    const world = await harness({ rows: [carried('phone')] });
    world.store.holdWrites();
    await world.tell(world.enable('tablet'), world.event());
    assert.equal(world.publishing.devices.length, 2);
    world.store.letWrite();
  });

  test('mongooseim 2.5: an account or domain that goes takes the rows from before it, and none behind', async () => {
    const boris = bare('boris@example.com');
    const carla = bare('carla@example.org');
    const rows = [carried('phone'), carried('desk', { owner: boris }), carried('watch', { owner: carla })];
    const world = await harness({ rows });
    const commands = [
      world.enable('tablet'),
      world.event({ body: 'before' }),
      world.ask({ kind: 'remove-account', owner }),
      world.event({ body: 'between' }),
      world.enable('new'),
      world.event({ body: 'after' }),
      world.ask({ kind: 'remove-domain', domain: 'example.com' }),
      world.event({ body: 'at the end' }),
      world.event({ body: 'of carla', to: full(carla) }),
    ];
    await world.tell(...commands);
    assert.deepEqual(
      world.publishing.devices.map(({ notification: { body, token } }) => `${body}: ${token}`),
      ['before: token-of-phone', 'before: token-of-tablet', 'after: token-of-new', 'of carla: token-of-watch'],
    );
    assert.deepEqual(
      [2, 6].map((index) => world.ends.said(commands[index]?.tag ?? 0)),
      ['done 2', 'done 2'],
    );
    assert.deepEqual(
      [owner, boris, carla].map((jid) => world.store.nodesOf(jid).length),
      [0, 0, 1],
    );
    assert.equal(world.figures().removed, 4);
    world.publishing.devices.forEach((_, index) => world.publishing.endDevice(index));
    world.checkRest();
  });

  test('an account or a domain that goes is forgotten as a session, too', async () => {
    const boris = bare('boris@example.com');
    const world = await harness();
    await world.tell(world.status('phone', 'online'));
    await world.tell(world.ask({ kind: 'remove-account', owner }));
    assert.equal(world.presence.size, 0);
    world.presence.note({
      kind: 'status',
      jid: full(`${boris}/a`),
      status: 'online',
      clientState: 'unknown',
      show: '',
    });
    await world.tell(world.ask({ kind: 'remove-domain', domain: 'example.com' }));
    assert.equal(world.presence.size, 0);
  });

  test('a removal that the store refuses is told so, and what is behind it goes on', async () => {
    const world = await harness({ rows: [carried('phone')] });
    world.store.writeFails = true;
    const commands = [
      world.ask({ kind: 'remove-account', owner }),
      world.ask({ kind: 'remove-domain', domain: 'example.com' }),
      world.event(),
    ];
    await world.tell(...commands);
    world.publishing.endDevice(0);
    assert.deepEqual(
      commands.map(({ tag }) => world.ends.said(tag)),
      ['refused: store-failed', 'refused: store-failed', 'pushed'],
    );
    world.checkRest();
  });

  test('mongooseim 2.4: disabling without a node takes all nodes of that service; none is no error', async () => {
    const world = await harness({ rows: [carried('phone'), foreign('tablet'), foreign('watch')] });
    const disable = world.ask({ kind: 'disable-service', owner, service: theirs, node: '' });
    const again = world.ask({ kind: 'disable-service', owner, service: theirs, node: '' });
    await world.tell(disable, again);
    assert.deepEqual(
      [disable, again].map(({ tag }) => world.ends.said(tag)),
      ['done 2', 'done 0'],
    );
    assert.deepEqual(world.store.nodesOf(), ['phone']);
  });

  test('what cannot work at our own service is refused, and nothing is written', async () => {
    const world = await harness({ problem: "the field 'service' is missing" });
    const enable = world.enable('phone');
    await world.tell(enable);
    assert.equal(world.ends.said(enable.tag), 'refused: options');
    assert.deepEqual(world.store.nodesOf(), []);
  });

  test('one registration more than a user may have takes the place of the oldest', async () => {
    const world = await harness({ push: { perUserMax: 2 } });
    for (const name of ['phone', 'tablet', 'watch']) {
      await world.tell(world.enable(name));
      await world.clock.advance(1_000);
    }
    assert.deepEqual(world.store.nodesOf(), ['tablet', 'watch']);
    assert.equal(world.figures().removed, 1);
  });

  test('a list of an account whose record cannot be read says so, and disabling there fails', async () => {
    const world = await harness({ rows: [carried('phone')] });
    world.store.unreadable.add(owner);
    const list = world.ask({ kind: 'list-enabled', owner });
    const disable = world.ask({ kind: 'disable-service', owner, service: ours, node: '' });
    await world.tell(list, disable);
    for (const { tag } of [list, disable]) assert.equal(world.ends.said(tag), 'refused: store-failed');
    world.store.unreadable.clear();
    assert.deepEqual(world.store.nodesOf(), ['phone']);
  });

  test('presence of domains nobody tells of any more is unknown from there on', async () => {
    const world = await harness({ rows: [carried('phone')] });
    const [online, unknown] = [{ userStatus: 'unknown' as const }, { userStatus: 'unknown' as const, body: 'two' }];
    const one = world.event(online);
    const two = world.event(unknown);
    await world.tell(world.status('desk', 'online'), one, { kind: 'presence-reset', domains: ['example.com'] }, two);
    assert.match(world.ends.said(one.tag), /online/);
    assert.deepEqual(
      world.publishing.devices.map(({ notification }) => notification.body),
      ['two'],
    );
  });
});

describe('registrations that expire', () => {
  test('are swept away, and those that were enabled again since are not', async () => {
    const oldMs = epochMs(carried('phone').enabledAtMs - 31 * dayMs);
    const rows = [carried('old', { enabledAtMs: oldMs }), carried('phone')];
    const world = await harness({ rows, push: { expireDays: 30 } });
    await world.clock.advance(limits.sweepEveryMs);
    assert.deepEqual(world.store.nodesOf(), ['phone']);
    assert.equal(world.figures().removed, 1);
    world.clock.jump(31 * dayMs);
    await world.clock.advance(limits.sweepEveryMs);
    assert.deepEqual(world.store.nodesOf(), [], 'the sweep comes again and again');
  });

  test('are swept after a defect, too', async () => {
    const world = await harness({ rows: [carried('phone')], push: { expireDays: 30 } });
    world.store.breaksOnce = 'read';
    await world.push();
    await world.clock.advance(1_000);
    world.clock.jump(31 * dayMs);
    await world.clock.advance(limits.sweepEveryMs);
    assert.equal(world.system.counters.restarts, 1);
    assert.deepEqual(world.store.nodesOf(), []);
  });
});

describe('a room whose members are named', () => {
  const room = {
    type: 'groupchat',
    from: full('room@muc.example.com/carla'),
    to: full('room@muc.example.com'),
  } as const;
  const [boris, dora, emil] = [bare('boris@example.com'), bare('dora@example.com'), bare('emil@example.com')];
  const member = (jid: RoomMember['jid'], over: Partial<RoomMember> = {}): RoomMember => {
    return { jid, affiliation: 'member', isOccupant: false, nick: '', ...over };
  };
  const rows = [carried('phone'), carried('desk', { owner: boris }), carried('watch', { owner: dora })];

  test('mongooseim 8: each who is not there is pushed, and all of them end as one', async () => {
    const world = await harness({ rows });
    const members = [member(owner), member(boris), member(dora, { isOccupant: true }), member(emil)];
    const event = world.event({ ...room, members });
    await world.tell(event);
    assert.deepEqual(world.publishing.tokens, ['token-of-phone', 'token-of-desk']);
    world.publishing.endDevice(1, unavailable('no', 'refused'));
    assert.equal(world.ends.said(event.tag), 'nothing');
    world.publishing.endDevice(0);
    assert.deepEqual(world.ends.outcomes(event.tag), ['desk unavailable', 'phone accepted']);
    world.checkRest();
  });

  test('with nobody to tell ends as skipped, and says why', async () => {
    const world = await harness({ rows });
    const nobody = world.event({ ...room, members: [member(owner, { isOccupant: true })] });
    const noRow = world.event({ ...room, members: [member(emil)] });
    const outcast = world.event({ ...room, members: [member(owner, { affiliation: 'outcast' })] });
    await world.tell(nobody, noRow, outcast);
    assert.deepEqual(
      [nobody, noRow, outcast].map(({ tag }) => world.ends.said(tag)),
      [
        'skipped: no member of the room is to be told',
        'skipped: the user has enabled no push service',
        'skipped: no member of the room is to be told',
      ],
    );
    world.checkRest();
  });

  test('is refused when no record could be read, and pushed when some could', async () => {
    const world = await harness({ rows });
    world.store.unreadable.add(boris);
    const one = world.event({ ...room, members: [member(boris)] });
    const two = world.event({ ...room, members: [member(owner), member(boris)] });
    await world.tell(one, two);
    world.publishing.endDevice(0);
    assert.deepEqual(
      [one, two].map(({ tag }) => world.ends.said(tag)),
      ['refused: store-failed', 'pushed'],
    );
    world.checkRest();
  });

  for (const skipped of [owner, boris, dora]) {
    test(`ends once when a plugin skips ${skipped}`, async () => {
      const plugin: Plugin = {
        name: 'skips',
        prepareNotification: (event, summary) => (event.to.startsWith(skipped) ? 'skip' : summary),
      };
      const world = await harness({ rows, plugins: [plugin] });
      const event = world.event({ ...room, members: [member(owner), member(boris), member(dora)] });
      await world.tell(event);
      assert.equal(world.ends.said(event.tag), 'nothing');
      assert.equal(world.publishing.devices.length, 2);
      world.publishing.endDevice(0);
      world.publishing.endDevice(1);
      assert.equal(world.ends.outcomes(event.tag).length, 2);
      world.checkRest();
    });
  }

  test('is pushed once to a member, however often the event comes', async () => {
    const world = await harness({ rows });
    const members = [member(owner), member(boris)];
    await world.push({ ...room, id: 'one', members });
    await world.push({ ...room, id: 'one', members: [...members, member(dora)] });
    assert.deepEqual(world.publishing.tokens, ['token-of-phone', 'token-of-desk', 'token-of-watch']);
  });
});

describe('mongooseim 2.13: an unacknowledged message', () => {
  const rows = [carried('phone', { session: 'phone' }), carried('tablet', { session: 'tablet' }), carried('watch')];

  for (const behaviour of ['enhanced', 'meerkat'] as const) {
    test(`goes to the slot of its session alone (${behaviour})`, async () => {
      const world = await harness({ rows, push: { behaviour } });
      await world.push({ kind: 'unacknowledged', to: full(`${owner}/tablet`), userStatus: 'unknown' });
      assert.deepEqual(world.publishing.tokens, ['token-of-tablet']);
    });
  }

  test('to a session without a slot, or by the default behaviour, goes nowhere', async () => {
    const world = await harness({ rows, push: { behaviour: 'enhanced' } });
    const tag = await world.push({ kind: 'unacknowledged', to: full(`${owner}/desk`) });
    assert.equal(world.ends.said(tag), 'skipped: not the registration of that session');
    const other = await harness({ rows, push: { behaviour: 'default' } });
    await other.push({ kind: 'unacknowledged', to: full(`${owner}/tablet`) });
    assert.equal(world.publishing.asked + other.publishing.asked, 0);
  });

  test('mongooseim 2.3: follows the slot, which holds what its session has enabled last', async () => {
    const world = await harness({ push: { behaviour: 'enhanced' } });
    await world.tell(world.enable('one', { session: 'phone' }), world.enable('two', { session: 'phone' }));
    await world.push({ kind: 'unacknowledged', to: full(`${owner}/phone`) });
    assert.deepEqual(world.publishing.tokens, ['token-of-two']);
    assert.deepEqual(world.store.nodesOf(), ['one', 'two']);
    await world.tell(world.ask({ kind: 'disable-service', owner, service: ours, node: node('two') }));
    await world.push({ kind: 'unacknowledged', to: full(`${owner}/phone`) });
    assert.deepEqual(world.publishing.tokens, ['token-of-two'], 'a slot that is empty');
  });
});

describe('mongooseim 2.13: plugins', () => {
  test('are asked in order: prepare, then the registrations are read, then filter, then publish', async () => {
    const log: string[] = [];
    const plugin: Plugin = {
      name: 'noting',
      prepareNotification: (_event, summary) => {
        log.push(`prepare, ${world.store.log.length} reads`);
        return { ...summary, lastMessageBody: 'prepared' };
      },
      shouldPublish: (_event, given) => {
        log.push(`filter ${given.map(({ node: name }) => name).join(' ')}, ${world.store.log.length} reads`);
        return given.filter(({ node: name }) => name !== 'tablet');
      },
      publishNotification: (_event, summary, given, next) => {
        log.push(`publish ${summary.lastMessageBody} to ${given.map(({ node: name }) => name).join(' ')}`);
        next({ ...summary, lastMessageBody: 'published' }, given.slice(0, 1));
      },
    };
    const rows = [carried('phone'), carried('tablet'), carried('watch')];
    const world = await harness({ rows, plugins: [plugin] });
    const tag = await world.push({ id: 'one' });
    assert.deepEqual(log, [
      'prepare, 0 reads',
      'filter phone tablet watch, 1 reads',
      'publish prepared to phone watch',
    ]);
    assert.deepEqual(
      world.publishing.devices.map(({ notification: { token, body } }) => `${token} ${body}`),
      ['token-of-phone published'],
    );
    world.publishing.endDevice(0);
    assert.deepEqual(
      world.ends.outcomes(tag),
      ['watch accepted', 'phone accepted'],
      'what it keeps counts as accepted',
    );
    const result = world.ends.results.get(tag);
    assert.deepEqual(result?.kind === 'pushed' ? result.publishes[0]?.outcome : undefined, accepted('plugin'));
    log.length = 0;
    const again = await world.push({ id: 'one' });
    assert.deepEqual(log, ['prepare, 1 reads', 'filter tablet, 2 reads'], 'neither of the two is pushed again (2.14)');
    assert.equal(world.ends.said(again), 'skipped: a plugin filtered it');
    world.checkRest();
  });

  test('that skip or filter end the event as skipped, and say so', async () => {
    const skip: Plugin = { name: 'p', prepareNotification: () => 'skip' };
    const filter: Plugin = { name: 'p', shouldPublish: () => [] };
    for (const [plugin, reason, reads] of [
      [skip, 'skipped: a plugin skipped it', 0],
      [filter, 'skipped: a plugin filtered it', 1],
    ] as const) {
      const world = await harness({ rows: [carried('phone')], plugins: [plugin] });
      const tag = await world.push();
      assert.equal(world.ends.said(tag), reason);
      assert.equal(world.store.log.length, reads);
      world.checkRest();
    }
  });

  test('that throw cost nothing, and are counted', async () => {
    const broken = (): never => {
      throw new Error('no');
    };
    const plugin: Plugin = {
      name: 'p',
      prepareNotification: broken,
      shouldPublish: broken,
      publishNotification: broken,
    };
    const world = await harness({ rows: [carried('phone')], plugins: [plugin] });
    const tag = await world.push();
    world.publishing.endDevice(0);
    assert.deepEqual(world.ends.outcomes(tag), ['phone accepted']);
    assert.deepEqual([...(world.plugins?.throws ?? [])], [['p', 3]]);
    assert.equal(world.system.counters.restarts, 0);
    world.checkRest();
  });

  test('are not asked about events that deserve no push, nor about publishing to nobody', async () => {
    const asked: string[] = [];
    const plugin: Plugin = {
      name: 'p',
      prepareNotification: (_event, summary) => {
        asked.push('prepare');
        return summary;
      },
      shouldPublish: (_event, given) => {
        asked.push('filter');
        return given;
      },
      publishNotification: () => {
        asked.push('publish');
      },
    };
    const world = await harness({ plugins: [plugin] });
    await world.push(bodyless);
    assert.deepEqual(asked, []);
    await world.push();
    assert.deepEqual(asked, ['prepare'], 'the user has enabled nothing');
    world.checkRest();
  });
});
