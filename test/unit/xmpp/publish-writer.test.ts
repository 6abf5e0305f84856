import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptySummary } from '../../../src/core/notification.ts';
import { noPublishOptions, publishOptionsOf } from '../../../src/xmpp/publish-options.ts';
import { readPublish } from '../../../src/xmpp/pubsub-codec.ts';
import { publishXml } from '../../../src/xmpp/publish-writer.ts';
import { parseXml } from '../../parse-xml.ts';
import type { PublishOption } from '../../../src/core/enabled.ts';
import { juliet as message } from '../../message-events.ts';
import type { Summary } from '../../../src/core/notification.ts';

const options: readonly PublishOption[] = [
  ['device_id', 'TOKEN'],
  ['service', 'fcm'],
];

const call: Summary = {
  ...message,
  messageCount: 1,
  lastMessageBody: 'Jingle message: propose, session ID: s1',
  pendingSubscriptionCount: 2,
  jingleMessage: 'propose',
  jingleSessionId: 's1',
};

const encrypted: Summary = { ...emptySummary, encrypted: 'QUJD', encryptedIv: 'SVY=', encryptedType: 'voip' };

interface Sample {
  readonly summary?: Summary;
  readonly options?: readonly PublishOption[];
  readonly priorityWanted?: boolean;
  readonly node?: string;
}

function write(sample: Sample): string {
  return publishXml({ node: 'phone-17', summary: message, options, priorityWanted: false, ...sample });
}

const summaryStart =
  `<notification xmlns='urn:xmpp:push:0'><x xmlns='jabber:x:data' type='submit'>` +
  `<field type='hidden' var='FORM_TYPE'><value>urn:xmpp:push:summary</value></field>`;

const optionsStart =
  `<publish-options><x xmlns='jabber:x:data' type='submit'><field type='hidden' var='FORM_TYPE'>` +
  `<value>http://jabber.org/protocol/pubsub#publish-options</value></field>`;

function pubsub(notification: string, after = '', node = 'phone-17'): string {
  const publish = `<publish node='${node}'><item>${notification}</item></publish>`;
  return `<pubsub xmlns='http://jabber.org/protocol/pubsub'>${publish}${after}</pubsub>`;
}

const messageFields =
  `<field var='message-count'><value>3</value></field>` +
  `<field var='last-message-sender'><value>juliet@capulet.example</value></field>` +
  `<field var='last-message-body'><value>Wherefore art thou?</value></field>`;

const deviceFields = [
  "<field var='device_id'><value>TOKEN</value></field>",
  "<field var='service'><value>fcm</value></field>",
].join('');

test('mongooseim 2.10: a publish has the fields in their order, no item id, and the options as enabled', () => {
  const after = `${optionsStart}${deviceFields}</x></publish-options>`;
  assert.equal(write({}), pubsub(`${summaryStart}${messageFields}</x></notification>`, after));
});

test('mongooseim 2.10: publish-options are there only if the stored form has a field', () => {
  assert.equal(write({ options: [] }), pubsub(`${summaryStart}${messageFields}</x></notification>`));
});

test('mongooseim 2.13: a call has the fields of the hints plugin, after those of every message', () => {
  const fields =
    `<field var='message-count'><value>1</value></field>` +
    `<field var='last-message-sender'><value>juliet@capulet.example</value></field>` +
    `<field var='last-message-body'><value>Jingle message: propose, session ID: s1</value></field>` +
    `<field var='pending-subscription-count'><value>2</value></field>` +
    `<field var='jingle-message'><value>propose</value></field>` +
    `<field var='jingle-session-id'><value>s1</value></field>`;
  assert.equal(write({ summary: call, options: [] }), pubsub(`${summaryStart}${fields}</x></notification>`));
});

test('5.49 what is not known is no field, and a form without fields is not written', () => {
  const onlyCount = `${summaryStart}<field var='message-count'><value>0</value></field></x></notification>`;
  assert.equal(write({ summary: { ...emptySummary, messageCount: 0 }, options: [] }), pubsub(onlyCount));
  assert.equal(write({ summary: emptySummary, options: [] }), pubsub("<notification xmlns='urn:xmpp:push:0'/>"));
});

test('5.49 the priority is written if the client enabled it and there is one', () => {
  const high = "<priority xmlns='tigase:push:priority:0'>high</priority>";
  const rows: readonly [Summary['priority'], boolean, string][] = [
    ['high', true, high],
    ['low', true, high.replace('high', 'low')],
    ['', true, ''],
    ['high', false, ''],
  ];
  for (const [priority, priorityWanted, element] of rows) {
    const xml = write({ summary: { ...message, priority }, priorityWanted, options: [] });
    assert.equal(xml, pubsub(`${summaryStart}${messageFields}</x>${element}</notification>`));
  }
});

test('5.50 an encrypted payload has no form beside it', () => {
  const start = "<notification xmlns='urn:xmpp:push:0'><encrypted xmlns='tigase:push:encrypt:0' iv='SVY='";
  const both = { ...message, ...encrypted, messageCount: 3, lastMessageBody: 'x' };
  assert.equal(write({ summary: both, options: [] }), pubsub(`${start} type='voip'>QUJD</encrypted></notification>`));
  assert.equal(
    write({ summary: { ...encrypted, encryptedType: '', priority: 'high' }, priorityWanted: true, options: [] }),
    pubsub(`${start}>QUJD</encrypted><priority xmlns='tigase:push:priority:0'>high</priority></notification>`),
  );
});

test('8.1 whatever stands in a field is escaped', () => {
  const nasty = `<&>"'\n\u0000😀`;
  const escaped = '&lt;&amp;&gt;&quot;&apos;&#10;😀';
  const fields = `<field var='last-message-body'><value>${escaped}</value></field>`;
  const after = `${optionsStart}<field var='${escaped}'><value>${escaped}</value></field></x></publish-options>`;
  assert.equal(
    write({ summary: { ...emptySummary, lastMessageBody: nasty }, options: [[nasty, nasty]], node: nasty }),
    pubsub(`${summaryStart}${fields}</x></notification>`, after, escaped),
  );
});

test('4.40 our own push service reads what is written', () => {
  const rows: readonly Sample[] = [
    { summary: message, priorityWanted: true },
    { summary: { ...message, priority: '' } },
    { summary: { ...call, priority: 'low' }, priorityWanted: true },
    { summary: { ...encrypted, priority: 'high' }, priorityWanted: true },
    { summary: { ...message, priority: '', lastMessageBody: 'Tom & Jerry <3 😀\nline2' } },
    { summary: { ...message, priority: '', lastMessageSender: 'tea@rooms.example.org/Boris "B." <b>' } },
    { summary: emptySummary, options: [] },
    {
      options: [
        ['secret', `'"<&>`],
        ['language', 'de-AT'],
        ['x', ''],
        ['silent', 'true'],
      ],
      summary: emptySummary,
    },
  ];
  for (const sample of rows) {
    const read = readPublish(parseXml(write(sample)));
    assert.equal(read?.kind, 'publish');
    const { node, summary, options: found } = read;
    assert.equal(node, 'phone-17');
    assert.deepEqual(summary, sample.summary ?? message);
    assert.deepEqual(found, publishOptionsOf(sample.options ?? options));
    if (sample.options?.length === 0) assert.equal(found, noPublishOptions);
  }
});
