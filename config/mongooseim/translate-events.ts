// Thread: any
/**
 * The other backends of `mod_event_pusher` (mongooseim 5.2 to 5.4): `rabbit` and `http` are doors by which events reach
 * Meerkat, `sns` is none.
 */
import { preparedDomain } from '../check-domains.ts';
import { rabbitKeys } from '../intake-schema.ts';
import { problemOf } from '../check-value.ts';
import { isLoopback } from '../check-servers.ts';
import { optionAt, sectionAt, sectionsIn } from './option-tree.ts';
import { tlsRules } from './pool-rules.ts';
import { poolURL } from './translate-gateway.ts';
import { hostInURL } from './translate-database.ts';
import { textOf, textsOf } from './translation.ts';
import type { DraftTable } from './meerkat-draft.ts';
import type { Option, OptionScope, OptionSection } from './option-tree.ts';
import type { OptionRules, Translation } from './translation.ts';

/** Whether events can reach Meerkat from this scope. */
export function translateEvents(scope: OptionScope, translation: Translation): boolean {
  translateSNS(scope, translation);
  const isRabbit = translateRabbit(scope, translation);
  return translateHttp(scope, translation) || isRabbit;
}

function translateSNS(scope: OptionScope, translation: Translation): void {
  const why = 'Amazon SNS is not spoken; it takes events out of MongooseIM and can stay there';
  for (const module of [['mod_event_pusher', 'sns'], ['mod_aws_sns']]) {
    const section = sectionAt(scope.root, 'modules', ...module);
    if (section === undefined) continue;
    translation.say(section, 'no-counterpart', why);
    translation.apply(section, Object.fromEntries(snsOptions.map((name) => [name, why])));
  }
}

const snsOptions = [
  'presence_updates_topic',
  'pm_messages_topic',
  'muc_messages_topic',
  'plugin_module',
  'muc_host',
  'sns_host',
  'region',
  'access_key_id',
  'secret_access_key',
  'account_id',
  'pool_size',
  'publish_retry_count',
  'publish_retry_time_ms',
];

function translateRabbit(scope: OptionScope, translation: Translation): boolean {
  const section = sectionAt(scope.root, 'modules', 'mod_event_pusher', 'rabbit');
  if (section === undefined) return false;
  const pool = translation.lookup(scope, 'outgoing_pools', 'rabbit', 'event_pusher');
  const url = pool === undefined ? unknownBroker : amqpURL(pool);
  if (translation.draft.list('rabbit').some(({ keys }) => keys.get('url') === url)) {
    for (const option of section.entries.values()) {
      translation.say(option, 'decision', 'the broker of other hosts: [[rabbit]] takes its exchanges from those');
    }
    return true;
  }
  const broker = translation.draft.add('rabbit');
  const index = translation.draft.list('rabbit').length - 1;
  broker.keys.set('name', index === 0 ? 'mongooseim' : `mongooseim-${index + 1}`);
  broker.keys.set('url', url);
  translation.say(section, 'translated', '[[rabbit]]: events that MongooseIM publishes reach Meerkat');
  translateExchanges(section, broker, translation);
  if (pool === undefined) {
    const note =
      'there is no outgoing_pools.rabbit.event_pusher, without which MongooseIM publishes nothing; write url';
    translation.sayOfAbsent('outgoing_pools.rabbit.event_pusher', 'decision', note);
  } else {
    sayPlaintext(new URL(url), pool, broker, translation);
    applyPool(pool, broker, translation);
  }
  return true;
}

const unknownBroker = 'amqp://guest:guest@127.0.0.1:5672/%2f';
const unknownTLSBroker = 'amqps://guest:guest@127.0.0.1:5671/%2f';

function sayPlaintext(url: URL, pool: OptionSection, broker: DraftTable, translation: Translation): void {
  if (url.href === unknownBroker || url.href === unknownTLSBroker) {
    const note = 'rabbit.url: these make no address; that of a broker on this machine is written';
    translation.sayOfAbsent(`${pool.key}.connection`, 'decision', note);
  }
  if (url.protocol === 'amqps:' || isLoopback(url.hostname)) return;
  broker.keys.set('allow_plaintext', true);
  const note = 'rabbit.allow_plaintext = true: messages cross the network in clear; take amqps, then remove the key';
  translation.sayOfAbsent(`${pool.key}.connection.tls`, 'decision', note);
}

const exchanges = [
  ['presence_exchange', 'presence_exchange', ''],
  ['chat_msg_exchange', 'chat_exchange', 'chat_topic'],
  ['groupchat_msg_exchange', 'group_exchange', 'group_topic'],
] as const;

/** Since 6.5 an exchange whose section is missing is off; before, and in Erlang terms always, it is on. */
function translateExchanges(section: OptionSection, broker: DraftTable, translation: Translation): void {
  const here = exchanges.filter(([theirs]) => sectionAt(section, theirs) !== undefined);
  const durable = new Set(here.map(([theirs]) => optionAt(section, theirs, 'durable')?.value === true));
  const isOffByAbsence = translation.config.syntax === 'toml' && here.length > 0;
  const rules: Record<string, OptionRules[string]> = {};
  for (const [theirs, ours, topic] of exchanges) {
    if (isOffByAbsence && sectionAt(section, theirs) === undefined) {
      broker.keys.set(ours, '');
      const note = `rabbit.${ours} = "": off since 6.5 without a section; remove the key for an older MongooseIM`;
      translation.sayOfAbsent(`${section.key}.${theirs}`, 'decision', note);
    }
    Object.assign(rules, exchangeRules({ theirs, ours, topic, isMixed: durable.size > 1 }, broker, translation));
  }
  translation.apply(section, rules);
  if (broker.keys.get('chat_exchange') === '' && broker.keys.get('group_exchange') === '') {
    broker.keys.delete('chat_exchange');
    const note = 'neither messages of one nor of many are published: turn on chat_msg_exchange, as [[rabbit]] expects';
    translation.say(section, 'decision', note);
  }
  if (here.length === 0 && translation.config.syntax === 'toml') {
    const note = 'no exchange is configured: off since 6.5, all three on before; the keys of [[rabbit]] take all three';
    translation.say(section, 'decision', note);
  }
}

interface Exchange {
  readonly theirs: string;
  readonly ours: (typeof exchanges)[number][1];
  readonly topic: (typeof exchanges)[number][2];
  readonly isMixed: boolean;
}

function exchangeRules(
  { theirs, ours, topic, isMixed }: Exchange,
  broker: DraftTable,
  translation: Translation,
): OptionRules {
  return {
    [theirs]: (option) => {
      const isName = typeof option.value === 'string';
      if (isName) putText(option, [broker, ours], translation);
      else translation.say(option, 'translated', `rabbit.${ours}, with its default`);
    },
    [`${theirs}.name`]: (option) => putText(option, [broker, ours], translation),
    [`${theirs}.type`]: (option) => {
      if (option.value === 'topic') translation.say(option, 'translated', 'exchanges are declared as topic');
      else translation.say(option, 'decision', 'Meerkat declares exchanges as "topic", and RabbitMQ refuses a change');
    },
    [`${theirs}.durable`]: (option) => {
      const note = 'durable_exchanges is one for all exchanges of a broker, and these differ: make them alike';
      if (isMixed) translation.say(option, 'decision', note);
      else translation.put(option, [broker, 'rabbit.durable_exchanges'], option.value === true);
    },
    [`${theirs}.sent_topic`]: 'who receives a message is pushed, not who sends it',
    ...(topic === ''
      ? {}
      : {
          [`${theirs}.recv_topic`]: (option: Option) => putText(option, [broker, topic], translation),
        }),
  };
}

type BrokerText = 'ca_file' | (typeof exchanges)[number][1] | 'chat_topic' | 'group_topic';

function putText(option: Option, [broker, key]: readonly [DraftTable, BrokerText], translation: Translation): void {
  const text = translation.fitting(option, rabbitKeys[key]);
  if (text !== undefined) translation.put(option, [broker, `rabbit.${key}`], text);
}

function connectionText(pool: OptionSection, ...names: readonly string[]): string {
  for (const name of names) {
    const value = optionAt(pool, 'connection', name)?.value;
    if (typeof value === 'string' || typeof value === 'number') return String(value);
  }
  return '';
}

function amqpURL(pool: OptionSection): string {
  const isTLS = ['tls', 'ssl', 'amqp_ssl_options'].some((name) => sectionAt(pool, 'connection', name) !== undefined);
  const user = encodeURIComponent(connectionText(pool, 'username', 'amqp_username') || 'guest');
  const password = encodeURIComponent(connectionText(pool, 'password', 'amqp_password') || 'guest');
  const host = hostInURL(connectionText(pool, 'host', 'amqp_host') || 'localhost');
  const port = connectionText(pool, 'port', 'amqp_port') || (isTLS ? '5671' : '5672');
  const virtualHost = encodeURIComponent(connectionText(pool, 'virtual_host', 'amqp_virtual_host') || '/');
  const url = `${isTLS ? 'amqps' : 'amqp'}://${user}:${password}@${host}:${port}/${virtualHost}`;
  if (problemOf(rabbitKeys.url, url) === undefined) return url;
  return isTLS ? unknownTLSBroker : unknownBroker;
}

function applyPool(pool: OptionSection, broker: DraftTable, translation: Translation): void {
  translation.pools.add(pool);
  translation.say(pool, 'translated', 'the connection of [[rabbit]]');
  const inURL = (option: Option): void => translation.say(option, 'translated', 'rabbit.url');
  const publisher = 'of the side that publishes; Meerkat reads, and acknowledges what is durable';
  const rules: Record<string, OptionRules[string]> = {
    scope: 'one [[rabbit]] serves all hosts',
    host: 'one [[rabbit]] serves all hosts',
    strategy: publisher,
    workers: publisher,
    call_timeout: publisher,
    max_worker_queue_len: publisher,
    'connection.confirms_enabled': publisher,
    'connection.max_worker_queue_len': publisher,
    'connection.reconnect.*': 'a lost connection is made anew, with a back-off of its own',
    ...tlsRules(translation, {
      caFile: (option) => putText(option, [broker, 'ca_file'], translation),
      hasAuthority: optionAt(pool, 'connection', 'tls', 'cacertfile') !== undefined,
      without: 'rabbit.url starts with amqps; set ca_file if the authority is not one of the system',
    }),
  };
  for (const name of ['host', 'port', 'username', 'password', 'virtual_host']) {
    rules[`connection.${name}`] = inURL;
    rules[`connection.amqp_${name}`] = inURL;
  }
  translation.apply(pool, rules);
}

/** The receiver is Meerkat itself, so that address and token are for somebody to choose: nothing listens until then. */
function translateHttp(scope: OptionScope, translation: Translation): boolean {
  const section = sectionAt(scope.root, 'modules', 'mod_event_pusher', 'http');
  const old = sectionAt(scope.root, 'modules', 'mod_http_notification');
  if (old !== undefined) translation.say(old, 'decision', 'became mod_event_pusher.http in 2.1.1: see [http]');
  if (old !== undefined) {
    for (const option of old.entries.values()) translation.say(option, 'decision', receiverNote);
  }
  if (section === undefined) return old !== undefined;
  translation.say(section, 'translated', '[http]: events that MongooseIM posts reach Meerkat');
  for (const [, handler] of sectionsIn(sectionAt(section, 'handlers'))) {
    translateHandler(handler, scope, translation);
  }
  translation.apply(section, {});
  const http = translation.draft.table('http');
  if (http.comments.length > 0) return true;
  http.comments.push(
    'Choose a port and a token, and lead the HTTP pool of mod_event_pusher.http here:',
    '[http]',
    'port = 8088',
    'token_file = "/etc/meerkat/http-token"',
  );
  const [domain] = domainsOf(translation);
  if (domain !== undefined) http.comments.push(`receiver_domain = ${JSON.stringify(domain)}`);
  return true;
}

const receiverNote = 'say in [http] where Meerkat listens, and lead the pool there';

function translateHandler(handler: OptionSection, scope: OptionScope, translation: Translation): void {
  translation.apply(handler, {
    pool_name: (option) => {
      const pool = translation.lookup(scope, 'outgoing_pools', 'http', textOf(option));
      const url = pool === undefined ? undefined : poolURL(pool);
      const where = url === undefined ? 'no HTTP pool has this name' : `the pool leads to ${url}`;
      if (pool !== undefined && !translation.pools.has(pool)) {
        translation.pools.add(pool);
        translation.say(pool, 'decision', `posts events to ${url ?? 'an address that is none'}; ${receiverNote}`);
      }
      translation.say(option, 'decision', `${where}; ${receiverNote}`);
    },
    path: (option) => translation.say(option, 'decision', receiverNote),
    callback_module: (option) => {
      if (option.value === 'mod_event_pusher_http_defaults') {
        translation.say(option, 'translated', '[http] reads what this module sends');
      } else {
        const note =
          'what a module of your own sends is not known: send the JSON that [http] reads, or the default form';
        translation.say(option, 'decision', note);
      }
    },
  });
}

/** The domains that MongooseIM serves, as far as the file says. */
export function domainsOf({ config }: Translation): readonly string[] {
  const [all] = config.scopes;
  if (all === undefined) return [];
  const first = textOf(optionAt(all.root, 'general', 'default_server_domain'));
  const hosts = textsOf(optionAt(all.root, 'general', 'hosts'));
  const domains = [first, ...hosts].flatMap((host) => preparedDomain(host) ?? []);
  return [...new Set(domains)];
}
