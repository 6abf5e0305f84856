// Thread: main
/**
 * The connection to one broker, made again whenever it ends: connect, declare everything, consume. Each attempt is a
 * `Connection` of its own, given up at its first error: the library connects again by itself, but reports only the
 * first error of a row, so that a password that was changed during an outage would never be told.
 */
import { Connection } from 'rabbitmq-client';
import type { AsyncMessage, Channel } from 'rabbitmq-client';
import type { RabbitConfig } from '../../config/engine-config.ts';
import { limits } from '../core/limits.ts';
import { fullJitterMs } from '../core/random.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { connectRemedy } from './broker.ts';
import { DeclarationError, declarations, declareAll, markerOf } from './topology.ts';
import type { BrokerAddress } from './broker.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Random } from '../core/random.ts';
import type { RabbitMessage } from './rabbit-events.ts';

/** A message that waits for its acknowledgement. */
export interface Delivered extends RabbitMessage {
  /** Of the connection that brought it; on another one its tag means nothing, or another message. */
  readonly connection: number;
  readonly tag: number;
  readonly isRedelivered: boolean;
}

export interface LinkReader {
  delivered(message: Delivered): void;
  /** What was delivered and is not acknowledged will be delivered again. */
  connectionLost(): void;
  /** The broker was restarted: what MongooseIM said meanwhile is lost. */
  brokerRestarted(): void;
}

export type LinkState = 'connecting' | 'consuming' | 'closed';

export interface LinkOptions {
  readonly config: RabbitConfig;
  readonly address: BrokerAddress;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export class RabbitLink {
  readonly #options: LinkOptions;
  readonly #reader: LinkReader;
  #state: LinkState = 'connecting';
  /** Counts attempts: what belongs to an earlier one is ignored. */
  #number = 0;
  #connection: Connection | undefined;
  #channel: Channel | undefined;
  /** Of the channel. */
  readonly #acknowledgements = new Acknowledgements();
  #consumerTag = '';
  #failures = 0;
  #consumingSinceMs = 0;
  #wasConsuming = false;
  #lastTrouble = '';
  #cancelRetry: Cancel | undefined;

  constructor(options: LinkOptions, reader: LinkReader) {
    this.#options = options;
    this.#reader = reader;
    this.#attempt();
  }

  get state(): LinkState {
    return this.#state;
  }

  /** On the wire with what else ends in this turn: a frame for each costs several times what its event does. */
  acknowledge(message: Delivered): void {
    if (message.connection !== this.#number) return;
    if (this.#acknowledgements.ended(message.tag)) this.#options.clock.soon(() => this.#sendAcknowledgements());
  }

  /** No more deliveries; those that are here may still be acknowledged. At most `budgetMs`. */
  async cancel(budgetMs: number): Promise<void> {
    if (this.#state !== 'consuming' || this.#channel === undefined) return;
    await within(this.#options.clock, budgetMs, this.#channel.basicCancel({ consumerTag: this.#consumerTag }));
  }

  /** What is not acknowledged goes back to its place in the queue. */
  async close(budgetMs: number): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#cancelRetry?.();
    const connection = this.#connection;
    const channel = this.#channel;
    this.#sendAcknowledgements();
    this.#letGo();
    if (connection !== undefined) await this.#end(connection, channel, budgetMs);
  }

  #sendAcknowledgements(): void {
    const channel = this.#channel;
    if (channel?.active !== true) return;
    const { upTo, alone } = this.#acknowledgements.take();
    if (upTo > 0) channel.basicAck({ deliveryTag: upTo, multiple: true });
    for (const deliveryTag of alone) channel.basicAck({ deliveryTag });
  }

  #attempt(): void {
    const { clock, address } = this.#options;
    const number = ++this.#number;
    const connection = new Connection(address.options);
    this.#connection = connection;
    // Stays until the end: an 'error' that nobody hears would be thrown.
    connection.on('error', (error: unknown) => this.#failed(number, error, connectRemedy(error)));
    connection.on('connection', () => {
      const late = new Error('RabbitMQ does not answer; a quorum queue without a leader does not');
      const cancel = clock.after(limits.rabbitSetUpMs, () => this.#failed(number, late, ''));
      this.#setUp(number, connection)
        .catch((error: unknown) => this.#failed(number, error, ''))
        .finally(cancel);
    });
  }

  async #setUp(number: number, connection: Connection): Promise<void> {
    const { config, clock } = this.#options;
    const isRestarted = this.#wasConsuming && !(await hasExchange(connection, markerOf(config)));
    const channel = await connection.acquire({ emitErrorsFromChannel: true });
    channel.on('error', (error: unknown) => this.#failed(number, error, ''));
    // The library tells the end of a channel before the error of its connection, which says why.
    channel.on('close', () => clock.soon(() => this.#failed(number, new Error('the channel was closed'), '')));
    channel.on('basic.cancel', (_tag: string, error: unknown) => {
      this.#failed(number, error, `queue: ${config.queue} was deleted, or its leader is gone`);
    });
    await declareAll(channel, declarations(config));
    await channel.basicQos({ prefetchCount: config.prefetch });
    if (number !== this.#number) return;
    this.#channel = channel;
    if (isRestarted) this.#reader.brokerRestarted();
    const take = (message: AsyncMessage): void => {
      if (number !== this.#number) return;
      this.#acknowledgements.delivered(message.deliveryTag);
      this.#reader.delivered(deliveredOf(message, number));
    };
    const { consumerTag } = await channel.basicConsume({ queue: config.queue }, take);
    if (number === this.#number) this.#consumes(consumerTag);
  }

  #consumes(consumerTag: string): void {
    const { clock, logger, config, address } = this.#options;
    this.#consumerTag = consumerTag;
    this.#consumingSinceMs = clock.monotonicMs();
    this.#state = 'consuming';
    this.#wasConsuming = true;
    this.#lastTrouble = '';
    logger.info({ rabbit: config.name, broker: address.place, queue: config.queue }, 'reads events out of RabbitMQ');
  }

  #failed(number: number, error: unknown, remedy: string): void {
    if (number !== this.#number || this.#state === 'closed') return;
    const { clock, random } = this.#options;
    const connection = this.#connection;
    const channel = this.#channel;
    if (this.#state === 'consuming' && clock.monotonicMs() - this.#consumingSinceMs >= limits.stableMs) {
      this.#failures = 0;
    }
    this.#state = 'connecting';
    this.#letGo();
    this.#reader.connectionLost();
    const waitMs = fullJitterMs(random, this.#failures++, limits.reconnectFirstMs, limits.reconnectMaxMs);
    this.#report(error, remedy);
    this.#cancelRetry = clock.after(waitMs, () => this.#attempt());
    if (connection !== undefined) void this.#end(connection, channel, limits.closeMs);
  }

  /** One line for each kind of trouble, not for each attempt. */
  #report(error: unknown, remedy: string): void {
    const { config, address, logger } = this.#options;
    const text = address.textOf(error);
    if (text === this.#lastTrouble) return;
    this.#lastTrouble = text;
    const level = error instanceof DeclarationError || remedy !== '' ? 'error' : 'warn';
    const fields = { rabbit: config.name, broker: address.place, error: text, ...(remedy === '' ? {} : { remedy }) };
    logger[level](fields, 'no events out of RabbitMQ; connects again and again');
  }

  /** What still comes from this attempt is nobody's. */
  #letGo(): void {
    this.#number++;
    this.#connection = undefined;
    this.#channel = undefined;
    this.#acknowledgements.clear();
    this.#consumerTag = '';
  }

  /** Politely, so that RabbitMQ does not log a lost client; by force when that takes too long. */
  async #end(connection: Connection, channel: Channel | undefined, budgetMs: number): Promise<void> {
    const { clock } = this.#options;
    if (connection.ready) {
      const bye = Promise.resolve(channel?.close()).then(() => connection.close());
      await within(clock, budgetMs, bye);
    }
    connection.unsafeDestroy();
  }
}

function deliveredOf(message: AsyncMessage, connection: number): Delivered {
  const { exchange, routingKey, headers, deliveryTag, redelivered } = message;
  const body: unknown = message.body;
  return { exchange, routingKey, headers, body, connection, tag: deliveryTag, isRedelivered: redelivered };
}

/** A question that RabbitMQ answers by closing the channel when there is none. */
async function hasExchange(connection: Connection, exchange: string): Promise<boolean> {
  const channel = await connection.acquire();
  try {
    await channel.exchangeDeclare({ exchange, passive: true });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'NOT_FOUND') return false;
    throw error;
  } finally {
    await channel.close();
  }
}

/** Resolves with the promise, however it ends, at the latest after `ms`. */
export async function within(clock: Clock, ms: number, promise: Promise<unknown>): Promise<void> {
  await new Promise<void>((resolve) => {
    const cancel = clock.after(Math.max(0, ms), resolve);
    const end = (): void => {
      cancel();
      resolve();
    };
    promise.then(end, end);
  });
}
