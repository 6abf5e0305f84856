// Thread: main
/**
 * What is declared at the broker, in order, each with the configuration key that decides about it. Exchanges are
 * asserted as MongooseIM asserts them (mongooseim 5.3), so that either side may come first.
 *
 * Both queues are quorum queues: MongooseIM's messages are not marked persistent, so a durable classic queue would lose
 * them with the broker; a quorum queue keeps whatever it has taken, and counts deliveries.
 */
import type { Channel } from 'rabbitmq-client';
import type { RabbitConfig } from '../../config/engine-config.ts';
import { limits } from '../core/limits.ts';

/** An error's place: which key to look at, and what may be wrong there. */
export class DeclarationError extends Error {
  override readonly name = 'DeclarationError';
}

export interface Declaration {
  readonly key: string;
  readonly remedy: string;
  readonly run: (channel: Channel) => Promise<unknown>;
}

export function poisonQueueOf({ queue }: Pick<RabbitConfig, 'queue'>): string {
  return `${queue}.poison`;
}

/** A transient exchange of ours, without bindings: gone with the broker, and so the proof that it was restarted. */
export function markerOf({ queue }: Pick<RabbitConfig, 'queue'>): string {
  return `${queue}.marker`;
}

export function declarations(config: RabbitConfig): readonly Declaration[] {
  const { queue, presenceExchange, chatExchange, chatTopic, groupExchange, groupTopic } = config;
  // JIDs hold dots, which divide words: `#.` stands for any number of them.
  const sources = [
    { key: 'presence_exchange', exchange: presenceExchange, routingKey: '#' },
    { key: 'chat_exchange', exchange: chatExchange, routingKey: `#.${chatTopic}` },
    { key: 'group_exchange', exchange: groupExchange, routingKey: `#.${groupTopic}` },
  ].filter(({ exchange }) => exchange !== '');
  return [
    declaresQueue(poisonQueueOf(config), poisonArguments),
    declaresQueue(queue, eventArguments(config)),
    ...sources.map(({ key, exchange }) => declaresExchange(key, exchange, config.durableExchanges)),
    ...sources.map(({ key, exchange, routingKey }) => ({
      key,
      remedy: 'the user needs the right to read that exchange, which must stay, and to write our queue',
      run: (channel: Channel) => channel.queueBind({ queue, exchange, routingKey }),
    })),
    {
      key: 'queue',
      remedy: `the user needs the right to configure ${markerOf(config)}`,
      run: (channel) => channel.exchangeDeclare({ exchange: markerOf(config), type: 'fanout', durable: false }),
    },
  ];
}

/** What cannot be read: the newest is worth most, and a full queue must not hold back events, so the oldest goes. */
export const poisonArguments: Readonly<Record<string, string | number>> = {
  'x-queue-type': 'quorum',
  'x-max-length': limits.rabbitPoisonMax,
  'x-max-length-bytes': limits.rabbitPoisonBytesMax,
  'x-overflow': 'drop-head',
};

function eventArguments(config: RabbitConfig): Readonly<Record<string, string | number>> {
  return {
    'x-queue-type': 'quorum',
    'x-max-length': limits.rabbitQueueMax,
    'x-overflow': 'drop-head',
    'x-delivery-limit': limits.rabbitDeliveriesMax,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': poisonQueueOf(config),
  };
}

function declaresQueue(queue: string, args: Readonly<Record<string, string | number>>): Declaration {
  return {
    key: 'queue',
    remedy: `if a queue ${queue} of another kind is there, write another name or delete it when it is empty`,
    run: (channel) => channel.queueDeclare({ queue, durable: true, arguments: { ...args } }),
  };
}

function declaresExchange(key: string, exchange: string, durable: boolean): Declaration {
  return {
    key,
    remedy: `${key} and durable_exchanges must be as in MongooseIM: a topic exchange, durable = ${durable}`,
    run: (channel) => channel.exchangeDeclare({ exchange, type: 'topic', durable }),
  };
}

/** @throws DeclarationError which names the key. */
export async function declareAll(channel: Channel, list: readonly Declaration[]): Promise<void> {
  for (const { key, remedy, run } of list) {
    try {
      await run(channel);
    } catch (error) {
      if (!(error instanceof Error) || !isRefusal(error)) throw error;
      throw new DeclarationError(`${key}: ${error.message}; ${remedy}`, { cause: error });
    }
  }
}

/** Refused, rather than cut off. */
function isRefusal(error: Error): boolean {
  const code = 'code' in error ? error.code : '';
  return (
    code === 'PRECONDITION_FAILED' || code === 'ACCESS_REFUSED' || code === 'NOT_FOUND' || code === 'COMMAND_INVALID'
  );
}
