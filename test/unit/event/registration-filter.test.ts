import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noPreferences } from '../../../src/core/enabled.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { PresenceTable } from '../../../src/event/presence-table.ts';
import { isFromPushService, registrationFilter } from '../../../src/event/registration-filter.ts';
import { message } from '../../message-events.ts';
import { bare, full, node } from '../../registration-rows.ts';
import type { EnabledRegistration, PushPreferences } from '../../../src/core/enabled.ts';
import type { MessageEvent } from '../../../src/core/event.ts';
import type { PositiveVerdict } from '../../../src/event/verdicts.ts';

const audienceAll: PositiveVerdict = {
  push: true,
  kind: 'message',
  content: 'message',
  audience: 'all',
  isSilent: false,
};

function row(over: Partial<EnabledRegistration> = {}): EnabledRegistration {
  return {
    owner: bare('anna@example.com'),
    service: bare('push.example.net'),
    node: node('yxs32'),
    options: [],
    session: 'phone',
    preferences: noPreferences,
    enabledAtMs: epochMs(0),
    ...over,
  };
}

const wishing = (over: Partial<PushPreferences>): Pick<EnabledRegistration, 'preferences'> => ({
  preferences: { ...noPreferences, ...over },
});

/** @param online `resource` or `resource/show` of the sessions of anna that are online. */
function refusal(
  event: Partial<MessageEvent>,
  verdict: Partial<PositiveVerdict>,
  over: Partial<EnabledRegistration>,
  online: readonly string[] = [],
): string {
  const presence = new PresenceTable();
  for (const session of online) {
    const [resource, show = ''] = session.split('/');
    const jid = full(`anna@example.com/${resource ?? ''}`);
    presence.note({ kind: 'status', jid, status: 'online', clientState: 'unknown', show });
  }
  return registrationFilter(presence)(message(event), { ...audienceAll, ...verdict }, row(over));
}

const fromRoom = { type: 'groupchat', from: full('tea@rooms.example.com/boris') } as const;
const tea = bare('tea@rooms.example.com');

describe('which registrations are pushed', () => {
  it('2.7: all of them, when the user is offline', () => {
    assert.equal(refusal({}, {}, {}), '');
    assert.equal(refusal({}, {}, { session: '' }), '');
  });

  it('mongooseim 2.13: with the audience `session` that in the slot of the session only', () => {
    const other = 'not the registration of that session';
    const verdict = { audience: 'session' } as const;
    const phone = { to: full('anna@example.com/phone') };
    assert.equal(refusal(phone, verdict, {}), '');
    assert.equal(refusal(phone, verdict, { session: 'tablet' }), other);
    assert.equal(refusal(phone, verdict, { session: '' }), other);
    assert.equal(refusal({ to: full('eve@example.com/phone') }, verdict, {}), other);
    assert.equal(refusal({ to: full('anna@example.com') }, verdict, { session: '' }), other);
  });

  it('7.30, 7.57: with the audience `absent` those whose sessions are not online', () => {
    const verdict = { audience: 'absent' } as const;
    assert.equal(refusal({}, verdict, {}, ['desk']), '');
    assert.equal(refusal({}, verdict, {}, ['desk', 'phone']), 'its session is online');
    const unknown = 'the user is online, and the session of this registration is not known';
    assert.equal(refusal({}, verdict, { session: '' }, ['desk']), unknown);
    assert.equal(refusal({}, verdict, {}), 'the user is online');
  });

  it('7.32: a call rings where it is not known who is online', () => {
    for (const kind of ['call', 'call-end'] as const) {
      const verdict = { audience: 'absent', kind } as const;
      assert.equal(refusal({}, verdict, {}), '');
      assert.equal(refusal({}, verdict, { session: '' }, ['desk']), '');
      assert.equal(refusal({}, verdict, {}, ['phone']), 'its session is online');
    }
  });

  it('5.50: away: sessions that are away do not hold a push back', () => {
    const verdict = { audience: 'absent' } as const;
    assert.equal(refusal({}, verdict, wishing({ away: true }), ['phone/away', 'desk/xa']), '');
    assert.equal(refusal({}, verdict, wishing({ away: true }), ['phone/away', 'desk/dnd']), 'its session is online');
    assert.equal(refusal({}, verdict, wishing({}), ['phone/away']), 'its session is online');
  });

  it('5.50: muted: a conversation by its bare JID, rooms included', () => {
    const reason = 'the client has muted the conversation';
    assert.equal(refusal({}, {}, wishing({ muted: [tea, bare('boris@example.org')] })), reason);
    assert.equal(refusal(fromRoom, {}, wishing({ muted: [tea] })), reason);
    assert.equal(refusal({}, {}, wishing({ muted: [tea] })), '');
  });

  it('5.50: ignore-unknown: only where the event says that the sender is not in the roster', () => {
    const wish = wishing({ ignoreUnknown: true });
    assert.equal(refusal({ isKnownSender: 'no' }, {}, wish), 'the client ignores unknown senders');
    assert.equal(refusal({ isKnownSender: 'unknown' }, {}, wish), '');
    assert.equal(refusal({ isKnownSender: 'yes' }, {}, wish), '');
    assert.equal(refusal({ isKnownSender: 'no' }, {}, {}), '');
    assert.equal(refusal({ ...fromRoom, isKnownSender: 'no' }, {}, wish), '');
  });

  it('5.50: groupchat: always, mentioned or never, by the nick the client says', () => {
    const wish = (allow: 'always' | 'mentioned' | 'never', nick = ''): Pick<EnabledRegistration, 'preferences'> =>
      wishing({
        rooms: [
          { room: bare('other@rooms.example.com'), allow: 'never', nick: '' },
          { room: tea, allow, nick },
        ],
      });
    assert.equal(refusal(fromRoom, {}, wish('always')), '');
    assert.equal(refusal(fromRoom, {}, wish('never')), 'the client wants nothing of this room');
    assert.equal(refusal(fromRoom, {}, wish('mentioned')), 'the client wants mentions only');
    assert.equal(refusal({ ...fromRoom, body: 'annie?' }, {}, wish('mentioned', 'annie')), '');
    assert.equal(refusal({ ...fromRoom, body: 'annie?', nick: 'annie' }, {}, wish('mentioned')), '');
    assert.equal(refusal({ ...fromRoom, isMentioned: 'yes' }, {}, wish('mentioned')), '');
    assert.equal(refusal({ from: full('tea@rooms.example.com/boris') }, {}, wish('never')), '');
  });

  it('5.53: never the push service that the message comes from', () => {
    const reason = 'comes from the push service itself';
    assert.equal(refusal({ from: full('push.example.net') }, {}, {}), reason);
    assert.equal(refusal({ from: full('push.example.net/bot') }, {}, {}), reason);
    assert.equal(refusal({ from: full('boris@push.example.net') }, {}, {}), '');
  });

  it('5.53: nor any other of the user, so that two cannot play ball', () => {
    const rows = [row(), row({ service: bare('pubsub@other.example') })];
    assert.equal(isFromPushService(message({ from: full('pubsub@other.example/x') }), rows), true);
    assert.equal(isFromPushService(message(), rows), false);
  });
});
