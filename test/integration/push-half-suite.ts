/**
 * What must hold with every real server that delegates push registrations, from a client's `<enable/>` to the gateway:
 * the engine that keeps, decides and publishes is a whole one.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { until } from '../peers/deadline.ts';
import { apnsTopic } from '../peers/push-gateways.ts';
import { mongooseTopic, pushHalfWorld } from '../peers/push-half-world.ts';
import { shapeOf } from '../peers/push-service.ts';
import { apnsToken, fcmToken } from '../peers/push-world.ts';
import { parseXml } from '../parse-xml.ts';
import { ns } from '../../src/xmpp/namespaces.ts';
import { stanzaErrors } from '../../src/xmpp/stanza-errors.ts';
import type { EventResult } from '../../src/index.ts';
import type { StartServer } from '../peers/push-half-world.ts';
import type { RealServer } from '../peers/real-server.ts';

/** Each publish as `node: outcome`, or why there is none. */
function endsOf(result: EventResult): readonly string[] | string {
  if (result.kind === 'pushed') return result.publishes.map(({ node, outcome }) => `${node}: ${outcome.kind}`).sort();
  return result.kind === 'skipped' || result.kind === 'refused' ? `${result.kind}: ${result.reason}` : result.kind;
}

const chat = (id: string, body = 'Wherefore art thou?') => ({ type: 'chat', id, body }) as const;

export function pushHalfSuite(start: StartServer, kind: RealServer['kind']): void {
  const withoutPrivilege = (): { speaks: boolean } => ({ speaks: false });

  it('mongooseim 4.2: devices in the options of our own domain reach Apple, Google and MongoosePush', async (t) => {
    const { server, gateways, mongoose, bobAsleep, tell, rows } = await pushHalfWorld(t, start);
    const [apple, google, goose] = [apnsToken(), fcmToken(), apnsToken()];
    const jid = server.componentDomain;
    await bobAsleep(async (bob) => {
      const apns = { service: 'apns', device_id: apple, topic: apnsTopic };
      await bob.enablePush({ jid, node: 'apple', options: apns });
      await bob.enablePush({ jid, node: 'google', options: { service: 'fcm', device_id: google } });
      const through = { service: 'apns', device_id: goose, topic: mongooseTopic };
      await bob.enablePush({ jid, node: 'goose', options: through });
    });
    assert.equal((await rows()).length, 3);
    assert.deepEqual(endsOf(await tell(chat('m1'))), ['apple: accepted', 'google: accepted', 'goose: accepted']);
    const [toApple] = gateways.apns().received.items;
    const [toGoogle] = gateways.fcm.received.items;
    const [toGoose] = mongoose.received.items;
    assert.deepEqual([toApple?.deviceToken, toApple?.fields['apns-topic']], [apple, apnsTopic]);
    assert.deepEqual([toGoogle?.deviceToken, toGoose?.deviceId, toGoose?.version], [google, goose, 'v3']);
    for (const payload of [toApple?.payload, toGoogle?.payload, toGoose?.payload]) {
      assert.match(payload ?? '', /Wherefore art thou\?/);
      assert.match(payload ?? '', new RegExp(`alice@${server.domain}`));
    }

    assert.equal(endsOf(await tell(chat('m1'))), 'skipped: the message has been pushed already');
    gateways.apns().unregister(apple, Date.now());
    mongoose.unregister(goose);
    assert.deepEqual(endsOf(await tell(chat('m2'))), [
      'apple: unregistered',
      'google: accepted',
      'goose: unregistered',
    ]);
    await until('the dead are removed', async () => ((await rows()).length === 1 ? true : undefined));
    assert.deepEqual(endsOf(await tell(chat('m3'))), ['google: accepted']);
  });

  it('5.36 a node of register-push is pushed with its secret, and not without', async (t) => {
    const { server, gateways, bobAsleep, tell, rows } = await pushHalfWorld(t, start);
    const token = apnsToken();
    let node = '';
    await bobAsleep(async (bob) => {
      const target = await bob.registerApns(server.componentDomain, token, 'iphone');
      node = target.node;
      await bob.enablePush(target);
    });
    assert.deepEqual(endsOf(await tell(chat('m1'))), [`${node}: accepted`]);
    assert.equal(gateways.apns().received.items[0]?.deviceToken, token);
    gateways.apns().unregister(token, Date.now());
    assert.deepEqual(endsOf(await tell(chat('m2'))), [`${node}: unregistered`]);
    await until('the dead one is removed', async () => ((await rows()).length === 0 ? true : undefined));
    assert.equal(endsOf(await tell(chat('m3'))), 'skipped: the user has enabled no push service');
  });

  it('4.47 a node of register-push whose secret is wrong is given up after two refusals', async (t) => {
    const { server, gateways, bobAsleep, tell, rows } = await pushHalfWorld(t, start);
    await bobAsleep(async (bob) => {
      const target = await bob.registerApns(server.componentDomain, apnsToken(), 'iphone');
      await bob.enablePush({ ...target, options: { secret: 'guessed' } });
    });
    const [row] = await rows();
    assert.deepEqual(endsOf(await tell(chat('m1'))), [`${row?.node}: rejected`]);
    assert.equal((await rows()).length, 1);
    assert.deepEqual(endsOf(await tell(chat('m2'))), [`${row?.node}: unregistered`]);
    await until('it is removed', async () => ((await rows()).length === 0 ? true : undefined));
    assert.equal(gateways.apns().received.total, 0);
  });

  it("mongooseim 2.10: somebody else's push service is published to, and is asked to by its own words", async (t) => {
    const { server, tap, openService, bobAsleep, tell } = await pushHalfWorld(t, start);
    const service = await openService();
    await bobAsleep((bob) => bob.enablePush({ jid: service.domain, node: 'n1', options: { secret: `s'3&<>` } }));
    const stanza =
      `<message from='alice@${server.domain}/phone' to='bob@${server.domain}/phone' type='chat' id='m1'>` +
      `<body>Ready &amp; willing</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>`;
    assert.deepEqual(endsOf(await tell({ stanza, userStatus: 'offline' })), ['n1: accepted']);
    const payload = publishOf(`alice@${server.domain}`, 'Ready &amp; willing');
    assert.equal(tap.said(payload), 1, `${payload}\n${tap.tail()}`);
    assert.deepEqual(service.payloads, [shapeOf(parseXml(payload))]);
    assert.deepEqual(service.publishers, [kind === 'prosody' ? `bob@${server.domain}` : server.componentDomain]);
  });

  it('5.51 a push service that is away costs nobody his registration, and is found again', async (t) => {
    const { tap, openService, bobAsleep, tell, rows } = await pushHalfWorld(t, start, withoutPrivilege);
    const service = await openService();
    await bobAsleep((bob) => bob.enablePush({ jid: service.domain, node: 'n1', options: {} }));
    await service.close();
    // Each is another message; nobody waits for the end of one, which may be tried again for a while.
    let told = 0;
    const reasons: string[] = [];
    const tellMore = (): void => {
      void tell(chat(`m${++told}`)).then((result) => reasons.push(reasonOf(result)));
    };
    await until('events find it left alone', () => {
      tellMore();
      return reasons.filter((reason) => reason.includes('left alone')).length >= 10 ? true : undefined;
    });
    assert.ok(tap.said('<publish node=') < told, 'an outage keeps publishes back');
    assert.equal((await rows()).length, 1);
    const back = await openService();
    await until('it is published to again', () => {
      tellMore();
      return back.publishers.length > 0 && reasons.includes('accepted') ? true : undefined;
    });
    assert.equal((await rows()).length, 1);
  });

  it('mongooseim 2.11: definite refusals by a push service end the registration, one alone does not', async (t) => {
    const { openService, bobAsleep, tell, rows } = await pushHalfWorld(t, start, withoutPrivilege);
    const service = await openService();
    await bobAsleep((bob) => bob.enablePush({ jid: service.domain, node: 'n1', options: {} }));
    service.refusal = stanzaErrors.itemNotFound;
    assert.deepEqual(endsOf(await tell(chat('m1'))), ['n1: rejected']);
    service.refusal = undefined;
    assert.deepEqual(endsOf(await tell(chat('m2'))), ['n1: accepted']);
    service.refusal = stanzaErrors.itemNotFound;
    assert.deepEqual(endsOf(await tell(chat('m3'))), ['n1: rejected']);
    assert.equal((await rows()).length, 1);
    assert.deepEqual(endsOf(await tell(chat('m4'))), ['n1: unregistered']);
    await until('it is removed', async () => ((await rows()).length === 0 ? true : undefined));
  });

  if (kind === 'prosody') {
    it('6.40 refusals that come back through a privilege have no cause, and end nothing', async (t) => {
      const { openService, bobAsleep, tell, rows } = await pushHalfWorld(t, start);
      const service = await openService();
      await bobAsleep((bob) => bob.enablePush({ jid: service.domain, node: 'n1', options: {} }));
      service.refusal = stanzaErrors.itemNotFound;
      for (const id of ['m1', 'm2', 'm3']) assert.deepEqual(endsOf(await tell(chat(id))), ['n1: unavailable']);
      await service.close();
      for (const id of ['m4', 'm5', 'm6']) assert.deepEqual(endsOf(await tell(chat(id))), ['n1: unavailable']);
      assert.equal((await rows()).length, 1);
    });
  }

  it('6.30 a client that is there gets no push; when it has gone it does, until it disables', async (t) => {
    const { server, gateways, user, tell } = await pushHalfWorld(t, start);
    const bob = await user('bob');
    const device = { service: 'apns', device_id: apnsToken(), topic: apnsTopic };
    const jid = server.componentDomain;
    await bob.enablePush({ jid, node: 'n1', options: device });
    const unsaid = { userStatus: 'unknown' } as const;
    await until('it is known that he is there', async () =>
      (await tell({ ...chat(''), ...unsaid, body: 'x' })).kind === 'skipped' ? true : undefined,
    );
    const sent = gateways.apns().accepted;
    assert.equal((await tell({ ...chat('m1'), ...unsaid })).kind, 'skipped');
    await bob.becomesUnavailable();
    await until('it is known that he has gone', async () =>
      endsOf(await tell({ ...chat('m2'), ...unsaid }))[0] === 'n1: accepted' ? true : undefined,
    );
    assert.equal(gateways.apns().accepted, sent + 1);
    await bob.disablePush(jid, 'n1');
    assert.equal(endsOf(await tell(chat('m3'))), 'skipped: the user has enabled no push service');
  });

  it('1.40 and 9.5.20 registrations outlive the stream and the engine, and clients can enable again', async (t) => {
    const world = await pushHalfWorld(t, start);
    const { server, tap, user, tell, rows } = world;
    const bob = await user('bob');
    const jid = server.componentDomain;
    const enable = (node: string): Promise<void> =>
      bob.enablePush({ jid, node, options: { service: 'fcm', device_id: fcmToken() } });
    await enable('n1');
    tap.cut(false);
    await tap.untilOnline(2);
    await world.untilDelegated();
    assert.deepEqual(endsOf(await tell(chat('m1'))), ['n1: accepted']);
    await until('he can enable after the stream was cut', async () => {
      await enable('n2');
      return true;
    });
    await world.restartEngine();
    assert.equal((await rows()).length, 2);
    assert.deepEqual(endsOf(await tell(chat('m2'))), ['n1: accepted', 'n2: accepted']);
    await until('he can enable after the engine was restarted', async () => {
      await enable('n3');
      return true;
    });
    assert.deepEqual(endsOf(await tell(chat('m3'))), ['n1: accepted', 'n2: accepted', 'n3: accepted']);
  });

  it('5.52 and 3.12 the account shows the feature, and a push service may take an affiliation back', async (t) => {
    const { server, openService, user, tell, rows } = await pushHalfWorld(t, start);
    const service = await openService();
    const bob = await user('bob');
    await until('the account shows it', async () =>
      (await bob.features(bob.bareJid)).includes(ns.push) ? true : undefined,
    );
    for (const node of ['n1', 'n2']) await bob.enablePush({ jid: service.domain, node, options: {} });
    const revoke = (node: string, from: string): void =>
      service.say(
        `<message from='${from}' to='${server.componentDomain}'><pubsub xmlns='${ns.pubsub}' node='${node}'>` +
          `<affiliation jid='${bob.bareJid}' affiliation='none'/></pubsub></message>`,
      );
    revoke('n2', `other@${service.domain}`); // not the address that was enabled
    revoke('n1', service.domain);
    await until('it is heard', async () => ((await rows()).length === 1 ? true : undefined));
    assert.deepEqual(endsOf(await tell(chat('m1'))), ['n2: accepted']);
  });
}

function reasonOf(result: EventResult): string {
  const outcome = result.kind === 'pushed' ? result.publishes[0]?.outcome : undefined;
  return outcome === undefined ? '' : 'reason' in outcome ? outcome.reason : outcome.kind;
}

function publishOf(sender: string, body: string): string {
  const field = (name: string, value: string): string => `<field var='${name}'><value>${value}</value></field>`;
  const form = (type: string): string =>
    `<x xmlns='${ns.data}' type='submit'><field type='hidden' var='FORM_TYPE'><value>${type}</value></field>`;
  return (
    `<pubsub xmlns='${ns.pubsub}'><publish node='n1'><item><notification xmlns='${ns.push}'>` +
    `${form('urn:xmpp:push:summary')}${field('message-count', '1')}${field('last-message-sender', sender)}` +
    `${field('last-message-body', body)}</x></notification></item></publish><publish-options>` +
    `${form('http://jabber.org/protocol/pubsub#publish-options')}${field('secret', 's&apos;3&amp;&lt;&gt;')}</x>` +
    `</publish-options></pubsub>`
  );
}
