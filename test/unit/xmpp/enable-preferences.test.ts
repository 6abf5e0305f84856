import { test } from 'node:test';
import assert from 'node:assert/strict';
import { bare } from '../../registration-rows.ts';
import { parseXml } from '../../parse-xml.ts';
import { noPreferences } from '../../../src/core/enabled.ts';
import { limits } from '../../../src/core/limits.ts';
import { readPushIq } from '../../../src/xmpp/enable-codec.ts';
import type { PushPreferences } from '../../../src/core/enabled.ts';
import type { PushIq } from '../../../src/xmpp/enable-codec.ts';

const key = `${'k'.repeat(21)}A==`;

function enable(inside: string, attributes = ''): PushIq {
  const xml = `<enable xmlns='urn:xmpp:push:0' jid='push.example.net' node='n' ${attributes}>${inside}</enable>`;
  return readPushIq('set', parseXml(xml), bare('anna@example.com'));
}

function asked(inside: string, attributes = ''): Partial<PushPreferences> {
  const iq = enable(inside, attributes);
  assert.ok(iq.kind === 'enable', `refused: ${iq.kind === 'refused' ? iq.error.detail : ''}`);
  const differs = Object.entries(iq.preferences).filter(([name, value]) => {
    const usual: unknown = Reflect.get(noPreferences, name);
    return JSON.stringify(value) !== JSON.stringify(usual);
  });
  return Object.fromEntries(differs);
}

function errorOf(inside: string): string {
  const iq = enable(inside);
  assert.ok(iq.kind === 'refused', 'not refused');
  return `${iq.error.type}/${iq.error.condition} ${iq.error.detail.replaceAll(/<[^>]*>/g, '')}`;
}

test('5.50 who asks for nothing shares the one object for that', () => {
  for (const inside of ['', "<jingle xmlns='tigase:push:jingle:0'/>", "<priority xmlns='urn:other'/>", '<muted/>']) {
    const iq = enable(inside, "away='false'");
    assert.ok(iq.kind === 'enable');
    assert.equal(iq.preferences, noPreferences, inside);
  }
});

test('5.50 each extension alone', () => {
  assert.deepEqual(asked("<priority xmlns='tigase:push:priority:0'/>"), { priority: true });
  assert.deepEqual(asked("<ignore-unknown xmlns='tigase:push:filter:ignore-unknown:0'/>"), { ignoreUnknown: true });
  assert.deepEqual(asked('', "away='true'"), { away: true });
  assert.deepEqual(asked('', "away='1'"), { away: true });
  assert.deepEqual(asked('', "away='TRUE'"), {});
  const muted =
    "<muted xmlns='tigase:push:filter:muted:0'><item jid='Boris@example.org/x'/><other/><item jid='a.example'/>" +
    "<item jid='boris@example.org'/></muted>";
  assert.deepEqual(asked(muted), { muted: ['boris@example.org', 'a.example'] });
  const rooms =
    "<groupchat xmlns='tigase:push:filter:groupchat:0'><room jid='a@muc.example' allow='always'/>" +
    "<room jid='b@muc.example/x' allow='mentioned' nick='Anna &amp; co'/><room jid='c@muc.example' allow='never'/>" +
    "<room jid='a@muc.example' allow='never' nick=''/></groupchat>";
  assert.deepEqual(asked(rooms), {
    rooms: [
      { room: 'a@muc.example', allow: 'never', nick: '' },
      { room: 'b@muc.example', allow: 'mentioned', nick: 'Anna & co' },
      { room: 'c@muc.example', allow: 'never', nick: '' },
    ],
  });
});

test('5.50 encryption with a key, and with a limit', () => {
  const encrypt = (attributes: string, text = key): string =>
    `<encrypt xmlns='tigase:push:encrypt:0' ${attributes}>${text}</encrypt>`;
  assert.deepEqual(asked(encrypt("alg='aes-128-gcm'")), { encryptionKey: key });
  assert.deepEqual(asked(encrypt("alg='aes-128-gcm' max-size='3072'", `\n ${key}\n`)), {
    encryptionKey: key,
    encryptedBytesMax: 3072,
  });
});

test('5.50 a cipher that is not known is modify/feature-not-implemented', () => {
  for (const alg of ["alg='aes-256-gcm'", "alg=''", '']) {
    const said = errorOf(`<encrypt xmlns='tigase:push:encrypt:0' ${alg}>${key}</encrypt>`);
    assert.match(said, /^modify\/feature-not-implemented the attribute &apos;alg&apos;/);
  }
});

test('5.50 a key that is not 16 bytes in base64 is modify/bad-request, and is not told', () => {
  const keys = ['', 'short', key.slice(0, -1), `A${key}`, '*'.repeat(22) + '==', 'A'.repeat(24), 'A'.repeat(44)];
  for (const bad of keys) {
    const said = errorOf(`<encrypt xmlns='tigase:push:encrypt:0' alg='aes-128-gcm'>${bad}</encrypt>`);
    assert.equal(said, 'modify/bad-request &lt;encrypt/&gt; must hold 16 bytes in base64');
  }
  for (const size of ['', '-1', 'big', '1.5', '1234567890']) {
    const said = errorOf(
      `<encrypt xmlns='tigase:push:encrypt:0' alg='aes-128-gcm' max-size='${size}'>${key}</encrypt>`,
    );
    assert.match(said, /^modify\/bad-request .*max-size/);
  }
});

test('5.50 lists that cannot be read, or are too long, are refused whole', () => {
  const muted = (items: string): string => `<muted xmlns='tigase:push:filter:muted:0'>${items}</muted>`;
  const rooms = (items: string): string => `<groupchat xmlns='tigase:push:filter:groupchat:0'>${items}</groupchat>`;
  const many = (count: number, item: (at: number) => string): string =>
    Array.from({ length: count }, (_, at) => item(at)).join('');
  const item = (at: number): string => `<item jid='u${at}@a.example'/>`;
  const room = (at: number): string => `<room jid='u${at}@a.example' allow='never'/>`;
  assert.match(errorOf(muted('<item/>')), /^modify\/bad-request .*item/);
  assert.match(errorOf(muted("<item jid='a b'/>")), /^modify\/bad-request .*item/);
  assert.equal(asked(muted(many(limits.mutedMax, item))).muted?.length, limits.mutedMax);
  assert.match(errorOf(muted(many(limits.mutedMax + 1, item))), /more than 256 items/);
  assert.match(errorOf(rooms("<room allow='never'/>")), /^modify\/bad-request .*room/);
  assert.match(errorOf(rooms("<room jid='a@muc.example'/>")), /allow/);
  assert.match(errorOf(rooms("<room jid='a@muc.example' allow='sometimes'/>")), /allow/);
  assert.match(errorOf(rooms(`<room jid='a@muc.example' allow='never' nick='${'n'.repeat(1024)}'/>`)), /nick/);
  assert.equal(asked(rooms(many(limits.roomPreferencesMax, room))).rooms?.length, limits.roomPreferencesMax);
  assert.match(errorOf(rooms(many(limits.roomPreferencesMax + 1, room))), /more than 256 rooms/);
});
