import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  attribute,
  childElements,
  childOf,
  childrenOf,
  isElement,
  localName,
  namespaceOf,
  textOf,
} from '../../../src/xmpp/xml.ts';
import { parseXml } from '../../parse-xml.ts';

test('a stanza is in the namespace of its stream', () => {
  assert.equal(namespaceOf(parseXml('<iq/>')), 'jabber:component:accept');
  assert.equal(namespaceOf(parseXml('<iq/>', 'jabber:client')), 'jabber:client');
});

test('8.12 an element is found by local name and namespace, whatever its prefix', () => {
  const iq = parseXml(`<iq xmlns:a='x'><b/>text<a:b/><b xmlns='x' n='1'/><ab xmlns='x'/><c:b xmlns:c='x'/></iq>`);
  const found = childrenOf(iq, 'b', 'x');
  assert.deepEqual(
    found.map((element) => element.name),
    ['a:b', 'b', 'c:b'],
  );
  assert.deepEqual(found.map(localName), ['b', 'b', 'b']);
  assert.equal(childOf(iq, 'b', 'x'), found[0]);
  assert.equal(childOf(iq, 'b', 'y'), undefined);
  assert.equal(childElements(iq).length, 5);
  assert.ok(found[0] && !isElement(found[0], 'a:b', 'jabber:component:accept'));
});

test('an undeclared default namespace is none', () => {
  const [child] = childElements(parseXml(`<iq><a xmlns=''><b/></a></iq>`));
  assert.ok(child);
  assert.equal(namespaceOf(child), '');
  assert.ok(childOf(child, 'b', ''));
});

test('8.11 attributes of the prototype are not attributes', () => {
  assert.equal(attribute(parseXml('<iq/>'), 'constructor'), undefined);
  assert.equal(attribute(parseXml(`<iq constructor='1'/>`), 'constructor'), '1');
});

test('text is that of the element itself, with references and CDATA resolved', () => {
  assert.equal(textOf(parseXml('<a>x<b>no</b>&lt;<![CDATA[&]]></a>')), 'x<&');
  assert.equal(textOf(parseXml('<a/>')), '');
});
