import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseXml } from '../../parse-xml.ts';
import { node, row } from '../../registration-rows.ts';
import { limits } from '../../../src/core/limits.ts';
import { accepted } from '../../../src/core/outcome.ts';
import { ns } from '../../../src/xmpp/namespaces.ts';
import { domain, FakeStream, iqReplyMs, routerSetup, word } from './router-harness.ts';
import type { CommandAnswer } from '../../../src/registration/commands.ts';

function publish(id: string, to = domain): string {
  const payload = `<item><notification xmlns='${ns.push}'/></item>`;
  const pubsub = `<pubsub xmlns='${ns.pubsub}'><publish node='n'>${payload}</publish></pubsub>`;
  return `<iq type='set' id='${id}' from='example.com' to='${to}'>${pubsub}</iq>`;
}

const published: CommandAnswer = { kind: 'published', outcome: accepted('id') };

test('2.3, 2.4 and 8.17 a thousand stray results and errors leave no trace', async () => {
  const { arrives, sent, clock, shard } = await routerSetup();
  const error = `<error type='cancel'><gone xmlns='${ns.stanzaErrors}'/></error>`;
  for (let count = 0; count < 500; count++) {
    arrives(`<iq type='result' id='r${count}' from='example.com' to='${domain}'/>`);
    arrives(`<iq type='error' id='e${count}' from='anna@example.com/phone' to='${domain}'>${error}</iq>`);
  }
  await clock.advance(10_000);
  assert.deepEqual([sent(), shard.commands], [[], []]);
});

test('2.18, 2.19 and 8.15 messages, presence and unknown elements are ignored, errors among them', async () => {
  const { arrives, sent, router } = await routerSetup();
  const stanzas = [
    `<message from='anna@example.com/phone' to='${domain}'><body>hello?</body></message>`,
    `<message type='error' from='anna@example.com' to='${domain}'><error type='cancel'/></message>`,
    `<presence type='subscribe' from='anna@example.com' to='${domain}'/>`,
    `<presence type='probe' from='anna@example.com' to='${domain}'/>`,
    `<message from='evil.example' to='${domain}'><privilege xmlns='urn:xmpp:privilege:2'/></message>`,
    "<something xmlns='urn:example:new'/>",
    `<iq xmlns='jabber:client' type='get' id='1' from='a@example.com' to='${domain}'><ping xmlns='${ns.ping}'/></iq>`,
  ];
  for (const stanza of stanzas) arrives(stanza);
  assert.deepEqual(sent(), []);
  assert.equal(router.figures.ignored, stanzas.length);
});

test('4.43 and 8.30 a publish that nobody answers is answered in time, and a late answer is none', async () => {
  const { arrives, sent, clock, shard, router } = await routerSetup();
  arrives(publish('p1'));
  await clock.advance(iqReplyMs - 1);
  assert.deepEqual(sent(), []);
  await clock.advance(1);
  assert.deepEqual(sent().map(word), ['wait/remote-server-timeout']);
  shard.answer(0, published);
  shard.answer(0, published);
  await clock.settle();
  assert.equal(sent().length, 1);
  assert.deepEqual([router.figures.timeouts, router.figures.waiting], [1, 0]);
});

test('4.42 an answer leaves once, in one write a turn', async () => {
  const { arrives, sent, clock, shard, first } = await routerSetup();
  for (let count = 0; count < 50; count++) arrives(publish(`p${count}`));
  shard.commands.forEach((_, at) => shard.answer(at, published));
  shard.answer(0, published);
  await clock.settle();
  assert.equal(sent().length, 50);
  assert.equal(first.writes, 1);
  assert.equal(sent()[7], `<iq type='result' id='p7' from='${domain}' to='example.com'/>`);
});

test('4.53 a full shard, a stopped one, a full table and a closing engine are wait', async () => {
  const { arrives, sent, shard, router } = await routerSetup();
  shard.admission = 'full';
  arrives(publish('full'));
  shard.admission = 'stopped';
  arrives(publish('stopped'));
  shard.admission = 'accepted';
  for (let count = 0; count < limits.pendingIqsMax; count++) router.stanza(new FakeStream(0), publishElement);
  arrives(publish('table'));
  router.beginClosing();
  arrives(publish('closing'));
  assert.deepEqual(
    sent().map(word),
    Array.from({ length: 4 }, () => 'wait/service-unavailable'),
  );
  assert.equal(router.figures.refusedFull, 2);
});

const publishElement = parseXml(publish('many'));

test('4.56 and 8.7 the start of an oversized request is answered once, if at all', async () => {
  const { sent, router, first } = await routerSetup();
  const start = (attributes: string, name = 'iq') => parseXml(`<${name} ${attributes}/>`);
  const from = "from='example.com'";
  for (const attributes of [
    `type='set' ${from} to='${domain}'`,
    `type='result' id='1' ${from} to='${domain}'`,
    `type='error' id='1' ${from} to='${domain}'`,
    `type='set' id='1' to='${domain}'`,
    `type='set' id='1' from='@@bad@@' to='${domain}'`,
    `type='set' id='1' from='${domain}' to='${domain}'`,
    `type='set' id='1' ${from} to='other.example'`,
    `type='set' id='1' ${from}`,
    `type='set' id='${'i'.repeat(limits.iqIdBytesMax + 1)}' ${from} to='${domain}'`,
  ]) {
    router.oversized(first, start(attributes));
  }
  router.oversized(first, start(`id='1' ${from} to='${domain}'`, 'message'));
  assert.deepEqual([sent(), router.figures.dropped], [[], 10]);
  router.oversized(first, start(`type='set' id='&lt;1' ${from} to='svc@${domain}/r'`));
  router.oversized(first, publishElement);
  const error =
    `<error type='wait'><service-unavailable xmlns='${ns.stanzaErrors}'/>` +
    `<payload-too-big xmlns='${ns.pubsubErrors}'/></error>`;
  assert.deepEqual(sent(), [
    `<iq type='error' id='&lt;1' from='svc@${domain}/r' to='example.com'>${error}</iq>`,
    `<iq type='error' id='many' from='${domain}' to='example.com'>${error}</iq>`,
  ]);
});

test('1.22 an answer leaves on another stream when its own is gone, and nowhere when none is left', async () => {
  const { arrives, clock, shard, first, second, router } = await routerSetup();
  arrives(publish('p1'), first);
  arrives(publish('p2'), first);
  first.state = 'waiting';
  shard.answer(0, published);
  assert.deepEqual([first.sent.length, second.sent.length], [0, 1]);
  second.isFull = true;
  shard.answer(1, published);
  await clock.settle();
  assert.deepEqual([first.sent.length, second.sent.length, router.figures.dropped], [0, 1, 1]);
});

test('1.17 and 1.18 a silent stream is pinged; the pong may come on another; without one it is recycled', async () => {
  const { arrives, clock, first, second } = await routerSetup();
  const alive = async (ms: number, ...streams: FakeStream[]): Promise<void> => {
    for (let left = ms; left > 0; left -= limits.lifeCheckMs) {
      await clock.advance(limits.lifeCheckMs);
      for (const stream of streams) stream.lastInboundMs = clock.monotonicMs();
    }
  };
  await alive(limits.pingAfterMs, second);
  const [ping] = first.sent;
  assert.match(ping ?? '', new RegExp(`^<iq type='get' id='[\\w-]{16}' from='${domain}' to='${domain}'><ping `));
  assert.ok(ping !== undefined);
  arrives(ping, second);
  await alive(limits.pingAnswerMs, second);
  assert.deepEqual([first.recycled, second.recycled], [[], []]);
  await alive(limits.pingAnswerMs + limits.lifeCheckMs, second);
  assert.ok(first.sent.length > 1, 'pinged again');
  assert.deepEqual([first.recycled[0], second.recycled], ['ping was not answered', []]);
});

test('2.17 an answer to our ping counts from nobody else', async () => {
  const { arrives, clock, first } = await routerSetup({ streams: 1 });
  await clock.advance(limits.pingAfterMs);
  const id = /id='([\w-]+)'/.exec(first.sent[0] ?? '')?.[1];
  assert.ok(id !== undefined);
  arrives(`<iq type='result' id='${id}' from='evil.example' to='${domain}'/>`);
  await clock.advance(limits.pingAnswerMs);
  assert.deepEqual(first.recycled, ['ping was not answered']);
});

test('4.32 what all shards are asked is answered once, when the last has answered', async () => {
  const { arrives, sent, shards } = await routerSetup({ streams: 1, shards: 3 });
  const list = `<pubsub xmlns='${ns.pubsub}'><affiliations/></pubsub>`;
  arrives(`<iq type='get' id='a' from='anna@example.com/phone' to='${domain}'>${list}</iq>`);
  const listed = (name: string): CommandAnswer => ({ kind: 'listed', registrations: [row(name)], cut: false });
  shards[1]?.answer(0, listed('n1'));
  shards[0]?.answer(0, listed('n0'));
  assert.deepEqual(sent(), []);
  shards[2]?.answer(0, listed('n2'));
  assert.equal(sent().length, 1);
  for (const name of ['n0', 'n1', 'n2']) assert.ok(sent()[0]?.includes(`node='${node(name)}'`), name);
});

test('4.62 a server is told of twenty unknown nodes a minute, of others wait, and somebody is told once', async () => {
  const { arrives, sent, clock, shard, lines } = await routerSetup();
  for (let count = 0; count < 1_000; count++) arrives(publish(`p${count}`));
  shard.commands.forEach((_, at) => shard.answer(at, { kind: 'refused', refusal: 'unknown-node' }));
  await clock.settle();
  const words = sent().map(word);
  assert.equal(words.filter((one) => one === 'cancel/item-not-found').length, limits.unknownNodesPerMinute);
  assert.equal(words.filter((one) => one === 'wait/service-unavailable').length, 1_000 - limits.unknownNodesPerMinute);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /is this the right data folder/);
});

test('1.50 an answer of more than 64 KiB does not leave: it would cost the stream', async () => {
  const { arrives, sent, shard } = await routerSetup({ streams: 1 });
  const list = `<pubsub xmlns='${ns.pubsub}'><affiliations/></pubsub>`;
  const asks = (id: string): void =>
    arrives(`<iq type='get' id='${id}' from='anna@example.com' to='${domain}'>${list}</iq>`);
  const rows = (count: number) => Array.from({ length: count }, (_, index) => row(`${index}${'é'.repeat(500)}`));
  asks('fits');
  asks('too-long');
  shard.answer(0, { kind: 'listed', registrations: rows(60), cut: false });
  shard.answer(1, { kind: 'listed', registrations: rows(66), cut: false });
  assert.deepEqual(sent().map(word), ['result', 'wait/internal-server-error']);
  for (const stanza of sent()) assert.ok(Buffer.byteLength(stanza) <= limits.outboundStanzaBytesMax);
});

test('8.29 the answers of two engines to each other end after the first', async () => {
  const one = await routerSetup({ streams: 1 });
  const other = await routerSetup({ streams: 1 });
  one.arrives(`<iq type='get' id='q' from='other.example' to='${domain}'><q xmlns='urn:example:q'/></iq>`);
  const [answer] = one.sent();
  assert.equal(word(answer), 'cancel/service-unavailable');
  other.arrives(
    (answer ?? '').replace("to='other.example'", `to='${domain}'`).replace(`from='${domain}'`, "from='one.example'"),
  );
  await other.clock.advance(60_000);
  assert.deepEqual(
    other.sent().filter((stanza) => !stanza.includes('<ping')),
    [],
  );
});

test('1.7 what waits when the engine closes is told, and waiting for the rest ends when nothing is left', async () => {
  const { arrives, sent, clock, shard, router } = await routerSetup();
  arrives(publish('answered'));
  router.beginClosing();
  let isSettled = false;
  void router.settled(60_000).then(() => (isSettled = true));
  await clock.advance(iqReplyMs - 1);
  assert.equal(isSettled, false);
  await clock.advance(1);
  assert.equal(isSettled, true, 'its time was over');
  assert.deepEqual(sent().map(word), ['wait/remote-server-timeout']);
  shard.answer(0, published);
  await router.close();
  assert.equal(sent().length, 1);
});
