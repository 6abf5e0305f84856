import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { readMessage } from '../../../src/xmpp/message-codec.ts';
import { parseXml } from '../../parse-xml.ts';
import type { MessageContent } from '../../../src/xmpp/message-codec.ts';

function read(children: string, attributes = "type='chat'"): MessageContent {
  return of(`<message from='boris@example.org/desk' to='anna@example.com' ${attributes}>${children}</message>`);
}

function of(xml: string, namespace?: string): MessageContent {
  const message = readMessage(parseXml(xml, namespace));
  assert.ok(message.ok, message.ok ? '' : message.error);
  return message.value;
}

type Row = readonly [says: string, children: string, expected: Partial<MessageContent>];

const omemo = (namespace: string, inner: string): string => `<encrypted xmlns='${namespace}'>${inner}</encrypted>`;
const eme = "<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl'/>";
const axolotl = 'eu.siacs.conversations.axolotl';
const propose = (inner: string): string => `<propose xmlns='urn:xmpp:jingle-message:0' id='c1'>${inner}</propose>`;
const rtp = (media: string): string => `<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='${media}'/>`;
const delay = (stamp: string, from = ''): string => `<delay xmlns='urn:xmpp:delay' stamp='${stamp}'${from}/>`;
const reference = (uri: string): string => `<reference xmlns='urn:xmpp:reference:0' type='mention' uri='${uri}'/>`;

const rows: readonly Row[] = [
  ['mongooseim 2.7: no body', '', { bodyState: 'absent', body: '' }],
  ['mongooseim 2.7: an empty body', '<body/>', { bodyState: 'empty', body: '' }],
  ['mongooseim 2.7: white space is a body', '<body> </body>', { bodyState: 'non-empty', body: ' ' }],
  ['mongooseim 2.8: the first body counts', '<body>one</body><body xml:lang="de">eins</body>', { body: 'one' }],
  ['mongooseim 2.8: the first body counts, empty', '<body/><body>one</body>', { bodyState: 'empty', body: '' }],
  ['7.1: a body of another namespace is none', "<body xmlns='urn:x'>one</body>", { bodyState: 'absent' }],
  ['7.55: a subject', '<subject/>', { hasSubject: true, bodyState: 'absent' }],
  ['7.51: store', "<store xmlns='urn:xmpp:hints'/>", { hints: hints({ store: true }) }],
  ['7.51: no-store', "<no-store xmlns='urn:xmpp:hints'/>", { hints: hints({ noStore: true }) }],
  [
    '7.51: no-permanent-store and no-copy',
    "<no-permanent-store xmlns='urn:xmpp:hints'/><no-copy xmlns='urn:xmpp:hints'/>",
    { hints: hints({ noPermanentStore: true }) },
  ],
  ['7.51: a hint of another namespace', "<no-store xmlns='urn:x'/>", { hints: hints({}) }],
  ['7.52: OMEMO of 2016 with a payload', omemo(axolotl, '<payload/>'), { encryption: 'payload' }],
  ['7.52: OMEMO of 2016 with keys', omemo(axolotl, '<header/>'), { encryption: 'keys' }],
  ['7.52: OMEMO with keys, and marked', eme + omemo(axolotl, '<header/>'), { encryption: 'keys' }],
  ['7.52: OMEMO 1', omemo('urn:xmpp:omemo:1', '<payload/>'), { encryption: 'payload' }],
  ['7.52: OMEMO 2, keys', omemo('urn:xmpp:omemo:2', '<header/>'), { encryption: 'keys' }],
  ['7.52: not OMEMO', omemo('urn:xmpp:omemo:x', '<payload/>'), { encryption: 'none' }],
  ['7.52: OpenPGP of old', "<x xmlns='jabber:x:encrypted'>aa</x>", { encryption: 'payload' }],
  ['7.52: OpenPGP', "<openpgp xmlns='urn:xmpp:openpgp:0'>aa</openpgp>", { encryption: 'payload' }],
  ['7.52: a mark alone', eme, { encryption: 'payload' }],
  ['7.52: a mark that names nothing', "<encryption xmlns='urn:xmpp:eme:0'/>", { encryption: 'none' }],
  ['7.54: a call', propose(rtp('audio')), { jingle: 'propose', jingleId: 'c1', media: 'audio' }],
  ['7.54: a video call', propose(rtp('video') + rtp('audio')), { media: 'video' }],
  ['7.54: a video call, the other way round', propose(rtp('audio') + rtp('video')), { media: 'video' }],
  ['7.54: a call without sound', propose(''), { jingle: 'propose', jingleId: 'c1', media: '' }],
  ['7.54: a call without an id', "<retract xmlns='urn:xmpp:jingle-message:0'/>", { jingle: 'retract', jingleId: '' }],
  ['7.21: XEP-0249', "<x xmlns='jabber:x:conference' jid='r@example.com'/>", { isInvitation: true }],
  ['7.21: mediated', muc('<invite/>'), { isInvitation: true }],
  ['7.21: a declined invitation is none', muc('<decline/>'), { isInvitation: false }],
  ['7.22: XEP-0308', "<replace xmlns='urn:xmpp:message-correct:0' id='m'/>", { isAmendment: true }],
  ['7.22: XEP-0424, version 0', "<retract xmlns='urn:xmpp:message-retract:0'/>", { isAmendment: true }],
  ['7.22: XEP-0424, version 1', "<retract xmlns='urn:xmpp:message-retract:1'/>", { isAmendment: true }],
  [
    '7.22: XEP-0424, fastened',
    "<apply-to xmlns='urn:xmpp:fasten:0'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>",
    { isAmendment: true },
  ],
  ['7.22: fastened, but no retraction', "<apply-to xmlns='urn:xmpp:fasten:0'><x/></apply-to>", { isAmendment: false }],
  ['7.22: XEP-0444', "<reactions xmlns='urn:xmpp:reactions:0' id='m'/>", { isAmendment: true }],
  ['7.53: a receipt', "<received xmlns='urn:xmpp:receipts' id='m'/>", { isSignal: true }],
  ['7.53: the wish for a receipt is none', "<request xmlns='urn:xmpp:receipts'/>", { isSignal: false }],
  ['7.53: a marker', "<acknowledged xmlns='urn:xmpp:chat-markers:0' id='m'/>", { isSignal: true }],
  ['7.53: the wish for a marker is none', "<markable xmlns='urn:xmpp:chat-markers:0'/>", { isSignal: false }],
  ['7.53: a chat state', "<gone xmlns='http://jabber.org/protocol/chatstates'/>", { isSignal: true }],
  ['7.55: a mention', reference('xmpp:Anna@Example.com'), { mentions: ['anna@example.com'] }],
  [
    '7.55: an occupant',
    reference('xmpp:tea@rooms.example.com/An%20na?x'),
    { mentions: ['tea@rooms.example.com/An na'] },
  ],
  ['7.55: a reference to data', reference('xmpp:a@b').replace('mention', 'data'), { mentions: [] }],
  ['7.55: malformed references', reference('xmpp:%zz') + reference('http://x') + reference('xmpp:'), { mentions: [] }],
  [
    '7.55: a reply',
    "<reply xmlns='urn:xmpp:reply:0' to='anna@example.com/x' id='m'/>",
    { mentions: ['anna@example.com/x'] },
  ],
  ['7.56: a delay', delay('2026-01-02T03:04:05.678Z'), { delayedAtMs: at('2026-01-02T03:04:05.678Z') }],
  ['7.56: in another zone', delay('2026-01-02T03:04:05+02:00'), { delayedAtMs: at('2026-01-02T01:04:05Z') }],
  [
    '7.56: the oldest of several',
    delay('2026-01-02T00:00:00Z') + delay('2026-01-01T00:00:00Z') + delay('2026-01-03T00:00:00Z'),
    { delayedAtMs: at('2026-01-01T00:00:00Z') },
  ],
  ['7.56: no stamp of XEP-0082', delay('yesterday') + delay('2026-13-41T99:00:00Z'), { delayedAtMs: at('1970-01-01') }],
];

function hints(over: Partial<MessageContent['hints']>): MessageContent['hints'] {
  return { store: false, noStore: false, noPermanentStore: false, ...over };
}

function muc(inner: string): string {
  return `<x xmlns='http://jabber.org/protocol/muc#user'>${inner}</x>`;
}

function at(stamp: string): MessageContent['delayedAtMs'] {
  return Date.parse(stamp) as MessageContent['delayedAtMs'];
}

const inner = (from: string): string =>
  `<message xmlns='jabber:client' from='${from}' to='c@example.org' type='chat' id='in'><body>hi</body></message>`;

function carbon(kind: string, attributes: string, message = inner('boris@example.org/desk')): MessageContent {
  const forwarded = `<forwarded xmlns='urn:xmpp:forward:0'>${delay('2026-01-01T00:00:00Z')}${message}</forwarded>`;
  return of(`<message ${attributes}><${kind} xmlns='urn:xmpp:carbons:2'>${forwarded}</${kind}></message>`);
}

function roomEvent(node: string, from: string): MessageContent {
  const message = inner('tea@rooms.example.com/boris').replace("type='chat'", "type='groupchat'");
  return of(
    `<message from='${from}' to='anna@example.com/phone'><event xmlns='http://jabber.org/protocol/pubsub#event'>` +
      `<items node='${node}'><item id='1'>${message}</item></items></event></message>`,
  );
}

describe('message codec', () => {
  for (const [says, children, expected] of rows) {
    it(says, () => {
      const content = read(children);
      for (const [field, value] of Object.entries(expected)) {
        assert.deepEqual(content[field as keyof MessageContent], value, field);
      }
    });
  }

  it('mongooseim 1: no type is normal, and so is one that nobody knows', () => {
    assert.equal(read('', '').type, 'normal');
    assert.equal(read('', "type='loud'").type, 'normal');
    for (const type of ['chat', 'groupchat', 'headline', 'normal', 'error'])
      assert.equal(read('', `type='${type}'`).type, type);
  });

  it('7.51: hints inside an error are not there', () => {
    assert.deepEqual(read("<store xmlns='urn:xmpp:hints'/>", "type='error'").hints, hints({}));
  });

  it('7.56: the id is the stanza id, else the origin id, else the one of the stanza', () => {
    const stanzaId = "<stanza-id xmlns='urn:xmpp:sid:0' by='example.com' id='s1'/>";
    const originId = "<origin-id xmlns='urn:xmpp:sid:0' id='o1'/>";
    assert.equal(read(originId + stanzaId, "id='i1'").id, 's1');
    assert.equal(read(originId, "id='i1'").id, 'o1');
    assert.equal(read('', "id='i1'").id, 'i1');
    assert.equal(read('').id, '');
    assert.equal(read('', `id='${'i'.repeat(limits.messageIdBytesMax + 1)}'`).id, '');
  });

  it('8.22: a body is cut at a whole character', () => {
    const { body } = read(`<body>${'é'.repeat(limits.bodyBytesMax)}</body>`);
    assert.equal(body, 'é'.repeat(limits.bodyBytesMax / 2));
    assert.equal(read(`<body>a${'🍵'.repeat(2_000)}</body>`).body, `a${'🍵'.repeat(1_023)}`);
  });

  it('7.55: mentions past the limit are not looked at', () => {
    const many = Array.from({ length: limits.mentionsMax + 10 }, (_, index) => reference(`xmpp:u${index}@example.com`));
    assert.equal(read(many.join('')).mentions.length, limits.mentionsMax);
  });

  it('takes the language of the body, else of the message', () => {
    assert.equal(read("<body xml:lang='de'>x</body>", "xml:lang='en'").language, 'de');
    assert.equal(read('<body>x</body>', "xml:lang='en-GB'").language, 'en-GB');
    assert.equal(read('', "xml:lang='en'").language, '');
    assert.equal(read("<body xml:lang='no language'>x</body>").language, '');
  });

  it('7.55: in a groupchat only the stamp of the room counts', () => {
    const groupchat = (children: string): number =>
      of(`<message from='tea@rooms.example.com/boris' to='anna@example.com/x' type='groupchat'>${children}</message>`)
        .delayedAtMs;
    const stamp = '2026-01-01T00:00:00Z';
    assert.equal(groupchat(delay(stamp, " from='tea@rooms.example.com'")), at(stamp));
    assert.equal(groupchat(delay(stamp, " from='tea@rooms.example.com/boris'")), at(stamp));
    assert.equal(groupchat(delay(stamp)), at(stamp));
    assert.equal(groupchat(delay(stamp, " from='example.com'")), 0);
  });

  it('7.50: a carbon is opened, if it comes from the own account', () => {
    const own = "from='anna@example.com' to='anna@example.com/phone' type='chat'";
    const received = carbon('received', own);
    assert.deepEqual([received.carbon, received.body, received.from], ['received', 'hi', 'boris@example.org/desk']);
    assert.deepEqual([received.to, received.id], ['anna@example.com/phone', 'in']);
    assert.equal(carbon('sent', own, inner('anna@example.com/desk')).carbon, 'sent');
    assert.equal(carbon('received', "to='anna@example.com/phone'").carbon, 'received');
    const forged = carbon('received', "from='eve@example.com' to='anna@example.com/phone'");
    assert.deepEqual([forged.carbon, forged.bodyState, forged.from], ['none', 'absent', 'eve@example.com']);
    assert.equal(carbon('received', own, '').carbon, 'none');
  });

  it('7.50: the event of a room is opened, if it comes from that room', () => {
    const opened = roomEvent('urn:xmpp:mucsub:nodes:messages', 'tea@rooms.example.com');
    assert.deepEqual([opened.type, opened.body, opened.from], ['groupchat', 'hi', 'tea@rooms.example.com/boris']);
    assert.equal(roomEvent('urn:xmpp:mucsub:nodes:messages', 'eve@example.com').bodyState, 'absent');
    assert.equal(roomEvent('http://jabber.org/protocol/tune', 'tea@rooms.example.com').bodyState, 'absent');
  });

  it('7.50: what one user forwards to another stays closed', () => {
    const content = read(
      `<forwarded xmlns='urn:xmpp:forward:0'>${inner('eve@example.com')}</forwarded><body>look</body>`,
    );
    assert.deepEqual([content.body, content.from], ['look', 'boris@example.org/desk']);
  });

  it('8.12: prefixes do not matter, and every namespace that a message may come in is read', () => {
    const prefixed = "<c:message xmlns:c='jabber:client' type='chat'><c:body>hi</c:body></c:message>";
    assert.equal(of(prefixed).body, 'hi');
    for (const namespace of ['jabber:client', 'jabber:component:accept', 'jabber:server']) {
      assert.equal(of('<message><body>hi</body></message>', namespace).body, 'hi');
    }
    const other = readMessage(parseXml("<message xmlns='urn:x'/>"));
    assert.deepEqual(other, { ok: false, error: '<message/> is not a message' });
  });
});
