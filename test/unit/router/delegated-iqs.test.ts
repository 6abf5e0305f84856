import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { ns } from '../../../src/xmpp/namespaces.ts';
import { domain, iqReplyMs, routerSetup, word } from './router-harness.ts';
import type { EnabledAnswer } from '../../../src/core/enabled.ts';
import type { EventActorMessage } from '../../../src/event/commands.ts';
import type { RouterSetup, RouterWorld } from './router-harness.ts';

const enable = `<enable xmlns='${ns.push}' jid='push-5.client.example' node='yxs32'/>`;
const disable = `<disable xmlns='${ns.push}' jid='push-5.client.example'/>`;
const anna = 'anna@example.com/phone';

function setup(options: RouterSetup = {}): Promise<RouterWorld> {
  return routerSetup({ streams: 1, delegatedDomains: ['example.com'], ...options });
}

interface Inner {
  readonly type?: string;
  readonly id?: string;
  readonly from?: string;
  readonly to?: string;
  readonly child?: string;
}

/** Attributes that are `''` are left out. */
function innerIq({ type = 'set', id = 'x42', from = anna, to = '', child = enable }: Inner = {}): string {
  const attributes = Object.entries({ type, id, from, to }).map(([name, value]) =>
    value === '' ? '' : ` ${name}='${value}'`,
  );
  return `<iq xmlns='${ns.client}'${attributes.join('')}>${child}</iq>`;
}

const defaultNamespace: string = ns.delegation2;

function outer(content: string, { from = 'example.com', namespace = defaultNamespace, type = 'set' } = {}): string {
  const delegation = `<delegation xmlns='${namespace}'>${content}</delegation>`;
  return `<iq type='${type}' id='f1' from='${from}' to='${domain}'>${delegation}</iq>`;
}

function forwarded(inner: string): string {
  return `<forwarded xmlns='${ns.forward}'>${inner}</forwarded>`;
}

/** What stands inside our answer, which must be a result to the server. */
function inside(stanza: string | undefined, namespace: string = ns.delegation2): string {
  const opening =
    `<iq type='result' id='f1' from='${domain}' to='example.com'><delegation xmlns='${namespace}'>` +
    `<forwarded xmlns='urn:xmpp:forward:0'>`;
  const closing = '</forwarded></delegation></iq>';
  assert.ok(stanza?.startsWith(opening) === true && stanza.endsWith(closing), stanza);
  return stanza.slice(opening.length, -closing.length);
}

function answer(command: EventActorMessage | undefined, said: EnabledAnswer): void {
  assert.ok(command?.kind === 'enable' || command?.kind === 'disable-service', command?.kind);
  command.reply.answeredEnabled(command.tag, said);
}

for (const namespace of [ns.delegation1, ns.delegation2]) {
  test(`6.12 an enable that the server forwards is answered inside a result, in ${namespace}`, async () => {
    const { arrives, sent, events } = await setup();
    arrives(outer(forwarded(innerIq()), { namespace }));
    const [command] = events.commands;
    assert.ok(command?.kind === 'enable');
    const { owner, session, service, node } = command;
    assert.deepEqual([owner, session, service, node], ['anna@example.com', 'phone', 'push-5.client.example', 'yxs32']);
    assert.deepEqual(sent(), []);
    answer(command, { kind: 'done', count: 1 });
    assert.equal(
      inside(sent()[0], namespace),
      `<iq xmlns='jabber:client' type='result' id='x42' from='anna@example.com' to='${anna}'/>`,
    );
  });
}

test('6.12 a disable reaches the event actor with its account', async () => {
  const { arrives, sent, events } = await setup();
  arrives(outer(forwarded(innerIq({ child: disable }))));
  const [command] = events.commands;
  assert.ok(command?.kind === 'disable-service');
  const { owner, service, node } = command;
  assert.deepEqual([owner, service, node], ['anna@example.com', 'push-5.client.example', '']);
  answer(command, { kind: 'done', count: 0 });
  assert.equal(word(inside(sent()[0])), 'nothing');
  assert.match(inside(sent()[0]), /^<iq xmlns='jabber:client' type='result' id='x42'/);
});

/** [what, `to` of the inner IQ, `from` of our inner answer; `''`: refused]. */
const accounts: readonly (readonly [what: string, to: string, from: string])[] = [
  ['6.14 no `to`', '', 'anna@example.com'],
  ['6.22 her own account', 'anna@example.com', 'anna@example.com'],
  ['6.22 her own account, spelled otherwise', 'Anna@Example.Com', 'Anna@Example.Com'],
  ['6.22 the domain of the server', 'example.com', 'example.com'],
];

for (const [what, to, from] of accounts) {
  test(`${what} is a request for her own registrations`, async () => {
    const { arrives, sent, events } = await setup();
    arrives(outer(forwarded(innerIq({ to }))));
    const [command] = events.commands;
    assert.ok(command?.kind === 'enable');
    assert.equal(command.owner, 'anna@example.com');
    answer(command, { kind: 'done', count: 1 });
    assert.match(
      inside(sent()[0]),
      new RegExp(`^<iq xmlns='jabber:client' type='result' id='x42' from='${from}' to='${anna}'/>$`),
    );
  });
}

const refusals: readonly (readonly [what: string, inner: Inner, error: string])[] = [
  ["6.22 another's account", { to: 'boris@example.com' }, 'auth/forbidden'],
  ['6.22 another domain', { to: 'example.org' }, 'auth/forbidden'],
  ["6.22 one session, even one's own", { to: anna }, 'auth/forbidden'],
  ['6.22 an address that is none', { to: '@' }, 'auth/forbidden'],
  ['6.21 a user of another domain', { from: 'anna@example.org/phone' }, 'auth/forbidden'],
  ['6.21 a user of a domain below', { from: 'anna@a.example.com/phone' }, 'auth/forbidden'],
  ['6.21 the server itself', { from: 'example.com' }, 'auth/forbidden'],
  ['6.21 the server with a resource', { from: 'example.com/anna@example.com' }, 'auth/forbidden'],
  ['6.21 nobody', { from: '' }, 'modify/bad-request'],
  ['6.21 a sender that is no address', { from: '@@' }, 'modify/bad-request'],
  ['6.23 another namespace', { child: "<query xmlns='jabber:iq:roster'/>" }, 'cancel/service-unavailable'],
  ['6.23 a publish', { child: `<pubsub xmlns='${ns.pubsub}'/>` }, 'cancel/service-unavailable'],
  ['6.23 a delegation inside', { child: `<delegation xmlns='${ns.delegation2}'/>` }, 'modify/bad-request'],
  ['6.23 something forwarded inside', { child: forwarded(innerIq()) }, 'modify/bad-request'],
  ['6.24 a question', { type: 'get' }, 'modify/bad-request'],
  ['6.24 a result', { type: 'result' }, 'modify/bad-request'],
  ['6.24 an error', { type: 'error' }, 'modify/bad-request'],
  ['6.24 no type', { type: '' }, 'modify/bad-request'],
  ['6.24 no child', { child: '' }, 'modify/bad-request'],
  ['6.24 two children', { child: enable + disable }, 'modify/bad-request'],
  ['2.10 no id', { id: '' }, 'modify/bad-request'],
  ['2.11 an id that is too long', { id: 'i'.repeat(limits.iqIdBytesMax + 1) }, 'modify/bad-request'],
];

for (const [what, inner, error] of refusals) {
  test(`${what} is refused inside: ${error}`, async () => {
    const { arrives, sent, events } = await setup();
    arrives(outer(forwarded(innerIq(inner))));
    assert.equal(word(inside(sent()[0])), error);
    assert.deepEqual(events.commands, []);
  });
}

const odd: readonly (readonly [what: string, content: string])[] = [
  ['nothing', ''],
  ['nothing that is forwarded', `<forwarded xmlns='${ns.forward}'/>`],
  ['two wrappers', forwarded(innerIq()) + forwarded(innerIq())],
  ['two stanzas', forwarded(innerIq() + innerIq())],
  ['a wrapper without its namespace', `<forwarded>${innerIq()}</forwarded>`],
  ['an IQ without its namespace', forwarded(innerIq().replace(` xmlns='${ns.client}'`, ''))],
  ['a message', forwarded(innerIq().replaceAll('<iq ', '<message ').replace('</iq>', '</message>'))],
  ['a wrapper in a wrapper', forwarded(forwarded(innerIq()))],
  ['an IQ that is not wrapped', innerIq()],
  ['a bomb', `<forwarded xmlns='${ns.forward}'>`.repeat(50) + innerIq() + '</forwarded>'.repeat(50)],
];

for (const [what, content] of odd) {
  test(`8.28 ${what} is refused inside: bad-request`, async () => {
    const { arrives, sent, events } = await setup();
    arrives(outer(content));
    assert.equal(word(inside(sent()[0])), 'modify/bad-request');
    assert.deepEqual(events.commands, []);
  });
}

test('8.28 a refusal carries the inner addresses as far as they were said', async () => {
  const { arrives, sent } = await setup();
  arrives(outer(forwarded(innerIq() + innerIq({ id: 'x43' }))));
  arrives(outer(forwarded('')));
  const error = `<error type='modify'><bad-request xmlns='${ns.stanzaErrors}'/></error>`;
  assert.deepEqual(
    sent().map((stanza) => inside(stanza)),
    [
      `<iq xmlns='jabber:client' type='error' id='x42' from='anna@example.com' to='${anna}'>${error}</iq>`,
      `<iq xmlns='jabber:client' type='error'>${error}</iq>`,
    ],
  );
});

for (const from of ['evil.example', 'anna@example.com', anna, 'example.com/x', 'a.example.com', 'example.co']) {
  test(`6.20 a delegation by ${from} is refused, and not with a result`, async () => {
    const { arrives, sent, events } = await setup();
    arrives(outer(forwarded(innerIq()), { from }));
    arrives(outer(forwarded(innerIq({ from: 'anna@evil.example/x' })), { from }));
    assert.deepEqual(sent().map(word), ['auth/forbidden', 'auth/forbidden']);
    assert.match(sent()[0] ?? '', /^<iq type='error' id='f1'/);
    assert.deepEqual(events.commands, []);
  });
}

test('6.20 where no domain is configured, nobody delegates', async () => {
  const { arrives, sent, events } = await setup({ delegatedDomains: [] });
  arrives(outer(forwarded(innerIq())));
  assert.deepEqual([sent().map(word), events.commands], [['auth/forbidden'], []]);
});

test('2.12 and 2.5 a delegation to a localpart of ours, or in a version nobody knows, is no delegation', async () => {
  const { arrives, sent, events } = await setup();
  arrives(outer(forwarded(innerIq())).replace(`to='${domain}'`, `to='svc@${domain}'`));
  arrives(outer(forwarded(innerIq()), { namespace: 'urn:xmpp:delegation:3' }));
  assert.deepEqual(
    [sent().map(word), events.commands],
    [['cancel/service-unavailable', 'cancel/service-unavailable'], []],
  );
});

test('mongooseim 2.1: an enable that is sent to the component itself is for nobody here', async () => {
  const { arrives, sent, events } = await setup();
  arrives(`<iq type='set' id='q1' from='${anna}' to='${domain}'>${enable}</iq>`);
  assert.deepEqual([sent().map(word), events.commands], [['cancel/service-unavailable'], []]);
});

const answers: readonly (readonly [EnabledAnswer, error: string])[] = [
  [{ kind: 'refused', refusal: 'overloaded' }, 'wait/service-unavailable'],
  [{ kind: 'refused', refusal: 'stopping' }, 'wait/service-unavailable'],
  [{ kind: 'refused', refusal: 'store-failed' }, 'wait/internal-server-error'],
];

for (const [said, error] of answers) {
  test(`6.13 what the event actor refuses (${JSON.stringify(said)}) is refused inside`, async () => {
    const { arrives, sent, events, router } = await setup();
    arrives(outer(forwarded(innerIq())));
    answer(events.commands[0], said);
    assert.equal(word(inside(sent()[0])), error);
    assert.deepEqual([router.figures.errors, router.figures.waiting], [1, 0]);
  });
}

test('6.13 without an event actor, or with one that is full or stopped, the client is told to wait', async () => {
  const { arrives, sent, events, router } = await setup();
  events.admission = 'full';
  arrives(outer(forwarded(innerIq())));
  events.admission = 'stopped';
  arrives(outer(forwarded(innerIq())));
  const none = await setup({ withoutEvents: true });
  none.arrives(outer(forwarded(innerIq())));
  assert.deepEqual(
    [...sent(), ...none.sent()].map((stanza) => word(inside(stanza))),
    ['wait/service-unavailable', 'wait/service-unavailable', 'wait/service-unavailable'],
  );
  assert.deepEqual([router.figures.refusedFull, router.figures.waiting], [1, 0]);
});

test('6.13 a request that the event actor does not answer in time is answered inside, once', async () => {
  const { arrives, sent, events, clock, router } = await setup();
  arrives(outer(forwarded(innerIq())));
  await clock.advance(iqReplyMs);
  assert.equal(word(inside(sent()[0])), 'wait/remote-server-timeout');
  answer(events.commands[0], { kind: 'done', count: 1 });
  assert.deepEqual([sent().length, router.figures.timeouts], [1, 1]);
});

test('1.7 a request that waits when the engine stops, or comes then, is told so inside', async () => {
  const { arrives, sent, router } = await setup();
  arrives(outer(forwarded(innerIq())));
  router.beginClosing();
  arrives(outer(forwarded(innerIq())));
  assert.equal(word(inside(sent()[0])), 'wait/service-unavailable');
  await router.close();
  assert.deepEqual(
    sent().map((stanza) => word(inside(stanza))),
    ['wait/service-unavailable', 'wait/service-unavailable'],
  );
});

test('6.13 what a client puts into its id and addresses comes back escaped', async () => {
  const { arrives, sent, events } = await setup();
  arrives(outer(forwarded(innerIq({ id: '&apos;/&gt;&lt;iq/&gt;', from: 'anna@example.com/&quot;&lt;é' }))));
  answer(events.commands[0], { kind: 'done', count: 1 });
  assert.equal(
    inside(sent()[0]),
    "<iq xmlns='jabber:client' type='result' id='&apos;/&gt;&lt;iq/&gt;' from='anna@example.com' " +
      "to='anna@example.com/&quot;&lt;é'/>",
  );
});

test('6.10 the server asks what to say of accounts and of itself, in both versions; nobody else is told', async () => {
  const { arrives, sent } = await setup();
  const ask = (node: string, from = 'example.com'): void =>
    arrives(
      `<iq type='get' id='d1' from='${from}' to='${domain}'><query xmlns='${ns.discoInfo}' node='${node}'/></iq>`,
    );
  for (const version of [1, 2]) {
    ask(`urn:xmpp:delegation:${version}::urn:xmpp:push:0`);
    ask(`urn:xmpp:delegation:${version}:bare:urn:xmpp:push:0`);
  }
  const opening = `<iq type='result' id='d1' from='${domain}' to='example.com'><query xmlns='${ns.discoInfo}' node=`;
  assert.deepEqual(
    sent().map((stanza) => stanza.replaceAll(/<feature var='tigase:[^']*'\/>/g, '')),
    [1, 2].flatMap((version) => [
      `${opening}'urn:xmpp:delegation:${version}::urn:xmpp:push:0'/></iq>`,
      `${opening}'urn:xmpp:delegation:${version}:bare:urn:xmpp:push:0'><feature var='urn:xmpp:push:0'/></query></iq>`,
    ]),
  );
  const stranger = await setup();
  stranger.arrives(
    `<iq type='get' id='d1' from='${anna}' to='${domain}'>` +
      `<query xmlns='${ns.discoInfo}' node='urn:xmpp:delegation:1:bare:urn:xmpp:push:0'/></iq>`,
  );
  assert.deepEqual(
    stranger.shard.commands.map(({ kind }) => kind),
    ['read-node'],
    'to a stranger it is a node like any other',
  );
});
