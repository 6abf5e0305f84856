// Thread: main
/**
 * What a configuration means, for people who check it before they run it: a few lines, and the whole with every secret
 * blanked.
 */
import { certificateLives, daysLeft } from '../../config/certificate-life.ts';
import { unreachable } from '../core/assert.ts';
import { counted, pushHalfLines, storeText } from './push-summary.ts';
import type { CertificateLife } from '../../config/certificate-life.ts';
import type { EngineConfig, ProviderConfig, ServerConfig } from '../../config/engine-config.ts';

const secretNames = new Set(['secret', 'secretKey', 'keyPem', 'privateKeyPem', 'certificatePem', 'token']);
/** Of addresses that may hold a password. */
const addressNames = new Set(['url', 'proxyUrl']);

/**
 * A copy to print: text under the name of a secret is replaced, an empty one stays empty. Of the address of a
 * broker, database or proxy the password is, and of plugins' options all: what they mean is theirs to know.
 */
export function withoutSecrets(config: EngineConfig): unknown {
  return JSON.parse(
    JSON.stringify(config, (name, value: unknown) => {
      if (name === 'options') return '[not shown]';
      if (typeof value !== 'string' || value === '') return value;
      if (secretNames.has(name)) return '[secret]';
      return addressNames.has(name) ? withoutPassword(value) : value;
    }),
  );
}

function withoutPassword(address: string): string {
  const { protocol, username, password, host, pathname } = new URL(address);
  return password === '' ? address : `${protocol}//${username}:[secret]@${host}${pathname}`;
}

/** @param nowMs epoch ms, for the days that certificates have left. */
export function summaryOf(config: EngineConfig, nowMs: number): readonly string[] {
  const { registrations, workers, engine } = config;
  return [
    ...config.servers.map(serverText),
    ...(config.servers.length === 0 ? [`server    none: ${sourceWithoutServers(config)}`] : []),
    ...config.providers.map(providerText),
    ...certificateLives(config).map((life) => certificateText(life, nowMs)),
    `store     ${storeText(registrations.store, engine.dataDir)}, ${counted(registrations.shards, 'shard')}`,
    `threads   ${workers.threads} for publishing, ${workers.heapMbMax} MiB each at most`,
    `content   ${contentText(config.notifications.content)}`,
    ...pushHalfLines(config),
  ];
}

/** By other ways than the streams of XMPP servers. */
export function takesEvents({ http, rabbits }: EngineConfig): boolean {
  return http.port !== 0 || rabbits.length > 0;
}

function sourceWithoutServers(config: EngineConfig): string {
  return takesEvents(config)
    ? 'push services of others cannot be reached'
    : 'pushes can only come from the program or from `send`';
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

function certificateText(life: CertificateLife, nowMs: number): string {
  const day = new Date(life.endsAtMs).toISOString().slice(0, 10);
  const days = daysLeft(life, nowMs);
  const when = life.endsAtMs <= nowMs ? 'has ended' : `in ${counted(days, 'day')}`;
  return `expires   ${life.owner}: certificate, ${day}, ${when}`;
}

function gatewayText(provider: ProviderConfig): string {
  switch (provider.kind) {
    case 'apns':
      return `APNs at ${provider.host}:${provider.port} by ${provider.auth.kind}`;
    case 'fcm':
      return `FCM at ${provider.host}:${provider.port}, project ${provider.projectId}`;
    case 'mongoosepush':
      return `MongoosePush ${provider.api} at ${provider.urls.join(', ')}`;
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
