// Thread: any
/**
 * `[[providers]]`: the keys of each kind, and its credentials. MongoosePush takes the token in silence when both ways
 * of authentication are given; here it is a problem, because one of the two is a mistake.
 */
import { assert, unreachable } from '../src/core/assert.ts';
import { parseProviderName } from '../src/core/ids.ts';
import { checkAuthorities, membersOf } from './check-servers.ts';
import { checkSection, isTable, namesOf } from './check-section.ts';
import { problemOf } from './check-value.ts';
import { checkApnsCertificate } from './check-apns-certificate.ts';
import { checkApnsAuth, checkServiceAccount } from './check-credentials.ts';
import { apnsKeys, blackholeKeys, fcmKeys, gatewayKeys, mongoosePushKeys } from './provider-schema.ts';
import { providerKeys } from './schema.ts';
import type { Checking } from './check-section.ts';
import type { ConfigKey, KeyTable } from './config-key.ts';
import type { ApnsConfig, FcmConfig, ProviderConfig } from './engine-config.ts';
import type { Service } from '../src/core/registration.ts';

// Each has a queue and sessions of its own in every publishing thread.
const providersMax = 64;

export function checkProviders(raw: unknown, checking: Checking): readonly ProviderConfig[] {
  const { issues } = checking;
  const members = membersOf(raw, { path: 'providers', max: providersMax }, checking);
  if (members.length === 0 && !issues.has('providers')) {
    issues.add(
      'providers',
      'has no member',
      'write [[providers]] with name and kind; kind = "blackhole" is for trials',
    );
  }
  const providers = members.map((member, index) => checkProvider(member, `providers.${index}`, checking));
  reportRepeats(providers, checking);
  reportNeverChosen(providers, checking);
  return providers;
}

function reportRepeats(providers: readonly ProviderConfig[], { issues }: Checking): void {
  const names = new Set<string>();
  for (const [index, { name }] of providers.entries()) {
    const path = `providers.${index}.name`;
    if (issues.has(path)) continue;
    if (names.has(name)) issues.add(path, `${JSON.stringify(name)} is taken`, 'give each provider its own');
    names.add(name);
  }
}

// The first provider that fits is taken: a trial that was left in front of the real ones would swallow every push.
function reportNeverChosen(providers: readonly ProviderConfig[], { issues }: Checking): void {
  const routes = ['kind', 'mode', 'apps', 'tags', 'services', 'name', 'project_id', 'service_account'];
  const isKnown = (index: number): boolean => !issues.has(...routes.map((key) => `providers.${index}.${key}`));
  for (const [index, provider] of providers.entries()) {
    if (!isKnown(index)) continue;
    const before = providers.filter((other, at) => at < index && isKnown(at) && other.mode === provider.mode);
    const taking = new Set<string>();
    const isTaken = servicesOf(provider).every((service) => {
      const rivals = before.filter((other) => servicesOf(other).includes(service));
      const rival = rivals.find((other) => takesAll(other, provider));
      if (rival !== undefined) taking.add(JSON.stringify(rival.name));
      return rival !== undefined;
    });
    if (!isTaken || taking.size === 0) continue;
    issues.add(
      `providers.${index}`,
      `is never chosen: ${[...taking].join(' and ')} before it takes everything`,
      'remove one of them, move this one up, or divide their apps or tags',
    );
  }
}

// By service and mode they are rivals. Whoever asks for a tag, or for the project of another, passes the first one by.
function takesAll(first: ProviderConfig, second: ProviderConfig): boolean {
  if (!second.tags.every((tag) => first.tags.includes(tag))) return false;
  const isOfAnother = first.kind === 'fcm' && second.kind === 'fcm' && first.projectId !== second.projectId;
  if (isOfAnother && !first.apps.includes(second.projectId)) return false;
  return first.apps.length === 0 || containsAll(first.apps, second.apps);
}

function containsAll(apps: readonly string[], wanted: readonly string[]): boolean {
  return wanted.length > 0 && wanted.every((app) => apps.includes(app));
}

function servicesOf(provider: ProviderConfig): readonly Service[] {
  return provider.kind === 'apns' || provider.kind === 'fcm' ? [provider.kind] : provider.services;
}

type Common = Pick<ProviderConfig, 'name' | 'apps' | 'tags' | 'mode' | 'creditMax' | 'requestMs'>;

interface Place {
  readonly raw: unknown;
  readonly path: string;
}

const kindTables: Readonly<Record<string, readonly KeyTable[]>> = {
  apns: [gatewayKeys, apnsKeys],
  fcm: [gatewayKeys, fcmKeys],
  mongoosepush: [mongoosePushKeys],
  blackhole: [blackholeKeys],
};

function checkProvider(raw: unknown, path: string, checking: Checking): ProviderConfig {
  const kindWritten = isTable(raw) ? raw['kind'] : undefined;
  const tables =
    typeof kindWritten === 'string' && Object.hasOwn(kindTables, kindWritten) ? kindTables[kindWritten] : undefined;
  // While the kind is unknown, a key of any kind may be right.
  const others = (tables ?? Object.values(kindTables).flat()).flatMap(namesOf);
  const keys = checkSection({ raw, path, others }, providerKeys, checking);
  const name = parseProviderName(keys.name);
  assert(name.ok, 'checkSection lets only provider names pass');
  const common: Common = {
    name: name.value,
    apps: keys.apps,
    tags: keys.tags,
    mode: keys.mode,
    creditMax: keys.credit_max,
    requestMs: keys.request_ms,
  };
  const place = { raw: tables === undefined ? {} : onlyKeys(raw, tables), path };
  const kind = tables === undefined ? 'blackhole' : keys.kind;
  switch (kind) {
    case 'apns':
      return checkApns(common, place, checking);
    case 'fcm':
      return checkFcm(common, place, checking);
    case 'mongoosepush':
      return checkMongoosePush(common, place, checking);
    case 'blackhole': {
      const own = checkSection(place, blackholeKeys, checking);
      const { services, stall_share: stallShare, stall_ms: stallMs } = own;
      return { ...common, kind, services, stallShare, stallMs };
    }
    default:
      return unreachable(kind);
  }
}

// The keys of the kind alone: the common ones are checked, and unknown ones are reported.
function onlyKeys(raw: unknown, tables: readonly KeyTable[]): Readonly<Record<string, unknown>> {
  if (typeof raw !== 'object' || raw === null) return {};
  const names = tables.flatMap(namesOf);
  return Object.fromEntries(Object.entries(raw).filter(([name]) => names.includes(name)));
}

function checkApns(common: Common, place: Place, checking: Checking): ApnsConfig {
  const gateway = checkGateway({ ...place, others: namesOf(apnsKeys) }, checking);
  const own = checkSection({ ...place, others: namesOf(gatewayKeys) }, apnsKeys, checking);
  const appleHost = common.mode === 'prod' ? 'api.push.apple.com' : 'api.sandbox.push.apple.com';
  const auth = checkApnsAuth(own, place.path, checking.issues);
  const certificatePem = auth.kind === 'certificate' ? auth.certificatePem : '';
  const beside = { certificatePem, mode: common.mode, topic: own.topic };
  const topic = checkApnsCertificate(beside, place.path, checking.issues);
  const { sessions_max: sessionsMax } = own;
  return { ...common, ...gateway, kind: 'apns', host: gateway.host || appleHost, auth, topic, sessionsMax };
}

function checkFcm(common: Common, place: Place, checking: Checking): FcmConfig {
  const gateway = checkGateway({ ...place, others: namesOf(fcmKeys) }, checking);
  const own = checkSection({ ...place, others: namesOf(gatewayKeys) }, fcmKeys, checking);
  const account = checkServiceAccount(own, place.path, checking.issues);
  const host = gateway.host || 'fcm.googleapis.com';
  return {
    ...common,
    ...gateway,
    ...account,
    kind: 'fcm',
    host,
    sessionsMax: own.sessions_max,
    tokenUrl: own.token_url,
    quotaPerMinute: own.quota_per_minute,
  };
}

type Gateway = Pick<ApnsConfig, 'host' | 'port' | 'caFile' | 'transport' | 'proxyUrl'>;

function checkGateway(place: Place & { readonly others: readonly string[] }, checking: Checking): Gateway {
  const keys = checkSection(place, gatewayKeys, checking);
  const { host, port, ca_file: caFile, transport, proxy: proxyUrl } = keys;
  checkAuthorities(caFile, `${place.path}.ca_file`, checking);
  if (proxyUrl !== '' && transport !== 'http2-wrapper') {
    checking.issues.add(`${place.path}.proxy`, 'is not for our own client', 'write transport = "http2-wrapper"');
  }
  return { host, port, caFile, transport, proxyUrl };
}

function checkMongoosePush(common: Common, place: Place, checking: Checking): ProviderConfig {
  const keys = checkSection(place, mongoosePushKeys, checking);
  const { urls, api, http_version: httpVersion, ca_file: caFile, connections, services } = keys;
  checkAuthorities(caFile, `${place.path}.ca_file`, checking);
  checkURLs(urls, `${place.path}.urls`, checking);
  if (httpVersion === '2' && urls.some((url) => !url.startsWith('https:'))) {
    checking.issues.add(`${place.path}.http_version`, 'is for https alone', 'write http_version = "1.1"');
  }
  return { ...common, kind: 'mongoosepush', urls, api, httpVersion, caFile, connections, services };
}

const oneURL: ConfigKey = { type: 'text', form: 'url', minBytes: 1, maxBytes: 2048, says: '' };

function checkURLs(urls: readonly string[], path: string, { issues }: Checking): void {
  if (issues.has(path)) return;
  const remedy = 'write addresses such as ["https://push.example.net:8443"]';
  if (urls.length === 0) issues.add(path, 'has no member', remedy);
  for (const url of urls) {
    const problem = problemOf(oneURL, url);
    if (problem !== undefined) issues.add(path, `has a member that ${problem}`, remedy);
    else if (urls.indexOf(url) !== urls.lastIndexOf(url)) {
      issues.add(path, `has ${JSON.stringify(url)} twice`, 'name each gateway once');
    } else continue;
    return;
  }
}
