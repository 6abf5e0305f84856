/** Events out of a real RabbitMQ: nothing lost, nothing acknowledged too early, whoever goes away (mongooseim 5.3). */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createEngine } from '../../src/index.ts';
import { seededRandom } from '../../src/core/random.ts';
import { rabbitmqAbsent, startRabbitMQ } from '../peers/rabbitmq.ts';
import { until } from '../peers/deadline.ts';
import { Pusher, configOf, cableTo, openReader } from './rabbit-world.ts';
import type { EventResult } from '../../src/core/event.ts';
import type { RabbitMQ } from '../peers/rabbitmq.ts';

const skipped: EventResult = { kind: 'skipped', reason: 'scripted' };
const byText = (a: string, b: string): number => (a < b ? -1 : 1);
const never = (): Promise<EventResult> => new Promise(() => undefined);

describe('RabbitMQ', { skip: rabbitmqAbsent }, () => {
  let broker: RabbitMQ;

  before(async () => {
    broker = await startRabbitMQ();
  });

  after(async () => {
    await broker.stop();
  });

  it('mongooseim 5.3: presence, chats and rooms arrive in order, sent messages do not', async (t) => {
    const config = configOf(broker.url, 'order');
    const pusher = new Pusher(t, config);
    await pusher.declare();
    const reader = await openReader(t, config);
    await reader.untilConsuming();
    await pusher.presence('bob.the.builder', true);
    await pusher.chat('Hello');
    await pusher.group('Hello, all');
    await pusher.presence('bob.the.builder', false);
    await reader.untilGiven(4);
    assert.deepEqual(
      reader.given.map(({ kind, type, status, from, to, jid }) => [kind, type ?? status, from ?? jid, to]),
      [
        ['status', 'online', 'bob.the.builder@chat.example/res1', undefined],
        ['message', 'chat', 'alice@chat.example/res1', 'bob@chat.example'],
        ['message', 'groupchat', 'room@muc.example/alice', 'bob@chat.example/res1'],
        ['status', 'offline', 'bob.the.builder@chat.example/res1', undefined],
      ],
    );
    await reader.close();
    assert.equal(await pusher.ready(config.queue), 0);
  });

  it('mongooseim 5.5: the whole engine pushes to who is away, and not to who is online', async (t) => {
    const config = configOf(broker.url, 'whole');
    const pusher = new Pusher(t, config);
    await pusher.declare();
    const engine = await createEngine({
      providers: [{ name: 'trial', kind: 'blackhole' }],
      registrations: { store: 'memory', shards: 1 },
      push: { store: 'memory', virtual_hosts: ['push.@HOST@'] },
      rabbit: [
        {
          name: 'whole',
          url: broker.url,
          queue: config.queue,
          presence_exchange: config.presenceExchange,
          chat_exchange: config.chatExchange,
          group_exchange: config.groupExchange,
        },
      ],
    });
    t.after(() => engine.stop());
    await engine.start();
    const options = { service: 'fcm', device_id: 'a-token-of-a-phone-0123456789' };
    await engine.push.enable({ owner: 'bob@chat.example', service: 'push.chat.example', node: 'n1', options });
    await until('it reads', () => (engine.figures().rabbits[0]?.state === 'consuming' ? true : undefined));
    const untilPushed = (count: number): Promise<true> =>
      until(`${count} are pushed`, () => (engine.figures().events?.pushed === count ? true : undefined));
    await pusher.presence('bob', true);
    await pusher.chat('is seen');
    await pusher.presence('bob', false);
    await pusher.chat('is pushed');
    await pusher.group('is pushed, too');
    await untilPushed(2);
    await engine.stop();
    assert.equal(await pusher.ready(config.queue), 0);
  });

  it('reads from exchanges that it has declared before MongooseIM does', async (t) => {
    const config = configOf(broker.url, 'first', { durableExchanges: true });
    const reader = await openReader(t, config);
    await reader.untilConsuming();
    const pusher = new Pusher(t, config);
    await pusher.declare();
    await pusher.chat('Hello');
    await reader.untilGiven(1);
  });

  it('acknowledges what has ended and nothing else: the rest comes again in order, also after close', async (t) => {
    const config = configOf(broker.url, 'ack');
    const pusher = new Pusher(t, config);
    await pusher.declare();
    const reader = await openReader(t, config, (input) => (input['body'] === 'b' ? skipped : never()));
    await reader.untilConsuming();
    await pusher.chat('a');
    await reader.untilGiven(1);
    await pusher.chat('b');
    await until('b is acknowledged', () => (reader.rabbit.figures().acknowledged === 1 ? true : undefined));
    await pusher.chat('c');
    await reader.untilGiven(3);
    assert.equal(reader.rabbit.figures().underWay, 2);
    assert.equal(await pusher.ready(config.queue), 0);
    await reader.close(100);
    await pusher.untilReady(config.queue, 2);
    const next = await openReader(t, config);
    await next.untilGiven(2);
    assert.deepEqual(next.texts(), ['a', 'c']);
  });

  it('has no more messages than the prefetch under way', async (t) => {
    const config = configOf(broker.url, 'bound', { prefetch: 5 });
    const pusher = new Pusher(t, config);
    await pusher.declare();
    const open: (() => void)[] = [];
    const reader = await openReader(t, config, () => new Promise((resolve) => void open.push(() => resolve(skipped))));
    await reader.untilConsuming();
    await pusher.chat('1', '2', '3', '4', '5', '6', '7', '8');
    await pusher.untilReady(config.queue, 3);
    assert.deepEqual(reader.texts(), ['1', '2', '3', '4', '5']);
    await until('all have ended', () => {
      for (const end of open.splice(0)) end();
      return reader.rabbit.figures().acknowledged === 8 ? true : undefined;
    });
    assert.deepEqual(reader.texts(), ['1', '2', '3', '4', '5', '6', '7', '8']);
  });

  it('loses nothing to kill -9 in the middle of a batch', async (t) => {
    const config = configOf(broker.url, 'killed');
    const pusher = new Pusher(t, config);
    await pusher.declare();
    const program = fileURLToPath(new URL('rabbit-reader.js', import.meta.url));
    const child = spawn(process.execPath, [program, JSON.stringify(config)], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    await until('the queue is there', async () => ((await pusher.ready(config.queue)) === 0 ? true : undefined));
    await until('it is bound', async () => {
      await pusher.chat('warm');
      return printed.includes('warm') ? true : undefined;
    });
    await pusher.chat('one', 'two', 'three');
    await until('it has them', () => (printed.includes('three') ? true : undefined));
    child.kill('SIGKILL');
    const reader = await openReader(t, config);
    await until('three is given', () => (reader.texts().includes('three') ? true : undefined));
    assert.deepEqual(
      reader.texts().filter((text) => text !== 'warm'),
      ['one', 'two', 'three'],
    );
  });

  it('sets aside what cannot be read, with its reason, once for all in the log, and goes on', async (t) => {
    const config = configOf(broker.url, 'poison');
    const poison = `${config.queue}.poison`;
    const pusher = new Pusher(t, config);
    await pusher.declare();
    const reader = await openReader(t, config, (input) =>
      input['to'] === 'bad' ? { kind: 'invalid', reason: 'to: not a JID' } : skipped,
    );
    await reader.untilConsuming();
    const key = 'bob@chat.example.chat_msg_recv';
    for (let n = 0; n < 20; n++) await pusher.publish(config.chatExchange, key, 'secret words');
    await pusher.publish(config.chatExchange, key, '{"from_user_id":"a@b/c","to_user_id":"bad","message":"x"}');
    await pusher.chat('good');
    await reader.untilGiven(2);
    await pusher.untilReady(poison, 21);
    assert.equal(reader.lines.filter((text) => text.includes('set aside')).length, 1);
    assert.doesNotMatch(reader.lines.join('\n'), /secret/);
    await until('all are acknowledged', () => (reader.rabbit.figures().acknowledged === 22 ? true : undefined));
    const first = await pusher.connection.basicGet(poison);
    const { 'x-delivery-count': _deliveries, ...headers } = first?.headers ?? {};
    assert.deepEqual(headers, {
      reason: 'body: is not JSON',
      'meerkat-exchange': config.chatExchange,
      'meerkat-routing-key': key,
    });
    assert.equal(String(first?.body), 'secret words');
    assert.equal(reader.rabbit.figures().poison, 21);
  });

  it('makes the poison queue again when it was deleted, and loses no message by that', async (t) => {
    const config = configOf(broker.url, 'gone');
    const poison = `${config.queue}.poison`;
    const pusher = new Pusher(t, config);
    await pusher.declare();
    const reader = await openReader(t, config);
    await reader.untilConsuming();
    const send = (): Promise<void> => pusher.publish(config.chatExchange, 'bob@chat.example.chat_msg_recv', '{');
    await send();
    await pusher.untilReady(poison, 1);
    await pusher.connection.queueDelete(poison);
    await send();
    await until('it is there again', async () => ((await pusher.ready(poison)) === 1 ? true : undefined));
    await until('both are acknowledged', () => (reader.rabbit.figures().acknowledged === 2 ? true : undefined));
  });

  it('reads a message that was put back from the poison queue as it was', async (t) => {
    const config = configOf(broker.url, 'replay');
    const poison = `${config.queue}.poison`;
    const pusher = new Pusher(t, config);
    await pusher.declare();
    let isMended = false;
    const reader = await openReader(t, config, () => (isMended ? skipped : { kind: 'invalid', reason: 'a defect' }));
    await reader.untilConsuming();
    await pusher.chat('again');
    await pusher.untilReady(poison, 1);
    isMended = true;
    const message = await pusher.connection.basicGet(poison);
    assert.ok(message);
    const publisher = pusher.connection.createPublisher({ confirm: true });
    await publisher.send({ routingKey: config.queue, headers: message.headers ?? {} }, message.body);
    await publisher.close();
    await reader.untilGiven(2);
    assert.deepEqual(reader.texts(), ['again', 'again']);
    await until('it is acknowledged', () => (reader.rabbit.figures().acknowledged === 2 ? true : undefined));
  });

  it('acknowledges each message when its own event ends, in whatever order they end, and no other', async (t) => {
    const cable = await cableTo(t, broker.port);
    const config = configOf(broker.url.replace(`:${broker.port}/`, `:${cable.port}/`), 'own-end', { prefetch: 16 });
    const pusher = new Pusher(t, configOf(broker.url, 'own-end'));
    await pusher.declare();
    const random = seededRandom(5);
    const shuffled = async (): Promise<EventResult> => {
      await new Promise((resolve) => setTimeout(resolve, random.unit() * 20));
      return skipped;
    };
    const reader = await openReader(t, config, ({ body }) => (String(body).startsWith('stuck') ? never() : shuffled()));
    await reader.untilConsuming();
    const texts = Array.from({ length: 120 }, (_, index) => (index % 40 === 5 ? `stuck ${index}` : `text ${index}`));
    await pusher.chat(...texts);
    await until('the others are acknowledged', () => (reader.rabbit.figures().acknowledged === 117 ? true : undefined));
    assert.equal(reader.rabbit.figures().underWay, 3);
    assert.equal(reader.lines.length, 1, reader.lines.join());
    cable.cut();
    await reader.untilGiven(123);
    await reader.close(0);
    assert.deepEqual(new Set(reader.texts().slice(120)), new Set(['stuck 45', 'stuck 5', 'stuck 85']));
    await pusher.untilReady(config.queue, 3);
  });

  it('mongooseim 2.14: after a cut the same messages come with the same ids, and presence is not lost', async (t) => {
    const cable = await cableTo(t, broker.port);
    const config = configOf(broker.url.replace(`:${broker.port}/`, `:${cable.port}/`), 'cut');
    const pusher = new Pusher(t, configOf(broker.url, 'cut'));
    await pusher.declare();
    let isSlow = true;
    const reader = await openReader(t, config, () => (isSlow ? never() : skipped));
    await reader.untilConsuming();
    await pusher.chat('ok', 'ok', 'other');
    await reader.untilGiven(3);
    isSlow = false;
    cable.cut();
    await reader.untilGiven(6);
    const ids = reader.given.map((input) => input['id']);
    assert.deepEqual(ids.slice(3), ids.slice(0, 3));
    assert.equal(new Set(ids).size, 3);
    assert.equal(reader.presenceLosses(), 0);
    await until('all are acknowledged', () => (reader.rabbit.figures().acknowledged === 3 ? true : undefined));
  });

  it('makes its queue again when somebody has deleted it', async (t) => {
    const config = configOf(broker.url, 'deleted');
    const pusher = new Pusher(t, config);
    await pusher.declare();
    const reader = await openReader(t, config);
    await reader.untilConsuming();
    await pusher.connection.queueDelete(config.queue);
    await reader.untilLine(/no events.*was deleted/);
    await reader.untilConsuming();
    await pusher.chat('Hello');
    await reader.untilGiven(1);
  });

  it('names the key that is wrong, once, never the password, and reads on as soon as it is mended', async (t) => {
    const config = configOf(broker.url, 'wrong');
    const pusher = new Pusher(t, config);
    const { connection } = pusher;
    await connection.exchangeDeclare({ exchange: config.chatExchange, type: 'fanout', durable: false });
    const typed = await openReader(t, config);
    const line = await typed.untilLine(/chat_exchange/);
    assert.match(line, /inequivalent arg 'type'.*durable_exchanges must be as in MongooseIM/);
    await connection.exchangeDelete({ exchange: config.chatExchange });
    await typed.untilConsuming();
    assert.deepEqual(
      typed.lines.filter((text) => text.includes('inequivalent')),
      [line],
    );
    const durable = await openReader(t, { ...config, queue: 'events-wrong-2', durableExchanges: true });
    assert.match(await durable.untilLine(/presence_exchange/), /inequivalent arg 'durable'/);
    await connection.queueDeclare({ queue: 'events-wrong-3', durable: true });
    const queue = await openReader(t, { ...config, queue: 'events-wrong-3' });
    assert.match(await queue.untilLine(/no events/), /queue: .*inequivalent arg.*write another name/);
    const refused = await openReader(t, { ...config, url: broker.url.replace('s3cr3t-rabbit', 'wr0ng-word') });
    assert.match(await refused.untilLine(/no events/), /ACCESS_REFUSED.*user or password is wrong/);
    const lost = await openReader(t, { ...config, url: broker.url.replace('%2f', 'nowhere') });
    assert.match(await lost.untilLine(/no events/), /url: the virtual host does not exist/);
    const nobody = await openReader(t, { ...config, url: broker.url.replace(`:${broker.port}/`, ':1/') });
    assert.match(await nobody.untilLine(/no events/), /ECONNREFUSED/);
    for (const { lines } of [typed, durable, queue, refused, lost, nobody]) {
      assert.doesNotMatch(lines.join('\n'), /s3cr3t|wr0ng/);
    }
  });

  it('begins before its broker does', async (t) => {
    await broker.kill('SIGTERM');
    const reader = await openReader(t, configOf(broker.url, 'early'));
    await reader.untilLine(/ECONNREFUSED/);
    await broker.start();
    await reader.untilConsuming();
    await reader.close();
    assert.equal(reader.rabbit.figures().state, 'closed');
  });

  it('mongooseim 2.14: a broker that ends, or is killed, loses nothing, and repeats by the same ids', async (t) => {
    const config = configOf(broker.url, 'restart', { prefetch: 2 });
    const pusher = new Pusher(t, config);
    await pusher.declare();
    let isSlow = true;
    const reader = await openReader(t, config, ({ body }) => (isSlow && body !== undefined ? never() : skipped));
    await reader.untilConsuming();
    await pusher.presence('bob', true);
    await until('presence is noted', () => (reader.rabbit.figures().acknowledged === 1 ? true : undefined));
    for (const [round, signal] of (['SIGTERM', 'SIGKILL'] as const).entries()) {
      isSlow = true;
      const earlier = reader.given.length;
      await pusher.chat('same', 'same', 'queued');
      await reader.untilGiven(earlier + 2);
      await broker.kill(signal);
      await until('it is lost', () => (reader.rabbit.figures().state === 'connecting' ? true : undefined));
      isSlow = false;
      await broker.start();
      await reader.untilGiven(earlier + 5);
      // A broker that comes back may deliver what was queued before what it delivers again.
      const repeated = reader.given.slice(earlier + 2).map((input) => String(input['body']));
      assert.deepEqual(repeated.toSorted(byText), ['queued', 'same', 'same']);
      const ids = reader.given.slice(earlier).map((input) => input['id']);
      assert.equal(new Set(ids).size, 3);
      await until('all have ended', () => (reader.rabbit.figures().underWay === 0 ? true : undefined));
      assert.equal(await pusher.ready(config.queue), 0);
      assert.equal(reader.presenceLosses(), round + 1);
    }
    // Exchanges that are not durable went with the broker; ours are there before MongooseIM's.
    await pusher.chat('afterwards');
    await until('it is given', () => (reader.texts().includes('afterwards') ? true : undefined));
    assert.equal(reader.lines.filter((text) => text.includes('reads events')).length, 3);
  });
});
