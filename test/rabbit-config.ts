/** A `[[rabbit]]` section as its defaults make it. */
import type { RabbitConfig } from '../config/engine-config.ts';

export function rabbitConfig(changes: Partial<RabbitConfig> = {}): RabbitConfig {
  return {
    name: 'mongooseim',
    url: 'amqp://guest:guest@127.0.0.1:5672/%2f',
    caFile: '',
    queue: 'meerkat-events',
    prefetch: 512,
    presenceExchange: 'presence',
    chatExchange: 'chat_msg',
    chatTopic: 'chat_msg_recv',
    groupExchange: 'groupchat_msg',
    groupTopic: 'groupchat_msg_recv',
    durableExchanges: false,
    ...changes,
  };
}
