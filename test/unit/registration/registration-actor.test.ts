import { test } from 'node:test';
import assert from 'node:assert/strict';
import { bare, device, node, row } from '../../registration-rows.ts';
import { Answers, create, options, publish, register, unregister } from '../../registration-commands.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import { ActorSystem } from '../../../src/actor/actor-system.ts';
import { EngineError } from '../../../src/core/errors.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { silentLogger } from '../../../src/core/log.ts';
import { unregistered } from '../../../src/core/outcome.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { NodeSecrets } from '../../../src/registration/node-secret.ts';
import { registrationActor } from '../../../src/registration/registration-actor.ts';
import { RegistrationShard } from '../../../src/registration/registration-shard.ts';
import { shardOf, slotOf, slotOfNode } from '../../../src/registration/slots.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import type { ActorRef } from '../../../src/actor/actor.ts';
import type { Dispatch, RegistrationActorOptions } from '../../../src/registration/registration-actor.ts';
import type { ShardMessage } from '../../../src/registration/registration-shard.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import type { Registration } from '../../../src/core/registration.ts';

/** A memory store whose commits wait for the test, and which fails where the test says. */
class GatedStore extends MemoryStore {
  readonly log: string[] = [];
  readonly corrupt = new Set<NodeId>();
  writeFails = false;
  isAway = false;
  #gate: (() => void) | undefined;

  override readMany(nodes: readonly NodeId[]): readonly (Registration | undefined)[] {
    this.log.push(`read ${nodes.length}`);
    if (this.isAway) throw new EngineError('E_STORE_IO', 'no answer');
    if (nodes.some((one) => this.corrupt.has(one))) throw new EngineError('E_STORE_ROW_CORRUPT', 'corrupt');
    return super.readMany(nodes);
  }

  override async writeMany(rows: readonly Registration[]): Promise<void> {
    this.log.push(`write ${rows.length}`);
    if (this.#gate !== undefined) await new Promise<void>((open) => (this.#gate = open));
    if (this.writeFails) throw new EngineError('E_STORE_IO', 'disk full');
    await super.writeMany(rows);
  }

  closeGate(): void {
    this.#gate = () => undefined;
  }

  openGate(): void {
    this.#gate?.();
    this.#gate = undefined;
  }
}

interface World {
  readonly clock: VirtualClock;
  readonly system: ActorSystem;
  readonly store: GatedStore;
  readonly shard: ActorRef<ShardMessage>;
  readonly answers: Answers;
  /** Nodes whose notifications were handed over, in order. */
  readonly dispatched: string[];
  readonly lines: string[];
  readonly options: RegistrationActorOptions;
  tell(...messages: readonly ShardMessage[]): void;
}

const secretKey = Buffer.alloc(32, 7);
const notifications: RegistrationActorOptions['notifications'] = {
  content: 'none',
  title: '',
  body: 'New message',
  emptyPriority: 'alert',
  badge: true,
  sound: '',
  timeToLiveSeconds: 60,
};

async function setup(over: Partial<RegistrationActorOptions> = {}, rows: readonly Registration[] = []): Promise<World> {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const system = new ActorSystem({ clock, logger: silentLogger, failed: (path) => lines.push(`failed ${path}`) });
  const store = new GatedStore(10_000);
  await store.writeMany(rows);
  store.log.length = 0;
  const dispatched: string[] = [];
  const answers = new Answers();
  const dispatch: Dispatch = (registration) => {
    dispatched.push(registration.node);
    return 'accepted';
  };
  const settings: RegistrationActorOptions = {
    name: 'registrations/shard-00',
    store,
    dispatch,
    secretKey,
    nodeIds: 'client-chosen',
    rules: { strictErrors: false, perOwnerMax: 3 },
    notifications,
    templates: undefined,
    random: seededRandom(1),
    logger: { ...silentLogger, error: (_fields, message) => lines.push(message) },
    ...over,
  };
  const shard = system.spawn(registrationActor(settings));
  await clock.settle();
  const tell = (...messages: readonly ShardMessage[]): void => {
    for (const message of messages) assert.equal(shard.tell(message), 'accepted');
  };
  return { clock, system, store, shard, answers, dispatched, lines, options: settings, tell };
}

const live = (name: string): Registration => row(name, { secretVersion: 0 });

test('a batch of publishes is read at once and handed over in order, without waiting for a commit', async () => {
  const world = await setup({}, [live('a'), live('b')]);
  const reply = world.answers;
  world.tell(publish('b', { reply, tag: 1 }), publish('nobody', { reply, tag: 2 }), publish('a', { reply, tag: 3 }));
  await world.clock.settle();
  assert.deepEqual(world.store.log, ['read 3']);
  assert.deepEqual(world.dispatched, ['b', 'a']);
  assert.deepEqual([reply.word(1), reply.word(2), reply.word(3)], ['nothing', 'unknown-node', 'nothing']);
});

test('a batch of publishes ends within the call: no promise is made', async () => {
  const world = await setup({}, [live('a')]);
  const shard = new RegistrationShard(world.options, world.clock);
  assert.equal(shard.take([publish('a'), publish('b')]), undefined);
  assert.deepEqual(world.dispatched, ['a']);
});

test('what the dispatcher refuses is refused', async () => {
  const reasons = ['full', 'no-provider', 'stopped'] as const;
  for (const [index, reason] of reasons.entries()) {
    const world = await setup({ dispatch: () => reason }, [live('a')]);
    world.tell(publish('a', { reply: world.answers, tag: 1 }));
    await world.clock.settle();
    assert.equal(world.answers.word(1), ['overloaded', 'no-provider', 'stopping'][index]);
  }
});

test('nothing that was written is answered before the commit, and other publishes do not wait for it', async () => {
  const world = await setup({}, [live('a')]);
  const reply = world.answers;
  world.store.closeGate();
  world.tell(register({ reply, tag: 1 }), publish('a', { reply, tag: 2 }), create('c', { reply, tag: 3 }));
  await world.clock.settle();
  assert.deepEqual(world.store.log, ['read 2', 'write 2']);
  assert.deepEqual([reply.count, world.dispatched], [0, ['a']]);
  world.store.openGate();
  await world.clock.settle();
  assert.deepEqual([reply.word(1), reply.word(3)], ['registered', 'created']);
});

test('a publish sees what an earlier command of its batch has changed, and waits for that commit', async () => {
  const world = await setup({}, [live('a')]);
  const reply = world.answers;
  const owner = bare('anna@example.com');
  world.store.closeGate();
  world.tell(
    publish('a', { reply, tag: 1 }),
    { kind: 'delete-node', node: node('a'), owner, reply, tag: 2 },
    publish('a', { reply, tag: 3 }),
    create('c', { reply, tag: 4 }),
    publish('c', { reply, tag: 5, options: options({ service: 'fcm', deviceId: 't' }) }),
  );
  await world.clock.settle();
  assert.deepEqual([world.dispatched, reply.count], [['a'], 0]);
  world.store.openGate();
  await world.clock.settle();
  assert.deepEqual([reply.word(2), reply.word(3), reply.word(4)], ['done', 'unknown-node', 'created']);
  assert.deepEqual(world.dispatched, ['a', 'c']);
});

test('two creations of one node in one batch are one creation and one conflict, in one write', async () => {
  const world = await setup();
  const reply = world.answers;
  world.tell(create('c', { reply, tag: 1 }), create('c', { reply, tag: 2, owner: bare('boris@example.org') }));
  await world.clock.settle();
  assert.deepEqual([reply.word(1), reply.word(2)], ['created', 'conflict']);
  assert.deepEqual(world.store.log, ['read 1', 'write 1']);
});

test('5.37 registering twice in one batch gives one node and the secret that publishes need', async () => {
  const world = await setup();
  const reply = world.answers;
  world.tell(register({ reply, tag: 1 }), register({ reply, tag: 2, token: 'b2'.repeat(32) }));
  await world.clock.settle();
  const [first, second] = [reply.of(1), reply.of(2)];
  assert.ok(first?.kind === 'registered' && second?.kind === 'registered');
  assert.deepEqual(second, first);
  assert.equal(first.secret, new NodeSecrets(secretKey).of(first.node, 1));
  const [stored] = world.store.readMany([first.node]);
  assert.equal(stored?.target.kind === 'device' && stored.target.token, 'b2'.repeat(32));
  world.tell(publish(first.node, { reply, tag: 3, options: options({ secret: first.secret }) }));
  await world.clock.settle();
  assert.deepEqual(world.dispatched, [first.node]);
});

test('5.37 a node of ours is in the shard of its owner', async () => {
  const world = await setup();
  world.tell(register({ reply: world.answers, tag: 1 }), create('', { reply: world.answers, tag: 2 }));
  await world.clock.settle();
  const [one, two] = [world.answers.of(1), world.answers.of(2)];
  assert.ok(one?.kind === 'registered' && two?.kind === 'created');
  for (const name of [one.node, two.node]) {
    assert.equal(shardOf(slotOfNode(name), 256), shardOf(slotOf('anna@example.com'), 256));
  }
});

test('4.4 with server-generated names the client gets one of ours, in the shard it asked', async () => {
  const world = await setup({ nodeIds: 'server-generated' });
  world.tell(create('phone', { reply: world.answers, tag: 1 }), create('phone', { reply: world.answers, tag: 2 }));
  await world.clock.settle();
  const [one, two] = [world.answers.of(1), world.answers.of(2)];
  assert.ok(one?.kind === 'created' && two?.kind === 'created');
  assert.notEqual(one.node, two.node);
  assert.equal(slotOfNode(one.node), slotOf('phone'));
});

test('4.7 the quota counts what the batch has made', async () => {
  const world = await setup();
  const reply = world.answers;
  for (let tag = 1; tag <= 4; tag++) world.tell(create(`n${tag}`, { reply, tag }));
  await world.clock.settle();
  assert.deepEqual(
    [1, 2, 3, 4].map((tag) => reply.word(tag)),
    ['created', 'created', 'created', 'quota'],
  );
});

test('an owner who registers and unregisters in a loop leaves a bounded number of rows', async () => {
  const world = await setup();
  for (let round = 0; round < 20; round++) {
    world.tell(register({ reply: world.answers, tag: 2 * round }));
    await world.clock.settle();
    world.tell(unregister({ reply: world.answers, tag: 2 * round + 1, deviceId: 'phone' }));
    await world.clock.settle();
    assert.equal(world.answers.word(2 * round + 1), 'unregistered');
  }
  assert.ok((await world.store.count()) <= 4, `${await world.store.count()} rows`);
});

test('5.43 unregistering and listing in one batch agree', async () => {
  const world = await setup({}, [live('a'), live('b')]);
  const reply = world.answers;
  const owner = bare('anna@example.com');
  world.tell(unregister({ reply, tag: 1, nodes: [node('a')] }), { kind: 'list', owner, reply, tag: 2 });
  await world.clock.settle();
  const listed = reply.of(2);
  assert.ok(listed?.kind === 'listed');
  assert.deepEqual(
    listed.registrations.map((one) => one.node),
    ['b'],
  );
});

test('a store that cannot write is answered, costs nobody else, and is not a failure of the actor', async () => {
  const world = await setup({}, [live('a')]);
  const reply = world.answers;
  world.store.writeFails = true;
  world.tell(
    register({ reply, tag: 1 }),
    publish('a', { reply, tag: 2 }),
    { kind: 'disable', node: node('a'), token: device.token, reason: 'x', sinceMs: 0, reply, tag: 9 },
    publish('a', { reply, tag: 3 }),
  );
  await world.clock.settle();
  assert.deepEqual(
    [1, 2, 3, 9].map((tag) => reply.word(tag)),
    ['store-failed', 'nothing', 'store-failed', 'store-failed'],
  );
  assert.deepEqual(world.dispatched, ['a']);
  assert.deepEqual(world.lines, ['disk full']);
  world.store.writeFails = false;
  world.tell(register({ reply, tag: 4 }), publish('a', { reply, tag: 5 }));
  await world.clock.settle();
  assert.deepEqual([reply.word(4), world.dispatched], ['registered', ['a', 'a']]);
});

test('5.32 one token of two accounts is two nodes; who unregisters or dies leaves the other', async () => {
  const world = await setup();
  const reply = world.answers;
  const boris = bare('boris@example.org');
  world.tell(register({ reply, tag: 1 }), register({ reply, tag: 2, owner: boris }));
  await world.clock.settle();
  const nodes = [1, 2].map((tag) => {
    const answer = reply.of(tag);
    assert.ok(answer?.kind === 'registered');
    return answer.node;
  });
  const [ofAnna, ofBoris] = nodes;
  assert.ok(ofAnna !== undefined && ofBoris !== undefined && ofAnna !== ofBoris);
  world.tell(unregister({ reply, tag: 3, deviceId: '', token: device.token }));
  await world.clock.settle();
  assert.deepEqual(reply.of(3), { kind: 'unregistered', nodes: [ofAnna] });
  const rows = world.store.readMany([ofAnna, ofBoris]);
  assert.deepEqual(
    rows.map((one) => one?.state),
    ['dead', 'live'],
  );
});

test('a corrupt row costs the publishes to its node, and no others', async () => {
  const world = await setup({}, [live('a'), live('b')]);
  const reply = world.answers;
  world.store.corrupt.add(node('b'));
  world.tell(publish('a', { reply, tag: 1 }), publish('b', { reply, tag: 2 }), publish('nobody', { reply, tag: 3 }));
  await world.clock.settle();
  assert.deepEqual(world.dispatched, ['a']);
  assert.deepEqual([reply.word(2), reply.word(3)], ['store-failed', 'unknown-node']);
  world.tell(create('c', { reply, tag: 4 }), publish('b', { reply, tag: 5 }), publish('a', { reply, tag: 6 }));
  await world.clock.settle();
  assert.deepEqual([reply.word(4), reply.word(5), world.dispatched], ['created', 'store-failed', ['a', 'a']]);
});

test('a store that is away is asked once for a batch, and no node counts as unknown', async () => {
  const world = await setup({}, [live('a')]);
  const reply = world.answers;
  world.store.isAway = true;
  world.tell(...['a', 'b', 'c'].map((name, index) => publish(name, { reply, tag: index })));
  await world.clock.settle();
  assert.deepEqual([reply.word(0), reply.word(1), reply.word(2)], Array(3).fill('store-failed'));
  assert.deepEqual(world.store.log, ['read 3']);
});

test('4.63 a dead token ends its registration, and the publisher hears of it when that is on disk', async () => {
  const world = await setup({}, [live('a')]);
  const reply = world.answers;
  world.store.closeGate();
  world.tell({
    kind: 'disable',
    node: node('a'),
    token: device.token,
    reason: 'Unregistered',
    sinceMs: 0,
    reply,
    tag: 9,
  });
  await world.clock.settle();
  assert.equal(reply.word(9), 'nothing');
  world.store.openGate();
  await world.clock.settle();
  assert.deepEqual(reply.of(9), { kind: 'published', outcome: unregistered('Unregistered', 0) });
  world.tell(publish('a', { reply, tag: 1 }));
  await world.clock.settle();
  assert.equal(world.answers.word(1), 'unknown-node');
  assert.equal(world.store.readMany([node('a')])[0]?.deathReason, 'Unregistered');
});

test('4.20 tombstones go after their time, live rows and younger ones stay', async () => {
  const world = await setup();
  const diedAtMs = world.clock.now();
  const many = Array.from({ length: limits.sweepRows + 10 }, (_, index) =>
    row(`old ${index}`, { state: 'dead', diedAtMs }),
  );
  const young = epochMs(diedAtMs + limits.tombstoneMs);
  await world.store.writeMany([...many, live('a'), row('young', { state: 'dead', diedAtMs: young })]);
  await world.clock.advance(2 * limits.sweepEveryMs);
  assert.equal(await world.store.count(), many.length + 2);
  world.clock.jump(limits.tombstoneMs);
  await world.clock.advance(3 * limits.sweepEveryMs);
  assert.deepEqual(
    (await world.store.scan(undefined, 10)).map((one) => one.node),
    ['a', 'young'],
  );
});

test('4.20 tombstones behind many live rows are found, page after page', async () => {
  const world = await setup();
  const many = Array.from({ length: 2 * limits.sweepRows }, (_, index) => live(`a ${index}`));
  await world.store.writeMany([...many, row('z', { state: 'dead', diedAtMs: epochMs(1) })]);
  await world.clock.advance(2 * limits.sweepEveryMs);
  assert.equal(await world.store.count(), many.length + 1);
  await world.clock.advance(limits.sweepEveryMs);
  assert.equal(await world.store.count(), many.length);
  await world.store.writeMany([row('! first', { state: 'dead', diedAtMs: epochMs(1) })]);
  await world.clock.advance(limits.sweepEveryMs);
  assert.equal(await world.store.count(), many.length, 'it starts again at the beginning');
});

test('a store that goes on failing is one line for each interval', async () => {
  const world = await setup();
  const reply = world.answers;
  world.store.writeFails = true;
  for (let tag = 1; tag <= 3; tag++) {
    world.tell(register({ reply, tag }));
    await world.clock.settle();
    assert.equal(reply.word(tag), 'store-failed');
  }
  assert.deepEqual(world.lines, ['disk full']);
  await world.clock.advance(60_000);
  world.tell(register({ reply, tag: 4 }));
  await world.clock.settle();
  assert.deepEqual(world.lines, ['disk full', 'disk full']);
});

test('a throw in a batch that writes loses only what was not answered, each once', async () => {
  const dispatch: Dispatch = () => {
    throw new Error('a defect');
  };
  const world = await setup({ dispatch }, [live('a')]);
  const reply = world.answers;
  world.tell(
    publish('nobody', { reply, tag: 1 }),
    register({ reply, tag: 2 }),
    publish('a', { reply, tag: 3 }),
    publish('nobody', { reply, tag: 4 }),
  );
  await world.clock.settle();
  const words = [1, 2, 3, 4].map((tag) => reply.word(tag));
  assert.deepEqual(words, ['unknown-node', 'store-failed', 'store-failed', 'store-failed']);
  assert.deepEqual(reply.doubles, []);
});

test('a throw in the middle of a batch loses only what was not answered, each once', async () => {
  let calls = 0;
  const dispatch: Dispatch = () => {
    if (++calls === 2) throw new Error('a defect');
    return 'accepted';
  };
  const world = await setup({ dispatch }, [live('a')]);
  const reply = world.answers;
  world.tell(
    publish('nobody', { reply, tag: 1 }),
    publish('a', { reply, tag: 2 }),
    publish('a', { reply, tag: 3 }),
    publish('a', { reply, tag: 4 }),
  );
  await world.clock.settle();
  const words = [1, 2, 3, 4].map((tag) => reply.word(tag));
  assert.deepEqual(words, ['unknown-node', 'nothing', 'store-failed', 'store-failed']);
  assert.deepEqual(reply.doubles, []);
  await world.clock.advance(100);
  world.tell(publish('a', { reply, tag: 5 }));
  await world.clock.settle();
  assert.equal(calls, 3);
});

test('stopped in the middle of a commit, each command is answered once', async () => {
  const world = await setup({}, [live('a')]);
  const reply = world.answers;
  world.store.closeGate();
  world.tell(register({ reply, tag: 1 }), publish('nobody', { reply, tag: 2 }));
  await world.clock.settle();
  const stopped = world.system.stop(50);
  world.shard.tell(publish('a', { reply, tag: 3 }));
  await world.clock.advance(100);
  await stopped;
  assert.deepEqual([reply.word(1), reply.word(2), reply.word(3)], ['stopping', 'unknown-node', 'nothing']);
  world.store.openGate();
  await world.clock.settle();
  assert.deepEqual([reply.count, reply.doubles], [2, []]);
});
