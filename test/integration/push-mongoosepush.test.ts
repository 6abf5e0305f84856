/**
 * Push as `mod_push_service_mongoosepush` does it, end to end: a client enables push at a virtual host, a message event
 * arrives, and MongoosePush is asked for what MongooseIM would have asked for (mongooseim 2.12, 4.2 to 4.4).
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { field, fakeWorld, topic } from './fake-world.ts';
import { until } from '../peers/deadline.ts';
import { ns } from '../../src/xmpp/namespaces.ts';
import type { FakeWorld } from './fake-world.ts';
import type { MessageInput } from '../../src/index.ts';
import type { TestContext } from 'node:test';

const anna = 'anna@example.com';
const iphone = 'a1'.repeat(32);
const android = 'fcm-android:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx';

const message: MessageInput = {
  ...{ from: 'juliet@capulet.example/balcony', to: anna, type: 'chat', body: 'Wherefore art thou?' },
  ...{ unread: 3, userStatus: 'offline' },
};

function setup(t: TestContext): Promise<FakeWorld> {
  const push = { virtual_hosts: ['push.@HOST@'], behaviour: 'hints' } as const;
  return fakeWorld(t, { mongoosePush: true, push, requestMs: 10_000 });
}

/** As a client writes it; its server hands it over. */
async function enable({ engine }: FakeWorld, options: Readonly<Record<string, string>>): Promise<void> {
  const fields = Object.entries({ FORM_TYPE: ns.pubsubPublishOptions, ...options }).map(([name, value]) =>
    field(name, value),
  );
  const answer = await engine.push.pushIQ(
    `<iq xmlns='jabber:client' type='set' id='e1' from='${anna}/phone'>` +
      `<enable xmlns='${ns.push}' jid='push.example.com' node='phone-17'>` +
      `<x xmlns='${ns.data}' type='submit'>${fields.join('')}</x></enable></iq>`,
  );
  assert.equal(answer, `<iq type='result' id='e1' from='${anna}' to='${anna}/phone'/>`);
}

async function outcomeOf({ engine }: FakeWorld, event: MessageInput): Promise<string> {
  const result = await engine.onEvent(event);
  if (result.kind !== 'pushed') return result.kind === 'skipped' ? result.reason : result.kind;
  return result.publishes.map(({ outcome }) => outcome.kind).join(' ');
}

/** The body of the last request, without the life of the notification, which counts from now. */
function bodyOf({ mongoosePush }: FakeWorld): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(mongoosePush.received.items.at(-1)?.payload ?? '');
  assert.ok(typeof value === 'object' && value !== null && 'time_to_live' in value);
  const { time_to_live: life, ...body } = { ...value };
  assert.ok(Number.isSafeInteger(life));
  return body;
}

describe('an event at a virtual host, through MongoosePush', { timeout: 60_000 }, () => {
  it('mongooseim 4.3: an alert is the sender, the body and the count of the conversation', async (t) => {
    const world = await setup(t);
    await enable(world, {
      ...{ service: 'apns', device_id: iphone, mode: 'dev', topic, click_action: 'open', sound: 'default' },
    });
    assert.equal(await outcomeOf(world, message), 'accepted');
    const [request] = world.mongoosePush.received.items;
    assert.deepEqual([request?.version, request?.deviceId], ['v3', iphone]);
    const sender = 'juliet@capulet.example';
    assert.deepEqual(bodyOf(world), {
      ...{ service: 'apns', mode: 'dev', priority: 'high', topic },
      alert: {
        ...{ title: sender, tag: sender, body: 'Wherefore art thou?', badge: 3 },
        ...{ click_action: 'open', sound: 'default' },
      },
    });
  });

  it('mongooseim 4.3: a silent registration gets the fields as data, and nothing to show', async (t) => {
    const world = await setup(t);
    await enable(world, { service: 'fcm', device_id: android, silent: 'true' });
    assert.equal(await outcomeOf(world, message), 'accepted');
    assert.deepEqual(bodyOf(world), {
      service: 'fcm',
      data: {
        'message-count': 3,
        'last-message-sender': 'juliet@capulet.example',
        'last-message-body': 'Wherefore art thou?',
      },
    });
  });

  it('mongooseim 2.7, 2.13: who is online, an empty body and no-store push nothing', async (t) => {
    const world = await setup(t);
    await enable(world, { service: 'fcm', device_id: android });
    assert.equal(await outcomeOf(world, { ...message, userStatus: 'online' }), 'the user is online');
    assert.equal(await outcomeOf(world, { ...message, body: '' }), 'an empty body');
    assert.equal(await outcomeOf(world, { ...message, hints: ['no-store'] }), 'the hint no-store');
    assert.equal(world.mongoosePush.received.total, 0);
  });

  it('mongooseim 4.4: a 410 ends the registration; every other failure, and silence, keep it', async (t) => {
    const world = await setup(t);
    await enable(world, { service: 'apns', device_id: iphone });
    const { mongoosePush, engine } = world;
    mongoosePush.script({ kind: 'all', behaviour: { kind: 'reject', status: 500, reason: 'unknown', fields: {} } });
    assert.equal(await outcomeOf(world, message), 'unavailable');
    mongoosePush.script({ kind: 'all', behaviour: { kind: 'reject', status: 400, reason: 'unable', fields: {} } });
    assert.equal(await outcomeOf(world, message), 'rejected');
    mongoosePush.script({ kind: 'reset' });
    assert.equal(await outcomeOf(world, message), 'accepted');
    mongoosePush.unregister(iphone);
    assert.equal(await outcomeOf(world, message), 'unregistered');
    await until('the registration is gone', async () => {
      const rows = await engine.push.enabledOf(anna);
      return rows?.length === 0 ? true : undefined;
    });
    assert.equal(await outcomeOf(world, message), 'the user has enabled no push service');
  });
});
