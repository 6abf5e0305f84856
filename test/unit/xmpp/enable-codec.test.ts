import { test } from 'node:test';
import assert from 'node:assert/strict';
import { bare } from '../../registration-rows.ts';
import { parseXml } from '../../parse-xml.ts';
import { noPreferences } from '../../../src/core/enabled.ts';
import { limits } from '../../../src/core/limits.ts';
import { enabledError, readPushIq } from '../../../src/xmpp/enable-codec.ts';
import { iqError } from '../../../src/xmpp/stanza.ts';
import { inboundOf, loadCaptures } from '../../../src/fake/xmpp-captures.ts';
import type { EnabledAnswer } from '../../../src/core/enabled.ts';
import type { PushIq } from '../../../src/xmpp/enable-codec.ts';

const anna = bare('anna@example.com');
const request = { id: 'x42', to: 'anna@example.com', from: 'anna@example.com/phone' };
const formType = "<field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>";

function read(xml: string, type: 'get' | 'set' = 'set'): PushIq {
  return readPushIq(type, parseXml(xml), anna);
}

function enable(inside = '', attributes = "jid='push.example.net' node='yxs32'"): PushIq {
  return read(`<enable xmlns='urn:xmpp:push:0' ${attributes}>${inside}</enable>`);
}

function disable(attributes: string, inside = ''): PushIq {
  return read(`<disable xmlns='urn:xmpp:push:0' ${attributes}>${inside}</disable>`);
}

function form(fields: string, type = "type='submit'"): string {
  return `<x xmlns='jabber:x:data' ${type}>${formType}${fields}</x>`;
}

function field(name: string, value: string): string {
  return `<field var='${name}'><value>${value}</value></field>`;
}

function optionsOf(iq: PushIq): unknown {
  assert.ok(iq.kind === 'enable', `refused: ${iq.kind === 'refused' ? iq.error.detail : ''}`);
  return iq.options;
}

/** The whole reply, its sentence for people replaced by `says`. */
function replyOf(iq: PushIq, says: RegExp): string {
  assert.ok(iq.kind === 'refused', 'not refused');
  const reply = iqError(request, iq.error);
  const text = /<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>([^<]+)<\/text>/.exec(reply);
  assert.match(text?.[1] ?? '', says);
  return reply.replace(text?.[0] ?? '', '');
}

const badRequest =
  "<iq type='error' id='x42' from='anna@example.com' to='anna@example.com/phone'><error type='modify'>" +
  "<bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>";

function assertBad(iq: PushIq, says: RegExp): void {
  assert.equal(replyOf(iq, says), badRequest);
}

test('5.45 the example of the specification', () => {
  assert.deepEqual(enable(form(field('secret', 'eruio234vzxc2kla-91'))), {
    kind: 'enable',
    service: 'push.example.net',
    node: 'yxs32',
    options: [['secret', 'eruio234vzxc2kla-91']],
    preferences: noPreferences,
  });
});

test('mongooseim 2.2: its example', () => {
  const fields = field('service', 'fcm') + field('device_id', 'TOKEN');
  assert.deepEqual(enable(form(fields), "jid='push.chat.example' node='phone-17'"), {
    kind: 'enable',
    service: 'push.chat.example',
    node: 'phone-17',
    options: [
      ['service', 'fcm'],
      ['device_id', 'TOKEN'],
    ],
    preferences: noPreferences,
  });
});

test('mongooseim 2.2: jid missing, empty, unparsable, or without a domain', () => {
  assertBad(enable('', "node='n'"), /^the attribute &apos;jid&apos; is missing or empty$/);
  assertBad(enable('', "jid='' node='n'"), /missing or empty$/);
  for (const jid of ['@example.net', 'push@', 'a b.example', 'a@b@c', '/res', 'push.example.net/']) {
    assertBad(enable('', `jid='${jid}' node='n'`), /is not a JID$/);
  }
});

test('mongooseim 2.2: jid with resource loses it; with a local part it is stored as is', () => {
  const serviceOf = (jid: string): unknown => {
    const iq = enable('', `jid='${jid}' node='n'`);
    return iq.kind === 'enable' ? iq.service : iq;
  };
  assert.equal(serviceOf('push.example.net/res/with@odd'), 'push.example.net');
  assert.equal(serviceOf('pub-sub@host/res'), 'pub-sub@host');
  assert.equal(serviceOf('Push.EXAMPLE.net'), 'push.example.net');
});

test('mongooseim 2.2: node missing, empty or over-long', () => {
  assertBad(enable('', "jid='push.example.net'"), /^the attribute &apos;node&apos; is missing or empty$/);
  assertBad(enable('', "jid='push.example.net' node=''"), /missing or empty$/);
  assertBad(enable('', `jid='push.example.net' node='${'n'.repeat(1025)}'`), /too long$/);
  assert.equal(enable('', `jid='push.example.net' node='${'n'.repeat(1024)}'`).kind, 'enable');
});

test('mongooseim 2.2: no form, or a child x of another namespace, is an empty form', () => {
  assert.deepEqual(optionsOf(enable()), []);
  assert.deepEqual(optionsOf(enable("<x xmlns='urn:other' type='bad'><field/></x><other xmlns='urn:x'/>text")), []);
});

test("mongooseim 2.2: a form's type is exactly submit", () => {
  for (const type of ['', "type='cancel'", "type='form'", "type='result'", "type='Submit'", "type=''"]) {
    assertBad(enable(form(field('secret', 's'), type)), /type must be &apos;submit&apos;$/);
  }
});

test('mongooseim 2.2: FORM_TYPE is there once, with one value, untrimmed', () => {
  const wrong = [
    '',
    field('FORM_TYPE', 'urn:other'),
    field('FORM_TYPE', ''),
    field('FORM_TYPE', ' http://jabber.org/protocol/pubsub#publish-options'),
    field('FORM_TYPE', '\nhttp://jabber.org/protocol/pubsub#publish-options\n'),
  ];
  for (const first of wrong) {
    assertBad(
      enable(`<x xmlns='jabber:x:data' type='submit'>${first}${field('secret', 's')}</x>`),
      /FORM_TYPE must be/,
    );
  }
  const twice = formType.replace('<value>', '<value>x</value><value>');
  assertBad(enable(`<x xmlns='jabber:x:data' type='submit'>${twice}</x>`), /FORM_TYPE&apos; must have exactly one/);
  assert.deepEqual(optionsOf(enable(form(''))), []);
});

test('mongooseim 2.2: a field has exactly one value, which may be empty', () => {
  assertBad(enable(form("<field var='device_id'/>")), /^the field &apos;device_id&apos; must have exactly one value$/);
  assertBad(enable(form("<field var='a'><value>1</value><value>2</value></field>")), /exactly one value$/);
  assertBad(enable(form("<field var='a'><value xmlns='urn:other'>1</value></field>")), /exactly one value$/);
  assert.deepEqual(optionsOf(enable(form("<field var='a'><value/></field>"))), [['a', '']]);
});

test('mongooseim 2.2: a field without var is ignored, whatever is in it', () => {
  const fields = "<field><value>1</value></field><field/><field type='fixed'><value>1</value><value>2</value></field>";
  assert.deepEqual(optionsOf(enable(form(fields + field('a', '1')))), [['a', '1']]);
});

test('mongooseim 2.2: of a duplicate var the last one wins', () => {
  const fields = field('a', '1') + field('b', '2') + field('a', '3');
  assert.deepEqual(optionsOf(enable(form(fields))), [
    ['a', '3'],
    ['b', '2'],
  ]);
});

test('mongooseim 2.2: types of fields are ignored, unknown names kept', () => {
  const fields =
    "<field var='device_id' type='hidden' label='x'><required/><value> TOKEN </value></field>" +
    field('__proto__', 'p') +
    field('constructor', '&lt;c&gt;') +
    field('tags', 'a,b');
  assert.deepEqual(optionsOf(enable(form(fields))), [
    ['device_id', ' TOKEN '],
    ['__proto__', 'p'],
    ['constructor', '<c>'],
    ['tags', 'a,b'],
  ]);
});

test('mongooseim 2.2: of several forms the first is used', () => {
  assert.deepEqual(optionsOf(enable(form(field('a', '1')) + form(field('a', '2')))), [['a', '1']]);
  const other = "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>o</value></field></x>";
  assertBad(enable(other + form('')), /FORM_TYPE/);
});

test('a form is bounded: fields, names and values', () => {
  const fields = (count: number): string => Array.from({ length: count }, (_, at) => field(`f${at}`, 'v')).join('');
  assert.equal(enable(form(fields(limits.enabledOptionsMax))).kind, 'enable');
  assertBad(enable(form(fields(limits.enabledOptionsMax + 1))), /more than 64 fields$/);
  const long = 'x'.repeat(limits.fieldBytesMax);
  assert.equal(enable(form(field('a', long))).kind, 'enable');
  assertBad(enable(form(field('a', `${long}x`))), /^the field &apos;a&apos; is too long$/);
  assertBad(enable(form(field(`${long}x`, 'v'))), /^the field &apos;x{40}\.\.\.&apos; is too long$/);
});

test('an error names the field and never its value', () => {
  const iq = enable(form("<field var='&lt;odd&gt;'><value>SECRET1</value><value>SECRET2</value></field>"));
  assert.ok(iq.kind === 'refused');
  assert.match(iq.error.detail, /&apos;&lt;odd&gt;&apos;/);
  assert.doesNotMatch(iq.error.detail, /SECRET/);
});

test('5.45 a get is a bad request', () => {
  assertBad(read("<enable xmlns='urn:xmpp:push:0' jid='push.example.net' node='n'/>", 'get'), /type set$/);
  assertBad(read("<disable xmlns='urn:xmpp:push:0' jid='push.example.net'/>", 'get'), /type set$/);
});

test("5.45 the account's own bare JID is no push service; 8.26 other addresses are", () => {
  assertBad(enable('', "jid='anna@example.com' node='n'"), /own address/);
  assertBad(enable('', "jid='Anna@Example.com/phone' node='n'"), /own address/);
  for (const jid of ['push.engine.example', 'example.com', 'localhost', 'boris@example.com']) {
    assert.equal(enable('', `jid='${jid}' node='n'`).kind, 'enable', jid);
  }
});

test('mongooseim 2.1: any other child is a bad request', () => {
  for (const child of ['<enabled', '<x', '<push']) {
    assertBad(read(`${child} xmlns='urn:xmpp:push:0' jid='push.example.net' node='n'/>`), /enable/);
  }
  assertBad(read("<enable xmlns='urn:xmpp:push:1' jid='push.example.net' node='n'/>"), /enable/);
});

test('8.12 a prefix makes no difference', () => {
  const xml =
    "<p:enable xmlns:p='urn:xmpp:push:0' jid='push.example.net' node='n'>" +
    "<d:x xmlns:d='jabber:x:data' type='submit'>" +
    "<d:field var='FORM_TYPE'><d:value>http://jabber.org/protocol/pubsub#publish-options</d:value></d:field>" +
    "<d:field var='a'><d:value>1</d:value></d:field></d:x></p:enable>";
  assert.deepEqual(optionsOf(read(xml)), [['a', '1']]);
});

test('mongooseim 2.4: disable, row by row', () => {
  const all = { kind: 'disable', service: 'push.chat.example', node: '' };
  assert.deepEqual(disable("jid='push.chat.example' node='phone-17'"), { ...all, node: 'phone-17' });
  assert.deepEqual(disable("jid='push.chat.example'"), all);
  assert.deepEqual(disable("jid='push.chat.example/res'"), all);
  assertBad(disable("node='n'"), /&apos;jid&apos; is missing or empty$/);
  assertBad(disable("jid='' node='n'"), /&apos;jid&apos; is missing or empty$/);
  assertBad(disable("jid='@x' node='n'"), /is not a JID$/);
  assertBad(disable("jid='push.chat.example' node=''"), /&apos;node&apos; is missing or empty$/);
  assert.deepEqual(disable("jid='push.chat.example'", "<x xmlns='jabber:x:data' type='bad'/><other/>"), all);
});

test('9.6 what real servers have forwarded is read', () => {
  const captures = loadCaptures(new URL('../../../../test/fixtures/xmpp-captures.jsonl', import.meta.url).pathname);
  const found = captures
    .flatMap(inboundOf)
    .flatMap((text) => text.match(/<(enable|disable) xmlns='urn:xmpp:push:0'[^>]*(?:\/>|>.*?<\/\1>)/g) ?? []);
  assert.ok(found.length > 10, `${found.length} in the captures`);
  for (const xml of found) assert.notEqual(read(xml).kind, 'refused', xml);
});

test('the answer of the store becomes the reply', () => {
  const spell = (answer: EnabledAnswer): string => {
    const error = enabledError(answer);
    return error === undefined ? 'result' : iqError(request, error).replace(/^.*?<error/, '<error');
  };
  const stanzas = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'";
  assert.equal(spell({ kind: 'done', count: 0 }), 'result');
  assert.equal(spell({ kind: 'enabled-list', rows: [] }), 'result');
  assert.equal(
    spell({ kind: 'refused', refusal: 'options', problem: "'mode' & co" }),
    `<error type='modify'><not-acceptable ${stanzas}/><text ${stanzas} xml:lang='en'>` +
      '&apos;mode&apos; &amp; co</text></error></iq>',
  );
  assert.equal(
    spell({ kind: 'refused', refusal: 'store-failed' }),
    `<error type='wait'><internal-server-error ${stanzas}/></error></iq>`,
  );
  for (const refusal of ['overloaded', 'stopping'] as const) {
    const unavailable = `<error type='wait'><service-unavailable ${stanzas}/></error></iq>`;
    assert.equal(spell({ kind: 'refused', refusal }), unavailable);
  }
});
