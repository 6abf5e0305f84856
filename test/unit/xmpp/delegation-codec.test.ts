import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  delegationInfoXml,
  delegationOf,
  forwardedError,
  forwardedResult,
  readDelegated,
  readForwarded,
} from '../../../src/xmpp/delegation-codec.ts';
import { ns } from '../../../src/xmpp/namespaces.ts';
import { stanzaErrors } from '../../../src/xmpp/stanza-errors.ts';
import { parseXml } from '../../parse-xml.ts';

const accountFeatures = [
  'urn:xmpp:push:0',
  'tigase:push:away:0',
  'tigase:push:encrypt:0',
  'tigase:push:encrypt:aes-128-gcm',
  'tigase:push:filter:groupchat:0',
  'tigase:push:filter:ignore-unknown:0',
  'tigase:push:filter:muted:0',
  'tigase:push:jingle:0',
  'tigase:push:priority:0',
]
  .map((feature) => `<feature var='${feature}'/>`)
  .join('');

const request = { id: 'f1', from: 'example.com', to: 'push.example.net' };
const inner = { id: 'x42', from: 'anna@example.com/phone', to: 'anna@example.com' };

test('6.12 and 6.13 the answer is compact, in the version of the question, and its inner IQ says its namespace', () => {
  assert.equal(
    forwardedResult(request, { namespace: ns.delegation2, inner: { ...inner, to: '' } }),
    "<iq type='result' id='f1' from='push.example.net' to='example.com'><delegation xmlns='urn:xmpp:delegation:2'>" +
      "<forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='result' id='x42' " +
      "from='anna@example.com' to='anna@example.com/phone'/></forwarded></delegation></iq>",
  );
  assert.equal(
    forwardedError(request, { namespace: ns.delegation1, inner }, stanzaErrors.nodeIdRequired),
    "<iq type='result' id='f1' from='push.example.net' to='example.com'><delegation xmlns='urn:xmpp:delegation:1'>" +
      "<forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='error' id='x42' " +
      "from='anna@example.com' to='anna@example.com/phone'><error type='modify'>" +
      "<bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" +
      "<nodeid-required xmlns='http://jabber.org/protocol/pubsub#errors'/></error></iq></forwarded></delegation></iq>",
  );
});

test('6.11 both versions are known, and no other element or namespace is a delegation', () => {
  for (const version of [1, 2]) {
    const namespace = `urn:xmpp:delegation:${version}`;
    assert.equal(delegationOf(parseXml(`<delegation xmlns='${namespace}'/>`)), namespace);
    assert.equal(delegationOf(parseXml(`<d:delegation xmlns:d='${namespace}'/>`)), namespace);
    assert.equal(delegationOf(parseXml(`<delegated xmlns='${namespace}'/>`)), undefined);
  }
  assert.equal(delegationOf(parseXml("<delegation xmlns='urn:xmpp:delegation:3'/>")), undefined);
  assert.equal(delegationOf(parseXml('<delegation/>')), undefined);
});

test('6.11 a message says which namespaces are delegated, or nothing about it', () => {
  const said = (content: string): readonly string[] | undefined =>
    readDelegated(parseXml(`<message>${content}</message>`))?.namespaces;
  const delegated = (...names: string[]): string =>
    `<delegation xmlns='${ns.delegation1}'>` +
    `${names.map((name) => `<delegated namespace='${name}'/>`).join('')}</delegation>`;
  assert.deepEqual(said(delegated('urn:xmpp:mam:2', ns.push)), ['urn:xmpp:mam:2', ns.push]);
  assert.deepEqual(said(`<x xmlns='urn:example'/>\n${delegated(ns.push)}`), [ns.push]);
  assert.deepEqual(said(delegated('urn:xmpp:mam:2')), ['urn:xmpp:mam:2']);
  assert.deepEqual(said(delegated()), []);
  assert.deepEqual(said(delegated(ns.push).replace(' namespace', ' name')), ['']);
  assert.equal(said('<body>hello</body>'), undefined);
});

test('6.14 white space around what is forwarded is no matter, and neither are prefixes (8.12)', () => {
  const namespace = ns.delegation2;
  const element = parseXml(
    `<d:delegation xmlns:d='${namespace}'>\n <f:forwarded xmlns:f='${ns.forward}'>\n <c:iq xmlns:c='${ns.client}' ` +
      `type='set' id='x42' from='anna@example.com/phone'>\n <enable xmlns='${ns.push}'/> </c:iq> ` +
      '</f:forwarded> </d:delegation>',
  );
  const { iq, type, child } = readForwarded(element, namespace);
  assert.deepEqual([iq, type, child?.name], [{ namespace, inner: { ...inner, to: '' } }, 'set', 'enable']);
});

test('2.11 addresses that are longer than any can be are left out of the answer', () => {
  const long = 'x'.repeat(4_000);
  const element = parseXml(
    `<delegation xmlns='${ns.delegation1}'><forwarded xmlns='${ns.forward}'><iq xmlns='${ns.client}' type='set' ` +
      `id='${long}' from='${long}' to='${long}'/></forwarded></delegation>`,
  );
  assert.deepEqual(readForwarded(element, ns.delegation1).iq.inner, { id: '', from: '', to: '' });
});

test('6.10 and 3.12 disco#info speaks of push and of what clients may ask for with it, for accounts only', () => {
  const info = `<query xmlns='http://jabber.org/protocol/disco#info' node='urn:xmpp:delegation`;
  assert.equal(delegationInfoXml('urn:xmpp:delegation:1::urn:xmpp:push:0'), `${info}:1::urn:xmpp:push:0'/>`);
  assert.equal(
    delegationInfoXml('urn:xmpp:delegation:2:bare:urn:xmpp:push:0'),
    `${info}:2:bare:urn:xmpp:push:0'>${accountFeatures}</query>`,
  );
  for (const node of [
    '',
    'urn:xmpp:push:0',
    'urn:xmpp:delegation:1::urn:xmpp:mam:2',
    'urn:xmpp:delegation:3::urn:xmpp:push:0',
  ]) {
    assert.equal(delegationInfoXml(node), undefined, node);
  }
});
