/**
 * What must hold with every real server, with the engine between it and the fakes of Apple and Google.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { until, within } from '../peers/deadline.ts';
import { appleReceived, apnsToken, fcmToken, pushWorld } from '../peers/push-world.ts';
import { apnsTopic } from '../peers/push-gateways.ts';
import { XmppUser } from '../peers/xmpp-user.ts';
import type { RealServer, RealServerOptions } from '../peers/real-server.ts';

type Start = (options: RealServerOptions) => Promise<RealServer>;

/** @param errorsMax after how many errors in a row the server drops a registration, as started here. */
export function realServerSuite(start: Start, errorsMax: number): void {
  const options: RealServerOptions = { pushMaxErrors: errorsMax };

  it('9.5.1 a message for an offline user reaches his iPhone and his Android phone', async (t) => {
    const world = await pushWorld(t, start, { ...options, includeBody: true, includeSender: true });
    const { server, gateways, asleep, write } = world;
    const tokens = { apns: apnsToken(), fcm: fcmToken() };
    await asleep('bob', async (bob) => {
      await bob.enablePush(await bob.registerApns(server.componentDomain, tokens.apns, 'iphone'));
      await bob.enablePush(await bob.registerFcm(server.componentDomain, tokens.fcm, '92afd7a91cdba9a0'));
    });
    await write('Wherefore art thou, Romeo?');
    const [apple] = await appleReceived(world, 1);
    assert.equal(apple?.token, tokens.apns);
    assert.equal(apple?.topic, apnsTopic);
    assert.match(JSON.stringify(apple?.payload), /Wherefore art thou, Romeo\?/);
    assert.match(JSON.stringify(apple?.payload), new RegExp(`alice@${server.domain}`));
    const [google] = await within('Google receives 1', gateways.fcm.received.waitFor(1));
    assert.equal(google?.deviceToken, tokens.fcm);
    assert.equal(google?.status, 200);
    assert.match(google?.payload ?? '', /Wherefore art thou, Romeo\?/);
    assert.equal(await server.pushRegistrations('bob'), 2);
  });

  it('5.37 registering a device again keeps node and secret, and the new token replaces the old', async (t) => {
    const world = await pushWorld(t, start, options);
    const { server, asleep, write } = world;
    const renewed = apnsToken();
    await asleep('bob', async (bob) => {
      const target = await bob.registerApns(server.componentDomain, apnsToken(), 'iphone');
      await bob.enablePush(target);
      assert.deepEqual(await bob.registerApns(server.componentDomain, renewed, 'iphone'), target);
    });
    await write('hello');
    await write('are you there?');
    const received = await appleReceived(world, 2);
    assert.deepEqual(
      received.map(({ token }) => token),
      [renewed, renewed],
    );
  });

  it('9.5.4 a token the gateway calls dead ends the registration at the server', async (t) => {
    const { server, gateways, tap, bobAsleep, write } = await pushWorld(t, start, options);
    const { token, target } = await bobAsleep();
    gateways.apns().unregister(token, Date.now());
    for (let errors = 1; errors <= errorsMax; errors++) {
      assert.equal(await server.pushRegistrations('bob'), 1);
      await write('hello');
      await tap.untilSaid("type='cancel'", errors);
    }
    await until('the server has dropped the registration', async () =>
      (await server.pushRegistrations('bob')) === 0 ? true : undefined,
    );
    assert.equal(tap.said('<item-not-found'), errorsMax);
    await write('nobody hears this');
    assert.equal(tap.publishes(target.node), errorsMax);
  });

  const troubles = [
    { what: 'throttles', behaviour: { kind: 'reject', status: 429, reason: 'TooManyRequests' } },
    { what: 'is ill', behaviour: { kind: 'reject', status: 503, reason: 'ServiceUnavailable' } },
    { what: 'stalls', behaviour: { kind: 'stall', answerAfterMs: 0 } },
    { what: 'refuses the payload', behaviour: { kind: 'reject', status: 400, reason: 'BadTopic' } },
  ] as const;
  for (const { what, behaviour } of troubles) {
    it(`9.5.6 a gateway that ${what} costs nobody his registration`, async (t) => {
      const { server, gateways, tap, bobAsleep, write, untilApple } = await pushWorld(t, start, options);
      await bobAsleep();
      gateways.apns().script({ kind: 'all', behaviour });
      for (let sent = 1; sent <= errorsMax + 1; sent++) {
        await write('hello');
        await tap.untilSaid("type='wait'", sent);
      }
      assert.equal(tap.said("type='cancel'"), 0);
      assert.equal(await server.pushRegistrations('bob'), 1);
      gateways.apns().script({ kind: 'reset' });
      await write('you are back');
      await untilApple(1);
    });
  }

  it('9.5.6 a gateway that is down costs nobody his registration, and is found again', async (t) => {
    const { server, gateways, tap, bobAsleep, write } = await pushWorld(t, start, options);
    await bobAsleep();
    await gateways.fellApns();
    for (let sent = 1; sent <= errorsMax + 1; sent++) {
      await write('hello');
      await tap.untilSaid("type='wait'", sent);
    }
    assert.equal(tap.said("type='cancel'"), 0);
    assert.equal(await server.pushRegistrations('bob'), 1);
    await gateways.raiseApns();
    // The engine backs off from a dead address; a message in that time is answered `wait` like the others.
    await until('a message is pushed again', async () => {
      await write('are you back?');
      return gateways.apns().accepted > 0 ? true : undefined;
    });
    assert.equal(await server.pushRegistrations('bob'), 1);
  });

  it('4.1 a node made by pubsub is pushed with the device that the publish-options name', async (t) => {
    const world = await pushWorld(t, start, options);
    const { server, asleep, write } = world;
    const token = apnsToken();
    const node = await asleep('bob', async (bob) => {
      const name = await bob.createPushNode(server.componentDomain, 'bobs-iphone');
      const device = { service: 'apns', device_id: token, topic: apnsTopic };
      await bob.enablePush({ jid: server.componentDomain, node: name, options: device });
      return name;
    });
    await write('hello');
    const [apple] = await appleReceived(world, 1);
    assert.equal(apple?.token, token);
    assert.equal(apple?.topic, apnsTopic);
    assert.equal(world.tap.publishes(node), 1);
  });

  it('4.47 a publish with the wrong secret reaches no gateway', async (t) => {
    const { server, gateways, tap, asleep, write } = await pushWorld(t, start, options);
    await asleep('bob', async (bob) => {
      const target = await bob.registerApns(server.componentDomain, apnsToken(), 'iphone');
      await bob.enablePush({ ...target, options: { secret: 'guessed' } });
    });
    await write('hello');
    await tap.untilSaid('<item-not-found');
    assert.equal(gateways.apns().received.total, 0);
  });

  it('1.13 a wrong component secret is told to the operator, and the server is not hammered', async (t) => {
    const { startEngine, log, tap } = await pushWorld(t, start, { ...options, engine: 'none' });
    await startEngine({ componentSecret: 'wrong', online: false });
    await until('the log names the reason', () => (/error .*not-authorized/.test(log()) ? true : undefined));
    assert.equal(tap.said('<handshake>'), 1);
  });

  it('9.5.15 a phone that vanished without a word is pushed', async (t) => {
    const world = await pushWorld(t, start, options);
    const { server, write } = world;
    await XmppUser.register(server, 'bob');
    const token = apnsToken();
    const bob = await XmppUser.connect(server, 'bob');
    await bob.enablePush(await bob.registerApns(server.componentDomain, token, 'iphone'));
    await bob.vanish();
    await write('are you there?');
    const [apple] = await appleReceived(world, 1);
    assert.equal(apple?.token, token);
  });
}
