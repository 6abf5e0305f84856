// Thread: any
/**
 * The pool `outgoing_pools.rdbms.default`, where MongooseIM keeps push registrations when `backend` is `rdbms`
 * (mongooseim 2.6): Meerkat works on the same table, while MongooseIM does.
 */
import { isLoopback } from '../check-servers.ts';
import { problemOf } from '../check-value.ts';
import { databaseKeys } from '../intake-schema.ts';
import { optionAt } from './option-tree.ts';
import { tlsRules } from './pool-rules.ts';
import { textOf } from './translation.ts';
import type { Option, OptionScope, OptionSection } from './option-tree.ts';
import type { Translation } from './translation.ts';

type Kind = 'postgres' | 'mysql';

const drivers: ReadonlyMap<string, Kind> = new Map([
  ['pgsql', 'postgres'],
  ['cockroachdb', 'postgres'],
  ['mysql', 'mysql'],
]);
const ports = { postgres: 5432, mysql: 3306 } as const;

/** @param backend the option that says `rdbms`. */
export function translateDatabase(backend: Option, scope: OptionScope, translation: Translation): void {
  const pool = translation.lookup(scope, 'outgoing_pools', 'rdbms', 'default');
  if (pool === undefined) {
    keepLMDB(backend, translation, 'there is no outgoing_pools.rdbms.default, which it uses');
    return;
  }
  const kind = drivers.get(textOf(optionAt(pool, 'connection', 'driver')));
  if (kind === undefined) {
    keepLMDB(backend, translation, 'Meerkat speaks PostgreSQL and MySQL, and the driver of the pool is another');
    if (!translation.pools.has(pool)) applyRules(pool, translation);
  } else {
    const note = "MongooseIM's own table, which both may use at the same time";
    translation.set(backend, ['push', 'store'], kind, note);
    if (!translation.pools.has(pool)) {
      setURL(pool, kind, translation);
      applyRules(pool, translation);
    }
  }
  translation.pools.add(pool);
}

function keepLMDB(backend: Option, translation: Translation, why: string): void {
  const { keys } = translation.draft.table('push');
  if (!keys.has('store')) keys.set('store', 'lmdb');
  translation.say(backend, 'decision', `${why}: push.store is "lmdb" until you say otherwise`);
}

function setURL(pool: OptionSection, kind: Kind, translation: Translation): void {
  const { keys } = translation.draft.table('database');
  const whole = urlOf(pool, kind);
  const url =
    problemOf(databaseKeys.url, whole) === undefined ? whole : `${kind}://mongooseim:change-me@127.0.0.1/mongooseim`;
  if (keys.has('url') && keys.get('url') !== url) {
    translation.say(pool, 'decision', 'another database than for other hosts; one Meerkat has one: start a second');
    return;
  }
  keys.set('url', url);
  const missing = ['host', 'database', 'username', 'password'].filter(
    (name) => textOf(optionAt(pool, 'connection', name)) === '',
  );
  if (url !== whole || missing.length > 0) {
    const what = url === whole ? missing.join(', ') : 'the address';
    translation.sayOfAbsent(`${pool.key}.connection`, 'decision', `database.url: ${what} cannot be taken: look at it`);
  }
  const authority = optionAt(pool, 'connection', 'tls', 'cacertfile')?.value;
  const hasAuthority =
    typeof authority === 'string' && authority !== '' && problemOf(databaseKeys.ca_file, authority) === undefined;
  if (hasAuthority || isLoopback(new URL(url).hostname)) return;
  keys.set('allow_plaintext', true);
  const note = 'database.allow_plaintext = true: tokens cross the network in clear; set ca_file, then remove the key';
  translation.sayOfAbsent(`${pool.key}.connection.tls`, 'decision', note);
}

function urlOf(pool: OptionSection, kind: Kind): string {
  const part = (name: string): string => encodeURIComponent(textOf(optionAt(pool, 'connection', name)));
  const port = Number(optionAt(pool, 'connection', 'port')?.value ?? ports[kind]);
  const host = textOf(optionAt(pool, 'connection', 'host'));
  const user = `${part('username') || 'mongooseim'}:${part('password') || 'change-me'}`;
  return `${kind}://${user}@${hostInURL(host)}:${port}/${part('database') || 'mongooseim'}`;
}

export function hostInURL(host: string): string {
  if (host === '') return '127.0.0.1';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

function applyRules(pool: OptionSection, translation: Translation): void {
  const inURL = (option: Option): void => translation.say(option, 'translated', 'database.url');
  const { min, max } = databaseKeys.connections;
  translation.say(pool, 'translated', '[database]');
  translation.apply(pool, {
    scope: 'Meerkat has one database for all hosts',
    strategy: 'a connection that is free takes the next query',
    call_timeout: 'database.query_ms bounds the wait for a connection as well',
    workers: (option) => {
      const workers = translation.wholeNumber(option, min, max);
      if (workers !== undefined) translation.set(option, ['database', 'connections'], workers);
    },
    'connection.driver': inURL,
    'connection.host': inURL,
    'connection.port': inURL,
    'connection.database': inURL,
    'connection.username': inURL,
    'connection.password': inURL,
    'connection.settings': 'ODBC is not spoken: write database.url for PostgreSQL or MySQL',
    'connection.query_timeout': (option) => {
      const ms = translation.wholeNumber(option, databaseKeys.query_ms.min, databaseKeys.query_ms.max);
      if (ms !== undefined) translation.set(option, ['database', 'query_ms'], ms);
    },
    'connection.keepalive_interval': 'a connection that has died is replaced at the next query',
    'connection.max_start_interval': 'reconnecting has a back-off of its own',
    ...tlsRules(translation, {
      caFile: (option) => {
        const file = translation.fitting(option, databaseKeys.ca_file);
        if (file !== undefined) translation.set(option, ['database', 'ca_file'], file, fileNote);
      },
      hasAuthority: optionAt(pool, 'connection', 'tls', 'cacertfile') !== undefined,
      without: 'set database.ca_file, which also demands TLS',
    }),
  });
}

const fileNote = 'a relative path starts at the working directory of Meerkat';
