/** The intake between a scripted broker and a scripted engine, on a virtual clock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNodeId, preparedBareJID } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { silentLogger } from '../../../src/core/log.ts';
import { accepted, throttled, unavailable } from '../../../src/core/outcome.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { RabbitIntake } from '../../../src/rabbit/rabbit-intake.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import { rabbitConfig } from '../../rabbit-config.ts';
import type { EventResult } from '../../../src/core/event.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { EventEnds } from '../../../src/event/event-door.ts';
import type { Delivered } from '../../../src/rabbit/rabbit-link.ts';

const parsed = parseNodeId('n');
assert.ok(parsed.ok);
const node = parsed.value;

const noted: EventResult = { kind: 'noted' };
const skipped: EventResult = { kind: 'skipped', reason: 'online' };
const overloaded: EventResult = { kind: 'refused', reason: 'overloaded' };

function pushed(outcome: Outcome): EventResult {
  const owner = preparedBareJID('bob@chat.example');
  return { kind: 'pushed', publishes: [{ owner, service: owner, node: node, outcome }] };
}

type Input = Readonly<Record<string, unknown>>;

interface Call {
  readonly inputs: readonly Input[];
  /** One result for all, or one for each. */
  answer(...results: readonly EventResult[]): Promise<void>;
  end(index: number, result: EventResult): Promise<void>;
}

class Scene {
  readonly clock = new VirtualClock();
  readonly calls: Call[] = [];
  readonly acknowledged: number[] = [];
  readonly setAside: string[] = [];
  poisonIsTaken = true;
  readonly resets: (readonly string[])[] = [];
  resetIsTaken = true;
  readonly steps: string[] = [];
  /** How the engine ends an event within the call. */
  endsAtOnce: EventResult | undefined;
  readonly intake: RabbitIntake;
  #tag = 0;

  constructor(prefetch = 512) {
    const isInput = (value: unknown): value is Input => typeof value === 'object' && value !== null;
    const door = {
      giveEvents: (inputs: readonly unknown[], ends: EventEnds): void => {
        const answer = async (...results: readonly EventResult[]): Promise<void> => {
          for (let index = 0; index < inputs.length; index++) {
            ends.ended(index, (results.length === 1 ? results[0] : results[index]) ?? noted);
          }
          await this.clock.settle();
        };
        const end = async (index: number, result: EventResult): Promise<void> => {
          ends.ended(index, result);
          await this.clock.settle();
        };
        this.calls.push({ inputs: inputs.filter(isInput), answer, end });
        if (this.endsAtOnce !== undefined) void answer(this.endsAtOnce);
      },
    };
    const poison = {
      setAside: async (_message: unknown, reason: string): Promise<boolean> => {
        this.setAside.push(reason);
        return await Promise.resolve(this.poisonIsTaken);
      },
      close: async (): Promise<void> => await Promise.resolve(),
    };
    const link = {
      state: 'consuming' as const,
      acknowledge: (message: Delivered): void => void this.acknowledged.push(message.tag),
      cancel: async (): Promise<void> => {
        this.steps.push('cancel');
        await Promise.resolve();
      },
      close: async (): Promise<void> => {
        this.steps.push(`close after ${this.acknowledged.length} acknowledgements`);
        await Promise.resolve();
      },
    };
    this.intake = new RabbitIntake(
      {
        config: rabbitConfig({ prefetch }),
        door,
        clock: this.clock,
        random: seededRandom(7),
        logger: silentLogger,
        presenceReset: (domains) => {
          this.resets.push(domains);
          return this.resetIsTaken;
        },
      },
      poison,
      () => link,
    );
  }

  message(text: string, more: Partial<Delivered> & { readonly id?: string } = {}): number {
    const { id, ...rest } = more;
    const body = { from_user_id: 'alice@chat.example/a', to_user_id: 'bob@chat.example', message: text, id };
    return this.deliver({
      exchange: 'chat_msg',
      routingKey: 'bob@chat.example.chat_msg_recv',
      body: Buffer.from(JSON.stringify(body)),
      ...rest,
    });
  }

  presence(jid: string, present: boolean, isRedelivered = false): number {
    const body = Buffer.from(JSON.stringify({ user_id: jid, present }));
    return this.deliver({ exchange: 'presence', routingKey: 'bob@chat.example', body, isRedelivered });
  }

  deliver(message: Pick<Delivered, 'exchange' | 'routingKey' | 'body'> & Partial<Delivered>): number {
    const tag = ++this.#tag;
    this.intake.delivered({ headers: undefined, connection: 1, tag, isRedelivered: false, ...message });
    return tag;
  }

  call(index: number): Call {
    const call = this.calls[index];
    assert.ok(call, `there is no call ${index}`);
    return call;
  }
}

test('what arrives in one turn is one call, in order, and acknowledged when it has ended', async () => {
  const scene = new Scene();
  scene.message('one');
  scene.presence('bob@chat.example/x', false);
  scene.message('two');
  await scene.clock.settle();
  assert.equal(scene.calls.length, 1);
  assert.deepEqual(
    scene.call(0).inputs.map((input) => input['body'] ?? input['status']),
    ['one', 'offline', 'two'],
  );
  assert.deepEqual(scene.acknowledged, []);
  assert.equal(scene.intake.figures().underWay, 3);
  await scene.call(0).answer(pushed(accepted('1')), noted, skipped);
  assert.deepEqual(scene.acknowledged, [1, 2, 3]);
  assert.equal(scene.clock.pending, 0);
});

test('one event that waits for a gateway delays none that came with it', async () => {
  const scene = new Scene();
  for (const text of ['stuck', 'good', 'refused']) scene.message(text);
  scene.message('bad');
  await scene.clock.settle();
  await scene.call(0).end(1, pushed(accepted('1')));
  assert.deepEqual(scene.acknowledged, [2]);
  await scene.call(0).end(3, { kind: 'invalid', reason: 'to: not a JID' });
  assert.deepEqual([scene.setAside, scene.acknowledged], [['to: not a JID'], [2, 4]]);
  await scene.call(0).end(2, overloaded);
  await scene.clock.advance(limits.rabbitRetryFirstMs + limits.rabbitLookMs);
  assert.deepEqual(
    scene.call(1).inputs.map((input) => input['body']),
    ['refused'],
  );
  await scene.call(1).answer(skipped);
  assert.equal(scene.intake.figures().underWay, 1);
  await scene.call(0).end(0, skipped);
  assert.deepEqual(scene.acknowledged, [2, 4, 3, 1]);
  assert.equal(scene.clock.pending, 0);
});

test('what ends before the engine has taken the rest of its call is acknowledged, too', async () => {
  const scene = new Scene();
  scene.endsAtOnce = skipped;
  scene.message('one');
  scene.presence('bob@chat.example/x', true);
  await scene.clock.settle();
  assert.deepEqual(scene.acknowledged, [1, 2]);
  await scene.intake.close(5_000);
  assert.deepEqual(scene.steps, ['cancel', 'close after 2 acknowledgements']);
});

test('an older presence that is stuck does not come after a later one that came with it', async () => {
  const scene = new Scene();
  scene.presence('bob@chat.example/x', true);
  scene.presence('bob@chat.example/x', false);
  await scene.clock.settle();
  await scene.call(0).end(1, noted);
  await scene.call(0).end(0, overloaded);
  assert.deepEqual(scene.acknowledged, [2, 1]);
  assert.equal(scene.clock.pending, 0);
});

test('closing waits for each event that the engine has, not for the first of a call', async () => {
  const scene = new Scene();
  for (const text of ['one', 'two']) scene.message(text);
  await scene.clock.settle();
  const closing = scene.intake.close(5_000);
  await scene.call(0).end(0, skipped);
  assert.deepEqual(scene.steps, ['cancel']);
  await scene.call(0).end(1, skipped);
  await closing;
  assert.deepEqual(scene.steps, ['cancel', 'close after 2 acknowledgements']);
});

test('a flood is cut into calls of bounded size', async () => {
  const scene = new Scene();
  for (let n = 0; n < 150; n++) scene.message(String(n));
  await scene.clock.settle();
  assert.deepEqual(
    scene.calls.map((call) => call.inputs.length),
    [64, 64, 22],
  );
});

test('a message the engine refuses is kept, and given again with its id until it is taken', async () => {
  const scene = new Scene();
  scene.message('one');
  await scene.clock.settle();
  await scene.call(0).answer(overloaded);
  assert.deepEqual(scene.acknowledged, []);
  await scene.clock.advance(limits.rabbitRetryFirstMs + limits.rabbitLookMs);
  assert.equal(scene.calls.length, 2);
  assert.ok(String(scene.call(0).inputs[0]?.['id']).startsWith('rabbit:'));
  assert.deepEqual(scene.call(1).inputs, scene.call(0).inputs);
  await scene.call(1).answer(pushed(unavailable('no', 'refused')));
  await scene.clock.advance(2 * limits.rabbitRetryFirstMs + limits.rabbitLookMs);
  await scene.call(2).answer(pushed(accepted('1')));
  assert.deepEqual(scene.acknowledged, [1]);
  assert.equal(scene.intake.figures().retried, 2);
  assert.equal(scene.clock.pending, 0);
});

test('a gateway that names a wait is left alone that long', async () => {
  const scene = new Scene();
  scene.message('one');
  await scene.clock.settle();
  await scene.call(0).answer(pushed(throttled('429', 20_000)));
  await scene.clock.advance(19_900);
  assert.equal(scene.calls.length, 1);
  await scene.clock.advance(100 + limits.rabbitLookMs);
  assert.equal(scene.calls.length, 2);
});

test('an event that never succeeds ends with its life, acknowledged and counted', async () => {
  const scene = new Scene();
  scene.message('one');
  for (let turn = 0; turn < 2 * (limits.rabbitEventLifeMs / limits.rabbitLookMs); turn++) {
    await scene.clock.advance(limits.rabbitLookMs);
    await scene.calls.at(-1)?.answer(overloaded);
  }
  assert.deepEqual(scene.acknowledged, [1]);
  assert.equal(scene.intake.figures().expired, 1);
  assert.ok(scene.calls.length >= 10 && scene.calls.length <= 60, `${scene.calls.length} calls`);
  assert.equal(scene.clock.pending, 0);
});

test('a presence that was refused does not come after a later one of its session', async () => {
  const scene = new Scene();
  scene.presence('bob@chat.example/x', true);
  await scene.clock.settle();
  scene.presence('bob@chat.example/x', false);
  scene.presence('bob@chat.example/y', true);
  await scene.clock.settle();
  await scene.call(1).answer(noted, overloaded);
  await scene.call(0).answer(overloaded);
  assert.deepEqual(scene.acknowledged, [2, 1]);
  await scene.clock.advance(limits.rabbitRetryFirstMs + limits.rabbitLookMs);
  assert.deepEqual(scene.call(2).inputs, [{ kind: 'status', jid: 'bob@chat.example/y', status: 'online' }]);
});

test('a presence that waits is overtaken by a later one', async () => {
  const scene = new Scene();
  scene.presence('bob@chat.example/x', true);
  await scene.clock.settle();
  await scene.call(0).answer(overloaded);
  scene.presence('bob@chat.example/x', false);
  await scene.clock.settle();
  await scene.call(1).answer(noted);
  await scene.clock.advance(limits.rabbitRetryFirstMs + limits.rabbitLookMs);
  assert.equal(scene.calls.length, 2);
  assert.deepEqual(new Set(scene.acknowledged), new Set([1, 2]));
});

test('a presence that is delivered again after a later one of its session is not given again', async () => {
  const scene = new Scene();
  scene.presence('bob@chat.example/x', true);
  scene.presence('bob@chat.example/y', true);
  await scene.clock.settle();
  scene.intake.connectionLost();
  scene.presence('bob@chat.example/x', false);
  const again = scene.presence('bob@chat.example/x', true, true);
  scene.presence('bob@chat.example/y', true, true);
  await scene.clock.settle();
  assert.deepEqual(scene.acknowledged, [again]);
  assert.deepEqual(
    scene.call(1).inputs.map((input) => [input['jid'], input['status']]),
    [
      ['bob@chat.example/x', 'offline'],
      ['bob@chat.example/y', 'online'],
    ],
  );
});

test('while others succeed, those that wait for one push service take half of the room at most', async () => {
  const scene = new Scene(4);
  for (const text of ['a', 'b', 'c']) scene.message(text);
  await scene.clock.settle();
  await scene.call(0).answer(pushed(unavailable('no', 'away')));
  assert.deepEqual(scene.acknowledged, []);
  scene.message('d');
  await scene.clock.settle();
  await scene.call(1).answer(pushed(accepted('1')));
  assert.deepEqual(scene.acknowledged, [1, 4]);
  assert.equal(scene.intake.figures().expired, 1);
});

test('what cannot be read is set aside and acknowledged, and the next goes on', async () => {
  const scene = new Scene();
  const bad = scene.deliver({ exchange: 'chat_msg', routingKey: 'x.chat_msg_recv', body: Buffer.from('{') });
  const good = scene.message('good');
  await scene.clock.settle();
  assert.deepEqual(scene.setAside, ['body: is not JSON']);
  assert.deepEqual(scene.acknowledged, [bad]);
  await scene.call(0).answer({ kind: 'invalid', reason: 'to: not a JID' });
  assert.deepEqual(scene.setAside, ['body: is not JSON', 'to: not a JID']);
  assert.deepEqual(scene.acknowledged, [bad, good]);
  assert.equal(scene.intake.figures().poison, 2);
});

test('what cannot be set aside is kept and tried again', async () => {
  const scene = new Scene();
  scene.poisonIsTaken = false;
  scene.deliver({ exchange: 'chat_msg', routingKey: 'x.chat_msg_recv', body: Buffer.from('{') });
  await scene.clock.settle();
  assert.deepEqual(scene.acknowledged, []);
  scene.poisonIsTaken = true;
  await scene.clock.advance(limits.rabbitRetryFirstMs + limits.rabbitLookMs);
  assert.deepEqual(scene.acknowledged, [1]);
  assert.equal(scene.setAside.length, 2);
});

test("a room's own copy is acknowledged and nothing else", async () => {
  const scene = new Scene();
  const body = { from_user_id: 'room@muc.example/n', to_user_id: 'room@muc.example', message: 'x' };
  scene.deliver({
    exchange: 'groupchat_msg',
    routingKey: 'room@muc.example.groupchat_msg_recv',
    body: Buffer.from(JSON.stringify(body)),
  });
  await scene.clock.settle();
  assert.deepEqual(scene.acknowledged, [1]);
  assert.equal(scene.calls.length, 0);
});

test('mongooseim 2.14: after a cut nothing is kept, and what comes again has the same id', async () => {
  const scene = new Scene();
  scene.message('in the engine');
  await scene.clock.settle();
  scene.message('waits');
  await scene.clock.settle();
  await scene.call(1).answer(overloaded);
  scene.intake.connectionLost();
  assert.equal(scene.intake.figures().underWay, 0);
  await scene.call(0).answer(skipped);
  await scene.clock.advance(limits.rabbitRetryMaxMs);
  assert.deepEqual(scene.acknowledged, []);
  assert.equal(scene.calls.length, 2);
  scene.message('in the engine', { isRedelivered: true, connection: 2 });
  scene.message('waits', { isRedelivered: true, connection: 2 });
  await scene.clock.settle();
  const idsOf = (...indices: readonly number[]): readonly unknown[] =>
    indices.flatMap((index) => scene.call(index).inputs.map((input) => input['id']));
  assert.deepEqual(idsOf(2), idsOf(0, 1));
});

test('ids of acknowledged messages are kept for as many as the prefetch', async () => {
  const scene = new Scene(2);
  for (const text of ['a', 'b', 'c']) {
    scene.message(text);
    await scene.clock.settle();
    await scene.calls.at(-1)?.answer(skipped);
  }
  scene.intake.connectionLost();
  for (const text of ['a', 'c']) scene.message(text, { isRedelivered: true });
  await scene.clock.settle();
  const ids = scene.calls.flatMap(({ inputs }) => inputs.map((input) => input['id']));
  assert.equal(ids[4], ids[2]);
  assert.equal(new Set(ids).size, 4);
});

test('an id of the metadata is the id of the event', async () => {
  const scene = new Scene();
  scene.message('x', { id: 'stanza-1' });
  await scene.clock.settle();
  assert.equal(scene.call(0).inputs[0]?.['id'], 'stanza-1');
});

test('xmpp 6.30: a restart of the broker is told to whoever remembers presence, until it is taken', async () => {
  const scene = new Scene();
  scene.intake.brokerRestarted();
  assert.deepEqual(scene.resets, []);
  scene.presence('bob@chat.example/x', true);
  scene.presence('eve@other.example/y', true);
  scene.resetIsTaken = false;
  scene.intake.brokerRestarted();
  scene.resetIsTaken = true;
  await scene.clock.advance(limits.rabbitLookMs);
  const domains = ['chat.example', 'other.example'];
  assert.deepEqual(scene.resets, [domains, domains]);
  assert.equal(scene.clock.pending, 0);
});

test('closing waits for what the engine has, and gives the rest back', async () => {
  const scene = new Scene();
  scene.message('in the engine');
  await scene.clock.settle();
  scene.message('not yet given');
  const closing = scene.intake.close(5_000);
  scene.message('too late');
  await scene.clock.settle();
  assert.deepEqual(scene.steps, ['cancel']);
  await scene.call(0).answer(skipped);
  await closing;
  assert.equal(scene.calls.length, 1);
  assert.deepEqual(scene.steps, ['cancel', 'close after 1 acknowledgements']);
  assert.equal(scene.intake.figures().underWay, 0);
  assert.equal(scene.clock.pending, 0);
});

test('closing ends at its budget, and what is under way then is not acknowledged', async () => {
  const scene = new Scene();
  scene.message('stuck');
  await scene.clock.settle();
  const closing = scene.intake.close(5_000);
  await scene.clock.advance(5_000);
  await closing;
  await scene.call(0).answer(skipped);
  assert.deepEqual(scene.acknowledged, []);
  assert.deepEqual(scene.steps, ['cancel', 'close after 0 acknowledgements']);
});
