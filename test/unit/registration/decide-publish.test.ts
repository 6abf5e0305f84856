import { test } from 'node:test';
import assert from 'node:assert/strict';
import { device, full, node, row } from '../../registration-rows.ts';
import { options, publish } from '../../registration-commands.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { decidePublish } from '../../../src/registration/decide-publish.ts';
import { NodeSecrets } from '../../../src/registration/node-secret.ts';
import type { PublishContext } from '../../../src/registration/decide-publish.ts';
import type { PublishOptions } from '../../../src/xmpp/publish-options.ts';
import type { Registration } from '../../../src/core/registration.ts';

const nowMs = epochMs(1_770_000_000_000);
const secrets = new NodeSecrets(Buffer.alloc(32, 7));
const context: PublishContext = {
  secrets,
  random: seededRandom(1),
  templates: undefined,
  rules: {
    content: 'none',
    title: '',
    body: 'You have a new message',
    emptyPriority: 'alert',
    badge: true,
    sound: 'default',
    timeToLiveSeconds: 60,
  },
};

/** `sent`, or the refusal. */
function verdict(one: Registration | undefined, from: string, given: PublishOptions = options({})): string {
  const decided = decidePublish(one, publish('phone', { from: full(from), options: given }), context, nowMs);
  return typeof decided === 'string' ? decided : 'sent';
}

const secret = options({ secret: secrets.of(node('phone'), 1) });
const open = row('phone', { secretVersion: 0 });
const closed = row('phone', { secretVersion: 0, publishModel: 'publishers', publishers: ['push.example.org'] });

test('4.47 with the secret anybody may publish, a full JID too', () => {
  for (const from of ['example.com', 'boris@example.org', 'boris@example.org/phone', 'anna@example.com/x']) {
    assert.equal(verdict(row('phone'), from, secret), 'sent', from);
  }
});

test('4.47 a missing or wrong secret, one of another version or node, is an unknown node', () => {
  const wrong = ['', 'x', secrets.of(node('phone'), 2), secrets.of(node('tablet'), 1)];
  for (const one of wrong) assert.equal(verdict(row('phone'), 'example.com', options({ secret: one })), 'unknown-node');
  assert.equal(verdict(row('phone', { secretVersion: 2 }), 'example.com', secret), 'unknown-node');
});

test('4.52 an unknown and a dead node are answered alike, right secret or not', () => {
  for (const one of [undefined, row('phone', { state: 'dead' })]) {
    assert.equal(verdict(one, 'example.com', secret), 'unknown-node');
    assert.equal(verdict(one, 'example.com'), 'unknown-node');
  }
});

test('4.48 and 4.49 without a secret the domain of the owner may publish, and bare JIDs of it', () => {
  for (const from of ['example.com', 'anna@example.com', 'boris@example.com']) {
    assert.equal(verdict(open, from), 'sent', from);
  }
});

test('4.48 other domains, look-alikes, and full JIDs may not', () => {
  const foreign = ['example.org', 'example.com.evil.org', 'evil@example.org', 'evilexample.com', 'sub.example.com'];
  const clients = ['anna@example.com/phone', 'boris@example.com/x', 'example.com/x', 'evil@example.org/@example.com'];
  for (const from of [...foreign, ...clients]) assert.equal(verdict(open, from), 'unknown-node', from);
});

test('4.31 a granted domain or bare JID may publish', () => {
  const granted = row('phone', { secretVersion: 0, publishers: ['example.org', 'bot@example.net'] });
  for (const from of ['example.org', 'boris@example.org', 'bot@example.net']) {
    assert.equal(verdict(granted, from), 'sent', from);
  }
  for (const from of ['example.net', 'other@example.net', 'bot@example.net/x']) {
    assert.equal(verdict(granted, from), 'unknown-node', from);
  }
});

test('4.48 the publish model publishers trusts exactly who is named, the owner and its domain', () => {
  for (const from of ['example.com', 'anna@example.com', 'push.example.org']) {
    assert.equal(verdict(closed, from), 'sent', from);
  }
  for (const from of ['boris@example.com', 'x@push.example.org', 'example.org']) {
    assert.equal(verdict(closed, from), 'unknown-node', from);
  }
});

test('4.48 a registration for a room is open to the room and its service', () => {
  const room = row('phone', { secretVersion: 0, room: 'r@muc.example.org' });
  for (const from of ['r@muc.example.org', 'muc.example.org', 'example.com']) {
    assert.equal(verdict(room, from), 'sent', from);
  }
  for (const from of ['other@muc.example.org', 'r@muc.example.org/nick', 'example.org']) {
    assert.equal(verdict(room, from), 'unknown-node', from);
  }
  const occupant = row('phone', { secretVersion: 0, room: 'r@muc.example.org/nick' });
  assert.equal(verdict(occupant, 'r@muc.example.org/nick'), 'unknown-node');
});

test('4.57 an access model other than whitelist is a failed precondition, for those who may publish', () => {
  assert.equal(verdict(open, 'example.com', options({ accessModel: 'whitelist' })), 'sent');
  assert.equal(verdict(open, 'example.com', options({ accessModel: 'open' })), 'precondition');
  assert.equal(verdict(open, 'example.org', options({ accessModel: 'open' })), 'unknown-node');
});

const carried = row('phone', { secretVersion: 0, target: { kind: 'publish-options' } });

test('mongooseim 3.5 a travelling device needs both service and token', () => {
  const complete = { service: 'apns', deviceId: 'A1'.repeat(32) };
  assert.equal(verdict(carried, 'example.com', options(complete)), 'sent');
  for (const over of [{ service: '' }, { deviceId: '' }, { service: 'pigeon' }]) {
    assert.equal(verdict(carried, 'example.com', options({ ...complete, ...over })), 'precondition');
  }
  assert.equal(verdict(carried, 'example.org', options({})), 'unknown-node');
});

test('8.24 a token that could leave a path or a header is a failed precondition', () => {
  for (const deviceId of ['a b', 'a\r\nb', 'a\u0000', 'ä', 'x'.repeat(4097)]) {
    assert.equal(verdict(carried, 'example.com', options({ service: 'fcm', deviceId })), 'precondition');
  }
});

test('a travelling device is sent as it says: token, service, mode, topic', () => {
  const given = options({ service: 'apns', deviceId: 'A1'.repeat(32), mode: 'dev', topic: 'com.example.chat' });
  const sent = decidePublish(carried, publish('phone', { options: given }), context, nowMs);
  assert.ok(typeof sent !== 'string');
  assert.deepEqual(
    [sent.service, sent.token, sent.mode, sent.topic],
    ['apns', device.token, 'dev', 'com.example.chat'],
  );
  const google = options({ service: 'gcm', deviceId: 'AbC:x', sandbox: 'true' });
  const other = decidePublish(carried, publish('phone', { options: google }), context, nowMs);
  assert.ok(typeof other !== 'string');
  assert.deepEqual([other.service, other.token, other.mode], ['fcm', 'AbC:x', 'dev']);
});

test('a registered device is not replaced by one in the options', () => {
  const given = options({ service: 'fcm', deviceId: 'other', topic: 'other' });
  const sent = decidePublish(open, publish('phone', { options: given }), context, nowMs);
  assert.ok(typeof sent !== 'string');
  assert.deepEqual([sent.service, sent.token, sent.topic], ['apns', device.token, device.topic]);
});
