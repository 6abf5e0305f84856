// Thread: any
/**
 * What is around the event path: plugins, the HTTP server, RabbitMQ, the database. Addresses hold passwords, so a
 * problem with one never repeats any part of it, not even the host: of a mistyped address that may be the password.
 */
import { limits } from '../src/core/limits.ts';
import { checkCertificate } from './check-credentials.ts';
import { preparedDomain } from './check-domains.ts';
import { asTable, checkSection, isTable, reportUnreadable } from './check-section.ts';
import { checkAuthorities, isLoopback, membersOf } from './check-servers.ts';
import { databaseKeys, httpKeys, pluginKeys, rabbitKeys } from './intake-schema.ts';
import type { Checking } from './check-section.ts';
import type { DatabaseConfig, EngineConfig, HttpConfig, RabbitConfig, StoreKind } from './engine-config.ts';

// Every plugin is asked about every push; each broker has a connection of its own.
const pluginsMax = 64;
const rabbitsMax = 64;

export function checkPlugins(raw: unknown, checking: Checking): EngineConfig['plugins'] {
  return membersOf(raw, { path: 'plugins', max: pluginsMax }, checking).map((member, index) => {
    const path = `plugins.${index}`;
    const { module } = checkSection({ raw: member, path, others: ['options'] }, pluginKeys, checking);
    if (!checking.issues.has(path, `${path}.module`)) checkModule(module, `${path}.module`, checking);
    const options = isTable(member) ? member['options'] : undefined;
    return { module, options: asTable(options, `${path}.options`, checking.issues) };
  });
}

function checkModule(file: string, path: string, { issues, readFile }: Checking): void {
  try {
    readFile(file);
  } catch (error) {
    reportUnreadable({ file, path, error }, issues);
  }
}

export function checkHttp(raw: unknown, checking: Checking): HttpConfig {
  const { issues } = checking;
  const keys = checkSection({ raw, path: 'http' }, httpKeys, checking);
  const { host, port, token, certificate, certificate_key: certificateKey } = keys;
  checkPair({ certificate, certificate_key: certificateKey }, checking);
  if (port !== 0 && token === '' && !issues.has('http.token')) {
    issues.add('http.token', 'is missing', 'write token, or token_file with the path of a file that holds it');
  }
  const isOpen = port !== 0 && !isLoopback(host) && certificate + certificateKey === '' && !keys.allow_plaintext;
  if (isOpen && !issues.has('http.host', 'http.certificate', 'http.certificate_key', 'http.allow_plaintext')) {
    issues.add(
      'http.certificate',
      `is missing, and ${host} is not this machine alone: messages would cross the network in clear`,
      'write certificate_file and certificate_key_file, or allow_plaintext = true if the network itself is encrypted',
    );
  }
  return { host, port, token, certificatePem: certificate, keyPem: certificateKey, receiverDomain: receiver() };

  function receiver(): string {
    const domain = keys.receiver_domain === '' ? '' : preparedDomain(keys.receiver_domain);
    if (domain === undefined) {
      issues.add('http.receiver_domain', `is ${JSON.stringify(keys.receiver_domain)}`, 'write a domain');
    }
    return domain ?? '';
  }
}

function checkPair(pair: { readonly certificate: string; readonly certificate_key: string }, checking: Checking): void {
  const { issues } = checking;
  if (pair.certificate + pair.certificate_key === '' || issues.has('http.certificate', 'http.certificate_key')) return;
  const missing = pair.certificate === '' ? 'certificate' : pair.certificate_key === '' ? 'certificate_key' : undefined;
  if (missing !== undefined) {
    const other = missing === 'certificate' ? 'certificate_key' : 'certificate';
    issues.add(`http.${missing}`, 'is missing', `write ${missing}_file beside ${other}`);
  }
  checkCertificate(pair.certificate, pair.certificate_key, { path: 'http', issues });
}

/** @param dedupeSeconds of `[push]`: what the brokers' readers count on. */
export function checkRabbits(raw: unknown, dedupeSeconds: number, checking: Checking): readonly RabbitConfig[] {
  const members = membersOf(raw, { path: 'rabbit', max: rabbitsMax }, checking);
  const rabbits = members.map((member, index) => checkRabbit(member, `rabbit.${index}`, checking));
  reportRepeats(rabbits, checking);
  if (rabbits.length > 0) reportForgetting(dedupeSeconds, checking);
  return rabbits;
}

/** A message of which one push failed is given again as a whole, and whoever has got it is known by its id alone. */
function reportForgetting(dedupeSeconds: number, { issues }: Checking): void {
  const path = 'push.dedupe_seconds';
  const lifeSeconds = limits.rabbitEventLifeMs / 1_000;
  if (dedupeSeconds >= lifeSeconds || issues.has(path)) return;
  issues.add(
    path,
    `is ${dedupeSeconds}, but messages of [[rabbit]] are given again for ${lifeSeconds} s: they would be pushed twice`,
    `write ${lifeSeconds} or more, or remove the line`,
  );
}

function checkRabbit(raw: unknown, path: string, checking: Checking): RabbitConfig {
  const { issues } = checking;
  const keys = checkSection({ raw, path }, rabbitKeys, checking);
  const url = addressOf(keys.url, `${path}.url`, checking);
  if (url !== undefined && url.protocol === 'amqp:') {
    if (keys.ca_file !== '') {
      issues.add(`${path}.ca_file`, 'is written, but url starts with amqp://', 'write amqps://, or remove ca_file');
    } else if (!isLoopback(url.hostname) && !keys.allow_plaintext && !issues.has(`${path}.allow_plaintext`)) {
      issues.add(
        `${path}.url`,
        'starts with amqp:// and leads to another machine: messages would cross the network in clear',
        'write amqps://, or allow_plaintext = true if the network itself is encrypted',
      );
    }
  }
  checkAuthorities(keys.ca_file, `${path}.ca_file`, checking);
  if (keys.chat_exchange + keys.group_exchange === '') {
    issues.add(
      `${path}.chat_exchange`,
      'is empty, and group_exchange is too',
      'name one: else nothing is to be pushed',
    );
  }
  return {
    name: keys.name,
    url: keys.url,
    caFile: keys.ca_file,
    queue: keys.queue,
    prefetch: keys.prefetch,
    presenceExchange: keys.presence_exchange,
    chatExchange: keys.chat_exchange,
    chatTopic: keys.chat_topic,
    groupExchange: keys.group_exchange,
    groupTopic: keys.group_topic,
    durableExchanges: keys.durable_exchanges,
  };
}

/** `undefined` when there is none that can be judged. */
function addressOf(url: string, path: string, { issues }: Checking): URL | undefined {
  return url === '' || issues.has(path) ? undefined : new URL(url);
}

function reportRepeats(rabbits: readonly RabbitConfig[], { issues }: Checking): void {
  const names = new Map<string, string>();
  const queues = new Map<string, string>();
  for (const [index, { name, url, queue }] of rabbits.entries()) {
    const path = `rabbit.${index}`;
    if (!issues.has(`${path}.name`)) {
      if (names.has(name)) issues.add(`${path}.name`, `${JSON.stringify(name)} is taken`, 'give each broker its own');
      else names.set(name, path);
    }
    const first = queues.get(JSON.stringify([url, queue]));
    if (issues.has(`${path}.url`, `${path}.queue`)) continue;
    if (first === undefined) queues.set(JSON.stringify([url, queue]), path);
    else
      issues.add(`${path}.queue`, `is read at the same url by ${first}`, 'remove one of the two, raise its prefetch');
  }
}

/** Which key asks for which kind of store. */
export type StoreChoice = readonly [path: string, kind: StoreKind];

const schemes: ReadonlyMap<string, readonly string[]> = new Map([
  ['postgres', ['postgres:', 'postgresql:']],
  ['mysql', ['mysql:', 'mariadb:']],
]);

/** One database serves both stores, so its scheme must fit each of those that are in a database. */
export function checkDatabase(raw: unknown, stores: readonly StoreChoice[], checking: Checking): DatabaseConfig {
  const { issues } = checking;
  const keys = checkSection({ raw, path: 'database' }, databaseKeys, checking);
  const url = addressOf(keys.url, 'database.url', checking);
  const asking = stores.filter(([, kind]) => schemes.has(kind));
  if (keys.url === '' && asking.length > 0 && !issues.has('database', 'database.url')) {
    const why = asking.map(([path, kind]) => `${path} is "${kind}"`).join(', ');
    issues.add(
      'database.url',
      `is missing, and ${why}`,
      'write url, or url_file with the path of a file that holds it',
    );
  }
  if (url !== undefined) {
    for (const [path, kind] of asking) {
      if (schemes.get(kind)?.includes(url.protocol) === true) continue;
      const remedy = `write the address of such a database, or choose another ${path}; there is one for both stores`;
      issues.add(path, `is "${kind}", but database.url starts with ${url.protocol}//`, remedy);
    }
    checkReach(url, keys, checking);
  }
  checkAuthorities(keys.ca_file, 'database.ca_file', checking);
  return { url: keys.url, caFile: keys.ca_file, connections: keys.connections, queryMs: keys.query_ms };
}

function checkReach(
  url: URL,
  { ca_file: caFile, allow_plaintext: mayBePlain }: { readonly ca_file: string; readonly allow_plaintext: boolean },
  { issues }: Checking,
): void {
  if (url.pathname.length < 2) {
    issues.add('database.url', 'names no database', 'write its name at the end: postgres://user:password@host/name');
  }
  if (caFile !== '' || mayBePlain || isLoopback(url.hostname)) return;
  if (issues.has('database.ca_file', 'database.allow_plaintext')) return;
  issues.add(
    'database.ca_file',
    'is missing, and the database is on another machine: device tokens would cross the network in clear',
    'write ca_file, or allow_plaintext = true if the network itself is encrypted',
  );
}
