import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noPreferences } from '../../../src/core/enabled.ts';
import { emptySummary } from '../../../src/core/notification.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { publishPayload } from '../../../src/event/publish-payload.ts';
import { readPublish } from '../../../src/xmpp/pubsub-codec.ts';
import { enabledRow } from '../../enabled-rows.ts';
import { parseXml } from '../../parse-xml.ts';
import type { PushConfig } from '../../../config/engine-config.ts';
import type { PushPreferences } from '../../../src/core/enabled.ts';
import { juliet as message } from '../../message-events.ts';
import type { Summary } from '../../../src/core/notification.ts';

const call: Summary = {
  ...message,
  lastMessageBody: 'Jingle message: propose, session ID: s1',
  jingleMessage: 'propose',
  jingleSessionId: 's1',
};

interface Sample {
  readonly summary?: Partial<Summary>;
  readonly preferences?: Partial<PushPreferences>;
  readonly content?: PushConfig['content'];
}

function xmlOf({ summary, preferences, content = 'full' }: Sample): string {
  const row = enabledRow('n1', { preferences: { ...noPreferences, ...preferences } });
  const rules = { content, placeholder: 'New message' };
  return publishPayload(row, { ...message, ...summary }, rules, seededRandom(1));
}

function read(sample: Sample): Summary {
  const request = readPublish(parseXml(xmlOf(sample)));
  assert.equal(request?.kind, 'publish');
  assert.equal(request.options.deviceId, 'token of n1');
  return request.summary;
}

test('5.49 a push service sees what the configuration allows', () => {
  const rows: readonly [PushConfig['content'], string, string][] = [
    ['none', '', 'New message'],
    ['sender', 'juliet@capulet.example', 'New message'],
    ['full', 'juliet@capulet.example', 'Wherefore art thou?'],
  ];
  for (const [content, lastMessageSender, lastMessageBody] of rows) {
    assert.deepEqual(read({ content }), { ...message, priority: '', lastMessageSender, lastMessageBody });
  }
});

test('5.27 with content none no byte of sender or body leaves', () => {
  const xml = xmlOf({ content: 'none', summary: call });
  assert.doesNotMatch(xml, /juliet|capulet|Wherefore|session ID/);
  assert.match(xml, /<field var='jingle-message'><value>propose</);
});

test('5.49 what people are to see always has a body, what they are not never', () => {
  const rows: readonly [Partial<Summary>, PushConfig['content'], string][] = [
    [{}, 'none', 'New message'],
    [{ priority: '' }, 'none', 'New message'],
    [{ lastMessageBody: '' }, 'full', 'New message'],
    [{ lastMessageBody: '' }, 'none', 'New message'],
    [{ lastMessageBody: '', priority: '' }, 'full', ''], // 5.26
    [{ lastMessageBody: '', priority: '' }, 'none', ''],
    [{ priority: 'low' }, 'full', ''],
    [{ priority: 'low' }, 'none', ''],
    [call, 'full', 'Jingle message: propose, session ID: s1'],
    [call, 'sender', 'New message'],
  ];
  for (const [summary, content, body] of rows) assert.equal(read({ summary, content }).lastMessageBody, body);
});

test('5.49 the priority is told to those who asked for it', () => {
  assert.equal(read({ preferences: { priority: true } }).priority, 'high');
  assert.equal(read({ preferences: { priority: true }, summary: { priority: 'low' } }).priority, 'low');
  assert.equal(read({}).priority, '');
});

const encryptionKey = Buffer.from('0123456789abcdef').toString('base64');

test('5.50 for a client with a key only the encrypted payload is written, and our own reader passes it on', () => {
  const xml = xmlOf({ preferences: { encryptionKey }, content: 'none' });
  assert.doesNotMatch(xml, /juliet|Wherefore|New message|message-count|urn:xmpp:push:summary/);
  const { encrypted, encryptedIv, ...rest } = read({ preferences: { encryptionKey } });
  assert.equal(Buffer.from(encryptedIv, 'base64').length, 12);
  assert.ok(xml.includes(`iv='${encryptedIv}'>${encrypted}</encrypted></notification>`));
  const { encrypted: _, encryptedIv: __, ...nothing } = emptySummary;
  assert.deepEqual(rest, nothing);
});

test('5.50 a call rings, encrypted or not', () => {
  assert.equal(read({ summary: call, preferences: { encryptionKey } }).encryptedType, 'voip');
});

test('an encrypted payload that is not to be shown is sent to those who can be told so', () => {
  const summary: Partial<Summary> = { priority: 'low' };
  const told = read({ summary, preferences: { encryptionKey, priority: true } });
  assert.equal(told.priority, 'low');
  assert.notEqual(told.encrypted, '');
  assert.deepEqual(read({ summary, preferences: { encryptionKey } }), emptySummary);
});
