// Thread: main
/**
 * Sets messages aside that cannot be read, in a queue of their own, confirmed by the broker. Over a connection of its
 * own, opened for the first of them: RabbitMQ stops reading from connections that publish while it is short of memory,
 * and ours must go on acknowledging then, or the queue that fills the memory would never be emptied.
 */
import { Connection } from 'rabbitmq-client';
import type { Publisher } from 'rabbitmq-client';
import type { RabbitConfig } from '../../config/engine-config.ts';
import { limits } from '../core/limits.ts';
import { originHeaders, originOf } from './rabbit-events.ts';
import { within } from './rabbit-link.ts';
import { poisonArguments, poisonQueueOf } from './topology.ts';
import type { BrokerAddress } from './broker.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { RabbitMessage } from './rabbit-events.ts';

export interface PoisonOptions {
  readonly config: RabbitConfig;
  readonly address: BrokerAddress;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class PoisonQueue {
  readonly #options: PoisonOptions;
  readonly #queue: string;
  #connection: Connection | undefined;
  #publisher: Publisher | undefined;
  #lastId = 0;
  /** Messages that no queue took, told before their confirmation. */
  readonly #returned = new Set<string>();
  #unreported = 0;
  #reportedAtMs = -Infinity;

  constructor(options: PoisonOptions) {
    this.#options = options;
    this.#queue = poisonQueueOf(options.config);
  }

  /** @returns whether the message is in the queue, for good; if not, it may be tried again. */
  async setAside(message: RabbitMessage, reason: string): Promise<boolean> {
    const origin = originOf(message);
    const id = String(++this.#lastId);
    const envelope = {
      routingKey: this.#queue,
      mandatory: true,
      durable: true,
      messageId: id,
      headers: {
        reason,
        [originHeaders.exchange]: origin.exchange,
        [originHeaders.routingKey]: origin.routingKey,
      },
    };
    const { clock } = this.#options;
    const publisher = this.#open();
    let isTaken = false;
    // The library tells a return one turn after it has told the confirmation that came behind it.
    const sending = publisher.send(envelope, message.body).then(() => new Promise<void>((told) => clock.soon(told)));
    await within(
      clock,
      limits.rabbitPoisonMs,
      sending.then(() => (isTaken = true)),
    );
    const isReturned = this.#returned.delete(id);
    if (!isTaken || isReturned) {
      // A queue that was deleted is declared again by the next connection.
      if (publisher === this.#publisher) this.#destroy();
      return false;
    }
    this.#report(reason);
    return true;
  }

  async close(budgetMs: number): Promise<void> {
    const publisher = this.#publisher;
    const connection = this.#connection;
    if (publisher === undefined || connection === undefined) return;
    const bye = publisher.close().then(() => connection.close());
    await within(this.#options.clock, budgetMs, bye);
    this.#destroy();
  }

  #open(): Publisher {
    if (this.#publisher !== undefined) return this.#publisher;
    const connection = new Connection(this.#options.address.options);
    // Its trouble is the other connection's too, which reports it.
    connection.on('error', () => undefined);
    const queue = { queue: this.#queue, durable: true, arguments: { ...poisonArguments } };
    const publisher = connection.createPublisher({ confirm: true, queues: [queue] });
    publisher.on('basic.return', ({ messageId }) => {
      if (messageId !== undefined) this.#returned.add(messageId);
    });
    this.#connection = connection;
    this.#publisher = publisher;
    return publisher;
  }

  #destroy(): void {
    this.#connection?.unsafeDestroy();
    this.#connection = undefined;
    this.#publisher = undefined;
  }

  /** One line a minute, however many there are. */
  #report(reason: string): void {
    const { clock, logger, config } = this.#options;
    this.#unreported++;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#reportedAtMs < limits.rabbitPoisonLogMs) return;
    const fields = { rabbit: config.name, queue: this.#queue, messages: this.#unreported, reason };
    logger.warn(fields, 'messages out of RabbitMQ that cannot be read were set aside');
    this.#reportedAtMs = nowMs;
    this.#unreported = 0;
  }
}
