// Thread: any
/**
 * `meerkat import mongooseim`: from the text of a MongooseIM configuration, old or new, to the text of a Meerkat one,
 * and what became of each option that has to do with push (mongooseim 2.15, 7). The text passes `parseConfig` but for
 * files it names; what cannot be known is a placeholder, and somebody's decision.
 */
import { err, ok } from '../../src/core/result.ts';
import { optionsOf } from './erlang-options.ts';
import { toCurrentLayout } from './layout.ts';
import { optionAt, sectionAt, sectionsIn } from './option-tree.ts';
import { readErlang } from './read-erlang.ts';
import { readTOML } from './read-toml.ts';
import { translateEvents, domainsOf } from './translate-events.ts';
import { addTrialProvider, translateGateway } from './translate-gateway.ts';
import { translatePush } from './translate-push.ts';
import { translateAppServer, translatePubsub, translateServers } from './translate-servers.ts';
import { Translation } from './translation.ts';
import type { Result } from '../../src/core/result.ts';
import type { ConfigIssue } from '../config-issue.ts';
import type { Finding } from './finding.ts';
import type { MongooseConfig, OptionScope } from './option-tree.ts';

export interface ImportedConfig {
  /** A `meerkat.toml`. Holds the secrets that the source holds. */
  readonly text: string;
  /** In the order of the source; no value of a secret is in them. */
  readonly findings: readonly Finding[];
}

// A configuration with a thousand hosts is a tenth of this.
const textCharactersMax = 1_048_576;

/** @param path its name: `.toml` and `.cfg` tell the syntax, otherwise the text does. */
export function importMongooseIM(text: string, path: string): Result<ImportedConfig, readonly ConfigIssue[]> {
  if (text.length > textCharactersMax) {
    const problem = `is longer than ${textCharactersMax} characters`;
    return err([{ line: 1, key: '', problem, remedy: 'Is this the configuration file?' }]);
  }
  const read = isErlang(text, path) ? readTerms(text) : readTOML(text);
  return read.ok ? translate(read.value) : read;
}

function isErlang(text: string, path: string): boolean {
  if (/\.toml$/i.test(path)) return false;
  return /\.(cfg|config)$/i.test(path) || /^\s*[%{]/.test(text);
}

function readTerms(text: string): Result<MongooseConfig, readonly ConfigIssue[]> {
  const terms = readErlang(text);
  if (terms.ok) return ok(optionsOf(terms.value));
  const { line, problem } = terms.error;
  const remedy = 'MongooseIM could not read it either; for mongooseim.toml name a file that ends in .toml.';
  return err([{ line, key: '', problem, remedy }]);
}

function translate(config: MongooseConfig): Result<ImportedConfig, readonly ConfigIssue[]> {
  const translation = new Translation(config);
  for (const { root } of config.scopes) {
    for (const { key, line, problem } of toCurrentLayout(root)) {
      translation.say({ kind: 'section', key, line, entries: new Map() }, 'decision', problem);
    }
  }
  const push = config.scopes.map((scope) => translatePush(scope, translation)).some(Boolean);
  const pubsub = config.scopes.map((scope) => translatePubsub(scope, translation)).some(Boolean);
  const gateway = config.scopes.map((scope) => translateGateway(scope, translation)).some(Boolean);
  const events = config.scopes.map((scope) => translateEvents(scope, translation)).some(Boolean);
  for (const scope of config.scopes) translateAppServer(scope, translation);
  const appServer = config.scopes.some(({ root }) => sectionAt(root, 'modules', 'mod_push_app_server') !== undefined);
  if (!push && !pubsub && !gateway && !events && !appServer) return err([nothingOfPush]);
  rulesAlone(translation);
  if (!gateway) addTrialProvider(translation);
  for (const scope of config.scopes) {
    translateServers(scope, translation);
    sayRest(scope, translation);
  }
  if (push && !events) {
    translation.sayOfAbsent('modules.mod_event_pusher', 'decision', noEvents);
  }
  return ok({ text: translation.draft.text(), findings: translation.findings() });
}

/** Rules decide alone; they may be of one host, and a plugin of another. */
function rulesAlone(translation: Translation): void {
  const { draft } = translation;
  if (draft.list('push.rules').length === 0 || !draft.table('push').keys.delete('behaviour')) return;
  const note =
    'rules and a plugin are configured for different hosts; one Meerkat has one of both, the rules were taken';
  translation.sayOfAbsent('modules.mod_event_pusher.push.rules', 'decision', note);
}

const nothingOfPush: ConfigIssue = {
  line: 1,
  key: '',
  problem:
    'has nothing to do with push: none of the modules mod_event_pusher, mod_push, mod_pubsub with the plugin ' +
    '"push", mod_push_service_mongoosepush and mod_push_app_server is there',
  remedy: 'Is this the configuration that MongooseIM runs with?',
};

const noEvents =
  'MongooseIM decides about pushes inside itself. For Meerkat to decide, add the backend rabbit or http of ' +
  'mod_event_pusher there; or leave the decision to MongooseIM, and let it publish to the domain of [[servers]]';

/** What is left: hosts, and pools and sections in which push has no part. */
function sayRest(scope: OptionScope, translation: Translation): void {
  const { root } = scope;
  for (const name of ['hosts', 'host_types', 'default_server_domain']) {
    const option = optionAt(root, 'general', name);
    if (option === undefined) continue;
    const hint = domainsOf(translation)[0];
    const note =
      hint === undefined ? 'users of any domain are served' : `users of any domain; ${hint} is in the guesses`;
    translation.say(option, 'translated', note);
  }
  for (const [type, pools] of sectionsIn(sectionAt(root, 'outgoing_pools'))) {
    for (const [, pool] of sectionsIn(pools)) {
      if (translation.pools.has(pool)) continue;
      const isNamed = type === 'http' || type === 'rabbit' || type === 'rdbms';
      const why = isNamed ? `nothing of push uses this pool${misnamed(type)}` : 'nothing to do with push';
      translation.say(pool, 'ignored', why);
    }
  }
  const pusher = sectionAt(root, 'modules', 'mod_event_pusher');
  if (pusher !== undefined) translation.apply(pusher, { push: '', http: '', rabbit: '', sns: '' });
  for (const [name, module] of sectionsIn(sectionAt(root, 'modules'))) {
    if (!translation.isTold(module) && !known.has(name)) translation.say(module, 'ignored', 'nothing to do with push');
  }
  for (const node of root.entries.values()) {
    const isRead = ['general', 'listen', 'outgoing_pools', 'modules'].some((name) => root.entries.get(name) === node);
    if (!isRead && !translation.isTold(node)) translation.say(node, 'ignored', 'nothing to do with push');
  }
}

const known = new Set(['mod_event_pusher', 'mod_push_service_mongoosepush']);

function misnamed(type: string): string {
  return type === 'rabbit' ? '; that of mod_event_pusher must be called event_pusher' : '';
}
