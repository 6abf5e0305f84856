import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { emptySummary } from '../../../src/core/notification.ts';
import type { Summary } from '../../../src/core/notification.ts';
import { truncateUtf8 } from '../../../src/core/utf8.ts';
import { readSummary } from '../../../src/xmpp/push-codec.ts';
import { parseXml } from '../../parse-xml.ts';

const summaryType = "<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:push:summary</value></field>";

function value(name: string, text: string): string {
  return `<field var='${name}'><value>${text}</value></field>`;
}

function summary(fields: string, besides = ''): Summary {
  const x = fields === '' ? '' : `<x xmlns='jabber:x:data' type='form'>${summaryType}${fields}</x>`;
  return readSummary(parseXml(`<notification xmlns='urn:xmpp:push:0'>${x}${besides}</notification>`), undefined);
}

test('5.5 an empty notification, and none at all, say nothing', () => {
  assert.equal(summary(''), emptySummary);
  assert.equal(readSummary(undefined, undefined), emptySummary);
});

test('5.20 all fields of a summary are read', () => {
  const fields =
    value('message-count', '7') +
    value('pending-subscription-count', '2') +
    value('last-message-sender', 'romeo@example.org/orchard') +
    value('last-message-body', 'Wherefore &amp; why\n') +
    value('last-message-priority', 'low') +
    value('jingle-message', 'propose') +
    value('jingle-session-id', 'ca3cf894');
  assert.deepEqual(summary(fields), {
    ...emptySummary,
    messageCount: 7,
    pendingSubscriptionCount: 2,
    lastMessageSender: 'romeo@example.org/orchard',
    lastMessageBody: 'Wherefore & why\n',
    priority: 'low',
    jingleMessage: 'propose',
    jingleSessionId: 'ca3cf894',
  });
});

test('5.21 fields without value are absent', () => {
  const fields =
    "<field var='message-count'/><field var='last-message-sender' type='jid-single'/><field var='last-message-body'/>";
  assert.equal(summary(fields), emptySummary);
});

test('5.21 of two forms the summary counts, wherever it stands; a form without FORM_TYPE is the last resort', () => {
  const foreign = `<x xmlns='jabber:x:data'>${value('FORM_TYPE', 'urn:other')}${value('last-message-body', 'no')}</x>`;
  const unnamed = `<x xmlns='jabber:x:data'>${value('last-message-body', 'unnamed')}</x>`;
  const named = `<x xmlns='jabber:x:data'>${summaryType}${value('last-message-body', 'named')}</x>`;
  const bodyOf = (forms: string): string => summary('', forms).lastMessageBody;
  assert.equal(bodyOf(foreign + unnamed + named), 'named');
  assert.equal(bodyOf(named + unnamed + foreign), 'named');
  assert.equal(bodyOf(foreign + unnamed), 'unnamed');
  assert.equal(bodyOf(foreign), '');
  assert.equal(bodyOf(named.replace('<x ', "<x type='cancel' ")), '');
});

test('4.40 a form directly in the item is read as well', () => {
  const form = parseXml(`<x xmlns='jabber:x:data' type='form'>${summaryType}${value('last-message-body', 'hi')}</x>`);
  assert.equal(readSummary(undefined, form).lastMessageBody, 'hi');
  const foreign = `${value('FORM_TYPE', 'urn:other')}${value('last-message-body', 'no')}`;
  assert.equal(readSummary(undefined, parseXml(`<x xmlns='jabber:x:data'>${foreign}</x>`)), emptySummary);
});

test("5.20 Tigase's priority wins over the field", () => {
  const tag = "<priority xmlns='tigase:push:priority:0'>high</priority>";
  assert.equal(summary(value('last-message-priority', 'low'), tag).priority, 'high');
  assert.equal(summary('', tag).priority, 'high');
  assert.equal(summary(value('last-message-priority', 'urgent')).priority, '');
});

test("5.20 Tigase's encrypted payload passes through untouched", () => {
  const read = summary('', "<encrypted xmlns='tigase:push:encrypt:0' iv='aXY=' type='voip'>cGF5bG9hZA==</encrypted>");
  assert.deepEqual(read, { ...emptySummary, encrypted: 'cGF5bG9hZA==', encryptedIv: 'aXY=', encryptedType: 'voip' });
  const huge = 'A'.repeat(limits.fieldBytesMax + 1);
  assert.equal(summary('', `<encrypted xmlns='tigase:push:encrypt:0' iv='a'>${huge}</encrypted>`), emptySummary);
});

test("5.20 MongooseIM's hints name the caller by another field", () => {
  const call = summary(value('message-sender', 'a@example.org') + value('jingle-message', 'retract'));
  assert.equal(call.lastMessageSender, 'a@example.org');
  assert.equal(call.jingleMessage, 'retract');
  const both = summary(value('message-sender', 'a@example.org') + value('last-message-sender', 'b@example.org'));
  assert.equal(both.lastMessageSender, 'b@example.org');
  assert.equal(summary(value('jingle-message', 'constructor')), emptySummary);
});

test('8.22 a count is clamped or absent', () => {
  const countOf = (text: string): number => summary(value('message-count', text)).messageCount;
  assert.equal(countOf('0'), 0);
  assert.equal(countOf('99999'), 99_999);
  assert.equal(countOf('1000000000'), 99_999);
  assert.equal(countOf('9'.repeat(30)), 99_999);
  for (const text of ['-1', '1e9', 'abc', '1.5', ' 1', '٣']) assert.equal(countOf(text), -1, text);
});

test('8.22 a sender that is no JID is absent', () => {
  assert.equal(summary(value('last-message-sender', '@@/')), emptySummary);
  assert.equal(summary(value('last-message-sender', 'Anna@Example.org')).lastMessageSender, 'anna@example.org');
});

test('4.55, 5.22 and 8.22 a body is cut at a code point and loses control characters but newline and tab', () => {
  const long = summary(value('last-message-body', '😀'.repeat(75_000))).lastMessageBody;
  assert.equal(long, '😀'.repeat(limits.bodyBytesMax / 4));
  const odd = summary(value('last-message-body', `x${'😀'.repeat(75_000)}`)).lastMessageBody;
  assert.equal(Buffer.byteLength(odd), limits.bodyBytesMax - 3);
  assert.ok(odd.endsWith('😀'));
  assert.equal(summary(value('last-message-body', 'a&#13;\tb\nc')).lastMessageBody, 'a\tb\nc');
});

test('a cut never exceeds its bytes nor splits a code point', () => {
  const text = 'aä€😀'.repeat(5);
  for (let bytesMax = 0; bytesMax <= Buffer.byteLength(text) + 1; bytesMax++) {
    const cut = truncateUtf8(text, bytesMax);
    const bytes = Buffer.byteLength(cut);
    assert.ok(text.startsWith(cut));
    assert.equal(Buffer.from(cut).toString(), cut);
    assert.ok(bytes <= bytesMax && (cut === text || bytes > bytesMax - 4), `${bytesMax}: ${bytes}`);
  }
});

test('8.12 prefixed elements give the same summary', () => {
  const plain = summary(value('last-message-body', 'hi'), "<priority xmlns='tigase:push:priority:0'>high</priority>");
  const prefixed = parseXml(
    "<p:notification xmlns:p='urn:xmpp:push:0' xmlns:d='jabber:x:data' xmlns:t='tigase:push:priority:0'><d:x>" +
      "<d:field var='FORM_TYPE'><d:value>urn:xmpp:push:summary</d:value></d:field>" +
      "<d:field var='last-message-body'><d:value>hi</d:value></d:field></d:x>" +
      '<t:priority>high</t:priority></p:notification>',
  );
  assert.deepEqual(readSummary(prefixed, undefined), plain);
});
