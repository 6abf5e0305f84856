// Thread: any
/**
 * `mod_push_service_mongoosepush` and the HTTP pool that it names (mongooseim 4.1): a provider of kind `mongoosepush`.
 */
import { parseProviderName } from '../../src/core/ids.ts';
import { mongoosePushKeys } from '../provider-schema.ts';
import { providerKeys } from '../schema.ts';
import { optionAt, sectionAt, sectionsIn } from './option-tree.ts';
import { tlsRules } from './pool-rules.ts';
import { textOf } from './translation.ts';
import type { DraftTable } from './meerkat-draft.ts';
import type { Option, OptionScope, OptionSection } from './option-tree.ts';
import type { Translation } from './translation.ts';

const unknownURL = 'https://127.0.0.1:8443';

/** Whether this scope has the connector. */
export function translateGateway(scope: OptionScope, translation: Translation): boolean {
  const section = sectionAt(scope.root, 'modules', 'mod_push_service_mongoosepush');
  if (section === undefined) return false;
  const pool = poolOf(section, scope, translation);
  if (translation.draft.list('providers').length > 0) {
    sayAgain(section, pool, translation);
    return true;
  }
  const provider = translation.draft.add('providers');
  provider.keys.set('name', providerName(textOf(optionAt(section, 'pool_name'))));
  provider.keys.set('kind', 'mongoosepush');
  provider.keys.set('urls', [pool === undefined ? unknownURL : urlOf(pool)]);
  if (!section.entries.has('pool_name')) {
    const note = 'no pool is named, so that every request of MongooseIM fails; write the urls of the provider';
    translation.sayOfAbsent(`${section.key}.pool_name`, 'decision', note);
  }
  translation.say(section, 'translated', '[[providers]], kind = "mongoosepush"');
  translation.apply(section, {
    pool_name: (option) => sayPool(option, pool, scope, translation),
    api_version: (option) => translateVersion(option, provider, translation),
    max_http_connections: (option) => {
      if (Number(option.value) === 0) {
        translation.say(
          option,
          'decision',
          'MongooseIM would send nothing; left out, so that the default of Meerkat counts',
        );
        return;
      }
      const { min, max } = providerKeys.credit_max;
      const credit = translation.wholeNumber(option, min, max);
      const note = 'notifications in flight; more can be worth a try';
      if (credit !== undefined) translation.put(option, [provider, 'providers.0.credit_max'], credit, note);
    },
  });
  if (!section.entries.has('api_version')) assumeVersion(section, provider, translation);
  if (pool !== undefined) applyPool(pool, provider, translation);
  return true;
}

function poolOf(section: OptionSection, scope: OptionScope, translation: Translation): OptionSection | undefined {
  const name = textOf(optionAt(section, 'pool_name'));
  return name === '' ? undefined : translation.lookup(scope, 'outgoing_pools', 'http', name);
}

/** A second connector, of another host: the first provider that fits takes everything, so that one is written. */
function sayAgain(section: OptionSection, pool: OptionSection | undefined, translation: Translation): void {
  const isSame = pool !== undefined && translation.pools.has(pool);
  for (const option of section.entries.values()) {
    if (isSame) translation.say(option, 'translated', 'the same provider as for other hosts');
    else {
      const note = 'another gateway than for other hosts: divide the apps of two providers, or start a second Meerkat';
      translation.say(option, 'decision', note);
    }
  }
  if (pool === undefined || isSame) return;
  translation.pools.add(pool);
  translation.say(pool, 'decision', 'the address of a gateway that is left out: see what is said of its module');
}

function sayPool(option: Option, pool: OptionSection | undefined, scope: OptionScope, translation: Translation): void {
  if (pool !== undefined) {
    const name = providerName(textOf(option));
    translation.say(option, 'translated', `providers.0.name = ${JSON.stringify(name)}, with the address of that pool`);
    return;
  }
  const known = sectionsIn(translation.lookup(scope, 'outgoing_pools', 'http')).map(([name]) => JSON.stringify(name));
  const others = known.length === 0 ? 'there is no HTTP pool at all' : `there are ${known.join(', ')}`;
  const note = `no HTTP pool has this name (${others}), so that every request of MongooseIM fails; write the urls`;
  translation.say(option, 'decision', note);
}

function translateVersion(option: Option, provider: DraftTable, translation: Translation): void {
  const version = textOf(option);
  if (version === 'v1' || version === 'v2' || version === 'v3') {
    const notes = {
      v1: 'it has no silent notifications: change it to v3 when the gateway has that',
      v2: 'v3 tells dead devices apart: change it when the gateway has it',
      v3: '',
    };
    const note = notes[version];
    translation.put(option, [provider, 'providers.0.api'], version, note);
  } else {
    provider.keys.set('api', 'v3');
    const note = 'MongooseIM has "v2" and "v3", and "v1" in a beta of 2.1; providers.0.api = "v3" is written';
    translation.say(option, 'decision', note);
  }
}

/** The default was v2 up to 3.5. The file does not say its version, but what it uses may (mongooseim 2.15, 4.1). */
function assumeVersion(section: OptionSection, provider: DraftTable, translation: Translation): void {
  const [all] = translation.config.scopes;
  const isTOML = translation.config.syntax === 'toml';
  const push = all === undefined ? undefined : sectionAt(all.root, 'modules', 'mod_event_pusher', 'push');
  const backend = push === undefined ? '' : textOf(optionAt(push, 'backend'));
  const isNewer = isTOML || push?.entries.has('virtual_pubsub_hosts') === true || backend === 'rdbms';
  const isOld = [...translation.pools, ...httpPools(translation)].some((pool) =>
    pool.key.startsWith('http_connections'),
  );
  const api = isOld ? 'v2' : 'v3';
  provider.keys.set('api', api);
  const note = `providers.0.api = "${api}"`;
  if (isNewer || isOld)
    translation.sayOfAbsent(
      `${section.key}.api_version`,
      'translated',
      `${note}, what MongooseIM takes when none is named`,
    );
  else {
    const rest = 'the default since 3.6; up to 3.5 it was "v2"';
    translation.sayOfAbsent(`${section.key}.api_version`, 'decision', `${note}, ${rest}`);
  }
}

function httpPools(translation: Translation): readonly OptionSection[] {
  const [all] = translation.config.scopes;
  return sectionsIn(all === undefined ? undefined : sectionAt(all.root, 'outgoing_pools', 'http')).map(
    ([, pool]) => pool,
  );
}

/** @returns an address that the configuration accepts, whatever the pool says. */
function urlOf(pool: OptionSection): string {
  return poolURL(pool) ?? unknownURL;
}

/** Host and path prefix of an HTTP pool in one; `undefined` when they make no address. */
export function poolURL(pool: OptionSection): string | undefined {
  const host = textOf(optionAt(pool, 'connection', 'host')).replace(/\/+$/, '');
  const prefix = textOf(optionAt(pool, 'connection', 'path_prefix')).replaceAll(/^\/+|\/+$/g, '');
  const url = prefix === '' ? host : `${host}/${prefix}`;
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) return undefined;
  const { username, password, search, hash } = new URL(url);
  return username + password + search + hash === '' ? url : undefined;
}

function applyPool(pool: OptionSection, provider: DraftTable, translation: Translation): void {
  translation.pools.add(pool);
  translation.say(pool, 'translated', 'the connection of [[providers]]');
  if (!pool.entries.has('connection')) {
    translation.sayOfAbsent(`${pool.key}.connection.host`, 'decision', `not said; urls = ["${unknownURL}"] is written`);
  }
  const url = poolURL(pool);
  const { connections } = mongoosePushKeys;
  const { request_ms: request } = providerKeys;
  translation.apply(pool, {
    scope: 'a provider is there for all hosts',
    host: 'a provider is there for all hosts',
    host_type: 'a provider is there for all hosts',
    strategy: 'the connection with the fewest requests takes the next',
    call_timeout: 'providers.request_ms bounds the whole request',
    workers: (option) => {
      const count = translation.wholeNumber(option, connections.min, connections.max);
      const note = 'of each publishing thread';
      if (count !== undefined) translation.put(option, [provider, 'providers.0.connections'], count, note);
    },
    'connection.host': (option) => {
      if (url === undefined) {
        const note = `not an http or https address without user, query and fragment; "${unknownURL}" is written`;
        translation.say(option, 'decision', note);
        return;
      }
      const hasAuthority = optionAt(pool, 'connection', 'tls', 'cacertfile') !== undefined;
      const note = url.startsWith('https:') && !hasAuthority ? selfSigned : '';
      translation.put(option, [provider, 'providers.0.urls'], [url], note);
    },
    'connection.path_prefix': (option) => translation.say(option, 'translated', 'providers.0.urls'),
    'connection.request_timeout': (option) => {
      const ms = translation.wholeNumber(option, request.min, request.max);
      if (ms !== undefined) translation.put(option, [provider, 'providers.0.request_ms'], ms);
    },
    'connection.pool_timeout': 'there is no wait for a connection apart from the request itself',
    ...tlsRules(translation, {
      caFile: (option) => {
        const file = translation.fitting(option, mongoosePushKeys.ca_file);
        const note = 'a relative path starts at the working directory of Meerkat';
        if (file !== undefined) translation.put(option, [provider, 'providers.0.ca_file'], file, note);
      },
      hasAuthority: optionAt(pool, 'connection', 'tls', 'cacertfile') !== undefined,
      without: 'name the authority of the gateway in ca_file if it is not one of the system',
    }),
  });
}

const selfSigned =
  'no authority is named: for a self-signed gateway set ca_file, or every request fails, as it did as a timeout there';

function providerName(pool: string): string {
  const name = pool
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 64);
  return parseProviderName(name).ok ? name : 'mongoosepush';
}

/** A configuration without a provider does not start: one that sends nothing keeps the place. */
export function addTrialProvider(translation: Translation): void {
  const provider = translation.draft.add('providers');
  provider.comments.push('Replace this by the gateways you use: apns, fcm, or mongoosepush.');
  provider.keys.set('name', 'trial');
  provider.keys.set('kind', 'blackhole');
  translation.sayOfAbsent(
    'modules.mod_push_service_mongoosepush',
    'decision',
    'not there, so that MongooseIM reaches no gateway by itself; a provider that sends nothing keeps the place',
  );
}
