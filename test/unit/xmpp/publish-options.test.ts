import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { noPublishOptions, publishOptionsOf, readPublishOptions } from '../../../src/xmpp/publish-options.ts';
import { escapeXml } from '../../../src/xmpp/stanza.ts';
import { parseXml } from '../../parse-xml.ts';
import type { PublishOption } from '../../../src/core/enabled.ts';
import type { PublishOptions } from '../../../src/xmpp/publish-options.ts';

function readForm(fields: readonly PublishOption[]): PublishOptions {
  const xml = fields.map(([name, value]) => `<field var='${name}'><value>${escapeXml(value)}</value></field>`);
  const form = `<x xmlns='jabber:x:data' type='submit'>${xml.join('')}</x>`;
  return readPublishOptions(parseXml(`<publish-options>${form}</publish-options>`));
}

const tooLong = 'x'.repeat(limits.fieldBytesMax + 1);

const every: readonly [string, keyof PublishOptions][] = [
  ['secret', 'secret'],
  ['service', 'service'],
  ['device_id', 'deviceId'],
  ['mode', 'mode'],
  ['topic', 'topic'],
  ['silent', 'silent'],
  ['priority', 'priority'],
  ['sound', 'sound'],
  ['click_action', 'clickAction'],
  ['mutable_content', 'mutableContent'],
  ['time_to_live', 'timeToLive'],
  ['sandbox', 'sandbox'],
  ['pushModule', 'pushModule'],
  ['language', 'language'],
  ['lang', 'language'],
  ['pubsub#access_model', 'accessModel'],
];

test('5.30 every known field is kept, from a form and from what was enabled', () => {
  for (const [name, key] of every) {
    const options = publishOptionsOf([[name, 'value']]);
    assert.deepEqual(options, { ...noPublishOptions, present: true, [key]: 'value' });
    assert.deepEqual(readForm([[name, 'value']]), options);
  }
});

test('5.30 what was enabled is read by the rules of the form', () => {
  const rows: readonly (readonly PublishOption[])[] = [
    [
      ['device_id', 'a'],
      ['service', 'fcm'],
      ['unknown', 'b'],
    ],
    [['device_id', '']],
    [['device_id', tooLong]],
    [
      ['device_id', ''],
      ['device_id', 'a'],
      ['device_id', 'b'],
    ],
    [
      ['language', 'de'],
      ['lang', 'fr'],
    ],
    [
      ['lang', 'fr'],
      ['language', 'de'],
    ],
    [
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['present', 'c'],
    ],
  ];
  for (const fields of rows) assert.deepEqual(publishOptionsOf(fields), readForm(fields));
});

test('4.45 no fields are no form', () => {
  assert.equal(publishOptionsOf([]), noPublishOptions);
});
