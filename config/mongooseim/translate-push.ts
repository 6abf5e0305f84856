// Thread: any
/**
 * `mod_event_pusher.push`, which was `mod_push`: what users enable and which events push (mongooseim 2.12 to 2.18).
 */
import { checkVirtualHosts, preparedDomain } from '../check-domains.ts';
import { ConfigIssues, noOrigin } from '../config-issue.ts';
import { pushKeys } from '../push-schema.ts';
import { sectionAt, sectionsIn } from './option-tree.ts';
import { translateDatabase } from './translate-database.ts';
import { translateRules } from './translate-rules.ts';
import { textOf, textsOf } from './translation.ts';
import type { Option, OptionScope, OptionSection } from './option-tree.ts';
import type { Translation } from './translation.ts';

const behaviours: ReadonlyMap<string, 'default' | 'enhanced' | 'hints'> = new Map([
  ['mod_event_pusher_push_plugin_defaults', 'default'],
  ['mod_push_plugin_default', 'default'],
  ['mod_event_pusher_push_plugin_enhanced', 'enhanced'],
  ['mod_event_pusher_push_plugin_hints', 'hints'],
]);

const noPool =
  'publishes have no pool of workers here: they are sent without waiting, and what waits for an answer is bounded';

/** Whether this scope has a push backend. */
export function translatePush(scope: OptionScope, translation: Translation): boolean {
  const section = sectionAt(scope.root, 'modules', 'mod_event_pusher', 'push');
  if (section === undefined) return false;
  translation.say(section, 'translated', '[push]: what users enable, and which events push');
  const rules = sectionAt(section, 'rules');
  translation.apply(section, {
    iqdisc: 'the IQs of one user are taken in their order, those of different users beside each other',
    'iqdisc.*': 'the IQs of one user are taken in their order, those of different users beside each other',
    'wpool.*': noPool,
    backend: (option) => translateBackend(option, scope, translation),
    plugin_module: (option) => translatePlugin(option, section, translation),
    virtual_pubsub_hosts: (option) => translateVirtualHosts(option, scope, translation),
    rules: (option) => translation.say(option, 'decision', 'not a list of tables: MongooseIM refuses it; left out'),
    'rules.*': () => undefined, // below, rule by rule
  });
  if (rules?.entries.size === 0) translation.say(rules, 'ignored', 'there is no rule in it');
  else if (rules !== undefined) translateRules(sectionsIn(rules), translation);
  sayDefaults(section, translation);
  return true;
}

/** What MongooseIM does without being told, and Meerkat would not. */
function sayDefaults(section: OptionSection, translation: Translation): void {
  const { draft } = translation;
  const push = draft.table('push').keys;
  if (!push.has('store')) {
    push.set('store', 'lmdb');
    translation.sayOfAbsent(`${section.key}.backend`, 'decision', mnesiaNote);
  }
  if (!push.has('behaviour') && draft.list('push.rules').length === 0) {
    push.set('behaviour', 'default');
    const note = 'push.behaviour = "default", as the plugin that MongooseIM takes when none is named';
    translation.sayOfAbsent(`${section.key}.plugin_module`, 'translated', note);
  }
  if (push.has('expire_days')) return;
  push.set('expire_days', 0);
  push.set('per_user_max', pushKeys.per_user_max.max);
  push.set('content', 'full');
  draft.table('notifications').keys.set('content', 'full');
  draft.table('push.groups').keys.set('public', 'always');
  const notes: readonly (readonly [string, string])[] = [
    ['expire_days', 'push.expire_days = 0: MongooseIM forgets no registration; Meerkat by itself does after a year'],
    ['per_user_max', `push.per_user_max = ${pushKeys.per_user_max.max}, the most there is: MongooseIM has no limit`],
    ['groups', 'push.groups.public = "always": MongooseIM knows no mentions'],
  ];
  for (const [name, note] of notes) translation.sayOfAbsent(`${section.key} (${name})`, 'translated', note);
  translation.sayOfAbsent(
    `${section.key} (content)`,
    'decision',
    'push.content and notifications.content = "full": MongooseIM shows sender and body to push services and ' +
      'gateways; write "none" or "sender" to hold them back',
  );
}

const mnesiaNote =
  'push.store = "lmdb". The registrations in Mnesia are not in any table that can be read: clients enable again ' +
  'when they connect, or bring them by `meerkat registrations import`';

function translateBackend(option: Option, scope: OptionScope, translation: Translation): void {
  const backend = textOf(option);
  const { keys } = translation.draft.table('push');
  if (backend === 'mnesia') {
    const before = keys.get('store');
    if (before === undefined || before === 'lmdb') {
      keys.set('store', 'lmdb');
      translation.say(option, 'decision', mnesiaNote);
    } else translation.set(option, ['push', 'store'], 'lmdb');
  } else if (backend === 'rdbms') translateDatabase(option, scope, translation);
  else translation.say(option, 'decision', 'MongooseIM knows "mnesia" and "rdbms" here; push.store is left at "lmdb"');
}

function translatePlugin(option: Option, section: OptionSection, translation: Translation): void {
  if (section.entries.has('rules')) {
    const note = 'MongooseIM refuses plugin_module and rules together; the rules were taken';
    translation.say(option, 'decision', note);
    return;
  }
  const behaviour = behaviours.get(textOf(option));
  if (behaviour !== undefined) {
    translation.set(option, ['push', 'behaviour'], behaviour);
    return;
  }
  const { keys } = translation.draft.table('push');
  if (!keys.has('behaviour')) keys.set('behaviour', 'default');
  const plugins = translation.draft.add('plugins');
  plugins.comments.push(
    `Instead of ${textOf(option)}, once it is written in JavaScript:`,
    '[[plugins]]',
    'module = "./plugins/push.js"',
  );
  translation.say(
    option,
    'decision',
    'code in Erlang cannot be translated: write a JavaScript module that exports createPlugin, whose result may have ' +
      'shouldPublish, prepareNotification and publishNotification as the callbacks of the Erlang module, and name it ' +
      'in [[plugins]]; what it leaves out is done as by push.behaviour = "default"',
  );
}

/** `@HOST@` is legal as the last label only; up to 4.x it was written `@HOSTS@` (mongooseim 2.12). */
function translateVirtualHosts(option: Option, scope: OptionScope, translation: Translation): void {
  const good: string[] = [];
  const bad: string[] = [];
  for (const template of textsOf(option)) {
    const current = preparedTemplate(template);
    if (current === undefined) bad.push(template);
    else good.push(hostTemplate(current, scope, translation));
  }
  if (bad.length > 0 || !Array.isArray(option.value)) {
    const which = bad.length === 0 ? 'this is not a list' : bad.map((name) => JSON.stringify(name)).join(', ');
    const note = `${which}: MongooseIM wants domains, with @HOST@ as the last label if at all`;
    if (good.length > 0) addVirtualHosts(good, translation);
    translation.say(option, 'decision', `${note}; ${good.length} of ${good.length + bad.length} were taken`);
  } else if (good.length === 0) {
    translation.say(option, 'translated', 'nothing: every push goes to its push service by IQ');
  } else translation.set(option, ['push', 'virtual_hosts'], good);
}

/** As Meerkat's own check spells it; `undefined` if it is none. */
export function preparedTemplate(template: string): string | undefined {
  const issues = new ConfigIssues(noOrigin);
  const readFile = (): string => '';
  return checkVirtualHosts([template.replaceAll('@HOSTS@', '@HOST@')], { issues, readFile })[0];
}

/** Of one host alone, the pattern is that one domain; if all hosts have it anyway, it stays the pattern. */
function hostTemplate(template: string, scope: OptionScope, translation: Translation): string {
  const present = translation.draft.table('push').keys.get('virtual_hosts');
  const isForAll = Array.isArray(present) && present.includes(template);
  return isForAll ? template : ofHost(template, scope);
}

/** A host type is no domain: its pattern stays one. */
export function ofHost(template: string, { host }: OptionScope): string {
  const domain = host.includes('.') ? preparedDomain(host) : undefined;
  return domain === undefined ? template : template.replace('@HOST@', domain);
}

export function addVirtualHosts(hosts: readonly string[], { draft }: Translation): void {
  const { keys } = draft.table('push');
  const before = keys.get('virtual_hosts');
  const texts = Array.isArray(before) ? before.filter((host): host is string => typeof host === 'string') : [];
  keys.set('virtual_hosts', [...new Set([...texts, ...hosts])]);
}
