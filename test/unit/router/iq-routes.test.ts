import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { emptySummary } from '../../../src/core/notification.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { routeIq } from '../../../src/router/iq-routes.ts';
import type { DropReason, Routed, RouteSettings } from '../../../src/router/routed.ts';
import { CommandSessions } from '../../../src/xmpp/command-sessions.ts';
import { componentFeatures } from '../../../src/xmpp/disco.ts';
import { ns } from '../../../src/xmpp/namespaces.ts';
import { noPublishOptions } from '../../../src/xmpp/publish-options.ts';
import { stanzaErrors, unsupportedFeature } from '../../../src/xmpp/stanza-errors.ts';
import type { StanzaError } from '../../../src/xmpp/stanza-errors.ts';
import { iqError } from '../../../src/xmpp/stanza.ts';
import { parseXml } from '../../parse-xml.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';

const domain = 'push.example.net';
const anna = 'anna@example.com/phone';

type Changes = Partial<Omit<RouteSettings, 'disco' | 'commands'>> & {
  readonly create?: boolean;
  readonly commands?: boolean;
};

function setup({ create = true, commands = true, ...changes }: Changes = {}): RouteSettings {
  const clock = new VirtualClock();
  const services = new Set(['apns', 'fcm'] as const);
  const sessions = new CommandSessions({ key: Buffer.alloc(32, 7), clock, random: seededRandom(1) });
  return {
    domain,
    clock,
    iqReplyMs: 5_000,
    allowedDomains: new Set(),
    strictErrors: false,
    delegatedDomains: new Set(),
    disco: {
      name: 'Meerkat',
      version: '1',
      jid: domain,
      create,
      commands,
      services,
      apps: ['fcm-xmpp-api'],
      delegation: false,
    },
    commands: { enabled: commands, services, jid: domain, secrets: true, sessions },
    ...changes,
  };
}

function iq(attributes: string, inner = ''): Routed {
  return routeIq(parseXml(`<iq ${attributes}>${inner}</iq>`), setup());
}

function asked(type: 'get' | 'set', inner: string, changes: Changes = {}, to = domain): Routed {
  return routeIq(parseXml(`<iq type='${type}' id='q1' from='${anna}' to='${to}'>${inner}</iq>`), setup(changes));
}

function assertRefused(routed: Routed, error: StanzaError, to = domain): void {
  assert.deepEqual(routed, { kind: 'reply', xml: iqError({ id: 'q1', from: anna, to }, error) });
}

function commandKind(routed: Routed): string {
  return routed.kind === 'command' ? `${routed.command.kind} ${routed.answering.kind}` : JSON.stringify(routed);
}

const notification = `<notification xmlns='${ns.push}'/>`;
const publish = `<pubsub xmlns='${ns.pubsub}'><publish node='n'><item>${notification}</item></publish></pubsub>`;

function owner(inner: string): string {
  return `<pubsub xmlns='${ns.pubsubOwner}'>${inner}</pubsub>`;
}

function pubsub(inner: string): string {
  return `<pubsub xmlns='${ns.pubsub}'>${inner}</pubsub>`;
}

test('a publish becomes one flat command with its deadline and the addresses of its answer', () => {
  const settings = setup();
  const element = parseXml(`<iq type='set' id='r/+=1' from='Example.COM' to='${domain}'>${publish}</iq>`);
  assert.deepEqual(routeIq(element, settings), {
    kind: 'command',
    command: {
      kind: 'publish',
      node: 'n',
      from: 'example.com',
      summary: emptySummary,
      options: noPublishOptions,
      deadlineMs: settings.clock.monotonicMs() + 5_000,
    },
    answering: { kind: 'publish' },
    request: { id: 'r/+=1', from: 'Example.COM', to: domain },
  });
});

test('2.1 and 2.2 an answer mirrors id and addresses as they were written', () => {
  const routed = iq(
    "type='get' id='&apos;&lt;1' from='A@Example.com/R' to='x@push.example.net/y'",
    "<q xmlns='urn:q'/>",
  );
  assert.equal(
    routed.kind === 'reply' && routed.xml,
    "<iq type='error' id='&apos;&lt;1' from='x@push.example.net/y' to='A@Example.com/R'><error type='cancel'>" +
      "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
  );
});

test('2.3 and 2.4 results and errors are never answered', () => {
  const from = `from='example.com' to='${domain}'`;
  const error = "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
  assert.deepEqual(iq(`type='result' id='p1' ${from}`), {
    kind: 'response',
    id: 'p1',
    from: 'example.com',
    isResult: true,
  });
  assert.deepEqual(iq(`type='error' id='p1' ${from}`, error + publish), {
    kind: 'response',
    id: 'p1',
    from: 'example.com',
    isResult: false,
  });
});

test('2.5 an unknown payload is answered service-unavailable', () => {
  assertRefused(asked('get', "<query xmlns='jabber:iq:last'/>"), stanzaErrors.serviceUnavailable);
  assertRefused(asked('set', "<ping xmlns='urn:other'/>"), stanzaErrors.serviceUnavailable);
});

test('2.6 an unknown element of a known namespace is not implemented', () => {
  assertRefused(asked('set', `<other xmlns='${ns.pubsub}'/>`), stanzaErrors.featureNotImplemented);
  assertRefused(asked('set', `<other xmlns='${ns.commands}'/>`), stanzaErrors.featureNotImplemented);
});

test('2.7 a get where only set makes sense, and the reverse, is a bad request', () => {
  assertRefused(asked('get', publish), stanzaErrors.badRequest);
  assertRefused(asked('get', `<command xmlns='${ns.commands}' node='register-push'/>`), stanzaErrors.badRequest);
  for (const [name, namespace] of [
    ['ping', ns.ping],
    ['query', ns.discoInfo],
    ['query', ns.discoItems],
    ['query', ns.version],
    ['time', ns.time],
  ]) {
    assertRefused(asked('set', `<${name} xmlns='${namespace}'/>`), stanzaErrors.badRequest);
  }
});

test('2.8 no child and more than one are bad requests', () => {
  assertRefused(asked('set', ''), stanzaErrors.badRequest);
  assertRefused(asked('set', publish + publish), stanzaErrors.badRequest);
  assert.equal(asked('set', `\n ${publish} text`).kind, 'command');
});

test('2.9 to 2.13 and 8.16 what cannot be answered is dropped, with the reason', () => {
  const table: readonly (readonly [string, DropReason])[] = [
    [`type='set' from='example.com' to='${domain}'`, 'no-id'],
    [`type='set' id='' from='example.com' to='${domain}'`, 'no-id'],
    [`type='set' id='${'i'.repeat(limits.iqIdBytesMax + 1)}' from='example.com' to='${domain}'`, 'long-id'],
    [`type='set' id='${'ä'.repeat(limits.iqIdBytesMax / 2 + 1)}' from='example.com' to='${domain}'`, 'long-id'],
    [`type='set' id='1' to='${domain}'`, 'bad-from'],
    [`type='set' id='1' from='@' to='${domain}'`, 'bad-from'],
    [`type='set' id='1' from='example.com'`, 'bad-to'],
    [`type='set' id='1' from='example.com' to='@@'`, 'bad-to'],
    [`type='set' id='1' from='example.com' to='other.example.net'`, 'other-domain'],
    [`type='set' id='1' from='example.com' to='x.${domain}'`, 'other-domain'],
    [`type='result' from='example.com' to='${domain}'`, 'no-id'],
  ];
  for (const [attributes, why] of table) assert.deepEqual(iq(attributes, publish), { kind: 'drop', why }, attributes);
  const bad = iqError({ id: '1', from: 'example.com', to: domain }, stanzaErrors.badRequest);
  for (const type of ['', "type='SET'", "type='toString'"]) {
    assert.deepEqual(iq(`${type} id='1' from='example.com' to='${domain}'`, publish), { kind: 'reply', xml: bad });
  }
  assert.equal(
    iq(`type='set' id='${'i'.repeat(limits.iqIdBytesMax)}' from='a.example' to='${domain}'`, publish).kind,
    'command',
  );
});

test('8.18 a stanza from our own domain is dropped', () => {
  for (const from of [domain, `x@${domain}/y`, 'PUSH.example.net']) {
    assert.deepEqual(iq(`type='set' id='1' from='${from}' to='${domain}'`, publish), {
      kind: 'drop',
      why: 'own-domain',
    });
  }
});

test('2.12 at any address of our domain publishes, disco and ping are answered, the rest is not', () => {
  for (const to of [`svc@${domain}`, `${domain}/r1`, `svc@${domain}/r1`, 'Push.Example.Net/r1']) {
    assert.equal(commandKind(asked('set', publish, {}, to)), 'publish publish');
    assert.match(JSON.stringify(asked('get', `<query xmlns='${ns.discoInfo}'/>`, {}, to)), /urn:xmpp:push:0/);
    assert.match(JSON.stringify(asked('get', `<ping xmlns='${ns.ping}'/>`, {}, to)), /type='result'/);
    assertRefused(asked('set', pubsub('<create/>'), {}, to), stanzaErrors.serviceUnavailable, to);
    assertRefused(asked('get', `<query xmlns='${ns.version}'/>`, {}, to), stanzaErrors.serviceUnavailable, to);
    const command = `<command xmlns='${ns.commands}' node='list-push-registrations'/>`;
    assertRefused(asked('set', command, {}, to), stanzaErrors.serviceUnavailable, to);
  }
  assert.equal(commandKind(asked('set', pubsub('<create/>'), {}, 'PUSH.example.net')), 'create create');
});

test('4.1 to 4.32 pubsub requests become commands of their owner', () => {
  const table: readonly (readonly ['get' | 'set', string, string])[] = [
    ['set', pubsub("<create node='n'/>"), 'create create'],
    ['set', pubsub('<create/>'), 'create create'],
    ['get', owner("<configure node='n'/>"), 'read-node configuration'],
    ['set', owner("<configure node='n'><x xmlns='jabber:x:data' type='submit'/></configure>"), 'configure empty'],
    ['set', owner("<delete node='n'/>"), 'delete-node empty'],
    ['get', owner("<affiliations node='n'/>"), 'read-node affiliations'],
    ['set', owner("<affiliations node='n'/>"), 'affiliate empty'],
    ['get', pubsub('<affiliations/>'), 'list own-affiliations'],
  ];
  for (const [type, inner, kind] of table) {
    const routed = asked(type, inner);
    assert.equal(commandKind(routed), kind, inner);
    assert.equal(routed.kind === 'command' && 'owner' in routed.command && routed.command.owner, 'anna@example.com');
  }
});

test('4.5 creating is forbidden to foreign domains and unsupported where it is switched off', () => {
  const create = pubsub("<create node='n'/>");
  assertRefused(asked('set', create, { create: false }), unsupportedFeature('create-nodes'));
  assertRefused(asked('set', create, { allowedDomains: new Set(['example.org']) }), stanzaErrors.forbidden);
  assert.equal(commandKind(asked('set', create, { allowedDomains: new Set(['example.com']) })), 'create create');
});

test('4.11 a cancelled form is answered at once, 4.13 so is the default configuration', () => {
  const cancelled = owner("<configure node='n'><x xmlns='jabber:x:data' type='cancel'/></configure>");
  assert.deepEqual(asked('set', cancelled), {
    kind: 'reply',
    xml: `<iq type='result' id='q1' from='${domain}' to='${anna}'/>`,
  });
  assert.match(JSON.stringify(asked('get', owner('<default/>'))), /pubsub#publish_model/);
});

test('5.33 and 5.42 commands become commands of the bare JID, for allowed domains', () => {
  const list = `<command xmlns='${ns.commands}' node='list-push-registrations'/>`;
  const token = `<x xmlns='jabber:x:data'><field var='token'><value>${'ab'.repeat(32)}</value></field></x>`;
  const register = `<command xmlns='${ns.commands}' node='register-push-apns'>${token}</command>`;
  const unregister = `<command xmlns='${ns.commands}' node='unregister-push'/>`;
  assert.equal(commandKind(asked('set', list)), 'list command');
  assert.equal(commandKind(asked('set', register)), 'register command');
  assert.equal(commandKind(asked('set', unregister)), 'unregister command');
  const routed = asked('set', register);
  assert.equal(routed.kind === 'command' && 'context' in routed.command, false);
  assertRefused(asked('set', list, { allowedDomains: new Set(['example.org']) }), stanzaErrors.forbidden);
  assertRefused(asked('set', list, { commands: false }), stanzaErrors.featureNotImplemented);
  const form = asked('set', `<command xmlns='${ns.commands}' node='register-push'/>`);
  assert.match(JSON.stringify(form), /status='executing'/);
});

test('3.5 to 3.9 questions about the component are answered at once', () => {
  const query = (namespace: string, node = ''): Routed => asked('get', `<query xmlns='${namespace}'${node}/>`);
  assert.match(JSON.stringify(query(ns.discoItems)), /<query xmlns='[^']*#items'\/>/);
  assert.match(JSON.stringify(query(ns.discoInfo, ` node='${ns.commands}'`)), /command-list/);
  assert.match(JSON.stringify(query(ns.version)), /<name>Meerkat<\/name>/);
  assert.match(JSON.stringify(asked('get', `<time xmlns='${ns.time}'/>`)), /2026-01-01T00:00:00Z/);
  assertRefused(query(ns.discoItems, " node='n'"), stanzaErrors.itemNotFound);
});

test('3.7 disco of a push node asks its registration', () => {
  assert.equal(commandKind(asked('get', `<query xmlns='${ns.discoInfo}' node='n'/>`)), 'read-node node-info');
  const long = asked('get', `<query xmlns='${ns.discoInfo}' node='${'n'.repeat(1025)}'/>`);
  assertRefused(long, stanzaErrors.itemNotFound);
});

/** One request for each feature that disco may name. */
const requestOf: Readonly<Record<string, readonly ['get' | 'set', string]>> = {
  [ns.discoInfo]: ['get', `<query xmlns='${ns.discoInfo}'/>`],
  [ns.discoItems]: ['get', `<query xmlns='${ns.discoItems}'/>`],
  [ns.commands]: ['set', `<command xmlns='${ns.commands}' node='list-push-registrations'/>`],
  [ns.version]: ['get', `<query xmlns='${ns.version}'/>`],
  [ns.ping]: ['get', `<ping xmlns='${ns.ping}'/>`],
  [ns.time]: ['get', `<time xmlns='${ns.time}'/>`],
  [ns.push]: ['set', publish],
  [ns.pubsub]: ['set', publish],
  'fcm-xmpp-api': ['set', `<command xmlns='${ns.commands}' node='register-device'/>`],
  'access-whitelist': ['get', owner('<default/>')],
  'config-node': ['get', owner("<configure node='n'/>")],
  'create-and-configure': ['set', pubsub("<create node='n'/><configure/>")],
  'create-nodes': ['set', pubsub("<create node='n'/>")],
  'delete-nodes': ['set', owner("<delete node='n'/>")],
  'instant-nodes': ['set', pubsub('<create/>')],
  'item-ids': ['set', publish.replace('<item>', "<item id='i'>")],
  'meta-data': ['get', `<query xmlns='${ns.discoInfo}' node='n'/>`],
  'modify-affiliations': ['set', owner("<affiliations node='n'/>")],
  publish: ['set', publish],
  'publish-only-affiliation': [
    'set',
    owner("<affiliations node='n'><affiliation jid='example.com' affiliation='publish-only'/></affiliations>"),
  ],
  'publish-options': ['set', publish.replace('</pubsub>', '<publish-options/></pubsub>')],
  'retrieve-affiliations': ['get', pubsub('<affiliations/>')],
  'retrieve-default': ['get', owner('<default/>')],
};

test('3.1 every advertised feature has a route, and no other', () => {
  const features = componentFeatures(setup().disco).map((feature) => feature.replace(`${ns.pubsub}#`, ''));
  assert.deepEqual(new Set(features), new Set(Object.keys(requestOf)));
  for (const [feature, [type, inner]] of Object.entries(requestOf)) {
    const routed = asked(type, inner);
    assert.ok(
      routed.kind === 'command' || (routed.kind === 'reply' && routed.xml.startsWith("<iq type='result'")),
      feature,
    );
  }
});

test('3.1 what is switched off is neither advertised nor routed', () => {
  for (const [changes, names] of [
    [{ create: false }, ['create-nodes', 'create-and-configure', 'instant-nodes']],
    [{ commands: false }, [ns.commands, 'fcm-xmpp-api']],
  ] as const) {
    const features = componentFeatures(setup(changes).disco).map((feature) => feature.replace(`${ns.pubsub}#`, ''));
    for (const name of names) {
      assert.equal(features.includes(name), false, name);
      const [type, inner] = requestOf[name] ?? ['get', ''];
      assert.match(JSON.stringify(asked(type, inner, changes)), /feature-not-implemented/, name);
    }
  }
});

test('2.14, 8.13 and 8.34 foreign attributes, children and languages change nothing', () => {
  const plain = iq(`type='set' id='1' from='example.com' to='${domain}'`, publish);
  const odd = publish.replace('<publish ', "<x:y xmlns:x='urn:x'/><publish z='1' ");
  const lang = `xml:lang='&quot;&gt;&lt;script&gt;'`;
  assert.deepEqual(iq(`type='set' id='1' from='example.com' to='${domain}' ${lang}`, odd), plain);
});
