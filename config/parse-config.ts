// Thread: any
/**
 * From text to a checked configuration. Reports every problem at once, each with its line and its remedy, because an
 * operator who repairs one per start gives up.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { TomlError, parse } from 'smol-toml';
import { err, ok } from '../src/core/result.ts';
import { checkDatabase, checkHttp, checkPlugins, checkRabbits } from './check-intake.ts';
import { checkProviders } from './check-providers.ts';
import { checkPush } from './check-push.ts';
import { asTable, checkSection, reportUnknown } from './check-section.ts';
import { checkServers } from './check-servers.ts';
import { checkTemplates } from './check-templates.ts';
import { ConfigIssues, noOrigin } from './config-issue.ts';
import { overlayEnvironment } from './environment.ts';
import { findKeyLines, lineOf } from './key-lines.ts';
import {
  appServerKeys,
  engineKeys,
  notificationsKeys,
  pushNodesKeys,
  registrationsKeys,
  workersKeys,
} from './schema.ts';
import type { Result } from '../src/core/result.ts';
import type { Checking } from './check-section.ts';
import type { ConfigIssue } from './config-issue.ts';
import type { EngineConfig } from './engine-config.ts';
import type { Environment } from './environment.ts';

export interface ConfigSource {
  /** The content of the file; `''` configures by environment alone. */
  readonly text: string;
  /** Its name, for messages. */
  readonly path: string;
  readonly env: Environment;
  /** Reads the text files that keys name; throws when it cannot. */
  readonly readFile: (path: string) => string;
}

export type ConfigResult = Result<EngineConfig, readonly ConfigIssue[]>;

// A configuration with 64 servers and 64 providers with their keys inside is a tenth of this.
const textCharactersMax = 1_048_576;

const sections = [
  'engine',
  'servers',
  'registrations',
  'push_nodes',
  'app_server',
  'notifications',
  'workers',
  'providers',
  'push',
  'templates',
  'plugins',
  'http',
  'rabbit',
  'database',
];

/** A file with its environment. */
export function parseConfig(source: ConfigSource): ConfigResult {
  const parsed = parseText(source);
  if (!parsed.ok) return parsed;
  const lines = findKeyLines(source.text);
  const { raw, names, refused } = overlayEnvironment(parsed.value, source.env);
  const variables = new Set(refused.map(({ name }) => name));
  const issues = new ConfigIssues((path) => {
    const variable = variables.has(path) ? path : variableOf(names, path);
    return variable === undefined ? { line: lineOf(lines, path), name: path } : { line: 0, name: variable };
  });
  for (const { name, problem, remedy } of refused) issues.add(name, problem, remedy);
  return checkAll(raw, { issues, readFile: source.readFile });
}

// A member of a list has no variable of its own: the whole list has.
function variableOf(names: ReadonlyMap<string, string>, path: string): string | undefined {
  return names.get(path) ?? (/\.\d+$/.test(path) ? names.get(path.replace(/\.\d+$/, '')) : undefined);
}

/** The same for a program that embeds the engine: an object in the shape of the file (`EngineConfigInput`). */
export function parseConfigObject(raw: unknown): ConfigResult {
  return checkAll(raw, { issues: new ConfigIssues(noOrigin), readFile: (path) => readFileSync(path, 'utf8') });
}

function parseText({ text, path }: ConfigSource): Result<Record<string, unknown>, readonly ConfigIssue[]> {
  if (text.length > textCharactersMax) {
    const problem = `is longer than ${textCharactersMax} characters`;
    return err([{ line: 1, key: '', problem: `${path} ${problem}`, remedy: 'Is this the configuration file?' }]);
  }
  try {
    return ok({ ...parse(text, { unsafeKeyBehaviour: 'throw' }) });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The first line alone: the others quote the file, and the quoted line may hold a secret.
    const reason = (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
    const remedy = /\.toml$/.test(path) ? 'Text stands in quotes, lists in brackets' : 'The file must be TOML';
    return err([{ line: error.line, key: '', problem: `is not TOML: ${reason}`, remedy: `${remedy} (toml.io).` }]);
  }
}

function checkAll(raw: unknown, checking: Checking): ConfigResult {
  const { issues } = checking;
  const table = asTable(raw, '', issues);
  reportUnknown(table, { path: '', known: sections }, issues);
  const engine = checkSection({ raw: table['engine'], path: 'engine' }, engineKeys, checking);
  const registrar = checkRegistrar(table, checking);
  const push = checkPush(table['push'], checking);
  const stores = [
    ['registrations.store', registrar.registrations.store],
    ['push.store', push.store],
  ] as const;
  const config: EngineConfig = {
    engine: {
      dataDir: engine.data_dir,
      logLevel: engine.log_level,
      iqReplyMs: engine.iq_reply_ms,
      stopMs: engine.stop_ms,
      secretKey: engine.secret_key,
    },
    servers: checkServers(table['servers'], checking),
    ...registrar,
    notifications: checkNotifications(table['notifications'], checking),
    workers: checkWorkers(table['workers'], checking),
    providers: checkProviders(table['providers'], checking),
    push,
    templates: checkTemplates(table['templates'], checking),
    plugins: checkPlugins(table['plugins'], checking),
    http: checkHttp(table['http'], checking),
    rabbits: checkRabbits(table['rabbit'], push.dedupeSeconds, checking),
    database: checkDatabase(table['database'], stores, checking),
  };
  const found = issues.list();
  return found.length === 0 ? ok(config) : err(found);
}

function checkRegistrar(
  table: Readonly<Record<string, unknown>>,
  checking: Checking,
): Pick<EngineConfig, 'registrations' | 'pushNodes' | 'appServer'> {
  const rows = checkSection({ raw: table['registrations'], path: 'registrations' }, registrationsKeys, checking);
  const nodes = checkSection({ raw: table['push_nodes'], path: 'push_nodes' }, pushNodesKeys, checking);
  const appServer = checkSection({ raw: table['app_server'], path: 'app_server' }, appServerKeys, checking);
  return {
    registrations: {
      store: rows.store,
      shards: rows.shards,
      perOwnerMax: rows.per_owner_max,
      mapBytes: rows.map_bytes,
    },
    pushNodes: {
      create: nodes.create,
      nodeIds: nodes.node_ids,
      strictErrors: nodes.strict_errors,
      allowedDomains: nodes.allowed_domains,
    },
    appServer: { enabled: appServer.enabled, secrets: appServer.secrets },
  };
}

function checkNotifications(raw: unknown, checking: Checking): EngineConfig['notifications'] {
  const keys = checkSection({ raw, path: 'notifications' }, notificationsKeys, checking);
  return {
    content: keys.content,
    title: keys.title,
    body: keys.body,
    emptyPriority: keys.empty_priority,
    badge: keys.badge,
    sound: keys.sound,
    timeToLiveSeconds: keys.time_to_live_seconds,
  };
}

function checkWorkers(raw: unknown, checking: Checking): EngineConfig['workers'] {
  const { threads, heap_mb_max: heapMbMax } = checkSection({ raw, path: 'workers' }, workersKeys, checking);
  return { threads: threads === 0 ? Math.max(1, Math.floor(availableParallelism() / 2)) : threads, heapMbMax };
}
