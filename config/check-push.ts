// Thread: any
/** The sections of the XMPP server's half of XEP-0357: what is true of each, and of them together. */
import { checkSection, isTable } from './check-section.ts';
import { membersOf } from './check-servers.ts';
import { databaseKeys, httpKeys, pluginKeys, rabbitKeys } from './intake-schema.ts';
import { pushGroupsKeys, pushKeys, pushQuietHoursKeys, pushRuleKeys, templateKeys } from './push-schema.ts';
import type { Checking } from './check-section.ts';
import type { DatabaseConfig, EngineConfig, HttpConfig, PushConfig, PushRule, RabbitConfig } from './engine-config.ts';

type PushHalf = Pick<EngineConfig, 'push' | 'templates' | 'plugins' | 'http' | 'rabbits' | 'database'>;

const listMax = 1000;

export function checkPushHalf(table: Readonly<Record<string, unknown>>, checking: Checking): PushHalf {
  return {
    push: checkPush(table['push'], checking),
    templates: membersOf(table['templates'], { path: 'templates', max: listMax }, checking).map((raw, index) =>
      checkSection({ raw, path: `templates.${index}` }, templateKeys, checking),
    ),
    plugins: membersOf(table['plugins'], { path: 'plugins', max: listMax }, checking).map((raw, index) => ({
      module: checkSection({ raw, path: `plugins.${index}`, others: ['options'] }, pluginKeys, checking).module,
      options: isTable(raw) && isTable(raw['options']) ? raw['options'] : {},
    })),
    http: checkHttp(table['http'], checking),
    rabbits: membersOf(table['rabbit'], { path: 'rabbit', max: listMax }, checking).map((raw, index) =>
      checkRabbit(raw, `rabbit.${index}`, checking),
    ),
    database: checkDatabase(table['database'], checking),
  };
}

function checkPush(raw: unknown, checking: Checking): PushConfig {
  const keys = checkSection({ raw, path: 'push', others: ['groups', 'quiet_hours', 'rules'] }, pushKeys, checking);
  const inner = isTable(raw) ? raw : {};
  const groups = checkSection({ raw: inner['groups'], path: 'push.groups' }, pushGroupsKeys, checking);
  const quiet = checkSection({ raw: inner['quiet_hours'], path: 'push.quiet_hours' }, pushQuietHoursKeys, checking);
  return {
    store: keys.store,
    virtualHosts: keys.virtual_hosts,
    behaviour: keys.behaviour,
    perUserMax: keys.per_user_max,
    expireDays: keys.expire_days,
    unknownStatus: keys.unknown_status,
    content: keys.content,
    placeholder: keys.placeholder,
    encryptedBody: keys.encrypted_body,
    unread: keys.unread,
    iqWaitMs: keys.iq_wait_ms,
    deregisterRefusals: keys.deregister_refusals,
    deregisterHours: keys.deregister_hours,
    dedupeSeconds: keys.dedupe_seconds,
    groups,
    quietHours:
      quiet.from === '' || quiet.to === ''
        ? undefined
        : { from: minutesOf(quiet.from), to: minutesOf(quiet.to), timeZone: quiet.time_zone, action: quiet.action },
    rules: membersOf(inner['rules'], { path: 'push.rules', max: listMax }, checking).map((rule, index) =>
      checkRule(rule, `push.rules.${index}`, checking),
    ),
  };
}

function minutesOf(timeOfDay: string): number {
  const [hours = 0, minutes = 0] = timeOfDay.split(':').map(Number);
  return hours * 60 + minutes;
}

function checkRule(raw: unknown, path: string, checking: Checking): PushRule {
  const { action, content } = checkSection({ raw, path, others: ['conditions'] }, pushRuleKeys, checking);
  return { conditions: [], action, content };
}

function checkHttp(raw: unknown, checking: Checking): HttpConfig {
  const keys = checkSection({ raw, path: 'http' }, httpKeys, checking);
  return {
    host: keys.host,
    port: keys.port,
    token: keys.token,
    certificatePem: keys.certificate,
    keyPem: keys.certificate_key,
    receiverDomain: keys.receiver_domain,
  };
}

function checkRabbit(raw: unknown, path: string, checking: Checking): RabbitConfig {
  const keys = checkSection({ raw, path }, rabbitKeys, checking);
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

function checkDatabase(raw: unknown, checking: Checking): DatabaseConfig {
  const keys = checkSection({ raw, path: 'database' }, databaseKeys, checking);
  return { url: keys.url, caFile: keys.ca_file, connections: keys.connections, queryMs: keys.query_ms };
}
