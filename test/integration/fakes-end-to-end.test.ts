/**
 * From the XMPP stream to the gateway and back: real sockets, real threads, real TLS. What each client family registers
 * arrives at the right gateway, and each end of a publish is the answer that router/iq-verdict.ts says.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Traffic, publishText, registeredTarget } from '../../src/fake/traffic.ts';
import { limits } from '../../src/core/limits.ts';
import { seededRandom } from '../../src/core/random.ts';
import { ns } from '../../src/xmpp/namespaces.ts';
import { until, within } from '../peers/deadline.ts';
import { component, fakeWorld, field, topic, verdictOf } from './fake-world.ts';
import type { Worker } from 'node:worker_threads';
import type { FakeWorld } from './fake-world.ts';
import type { Behaviour } from '../../src/fake/gateway-script.ts';

const iphone = 'a1'.repeat(32);
const android = 'fcm-android:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx';

interface Family {
  readonly name: string;
  readonly command: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly service: 'apns' | 'fcm';
  readonly topic?: string;
}

const families: readonly Family[] = [
  {
    name: 'Conversations',
    command: 'register-push-fcm',
    fields: { token: android, 'android-id': '92afd7a91cdba9a0' },
    service: 'fcm',
  },
  {
    name: 'Monal and others with an APNs app server',
    command: 'register-push-apns',
    fields: { token: iphone, 'device-id': 'iphone-1', 'device-name': 'An iPhone' },
    service: 'apns',
  },
  {
    name: 'p2',
    command: 'v1-register-push',
    fields: { type: 'apns', token: iphone, node: 'iphone-1' },
    service: 'apns',
  },
  {
    name: 'Siskin and Snikket',
    command: 'register-device',
    fields: { provider: 'tigase:messenger:apns:1', 'device-token': iphone },
    service: 'apns',
  },
  {
    name: 'a client that says base64',
    command: 'register-push-apns',
    fields: { token: Buffer.from(iphone, 'hex').toString('base64'), 'device-id': 'iphone-1' },
    service: 'apns',
  },
  {
    name: 'a client of the older name of Google',
    command: 'register-push-gcm',
    fields: { token: android, 'device-id': 'phone-1' },
    service: 'fcm',
  },
];

async function only(world: FakeWorld, service: 'apns' | 'fcm') {
  const items = await within(`${service} receives one`, world[service].received.waitFor(1));
  const [item] = items;
  assert.ok(item !== undefined);
  return item;
}

describe('what clients register', { timeout: 60_000 }, () => {
  for (const family of families) {
    it(`5.36 ${family.name}: the publish reaches the registered token with its text`, async (t) => {
      const world = await fakeWorld(t);
      const answer = await world.command(family.command, family.fields);
      assert.equal(answer.kind, 'result', JSON.stringify(answer));
      const target = registeredTarget(answer.xml);
      assert.ok(target !== null, answer.xml);
      const { node, secret } = target;
      const sender = 'boris@example.com';
      const published = await world.server.publish({ node, secret, body: 'See you at eight', sender });
      assert.equal(verdictOf(published), 'result');
      const received = await only(world, family.service);
      assert.equal(received.deviceToken, family.service === 'apns' ? iphone : android);
      assert.equal(received.status, 200);
      assert.match(received.payload, /See you at eight/);
      assert.match(received.payload, /boris@example\.com/);
      if (family.service === 'apns') assert.equal(received.fields['apns-topic'], topic);
      const other = world[family.service === 'apns' ? 'fcm' : 'apns'];
      assert.equal(other.received.total, 0);
    });
  }
});

interface Ending {
  readonly what: string;
  readonly behaviour: Behaviour;
  /** For every request, or for the next one only. */
  readonly lasts: 'always' | 'once';
  readonly verdict: string;
}

const reject = (status: number, reason: string, fields: Readonly<Record<string, string>> = {}): Behaviour => ({
  ...{ kind: 'reject', status, reason, fields },
});
const transient = 'wait/service-unavailable';
const refused = 'wait/internal-server-error';

const apnsEndings: readonly Ending[] = [
  { what: 'takes it', behaviour: { kind: 'accept' }, lasts: 'always', verdict: 'result' },
  { what: 'says BadDeviceToken', behaviour: reject(400, 'BadDeviceToken'), lasts: 'always', verdict: refused },
  { what: 'says BadTopic', behaviour: reject(400, 'BadTopic'), lasts: 'always', verdict: refused },
  { what: 'says PayloadTooLarge', behaviour: reject(413, 'PayloadTooLarge'), lasts: 'always', verdict: refused },
  {
    what: 'says 429',
    behaviour: reject(429, 'TooManyRequests', { 'retry-after': '60' }),
    lasts: 'always',
    verdict: transient,
  },
  { what: 'says 500', behaviour: reject(500, 'InternalServerError'), lasts: 'always', verdict: transient },
  { what: 'says 503 once', behaviour: reject(503, 'ServiceUnavailable'), lasts: 'once', verdict: 'result' },
  { what: 'goes on saying 503', behaviour: reject(503, 'ServiceUnavailable'), lasts: 'always', verdict: transient },
  { what: 'goes on saying 403', behaviour: reject(403, 'InvalidProviderToken'), lasts: 'always', verdict: transient },
  { what: 'never answers', behaviour: { kind: 'stall', answerAfterMs: 0 }, lasts: 'always', verdict: transient },
  {
    what: 'answers late, but in time',
    behaviour: { kind: 'stall', answerAfterMs: 200 },
    lasts: 'always',
    verdict: 'result',
  },
  { what: 'refuses the stream once', behaviour: { kind: 'refuse-stream' }, lasts: 'once', verdict: 'result' },
  {
    what: 'cuts the connection unread once',
    behaviour: { kind: 'drop', request: 'unread' },
    lasts: 'once',
    verdict: 'result',
  },
  { what: 'cuts the connection once', behaviour: { kind: 'drop', request: 'read' }, lasts: 'once', verdict: 'result' },
  { what: 'cuts every connection', behaviour: { kind: 'drop', request: 'read' }, lasts: 'always', verdict: transient },
  {
    what: 'sends GOAWAY below the request',
    behaviour: { kind: 'goaway', code: 0, debug: '', last: 'before', open: 'finish' },
    lasts: 'once',
    verdict: 'result',
  },
  {
    what: 'sends GOAWAY and finishes the request',
    behaviour: { kind: 'goaway', code: 0, debug: '', last: 'this', open: 'finish' },
    lasts: 'once',
    verdict: 'result',
  },
  {
    what: 'says nonsense',
    behaviour: { kind: 'malformed', status: 400, body: '<html>' },
    lasts: 'always',
    verdict: refused,
  },
];

const fcmEndings: readonly Ending[] = [
  { what: 'takes it', behaviour: { kind: 'accept' }, lasts: 'always', verdict: 'result' },
  { what: 'says NOT_FOUND', behaviour: reject(404, 'NOT_FOUND'), lasts: 'always', verdict: refused },
  { what: 'says SENDER_ID_MISMATCH', behaviour: reject(403, 'SENDER_ID_MISMATCH'), lasts: 'always', verdict: refused },
  // Of one device: that of the project would stop all that follows for a minute.
  {
    what: 'says QUOTA_EXCEEDED',
    behaviour: reject(429, 'QUOTA_EXCEEDED device'),
    lasts: 'always',
    verdict: transient,
  },
  {
    what: 'says UNAVAILABLE',
    behaviour: reject(503, 'UNAVAILABLE', { 'retry-after': '30' }),
    lasts: 'always',
    verdict: transient,
  },
  { what: 'says INTERNAL', behaviour: reject(500, 'INTERNAL'), lasts: 'always', verdict: transient },
  { what: 'refuses the credential once', behaviour: reject(401, 'UNAUTHENTICATED'), lasts: 'once', verdict: 'result' },
  { what: 'never answers', behaviour: { kind: 'stall', answerAfterMs: 0 }, lasts: 'always', verdict: transient },
];

describe('how a publish ends', { timeout: 120_000 }, () => {
  for (const [service, endings] of [
    ['apns', apnsEndings],
    ['fcm', fcmEndings],
  ] as const) {
    it(`3.6 ${service}: every end has its answer, and the next publish gets through`, async (t) => {
      const world = await fakeWorld(t);
      const target = await world.device(service, service === 'apns' ? iphone : android);
      for (const { what, behaviour, lasts, verdict } of endings) {
        world[service].script(lasts === 'once' ? { kind: 'next', count: 1, behaviour } : { kind: 'all', behaviour });
        assert.equal(await world.publish(target), verdict, `${service} ${what}`);
        world[service].script({ kind: 'reset' });
        // Where connections were cut one after the other, the engine waits a little before it opens the next.
        const next = await until(`${service} gets through after it ${what}`, async () =>
          (await world.publish(target)) === 'result' ? true : undefined,
        );
        assert.ok(next);
      }
      assert.equal(world.server.counters.unasked, 0);
    });
  }

  it('4.20 a dead token is cancel/item-not-found, and from then on no gateway is asked', async (t) => {
    const world = await fakeWorld(t);
    const [apple, google] = [await world.device('apns', iphone), await world.device('fcm', android)];
    world.apns.unregister(iphone, Date.now() + 60_000);
    world.fcm.unregister(android);
    assert.equal(await world.publish(apple), 'cancel/item-not-found');
    assert.equal(await world.publish(google), 'cancel/item-not-found');
    assert.equal(await world.publish(apple), 'cancel/item-not-found');
    assert.equal(await world.publish(google), 'cancel/item-not-found');
    assert.deepEqual([world.apns.received.total, world.fcm.received.total], [1, 1]);
  });

  it('a token that Apple calls expired is renewed, and the same publish goes through with the new one', async (t) => {
    const world = await fakeWorld(t);
    const target = await world.device('apns', iphone);
    assert.equal(await world.publish(target), 'result');
    world.skip(1_201_000); // a token younger than 20 minutes is not renewed: Apple counts updates (3.5)
    const openedMs = performance.now();
    const isOld = (): true | undefined => performance.now() - openedMs > limits.gatewayRenewGapMs || undefined;
    await until('the connection is old enough to be given up', isOld);
    world.apns.script({ kind: 'next', count: 1, behaviour: reject(403, 'ExpiredProviderToken') });
    assert.equal(await world.publish(target), 'result');
    const tokens = world.apns.received.items.map(({ fields }) => fields['authorization']);
    assert.equal(tokens.length, 3);
    assert.equal(tokens[0], tokens[1]);
    assert.notEqual(tokens[1], tokens[2]);
    assert.deepEqual(
      world.apns.received.items.map(({ connection }) => connection),
      [1, 1, 2],
    );
  });

  for (const [what, behaviour] of [
    ['is ill', reject(500, 'internal_failure')],
    ['refuses the account', reject(400, 'invalid_grant')],
  ] as const) {
    it(`Google's token endpoint ${what}: the publish waits, Google is not asked, and all is well later`, async (t) => {
      const world = await fakeWorld(t, { before: ({ oauth }) => oauth.script({ kind: 'all', behaviour }) });
      const target = await world.device('fcm', android);
      assert.equal(await world.publish(target), transient);
      assert.equal(world.fcm.received.total, 0);
      const apple = await world.device('apns', iphone);
      assert.equal(await world.publish(apple), 'result', 'the other gateway is not touched');
      world.oauth.script({ kind: 'reset' });
      await until('Google is reached', async () => ((await world.publish(target)) === 'result' ? true : undefined));
    });
  }
});

/** As MongooseIM publishes for a node of `mod_push_service`: the device travels with every publish. */
function mongooseStanza(id: string, node: string, options: Readonly<Record<string, string>>): string {
  const parts = { id, from: 'example.com', to: component, node, secret: '', body: 'Hi', messageCount: 3 };
  const fields = Object.entries(options).map(([name, value]) => field(name, value));
  const form =
    `<publish-options><x type='submit' xmlns='${ns.data}'>${field('FORM_TYPE', ns.pubsubPublishOptions)}` +
    `${fields.join('')}</x></publish-options></pubsub></iq>`;
  return publishText('prosody', { ...parts, sender: 'juliet@capulet.example' }).replace('</pubsub></iq>', form);
}

async function mongooseNode(world: FakeWorld): Promise<string> {
  const id = world.server.newId();
  const answer = await world.server.request(
    id,
    `<iq type='set' id='${id}' from='anna@example.com/phone' to='${component}'>` +
      `<pubsub xmlns='${ns.pubsub}'><create node='annas-phone'/></pubsub></iq>`,
  );
  assert.equal(answer.kind, 'result', JSON.stringify(answer));
  return 'annas-phone';
}

async function mongoosePublish(world: FakeWorld, node: string, options: Readonly<Record<string, string>>) {
  const id = world.server.newId();
  return world.server.request(id, mongooseStanza(id, node, options));
}

describe('MongooseIM and MongoosePush', { timeout: 60_000 }, () => {
  it('4.3 an alert and a silent publish have the bodies that MongooseIM sends to v3', async (t) => {
    const world = await fakeWorld(t, { errorProfile: 'mongooseim', mongoosePush: true });
    const node = await mongooseNode(world);
    const alert = {
      ...{ service: 'apns', device_id: iphone, mode: 'dev', priority: 'high', topic },
      ...{ click_action: 'open', sound: 'default' },
    };
    assert.equal(verdictOf(await mongoosePublish(world, node, alert)), 'result');
    const silent = { service: 'fcm', device_id: android, silent: 'true' };
    assert.equal(verdictOf(await mongoosePublish(world, node, silent)), 'result');
    const [first, second] = world.mongoosePush.received.items;
    assert.deepEqual([first?.version, first?.deviceId, second?.deviceId], ['v3', iphone, android]);
    const { time_to_live: firstLife, ...firstBody } = parsed(first?.payload);
    assert.deepEqual(firstBody, {
      ...{ service: 'apns', mode: 'dev', priority: 'high', topic },
      alert: {
        ...{ title: 'juliet@capulet.example', tag: 'juliet@capulet.example', body: 'Hi', badge: 3 },
        ...{ click_action: 'open', sound: 'default' },
      },
    });
    const { time_to_live: secondLife, ...secondBody } = parsed(second?.payload);
    assert.deepEqual(secondBody, {
      service: 'fcm',
      data: {
        'message-count': 3,
        'last-message-sender': 'juliet@capulet.example',
        'last-message-body': 'Hi',
      },
    });
    for (const life of [firstLife, secondLife]) assert.ok(life === undefined || Number.isSafeInteger(life));
  });

  it('4.4 a 410 is device-not-registered; every other failure keeps the registration', async (t) => {
    const world = await fakeWorld(t, { errorProfile: 'mongooseim', mongoosePush: true });
    const node = await mongooseNode(world);
    const options = { service: 'apns', device_id: iphone };
    world.mongoosePush.unregister(iphone);
    const dead = await mongoosePublish(world, node, options);
    assert.equal(verdictOf(dead), 'cancel/not-acceptable');
    assert.ok(dead.kind === 'error' && dead.xml.includes('<device-not-registered'), JSON.stringify(dead));
    const living = { service: 'apns', device_id: 'b2'.repeat(32) };
    world.mongoosePush.script({ kind: 'all', behaviour: reject(400, 'BadDeviceToken') });
    assert.equal(verdictOf(await mongoosePublish(world, node, living)), refused);
    world.mongoosePush.script({ kind: 'all', behaviour: { kind: 'stall', answerAfterMs: 0 } });
    assert.equal(verdictOf(await mongoosePublish(world, node, living)), refused);
    world.mongoosePush.script({ kind: 'reset' });
    assert.equal(verdictOf(await mongoosePublish(world, node, living)), 'result');
  });

  it('4.3 a publish without a device is precondition-not-met', async (t) => {
    const world = await fakeWorld(t, { errorProfile: 'mongooseim', mongoosePush: true });
    const answer = await mongoosePublish(world, await mongooseNode(world), { service: 'apns' });
    assert.ok(answer.kind === 'error' && answer.xml.includes('<precondition-not-met'), JSON.stringify(answer));
    assert.equal(world.mongoosePush.received.total, 0);
  });
});

function parsed(text: string | undefined): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text ?? '');
  assert.ok(typeof value === 'object' && value !== null);
  return { ...value };
}

describe('an engine in trouble', { timeout: 60_000 }, () => {
  it('a publishing thread that dies: what it held has an answer, and another takes its place', async (t) => {
    const threads: Worker[] = [];
    const seen = (worker: Worker): void => void threads.push(worker);
    process.on('worker', seen);
    t.after(() => process.off('worker', seen));
    const world = await fakeWorld(t);
    const target = await world.device('apns', iphone);
    assert.equal(await world.publish(target), 'result');
    world.apns.script({ kind: 'all', behaviour: { kind: 'stall', answerAfterMs: 0 } });
    const before = world.apns.received.total;
    const held = Promise.all(Array.from({ length: 20 }, () => world.publish(target)));
    await within('all are in flight', world.apns.received.waitFor(before + 20));
    const [thread] = threads;
    assert.ok(thread !== undefined);
    const gone = once(thread, 'exit');
    await thread.terminate();
    await gone;
    world.apns.script({ kind: 'reset' });
    // Each has a collapse id: the new thread may send it once more, or its time is over.
    for (const verdict of await held) assert.ok(['result', transient].includes(verdict), verdict);
    assert.equal(await world.publish(target), 'result');
    assert.equal(threads.length, 2);
    const [figures] = world.engine.figures().dispatchers;
    assert.deepEqual([figures?.overdue, figures?.inFlight], [0, 0]);
  });

  it('stop in the middle of traffic answers everything that was asked', async (t) => {
    const world = await fakeWorld(t);
    const targets = [await world.device('apns', iphone), await world.device('fcm', android)];
    const random = seededRandom(3);
    const traffic = new Traffic({ profile: 'ejabberd', domain: 'example.com', component, random });
    traffic.use(targets);
    world.apns.script({ kind: 'share', share: 0.5, behaviour: { kind: 'stall', answerAfterMs: 400 } });
    const count = 3_000;
    const load = { count, durationMs: 0, ratePerSecond: 0, inFlightMax: count, batchMax: 256, settleMs: 4_000 };
    const fired = world.server.fire(load, (id) => traffic.publish(id));
    await until('all are sent', () => (world.server.progress?.sent === count ? true : undefined));
    await world.engine.stop();
    const report = await within('every answer', fired);
    assert.equal(report.lost, 0);
    assert.deepEqual(
      Object.keys(report.errors).filter((type) => type !== 'wait'),
      [],
    );
    assert.equal(report.results + (report.errors['wait'] ?? 0), count);
    assert.equal(world.server.counters.unasked, 0);
  });
});
