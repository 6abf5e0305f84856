// Thread: any
/**
 * Where Meerkat meets MongooseIM as a component (`listen.component`), and the modules whose part its push nodes and its
 * app server take (mongooseim 3, 9.4).
 */
import { serverKeys } from '../schema.ts';
import { isLoopback } from '../check-servers.ts';
import { optionAt, sectionAt, sectionsIn } from './option-tree.ts';
import { domainsOf } from './translate-events.ts';
import { addVirtualHosts, ofHost, preparedTemplate } from './translate-push.ts';
import { textOf, textsOf } from './translation.ts';
import type { DraftTable } from './meerkat-draft.ts';
import type { Option, OptionScope, OptionSection } from './option-tree.ts';
import type { Translation } from './translation.ts';

export function translateServers(scope: OptionScope, translation: Translation): void {
  const listeners = sectionsIn(sectionAt(scope.root, 'listen', 'component'));
  for (const [, listener] of listeners) {
    const written = textsOf(optionAt(listener, 'domains'));
    const domains = written.length === 0 ? [guessDomain(translation)] : written;
    for (const domain of domains) translateListener(listener, domain, translation);
  }
  if (listeners.length > 0 || scope.host !== '') return;
  const table = translation.draft.add('servers');
  table.comments.push(
    'Once MongooseIM has a [[listen.component]]:',
    '[[servers]]',
    'name = "mongooseim"',
    'port = 8888',
    `domain = ${JSON.stringify(guessDomain(translation))}`,
    'secret_file = "/etc/meerkat/component-secret"',
    'error_profile = "mongooseim"',
  );
  translation.sayOfAbsent(
    'listen.component',
    'decision',
    'MongooseIM lets no component in: add [[listen.component]] there and [[servers]] here, if Meerkat is to be ' +
      'a push service for it',
  );
}

function guessDomain(translation: Translation): string {
  const hosts = translation.draft.table('push').keys.get('virtual_hosts');
  const texts = Array.isArray(hosts) ? hosts.filter((host): host is string => typeof host === 'string') : [];
  const exact = texts.find((host) => !host.includes('@'));
  if (exact !== undefined) return exact;
  return (
    texts[0]?.replace('@HOST@', domainsOf(translation)[0] ?? 'example.net') ??
    `push.${domainsOf(translation)[0] ?? 'example.net'}`
  );
}

function translateListener(listener: OptionSection, domain: string, translation: Translation): void {
  const server = translation.draft.add('servers');
  const index = translation.draft.list('servers').length - 1;
  const at = (key: string): readonly [DraftTable, string] => [server, `servers.${index}.${key}`];
  server.keys.set('name', index === 0 ? 'mongooseim' : `mongooseim-${index + 1}`);
  server.keys.set('host', '127.0.0.1');
  server.keys.set('port', 8888);
  server.keys.set('domain', domain);
  server.keys.set('secret', 'change-me');
  server.keys.set('error_profile', 'mongooseim');
  translation.say(listener, 'translated', '[[servers]]');
  if (!listener.entries.has('domains')) {
    const note = `servers.${index}.domain = ${JSON.stringify(domain)}: a guess; MongooseIM takes any`;
    translation.sayOfAbsent(`${listener.key} (domain)`, 'decision', note);
  }
  if (!listener.entries.has('password')) {
    const note = `servers.${index}.secret is a placeholder: MongooseIM lets nobody in without a password`;
    translation.sayOfAbsent(`${listener.key}.password`, 'decision', note);
  }
  translation.apply(listener, {
    port: (option) => {
      const port = translation.wholeNumber(option, serverKeys.port.min, serverKeys.port.max);
      if (port !== undefined) translation.put(option, at('port'), port);
    },
    ip_address: (option) => translateAddress(option, listener, at('host'), translation),
    ip_version: 'the address says it',
    password: (option) => {
      const secret = translation.fitting(option, serverKeys.secret);
      if (secret === undefined) return;
      server.keys.set('secret', secret);
      translation.say(option, 'translated', `servers.${index}.secret, as it is`);
    },
    domains: (option) => translation.put(option, at('domain'), domain),
    max_stanza_size: (option) => {
      const { min, max } = serverKeys.stanza_bytes_max;
      const bytes = translation.wholeNumber(option, min, max);
      if (bytes !== undefined) translation.put(option, at('stanza_bytes_max'), bytes);
    },
    conflict_behaviour: (option) => {
      if (option.value === 'kick_old') translation.say(option, 'no-counterpart', 'right for a restart with overlap');
      else translation.say(option, 'decision', 'set it to "kick_old" there, so that a new stream replaces a dead one');
    },
    hidden_components: 'how MongooseIM shows components to users',
    check_from: 'what MongooseIM checks of a component',
    access: accessNote,
    shaper: 'MongooseIM slows the component by it: give it one that is fast',
    shaper_rule: 'MongooseIM slows the component by it: give it one that is fast',
    tls: (option) => translation.say(option, 'decision', tlsNote),
    'tls.*': (option) => {
      server.keys.set('tls', true);
      translation.say(option, 'decision', tlsNote);
    },
    ...socketRules,
    service_check_from: 'what MongooseIM checks of a component',
  });
  encrypt(server, listener);
}

const accessNote = 'who may connect is for MongooseIM to check';
const socketNote = 'of the side that listens';
const socketRules = Object.fromEntries(
  [
    'backlog',
    'proxy_protocol',
    'num_acceptors',
    'max_connections',
    'reuse_port',
    'hibernate_after',
    'state_timeout',
    'max_fsm_queue',
    'protocol',
  ].map((name) => [name, socketNote]),
);
const tlsNote = 'tls = { mode = "direct" } is written: name the authority of MongooseIM in its ca_file';

/** As the checks of `[[servers]]` want it: beyond this machine it is TLS, or said that it is not. */
function encrypt(server: DraftTable, listener: OptionSection): void {
  const isTLS = sectionAt(listener, 'tls') !== undefined;
  if (isTLS) server.keys.set('tls', [new Map([['mode', 'direct']])]);
  else if (!isLoopback(hostOf(server))) server.keys.set('allow_plaintext', true);
}

function hostOf({ keys }: DraftTable): string {
  const host = keys.get('host');
  return typeof host === 'string' ? host : '';
}

function translateAddress(
  option: Option,
  listener: OptionSection,
  target: readonly [DraftTable, string],
  translation: Translation,
): void {
  const address = translation.fitting(option, serverKeys.host);
  if (address === undefined) return;
  if (/^(0\.0\.0\.0|::|0:0:0:0:0:0:0:0)$/.test(address)) {
    translation.say(
      option,
      'decision',
      `${target[1]} = "127.0.0.1": write the address at which Meerkat finds MongooseIM`,
    );
  } else if (isLoopback(address) || sectionAt(listener, 'tls') !== undefined) translation.put(option, target, address);
  else {
    translation.put(option, target, address);
    const key = target[1].replace(/host$/, 'allow_plaintext');
    const note = `${key} = true: device tokens cross the network in clear; give the listener TLS, then remove the key`;
    translation.sayOfAbsent(`${listener.key}.tls`, 'decision', note);
  }
}

/** Whether this scope has a pubsub service with push nodes. */
export function translatePubsub(scope: OptionScope, translation: Translation): boolean {
  const found = ['mod_pubsub', 'mod_pubsub_old'].flatMap((name) => {
    const section = sectionAt(scope.root, 'modules', name);
    return section === undefined ? [] : [section];
  });
  return found.map((section) => translatePubsubModule(section, scope, translation)).some(Boolean);
}

function translatePubsubModule(section: OptionSection, scope: OptionScope, translation: Translation): boolean {
  const plugins = textsOf(optionAt(section, 'plugins'));
  if (!plugins.includes('push')) {
    translation.say(section, 'ignored', 'a pubsub service without the plugin "push" has nothing to do with push');
    return false;
  }
  translation.say(section, 'translated', 'push nodes: Meerkat is the push service');
  translation.draft.table('push_nodes').keys.set('create', true);
  if (!section.entries.has('host')) translatePubsubHost(undefined, 'pubsub.@HOST@', scope, translation);
  const items = 'push nodes keep no items and notify no subscribers';
  translation.apply(section, {
    plugins: (option) => {
      const others = plugins.filter((name) => name !== 'push');
      if (others.length === 0) translation.say(option, 'translated', 'push_nodes.create = true');
      else {
        const note = `push_nodes.create = true; ${others.join(', ')} must stay in MongooseIM`;
        translation.say(option, 'decision', note);
      }
    },
    host: (option) => translatePubsubHost(option, textOf(option), scope, translation),
    access_createnode: (option) => {
      if (option.value === 'all')
        translation.say(option, 'translated', 'push_nodes.allowed_domains = [], which is all');
      else translation.say(option, 'decision', 'rules are not read: write the domains in push_nodes.allowed_domains');
    },
    backend: 'nodes are in the store of [registrations]',
    nodetree: 'there is one level of nodes',
    default_node_config: 'its options are about items; who may publish to a node is for its owner to say',
    'default_node_config.*': 'its options are about items; who may publish to a node is for its owner to say',
    iqdisc: 'requests for one node are taken in their order',
    'iqdisc.*': 'requests for one node are taken in their order',
    max_items_node: items,
    max_subscriptions_node: items,
    last_item_cache: items,
    item_publisher: items,
    sync_broadcast: items,
    ignore_pep_from_offline: items,
    pep_mapping: items,
    'pep_mapping.*': items,
    'wpool.*': items,
  });
  return true;
}

/** Clients have enabled push at this domain: as a virtual host their registrations go on (mongooseim 2.12). */
function translatePubsubHost(
  option: Option | undefined,
  host: string,
  scope: OptionScope,
  translation: Translation,
): void {
  const current = preparedTemplate(host) ?? 'pubsub.@HOST@';
  const own = ofHost(current, scope);
  addVirtualHosts([own], translation);
  const note = `${JSON.stringify(own)} is one of push.virtual_hosts: what clients have enabled there goes on`;
  if (option === undefined) translation.sayOfAbsent('modules.mod_pubsub.host', 'translated', note);
  else translation.say(option, 'translated', note);
}

export function translateAppServer(scope: OptionScope, translation: Translation): void {
  const section = sectionAt(scope.root, 'modules', 'mod_push_app_server');
  if (section !== undefined) {
    translation.draft.table('app_server').keys.set('enabled', true);
    translation.say(section, 'translated', 'app_server.enabled = true: clients register by ad-hoc command');
    translation.apply(section, {
      backend: 'registrations are in the store of [registrations]; those in Mnesia must register again',
      push_server_api: 'the gateways are the [[providers]]',
    });
  }
  const service = sectionAt(scope.root, 'modules', 'mod_push_push_service');
  if (service === undefined) return;
  translation.draft.table('push_nodes').keys.set('create', true);
  translation.say(service, 'translated', 'push_nodes.create = true: Meerkat is the push service');
  translation.apply(service, {});
}
