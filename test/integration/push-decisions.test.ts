/**
 * From an event to what Apple and Google are asked for, through the whole engine: calls, quiet hours, rooms, silence
 * that people asked for, and messages that are told twice.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { component, fakeWorld, topic } from './fake-world.ts';
import { within } from '../peers/deadline.ts';
import type { FakeWorld, FakeWorldOptions } from './fake-world.ts';
import type { EventResult, MessageInput } from '../../src/index.ts';
import type { TestContext } from 'node:test';

const deadline = { timeout: 60_000 };
const anna = 'anna@example.com';
const iphone = 'a1'.repeat(32);
const voip = 'b2'.repeat(32);
const android = 'fcm-android:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx';

const message: MessageInput = {
  from: 'boris@example.com/desk',
  to: anna,
  type: 'chat',
  body: 'Hello',
  userStatus: 'offline',
};
const call: MessageInput = { ...message, body: '', jingle: 'propose', jingleId: 'ca3cf894' };

async function setup(t: TestContext, push: FakeWorldOptions['push'] = {}): Promise<FakeWorld> {
  return fakeWorld(t, { push, requestMs: 10_000 });
}

/** Says what its own push service is told of a device of that user. */
async function enable(
  { engine }: FakeWorld,
  owner: string,
  options: Readonly<Record<string, string>>,
  session = '',
): Promise<void> {
  const node = `of ${options['device_id'] ?? ''}`;
  const answer = await engine.push.enable({ owner, service: component, node, options, session });
  assert.deepEqual(answer, { kind: 'done', count: 1 });
}

/** How an event ended: the outcomes of its publishes, or why there were none. */
function endOf(result: EventResult): string {
  if (result.kind === 'pushed') return result.publishes.map(({ outcome }) => outcome.kind).join(' ');
  return result.kind === 'skipped' ? result.reason : result.kind;
}

async function told({ engine }: FakeWorld, event: MessageInput): Promise<string> {
  return endOf(await engine.onEvent(event));
}

/** Quiet hours that began a while ago and end in a while. */
function aroundNow(): { readonly from: string; readonly to: string; readonly time_zone: string } {
  const hourMs = 3_600_000;
  const timeAt = (offsetMs: number): string => new Date(Date.now() + offsetMs).toISOString().slice(11, 16);
  return { from: timeAt(-hourMs), to: timeAt(hourMs), time_zone: 'UTC' };
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/** What stands at a path of a JSON text. */
function at(text: string, ...path: readonly string[]): unknown {
  let found: unknown = JSON.parse(text);
  for (const key of path) found = isFields(found) ? found[key] : undefined;
  return found;
}

function secondsOf(epoch: string | undefined): number {
  return Number(epoch) - Date.now() / 1000;
}

test(
  '7.54 a call rings at once and for a minute: on the token for calls, by an alert, on Android',
  deadline,
  async (t) => {
    const world = await setup(t);
    const fields = { token: iphone, 'device-second-token': voip, 'device-id': 'iphone-1' };
    const registered = await world.command('register-push-apns', fields);
    assert.equal(registered.kind, 'result');
    const [, node = ''] = /node['"]?[^>]*><value>([^<]+)/.exec(registered.xml) ?? [];
    const [, secret = ''] = /secret['"]?[^>]*><value>([^<]+)/.exec(registered.xml) ?? [];
    assert.deepEqual(await world.engine.push.enable({ owner: anna, service: component, node, options: { secret } }), {
      kind: 'done',
      count: 1,
    });
    await enable(world, anna, { service: 'apns', device_id: 'c3'.repeat(32) });
    await enable(world, anna, { service: 'fcm', device_id: android });
    // Clients that show everything themselves, and want their messages without haste.
    await enable(world, anna, { service: 'fcm', device_id: `${android}2`, silent: 'true', priority: 'normal' });

    assert.equal(await told(world, call), 'accepted accepted accepted accepted');
    const rings = await within('APNs', world.apns.received.waitFor(2));
    const byToken = new Map(rings.map((ring) => [ring.deviceToken, ring]));
    const ringing = byToken.get(voip);
    assert.deepEqual(
      [ringing?.fields['apns-push-type'], ringing?.fields['apns-priority'], ringing?.fields['apns-topic']],
      ['voip', '10', `${topic}.voip`],
    );
    const shown = byToken.get('c3'.repeat(32));
    assert.deepEqual([shown?.fields['apns-push-type'], shown?.fields['apns-priority']], ['alert', '10']);
    for (const ring of rings) assert.ok(secondsOf(ring.fields['apns-expiration']) <= 60);
    const googles = await within('FCM', world.fcm.received.waitFor(2));
    for (const { payload } of googles) {
      assert.equal(at(payload, 'message', 'android', 'priority'), 'HIGH');
      assert.ok(Number.parseFloat(String(at(payload, 'message', 'android', 'ttl'))) <= 60, payload);
      assert.equal(at(payload, 'message', 'data', 'jingle-message'), 'propose');
    }

    assert.equal(await told(world, { ...call, jingle: 'retract' }), 'accepted accepted accepted accepted');
    const ends = (await within('APNs', world.apns.received.waitFor(4))).slice(2);
    for (const { fields: head, payload } of ends) {
      assert.deepEqual([head['apns-push-type'], head['apns-priority']], ['background', '5']);
      assert.equal(at(payload, 'aps', 'alert'), undefined);
      assert.equal(at(payload, 'jingle-message'), 'retract');
    }
    const collapseIds = (items: typeof rings): ReadonlySet<unknown> =>
      new Set(items.map((item) => item.fields['apns-collapse-id']));
    assert.deepEqual(collapseIds(ends), collapseIds(rings));
    const googleEnds = (await within('FCM', world.fcm.received.waitFor(4))).slice(2);
    for (const { payload } of googleEnds) {
      assert.equal(at(payload, 'message', 'notification'), undefined);
      assert.equal(at(payload, 'message', 'android', 'priority'), 'HIGH');
    }
    const keys = (items: typeof googles): ReadonlySet<unknown> =>
      new Set(items.map(({ payload }) => at(payload, 'message', 'android', 'collapse_key')));
    assert.deepEqual(keys(googleEnds), keys(googles));
  },
);

test('quiet hours silence messages and leave calls', deadline, async (t) => {
  const world = await setup(t, { quiet_hours: { ...aroundNow(), action: 'silence' } });
  await enable(world, anna, { service: 'apns', device_id: iphone });
  assert.equal(await told(world, message), 'accepted');
  assert.equal(await told(world, call), 'accepted');
  const [quiet, ring] = await within('APNs', world.apns.received.waitFor(2));
  assert.equal(quiet?.fields['apns-push-type'], 'background');
  assert.equal(at(quiet.payload, 'aps', 'alert'), undefined);
  assert.equal(ring?.fields['apns-push-type'], 'alert');
});

test('quiet hours that skip leave calls alone, too', deadline, async (t) => {
  const world = await setup(t, { quiet_hours: { ...aroundNow(), action: 'skip' } });
  await enable(world, anna, { service: 'apns', device_id: iphone });
  assert.equal(await told(world, message), 'quiet hours');
  assert.equal(await told(world, call), 'accepted');
  assert.equal(world.apns.received.total, 1);
});

test(
  '7.17, 7.55 members of a room are told by affiliation, of a public one when they are mentioned',
  deadline,
  async (t) => {
    const world = await setup(t, { groups: { affiliations: ['owner', 'member'], public: 'mentioned' } });
    const names = ['owner', 'admin', 'member', 'none', 'outcast', 'present', 'boris'];
    const tokens = new Map(names.map((name, index) => [`${index + 1}d`.repeat(32), name]));
    for (const [token, name] of tokens) {
      await enable(world, `${name}@example.com`, { service: 'apns', device_id: token });
    }
    const affiliations = {
      owner: 'owner',
      admin: 'admin',
      member: 'member',
      none: 'none',
      outcast: 'outcast',
    } as const;
    const members = [
      ...Object.entries(affiliations).map(([name, affiliation]) => ({
        jid: `${name}@example.com`,
        affiliation,
        nick: name,
      })),
      { jid: 'present@example.com', affiliation: 'member', isOccupant: true } as const,
      { jid: 'boris@example.com', affiliation: 'member', nick: 'boris' } as const,
    ];
    const room: MessageInput = { from: 'tea@rooms.example.com/boris', to: 'tea@rooms.example.com', type: 'groupchat' };
    const event: MessageInput = { ...room, body: 'Tea, member?', id: 'm1', userStatus: 'offline', members };
    assert.equal(await told(world, { ...event, roomKind: 'private' }), 'accepted accepted');
    const told1 = await within('APNs', world.apns.received.waitFor(2));
    assert.deepEqual(new Set(told1.map(({ deviceToken }) => tokens.get(deviceToken))), new Set(['member', 'owner']));
    assert.equal(await told(world, { ...event, id: 'm2', roomKind: 'public' }), 'accepted');
    const [, , third] = await within('APNs', world.apns.received.waitFor(3));
    assert.equal(tokens.get(third?.deviceToken ?? ''), 'member');
    // Told again, by a server that was cut off: everybody has got it.
    assert.equal(await told(world, { ...event, roomKind: 'private' }), 'the message has been pushed already');
    assert.equal(world.apns.received.total, 3);
  },
);

test('7.50 blocked senders and muted conversations reach no gateway, calls included', deadline, async (t) => {
  const world = await setup(t);
  await enable(world, anna, { service: 'fcm', device_id: android });
  for (const one of [message, call]) {
    assert.equal(await told(world, { ...one, isBlocked: true }), 'the sender is blocked');
    assert.equal(await told(world, { ...one, isMuted: true }), 'the conversation is muted');
  }
  assert.equal(await told(world, message), 'accepted');
  assert.equal(world.fcm.received.total, 1);
});

test(
  'mongooseim 2.14 enhanced: the device of the session at once, the others when it has gone',
  deadline,
  async (t) => {
    const world = await setup(t, { behaviour: 'enhanced' });
    await enable(world, anna, { service: 'apns', device_id: iphone }, 'phone');
    await enable(world, anna, { service: 'fcm', device_id: android }, 'tablet');
    const unacknowledged: MessageInput = { ...message, kind: 'unacknowledged', to: `${anna}/phone`, id: 'm1' };
    assert.equal(await told(world, { ...message, id: 'm1', userStatus: 'online' }), 'the user is online');
    assert.equal(await told(world, unacknowledged), 'accepted');
    assert.equal(await told(world, unacknowledged), 'not the registration of that session');
    assert.deepEqual([world.apns.received.total, world.fcm.received.total], [1, 0]);
    // The stream was not resumed: its buffer is routed again.
    assert.equal(await told(world, { ...message, id: 'm1' }), 'accepted');
    // Stored, replayed at login, and lost again.
    assert.equal(await told(world, { ...message, id: 'm1' }), 'the message has been pushed already');
    assert.deepEqual([world.apns.received.total, world.fcm.received.total], [1, 1]);
    assert.equal(await told(world, { ...unacknowledged, to: `${anna}/desk` }), 'not the registration of that session');
  },
);

test('6.30 presence that was told counts where a message says nothing of its user', deadline, async (t) => {
  const world = await setup(t, { behaviour: 'default', unknown_status: 'online' });
  await enable(world, anna, { service: 'fcm', device_id: android });
  const { userStatus: _said, ...silent } = message;
  assert.equal(await told(world, silent), 'the user is online');
  const status = { kind: 'status' as const, jid: `${anna}/phone` };
  assert.deepEqual(await world.engine.onEvent({ ...status, status: 'offline' as const }), { kind: 'noted' });
  assert.equal(await told(world, silent), 'accepted');
  assert.deepEqual(await world.engine.onEvent({ ...status, status: 'online' as const }), { kind: 'noted' });
  assert.equal(await told(world, silent), 'the user is online');
  assert.equal(world.fcm.received.total, 1);
  const { events } = world.engine.figures();
  assert.deepEqual(
    { skips: events?.skips, statuses: events?.statuses, presence: events?.presence },
    { skips: { 'the user is online': 2 }, statuses: 2, presence: 1 },
  );
  assert.equal(events?.pushServices.accepted, 1);
});
