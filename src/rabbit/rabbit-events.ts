// Thread: main
/**
 * What MongooseIM's `rabbit` event pusher says (mongooseim 5.3), read into events. Pure. Exchange and routing key tell
 * what a message is; its JSON may hold more keys than ours, in any order. JIDs and bodies are judged by the event door.
 */
import type { RabbitConfig } from '../../config/engine-config.ts';
import { bareOf } from '../core/jid.ts';
import { limits } from '../core/limits.ts';
import type { MessageInput, StatusInput } from '../event/event-input.ts';

/** Which exchanges and topics are read. */
export type RabbitSources = Pick<
  RabbitConfig,
  'presenceExchange' | 'chatExchange' | 'chatTopic' | 'groupExchange' | 'groupTopic'
>;

/** One message of the broker. */
export interface RabbitMessage {
  readonly exchange: string;
  readonly routingKey: string;
  /** AMQP 0-9-1 header table. */
  readonly headers: unknown;
  /** Bytes; whoever names a content type may have had it read already, as text or JSON. */
  readonly body: unknown;
}

export type RabbitReading =
  /** `id`: of the message, `''` if the metadata hold none. */
  | { readonly kind: 'message'; readonly input: MessageInput; readonly id: string }
  | { readonly kind: 'presence'; readonly input: StatusInput }
  /** Right, and of no interest: it is not on its way to a user. */
  | { readonly kind: 'ignored' }
  /** Cannot be read, now or later; `reason` holds nothing of the message's content. */
  | { readonly kind: 'poison'; readonly reason: string };

/** Headers by which a message that was set aside keeps where it came from: put back, it is read as before. */
export const originHeaders = { exchange: 'meerkat-exchange', routingKey: 'meerkat-routing-key' } as const;

/** Keys of metadata that name the message, the surest first (XEP-0359, then what people choose). */
const idKeys = ['stanza_id', 'message_id', 'id'] as const;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

export function readRabbitEvent(message: RabbitMessage, sources: RabbitSources): RabbitReading {
  const origin = originOf(message);
  const object = objectOf(message.body);
  if (typeof object === 'string') return poison(object);
  const { exchange, routingKey } = origin;
  if (exchange === sources.chatExchange && endsWithTopic(routingKey, sources.chatTopic)) {
    return messageOf(object, 'chat');
  }
  if (exchange === sources.groupExchange && endsWithTopic(routingKey, sources.groupTopic)) {
    return messageOf(object, 'groupchat');
  }
  if (exchange === sources.presenceExchange) {
    const isShared = exchange === sources.chatExchange || exchange === sources.groupExchange;
    return isShared && !Object.hasOwn(object, 'present') ? ignored : presenceOf(object);
  }
  return poison('exchange and routing key are none of those that are read');
}

/** Where the server published it: put back by hand, or moved by RabbitMQ, it comes out of the default exchange. */
export function originOf(message: RabbitMessage): { readonly exchange: string; readonly routingKey: string } {
  if (message.exchange !== '') return message;
  const { headers } = message;
  const exchange = textOf(headers, originHeaders.exchange);
  if (exchange !== undefined) return { exchange, routingKey: textOf(headers, originHeaders.routingKey) ?? '' };
  const deaths = own(headers, 'x-death');
  const first: unknown = Array.isArray(deaths) ? deaths.at(-1) : undefined;
  const keys = own(first, 'routing-keys');
  const key: unknown = Array.isArray(keys) ? keys[0] : undefined;
  return { exchange: textOf(first, 'exchange') ?? '', routingKey: typeof key === 'string' ? key : '' };
}

const ignored: RabbitReading = { kind: 'ignored' };

function poison(reason: string): RabbitReading {
  return { kind: 'poison', reason };
}

/** A text says why there is none. */
function objectOf(body: unknown): object | string {
  let value = body;
  if (Buffer.isBuffer(body) || typeof body === 'string') {
    if (body.length > limits.stanzaBytesDefault) return `body: at most ${limits.stanzaBytesDefault} bytes`;
    let text = body;
    try {
      if (typeof text !== 'string') text = strictUtf8.decode(text);
    } catch {
      return 'body: is not UTF-8';
    }
    try {
      value = JSON.parse(text);
    } catch {
      return 'body: is not JSON'; // the parser's own words quote the text
    }
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : 'body: is not a JSON object';
}

/** `bob@example.com.chat_msg_recv`: the dots of a JID divide the words of a routing key, too. */
function endsWithTopic(routingKey: string, topic: string): boolean {
  return routingKey === topic || routingKey.endsWith(`.${topic}`);
}

function presenceOf(object: object): RabbitReading {
  const jid = textOf(object, 'user_id');
  if (jid === undefined) return poison('user_id: is not a text');
  const present = own(object, 'present');
  if (typeof present !== 'boolean') return poison('present: is not true or false');
  return { kind: 'presence', input: { kind: 'status', jid, status: present ? 'online' : 'offline' } };
}

function messageOf(object: object, type: 'chat' | 'groupchat'): RabbitReading {
  const from = textOf(object, 'from_user_id');
  if (from === undefined) return poison('from_user_id: is not a text');
  const to = textOf(object, 'to_user_id');
  if (to === undefined) return poison('to_user_id: is not a text');
  const body = textOf(object, 'message');
  if (body === undefined) return poison('message: is not a text');
  // A room's own copy: it is no user.
  if (type === 'groupchat' && bareOf(from) === bareOf(to)) return ignored;
  return { kind: 'message', id: idOf(object), input: { kind: 'message', direction: 'out', type, from, to, body } };
}

function idOf(object: object): string {
  for (const key of idKeys) {
    const id = own(object, key);
    if (typeof id === 'string' && id !== '' && Buffer.byteLength(id) <= limits.iqIdBytesMax) return id;
    if (typeof id === 'number' && Number.isSafeInteger(id)) return String(id);
  }
  return '';
}

function textOf(holder: unknown, key: string): string | undefined {
  const value = own(holder, key);
  return typeof value === 'string' ? value : undefined;
}

function own(holder: unknown, key: string): unknown {
  if (typeof holder !== 'object' || holder === null) return undefined;
  return Object.getOwnPropertyDescriptor(holder, key)?.value;
}
