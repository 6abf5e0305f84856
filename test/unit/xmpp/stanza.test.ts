import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../src/core/random.ts';
import { escapeXml, iqError, iqRequest, iqResult } from '../../../src/xmpp/stanza.ts';
import { stanzaErrors, unsupportedFeature, withText } from '../../../src/xmpp/stanza-errors.ts';
import { attribute, childElements, childOf, textOf } from '../../../src/xmpp/xml.ts';
import { parseXml } from '../../parse-xml.ts';
import type { Random } from '../../../src/core/random.ts';

const pieces = [
  '&',
  '<',
  '>',
  '"',
  "'",
  ']]>',
  '&amp;',
  '\r',
  '\n',
  '\t',
  '\r\n',
  'é',
  '😀',
  '\u0000',
  '\u001f',
  '\ufffe',
];
const lone = ['\ud800', '\udbff', '\udc00', '\udfff', '\uffff', '\u007f', '\u0085', '\u2028', '\ufeff', ' '];

function randomText(random: Random): string {
  let text = '';
  for (let count = Math.floor(random.unit() * 12); count > 0; count--) {
    const choice = random.unit();
    if (choice < 0.4) text += pieces[Math.floor(random.unit() * pieces.length)] ?? '';
    else if (choice < 0.6) text += lone[Math.floor(random.unit() * lone.length)] ?? '';
    else text += String.fromCharCode(Math.floor(random.unit() * 0x10000));
  }
  return text;
}

/** What of a text XML can carry: XML 1.0 §2.2, spelled out. */
function carried(text: string): string {
  let kept = '';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const isControl = code < 0x20 && code !== 9 && code !== 10 && code !== 13;
    if (!isControl && !(code >= 0xd800 && code <= 0xdfff) && code !== 0xfffe && code !== 0xffff) kept += character;
  }
  return kept;
}

test('1.10 whatever text goes out parses back to the same text, as attribute and as content', () => {
  const random = seededRandom(110);
  for (let round = 0; round < 20_000; round++) {
    const text = randomText(random);
    const escaped = escapeXml(text);
    assert.doesNotMatch(escaped, /[\u0000-\u001f<>"'\ufffe\uffff]|\p{Cs}/u);
    const element = parseXml(`<a b='${escaped}' c="${escaped}">${escaped}</a>`);
    assert.equal(attribute(element, 'b'), carried(text));
    assert.equal(attribute(element, 'c'), carried(text));
    assert.equal(textOf(element), carried(text));
  }
});

test('2.1 an answer carries the id byte for byte and the addresses swapped, whatever they hold', () => {
  const random = seededRandom(21);
  for (let round = 0; round < 5000; round++) {
    const request = { id: carried(randomText(random)), to: randomText(random), from: randomText(random) };
    for (const answer of [
      iqResult(request, ''),
      iqResult(request, '<x/>'),
      iqError(request, stanzaErrors.badRequest),
    ]) {
      const element = parseXml(answer);
      assert.equal(attribute(element, 'id'), request.id);
      assert.equal(attribute(element, 'from'), carried(request.to));
      assert.equal(attribute(element, 'to'), carried(request.from));
    }
  }
});

test('1.9 no stanza declares a namespace of its own', () => {
  const request = { id: '1', to: 'push.lab', from: 'a.lab' };
  for (const text of [
    iqResult(request, ''),
    iqError(request, stanzaErrors.itemNotFound),
    iqRequest('get', '1', 'push.lab', 'a.lab', `<ping xmlns='urn:xmpp:ping'/>`),
  ]) {
    assert.equal(attribute(parseXml(text), 'xmlns'), undefined);
  }
});

test('2.5 an error has one condition of RFC 6120, and details in namespaces of their own', () => {
  const request = { id: '1', to: 'push.lab', from: 'a.lab' };
  for (const row of [...Object.values(stanzaErrors), unsupportedFeature('retrieve-items')]) {
    const [error, ...others] = childElements(parseXml(iqError(request, row)));
    assert.ok(error);
    assert.equal(others.length, 0);
    assert.equal(attribute(error, 'type'), row.type);
    const [condition, ...details] = childElements(error);
    assert.ok(condition && childOf(error, row.condition, 'urn:ietf:params:xml:ns:xmpp-stanzas') === condition);
    assert.equal(details.length, row.detail === '' ? 0 : 1);
    for (const detail of details) assert.ok(attribute(detail, 'xmlns')?.startsWith('http://jabber.org/protocol/'));
  }
});

test('2.15 a text for people is escaped, and at most 200 characters long', () => {
  const { detail } = withText(stanzaErrors.nodeIdRequired, `<a> ${'x'.repeat(300)}`);
  const text = parseXml(`<error>${detail}</error>`).children[0];
  assert.ok(text !== undefined && typeof text !== 'string');
  assert.equal(text.name, 'text');
  assert.equal(textOf(text), `<a> ${'x'.repeat(196)}`);
  assert.ok(detail.endsWith(stanzaErrors.nodeIdRequired.detail), 'the application condition comes after it');
});

test('2.15 and 2.16 error types are those of RFC 6120, but for what is wait on purpose, and none has a text', () => {
  const types: Readonly<Record<string, string>> = {
    'bad-request': 'modify',
    conflict: 'cancel',
    'feature-not-implemented': 'cancel',
    forbidden: 'auth',
    'internal-server-error': 'wait',
    'item-not-found': 'cancel',
    'jid-malformed': 'modify',
    'not-acceptable': 'modify',
    'not-allowed': 'cancel',
    'remote-server-timeout': 'wait',
    'resource-constraint': 'wait',
    'service-unavailable': 'cancel',
  };
  // What a server must not take for a dead registration, and what MongooseIM and Tigase themselves say.
  const onPurpose: Readonly<Record<string, string>> = {
    waitUnavailable: 'wait',
    payloadTooBig: 'wait',
    deviceNotRegistered: 'cancel',
    unsupportedEncryption: 'modify',
  };
  for (const [name, row] of Object.entries(stanzaErrors)) {
    assert.equal(row.type, onPurpose[name] ?? types[row.condition], name);
    assert.doesNotMatch(row.detail, /<text|>[^<]/, name);
  }
});

test('1.17 a request of our own is an IQ with one child', () => {
  const element = parseXml(iqRequest('get', 'k1&', 'push.lab', 'a.lab', `<ping xmlns='urn:xmpp:ping'/>`));
  assert.deepEqual({ ...element.attrs }, { type: 'get', id: 'k1&', from: 'push.lab', to: 'a.lab' });
  assert.ok(childOf(element, 'ping', 'urn:xmpp:ping'));
});
