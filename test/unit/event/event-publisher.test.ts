/** What a publish comes to: where it goes, what its answer does to the registration, to the message, and to a retry. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { noPreferences } from '../../../src/core/enabled.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { accepted, expired, rejected, throttled, unauthorized, unavailable } from '../../../src/core/outcome.ts';
import { unregistered } from '../../../src/core/outcome.ts';
import { bare, full } from '../../registration-rows.ts';
import { boris } from '../../message-events.ts';
import { carried, foreign, harness, onNode, owner, ours, theirs, waitMs } from './event-harness.ts';
import type { IqAnswer } from '../../../src/event/commands.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { Refusal } from '../../../src/registration/commands.ts';

const dayMs = 86_400_000;

function error(type: string, condition: string, detail = ''): IqAnswer {
  return { kind: 'error', type, condition, detail };
}

const patience = { deregisterRefusals: 3, deregisterHours: 24 };

describe('where a publish goes', () => {
  test('mongooseim 2.12: to the gateway, where the service is ours and the device travels with it', async () => {
    const world = await harness({
      rows: [
        carried('phone', {
          options: [
            ['service', 'apns'],
            ['device_id', 'AB'.repeat(32)],
            ['topic', 'com.example.app'],
          ],
        }),
      ],
    });
    await world.push({ body: 'Hello', unread: 3 });
    const [sent] = world.publishing.devices;
    assert.equal(sent?.app, 'com.example.app');
    const { service, token, title, body, badge } = sent.notification;
    assert.deepEqual(
      { service, token, title, body, badge },
      { service: 'apns', token: 'ab'.repeat(32), title: 'boris@example.org', body: 'Hello', badge: 3 },
    );
    assert.equal(world.publishing.asked, 1, 'no stanza');
  });

  test('mongooseim 2.12: to the gateway, where a template makes the service ours', async () => {
    const rows = [
      carried('phone', { service: bare('push.example.com') }),
      carried('tablet', { service: bare('anything@push.example.com') }),
      foreign('watch', { service: bare('push.other.example') }),
    ];
    const world = await harness({ rows });
    await world.push();
    assert.deepEqual(world.publishing.tokens, ['token-of-phone', 'token-of-tablet']);
    assert.deepEqual(
      world.publishing.iqs.map(({ iq }) => iq.service),
      ['push.other.example'],
    );
  });

  test('to our node, with the secret of the options, in the name of the server of the user', async () => {
    const world = await harness({ rows: [onNode('phone')] });
    const tag = await world.push({ body: 'Hello' });
    const [sent] = world.publishing.nodes;
    assert.deepEqual([sent?.node, sent?.from, sent?.options.secret], ['phone', 'example.com', 's3cret']);
    assert.equal(sent?.summary.lastMessageBody, 'Hello');
    sent.reply.answered(sent.tag, { kind: 'published', outcome: accepted('its name at the gateway') });
    const result = world.ends.results.get(tag);
    assert.deepEqual(result?.kind === 'pushed' ? result.publishes[0] : undefined, {
      ...{ owner, service: ours, node: 'phone', outcome: accepted('its name at the gateway') },
    });
    world.checkRest();
  });

  test('5.49 by IQ to any other service, with its options, and no more of the message than is allowed', async () => {
    const world = await harness({ rows: [foreign('phone')], push: { content: 'sender', iqWaitMs: 5_000 } });
    await world.push({ body: 'a secret' });
    const [sent] = world.publishing.iqs;
    assert.equal(sent?.iq.account, owner);
    assert.equal(sent.iq.service, theirs);
    assert.equal(sent.iq.waitMs, 5_000);
    assert.match(sent.iq.payload, /<publish node='phone'>/);
    assert.match(sent.iq.payload, /boris@example\.org/);
    assert.match(sent.iq.payload, /s3cret/);
    assert.doesNotMatch(sent.iq.payload, /a secret/);
  });

  test('5.50 encrypted for a client that has asked for it, also where the service is ours', async () => {
    const preferences = { ...noPreferences, encryptionKey: Buffer.alloc(16, 7).toString('base64') };
    const world = await harness({ rows: [carried('phone', { preferences }), foreign('tablet', { preferences })] });
    await world.push({ body: 'a secret' });
    const told = JSON.stringify([world.publishing.devices[0]?.notification, world.publishing.iqs[0]?.iq.payload]);
    assert.match(told, /encrypted/);
    assert.doesNotMatch(told, /a secret|boris/);
  });

  test('5.48, 5.53 nowhere: a message of the push service itself', async () => {
    const world = await harness({ rows: [carried('phone'), foreign('tablet')] });
    const tag = await world.push({ from: full(theirs) });
    assert.equal(world.ends.said(tag), 'skipped: comes from a push service of the user');
    assert.equal(world.publishing.asked, 0);
    world.checkRest();
  });
});

describe('a publish that cannot be sent', () => {
  const cases: readonly {
    readonly what: string;
    readonly row: ReturnType<typeof carried>;
    readonly set: Partial<Record<'device' | 'node' | 'stream', string>>;
    readonly outcome: string;
  }[] = [
    { what: 'no provider', row: carried('phone'), set: { device: 'no-provider' }, outcome: 'rejected' },
    { what: 'a dispatcher is full', row: carried('phone'), set: { device: 'full' }, outcome: 'unavailable' },
    { what: 'a dispatcher has stopped', row: carried('phone'), set: { device: 'stopped' }, outcome: 'unavailable' },
    { what: 'a shard is full', row: onNode('phone'), set: { node: 'full' }, outcome: 'unavailable' },
    { what: 'a shard has stopped', row: onNode('phone'), set: { node: 'stopped' }, outcome: 'unavailable' },
    { what: 'no stream is up', row: foreign('phone'), set: { stream: 'offline' }, outcome: 'unavailable' },
    { what: 'too many IQs wait', row: foreign('phone'), set: { stream: 'full' }, outcome: 'unavailable' },
  ];
  for (const { what, row, set, outcome } of cases) {
    test(`because ${what}: ends at once, keeps the registration, and may be tried again`, async () => {
      const world = await harness({ rows: [row] });
      Object.assign(world.publishing, set);
      const tag = await world.push({ id: 'one' });
      assert.deepEqual(world.ends.outcomes(tag), [`phone ${outcome}`]);
      Object.assign(world.publishing, { device: 'accepted', node: 'accepted', stream: 'sent' });
      await world.push({ id: 'one' });
      assert.equal(world.publishing.asked, 1);
      assert.deepEqual(world.store.nodesOf(), ['phone']);
    });
  }

  test('because too many are under way: ends at once, and nobody is disturbed', async () => {
    const world = await harness({ rows: [carried('phone')] });
    const tags: number[] = [];
    while (tags.length < limits.eventFlightsMax) {
      const commands = Array.from({ length: 128 }, () => world.event());
      for (const command of commands) tags.push(command.tag);
      await world.tell(...commands);
    }
    assert.equal(world.figures().underWay, limits.eventFlightsMax);
    const over = await world.push({ id: 'over' });
    assert.deepEqual(world.ends.outcomes(over), ['phone unavailable']);
    world.publishing.devices.forEach((_, index) => world.publishing.endDevice(index));
    const again = await world.push({ id: 'over' });
    world.publishing.endDevice(-1);
    assert.deepEqual(world.ends.outcomes(again), ['phone accepted'], 'it was not sent: it is no repetition');
    world.checkRest();
  });
});

describe('what an answer does to the registration', () => {
  const kept: readonly Outcome[] = [
    accepted(''),
    rejected('BadTopic'),
    expired('late'),
    throttled('TooManyRequests', 1_000),
    unauthorized('InvalidProviderToken'),
    unavailable('no', 'refused'),
    unavailable('unknown', 'cut'),
  ];
  for (const outcome of kept) {
    const reached = outcome.kind === 'unavailable' ? ` ${outcome.reached}` : '';
    test(`mongooseim 2.11: ${outcome.kind}${reached} of a gateway keeps it, however often`, async () => {
      const world = await harness({ rows: [carried('phone')], push: { deregisterRefusals: 1, deregisterHours: 0 } });
      for (let time = 0; time < 5; time++) {
        await world.push();
        world.publishing.endDevice(-1, outcome);
        await world.clock.advance(dayMs);
      }
      assert.deepEqual(world.store.nodesOf(), ['phone']);
      world.checkRest();
    });
  }

  test('mongooseim 2.12: a device that is gone takes its registration with it, and no other', async () => {
    const world = await harness({ rows: [carried('phone'), carried('tablet')] });
    const tag = await world.push();
    world.publishing.endDevice(0, unregistered('Unregistered', 0));
    world.publishing.endDevice(1);
    await world.clock.settle();
    assert.deepEqual(world.ends.outcomes(tag), ['phone unregistered', 'tablet accepted']);
    assert.deepEqual(world.store.nodesOf(), ['tablet']);
    assert.equal(world.figures().removed, 1);
    world.checkRest();
  });

  test('a registration that was enabled with another token meanwhile outlives the word about the old one', async () => {
    const world = await harness({ rows: [carried('phone')] });
    await world.push();
    await world.clock.advance(1_000);
    await world.tell(
      world.enable('phone', {
        options: [
          ['service', 'fcm'],
          ['device_id', 'new-token'],
        ],
      }),
    );
    world.publishing.endDevice(0, unregistered('UNREGISTERED', 0));
    await world.clock.settle();
    assert.deepEqual(world.store.nodesOf(), ['phone']);
    await world.push();
    assert.equal(world.publishing.tokens.at(-1), 'new-token');
  });

  test('a token that was enabled after the time of which the gateway speaks lives on', async () => {
    const world = await harness({ rows: [carried('phone')] });
    await world.push();
    const enabledAtMs = carried('phone').enabledAtMs;
    world.publishing.endDevice(0, unregistered('Unregistered', enabledAtMs - 1));
    await world.clock.settle();
    assert.deepEqual(world.store.nodesOf(), ['phone']);
    await world.push();
    world.publishing.endDevice(1, unregistered('Unregistered', enabledAtMs + 1));
    await world.clock.settle();
    assert.deepEqual(world.store.nodesOf(), []);
  });

  test('5.51 a definite refusal of a service that is not ours removes it when it was often, and for long', async () => {
    const world = await harness({ rows: [foreign('phone')], push: patience });
    const said: (string | undefined)[] = [];
    for (const afterMs of [0, 60_000, 60_000, dayMs]) {
      await world.clock.advance(afterMs);
      const tag = await world.push();
      world.publishing.endIq(-1, error('cancel', 'item-not-found'));
      await world.clock.settle();
      said.push(world.ends.outcomes(tag)[0]);
    }
    assert.deepEqual(said, ['phone rejected', 'phone rejected', 'phone rejected', 'phone unregistered']);
    assert.deepEqual(world.store.nodesOf(), []);
    world.checkRest();
  });

  test('5.51 one success between the refusals begins the count anew', async () => {
    const world = await harness({ rows: [foreign('phone')], push: patience });
    const refusals = [error('cancel', 'item-not-found'), error('auth', 'forbidden')];
    for (const answer of [...refusals, { kind: 'result' } as const, ...refusals]) {
      await world.push();
      world.publishing.endIq(-1, answer);
      await world.clock.advance(dayMs);
    }
    assert.deepEqual(world.store.nodesOf(), ['phone']);
  });

  const outages: readonly IqAnswer[] = [
    error('cancel', 'service-unavailable'),
    error('cancel', 'remote-server-not-found'),
    error('wait', 'remote-server-timeout'),
    error('wait', 'internal-server-error'),
    error('wait', 'resource-constraint'),
    error('cancel', 'internal-server-error'),
    { kind: 'timeout' },
    { kind: 'hidden-error' },
  ];
  for (const answer of outages) {
    const words = answer.kind === 'error' ? `${answer.type}/${answer.condition}` : answer.kind;
    test(`mongooseim 10, 5.51: ${words} never removes it, however long it lasts`, async () => {
      const world = await harness({ rows: [foreign('phone')], push: patience });
      for (let day = 0; day < 20; day++) {
        await world.push();
        for (let tries = 0; tries < 3; tries++) {
          for (const { reply, tag } of world.publishing.iqs.splice(0)) reply.iqAnswered(tag, answer);
          await world.clock.advance(30_000);
        }
        await world.clock.advance(dayMs);
      }
      assert.deepEqual(world.store.nodesOf(), ['phone']);
      assert.deepEqual(world.ends.twice, []);
    });
  }

  for (const refusal of ['unknown-node', 'precondition'] as const satisfies readonly Refusal[]) {
    test(`mongooseim 2.11: ${refusal} of our own service removes it with the same patience`, async () => {
      const world = await harness({ rows: [onNode('phone')], push: patience });
      const push = async (answer: Outcome | undefined, afterMs = dayMs / 2): Promise<void> => {
        await world.push();
        const sent = world.publishing.nodes.at(-1);
        assert.ok(sent !== undefined);
        const said = answer === undefined ? { kind: 'refused' as const, refusal } : undefined;
        sent.reply.answered(sent.tag, said ?? { kind: 'published', outcome: answer ?? accepted('') });
        await world.clock.advance(afterMs);
      };
      await push(undefined);
      await push(undefined);
      await push(accepted(''));
      await push(undefined);
      await push(undefined);
      assert.deepEqual(world.store.nodesOf(), ['phone'], 'a success begins the count anew');
      await push(undefined);
      assert.deepEqual(world.store.nodesOf(), []);
      world.checkRest();
    });
  }

  test('removal that finds the mailbox full is told again by the next publish', async () => {
    const world = await harness({ rows: [carried('phone')] });
    const tag = await world.push();
    world.store.holdReads();
    await world.tell(world.event());
    while (world.ref.depth < world.ref.capacity) world.ref.tell({ kind: 'presence-reset', domains: [] });
    world.publishing.endDevice(0, unregistered('Unregistered', 0));
    assert.equal(world.ends.said(tag), 'pushed');
    world.store.letRead();
    await world.clock.settle();
    assert.deepEqual(world.store.nodesOf(), ['phone']);
    world.publishing.endDevice(1, unregistered('Unregistered', 0));
    await world.clock.settle();
    assert.deepEqual(world.store.nodesOf(), []);
    world.checkRest();
  });
});

describe('wait', () => {
  const wait = error('wait', 'resource-constraint');

  test('5.51 is tried again at most twice, within a minute, and ends once', async () => {
    const world = await harness({ rows: [foreign('phone')], push: { iqWaitMs: 1_000 } });
    const command = world.event({ id: 'one' }, 120_000);
    await world.tell(command);
    const startedMs = world.clock.monotonicMs();
    const sentAtMs: number[] = [];
    for (let sent = 1; sent <= 3; sent++) {
      assert.equal(world.publishing.iqs.length, sent);
      sentAtMs.push(world.clock.monotonicMs() - startedMs);
      world.publishing.endIq(-1, wait);
      for (let second = 0; second < 60 && world.publishing.iqs.length === sent; second++)
        await world.clock.advance(1_000);
    }
    assert.equal(world.publishing.iqs.length, 3);
    assert.ok((sentAtMs.at(-1) ?? 0) <= 60_000, sentAtMs.join(' '));
    assert.deepEqual(world.ends.outcomes(command.tag), ['phone unavailable']);
    assert.equal(world.figures().publishes, 1, 'tries of one publish count once');
    assert.deepEqual(world.store.nodesOf(), ['phone']);
    world.checkRest();
  });

  test('5.51 that is over when it is tried again ends as accepted', async () => {
    const world = await harness({ rows: [foreign('phone')] });
    const command = world.event({}, 120_000);
    await world.tell(command);
    world.publishing.endIq(0, wait);
    assert.equal(world.ends.said(command.tag), 'nothing');
    await world.clock.advance(30_000);
    world.publishing.endIq(1);
    assert.deepEqual(world.ends.outcomes(command.tag), ['phone accepted']);
    world.checkRest();
  });

  test('is no longer waited for after the deadline of its event, and tried again all the same', async () => {
    const world = await harness({ rows: [foreign('phone')] });
    const tag = await world.push();
    await world.clock.advance(waitMs - 1_000);
    world.publishing.endIq(0, wait);
    await world.clock.advance(1_500);
    assert.deepEqual(world.ends.outcomes(tag), ['phone unavailable']);
    await world.clock.advance(30_000);
    assert.equal(world.publishing.iqs.length, 2);
    world.publishing.endIq(1);
    world.checkRest();
  });

  test('leaves no timer behind when the engine stops', async () => {
    const world = await harness({ rows: [foreign('phone')] });
    const tag = await world.push();
    world.publishing.endIq(0, wait);
    const stopping = world.system.stop(1_000);
    await world.clock.advance(1_000);
    await stopping;
    assert.deepEqual(world.ends.outcomes(tag), ['phone unavailable']);
    assert.equal(world.clock.pending, 0);
    await world.clock.advance(60_000);
    assert.equal(world.publishing.iqs.length, 1);
    world.checkRest();
  });

  test('an outage leaves the service alone for a while, at no cost for another', async () => {
    const other = foreign('tablet', { service: bare('push.third.example') });
    const world = await harness({ rows: [foreign('phone'), other] });
    await world.push();
    world.publishing.endIq(0, error('cancel', 'remote-server-not-found'));
    world.publishing.endIq(1);
    await world.push();
    assert.deepEqual(
      world.publishing.iqs.map(({ iq }) => iq.service),
      [theirs, 'push.third.example', 'push.third.example'],
    );
    world.publishing.endIq(2);
    await world.clock.advance(dayMs);
    await world.push();
    assert.equal(world.publishing.iqs.at(-2)?.iq.service, theirs, 'a probe');
  });
});

describe('mongooseim 2.14: a message that comes again', () => {
  const outcomes: readonly { readonly outcome: Outcome; readonly again: boolean }[] = [
    { outcome: accepted(''), again: false },
    { outcome: unavailable('unknown', 'cut'), again: false },
    { outcome: unavailable('no', 'refused'), again: true },
    { outcome: rejected('BadTopic'), again: true },
    { outcome: throttled('TooManyRequests', 0), again: true },
    { outcome: unauthorized('InvalidProviderToken'), again: true },
    { outcome: expired('late'), again: true },
  ];
  for (const { outcome, again } of outcomes) {
    const reached = outcome.kind === 'unavailable' ? ` ${outcome.reached}` : '';
    test(`is ${again ? '' : 'not '}pushed again after ${outcome.kind}${reached}`, async () => {
      const world = await harness({ rows: [carried('phone')] });
      await world.push({ id: 'one' });
      world.publishing.endDevice(0, outcome);
      const tag = await world.push({ id: 'one' });
      assert.equal(world.publishing.devices.length, again ? 2 : 1);
      if (!again) assert.equal(world.ends.said(tag), 'skipped: the message has been pushed already');
    });
  }

  test('is not pushed again while its first push is under way, also in the same batch', async () => {
    const world = await harness({ rows: [carried('phone')] });
    const commands = [world.event({ id: 'one' }), world.event({ id: 'one' })];
    await world.tell(...commands);
    await world.push({ id: 'one' });
    assert.equal(world.publishing.devices.length, 1);
    world.publishing.endDevice(0);
    world.checkRest();
  });

  test('is pushed to a registration that it has not been pushed to', async () => {
    const world = await harness({ rows: [carried('phone')] });
    await world.push({ id: 'one' });
    await world.tell(world.enable('tablet'));
    await world.push({ id: 'one' });
    assert.deepEqual(world.publishing.tokens, ['token-of-phone', 'token-of-tablet']);
  });

  test('first to the slot of a session, then, when that is gone, to all others', async () => {
    const rows = [carried('phone', { session: 'phone' }), carried('tablet', { session: 'tablet' })];
    const world = await harness({ rows, push: { behaviour: 'enhanced' } });
    await world.push({ kind: 'unacknowledged', id: 'one', to: full(`${owner}/phone`) });
    assert.deepEqual(world.publishing.tokens, ['token-of-phone']);
    await world.push({ kind: 'unacknowledged', id: 'one', to: full(`${owner}/phone`) });
    await world.push({ id: 'one' });
    assert.deepEqual(world.publishing.tokens, ['token-of-phone', 'token-of-tablet']);
  });

  test('by another sender, without an id, or after its time, is another message', async () => {
    const world = await harness({ rows: [carried('phone')], push: { dedupeSeconds: 60 } });
    await world.push({ id: 'one' });
    await world.push({ id: 'one', from: full('carla@example.org/desk') });
    await world.push({ id: '' });
    await world.push({ id: '' });
    assert.equal(world.publishing.devices.length, 4);
    await world.clock.advance(60_000);
    await world.push({ id: 'one', from: boris });
    assert.equal(world.publishing.devices.length, 5);
  });
});

test('a registration that has expired is not pushed, though the sweep has not come by', async () => {
  const old = carried('phone', { enabledAtMs: epochMs(carried('phone').enabledAtMs - 31 * dayMs) });
  const world = await harness({ rows: [old, carried('tablet')], push: { expireDays: 30 } });
  await world.push();
  assert.deepEqual(world.publishing.tokens, ['token-of-tablet']);
});
