/** The XMPP server's half of push through the whole engine: from a stanza or an event to what leaves the process. */
import assert from 'node:assert/strict';
import { createDecipheriv } from 'node:crypto';
import { describe, it } from 'node:test';
import { anna, enable, errorIq, ours, phone, pushWorld, theirs } from './push-world.ts';
import { enabledRow, put } from '../enabled-rows.ts';
import { bare } from '../registration-rows.ts';
import { EngineError } from '../../src/core/errors.ts';
import { epochMs } from '../../src/core/ids.ts';
import { limits } from '../../src/core/limits.ts';
import { rejected, throttled, unauthorized, unregistered } from '../../src/core/outcome.ts';
import { MemoryEnabledStore } from '../../src/storage/memory-enabled-store.ts';
import type { EngineConfigInput, EventResult, MessageInput } from '../../src/index.ts';
import type { PushWorld } from './push-world.ts';

const device = { service: 'fcm', device_id: phone };
const dayMs = 86_400_000;

/** Node and outcome of each publish, or why there is none. */
function ends(result: EventResult): readonly string[] {
  if (result.kind === 'pushed')
    return result.publishes.map(({ node, outcome }) => `${node} ${outcome.kind}`).toSorted();
  return [result.kind === 'noted' ? 'noted' : `${result.kind}: ${result.reason}`];
}

/** Fields of the form in a publish, in their order. */
function fieldsOf(stanza: string | undefined): readonly (readonly [string, string])[] {
  const found = (stanza ?? '').matchAll(/var='([^']*)'><value>([^<]*)<\/value>/g);
  return [...found].map(([, name = '', value = '']): [string, string] => [name, value]);
}

const stanzas = `xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'`;

function refusal(type: string, condition: string, text = ''): string {
  const detail = text === '' ? '' : `<text ${stanzas} xml:lang='en'>${text}</text>`;
  return (
    `<iq type='error' id='e1' from='${anna}' to='${anna}/phone'>` +
    `<error type='${type}'><${condition} ${stanzas}/>${detail}</error></iq>`
  );
}

const badRequest = (text: string): string => refusal('modify', 'bad-request', text);
const notAcceptable = (text: string): string => refusal('modify', 'not-acceptable', text);
const done = `<iq type='result' id='e1' from='${anna}' to='${anna}/phone'/>`;
const disable = (attributes: string): string => `<disable xmlns='urn:xmpp:push:0' ${attributes}/>`;
const x = (inner: string, type = `type='submit'`): string =>
  `<enable xmlns='urn:xmpp:push:0' jid='${ours}' node='n'><x xmlns='jabber:x:data' ${type}>${inner}</x></enable>`;
const publishOptions = 'http://jabber.org/protocol/pubsub#publish-options';
const formType = `<field var='FORM_TYPE'><value>${publishOptions}</value></field>`;
const formTypeWrong = badRequest(`the form&apos;s FORM_TYPE must be ${publishOptions}`);
const noJid = badRequest('the attribute &apos;jid&apos; is missing or empty');
const noNode = badRequest('the attribute &apos;node&apos; is missing or empty');
const badJid = badRequest('the attribute &apos;jid&apos; is not a JID');
const notSubmit = badRequest('the form&apos;s type must be &apos;submit&apos;');
const oneValue = badRequest('the field &apos;a&apos; must have exactly one value');
const encrypt = (alg: string, key: string): string =>
  enable(ours, 'n', undefined, `<encrypt xmlns='tigase:push:encrypt:0' alg='${alg}'>${key}</encrypt>`);

const answers: readonly (readonly [about: string, child: string, answer: string])[] = [
  ['2.2 jid missing', `<enable xmlns='urn:xmpp:push:0' node='n'/>`, noJid],
  ['2.2 jid empty', enable('', 'n'), noJid],
  ['2.2 jid unparsable', enable('@@', 'n'), badJid],
  ['2.2 jid without a domain', enable('a@', 'n'), badJid],
  ['2.2 jid with resource', enable(`${ours}/r`, 'n'), done],
  ['2.2 jid with a local part', enable(`pub-sub@${theirs}`, 'n'), done],
  ['2.2 node missing', `<enable xmlns='urn:xmpp:push:0' jid='${ours}'/>`, noNode],
  ['2.2 node empty', enable(ours, ''), noNode],
  ['2.2 no form', enable(ours, 'n'), done],
  ['2.2 x of another namespace', enable(ours, 'n', undefined, `<x xmlns='urn:example:other'/>`), done],
  ['2.2 form type missing', x(formType, ''), notSubmit],
  ['2.2 form type not submit', x(formType, `type='form'`), notSubmit],
  ['2.2 no FORM_TYPE', x(''), formTypeWrong],
  ['2.2 FORM_TYPE is not trimmed', x(formType.replace('<value>', '<value> ')), formTypeWrong],
  [
    '2.2 two values of FORM_TYPE',
    x(formType.replace('</field>', '<value/></field>')),
    badRequest('the field &apos;FORM_TYPE&apos; must have exactly one value'),
  ],
  ['2.2 a field with no value', x(`${formType}<field var='a'/>`), oneValue],
  ['2.2 a field with two values', x(`${formType}<field var='a'><value/><value/></field>`), oneValue],
  ['2.2 a field with an empty value', x(`${formType}<field var='a'><value/></field>`), done],
  ['2.2 a field without var', x(`${formType}<field><value>a</value><value>b</value></field>`), done],
  ['2.2 a service nobody has asked', enable('nobody.example', 'n'), done],
  ['2.4 disable: jid missing', disable(''), noJid],
  ['2.4 disable: jid malformed', disable(`jid='@'`), badJid],
  ['2.4 disable: node empty', disable(`jid='${ours}' node=''`), noNode],
  ['2.4 disable: never enabled', disable(`jid='${ours}' node='never'`), done],
  [
    '2.4 disable: form ignored',
    `<disable xmlns='urn:xmpp:push:0' jid='${ours}'><x xmlns='jabber:x:data'/></disable>`,
    done,
  ],
  [
    '2.1 any other child',
    `<x xmlns='urn:xmpp:push:0'/>`,
    badRequest('the child must be &lt;enable/&gt; or &lt;disable/&gt;'),
  ],
  ['2.1 no child', '', refusal('modify', 'bad-request')],
  ['2.1 two children', enable(ours, 'n') + enable(ours, 'n'), refusal('modify', 'bad-request')],
  [
    '5.45 the own address',
    enable(anna, 'n'),
    badRequest('the attribute &apos;jid&apos; is the account&apos;s own address, not a push service'),
  ],
  [
    '5.50 a cipher nobody knows',
    encrypt('rot13', 'x'),
    refusal(
      'modify',
      'feature-not-implemented',
      'the attribute &apos;alg&apos; of &lt;encrypt/&gt; must be &apos;aes-128-gcm&apos;',
    ),
  ],
  ['5.50 a key that is none', encrypt('aes-128-gcm', 'x'), badRequest('&lt;encrypt/&gt; must hold 16 bytes in base64')],
  [
    'half a device',
    enable(ours, 'n', { service: 'fcm' }),
    notAcceptable('the field &apos;service&apos; needs the field &apos;device_id&apos; beside it'),
  ],
  [
    'no provider',
    enable(ours, 'n', { service: 'wns', device_id: phone }),
    notAcceptable('the field &apos;service&apos; must be &apos;apns&apos;, &apos;fcm&apos; or &apos;gcm&apos;'),
  ],
  [
    'an app no provider serves',
    enable(ours, 'n', { ...device, topic: 'com.example.other' }),
    notAcceptable('nothing here pushes to &apos;fcm&apos; for what &apos;topic&apos; names'),
  ],
  ['nothing is checked elsewhere', enable(theirs, 'n', { service: 'wns' }), done],
];

describe('the answer to an <iq> of a client', () => {
  for (const [about, child, answer] of answers) {
    it(`${about}: ${answer === done ? 'is taken' : 'is refused, and nothing is written'}`, async (t) => {
      const { iq, rows } = await pushWorld(t);
      assert.equal(await iq(child), answer);
      const isWritten = answer === done && child.startsWith('<enable');
      assert.equal((await rows()).length, isWritten ? 1 : 0);
    });
  }

  it('2.1 a get, and a request to somebody else, are refused', async (t) => {
    const { iq, rows } = await pushWorld(t);
    assert.equal(
      await iq(enable(ours, 'n'), { type: 'get' }),
      badRequest('push is enabled and disabled by an IQ of type set'),
    );
    const boris = 'boris@example.com';
    assert.equal(await iq(enable(ours, 'n'), { to: boris }), refusal('auth', 'forbidden').replace(anna, boris));
    assert.deepEqual(await rows(), []);
    assert.equal(await iq(enable(ours, 'n'), { to: 'example.com' }), done.replace(anna, 'example.com'));
  });

  it('a store that fails in the middle is told as wait, and nothing is half written', async (t) => {
    let fails = true;
    class Failing extends MemoryEnabledStore {
      override async writeMany(...changes: Parameters<MemoryEnabledStore['writeMany']>): Promise<void> {
        if (fails) throw new EngineError('E_STORE_IO', 'the disk is full');
        await super.writeMany(...changes);
      }
    }
    const { iq, rows, engine } = await pushWorld(t, {}, new Failing(10));
    assert.equal(await iq(enable(ours, 'n')), refusal('wait', 'internal-server-error'));
    assert.deepEqual(await rows(), []);
    fails = false;
    assert.equal(await iq(enable(ours, 'n')), done);
    fails = true;
    assert.equal(await iq(disable(`jid='${ours}'`)), refusal('wait', 'internal-server-error'));
    assert.equal((await rows()).length, 1);
    assert.deepEqual(engine.figures().actors, { lost: 0, restarts: 0 });
  });
});

describe('what is enabled', () => {
  it('2.3 the same key again overwrites the form, others are more, and a session has one slot', async (t) => {
    const { iq, rows } = await pushWorld(t);
    await iq(enable(ours, 'one', device));
    await iq(enable(ours, 'one'));
    assert.deepEqual((await rows())[0]?.options, []);
    await iq(enable(ours, 'two'));
    await iq(enable(theirs, 'one'), { from: `${anna}/desk` });
    assert.deepEqual(
      (await rows()).map(({ service, node, session }) => `${service} ${node} ${session}`),
      [`${ours} one `, `${ours} two phone`, `${theirs} one desk`],
    );
    await iq(disable(`jid='${ours}'`));
    assert.deepEqual(
      (await rows()).map(({ service }) => service),
      [theirs],
    );
  });

  it('past the limit of a user the oldest goes', async (t) => {
    const { iq, rows, clock } = await pushWorld(t, { push: { per_user_max: 2 } });
    for (const name of ['one', 'two', 'three']) {
      await iq(enable(ours, name));
      await clock.advance(1_000);
    }
    assert.deepEqual(
      (await rows()).map(({ node }) => node),
      ['two', 'three'],
    );
  });

  it('what no client has enabled again for long is not pushed, and goes by itself; the rest stays', async (t) => {
    const { iq, rows, clock, push, stream } = await pushWorld(t, { push: { expire_days: 31 } });
    await iq(enable(theirs, 'old'));
    await iq(enable(theirs, 'kept'));
    clock.jump(20 * dayMs);
    await iq(enable(theirs, 'kept'));
    clock.jump(10 * dayMs);
    await clock.advance(2 * limits.sweepEveryMs);
    assert.equal((await rows()).length, 2, 'a day too early nobody goes');
    stream.sent.length = 0; // pings
    assert.deepEqual(ends(await push()), ['kept accepted', 'old accepted']);
    clock.jump(dayMs); // past its time, before the sweep
    assert.deepEqual(ends(await push()), ['kept accepted']);
    assert.equal((await rows()).length, 2);
    await clock.advance(2 * limits.sweepEveryMs);
    assert.deepEqual(
      (await rows()).map(({ node }) => node),
      ['kept'],
    );
  });
});

describe('a push service of ours', () => {
  it('2.12 takes what its template names, in the domain of the user; the rest goes by IQ', async (t) => {
    const { iq, push, stream, notifications } = await pushWorld(t);
    await iq(enable(`pub-sub@${ours}`, 'ours', device));
    await iq(enable('push.example.net', 'component', device));
    await iq(enable('push.example.org', 'foreign', device));
    assert.deepEqual(ends(await push()), ['component accepted', 'foreign accepted', 'ours accepted']);
    assert.deepEqual([notifications.length, stream.sent.length], [2, 1]);
    assert.match(stream.sent[0] ?? '', / to='push\.example\.org'/);
  });

  it('2.12 a device that is gone takes its registration with it; any other trouble does not', async (t) => {
    const { iq, push, rows, gateway, clock } = await pushWorld(t);
    await iq(enable(ours, 'gone', device));
    await iq(enable(theirs, 'other'));
    for (const outcome of [rejected('BadPath'), unauthorized('expired'), throttled('later', 0)]) {
      gateway.outcome = outcome;
      await push();
      await clock.advance(dayMs / 24);
      assert.equal((await rows()).length, 2, outcome.kind);
    }
    gateway.outcome = unregistered('BadDeviceToken', 0);
    assert.deepEqual(ends(await push()), ['gone unregistered', 'other accepted']);
    assert.deepEqual(
      (await rows()).map(({ node }) => node),
      ['other'],
    );
  });
});

describe('5.50 a client with a key', () => {
  const key = Buffer.from('0123456789abcdef');
  const wish = `<encrypt xmlns='tigase:push:encrypt:0' alg='aes-128-gcm'>${key.toString('base64')}</encrypt>`;
  const opened = (encrypted: string, iv: string): unknown => {
    const bytes = Buffer.from(encrypted, 'base64');
    const cipher = createDecipheriv('aes-128-gcm', key, Buffer.from(iv, 'base64'));
    cipher.setAuthTag(bytes.subarray(-16));
    return JSON.parse(Buffer.concat([cipher.update(bytes.subarray(0, -16)), cipher.final()]).toString());
  };
  const told = { unread: 3, sender: 'boris@example.org', type: 'chat', message: 'Wherefore?' };

  it('reads what nobody else can, where the push service is not ours', async (t) => {
    const { iq, push, stream } = await pushWorld(t, { push: { content: 'full' } });
    assert.equal(await iq(enable(theirs, 'n', undefined, wish)), done);
    assert.deepEqual(ends(await push({ unread: 3 })), ['n accepted']);
    const [sent = ''] = stream.sent;
    const [, iv = '', encrypted = ''] =
      /<notification [^>]*><encrypted xmlns='tigase:push:encrypt:0' iv='([^']*)'>([^<]*)<\/encrypted><\/not/.exec(
        sent,
      ) ?? [];
    assert.deepEqual(opened(encrypted, iv), told);
    assert.doesNotMatch(sent, /Wherefore|boris/);
  });

  it('reads what the gateway cannot, where the push service is ours', async (t) => {
    const { iq, push, notifications } = await pushWorld(t, { notifications: { content: 'full' } });
    await iq(enable(ours, 'n', device, wish));
    assert.deepEqual(ends(await push({ unread: 3 })), ['n accepted']);
    const [{ data, title, body, mutableContent } = assert.fail('nothing was sent')] = notifications;
    assert.deepEqual(opened(data['encrypted'] ?? '', data['iv'] ?? ''), told);
    assert.equal(mutableContent, true);
    assert.doesNotMatch(`${title} ${body}`, /Wherefore|boris/);
  });
});

describe('what is told of a message', () => {
  const sent = async (world: PushWorld, message: Partial<MessageInput> = {}): Promise<ReturnType<typeof fieldsOf>> => {
    world.stream.sent.length = 0;
    await world.push(message);
    return fieldsOf(world.stream.sent[0]).slice(1);
  };
  const enabled = async (...[t, over]: Parameters<typeof pushWorld>): Promise<PushWorld> => {
    const world = await pushWorld(t, over);
    await world.iq(enable(theirs, 'n'));
    return world;
  };

  it('2.8, 2.9 count, sender and body, as MongooseIM tells them', async (t) => {
    const world = await enabled(t, { push: { content: 'full' } });
    assert.deepEqual(await sent(world, { from: 'Boris@Example.org/desk', unread: 3, unreadTotal: 12 }), [
      ['message-count', '3'],
      ['last-message-sender', 'boris@example.org'],
      ['last-message-body', 'Wherefore?'],
    ]);
    const group = { type: 'groupchat', from: 'room@muc.example.org/Anton', roomKind: 'private' } as const;
    assert.deepEqual(await sent(world, group), [
      ['message-count', '1'],
      ['last-message-sender', 'room@muc.example.org/Anton'],
      ['last-message-body', 'Wherefore?'],
    ]);
  });

  it('2.9 the number of all unread messages, where the configuration says so', async (t) => {
    const world = await enabled(t, { push: { content: 'full', unread: 'total' } });
    assert.deepEqual((await sent(world, { unread: 3, unreadTotal: 12 }))[0], ['message-count', '12']);
    assert.deepEqual((await sent(world, { unread: 3 }))[0], ['message-count', '3']);
    await world.iq(enable(ours, 'badge', device));
    await sent(world, { unread: 3, unreadTotal: 12 });
    assert.equal(world.notifications[0]?.badge, 12);
  });

  const held: readonly (readonly ['none' | 'sender' | 'full', readonly (readonly [string, string])[]])[] = [
    ['none', [['last-message-body', 'Held back']]],
    [
      'sender',
      [
        ['last-message-sender', 'boris@example.org'],
        ['last-message-body', 'Held back'],
      ],
    ],
    [
      'full',
      [
        ['last-message-sender', 'boris@example.org'],
        ['last-message-body', 'Wherefore?'],
      ],
    ],
  ];
  for (const [content, fields] of held) {
    it(`5.49 push.content = ${content}: a service that is not ours sees no more`, async (t) => {
      const world = await enabled(t, { push: { content, placeholder: 'Held back' } });
      assert.deepEqual(await sent(world), [['message-count', '1'], ...fields]);
    });

    it(`5.27 notifications.content = ${content}: a gateway sees no more`, async (t) => {
      const over: EngineConfigInput = { notifications: { content, title: 'Chat', body: 'Held back' } };
      const { iq, push, notifications } = await pushWorld(t, over);
      await iq(enable(ours, 'n', device));
      await push();
      const shown = notifications.map(({ title, body }) => [title, body]);
      const sender = content === 'none' ? 'Chat' : 'boris@example.org';
      assert.deepEqual(shown, [[sender, content === 'full' ? 'Wherefore?' : 'Held back']]);
      assert.equal(JSON.stringify(notifications).includes('boris'), content !== 'none');
      assert.equal(JSON.stringify(notifications).includes('Wherefore'), content === 'full');
    });
  }

  it('7.52 an encrypted message is told by the words of the configuration', async (t) => {
    const world = await enabled(t, { push: { content: 'full', encrypted_body: 'Sealed' } });
    const fields = await sent(world, { encryption: 'payload', body: 'This message is encrypted.' });
    assert.deepEqual(fields.at(-1), ['last-message-body', 'Sealed']);
  });

  it('templates word title and body by the language and app of each phone', async (t) => {
    const { iq, push, notifications } = await pushWorld(t, {
      notifications: { content: 'full' },
      templates: [
        { for: 'message', language: 'de', title: 'Von {sender_name}', body: '{count} neu: {body}' },
        { for: 'message', title: 'From {sender_name}' },
        { for: 'message', app: 'com.example.work', title: 'Work', body: 'Something new' },
      ],
    });
    await iq(enable(ours, 'german', { ...device, language: 'de-AT' }));
    await iq(enable(ours, 'other', { ...device, language: 'fr' }));
    await iq(enable(ours, 'work', { ...device, topic: 'com.example.work', language: 'de' }));
    assert.equal((await push({ unread: 2 })).kind, 'pushed');
    assert.deepEqual(
      notifications.map(({ title, body }) => `${title} | ${body}`),
      ['Von boris | 2 neu: Wherefore?', 'From boris | Wherefore?', 'Work | Something new'],
    );
  });
});

describe('a push service that is not ours', () => {
  it('2.10 is sent what MongooseIM sends, from our domain', async (t) => {
    const { iq, push, stream } = await pushWorld(t, { push: { content: 'full' } });
    await iq(enable(theirs, 'phone-17', device));
    await push({ from: 'juliet@capulet.example/x', body: 'Wherefore art thou?', unread: 3 });
    const [sent = ''] = stream.sent;
    const [, id = ''] = /^<iq type='set' id='([^']+)'/.exec(sent) ?? [];
    assert.equal(
      sent,
      `<iq type='set' id='${id}' from='push.example.net' to='${theirs}'>` +
        `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='phone-17'><item>` +
        `<notification xmlns='urn:xmpp:push:0'><x xmlns='jabber:x:data' type='submit'>` +
        `<field type='hidden' var='FORM_TYPE'><value>urn:xmpp:push:summary</value></field>` +
        `<field var='message-count'><value>3</value></field>` +
        `<field var='last-message-sender'><value>juliet@capulet.example</value></field>` +
        `<field var='last-message-body'><value>Wherefore art thou?</value></field>` +
        `</x></notification></item></publish><publish-options><x xmlns='jabber:x:data' type='submit'>` +
        `<field type='hidden' var='FORM_TYPE'><value>${publishOptions}</value></field>` +
        `<field var='service'><value>fcm</value></field><field var='device_id'><value>${phone}</value></field>` +
        `</x></publish-options></pubsub></iq>`,
    );
  });

  it('2.10 the answer of anybody else is none', async (t) => {
    const { iq, push, rows } = await pushWorld(t);
    await iq(enable(theirs, 'n'));
    const forged = errorIq('cancel', 'item-not-found').replace('FROM', 'evil.example');
    assert.deepEqual(await push({}, forged), {
      kind: 'pushed',
      publishes: [
        {
          ...{ owner: anna, service: theirs, node: 'n' },
          outcome: { kind: 'unavailable', reached: 'unknown', reason: 'no answer by the deadline', retryAfterMs: 0 },
        },
      ],
    });
    assert.equal((await rows()).length, 1);
  });

  // Condition and type as MongooseIM's own services answer; gone: after three of them, over the hours of the
  // configuration.
  const table: readonly (readonly [type: string, condition: string, outcome: string, isGone: boolean])[] = [
    ['cancel', 'item-not-found', 'rejected', true],
    ['cancel', 'conflict', 'rejected', true],
    ['cancel', 'feature-not-implemented', 'rejected', true],
    ['cancel', 'service-unavailable', 'unavailable', false],
    ['cancel', 'remote-server-not-found', 'unavailable', false],
    ['wait', 'remote-server-timeout', 'unavailable', false],
    ['wait', 'internal-server-error', 'unavailable', false],
    ['wait', 'resource-constraint', 'unavailable', false],
    ['auth', 'forbidden', 'rejected', true],
    ['auth', 'not-authorized', 'rejected', true],
    ['auth', 'registration-required', 'rejected', true],
    ['modify', 'bad-request', 'rejected', true],
    ['modify', 'not-acceptable', 'rejected', false],
  ];
  for (const [type, condition, outcome, isGone] of table) {
    const fate = isGone ? 'ends it after hours of them, not before' : 'never ends it';
    it(`2.11, 5.51 ${type}/${condition}: ${fate}`, async (t) => {
      const { iq, push, rows, clock } = await pushWorld(t, { push: { deregister_hours: 2 } });
      await iq(enable(theirs, 'n'));
      for (let count = 0; count < 5; count++) {
        const result = ends(await push({}, errorIq(type, condition)));
        assert.deepEqual(result, [`n ${outcome}`], `answer ${count}`);
        await clock.advance(1_200_000);
      }
      assert.equal((await rows()).length, 1);
      await clock.advance(1_200_000);
      const last = ends(await push({}, errorIq(type, condition)));
      assert.deepEqual([last, (await rows()).length], isGone ? [['n unregistered'], 0] : [[`n ${outcome}`], 1]);
    });
  }

  it('5.51 is left alone after an outage, says so in the results, and is found again', async (t) => {
    const { iq, push, clock, stream } = await pushWorld(t);
    await iq(enable(theirs, 'n'));
    for (let count = 0; count < 8; count++) {
      await push({}, errorIq('cancel', 'remote-server-not-found'));
      await clock.advance(limits.serviceHoldMaxMs);
    }
    stream.sent.length = 0;
    const down = await push({}, errorIq('cancel', 'service-unavailable'));
    assert.equal(stream.sent.length, 1);
    const held = await push();
    assert.equal(stream.sent.length, 1, 'nothing is sent meanwhile');
    const [first] = down.kind === 'pushed' ? down.publishes : [];
    const [second] = held.kind === 'pushed' ? held.publishes : [];
    assert.deepEqual(first?.outcome.kind === 'unavailable' && [first.outcome.reached, first.outcome.reason], [
      'no',
      'service-unavailable',
    ]);
    assert.ok(second?.outcome.kind === 'unavailable' && second.outcome.retryAfterMs > 0, JSON.stringify(held));
    await clock.advance(second.outcome.retryAfterMs);
    assert.deepEqual(ends(await push()), ['n accepted']);
  });

  it('1.50 options that could never be published are refused; a row that has them costs no stream', async (t) => {
    const store = new MemoryEnabledStore(10);
    const { iq, push, rows, stream } = await pushWorld(t, {}, store);
    const long = Object.fromEntries(
      Array.from({ length: 16 }, (_, index) => [`o${index}`, 'x'.repeat(limits.fieldBytesMax)]),
    );
    assert.equal(
      await iq(enable(theirs, 'n', long)),
      notAcceptable('node and fields are too long together to be published'),
    );
    assert.deepEqual(await rows(), []);
    // As MongooseIM may have left it.
    const row = enabledRow('n', {
      service: bare(theirs),
      options: Object.entries(long),
      enabledAtMs: epochMs(Date.UTC(2026, 0, 1)),
    });
    await store.writeMany(put(row));
    const result = await push();
    const [end] = result.kind === 'pushed' ? result.publishes : [];
    assert.deepEqual(end?.outcome, { kind: 'rejected', reason: 'longer than a stanza may be' });
    assert.deepEqual([stream.sent, stream.recycled], [[], []]);
  });
});
