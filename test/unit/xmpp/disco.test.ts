import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  commandInfoXml,
  componentFeatures,
  componentInfoXml,
  itemsXml,
  nodeInfoXml,
  timeXml,
  versionXml,
} from '../../../src/xmpp/disco.ts';
import type { DiscoSettings } from '../../../src/xmpp/disco.ts';
import { unsupportedFeatures } from '../../../src/xmpp/pubsub-codec.ts';
import { ns } from '../../../src/xmpp/namespaces.ts';
import { attribute, childElements, childrenOf } from '../../../src/xmpp/xml.ts';
import { parseXml } from '../../parse-xml.ts';

const settings: DiscoSettings = {
  name: 'Push & more',
  version: '1.2.3',
  jid: 'push.example.net',
  create: true,
  commands: true,
  services: new Set(['apns']),
  apps: ['org.example.app', 'snikket:apns:1'],
  delegation: false,
};

function features(changes: Partial<DiscoSettings>): readonly string[] {
  return componentFeatures({ ...settings, ...changes });
}

test('3.1 the component is a push service and says which features it has', () => {
  const query = parseXml(componentInfoXml(settings));
  const identities = childrenOf(query, 'identity', ns.discoInfo).map(
    (identity) => `${attribute(identity, 'category')}/${attribute(identity, 'type')}`,
  );
  assert.deepEqual(identities, ['pubsub/push', 'pubsub/service']);
  const written = childrenOf(query, 'feature', ns.discoInfo).map((feature) => attribute(feature, 'var'));
  assert.deepEqual(written, features({}));
  assert.ok(written.includes('urn:xmpp:push:0'));
  assert.equal(new Set(written).size, written.length);
  assert.equal(attribute(childElements(query)[0] ?? query, 'name'), 'Push & more');
});

test('3.1 what is switched off is not advertised, nor is anything we answer unsupported', () => {
  const creating = ['create-and-configure', 'create-nodes', 'instant-nodes'].map((name) => `${ns.pubsub}#${name}`);
  const without = (list: readonly string[]): string[] => features({}).filter((feature) => !list.includes(feature));
  assert.deepEqual(features({ create: false }), without(creating));
  assert.deepEqual(features({ commands: false }), without([ns.commands, 'snikket:apns:1']));
  for (const missing of unsupportedFeatures) assert.equal(features({}).includes(`${ns.pubsub}#${missing}`), false);
});

test('3.2 client families are advertised when an app of theirs is served', () => {
  assert.ok(features({}).includes('snikket:apns:1'));
  assert.equal(features({}).includes('tigase:messenger:apns:1'), false);
  assert.equal(features({ apps: [] }).includes('snikket:apns:1'), false);
});

test('3.3 both versions of delegation are features where a domain may delegate to us', () => {
  const versions = ['urn:xmpp:delegation:1', 'urn:xmpp:delegation:2'];
  assert.deepEqual(features({ delegation: true }), [...features({}), ...versions].toSorted());
});

test('3.4 data forms are a feature of command nodes, not of the component', () => {
  assert.equal(features({}).includes(ns.data), false);
  assert.match(commandInfoXml('register-push-apns', settings) ?? '', /<feature var='jabber:x:data'\/>/);
});

test('3.5 the items of the component are none', () => {
  assert.equal(itemsXml('', settings), "<query xmlns='http://jabber.org/protocol/disco#items'/>");
});

test('3.6 the command list names the commands of configured services, each with its own disco', () => {
  const query = parseXml(itemsXml(ns.commands, settings) ?? '');
  assert.equal(attribute(query, 'node'), ns.commands);
  const nodes = childElements(query).map((item) => attribute(item, 'node') ?? '');
  assert.ok(nodes.includes('register-push-apns') && nodes.includes('list-push-registrations'));
  assert.equal(nodes.includes('register-push-fcm'), false);
  for (const node of nodes) {
    assert.match(commandInfoXml(node, settings) ?? '', /automation' type='command-node'/, node);
    assert.match(itemsXml(node, settings) ?? '', new RegExp(`node='${node}'/>$`), node);
  }
  assert.match(commandInfoXml(ns.commands, settings) ?? '', /automation' type='command-list'/);
});

test('3.6 unknown nodes have no disco, and switched-off commands neither', () => {
  assert.equal(commandInfoXml('register-push-fcm', settings), undefined);
  assert.equal(itemsXml('nowhere', settings), undefined);
  assert.equal(commandInfoXml(ns.commands, { ...settings, commands: false }), undefined);
  assert.equal(itemsXml(ns.commands, { ...settings, commands: false }), undefined);
});

test('3.7 a push node shows its type', () => {
  const xml = nodeInfoXml("n'1", 'Phone');
  const query = parseXml(xml);
  assert.equal(attribute(query, 'node'), "n'1");
  assert.match(xml, /category='pubsub' type='leaf'/);
  assert.match(xml, /<field var='pubsub#type' type='text-single'><value>urn:xmpp:push:0<\/value>/);
});

test('3.8 the version names no operating system', () => {
  assert.equal(
    versionXml(settings),
    "<query xmlns='jabber:iq:version'><name>Push &amp; more</name><version>1.2.3</version></query>",
  );
});

test('3.9 the time is UTC in whole seconds', () => {
  assert.equal(
    timeXml(Date.UTC(2026, 0, 2, 3, 4, 5, 678)),
    "<time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>2026-01-02T03:04:05Z</utc></time>",
  );
});
