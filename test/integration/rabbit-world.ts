/**
 * A RabbitMQ with MongooseIM's side played by a plain AMQP client: it declares the exchanges of mongooseim 5.3 and
 * publishes as MongooseIM does, without content type, ids, or persistence. The engine's side is a scripted door.
 */
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { Connection } from 'rabbitmq-client';
import { systemClock } from '../../src/core/clock.ts';
import { systemRandom } from '../../src/core/random.ts';
import { openRabbit } from '../../src/rabbit/rabbit-intake.ts';
import { until } from '../peers/deadline.ts';
import { rabbitConfig } from '../rabbit-config.ts';
import type { RabbitConfig } from '../../config/engine-config.ts';
import type { EventResult } from '../../src/core/event.ts';
import type { Logger } from '../../src/core/log.ts';
import type { Random } from '../../src/core/random.ts';
import type { Rabbit } from '../../src/rabbit/rabbit-intake.ts';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';

export type Input = Readonly<Record<string, unknown>>;
export type Scripted = (input: Input) => EventResult | Promise<EventResult>;

/** Short waits: the shape of the back-off is proved on a virtual clock. */
const hurried: Random = { ...systemRandom, unit: () => 0.02 };

const skipped: EventResult = { kind: 'skipped', reason: 'scripted' };

export interface Reader {
  readonly rabbit: Rabbit;
  /** Every event that was given, repetitions included. */
  readonly given: readonly Input[];
  readonly lines: readonly string[];
  readonly presenceLosses: () => number;
  /** Texts of the messages, as given. */
  texts(): readonly unknown[];
  untilGiven(count: number): Promise<void>;
  untilConsuming(): Promise<void>;
  untilLine(what: RegExp): Promise<string>;
  close(budgetMs?: number): Promise<void>;
}

/** Opens the intake; closed with the test. */
export async function openReader(
  t: TestContext,
  config: RabbitConfig,
  script: Scripted = () => skipped,
): Promise<Reader> {
  const given: Input[] = [];
  const lines: string[] = [];
  let losses = 0;
  const rabbit = await openRabbit({
    config,
    clock: systemClock,
    random: hurried,
    logger: logTo(lines),
    presenceReset: () => {
      losses++;
      return true;
    },
    door: {
      giveEvents(inputs, ends) {
        const events = inputs.filter(isInput);
        given.push(...events);
        for (const [index, input] of events.entries()) {
          void Promise.resolve(script(input)).then((result) => ends.ended(index, result));
        }
      },
    },
  });
  const close = async (budgetMs = 5_000): Promise<void> => await rabbit.close(budgetMs);
  t.after(async () => await close(0));
  return {
    rabbit,
    given,
    lines,
    close,
    presenceLosses: () => losses,
    texts: () => given.filter((input) => 'body' in input).map((input) => input['body']),
    untilGiven: async (count) =>
      void (await until(`${count} events are given`, () => (given.length >= count ? true : undefined))),
    untilConsuming: async () =>
      void (await until('it consumes', () => (rabbit.figures().state === 'consuming' ? true : undefined))),
    untilLine: async (what) => await until(`a log line ${what.source}`, () => lines.find((text) => what.test(text))),
  };
}

function isInput(value: unknown): value is Input {
  return typeof value === 'object' && value !== null;
}

function logTo(lines: string[]): Logger {
  const write = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  return { debug: write, info: write, warn: write, error: write };
}

/** Names of one test: its own queue and exchanges on the broker that all share. */
export function configOf(url: string, name: string, changes: Partial<RabbitConfig> = {}): RabbitConfig {
  return rabbitConfig({
    name,
    url,
    queue: `events-${name}`,
    presenceExchange: `presence-${name}`,
    chatExchange: `chat-${name}`,
    groupExchange: `group-${name}`,
    ...changes,
  });
}

/** MongooseIM's half, as far as RabbitMQ sees it. */
export class Pusher {
  readonly connection: Connection;
  readonly #config: RabbitConfig;

  constructor(t: TestContext, config: RabbitConfig) {
    this.#config = config;
    this.connection = new Connection({ url: config.url, retryLow: 50, retryHigh: 100 });
    this.connection.on('error', () => undefined); // brokers that go away are what the tests are about
    t.after(() => this.connection.unsafeDestroy());
  }

  async declare(): Promise<void> {
    const { presenceExchange, chatExchange, groupExchange, durableExchanges: durable } = this.#config;
    for (const exchange of [presenceExchange, chatExchange, groupExchange]) {
      await this.connection.exchangeDeclare({ exchange, type: 'topic', durable });
    }
  }

  async presence(user: string, present: boolean): Promise<void> {
    const body = JSON.stringify({ user_id: `${user}@chat.example/res1`, present });
    await this.publish(this.#config.presenceExchange, `${user}@chat.example`, body);
  }

  async chat(...texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      const body = { from_user_id: 'alice@chat.example/res1', to_user_id: 'bob@chat.example', message: text };
      await this.publish(this.#config.chatExchange, 'alice@chat.example.chat_msg_sent', JSON.stringify(body));
      await this.publish(this.#config.chatExchange, 'bob@chat.example.chat_msg_recv', JSON.stringify(body));
    }
  }

  async group(text: string): Promise<void> {
    const body = { from_user_id: 'room@muc.example/alice', to_user_id: 'bob@chat.example/res1', message: text };
    await this.publish(this.#config.groupExchange, 'bob@chat.example.groupchat_msg_recv', JSON.stringify(body));
  }

  /** Resolves when the broker has routed it. */
  async publish(exchange: string, routingKey: string, body: string): Promise<void> {
    const publisher = this.connection.createPublisher({ confirm: true, maxAttempts: 5 });
    await publisher.send({ exchange, routingKey }, Buffer.from(body));
    await publisher.close();
  }

  /** Messages of a queue that nobody has taken. */
  async ready(queue: string): Promise<number> {
    return (await this.connection.queueDeclare({ queue, passive: true })).messageCount;
  }

  async untilReady(queue: string, count: number): Promise<void> {
    await until(`${count} messages are in ${queue}`, async () =>
      (await this.ready(queue)) === count ? true : undefined,
    );
  }
}

/** A line to the broker that can be cut. */
export async function cableTo(t: TestContext, port: number): Promise<{ readonly port: number; cut(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => [near, far].forEach((end) => end.destroy()));
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: portOf(server.address()), cut: () => sockets.forEach((socket) => socket.destroy()) };
}

function portOf(address: AddressInfo | string | null): number {
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}
