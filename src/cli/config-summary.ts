// Thread: main
/**
 * What a configuration means, for people who check it before they run it: a few lines, and the whole with every secret
 * blanked.
 */
import { unreachable } from '../core/assert.ts';
import type { EngineConfig, ProviderConfig, ServerConfig } from '../../config/engine-config.ts';

const secretNames = new Set(['secret', 'secretKey', 'keyPem', 'privateKeyPem', 'certificatePem']);

/** A copy to print: text under the name of a secret is replaced, an empty one stays empty. */
export function withoutSecrets(config: EngineConfig): unknown {
  return JSON.parse(
    JSON.stringify(config, (name, value: unknown) =>
      secretNames.has(name) && typeof value === 'string' && value !== '' ? '[secret]' : value,
    ),
  );
}

export function summaryOf(config: EngineConfig): readonly string[] {
  const { registrations, workers, engine } = config;
  const place = registrations.store === 'memory' ? 'in memory, forgotten at a stop' : `in ${engine.dataDir}`;
  return [
    ...config.servers.map(serverText),
    ...(config.servers.length === 0 ? ['server    none: pushes can only come from the program or from `send`'] : []),
    ...config.providers.map(providerText),
    `store     ${place}, ${counted(registrations.shards, 'shard')}`,
    `threads   ${workers.threads} for publishing, ${workers.heapMbMax} MiB each at most`,
    `content   ${contentText(config.notifications.content)}`,
  ];
}

function serverText(server: ServerConfig): string {
  const tls = server.tls.mode === 'direct' ? 'TLS' : 'plaintext';
  const address = `${server.domain} at ${server.host}:${server.port}`;
  return `server    ${server.name}: ${address}, ${tls}, ${counted(server.connections, 'connection')}`;
}

function providerText(provider: ProviderConfig): string {
  const apps = provider.apps.length === 0 ? 'every app' : provider.apps.join(', ');
  return `provider  ${provider.name}: ${gatewayText(provider)}, ${provider.mode}, ${apps}`;
}

function gatewayText(provider: ProviderConfig): string {
  switch (provider.kind) {
    case 'apns':
      return `APNs at ${provider.host}:${provider.port} by ${provider.auth.kind}`;
    case 'fcm':
      return `FCM at ${provider.host}:${provider.port}, project ${provider.projectId}`;
    case 'mongoosepush':
      return `MongoosePush ${provider.api} at ${provider.url}`;
    case 'blackhole':
      return 'blackhole, which sends nothing';
    default:
      return unreachable(provider);
  }
}

function contentText(content: EngineConfig['notifications']['content']): string {
  switch (content) {
    case 'none':
      return 'gateways see neither sender nor text';
    case 'sender':
      return 'gateways see who writes';
    case 'full':
      return 'gateways see who writes, and what';
    default:
      return unreachable(content);
  }
}

function counted(count: number, noun: string): string {
  return count === 1 ? `one ${noun}` : `${count} ${noun}s`;
}
