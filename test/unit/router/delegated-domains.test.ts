import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { ns } from '../../../src/xmpp/namespaces.ts';
import { domain, routerSetup } from './router-harness.ts';
import type { EventActorMessage } from '../../../src/event/commands.ts';
import type { RouterWorld } from './router-harness.ts';

const delegation = `<delegation xmlns='${ns.delegation2}'><delegated namespace='${ns.push}'/></delegation>`;

function privilege(perms: string, namespace: string = ns.privilege2): string {
  return `<privilege xmlns='${namespace}'>${perms}</privilege>`;
}

const seesPresence = privilege("<perm access='presence' type='managed_entity'/>");

function message(content: string, from = 'example.com', attributes = ''): string {
  return `<message from='${from}' to='${domain}'${attributes}>${content}</message>`;
}

function presence(attributes = '', content = '', from = 'anna@example.com/phone'): string {
  return `<presence from='${from}' to='${domain}'${attributes}>${content}</presence>`;
}

async function setup(): Promise<RouterWorld> {
  return await routerSetup({ delegatedDomains: ['example.com', 'example.org'] });
}

/** `jid status show` of each status event, and the domains of each reset. */
function told(commands: readonly EventActorMessage[]): string[] {
  return commands.map((command) => {
    if (command.kind === 'presence-reset') return `reset ${command.domains.join(' ')}`;
    if (command.kind !== 'event' || command.event.kind !== 'status') return command.kind;
    const { jid, status, show, clientState } = command.event;
    assert.equal(clientState, 'unknown');
    return `${jid} ${status} ${show}`.trimEnd();
  });
}

test('6.30 sessions that come and go are told to the event actor', async () => {
  const { arrives, events, sent } = await setup();
  arrives(message(seesPresence));
  arrives(presence());
  arrives(presence('', '<show>away</show>'));
  arrives(presence('', '<priority>-1</priority>'));
  arrives(presence('', '<show>xa</show><priority> -0128 </priority>'));
  arrives(presence('', '<priority>-0</priority>'));
  arrives(presence('', '<show>asleep</show><priority>5</priority>'));
  arrives(presence(" type='unavailable'", '<show>away</show>'));
  assert.deepEqual(told(events.commands), [
    'anna@example.com/phone online',
    'anna@example.com/phone online away',
    'anna@example.com/phone offline',
    'anna@example.com/phone offline',
    'anna@example.com/phone online',
    'anna@example.com/phone online',
    'anna@example.com/phone offline',
  ]);
  for (const command of events.commands) {
    if (command.kind === 'event') command.reply.ended(command.tag, { kind: 'noted' });
  }
  assert.deepEqual(sent(), []);
});

test('6.30 presence that is not of a session, or of no user of that server, is not believed', async () => {
  const { arrives, events, sent, router } = await setup();
  arrives(message(seesPresence));
  const stanzas = [
    presence(" type='subscribe'"),
    presence(" type='probe'"),
    presence(" type='error'"),
    presence('', '', 'anna@example.com'),
    presence('', '', 'anna@evil.example/phone'),
    presence('', '', 'boris@example.org/phone'), // its server grants us nothing
    presence().replace(`to='${domain}'`, "to='other.example'"),
    presence().replace(` to='${domain}'`, ''),
  ];
  for (const stanza of stanzas) arrives(stanza);
  assert.deepEqual([events.commands, sent(), router.figures.ignored], [[], [], stanzas.length]);
});

test("6.30 without the privilege presence is a client's own word, and not heard", async () => {
  const { arrives, events } = await setup();
  arrives(presence());
  arrives(message(privilege("<perm access='roster' type='get'/><perm access='presence' type='none'/>")));
  arrives(presence());
  assert.deepEqual(events.commands, []);
});

test('6.30 `roster` shows us the presence of users as well, and the last word of a server counts', async () => {
  const { arrives, events } = await setup();
  arrives(message(privilege("<perm access='presence' type='roster'/>", ns.privilege1)));
  arrives(presence());
  arrives(message(privilege('')));
  arrives(presence());
  assert.equal(events.commands.length, 1);
});

for (const from of ['evil.example', 'anna@example.com', 'example.com/x', 'a.example.com', domain]) {
  test(`6.20 and 8.27 what ${from} says of privileges and delegation is not believed`, async () => {
    const { arrives, events, router, sent } = await setup();
    const publishing = `<perm access='iq'><namespace ns='${ns.pubsub}' type='set'/></perm>`;
    arrives(message(privilege(`<perm access='presence' type='managed_entity'/>${publishing}`), from));
    arrives(message(delegation, from));
    arrives(presence('', '', 'anna@evil.example/phone'));
    arrives(presence());
    assert.deepEqual([events.commands, sent(), router.figures.delegating], [[], [], []]);
    assert.equal(router.nearness('example.com'), 2);
  });
}

test('2.4 and 8.27 an error is not believed, nor what is said to somebody else', async () => {
  const { arrives, router } = await setup();
  arrives(message(delegation, 'example.com', " type='error'"));
  arrives(message(delegation).replace(`to='${domain}'`, `to='svc@${domain}'`));
  assert.deepEqual([router.figures.delegating, router.figures.ignored], [[], 2]);
});

test('6.11 a delegation may come again, with filters, in either version and beside a privilege', async () => {
  const { arrives, router } = await setup();
  arrives(message(delegation));
  arrives(message(delegation));
  const filtered = delegation.replace(`'${ns.push}'/>`, `'${ns.push}'><attribute name='jid'/></delegated>`);
  arrives(message(seesPresence + filtered.replace(ns.delegation2, ns.delegation1), 'Example.ORG'));
  assert.deepEqual(router.figures.delegating, ['example.com', 'example.org']);
  assert.equal(router.figures.ignored, 0);
});

test('6.11 a delegation of something else makes nothing ours', async () => {
  const { arrives, router } = await setup();
  arrives(message(delegation.replace(ns.push, 'urn:xmpp:mam:2')));
  assert.deepEqual(router.figures.delegating, []);
});

test('6.30 when no stream is left, nothing that was said counts, and presence is unknown again', async () => {
  const { arrives, events, router, first, second } = await setup();
  const iqs = `<perm access='iq'><namespace ns='${ns.pubsub}' type='both'/></perm>`;
  arrives(message(seesPresence + delegation));
  arrives(message(privilege(iqs), 'example.org'));
  assert.deepEqual([router.nearness('example.org'), router.nearness('example.com'), router.nearness('x')], [3, 2, 1]);
  arrives(presence());
  first.state = 'waiting';
  router.offline(first);
  assert.deepEqual([told(events.commands).length, router.nearness('example.org')], [1, 3]);
  second.state = 'waiting';
  router.offline(second);
  assert.deepEqual(told(events.commands).slice(1), ['reset example.com']);
  assert.equal(router.nearness('example.org'), 0);
  first.state = 'online';
  assert.deepEqual([router.nearness('example.org'), router.figures.delegating], [2, []]);
  arrives(presence());
  assert.equal(events.commands.length, 2, 'not before the server has granted it again');
  arrives(message(seesPresence));
  arrives(presence());
  assert.deepEqual(told(events.commands).slice(2), ['anna@example.com/phone online']);
});

test('6.30 presence that found no room makes its domain unknown, before anything else is told', async () => {
  const { arrives, events, clock, router } = await setup();
  arrives(message(seesPresence));
  events.admission = 'full';
  arrives(presence());
  arrives(presence(" type='unavailable'"));
  await clock.advance(limits.lifeCheckMs);
  assert.deepEqual([events.commands, router.figures.lost], [[], 2]);
  events.admission = 'accepted';
  arrives(presence('', '<show>dnd</show>'));
  assert.deepEqual(told(events.commands), ['reset example.com', 'anna@example.com/phone online dnd']);
  events.admission = 'full';
  arrives(presence());
  events.admission = 'accepted';
  await clock.advance(limits.lifeCheckMs);
  assert.deepEqual(told(events.commands).slice(2), ['reset example.com']);
  await clock.advance(limits.lifeCheckMs);
  assert.equal(events.commands.length, 3);
});

test('6.30 a server that may not tell of every end has what it told forgotten from time to time', async () => {
  const { arrives, events, clock } = await setup();
  const asEjabberd = delegation.replace(ns.delegation2, ns.delegation1);
  arrives(message(seesPresence.replaceAll(ns.privilege2, ns.privilege1)));
  arrives(message(asEjabberd));
  arrives(message(seesPresence + delegation, 'example.org'));
  arrives(presence());
  await clock.advance(limits.presenceLifeMs - 1);
  assert.equal(events.commands.length, 1);
  await clock.advance(limits.lifeCheckMs);
  assert.deepEqual(told(events.commands).slice(1), ['reset example.com']);
  await clock.advance(limits.presenceLifeMs + limits.lifeCheckMs);
  assert.deepEqual(told(events.commands).slice(1), ['reset example.com', 'reset example.com']);
});

function affiliation(jid: string, value = 'none'): string {
  return `<affiliation jid='${jid}' affiliation='${value}'/>`;
}

function pubsub(content: string, node = " node='yxs32'"): string {
  return `<pubsub xmlns='${ns.pubsub}'${node}>${content}</pubsub>`;
}

test('5.52 a push service that withdraws an affiliation revokes the registration at itself', async () => {
  const { arrives, events } = await setup();
  arrives(message(pubsub(affiliation('Anna@Example.com')), 'push-5.client.example/x', " type='headline'"));
  arrives(message(pubsub(affiliation('anna@example.com') + affiliation('boris@example.com/x')), 'example.com'));
  const revoked = events.commands.map((command) => {
    assert.ok(command.kind === 'revoke');
    command.reply.answeredEnabled(command.tag, { kind: 'done', count: 1 });
    return `${command.owner} ${command.service} ${command.node}`;
  });
  assert.deepEqual(revoked, [
    'anna@example.com push-5.client.example yxs32',
    'anna@example.com example.com yxs32',
    'boris@example.com example.com yxs32',
  ]);
});

test('5.52 everything that is not such a withdrawal is ignored', async () => {
  const { arrives, events, router } = await setup();
  const contents = [
    pubsub(affiliation('anna@example.com', 'publish-only')),
    pubsub(affiliation('anna@example.com').replace(" affiliation='none'", '')),
    pubsub(affiliation('example.com')),
    pubsub(affiliation('@@')),
    pubsub("<affiliation affiliation='none'/>"),
    pubsub(affiliation('anna@example.com'), ''),
    pubsub(affiliation('anna@example.com'), ` node='${'n'.repeat(1_025)}'`),
    pubsub(''),
    pubsub(affiliation('anna@example.com')).replace(ns.pubsub, ns.pubsubOwner),
    affiliation('anna@example.com'),
  ];
  for (const content of contents) arrives(message(content, 'push-5.client.example'));
  arrives(message(pubsub(affiliation('anna@example.com')), 'push-5.client.example', " type='error'"));
  assert.deepEqual([events.commands, router.figures.ignored], [[], contents.length + 1]);
});

test('5.52 a revocation that finds no room is counted', async () => {
  const { arrives, events, router } = await setup();
  events.admission = 'full';
  arrives(message(pubsub(affiliation('anna@example.com')), 'push-5.client.example'));
  assert.equal(router.figures.lost, 1);
});

test('2.18 and 2.19 where no domain is configured, messages and presence are not looked at', async () => {
  const { arrives, events, router } = await routerSetup();
  arrives(message(seesPresence));
  arrives(presence());
  arrives(message(pubsub(affiliation('anna@example.com')), 'push-5.client.example'));
  assert.deepEqual([events.commands, router.figures.ignored], [[], 3]);
});
