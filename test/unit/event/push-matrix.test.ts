/** Stanza in, verdict out: the matrix of xmpp 7.A and 7.B, each row by the three behaviours that differ there. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../../../src/core/ids.ts';
import { pushDecider } from '../../../src/event/decide-push.ts';
import { eventOf } from '../../../src/event/event-input.ts';
import { pushConfig } from '../../message-events.ts';
import type { MessageInput } from '../../../src/event/event-input.ts';
import type { UserStatus } from '../../../src/event/verdicts.ts';

const behaviours = ['meerkat', 'default', 'hints'] as const;

const body = '<body>Where are you?</body>';
const fallback = '<body>I sent you an OMEMO encrypted message but your client does not seem to support that.</body>';
const hint = (name: string): string => `<${name} xmlns='urn:xmpp:hints'/>`;
const store = hint('store');
const state = "<composing xmlns='http://jabber.org/protocol/chatstates'/>";
const receipt = "<received xmlns='urn:xmpp:receipts' id='m1'/>";
const marker = "<displayed xmlns='urn:xmpp:chat-markers:0' id='m1'/>";
const omemo = (payload: string): string =>
  `<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/>${payload}</encrypted>`;
const payload = '<payload>bb</payload>';
const jingle = (name: string): string => `<${name} xmlns='urn:xmpp:jingle-message:0' id='call-1'/>`;
const direct = "<x xmlns='jabber:x:conference' jid='tea@rooms.example.com'/>";
const mediated = "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='boris@example.org/desk'/></x>";
const correction = "<replace xmlns='urn:xmpp:message-correct:0' id='m1'/>";
const retraction = "<retract xmlns='urn:xmpp:message-retract:1' id='m1'/>";
const reaction = "<reactions xmlns='urn:xmpp:reactions:0' id='m1'><reaction>👍</reaction></reactions>";
const pep =
  "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:nick'><item/></items></event>";

interface Row {
  readonly says: string;
  /** Children of the message. */
  readonly xml: string;
  readonly type?: string;
  readonly beside?: Partial<MessageInput>;
  readonly status?: UserStatus;
  /** Of meerkat, default and hints: `-` for no push; the kind, with the audience if it is not `all`. */
  readonly verdicts: readonly [string, string, string];
}

const pushed: Row['verdicts'] = ['message', 'message', 'message'];
const nothing: Row['verdicts'] = ['-', '-', '-'];
const session = { kind: 'unacknowledged', to: 'anna@example.com/phone' } as const;
const partly = { status: 'partly' } as const;
const copied = (kind: string, from: string): string =>
  `<${kind} xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>` +
  `<message xmlns='jabber:client' from='${from}' to='boris@example.org' type='chat'>${body}</message>` +
  `</forwarded></${kind}>`;

const offline: readonly Row[] = [
  { says: '7.1: body', xml: body, verdicts: pushed },
  { says: '7.2: OMEMO with fallback body and store', xml: omemo(payload) + fallback + store, verdicts: pushed },
  { says: '7.3: OMEMO payload, no body, store', xml: omemo(payload) + store, verdicts: ['message', '-', '-'] },
  { says: '7.4: OMEMO key transport, store', xml: omemo('') + store, verdicts: nothing },
  { says: '7.5: chat state', xml: state, verdicts: nothing },
  { says: '7.6: chat state and no-store', xml: state + hint('no-store'), verdicts: nothing },
  { says: '7.7: receipt', xml: receipt, verdicts: nothing },
  { says: '7.8: receipt and store', xml: receipt + store, verdicts: nothing },
  { says: '7.9: displayed marker and store', xml: marker + store, verdicts: nothing },
  { says: '7.10: propose and store', xml: jingle('propose') + store, verdicts: ['call', '-', 'call'] },
  ...['retract', 'reject', 'accept', 'proceed', 'finish'].map((name) => ({
    says: `7.11: ${name} and store`,
    xml: jingle(name) + store,
    verdicts: ['call-end silent', '-', 'call-end silent'] as const,
  })),
  { says: '7.12: headline with a body', xml: body, type: 'headline', verdicts: nothing },
  { says: '7.13: normal with a body', xml: body, type: 'normal', verdicts: ['message', '-', '-'] },
  { says: '7.13: no type, with a body', xml: body, type: '', verdicts: ['message', '-', '-'] },
  {
    says: '7.14: body and no-store, kept nowhere',
    xml: body + hint('no-store'),
    beside: { isStored: false },
    verdicts: ['-', 'message', '-'],
  },
  {
    says: '7.14: body and no-store, kept all the same',
    xml: body + hint('no-store'),
    beside: { isStored: true },
    verdicts: ['message', 'message', '-'],
  },
  {
    says: '7.15: body and no-permanent-store, kept offline',
    xml: body + hint('no-permanent-store'),
    beside: { isStored: true },
    verdicts: pushed,
  },
  { says: '7.16: empty body', xml: '<body/>', verdicts: nothing },
  {
    says: '7.17: groupchat to the bare JID',
    xml: body,
    type: 'groupchat',
    beside: { roomKind: 'private' },
    verdicts: ['group', 'group', 'group'],
  },
  {
    says: '7.17: groupchat of a public room without a mention',
    xml: body,
    type: 'groupchat',
    beside: { roomKind: 'public' },
    verdicts: nothing,
  },
  { says: '7.20: error', xml: `${body}<error type='cancel'/>`, type: 'error', verdicts: nothing },
  { says: '7.21: direct invitation', xml: direct, verdicts: ['invitation', '-', '-'] },
  { says: '7.21: mediated invitation', xml: mediated, type: 'normal', verdicts: ['invitation', '-', '-'] },
  { says: '7.22: correction', xml: body + correction, verdicts: ['message silent', 'message', 'message'] },
  { says: '7.22: retraction', xml: retraction + store, verdicts: ['message silent', '-', '-'] },
  { says: '7.22: reaction', xml: reaction + store, verdicts: ['message silent', '-', '-'] },
  { says: '7.23: PEP headline', xml: pep, type: 'headline', verdicts: nothing },
];

const connected: readonly Row[] = [
  { says: '7.30: another client online, body', xml: body, ...partly, verdicts: ['message absent', '-', '-'] },
  { says: '7.31: another client online, chat state', xml: state, ...partly, verdicts: nothing },
  {
    says: '7.32: another client online, propose',
    xml: jingle('propose') + store,
    ...partly,
    verdicts: ['call absent', '-', '-'],
  },
  {
    says: '7.33: own message from the other client',
    xml: body,
    beside: { direction: 'in' },
    ...partly,
    verdicts: nothing,
  },
  {
    says: '7.34: into a hibernating session',
    xml: body,
    beside: session,
    verdicts: ['message session', '-', 'message session'],
  },
  { says: '7.34: a chat state into a hibernating session', xml: state, beside: session, verdicts: nothing },
  {
    says: '7.35: unacknowledged when the connection died',
    xml: body,
    beside: session,
    status: 'online',
    verdicts: ['message session', '-', 'message session'],
  },
  { says: '7.36: connected, acknowledges late', xml: body, status: 'online', verdicts: nothing },
  {
    says: '7.37: CSI inactive, connected',
    xml: body,
    beside: { clientState: 'inactive' },
    status: 'online',
    verdicts: nothing,
  },
  { says: '7.38: a chat state that CSI held back', xml: state, beside: session, verdicts: nothing },
  {
    says: '7.39: a received carbon in the queue',
    xml: copied('received', 'boris@example.org/desk'),
    beside: session,
    verdicts: ['message session', '-', '-'],
  },
  {
    says: '7.39: a sent carbon in the queue',
    xml: copied('sent', 'anna@example.com/desk'),
    beside: session,
    verdicts: nothing,
  },
  { says: '7.40: negative priorities only', xml: body, beside: { userStatus: 'offline' }, verdicts: pushed },
];

function verdictsOf({ xml, type = 'chat', beside = {}, status = 'offline' }: Row): readonly string[] {
  const from = type === 'groupchat' ? 'tea@rooms.example.com/boris' : xml.includes('carbons') ? 'anna@example.com' : '';
  const stanza =
    `<message from='${from === '' ? 'boris@example.org/desk' : from}' to='anna@example.com'` +
    `${type === '' ? '' : ` type='${type}'`}>${xml}</message>`;
  const event = eventOf({ stanza, ...beside });
  assert.ok(event.ok && event.value.kind !== 'status', event.ok ? '' : event.error);
  const { value } = event;
  return behaviours.map((behaviour) => {
    const verdict = pushDecider(pushConfig({ behaviour }), () => status)(value, epochMs(0));
    if (!verdict.push) return '-';
    const audience = verdict.audience === 'all' ? '' : ` ${verdict.audience}`;
    return `${verdict.kind}${audience}${verdict.isSilent ? ' silent' : ''}`;
  });
}

describe('which messages push', () => {
  for (const row of [...offline, ...connected]) {
    it(`${row.says}: ${row.verdicts.join(', ')}`, () => assert.deepEqual(verdictsOf(row), row.verdicts));
  }

  for (const [row, stanza] of [
    ['7.18', "<presence type='subscribe' from='boris@example.org' to='anna@example.com'/>"],
    ['7.19', "<iq type='set' id='j' from='boris@example.org/desk' to='anna@example.com/phone'/>"],
  ] as const) {
    it(`${row}: neither presence nor IQ is an event about a message`, () => {
      const event = eventOf({ stanza });
      assert.ok(!event.ok && event.error.endsWith('is not a message'));
    });
  }

  it('7.53: receipts, markers and chat states never alert, with any hint', () => {
    for (const sign of [state, receipt, marker]) {
      for (const hints of [
        '',
        store,
        hint('no-store'),
        hint('no-permanent-store'),
        hint('no-copy'),
        store + hint('no-copy'),
      ]) {
        assert.deepEqual(verdictsOf({ says: '', xml: sign + hints, verdicts: nothing }), nothing);
      }
    }
  });

  it('7.51: hints inside an error are ignored, and the error pushes nothing', () => {
    assert.deepEqual(verdictsOf({ says: '', xml: body + store, type: 'error', verdicts: nothing }), nothing);
  });

  it('7.55: a subject of a room pushes nothing', () => {
    const xml = '<subject>Tea at five</subject>';
    assert.deepEqual(verdictsOf({ says: '', xml, type: 'groupchat', verdicts: nothing }), nothing);
  });
});
