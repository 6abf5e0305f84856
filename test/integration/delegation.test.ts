/**
 * Meerkat as the one who keeps the push registrations of a real server's users (XEP-0355, XEP-0356): real clients ask
 * their own server, which asks us.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../peers/deadline.ts';
import { delegationWorld } from '../peers/delegation-world.ts';
import { ejabberdAbsent, startEjabberd } from '../peers/ejabberd.ts';
import { prosodyAbsent, startProsody } from '../peers/prosody.ts';
import { bareJID } from '../../src/core/jid.ts';
import { ns } from '../../src/xmpp/namespaces.ts';
import { stanzaErrors } from '../../src/xmpp/stanza-errors.ts';
import { xml } from '@xmpp/client';
import type { IqAnswer } from '../../src/event/commands.ts';
import type { BareJID } from '../../src/core/ids.ts';
import type { DelegationWorld } from '../peers/delegation-world.ts';
import type { RealServer, RealServerOptions } from '../peers/real-server.ts';

type Start = (options: RealServerOptions) => Promise<RealServer>;

const enable = (node: string, jid = 'push-5.client.example') => xml('enable', { xmlns: ns.push, jid, node });
const disable = (node?: string) => xml('disable', { xmlns: ns.push, jid: 'push-5.client.example', node });

function delegationSuite(start: Start, kind: RealServer['kind']): void {
  /** Whether the server lets us publish in its users' names: ejabberd only from 24.10 on. */
  const speaks = kind === 'prosody';

  it("6.12 a client's enable reaches us through his server, however he addresses it, and is answered", async (t) => {
    const { notes, server, user } = await delegationWorld(t, start);
    const bob = await user('bob');
    await bob.request('set', undefined, enable('n1'));
    await bob.request('set', bob.bareJid, enable('n2'));
    await bob.request('set', server.domain, enable('n3'));
    await bob.enablePush({ jid: 'push-5.client.example', node: 'n1', options: { secret: `s'3&<>"` } });
    assert.deepEqual(notes.lines, [
      'bob/phone -> push-5.client.example n2',
      'bob/phone -> push-5.client.example n3',
      'bob/phone -> push-5.client.example n1',
    ]);
    assert.deepEqual(notes.rows.at(-1)?.options, [['secret', `s'3&<>"`]]);
  });

  it('6.12 disabling one node, all nodes, and nothing at all', async (t) => {
    const { notes, user } = await delegationWorld(t, start);
    const bob = await user('bob');
    for (const node of ['n1', 'n2', 'n3']) await bob.request('set', undefined, enable(node));
    await bob.request('set', undefined, disable('n1'));
    assert.equal(notes.rows.length, 2);
    await bob.request('set', bob.bareJid, disable());
    assert.equal(notes.rows.length, 0);
    await bob.request('set', undefined, disable());
  });

  it('3.12 and 6.10 the account shows the feature', async (t) => {
    const { server, user } = await delegationWorld(t, start);
    const bob = await user('bob');
    const shown = await until('the account shows the feature', async () => {
      const features = await bob.features(bob.bareJid);
      return features.includes(ns.push) ? features : undefined;
    });
    assert.ok(shown.includes(ns.tigasePriority));
    // For the server itself we claim nothing; ejabberd shows each namespace that it has a handler for.
    assert.equal((await bob.features(server.domain)).includes(ns.push), kind === 'ejabberd');
  });

  it("6.22 nobody enables or disables push for another's account", async (t) => {
    const { notes, server, user } = await delegationWorld(t, start);
    const bob = await user('bob');
    const alice = await user('alice');
    await bob.request('set', undefined, enable('n1'));
    const forbidden = { type: 'auth', condition: 'forbidden' };
    assert.deepEqual(await alice.refusal('set', bob.bareJid, enable('n2')), forbidden);
    assert.deepEqual(await alice.refusal('set', bob.bareJid, disable()), forbidden);
    assert.deepEqual(notes.lines, ['bob/phone -> push-5.client.example n1']);
    assert.equal(server.domain, notes.rows[0]?.owner.split('@')[1]);
  });

  it('9.6-P what is wrong with an enable is told to the client', async (t) => {
    const { notes, user } = await delegationWorld(t, start);
    const bob = await user('bob');
    const badRequest = { type: 'modify', condition: 'bad-request' };
    assert.deepEqual(await bob.refusal('set', undefined, xml('enable', { xmlns: ns.push, node: 'n' })), badRequest);
    assert.deepEqual(await bob.refusal('set', undefined, enable('n', bob.bareJid)), badRequest);
    assert.deepEqual(await bob.refusal('get', undefined, enable('n')), badRequest);
    assert.deepEqual(await bob.refusal('set', undefined, xml('disable', { xmlns: ns.push })), badRequest);
    assert.deepEqual(notes.rows, []);
  });

  it('9.6-L7 a client whose request nobody answers is told to wait', async (t) => {
    const { notes, user } = await delegationWorld(t, start);
    const bob = await user('bob');
    notes.isSilent = true;
    const refused = { type: 'wait', condition: 'remote-server-timeout' };
    assert.deepEqual(await bob.refusal('set', undefined, enable('n1')), refused);
  });

  it('9.5.19 and 9.5.20 while we are away clients are refused; after that all works again', async (t) => {
    const { notes, tap, server, user, router } = await delegationWorld(t, start);
    const bob = await user('bob');
    await bob.request('set', undefined, enable('n1'));
    await until('bob is online', () => (notes.presence.includes('bob/phone online') ? true : undefined));
    tap.cut(true);
    await until('we are away', () => (router.group.online === 0 ? true : undefined));
    assert.deepEqual(notes.resets, [server.domain]);
    assert.deepEqual(await bob.refusal('set', undefined, enable('n2')), {
      type: 'cancel',
      condition: 'service-unavailable',
    });
    tap.restore();
    await tap.untilOnline(2);
    await until('the domain is delegated again', () =>
      router.figures.delegating.includes(server.domain) ? true : undefined,
    );
    await until('bob can enable again', async () => {
      await bob.request('set', undefined, enable('n3'));
      return true;
    });
    assert.equal(notes.lines.at(-1), 'bob/phone -> push-5.client.example n3');
    const told = notes.presence.length;
    await bob.becomes('dnd');
    await until('presence is heard again', () =>
      notes.presence.slice(told).includes('bob/phone online dnd') ? true : undefined,
    );
  });

  it('6.30 we hear which sessions come, go, and are away', async (t) => {
    const { notes, user } = await delegationWorld(t, start);
    const bob = await user('bob');
    await bob.becomes('away');
    await bob.becomes('', -1);
    await bob.becomes('xa', 5);
    await bob.becomesUnavailable();
    await until('bob is gone', () => (notes.presence.length >= 5 ? true : undefined));
    assert.deepEqual(notes.presence, [
      'bob/phone online',
      'bob/phone online away',
      'bob/phone offline',
      'bob/phone online xa',
      'bob/phone offline',
    ]);
  });

  it(`6.30 a session that ends without a word is${kind === 'prosody' ? '' : ' not'} told to us`, async (t) => {
    const { notes, user } = await delegationWorld(t, start);
    const bob = await user('bob');
    const alice = await user('alice');
    await bob.disconnect();
    await alice.becomes('dnd'); // whatever is to be said of bob has been said before
    await until('alice is heard', () => (notes.presence.includes('alice/phone online dnd') ? true : undefined));
    assert.equal(notes.presence.includes('bob/phone offline'), kind === 'prosody');
  });

  it('6.40 a publish to a push service of somebody else is answered', async (t) => {
    const world = await delegationWorld(t, start);
    const { service, server, router } = world;
    const bob = await world.user('bob');
    await until('privileges are known', () => (router.nearness(server.domain) === (speaks ? 3 : 2) ? true : undefined));
    assert.deepEqual(await publish(world, bob.bareJid), { kind: 'result' });
    assert.deepEqual(service.publishers, [speaks ? bob.bareJid : server.componentDomain]);
    service.refusal = stanzaErrors.itemNotFound;
    const refused = { kind: 'error', type: 'cancel', condition: 'item-not-found', detail: '' };
    assert.deepEqual(await publish(world, bob.bareJid), speaks ? { kind: 'hidden-error' } : refused);
    service.refusal = undefined;
    assert.deepEqual(await publish(world, bob.bareJid), { kind: 'result' });
    assert.equal(router.figures.asking, 0);
  });

  it('6.40 a publish for an account that is no more ends without a cause, or is taken', async (t) => {
    const world = await delegationWorld(t, start);
    const { server, router } = world;
    await world.user('bob');
    await until('privileges are known', () => (router.nearness(server.domain) === (speaks ? 3 : 2) ? true : undefined));
    const answer = await publish(world, `nobody@${server.domain}`);
    assert.deepEqual(answer, speaks ? { kind: 'hidden-error' } : { kind: 'result' });
  });

  it('5.52 a push service that withdraws an affiliation is heard', async (t) => {
    const { notes, server, service } = await delegationWorld(t, start);
    const affiliation = `<affiliation jid='bob@${server.domain}' affiliation='none'/>`;
    service.say(
      `<message from='${service.domain}' to='${server.componentDomain}'>` +
        `<pubsub xmlns='${ns.pubsub}' node='n1'>${affiliation}</pubsub></message>`,
    );
    await until('it is heard', () => (notes.revoked.length > 0 ? true : undefined));
    assert.deepEqual(notes.revoked, [`bob@${server.domain} ${service.domain} n1`]);
  });
}

function publish({ router, service }: DelegationWorld, account: string): Promise<IqAnswer> {
  const payload =
    `<pubsub xmlns='${ns.pubsub}'><publish node='n1'><item>` +
    `<notification xmlns='${ns.push}'/></item></publish></pubsub>`;
  return new Promise((resolve, reject) => {
    const iq = { account: prepared(account), service: prepared(service.domain), payload, waitMs: 20_000 };
    const sent = router.sendPublish(iq, { iqAnswered: (_, answer) => resolve(answer) }, 1);
    if (sent !== 'sent') reject(new Error(sent));
  });
}

function prepared(text: string): BareJID {
  const jid = bareJID(text);
  assert.ok(jid.ok);
  return jid.value;
}

describe('delegation by ejabberd', { skip: ejabberdAbsent }, () => delegationSuite(startEjabberd, 'ejabberd'));

describe('delegation by Prosody', { skip: prosodyAbsent }, () => delegationSuite(startProsody, 'prosody'));
