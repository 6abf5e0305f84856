import { test } from 'node:test';
import assert from 'node:assert/strict';
import { device } from '../../registration-rows.ts';
import { options } from '../../registration-commands.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { emptySummary } from '../../../src/core/notification.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { buildNotification } from '../../../src/notification/build-notification.ts';
import { Templates } from '../../../src/notification/templates.ts';
import type { NotificationRules } from '../../../src/notification/build-notification.ts';
import type { PublishOptions } from '../../../src/xmpp/publish-options.ts';
import type { Notification, Summary } from '../../../src/core/notification.ts';
import type { TemplateConfig } from '../../../config/engine-config.ts';

const nowMs = epochMs(1_770_000_000_000);
const defaults: NotificationRules = {
  content: 'none',
  title: 'Chat',
  body: 'You have a new message',
  emptyPriority: 'alert',
  badge: true,
  sound: 'default',
  timeToLiveSeconds: 3_600,
};

interface Setup {
  readonly summary?: Partial<Summary>;
  readonly options?: Partial<PublishOptions>;
  readonly rules?: Partial<NotificationRules>;
  readonly isCarried?: boolean;
  readonly app?: string;
  readonly templates?: readonly TemplateConfig[];
  readonly device?: Partial<typeof device>;
}

function build(setup: Setup = {}): Notification {
  return buildNotification({
    node: 'phone',
    isCarried: setup.isCarried ?? false,
    app: setup.app ?? '',
    device: { ...device, ...setup.device },
    summary: { ...emptySummary, ...setup.summary },
    options: options(setup.options ?? {}),
    rules: { ...defaults, ...setup.rules },
    templates: setup.templates === undefined ? undefined : new Templates(setup.templates),
    random: seededRandom(1),
    nowMs,
  });
}

const message: Partial<Summary> = {
  lastMessageBody: 'Wherefore art thou',
  lastMessageSender: 'juliet@capulet.example/balcony',
  messageCount: 3,
};

test('5.27 with content none no byte of body or sender gets out, whatever the kind', () => {
  const kinds: readonly Setup[] = [
    {},
    { options: { silent: 'true' } },
    { summary: { jingleMessage: 'propose', jingleSessionId: 's1' } },
    { summary: { jingleMessage: 'propose', jingleSessionId: 's1' }, device: { voipToken: 'v' } },
    { summary: { encrypted: 'b64', encryptedIv: 'iv' } },
    { summary: { priority: 'low' } },
    { isCarried: true },
  ];
  for (const one of kinds) {
    const text = JSON.stringify(build({ ...one, summary: { ...message, ...one.summary } }));
    for (const secret of ['Wherefore', 'juliet', 'capulet', 'balcony']) assert.ok(!text.includes(secret), text);
  }
});

test('5.27 the generic text is the same for every sender, collapse id included', () => {
  const one = build({ summary: message });
  const other = build({ summary: { ...message, lastMessageSender: 'romeo@montague.example', lastMessageBody: 'x' } });
  assert.deepEqual(one, other);
  assert.deepEqual([one.title, one.body, one.thread], ['Chat', 'You have a new message', '']);
});

test('5.27 with content sender the sender is shown, by its bare JID, and the body is not', () => {
  const sent = build({ summary: message, rules: { content: 'sender' } });
  assert.deepEqual([sent.title, sent.body], ['juliet@capulet.example', 'You have a new message']);
  assert.equal(sent.thread, 'juliet@capulet.example');
});

test('5.27 with content full both are shown, and what is missing is replaced', () => {
  const sent = build({ summary: message, rules: { content: 'full' } });
  assert.deepEqual([sent.title, sent.body], ['juliet@capulet.example', 'Wherefore art thou']);
  const bodyOnly = build({ summary: { lastMessageBody: 'Hi' }, rules: { content: 'full' } });
  assert.deepEqual([bodyOnly.title, bodyOnly.body], ['Chat', 'Hi']);
});

test('mongooseim 4.3 for a travelling device the title is the sender as it came', () => {
  const summary = { ...message, lastMessageSender: 'room@muc.example/Juliet' };
  const sent = build({ summary, rules: { content: 'full' }, isCarried: true });
  assert.deepEqual([sent.title, sent.thread], ['room@muc.example/Juliet', 'room@muc.example']);
});

test('mongooseim 4.3, 2.8 on a travelling Android phone two people of a room do not replace each other', () => {
  const thread = (lastMessageSender: string, isCarried = true): string =>
    build({
      summary: { ...message, lastMessageSender },
      rules: { content: 'full' },
      isCarried,
      device: { service: 'fcm' },
    }).thread;
  assert.equal(thread('room@muc.example/Juliet'), 'room@muc.example/Juliet');
  assert.equal(thread('juliet@capulet.example'), 'juliet@capulet.example');
  assert.equal(thread('juliet@capulet.example/phone', false), 'juliet@capulet.example');
});

test('5.23 a body makes an alert of high priority; without one the configuration decides', () => {
  const words = (one: Notification): string => `${one.kind} ${one.priority}`;
  assert.equal(words(build({ summary: message })), 'alert high');
  assert.equal(words(build({ rules: { emptyPriority: 'alert' } })), 'alert high');
  assert.equal(words(build({ rules: { emptyPriority: 'silent' } })), 'silent normal');
  assert.equal(words(build({ summary: { messageCount: 3 }, rules: { emptyPriority: 'silent' } })), 'silent normal');
});

test('5.24 and 5.26 a publish without a body shows no text, and wakes an Android phone at once', () => {
  const rules = { emptyPriority: 'silent', content: 'full' } as const;
  const sender = { lastMessageSender: 'juliet@capulet.example' };
  for (const service of ['apns', 'fcm'] as const) {
    const sent = build({ summary: sender, rules, device: { service } });
    assert.deepEqual([sent.kind, sent.title, sent.body, sent.sound, sent.badge], ['silent', '', '', '', -1]);
    assert.equal(sent.priority, service === 'fcm' ? 'high' : 'normal');
  }
  const quiet = { rules, device: { service: 'fcm' } } as const;
  assert.equal(build({ ...quiet, summary: { priority: 'low' } }).priority, 'normal');
  assert.equal(build({ ...quiet, options: { silent: 'true' } }).priority, 'normal');
});

test('5.23 the priority tag wins over body and configuration', () => {
  assert.equal(build({ summary: { ...message, priority: 'low' } }).kind, 'silent');
  assert.equal(build({ summary: { priority: 'high' }, rules: { emptyPriority: 'silent' } }).kind, 'alert');
});

test('mongooseim 4.3 the priority option is taken as it is, anything else in it is not', () => {
  assert.equal(build({ summary: message, options: { priority: 'normal' } }).priority, 'normal');
  assert.equal(build({ options: { priority: 'high', silent: 'true' } }).priority, 'high');
  assert.equal(build({ summary: message, options: { priority: 'urgent' } }).priority, 'high');
});

test('mongooseim 4.3 silent is exactly true, and carries the form as the content policy allows', () => {
  const silent = (content: NotificationRules['content']): Notification =>
    build({ summary: message, options: { silent: 'true' }, rules: { content } });
  assert.deepEqual(silent('full').data, {
    'message-count': '3',
    'last-message-sender': 'juliet@capulet.example/balcony',
    'last-message-body': 'Wherefore art thou',
  });
  assert.deepEqual(silent('sender').data, {
    'message-count': '3',
    'last-message-sender': 'juliet@capulet.example/balcony',
  });
  assert.deepEqual(silent('none').data, { 'message-count': '3' });
  const { title, body, sound, badge, category } = silent('full');
  assert.deepEqual([title, body, sound, badge, category], ['', '', '', -1, '']);
  for (const word of ['True', '1', 'yes', '']) {
    assert.equal(build({ summary: message, options: { silent: word } }).kind, 'alert', word);
  }
});

test('an alert carries no data', () => {
  assert.deepEqual(build({ summary: message, rules: { content: 'full' } }).data, {});
});

test('5.24 a proposed call rings on the token for calls, and is over in a minute', () => {
  const sent = build({
    summary: { jingleMessage: 'propose', jingleSessionId: 's1', lastMessageSender: 'juliet@capulet.example' },
    device: { voipToken: 'v'.repeat(64) },
    rules: { content: 'sender' },
  });
  assert.deepEqual([sent.kind, sent.priority, sent.token], ['call', 'high', 'v'.repeat(64)]);
  assert.equal(sent.expiresAtMs, nowMs + limits.callLifeMs);
  assert.deepEqual(sent.data, {
    'last-message-sender': 'juliet@capulet.example',
    'jingle-message': 'propose',
    'jingle-session-id': 's1',
  });
});

test('5.24 an iPhone without a token for calls is told by an alert, an Android phone by a call', () => {
  const summary: Partial<Summary> = { jingleMessage: 'propose', jingleSessionId: 's1' };
  const iphone = build({ summary });
  assert.deepEqual([iphone.kind, iphone.priority, iphone.token], ['alert', 'high', device.token]);
  const android = build({ summary, device: { service: 'fcm', token: 'fcm token' } });
  assert.deepEqual([android.kind, android.token], ['call', 'fcm token']);
});

test('5.24 the end of a call reaches the phone in silence, at once, and replaces its beginning', () => {
  const of = (jingleMessage: string, jingleSessionId: string): Notification =>
    build({ summary: { jingleMessage, jingleSessionId }, device: { voipToken: 'v' } });
  const end = of('retract', 's1');
  assert.deepEqual([end.kind, end.priority, end.token], ['silent', 'high', device.token]);
  assert.equal(end.collapseId, of('propose', 's1').collapseId);
  assert.notEqual(end.collapseId, of('propose', 's2').collapseId);
});

test('7.54 a call is urgent and short at clients that show everything themselves, its end as well', () => {
  const patient = { silent: 'true', priority: 'normal', timeToLive: '86400' };
  for (const jingleMessage of ['propose', 'retract']) {
    for (const priority of ['', 'low'] as const) {
      const summary: Partial<Summary> = { jingleMessage, jingleSessionId: 's1', priority };
      const sent = build({ summary, options: patient, device: { service: 'fcm', token: 'fcm token' } });
      assert.deepEqual([sent.kind, sent.priority], ['silent', 'high'], jingleMessage);
      assert.equal(sent.expiresAtMs, nowMs + limits.callLifeMs);
    }
  }
});

test('5.20 an encrypted payload passes untouched, alone, and for the app to open', () => {
  const sealed: Partial<Summary> = { ...message, encrypted: 'bm90IGZvciB5b3U=', encryptedIv: 'aXY=' };
  const sent = build({ summary: sealed, rules: { content: 'full' } });
  assert.deepEqual(sent.data, { encrypted: 'bm90IGZvciB5b3U=', iv: 'aXY=' });
  assert.deepEqual([sent.kind, sent.mutableContent, sent.title, sent.body], ['alert', true, 'Chat', defaults.body]);
  const call = build({ summary: { ...sealed, encryptedType: 'voip' }, device: { voipToken: 'v' } });
  assert.deepEqual([call.kind, call.token], ['call', 'v']);
  assert.deepEqual(call.data, { encrypted: 'bm90IGZvciB5b3U=', iv: 'aXY=', type: 'voip' });
});

test('5.20 the constant 1 of a server is no badge; any other count is one', () => {
  const badge = (messageCount: number, over: Setup = {}): number =>
    build({ summary: { ...message, messageCount }, ...over }).badge;
  assert.deepEqual([badge(-1), badge(0), badge(1), badge(2), badge(99_999)], [-1, 0, -1, 2, 99_999]);
  assert.equal(badge(1, { isCarried: true }), 1);
  assert.equal(badge(5, { rules: { badge: false } }), -1);
  assert.equal(build({ summary: { messageCount: 2, pendingSubscriptionCount: 3 } }).badge, 5);
  assert.equal(build({ summary: { messageCount: 99_999, pendingSubscriptionCount: 3 } }).badge, limits.messageCountMax);
});

test('5.30 sound, click action and mutable content are taken from the options', () => {
  const sent = build({
    summary: message,
    options: { sound: 'ping.caf', clickAction: 'OPEN_CHAT', mutableContent: 'true' },
  });
  assert.deepEqual([sent.sound, sent.category, sent.mutableContent], ['ping.caf', 'OPEN_CHAT', true]);
  const plain = build({ summary: message });
  assert.deepEqual([plain.sound, plain.category, plain.mutableContent], ['default', '', false]);
});

test('5.30 the time to live is the option in seconds, bounded, or the configured one', () => {
  const lifeMs = (timeToLive: string): number =>
    build({ summary: message, options: { timeToLive } }).expiresAtMs - nowMs;
  assert.deepEqual([lifeMs(''), lifeMs('60'), lifeMs('0')], [3_600_000, 60_000, 0]);
  assert.equal(lifeMs('999999999'), limits.notificationLifeMsMax);
  for (const odd of ['-1', '1e3', 'soon', '9999999999', ' 5']) assert.equal(lifeMs(odd), 3_600_000, odd);
});

test('the collapse id is one per node and sender, short, and says nothing of either', () => {
  const id = (sender: string, over: Setup = {}): string =>
    build({ summary: { ...message, lastMessageSender: sender }, rules: { content: 'sender' }, ...over }).collapseId;
  assert.equal(id('a@b.example/x'), id('a@b.example/y'));
  assert.notEqual(id('a@b.example'), id('c@b.example'));
  assert.match(id('a@b.example'), /^[A-Za-z0-9_-]{22}$/);
  assert.notEqual(id('a@b.example'), id('a@b.example', { options: { silent: 'true' } }));
});

test('every notification has the same fields in the same order', () => {
  const shapes = [build(), build({ summary: message }), build({ options: { silent: 'true' } })].map((one) =>
    Object.keys(one).join(' '),
  );
  assert.equal(new Set(shapes).size, 1);
});

const templates: readonly TemplateConfig[] = [
  { for: 'message', app: '', language: '', title: 'From {sender_name}', body: '{body} ({count})' },
  { for: 'message', app: 'net.example.two', language: '', title: '', body: 'Two' },
  { for: 'message', app: '', language: 'de', title: '{sender}', body: 'Neu: {body}' },
  { for: 'group', app: '', language: '', title: '{room_name}', body: '{sender_name}: {body}' },
  { for: 'call', app: '', language: '', title: '{sender_name} calls', body: '{app}' },
  { for: 'invitation', app: '', language: '', title: 'Invitation', body: '{sender} {room_name}' },
];

function shown(setup: Setup): readonly string[] {
  const { title, body } = build({ templates, ...setup, rules: { content: 'full', ...setup.rules } });
  return [title, body];
}

test('5.27 a template words what the content policy shows; what it holds back is empty', () => {
  assert.deepEqual(shown({ summary: message }), ['From juliet', 'Wherefore art thou (3)']);
  assert.deepEqual(shown({ summary: message, rules: { content: 'sender' } }), ['From juliet', '(3)']);
  assert.deepEqual(shown({ summary: message, rules: { content: 'none' } }), ['From', '(3)']);
  const sealed = { ...message, encrypted: 'b64', messageCount: -1 };
  assert.deepEqual(shown({ summary: sealed }), ['From', 'You have a new message']);
  const german = { options: { language: 'de-AT' }, summary: message };
  assert.deepEqual(shown({ ...german, rules: { content: 'none' } }), ['Chat', 'Neu:']);
  assert.deepEqual(shown(german), ['juliet@capulet.example', 'Neu: Wherefore art thou']);
});

test('a template is chosen by topic, else by app, and leaves what it does not say as it is without one', () => {
  const two = ['juliet@capulet.example', 'Two'];
  assert.deepEqual(shown({ summary: message, device: { topic: 'net.example.two' } }), two);
  assert.deepEqual(shown({ summary: message, device: { topic: '' }, app: 'net.example.two' }), two);
  assert.deepEqual(shown({ summary: message, device: { topic: '' }, options: { topic: 'net.example.two' } }), two);
  assert.deepEqual(shown({ summary: message, app: 'net.example.two' })[1], 'Wherefore art thou (3)');
});

test('mongooseim 2.8: a sender with a resource is a room where the device travels; elsewhere it is a user', () => {
  const summary = { ...message, lastMessageSender: 'garden@muc.example/Juliet' };
  assert.deepEqual(shown({ summary, isCarried: true }), ['garden', 'Juliet: Wherefore art thou']);
  assert.deepEqual(shown({ summary }), ['From garden', 'Wherefore art thou (3)']);
  assert.deepEqual(shown({ summary: { ...summary, kind: 'group' } }), ['garden', 'Juliet: Wherefore art thou']);
  const light = { ...message, lastMessageSender: 'garden@muclight.example/juliet@capulet.example' };
  assert.deepEqual(shown({ summary: light, isCarried: true }), ['garden', 'juliet: Wherefore art thou']);
  const itself = { ...message, kind: 'group', lastMessageSender: 'garden@muc.example' } as const;
  assert.deepEqual(shown({ summary: itself }), ['garden', 'garden: Wherefore art thou']);
  assert.deepEqual(shown({ summary: { ...message, kind: 'message' }, isCarried: true })[0], 'From juliet');
});

test('a room is shown by the name a plugin gave it, with a template and without, where it may be shown', () => {
  const summary = {
    ...message,
    kind: 'group',
    lastMessageSender: 'garden@muc.example/Juliet',
    roomName: 'The Garden',
  } as const;
  assert.deepEqual(shown({ summary }), ['The Garden', 'Juliet: Wherefore art thou']);
  const plain = { templates: [], summary };
  assert.equal(shown(plain)[0], 'The Garden/Juliet');
  assert.equal(shown({ ...plain, summary: { ...summary, lastMessageSender: 'garden@muc.example' } })[0], 'The Garden');
  assert.equal(shown({ ...plain, rules: { content: 'none' } })[0], 'Chat');
  assert.deepEqual(shown({ summary, rules: { content: 'none' } }), ['Chat', defaults.body]);
});

test('5.24 a call is worded as one, also where an alert tells of it, and an invitation as one', () => {
  const summary = { ...message, jingleMessage: 'propose', jingleSessionId: 's1' };
  const call = ['juliet calls', 'com.example.app'];
  assert.deepEqual(shown({ summary }), call);
  assert.deepEqual(shown({ summary, device: { voipToken: 'v' } }), call);
  const invitation = { kind: 'invitation', lastMessageSender: 'garden@muc.example' } as const;
  assert.deepEqual(shown({ summary: invitation }), ['Invitation', 'garden@muc.example']);
});

test('mongooseim 4.3 what is silent has no words, whatever the template', () => {
  assert.deepEqual(shown({ summary: message, options: { silent: 'true' } }), ['', '']);
});
