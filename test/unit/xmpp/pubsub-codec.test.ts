import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptySummary } from '../../../src/core/notification.ts';
import { noPublishOptions } from '../../../src/xmpp/publish-options.ts';
import { readPubsub } from '../../../src/xmpp/pubsub-codec.ts';
import type { PublishRequest, PubsubRequest } from '../../../src/xmpp/pubsub-codec.ts';
import { stanzaErrors, unsupportedFeature } from '../../../src/xmpp/stanza-errors.ts';
import type { StanzaError } from '../../../src/xmpp/stanza-errors.ts';
import { parseXml } from '../../parse-xml.ts';

function read(type: 'get' | 'set', inner: string): PubsubRequest {
  return readPubsub(type, parseXml(`<pubsub xmlns='http://jabber.org/protocol/pubsub'>${inner}</pubsub>`));
}

function readOwner(type: 'get' | 'set', inner: string): PubsubRequest {
  return readPubsub(type, parseXml(`<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>${inner}</pubsub>`));
}

function assertRefused(actual: PubsubRequest, error: StanzaError): void {
  assert.deepEqual(actual, { kind: 'refused', error });
}

const notification = "<notification xmlns='urn:xmpp:push:0'/>";

function form(formType: string, ...fields: readonly (readonly [string, string])[]): string {
  const named = formType === '' ? fields : [['FORM_TYPE', formType] as const, ...fields];
  const xml = named.map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`);
  return `<x xmlns='jabber:x:data' type='submit'>${xml.join('')}</x>`;
}

const optionsType = 'http://jabber.org/protocol/pubsub#publish-options';
const configType = 'http://jabber.org/protocol/pubsub#node_config';

function publish(inner: string): PublishRequest {
  const request = read('set', inner);
  assert.equal(request.kind, 'publish');
  return request;
}

function optionsOf(forms: string): PublishRequest['options'] {
  const item = `<publish node='n'><item>${notification}</item></publish>`;
  return publish(`${item}<publish-options>${forms}</publish-options>`).options;
}

test('4.40 a publish may lack item, payload or options', () => {
  const bare = { kind: 'publish', node: 'n', summary: emptySummary, options: noPublishOptions };
  assert.deepEqual(read('set', `<publish node='n'><item>${notification}</item></publish>`), bare);
  assert.deepEqual(read('set', "<publish node='n'><item/></publish>"), bare);
  assert.deepEqual(read('set', "<publish node='n'/>"), bare);
  assert.deepEqual(read('set', "<publish node='n'/><publish-options/>"), bare);
});

test('4.40 of several items the last counts, and unknown children are ignored', () => {
  const summary = (body: string): string => form('urn:xmpp:push:summary', ['last-message-body', body]);
  const first = `<item id='1'><notification xmlns='urn:xmpp:push:0'>${summary('1')}</notification></item>`;
  const last = `<item><a xmlns='urn:a'/>${notification.replace('/>', '>')}<b/>${summary('2')}</notification></item>`;
  const request = publish(`<c xmlns='urn:c'/><publish node='n'>${first}${last}</publish>`);
  assert.equal(request.summary.lastMessageBody, '2');
});

test('4.50 the id of an item changes nothing, whatever it is', () => {
  const plain = publish(`<publish node='n'><item>${notification}</item></publish>`);
  for (const id of ['', 'current', '&lt;/item&gt;', 'x'.repeat(10_000)]) {
    assert.deepEqual(publish(`<publish node='n'><item id='${id}'>${notification}</item></publish>`), plain);
  }
});

test('4.40 a form directly in the item is a payload', () => {
  const summary = form('urn:xmpp:push:summary', ['message-count', '3']);
  assert.equal(publish(`<publish node='n'><item>${summary}</item></publish>`).summary.messageCount, 3);
});

test('4.41 options may come before the publish', () => {
  const options = `<publish-options>${form(optionsType, ['secret', 's'])}</publish-options>`;
  assert.equal(publish(`${options}<publish node='n'/>`).options.secret, 's');
});

test('4.45 options without FORM_TYPE count, those with a foreign one do not', () => {
  assert.equal(optionsOf(form('', ['secret', 's'])).secret, 's');
  assert.deepEqual(optionsOf(form('urn:xmpp:push:options', ['secret', 's'])), noPublishOptions);
  assert.equal(optionsOf(form('urn:other', ['secret', 'a']) + form(optionsType, ['secret', 'b'])).secret, 'b');
  assert.equal(optionsOf(form('', ['secret', 'a']) + form(optionsType, ['secret', 'b'])).secret, 'b');
});

test('8.24 cancelled options are none', () => {
  assert.deepEqual(optionsOf(form('', ['secret', 's']).replace("'submit'", "'cancel'")), noPublishOptions);
});

test('4.46 and 5.30 all known options are read, unknown ones ignored', () => {
  const known = {
    secret: 'x',
    service: 'apns',
    device_id: 'abc',
    mode: 'dev',
    topic: 'org.example',
    silent: 'true',
    priority: 'high',
    sound: 'ping',
    click_action: 'open',
    mutable_content: 'true',
    time_to_live: '60',
    sandbox: '1',
    pushModule: 'monal',
    language: 'de-AT',
    'pubsub#access_model': 'open',
  };
  assert.deepEqual(optionsOf(form(optionsType, ...Object.entries(known), ['__proto__', 'x'], ['whatever', 'x'])), {
    present: true,
    secret: 'x',
    service: 'apns',
    deviceId: 'abc',
    mode: 'dev',
    topic: 'org.example',
    silent: 'true',
    priority: 'high',
    sound: 'ping',
    clickAction: 'open',
    mutableContent: 'true',
    timeToLive: '60',
    sandbox: '1',
    pushModule: 'monal',
    language: 'de-AT',
    accessModel: 'open',
  });
  assert.equal(optionsOf(form(optionsType, ['lang', 'fr'])).language, 'fr');
});

test('8.23 of two secrets the first counts, and one of 200 KB is none', () => {
  assert.equal(optionsOf(form(optionsType, ['secret', 'a'], ['secret', 'b'])).secret, 'a');
  assert.equal(optionsOf(form(optionsType, ['secret', 'a</value><value>b'])).secret, 'a');
  assert.equal(optionsOf(form(optionsType, ['secret', 's'.repeat(200_000)])).secret, '');
});

test('4.51 a publish without node, or with an empty one, is answered nodeid-required', () => {
  assertRefused(read('set', `<publish><item>${notification}</item></publish>`), stanzaErrors.nodeIdRequired);
  assertRefused(read('set', `<publish node=''><item>${notification}</item></publish>`), stanzaErrors.nodeIdRequired);
});

test('8.20 a node name stays as it is; one of more than 1 KiB is not found', () => {
  const names = ['&quot;&lt;&amp;&apos;&#10;', '😀', 'e\u0301', '\u00e9', '__proto__'];
  const nodes = names.map((name) => publish(`<publish node='${name}'/>`).node);
  assert.deepEqual(nodes, ['"<&\'\n', '😀', 'e\u0301', '\u00e9', '__proto__']);
  assertRefused(read('set', `<publish node='${'n'.repeat(1025)}'/>`), stanzaErrors.itemNotFound);
});

test('4.54 a foreign payload is answered invalid-payload', () => {
  const entry = "<publish node='n'><item><entry xmlns='http://www.w3.org/2005/Atom'/></item></publish>";
  assertRefused(read('set', entry), stanzaErrors.invalidPayload);
});

test('2.7 a verb in the wrong type of IQ is a bad request', () => {
  assertRefused(read('get', `<publish node='n'><item>${notification}</item></publish>`), stanzaErrors.badRequest);
  assertRefused(read('get', "<create node='n'/>"), stanzaErrors.badRequest);
  assertRefused(readOwner('get', "<delete node='n'/>"), stanzaErrors.badRequest);
  assertRefused(readOwner('set', '<default/>'), stanzaErrors.badRequest);
  assertRefused(read('set', '<affiliations/>'), stanzaErrors.badRequest);
});

test('4.1 a create takes any type but collection', () => {
  const created = { kind: 'create', node: 'n', publishModel: 'publishers' };
  for (const type of ['', "type='push'", "type='leaf'", "type='other'"]) {
    assert.deepEqual(read('set', `<create node='n' ${type}/>`), created);
  }
  assertRefused(read('set', "<create node='n' type='collection'/>"), unsupportedFeature('collections'));
  assertRefused(read('set', `<create node='${'n'.repeat(1025)}'/>`), stanzaErrors.notAcceptable);
});

test('4.2 a create without a name asks for an instant node', () => {
  assert.deepEqual(read('set', '<create/>'), { kind: 'create', node: '', publishModel: 'publishers' });
  assert.deepEqual(read('set', "<create node=''/>"), { kind: 'create', node: '', publishModel: 'publishers' });
});

test('4.3 create-and-configure is read in its order and without node', () => {
  const config = form(configType, ['pubsub#access_model', 'whitelist'], ['pubsub#publish_model', 'open']);
  const created = { kind: 'create', node: 'n', publishModel: 'open' };
  assert.deepEqual(read('set', `<create node='n'/><configure>${config}</configure>`), created);
  assertRefused(read('set', `<configure>${config}</configure><create node='n'/>`), stanzaErrors.badRequest);
  assertRefused(read('set', `<create node='n'/><configure node='n'>${config}</configure>`), stanzaErrors.badRequest);
});

test('4.6 only the access model whitelist is supported', () => {
  for (const model of ['open', 'presence', 'roster', 'authorize']) {
    const create = `<create node='n'/><configure>${form(configType, ['pubsub#access_model', model])}</configure>`;
    assertRefused(read('set', create), stanzaErrors.unsupportedAccessModel);
  }
});

test('4.10 and 4.13 the configuration of a node and the default one can be asked for', () => {
  assert.deepEqual(readOwner('get', "<configure node='n'/>"), { kind: 'read-configuration', node: 'n' });
  assert.deepEqual(readOwner('get', '<default/>'), { kind: 'default-configuration' });
});

test('4.11 a configuration changes what it names, and a cancelled one nothing', () => {
  const set = (config: string): PubsubRequest => readOwner('set', `<configure node='n'>${config}</configure>`);
  const changed = { kind: 'configure', node: 'n', publishModel: 'publishers' };
  assert.deepEqual(set(form(configType, ['pubsub#publish_model', 'publishers'])), changed);
  assert.deepEqual(set(form('', ['x', 'y'])), { ...changed, publishModel: '' });
  assert.deepEqual(set("<x xmlns='jabber:x:data' type='cancel'/>"), { kind: 'nothing' });
  assertRefused(set(form(configType, ['pubsub#publish_model', 'subscribers'])), stanzaErrors.notAcceptable);
  assertRefused(set(''), stanzaErrors.badRequest);
  assertRefused(set("<x xmlns='jabber:x:data' type='result'/>"), stanzaErrors.badRequest);
});

test('4.12 owner requests without node are answered nodeid-required', () => {
  assertRefused(readOwner('get', '<configure/>'), stanzaErrors.nodeIdRequired);
  assertRefused(readOwner('set', '<configure/>'), stanzaErrors.nodeIdRequired);
  assertRefused(readOwner('set', '<delete/>'), stanzaErrors.nodeIdRequired);
  assertRefused(readOwner('get', '<affiliations/>'), stanzaErrors.nodeIdRequired);
  assertRefused(readOwner('get', `<configure node='${'n'.repeat(1025)}'/>`), stanzaErrors.itemNotFound);
});

test('4.20 a delete is read, a redirect in it ignored', () => {
  const redirected = "<delete node='n'><redirect uri='xmpp:a@example.org'/></delete>";
  assert.deepEqual(readOwner('set', redirected), { kind: 'delete', node: 'n' });
});

function affiliate(...entries: readonly (readonly [string, string])[]): PubsubRequest {
  const xml = entries.map(([jid, affiliation]) => `<affiliation jid='${jid}' affiliation='${affiliation}'/>`);
  return readOwner('set', `<affiliations node='n'>${xml.join('')}</affiliations>`);
}

test('4.30 and 4.31 affiliations are asked for, granted and revoked', () => {
  assert.deepEqual(readOwner('get', "<affiliations node='n'/>"), { kind: 'read-affiliations', node: 'n' });
  assert.deepEqual(
    affiliate(['Example.com', 'publish-only'], ['a@example.org', 'publisher'], ['example.net', 'none']),
    {
      kind: 'affiliate',
      node: 'n',
      grant: ['example.com', 'a@example.org'],
      revoke: ['example.net'],
    },
  );
});

test('4.31 affiliations that a push node does not have are not implemented', () => {
  assertRefused(affiliate(['a@example.org', 'member']), unsupportedFeature('member-affiliation'));
  assertRefused(affiliate(['a@example.org', 'outcast']), unsupportedFeature('outcast-affiliation'));
  assertRefused(affiliate(['a@example.org', 'owner']), unsupportedFeature('modify-affiliations'));
  assertRefused(affiliate(['a@example.org', 'king']), stanzaErrors.badRequest);
});

test('4.31 one JID twice, or no JID, is a bad request, and too many are a quota', () => {
  assertRefused(affiliate(['example.com', 'publish-only'], ['EXAMPLE.com', 'none']), stanzaErrors.badRequest);
  assertRefused(affiliate(['', 'publish-only']), stanzaErrors.badRequest);
  const many = Array.from({ length: 65 }, (_, n) => [`d${n}.example`, 'publish-only'] as const);
  assertRefused(affiliate(...many), stanzaErrors.quota);
});

test('4.32 the own affiliations can be asked for', () => {
  assert.deepEqual(read('get', '<affiliations/>'), { kind: 'own-affiliations', node: '' });
  assert.deepEqual(read('get', "<affiliations node='n'/>"), { kind: 'own-affiliations', node: 'n' });
});

test('4.44 and 4.59 verbs that a push node does not have are answered with their feature', () => {
  assertRefused(read('get', "<items node='n'/>"), unsupportedFeature('retrieve-items'));
  assertRefused(read('set', "<retract node='n'/>"), unsupportedFeature('delete-items'));
  assertRefused(read('set', "<subscribe node='n'/>"), unsupportedFeature('subscribe'));
  assertRefused(read('set', "<unsubscribe node='n'/>"), unsupportedFeature('subscribe'));
  assertRefused(read('get', "<options node='n'/>"), unsupportedFeature('subscription-options'));
  assertRefused(read('get', '<subscriptions/>'), unsupportedFeature('retrieve-subscriptions'));
  assertRefused(read('get', '<default/>'), unsupportedFeature('retrieve-default-sub'));
  assertRefused(readOwner('set', "<purge node='n'/>"), unsupportedFeature('purge-nodes'));
  assertRefused(readOwner('get', "<subscriptions node='n'/>"), unsupportedFeature('manage-subscriptions'));
});

test('2.6 an unknown verb is not implemented, none at all a bad request', () => {
  assertRefused(read('set', '<frobnicate/>'), stanzaErrors.featureNotImplemented);
  assertRefused(readOwner('set', '<frobnicate/>'), stanzaErrors.featureNotImplemented);
  assertRefused(read('set', ''), stanzaErrors.badRequest);
  assertRefused(read('set', '<publish-options/>'), stanzaErrors.badRequest);
});

test('8.12 a prefixed pubsub reads the same', () => {
  const pubsub = parseXml(
    "<p:pubsub xmlns:p='http://jabber.org/protocol/pubsub' xmlns:n='urn:xmpp:push:0'><p:publish node='n'><p:item>" +
      '<n:notification/></p:item></p:publish></p:pubsub>',
  );
  const bare = { kind: 'publish', node: 'n', summary: emptySummary, options: noPublishOptions };
  assert.deepEqual(readPubsub('set', pubsub), bare);
});
