// Thread: main
/** What the sections of the XMPP server's half of push mean, a line for each that is in use. Passwords never show. */
import { unreachable } from '../core/assert.ts';
import type { EngineConfig, HttpConfig, PushConfig, StoreKind } from '../../config/engine-config.ts';

export function pushHalfLines(config: EngineConfig): readonly string[] {
  const { push, templates, plugins, http, rabbits, database } = config;
  const lines = [`push      ${pushText(push, config.engine.dataDir)}`];
  for (const { name, delegatedDomains } of config.servers) {
    if (delegatedDomains.length > 0) lines.push(`delegated ${name}: users of ${someOf(delegatedDomains)}`);
  }
  if (push.virtualHosts.length > 0) lines.push(`virtual   ${someOf(push.virtualHosts)}: pushed without a stanza`);
  if (push.quietHours !== undefined) lines.push(`quiet     ${quietText(push.quietHours)}`);
  if (templates.length > 0) {
    lines.push(`wording   ${counted(templates.length, 'template')}: ${someOf(templates.map(({ for: kind }) => kind))}`);
  }
  for (const { module } of plugins) lines.push(`plugin    ${module}`);
  if (http.port !== 0) lines.push(`http      ${httpText(http)}`);
  for (const { name, url, queue } of rabbits) lines.push(`rabbit    ${name}: ${placeOf(url)}, queue ${queue}`);
  if (database.url !== '') {
    lines.push(`database  ${placeOf(database.url)}, ${counted(database.connections, 'connection')} at most`);
  }
  return lines;
}

/** Where a store is. */
export function storeText(store: StoreKind, dataDir: string): string {
  switch (store) {
    case 'lmdb':
      return `in ${dataDir}`;
    case 'memory':
      return 'in memory, forgotten at a stop';
    case 'postgres':
    case 'mysql':
      return `in the database (${store})`;
    default:
      return unreachable(store);
  }
}

/** `one shard`, `4 shards` */
export function counted(count: number, noun: string): string {
  return count === 1 ? `one ${noun}` : `${count} ${noun}s`;
}

function pushText(push: PushConfig, dataDir: string): string {
  const decides =
    push.rules.length === 0
      ? `behaviour "${push.behaviour}" decides`
      : `${counted(push.rules.length, 'rule')} in order`;
  return `${decides}, what users enable is ${storeText(push.store, dataDir)}`;
}

function quietText({ from, to, timeZone, action }: NonNullable<PushConfig['quietHours']>): string {
  const what = action === 'skip' ? 'only calls are pushed' : 'messages come without a sound';
  return `${timeOfDay(from)} to ${timeOfDay(to)} ${timeZone}: ${what}`;
}

function timeOfDay(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');
}

function httpText({ host, port, certificatePem }: HttpConfig): string {
  return `${certificatePem === '' ? 'HTTP' : 'HTTPS'} at ${host}:${port}`;
}

// Scheme, host and path alone.
function placeOf(address: string): string {
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname}`;
}

function someOf(texts: readonly string[]): string {
  const shown = [...new Set(texts)];
  return shown.length <= 3 ? shown.join(', ') : `${shown.slice(0, 3).join(', ')} and ${shown.length - 3} more`;
}
