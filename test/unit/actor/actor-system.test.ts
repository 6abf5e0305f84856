import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ActorSystem } from '../../../src/actor/actor-system.ts';
import { silentLogger } from '../../../src/core/log.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import type { ActorContext, ActorSpec, Lost, Supervision } from '../../../src/actor/actor.ts';

interface Message {
  readonly value: number;
}

interface Setup {
  readonly capacity?: number;
  readonly batchMax?: number;
  readonly supervision?: Supervision;
  readonly receive?: (batch: readonly Message[], context: ActorContext<Message>) => void | Promise<void>;
  readonly init?: () => void | Promise<void>;
}

function setup(options: Setup = {}) {
  const clock = new VirtualClock();
  const failed: string[] = [];
  const system = new ActorSystem({ clock, logger: silentLogger, failed: (path) => failed.push(path) });
  const batches: number[][] = [];
  const lost: { value: number; cause: Lost['kind'] }[] = [];
  const life: string[] = [];
  const spec: ActorSpec<Message, null> = {
    name: 'subject',
    mailbox: { capacity: options.capacity ?? 100, batchMax: options.batchMax ?? 10 },
    supervision: options.supervision ?? { kind: 'restart', restartsMax: 3, windowMs: 1_000, backoffMs: [10, 80] },
    async init() {
      life.push('init');
      await options.init?.();
      return null;
    },
    receive(_state, batch, context) {
      batches.push(batch.map((message) => message.value));
      return options.receive?.(batch, context);
    },
    lost: (message, cause) => lost.push({ value: message.value, cause: cause.kind }),
    stop: () => void life.push('stop'),
  };
  const ref = system.spawn(spec);
  return { clock, system, ref, batches, lost, life, failed };
}

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe('actor: mailbox and batches', () => {
  it('takes what waits in one batch, in order, up to batchMax', async () => {
    const { ref, clock, batches } = setup({ batchMax: 3 });
    for (let value = 0; value < 7; value++) assert.equal(ref.tell({ value }), 'accepted');
    await clock.settle();
    assert.deepEqual(batches, [[0, 1, 2], [3, 4, 5], [6]]);
  });

  it('answers full at capacity and accepts again when the mailbox has drained', async () => {
    const { ref, clock, batches } = setup({ capacity: 2 });
    assert.deepEqual(
      [ref.tell({ value: 1 }), ref.tell({ value: 2 }), ref.tell({ value: 3 })],
      ['accepted', 'accepted', 'full'],
    );
    assert.equal(ref.depth, 2);
    await clock.settle();
    assert.equal(ref.tell({ value: 4 }), 'accepted');
    await clock.settle();
    assert.deepEqual(batches, [[1, 2], [4]]);
  });

  it('is not re-entered while a batch is pending, and pauses this mailbox alone', async () => {
    const slow = gate();
    const { ref, clock, system, batches } = setup({ receive: () => slow.opened });
    const others: number[] = [];
    const other = system.spawn<Message, null>({
      name: 'other',
      mailbox: { capacity: 10, batchMax: 10 },
      supervision: { kind: 'escalate' },
      init: () => null,
      receive: (_state, batch) => void others.push(...batch.map((message) => message.value)),
      lost: () => undefined,
    });
    await clock.settle();
    assert.equal(ref.tell({ value: 1 }), 'accepted');
    await clock.settle();
    assert.equal(ref.tell({ value: 2 }), 'accepted');
    assert.equal(other.tell({ value: 9 }), 'accepted');
    await clock.settle();
    assert.deepEqual(batches, [[1]]);
    assert.deepEqual(others, [9]);
    slow.open();
    await clock.settle();
    assert.deepEqual(batches, [[1], [2]]);
  });

  it('is fair: one turn gives each ready actor one batch before any gets its second', async () => {
    const clock = new VirtualClock();
    const system = new ActorSystem({ clock, logger: silentLogger, failed: () => assert.fail('no actor fails here') });
    const order: string[] = [];
    const spec = (name: string): ActorSpec<Message, null> => ({
      name,
      mailbox: { capacity: 10, batchMax: 1 },
      supervision: { kind: 'escalate' },
      init: () => null,
      receive: (_state, batch) => void order.push(`${name}${batch[0]?.value}`),
      lost: () => undefined,
    });
    const [left, right] = [system.spawn(spec('a')), system.spawn(spec('b'))];
    await clock.settle();
    for (let value = 0; value < 3; value++) assert.equal(left.tell({ value }), 'accepted');
    for (let value = 0; value < 3; value++) assert.equal(right.tell({ value }), 'accepted');
    await clock.settle();
    assert.deepEqual(order, ['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
  });

  it('delivers a message to self after the delay, and drops it when the actor has stopped', async () => {
    const { ref, clock, system, batches } = setup({
      receive: (batch, context) => {
        if (batch[0]?.value === 1) context.after(50, { value: 2 });
      },
    });
    assert.equal(ref.tell({ value: 1 }), 'accepted');
    await clock.advance(49);
    assert.deepEqual(batches, [[1]]);
    await clock.advance(1);
    assert.deepEqual(batches, [[1], [2]]);
    assert.equal(ref.tell({ value: 1 }), 'accepted');
    await clock.settle();
    await system.stop(100);
    await clock.advance(100);
    assert.equal(batches.length, 3);
    assert.equal(clock.pending, 0);
  });
});

describe('actor: failure', () => {
  it('loses the failed batch exactly once, restarts after the back-off and goes on with what waits', async () => {
    let failures = 0;
    const { ref, clock, batches, lost, life } = setup({
      batchMax: 2,
      receive: () => {
        if (failures++ === 0) throw new Error('surprise');
      },
    });
    for (let value = 0; value < 3; value++) assert.equal(ref.tell({ value }), 'accepted');
    await clock.settle();
    assert.deepEqual(lost, [
      { value: 0, cause: 'failed' },
      { value: 1, cause: 'failed' },
    ]);
    assert.deepEqual(batches, [[0, 1]]);
    await clock.advance(10);
    assert.deepEqual(batches, [[0, 1], [2]]);
    assert.deepEqual(life, ['init', 'stop', 'init']);
    assert.equal(lost.length, 2);
  });

  it('treats a rejected promise as a throw', async () => {
    const { ref, clock, lost } = setup({ receive: () => Promise.reject(new Error('disk')) });
    assert.equal(ref.tell({ value: 5 }), 'accepted');
    await clock.settle();
    assert.deepEqual(lost, [{ value: 5, cause: 'failed' }]);
  });

  it('stays bounded while it waits for its restart', async () => {
    const { ref, clock } = setup({
      capacity: 1,
      receive: () => {
        throw new Error('surprise');
      },
    });
    assert.equal(ref.tell({ value: 1 }), 'accepted');
    await clock.settle();
    assert.deepEqual([ref.tell({ value: 2 }), ref.tell({ value: 3 })], ['accepted', 'full']);
  });

  it('doubles the back-off and gives up past restartsMax: what waits is lost, the root failure told', async () => {
    const { ref, clock, failed, lost } = setup({
      batchMax: 1,
      supervision: { kind: 'restart', restartsMax: 2, windowMs: 10_000, backoffMs: [10, 15] },
      receive: () => {
        throw new Error('always');
      },
    });
    for (let value = 0; value < 5; value++) assert.equal(ref.tell({ value }), 'accepted');
    await clock.advance(10);
    assert.equal(lost.length, 2);
    await clock.advance(14);
    assert.equal(lost.length, 2);
    await clock.advance(1);
    assert.deepEqual(failed, ['/subject']);
    assert.deepEqual(
      lost.map((entry) => entry.value),
      [0, 1, 2, 3, 4],
    );
    assert.equal(ref.tell({ value: 9 }), 'stopped');
  });

  it('forgets restarts that are older than the window', async () => {
    let failing = true;
    const { ref, clock, failed } = setup({
      supervision: { kind: 'restart', restartsMax: 1, windowMs: 100, backoffMs: [1, 1] },
      receive: () => {
        if (failing) throw new Error('now and then');
      },
    });
    for (let round = 0; round < 5; round++) {
      assert.equal(ref.tell({ value: round }), 'accepted');
      await clock.advance(200);
    }
    failing = false;
    assert.deepEqual(failed, []);
  });

  it('restarts when init itself fails', async () => {
    let attempts = 0;
    const { ref, clock, batches } = setup({
      init: () => {
        if (++attempts < 3) throw new Error('not yet');
      },
    });
    assert.equal(ref.tell({ value: 1 }), 'accepted');
    await clock.advance(1_000);
    assert.equal(attempts, 3);
    assert.deepEqual(batches, [[1]]);
  });

  it('escalates from a child to its parent, which restarts with its children', async () => {
    const clock = new VirtualClock();
    const system = new ActorSystem({ clock, logger: silentLogger, failed: () => assert.fail('the parent recovers') });
    const life: string[] = [];
    let tellChild = (_value: number): unknown => undefined;
    const child: ActorSpec<Message, null> = {
      name: 'child',
      mailbox: { capacity: 4, batchMax: 4 },
      supervision: { kind: 'escalate' },
      init: () => (life.push('child init'), null),
      receive(_state, batch) {
        if (batch[0]?.value === 13) throw new Error('unlucky');
      },
      lost: (message, cause) => life.push(`child lost ${message.value} ${cause.kind}`),
      stop: () => void life.push('child stop'),
    };
    system.spawn<Message, null>({
      name: 'parent',
      mailbox: { capacity: 4, batchMax: 4 },
      supervision: { kind: 'restart', restartsMax: 3, windowMs: 1_000, backoffMs: [5, 5] },
      init(context) {
        const ref = context.spawn(child);
        tellChild = (value) => ref.tell({ value });
        life.push('parent init');
        return null;
      },
      receive: () => undefined,
      lost: () => undefined,
      stop: () => void life.push('parent stop'),
    });
    await clock.settle();
    assert.equal(tellChild(13), 'accepted');
    await clock.advance(5);
    assert.deepEqual(life, [
      'child init',
      'parent init',
      'child lost 13 failed',
      'child stop',
      'parent stop',
      'child init',
      'parent init',
    ]);
    assert.equal(tellChild(1), 'accepted');
  });
});

describe('actor: a batch of an earlier life', () => {
  it('that ends, well or not, does nothing to the actor that was restarted meanwhile', async () => {
    for (const end of ['resolve', 'reject'] as const) {
      const clock = new VirtualClock();
      const system = new ActorSystem({ clock, logger: silentLogger, failed: () => assert.fail('the parent recovers') });
      const life: string[] = [];
      const ends: Record<typeof end, () => void> = { resolve: () => undefined, reject: () => undefined };
      let tellChild = (): unknown => undefined;
      const parent = system.spawn<Message, null>({
        name: 'parent',
        mailbox: { capacity: 4, batchMax: 1 },
        supervision: { kind: 'restart', restartsMax: 3, windowMs: 1_000, backoffMs: [5, 5] },
        init(context) {
          const ref = context.spawn<Message, null>({
            name: 'child',
            mailbox: { capacity: 1, batchMax: 1 },
            supervision: { kind: 'escalate' },
            init: () => null,
            receive: () => assert.fail('unlucky'),
            lost: () => undefined,
          });
          tellChild = () => ref.tell({ value: 0 });
          life.push('init');
          return null;
        },
        receive(_state, [message]) {
          life.push(`batch ${message?.value}`);
          if (message?.value !== 1) return undefined;
          return new Promise((resolve, reject) =>
            Object.assign(ends, { resolve, reject: () => reject(new Error('late')) }),
          );
        },
        lost: (message) => life.push(`lost ${message.value}`),
      });
      await clock.settle();
      assert.equal(parent.tell({ value: 1 }), 'accepted');
      await clock.settle();
      assert.equal(tellChild(), 'accepted');
      await clock.advance(5);
      ends[end]();
      assert.equal(parent.tell({ value: 2 }), 'accepted');
      await clock.advance(1_000);
      assert.deepEqual(life, ['init', 'batch 1', 'lost 1', 'init', 'batch 2'], end);
    }
  });
});

describe('actor: stop', () => {
  it('handles what waits, refuses what comes, and releases its state', async () => {
    const { ref, clock, system, batches, lost, life } = setup({ batchMax: 1 });
    await clock.settle();
    for (let value = 0; value < 3; value++) assert.equal(ref.tell({ value }), 'accepted');
    const stopped = system.stop(1_000);
    assert.equal(ref.tell({ value: 9 }), 'stopped');
    await clock.settle();
    await stopped;
    assert.deepEqual(batches, [[0], [1], [2]]);
    assert.deepEqual(lost, []);
    assert.deepEqual(life, ['init', 'stop']);
    assert.equal(clock.pending, 0);
  });

  it('loses what is not done within the budget, exactly once, even if the batch ends later', async () => {
    const slow = gate();
    const { ref, clock, system, lost } = setup({ receive: () => slow.opened, batchMax: 1 });
    await clock.settle();
    for (let value = 0; value < 3; value++) assert.equal(ref.tell({ value }), 'accepted');
    await clock.settle();
    const stopped = system.stop(20);
    await clock.advance(20);
    await stopped;
    slow.open();
    await clock.settle();
    assert.deepEqual(
      lost.map((entry) => [entry.value, entry.cause]),
      [
        [0, 'stopped'],
        [1, 'stopped'],
        [2, 'stopped'],
      ],
    );
  });

  it('tolerates stop before start has ended, and a second stop', async () => {
    const slow = gate();
    const { system, clock } = setup({ init: () => slow.opened });
    const stopped = system.stop(10);
    slow.open();
    await clock.advance(10);
    await stopped;
    await system.stop(10);
  });
});
