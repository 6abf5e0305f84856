import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fullJID } from '../../../src/core/jid.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { readCommand } from '../../../src/xmpp/command-codec.ts';
import type { CommandRequest, CommandSettings } from '../../../src/xmpp/command-codec.ts';
import { CommandSessions } from '../../../src/xmpp/command-sessions.ts';
import { readForm } from '../../../src/xmpp/data-form.ts';
import { ns } from '../../../src/xmpp/namespaces.ts';
import { stanzaErrors } from '../../../src/xmpp/stanza-errors.ts';
import type { StanzaError } from '../../../src/xmpp/stanza-errors.ts';
import { attribute, childOf } from '../../../src/xmpp/xml.ts';
import type { XmlElement } from '../../../src/xmpp/xml.ts';
import { parseXml } from '../../parse-xml.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';

const apnsToken = '5c1f'.repeat(16);
const fcmToken = 'fcm:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx';

interface World {
  readonly clock: VirtualClock;
  /** `attributes`: besides `node`; `inner`: children of the command. */
  command(node: string, attributes: string, inner: string, from?: string): CommandRequest;
}

function setup(changes: Partial<CommandSettings> = {}): World {
  const clock = new VirtualClock();
  const sessions = new CommandSessions({ key: Buffer.alloc(32, 7), clock, random: seededRandom(1) });
  const settings: CommandSettings = {
    enabled: true,
    services: new Set(['apns', 'fcm']),
    jid: 'push.example.net',
    secrets: true,
    sessions,
    ...changes,
  };
  return {
    clock,
    command(node, attributes, inner, from = 'anna@example.com/phone') {
      const jid = fullJID(from);
      assert.ok(jid.ok);
      const xml = `<command xmlns='${ns.commands}' node='${node}' ${attributes}>${inner}</command>`;
      return readCommand(parseXml(xml), jid.value, settings);
    },
  };
}

function form(fields: Readonly<Record<string, string>>, type = 'submit'): string {
  const xml = Object.entries(fields).map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`);
  return `<x xmlns='jabber:x:data' type='${type}'>${xml.join('')}</x>`;
}

function once(node: string, fields: Readonly<Record<string, string>>, action = 'execute'): CommandRequest {
  return setup().command(node, `action='${action}'`, form(fields));
}

function registered(request: CommandRequest): CommandRequest & { readonly kind: 'register' } {
  assert.equal(request.kind, 'register', JSON.stringify(request));
  return request;
}

function unregistered(request: CommandRequest): CommandRequest & { readonly kind: 'unregister' } {
  assert.equal(request.kind, 'unregister', JSON.stringify(request));
  return request;
}

function assertRefused(request: CommandRequest, error: StanzaError): void {
  assert.deepEqual(request, { kind: 'refused', error });
}

function payload(request: CommandRequest): XmlElement {
  assert.equal(request.kind, 'payload', JSON.stringify(request));
  return parseXml(request.xml);
}

test('5.E Conversations registers with execute or, since 2025, with complete', () => {
  for (const action of ['execute', 'complete']) {
    const read = registered(once('register-push-fcm', { token: fcmToken, 'android-id': '92afd7a91cdba9a0' }, action));
    const { context, ...rest } = read;
    assert.deepEqual(rest, {
      kind: 'register',
      service: 'fcm',
      token: fcmToken,
      voipToken: '',
      topic: '',
      app: '',
      mode: '',
      deviceId: '92afd7a91cdba9a0',
      deviceName: '',
      room: '',
      withSecret: true,
    });
    assert.equal(context.profile, 'common');
    assert.notEqual(context.sessionId, '');
  }
});

test('5.E Conversations registers once more for each room', () => {
  const fields = { token: fcmToken, 'android-id': 'a1', muc: 'Room@conference.example.org' };
  assert.equal(registered(once('register-push-fcm', fields)).room, 'room@conference.example.org');
  assertRefused(
    once('register-push-fcm', { ...fields, muc: 'room@conference.example.org/nick' }),
    stanzaErrors.badPayload,
  );
  assertRefused(once('register-push-fcm', { ...fields, muc: 'conference.example.org' }), stanzaErrors.badPayload);
});

test('5.E mod_push_appserver clients name the device node', () => {
  const FORM_TYPE = 'https://github.com/tmolitor-stud-tu/mod_push_appserver/#v1-register-push';
  const read = registered(once('v1-register-push', { FORM_TYPE, type: 'apns', node: 'uuid-1', token: apnsToken }));
  assert.deepEqual([read.service, read.deviceId, read.withSecret], ['apns', 'uuid-1', true]);
  const gone = unregistered(once('v1-unregister-push', { type: 'apns', node: 'uuid-1' }));
  assert.deepEqual([gone.service, gone.deviceId, gone.nodes], ['apns', 'uuid-1', []]);
});

test('5.E Siskin and Snikket register a device and a second token for calls', () => {
  for (const provider of ['tigase:messenger:apns:1', 'snikket:apns:1']) {
    const fields = { provider, 'device-token': apnsToken, 'device-second-token': 'ab'.repeat(32) };
    const read = registered(once('register-device', fields));
    assert.deepEqual([read.service, read.app, read.token], ['apns', provider, apnsToken]);
    assert.deepEqual([read.voipToken, read.withSecret, read.context.profile], ['ab'.repeat(32), false, 'tigase']);
    assert.match(read.deviceId, /^token:[0-9a-f]{32}$/);
    assert.equal(read.deviceId.includes(apnsToken.slice(0, 32)), false);
  }
  const stork = registered(once('register-device', { provider: 'fcm-xmpp-api', 'device-token': fcmToken }));
  assert.equal(stork.service, 'fcm');
});

test('5.E Siskin unregisters by provider and token', () => {
  const read = unregistered(
    once('unregister-device', { provider: 'snikket:apns:1', 'device-token': apnsToken.toUpperCase() }),
  );
  assert.deepEqual([read.service, read.token, read.deviceId], ['apns', apnsToken, '']);
  assertRefused(once('unregister-device', { provider: 'snikket:apns:1' }), stanzaErrors.badPayload);
  assertRefused(once('unregister-device', { 'device-token': apnsToken }), stanzaErrors.badPayload);
});

test('5.E mod_push_app_server clients send type and token and get neither session nor secret', () => {
  const android = registered(once('register-push', { type: 'android', token: fcmToken }));
  assert.deepEqual([android.service, android.deviceId, android.withSecret], ['fcm', 'phone', false]);
  assert.deepEqual(android.context, {
    command: 'register-push',
    sessionId: '',
    profile: 'app-server',
    jid: 'push.example.net',
  });
  assert.equal(registered(once('register-push', { type: 'ios', token: apnsToken })).service, 'apns');
  assertRefused(once('register-push', { type: 'symbian', token: fcmToken }), stanzaErrors.badPayload);
});

test('5.E mod_push, mod_pushoff and Openfire clients are understood', () => {
  const royneary = { token: fcmToken, 'device-id': 'd1', 'device-name': 'Anna', 'application-id': 'org.example' };
  const gcm = registered(once('register-push-gcm', royneary));
  assert.deepEqual([gcm.service, gcm.deviceId, gcm.deviceName, gcm.app], ['fcm', 'd1', 'Anna', 'org.example']);
  const base64 = Buffer.from(apnsToken, 'hex').toString('base64');
  const pushoff = registered(once('register-push-apns-h2', { token: base64, backend_ref: 'b' }));
  assert.deepEqual([pushoff.token, pushoff.app, pushoff.deviceId], [apnsToken, 'b', 'phone']);
  const openfire = registered(once('register-push-apns', { token: apnsToken, 'device-id': 'd2', sandbox: 'true' }));
  assert.deepEqual([openfire.deviceId, openfire.mode], ['d2', 'dev']);
});

test('5.34 a device without a name is its resource, and without that its token', () => {
  const fields = form({ token: apnsToken });
  const bare = registered(setup().command('register-push-apns', '', fields, 'anna@example.com'));
  assert.match(bare.deviceId, /^token:/);
  assert.equal(registered(setup().command('register-push-apns', '', fields)).deviceId, 'phone');
});

test('5.34 the mode is dev, prod or not said', () => {
  const modeOf = (fields: Readonly<Record<string, string>>): string =>
    registered(once('register-push-apns', { token: apnsToken, ...fields })).mode;
  assert.equal(modeOf({}), '');
  assert.equal(modeOf({ sandbox: '1' }), 'dev');
  assert.equal(modeOf({ sandbox: 'false' }), '');
  assert.equal(modeOf({ mode: 'dev' }), 'dev');
  assert.equal(modeOf({ mode: 'prod' }), 'prod');
  assertRefused(once('register-push-apns', { token: apnsToken, mode: 'test' }), stanzaErrors.badPayload);
});

test('5.38 a command without a form opens a session, whose form completes it', () => {
  const world = setup();
  const offered = payload(world.command('register-push', '', ''));
  assert.equal(attribute(offered, 'status'), 'executing');
  const actions = childOf(offered, 'actions', ns.commands);
  assert.ok(actions !== undefined && childOf(actions, 'complete', ns.commands) !== undefined);
  const x = childOf(offered, 'x', ns.data);
  assert.ok(x !== undefined);
  assert.equal(readForm(x).type, 'form');
  assert.equal(readForm(x).formType, 'urn:meerkat:register:0');
  const session = `sessionid='${attribute(offered, 'sessionid')}'`;
  const filled = form({ FORM_TYPE: 'urn:meerkat:register:0', provider: 'fcm', token: fcmToken, 'device-id': 'd' });
  const read = registered(world.command('register-push', session, filled));
  assert.deepEqual([read.service, read.token, read.deviceId], ['fcm', fcmToken, 'd']);
  assert.equal(read.context.sessionId, attribute(offered, 'sessionid'));
});

test('5.38 and 5.41 prev shows the form again, cancel ends the session', () => {
  const world = setup();
  const id = attribute(payload(world.command('register-push-fcm', '', '')), 'sessionid') ?? '';
  const again = payload(world.command('register-push-fcm', `sessionid='${id}' action='prev'`, ''));
  assert.deepEqual([attribute(again, 'sessionid'), attribute(again, 'status')], [id, 'executing']);
  const gone = payload(world.command('register-push-fcm', `sessionid='${id}' action='cancel'`, ''));
  assert.deepEqual([attribute(gone, 'sessionid'), attribute(gone, 'status')], [id, 'canceled']);
});

test('5.39 expired, foreign and invented sessions have their errors', () => {
  const world = setup();
  const id = attribute(payload(world.command('register-push-fcm', '', '')), 'sessionid') ?? '';
  const submit = form({ token: fcmToken });
  const session = `sessionid='${id}'`;
  assertRefused(
    world.command('register-push-fcm', session, submit, 'anna@example.com/tablet'),
    stanzaErrors.sessionExpired,
  );
  assertRefused(world.command('register-push-fcm', "sessionid='s1'", submit), stanzaErrors.badSessionId);
  assert.equal(world.command('register-push-fcm', session, submit).kind, 'register');
  world.clock.jump(600_001);
  assertRefused(world.command('register-push-fcm', session, submit), stanzaErrors.sessionExpired);
});

test('5.40 on the first stage next is accepted, prev and cancel are bad actions, others malformed', () => {
  assert.equal(once('register-push-fcm', { token: fcmToken }, 'next').kind, 'register');
  assertRefused(once('register-push-fcm', { token: fcmToken }, 'prev'), stanzaErrors.badAction);
  assertRefused(once('register-push-fcm', { token: fcmToken }, 'cancel'), stanzaErrors.badAction);
  assertRefused(once('register-push-fcm', { token: fcmToken }, 'toString'), stanzaErrors.malformedAction);
  assertRefused(setup().command('register-push-fcm', "action='complete'", ''), stanzaErrors.badPayload);
});

test('5.40 a form of type cancel inside execute counts as submitted', () => {
  assert.equal(setup().command('register-push-fcm', '', form({ token: fcmToken }, 'cancel')).kind, 'register');
});

test('5.42 missing and invalid fields are bad payloads', () => {
  assertRefused(once('register-push-fcm', {}), stanzaErrors.badPayload);
  assertRefused(once('register-push-fcm', { token: '' }), stanzaErrors.badPayload);
  assertRefused(once('register-push-apns', { token: 'xyz' }), stanzaErrors.badPayload);
  assertRefused(once('register-push', { token: fcmToken }), stanzaErrors.badPayload);
  assertRefused(once('register-push', { token: fcmToken, provider: 'carrier-pigeon' }), stanzaErrors.badPayload);
  assertRefused(once('register-push-apns', { token: apnsToken, type: 'fcm' }), stanzaErrors.badPayload);
  assertRefused(once('register-push-fcm', { token: fcmToken, 'device-id': 'd'.repeat(2000) }), stanzaErrors.badPayload);
});

test('8.25 a token that would leave its path, and a huge one, are bad payloads', () => {
  for (const token of ['../../3/device', `${apnsToken}&#13;&#10;`, `${apnsToken}/..`, 'a'.repeat(100_000)]) {
    assertRefused(once('register-push-apns', { token }), stanzaErrors.badPayload);
    assertRefused(once('register-push-fcm', { token }), stanzaErrors.badPayload);
  }
});

test('5.42 unknown commands and services nobody serves are not found, switched-off ones not implemented', () => {
  const apnsOnly = setup({ services: new Set(['apns']) });
  assertRefused(once('register-push-webpush', {}), stanzaErrors.itemNotFound);
  assertRefused(once('', {}), stanzaErrors.itemNotFound);
  assertRefused(once('__proto__', {}), stanzaErrors.itemNotFound);
  assertRefused(apnsOnly.command('register-push-fcm', '', form({ token: fcmToken })), stanzaErrors.itemNotFound);
  assertRefused(
    apnsOnly.command('register-push', '', form({ type: 'fcm', token: fcmToken })),
    stanzaErrors.itemNotFound,
  );
  assertRefused(
    setup({ enabled: false }).command('register-push-fcm', '', form({ token: fcmToken })),
    stanzaErrors.featureNotImplemented,
  );
});

test('5.43 unregister-push takes a device, nodes, or nothing, which means this resource', () => {
  const byDevice = unregistered(once('unregister-push', { 'device-id': 'd' }));
  assert.deepEqual([byDevice.deviceId, byDevice.nodes], ['d', []]);
  const nodes = "<x xmlns='jabber:x:data'><field var='nodes'><value>n1</value><value>n2</value></field></x>";
  const byNodes = unregistered(setup().command('unregister-push', '', nodes));
  assert.deepEqual([byNodes.deviceId, byNodes.nodes], ['', ['n1', 'n2']]);
  assert.equal(unregistered(setup().command('unregister-push', '', '')).deviceId, 'phone');
  assert.equal(unregistered(once('unregister-push', {})).deviceId, 'phone');
  assertRefused(setup().command('unregister-push', '', '', 'anna@example.com'), stanzaErrors.badPayload);
});

test('5.43 unregister-push-fcm takes a device and a room', () => {
  const fields = { 'android-id': 'a1', channel: 'Room@conference.example.org' };
  const read = unregistered(once('unregister-push-fcm', fields));
  assert.deepEqual([read.service, read.deviceId, read.room], ['fcm', 'a1', 'room@conference.example.org']);
  assert.equal(unregistered(once('unregister-push-fcm', { 'android-id': 'a1', channel: 'x y' })).room, 'x y');
});

test('5.44 the list is a command of one step', () => {
  assert.equal(setup().command('list-push-registrations', '', '').kind, 'list');
  assert.equal(setup().command('list-push-registrations', "action='complete'", '').kind, 'list');
});

test('secrets are for those who can keep them and only where they are switched on', () => {
  const off = setup({ secrets: false });
  assert.equal(registered(off.command('register-push-fcm', '', form({ token: fcmToken }))).withSecret, false);
});
