/** The way in for programs: promises that always resolve, malformed input that costs nobody else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { EventDoor, eventWaitMsDefault } from '../../../src/event/event-door.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import { carried, harness, saidOf } from './event-harness.ts';
import type { Harness, HarnessOptions } from './event-harness.ts';
import type { Admission } from '../../../src/actor/actor.ts';
import type { EventActorMessage } from '../../../src/event/commands.ts';
import type { EventInput } from '../../../src/event/event-input.ts';

const hello: EventInput = {
  ...{ from: 'boris@example.org/desk', to: 'anna@example.com', type: 'chat', body: 'Hello', userStatus: 'offline' },
};

async function setup(options: HarnessOptions = {}): Promise<{ readonly world: Harness; readonly door: EventDoor }> {
  const world = await harness(options);
  return { world, door: new EventDoor(world.ref, world.clock) };
}

describe('events', () => {
  test('end in the order in which they were given, whatever the order of their ends', async () => {
    const { world, door } = await setup({ rows: [carried('phone')] });
    const calling = door.onEvents([hello, { ...hello, body: '' }, { ...hello, body: 'again' }]);
    await world.clock.settle();
    assert.equal(door.size, 2);
    world.publishing.endDevice(1);
    world.publishing.endDevice(0);
    assert.deepEqual((await calling).map(saidOf), ['pushed', 'skipped: an empty body', 'pushed']);
    assert.equal(door.size, 0);
  });

  test('that cannot be read say which field is wrong, and the others go on', async () => {
    const { world, door } = await setup({ rows: [carried('phone')] });
    const calling = door.onRawEvents([
      { ...hello, from: '@' },
      hello,
      null,
      7,
      [],
      'text',
      { ...hello, colour: 'red' },
    ]);
    await world.clock.settle();
    world.publishing.endDevice(0);
    const results = (await calling).map(saidOf);
    assert.match(results[0] ?? '', /^invalid: from/);
    assert.equal(results[1], 'pushed');
    for (const said of results.slice(2)) assert.match(said, /^invalid: /);
    assert.equal(door.size, 0);
  });

  test('are told one by one to who asks for that: a gateway that is slow delays no other', async () => {
    const { world, door } = await setup({ rows: [carried('phone')] });
    const told: string[] = [];
    const inputs = [hello, { ...hello, from: '@' }, { ...hello, body: '' }, { ...hello, body: 'again' }];
    door.giveEvents(inputs, { ended: (index, result) => void told.push(`${index} ${saidOf(result)}`) }, 2_000);
    assert.equal(told.length, 1);
    assert.match(told[0] ?? '', /^1 invalid: from/);
    await world.clock.settle();
    world.publishing.endDevice(1);
    assert.deepEqual(told.slice(1), ['2 skipped: an empty body', '3 pushed']);
    assert.equal(door.size, 1);
    await world.clock.advance(2_000 + limits.eventSweepMs);
    assert.deepEqual(told.slice(3), ['0 pushed']);
    assert.equal(door.size, 0);
  });

  test('are told once, even if they end twice', () => {
    const tell = (message: EventActorMessage): Admission => {
      if (message.kind !== 'event') return 'accepted';
      for (const kind of ['noted', 'noted'] as const) message.reply.ended(message.tag, { kind });
      return 'full';
    };
    const door = new EventDoor({ path: '/test/events', depth: 0, capacity: 2, tell }, new VirtualClock());
    const told: string[] = [];
    door.giveEvents([hello, hello], { ended: (index, { kind }) => void told.push(`${index} ${kind}`) });
    assert.deepEqual([told, door.size], [['0 noted', '1 noted'], 0]);
  });

  test('none: an empty answer, at once', async () => {
    const { door } = await setup();
    assert.deepEqual(await door.onEvents([]), []);
  });

  test('wait for as long as the caller says', async () => {
    const { world, door } = await setup({ rows: [carried('phone')] });
    const [short, long] = [door.onEvents([hello], 2_000), door.onEvents([hello])];
    await world.clock.advance(2_000 + limits.eventSweepMs);
    const [result] = await short;
    assert.equal(result?.kind === 'pushed' ? result.publishes[0]?.outcome.kind : '', 'unavailable');
    assert.equal(door.size, 1);
    await world.clock.advance(eventWaitMsDefault);
    assert.equal((await long)[0]?.kind, 'pushed');
  });

  test('for which the mailbox has no room are refused at once', async () => {
    const { world, door } = await setup({ rows: [carried('phone')] });
    world.store.holdReads();
    await world.tell(world.event());
    const calling = door.onEvents(Array.from({ length: limits.eventMailbox + 2 }, () => ({ ...hello, body: '' })));
    const refused = door.onEvents([hello]);
    assert.deepEqual((await refused).map(saidOf), ['refused: overloaded']);
    assert.deepEqual(await door.enable({ owner: 'anna@example.com', service: 'push.example.net', node: 'n' }), {
      kind: 'refused',
      refusal: 'overloaded',
    });
    world.store.letRead();
    await world.clock.settle();
    const results = await calling;
    assert.equal(results.filter(({ kind }) => kind === 'refused').length, 2);
  });

  test('after the stop are refused', async () => {
    const { world, door } = await setup();
    const stopping = world.system.stop(1_000);
    await world.clock.advance(1_000);
    await stopping;
    assert.deepEqual((await door.onEvents([hello])).map(saidOf), ['refused: stopping']);
    assert.equal(await door.enabledOf('anna@example.com'), undefined);
    assert.equal(door.size, 0);
  });
});

describe('registrations', () => {
  const key = { owner: 'Anna@Example.com', service: 'push.example.net', node: 'phone' };

  test('are enabled, listed, disabled, and removed with their account and domain', async () => {
    const { world, door } = await setup();
    const done = async (asking: Promise<unknown>): Promise<unknown> => {
      await world.clock.settle();
      return asking;
    };
    assert.deepEqual(await done(door.enable({ ...key, options: { secret: 's' }, session: 'desk' })), {
      kind: 'done',
      count: 1,
    });
    const listing = door.enabledOf('anna@example.com');
    await world.clock.settle();
    const [row] = (await listing) ?? [];
    assert.deepEqual(
      [row?.owner, row?.node, row?.session, row?.options],
      ['anna@example.com', 'phone', 'desk', [['secret', 's']]],
    );
    assert.deepEqual(await done(door.disable({ owner: key.owner, service: key.service })), { kind: 'done', count: 1 });
    for (const remove of [() => door.removeAccount('anna@example.com'), () => door.removeDomain('example.com')]) {
      await done(door.enable(key));
      assert.deepEqual(await done(remove()), { kind: 'done', count: 1 });
    }
    assert.equal(door.size, 0);
  });

  const wrong: readonly { readonly what: string; readonly over: Record<string, unknown>; readonly problem: RegExp }[] =
    [
      { what: 'no owner', over: { owner: '' }, problem: /^owner: / },
      { what: 'an owner that is a domain', over: { owner: 'example.com' }, problem: /^owner: / },
      { what: 'an owner with a resource', over: { owner: 'anna@example.com/x' }, problem: /^owner: / },
      { what: 'an owner that is a number', over: { owner: 7 }, problem: /^owner: / },
      { what: 'no service', over: { service: '@' }, problem: /^service: / },
      { what: 'a service that is missing', over: { service: undefined }, problem: /^service: / },
      { what: 'the owner as the service', over: { service: 'anna@example.com' }, problem: /^service: / },
      { what: 'an empty node', over: { node: '' }, problem: /^node: / },
      { what: 'a node that is missing', over: { node: undefined }, problem: /^node: / },
      { what: 'a node that is too long', over: { node: 'x'.repeat(2_000) }, problem: /^node: / },
      { what: 'a node that XML cannot carry', over: { node: 'a\0' }, problem: /^node: .*XML/ },
      { what: 'half a character in a node', over: { node: '\ud800' }, problem: /^node: .*XML/ },
      { what: 'a session that is too long', over: { session: 's'.repeat(2_000) }, problem: /^session: / },
      { what: 'a session that is no text', over: { session: 7 }, problem: /^session: / },
      { what: 'options that are no object', over: { options: 'x' }, problem: /^options: / },
      { what: 'an option that is the type of the form', over: { options: { FORM_TYPE: 'x' } }, problem: /^options: / },
      { what: 'an option without a name', over: { options: { '': 'x' } }, problem: /^options: / },
      { what: 'an option that XML cannot carry', over: { options: { a: '\0' } }, problem: /^options: .*XML/ },
      { what: 'an option that is a number', over: { options: { badge: 5 } }, problem: /^options: .*badge/ },
      {
        what: 'an option that is too long',
        over: { options: { a: 'x'.repeat(limits.fieldBytesMax + 1) } },
        problem: /^options: /,
      },
      {
        what: 'too many options',
        over: {
          options: Object.fromEntries(Array.from({ length: limits.enabledOptionsMax + 1 }, (_, at) => [`o${at}`, 'x'])),
        },
        problem: /^options: /,
      },
    ];
  for (const { what, over, problem } of wrong) {
    test(`5.45 ${what}: refused with the field, and nothing is written`, async () => {
      const { world, door } = await setup();
      const input: typeof key = Object.assign({ ...key }, over);
      const asking = Promise.resolve().then(() => door.enable(input));
      await world.clock.settle();
      const answer = await asking;
      assert.ok(answer.kind === 'refused' && answer.refusal === 'options', JSON.stringify(answer));
      assert.match(answer.problem, problem);
      assert.deepEqual(world.store.log, []);
    });
  }

  test('what is no account and no domain is refused, too', async () => {
    const { world, door } = await setup();
    for (const asking of [
      door.removeAccount('@'),
      door.removeAccount('example.com'),
      door.removeDomain('anna@example.com'),
      door.removeDomain(''),
      door.disable({ owner: '', service: 'push.example.net' }),
      door.disable({ owner: 'anna@example.com', service: 'push.example.net', node: '' }),
    ]) {
      const answer = await asking;
      assert.equal(answer.kind === 'refused' ? answer.refusal : '', 'options');
    }
    assert.deepEqual(await door.enabledOf('@'), []);
    assert.deepEqual(world.store.log, []);
  });

  test('whose list cannot be read are not an empty list', async () => {
    const { world, door } = await setup({ rows: [carried('phone')] });
    world.store.readFails = true;
    const listing = door.enabledOf('anna@example.com');
    await world.clock.settle();
    assert.equal(await listing, undefined);
  });
});

describe('mongooseim 2.1: an <iq> as text', () => {
  const iq = (child: string, type = 'set', to = 'anna@example.com'): string =>
    `<iq xmlns='jabber:client' type='${type}' id='e1' from='anna@example.com/phone' to='${to}'>${child}</iq>`;
  const enable = `<enable xmlns='urn:xmpp:push:0' jid='push.example.net' node='phone'/>`;
  const disable = `<disable xmlns='urn:xmpp:push:0' jid='push.example.net'/>`;

  async function answerTo(text: string, options: HarnessOptions = {}, prepare?: (world: Harness) => void) {
    const { world, door } = await setup(options);
    prepare?.(world);
    const asking = door.pushIQ(text);
    await world.clock.settle();
    return { answer: await asking, world };
  }

  test('is answered with an empty result, from whom it was sent to, to the session that sent it', async () => {
    const { answer, world } = await answerTo(iq(enable));
    assert.match(answer ?? '', /^<iq [^>]*type='result'[^>]*\/>$/);
    for (const part of [/id='e1'/, /from='anna@example\.com'/, /to='anna@example\.com\/phone'/]) {
      assert.match(answer ?? '', part);
    }
    const [rows] = world.store.rows.readMany([carried('phone').owner]);
    assert.equal(rows === 'unreadable' ? '' : rows?.[0]?.session, 'phone');
  });

  test('that disables is idempotent', async () => {
    assert.match((await answerTo(iq(disable))).answer ?? '', /type='result'/);
    const { answer, world } = await answerTo(iq(disable), { rows: [carried('phone')] });
    assert.match(answer ?? '', /type='result'/);
    assert.deepEqual(world.store.nodesOf(), []);
  });

  test('is answered with the error of the table', async () => {
    const bad = /type='error'.*<error type='modify'><bad-request/;
    assert.match((await answerTo(iq(`<enable xmlns='urn:xmpp:push:0' node='phone'/>`))).answer ?? '', bad);
    assert.match((await answerTo(iq(enable, 'get'))).answer ?? '', bad);
    assert.match((await answerTo(iq(enable, 'set', 'boris@example.com'))).answer ?? '', /<forbidden/);
    const failing = await answerTo(iq(enable), {}, (world) => (world.store.writeFails = true));
    assert.match(failing.answer ?? '', /type='wait'><internal-server-error/);
    const refused = await answerTo(iq(enable), { problem: "the field 'service' is missing" });
    assert.match(refused.answer ?? '', /<not-acceptable.*the field/);
  });

  test('that is none is answered by nobody', async () => {
    for (const text of [
      '',
      'text',
      '<iq',
      '<presence/>',
      `<iq type='result' id='e1' from='anna@example.com/phone'/>`,
    ]) {
      assert.equal((await answerTo(text)).answer, undefined, text);
    }
  });
});
