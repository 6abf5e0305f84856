import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { bareJID } from '../../../src/core/jid.ts';
import { nearestSender } from '../../../src/router/sender-choice.ts';
import { ns } from '../../../src/xmpp/namespaces.ts';
import { domain, routerSetup } from './router-harness.ts';
import type { IqAdmission, IqAnswer, PublishIq } from '../../../src/event/commands.ts';
import type { BareJID } from '../../../src/core/ids.ts';
import type { Nearness, NearSender } from '../../../src/router/sender-choice.ts';
import type { RouterSetup, RouterWorld } from './router-harness.ts';

const payload = `<pubsub xmlns='${ns.pubsub}'><publish node='n'/></pubsub>`;

function jid(text: string): BareJID {
  const prepared = bareJID(text);
  assert.ok(prepared.ok);
  return prepared.value;
}

const iq: PublishIq = {
  account: jid('anna@example.com'),
  service: jid('push-5.client.example'),
  payload,
  waitMs: 5_000,
};

interface World extends RouterWorld {
  readonly answers: (readonly [tag: number, answer: IqAnswer])[];
  readonly publish: (tag: number, changes?: Partial<PublishIq>) => IqAdmission;
  /** The id of the last IQ that was sent. */
  readonly lastId: () => string;
}

async function setup(options: RouterSetup = {}): Promise<World> {
  const world = await routerSetup({ delegatedDomains: ['example.com'], ...options });
  const answers: (readonly [number, IqAnswer])[] = [];
  const reply = { iqAnswered: (tag: number, answer: IqAnswer) => void answers.push([tag, answer]) };
  return {
    ...world,
    answers,
    publish: (tag, changes = {}) => world.router.sendPublish({ ...iq, ...changes }, reply, tag),
    lastId: () => / id='([^']*)'/.exec(world.sent().at(-1) ?? '')?.[1] ?? '',
  };
}

const grant =
  `<message from='example.com' to='${domain}'><privilege xmlns='${ns.privilege2}'><perm access='iq'>` +
  `<namespace ns='urn:xmpp:ping' type='get'><namespace ns='${ns.pubsub}' type='set'/></namespace></perm>` +
  '</privilege></message>';

const notFound = `<error type='cancel'><item-not-found xmlns='${ns.stanzaErrors}'/></error>`;
const itemNotFound: IqAnswer = { kind: 'error', type: 'cancel', condition: 'item-not-found', detail: '' };

test('6.40 without a privilege we publish in our own name, and the service answers us', async () => {
  const { publish, sent, lastId, arrives, answers } = await setup({ streams: 1 });
  assert.equal(publish(1), 'sent');
  assert.deepEqual(sent(), [`<iq type='set' id='${lastId()}' from='${domain}' to='${iq.service}'>${payload}</iq>`]);
  arrives(`<iq type='result' id='${lastId()}' from='Push-5.Client.Example' to='${domain}'/>`);
  publish(2);
  arrives(`<iq type='error' id='${lastId()}' from='${iq.service}' to='${domain}'>${payload}${notFound}</iq>`);
  assert.deepEqual(answers, [
    [1, { kind: 'result' }],
    [2, itemNotFound],
  ]);
});

test('2.17 the answer of anybody else is dropped and counted', async () => {
  const { publish, lastId, arrives, answers, router, clock } = await setup({ streams: 1 });
  publish(1);
  const senders = ['evil.example', `x@${iq.service}`, `${iq.service}/x`, 'example.com', String(iq.account), domain];
  for (const from of senders) arrives(`<iq type='result' id='${lastId()}' from='${from}' to='${domain}'/>`);
  assert.deepEqual([answers, router.figures.dropped], [[], senders.length]);
  await clock.advance(5_000);
  assert.deepEqual(answers, [[1, { kind: 'timeout' }]]);
});

test('8.18 a publish of ours that comes round to us is no answer to itself', async () => {
  const { publish, sent, arrives, answers, router } = await setup({ streams: 1 });
  publish(1, { service: jid(domain) });
  arrives(sent()[0] ?? '');
  assert.deepEqual([answers, router.figures.asking, router.figures.dropped], [[], 1, 1]);
});

test('6.40 with the privilege we publish in the name of the user, and his server brings the answer', async () => {
  const { publish, sent, lastId, arrives, answers } = await setup({ streams: 1 });
  arrives(grant);
  publish(1);
  const id = lastId();
  const inner = `<iq xmlns='jabber:client' type='set' id='${id}' to='${iq.service}'>${payload}</iq>`;
  assert.deepEqual(sent(), [
    `<iq type='set' id='${id}' from='${domain}' to='anna@example.com'>` +
      `<privileged_iq xmlns='urn:xmpp:privilege:2'>${inner}</privileged_iq></iq>`,
  ]);
  arrives(privileged(id, `type='result' id='${id}' from='${iq.service}'`));
  publish(2);
  arrives(privileged(lastId(), `type='error' id='${lastId()}' from='${iq.service}'`, notFound));
  assert.deepEqual(answers, [
    [1, { kind: 'result' }],
    [2, itemNotFound],
  ]);
});

function privileged(id: string, attributes: string, child = ''): string {
  const inner = `<iq xmlns='jabber:client' ${attributes} to='anna@example.com'>${child}</iq>`;
  return (
    `<iq type='result' id='${id}' from='anna@example.com' to='${domain}'><privilege xmlns='${ns.privilege2}'>` +
    `<forwarded xmlns='${ns.forward}'>${inner}</forwarded></privilege></iq>`
  );
}

test('6.40 Prosody turns each refusal of a service into its own error: nobody knows the cause', async () => {
  const { publish, lastId, arrives, answers } = await setup({ streams: 1 });
  arrives(grant);
  const outer = (condition: string, type = 'cancel'): void => {
    publish(answers.length);
    const error = `<error type='${type}'><${condition} xmlns='${ns.stanzaErrors}'/></error>`;
    arrives(`<iq type='error' id='${lastId()}' from='anna@example.com' to='${domain}'>${error}</iq>`);
  };
  outer('internal-server-error');
  outer('forbidden', 'auth'); // the privilege is gone, or the user: says nothing about the push service
  const odd = [
    (id: string) => `<iq type='result' id='${id}' from='anna@example.com' to='${domain}'/>`,
    (id: string) => privileged(id, `type='result' id='${id}' from='evil.example'`),
    (id: string) => privileged(id, `type='error' id='other' from='${iq.service}'`, notFound),
    (id: string) => privileged(id, `type='error' id='${id}'`, notFound),
  ];
  for (const answer of odd) {
    publish(answers.length);
    arrives(answer(lastId()));
  }
  assert.deepEqual(
    answers,
    Array.from({ length: 6 }, (_, tag) => [tag, { kind: 'hidden-error' }]),
  );
});

test('6.40 a privilege holds for the users of its own domain only', async () => {
  const { publish, sent, arrives } = await setup({ streams: 1, delegatedDomains: ['example.com', 'example.org'] });
  arrives(grant);
  publish(1, { account: jid('boris@example.org') });
  assert.match(sent()[0] ?? '', new RegExp(`^<iq type='set' id='[^']*' from='${domain}' to='${iq.service}'><pubsub `));
});

test('1.22 publishes go out on the streams in turn, and not on one that is down', async () => {
  const { publish, first, second, router } = await setup();
  for (let tag = 0; tag < 4; tag++) publish(tag);
  assert.deepEqual([first.sent.length, second.sent.length], [2, 2]);
  first.state = 'waiting';
  for (let tag = 4; tag < 7; tag++) assert.equal(publish(tag), 'sent');
  assert.deepEqual([first.sent.length, second.sent.length], [2, 5]);
  second.isFull = true;
  assert.equal(publish(7), 'full');
  second.state = 'waiting';
  assert.equal(publish(8), 'offline');
  assert.equal(router.figures.asking, 7);
});

test('2.17 when streams are lost, publishes in flight end at their deadline or are answered on another', async () => {
  const { publish, lastId, first, second, arrives, answers, clock, router } = await setup();
  publish(1);
  first.state = 'waiting';
  router.offline(first);
  arrives(`<iq type='result' id='${lastId()}' from='${iq.service}' to='${domain}'/>`, second);
  assert.deepEqual(answers, [[1, { kind: 'result' }]]);
  publish(2);
  second.state = 'waiting';
  router.offline(second);
  await clock.advance(4_999);
  assert.equal(answers.length, 1);
  await clock.advance(1);
  assert.deepEqual(answers[1], [2, { kind: 'timeout' }]);
});

test('a full table of publishes refuses the next, and leaves room for pings', async () => {
  const { publish, clock, sent, arrives, lastId, first, router } = await setup({ streams: 1 });
  for (let tag = 0; tag < limits.publishIqsMax; tag++) publish(tag, { waitMs: 600_000 });
  assert.equal(publish(0), 'full');
  await clock.advance(limits.pingAfterMs);
  assert.match(sent().at(-1) ?? '', /<ping /);
  arrives(`<iq type='result' id='${lastId()}' from='${domain}' to='${domain}'/>`);
  assert.equal(router.figures.asking, limits.publishIqsMax);
  await clock.advance(limits.pingAnswerMs);
  assert.deepEqual(first.recycled, []);
});

test('1.50 a publish that would cost the stream is not sent, and refused at once', async () => {
  const { publish, sent, answers, clock, router } = await setup();
  const long = `<pubsub xmlns='${ns.pubsub}'>${'é'.repeat(limits.outboundStanzaBytesMax / 2)}</pubsub>`;
  assert.equal(publish(1, { payload: long }), 'too-long');
  await clock.settle();
  assert.deepEqual([sent(), answers, router.figures.asking], [[], [], 0]);
});

test('1.7 at the stop all publishes in flight are told', async () => {
  const { publish, answers, router } = await setup();
  publish(1);
  publish(2);
  await router.close();
  assert.deepEqual(answers, [
    [1, { kind: 'timeout' }],
    [2, { kind: 'timeout' }],
  ]);
});

test('6.40 a publish goes through the server that lets us, else the one that delegates, else any that is up', () => {
  const sent: string[] = [];
  const sender = (name: string, nearness: Nearness): NearSender => ({
    nearness: (of) => (of === 'example.com' ? nearness : 0),
    sendPublish(): 'sent' {
      sent.push(name);
      return 'sent';
    },
  });
  const reply = { iqAnswered: () => undefined };
  const [down, up, delegating, granting] = [sender('down', 0), sender('up', 1), sender('deleg', 2), sender('priv', 3)];
  for (const senders of [
    [down, up, granting, delegating],
    [up, delegating, down],
    [down, up],
  ]) {
    assert.equal(nearestSender(() => senders).sendPublish(iq, reply, 0), 'sent');
  }
  assert.deepEqual(sent, ['priv', 'deleg', 'up']);
  assert.equal(nearestSender(() => [down]).sendPublish(iq, reply, 0), 'offline');
});
