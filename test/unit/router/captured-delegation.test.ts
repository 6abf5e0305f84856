/** What ejabberd 23.01 and Prosody 0.12.3 sent to a component that had a delegation, replayed byte for byte (9.6-L). */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { inboundOf, loadCaptures } from '../../../src/fake/xmpp-captures.ts';
import { attribute, localName } from '../../../src/xmpp/xml.ts';
import { parseXml } from '../../parse-xml.ts';
import { stanzasOf } from '../../parse-xml.ts';
import { routerSetup, word } from './router-harness.ts';
import type { CapturedScenario } from '../../../src/fake/xmpp-captures.ts';
import type { EventActorMessage } from '../../../src/event/commands.ts';
import type { XmlElement } from '../../../src/xmpp/xml.ts';
import type { RouterWorld } from './router-harness.ts';

const captures = loadCaptures(fileURLToPath(new URL('../../../../test/fixtures/xmpp-captures.jsonl', import.meta.url)));

for (const server of ['ejabberd', 'prosody'] as const) {
  const scenario = (start: string): CapturedScenario => {
    const found = captures.find((one) => one.file === `deleg_${server}.log` && one.scenario.startsWith(start));
    assert.ok(found, start);
    return found;
  };

  const world = async (): Promise<RouterWorld> =>
    await routerSetup({ streams: 1, domain: `push.${server}.lab`, delegatedDomains: [`${server}.lab`] });

  const replay = ({ router, first }: RouterWorld, start: string): void => {
    for (const segment of inboundOf(scenario(start))) {
      for (const stanza of stanzasOf(segment)) router.stanza(first, stanza);
    }
  };

  /** The addresses and ids of what the scripts answered, outside and inside. */
  const answered = (start: string): string[][] =>
    scenario(start)
      .segments.filter(({ dir, data }) => dir === 'out' && data.startsWith('<iq'))
      .map(({ data }) => envelope(parseXml(data)));

  test(`9.6-L ${server}: what is said after the handshake is understood, and each question answered`, async () => {
    const it = await world();
    replay(it, '1 connect');
    assert.deepEqual(it.sent().map(word), ['result', 'result']);
    assert.equal(it.sent().filter((stanza) => stanza.includes("<feature var='urn:xmpp:push:0'/>")).length, 1);
    assert.deepEqual(it.sent().map((stanza) => attribute(parseXml(stanza), 'id')).length, answered('1 connect').length);
    assert.deepEqual([it.router.figures.delegating, it.router.figures.ignored], [[`${server}.lab`], 0]);
    replay(it, '2 bob');
    replay(it, '17 presence');
    assert.deepEqual(statuses(it.events.commands), ['phone online ', 'phone offline ', 'phone online away']);
    replay(it, '20 reconnect');
    assert.deepEqual(it.sent().map(word).includes('cancel/service-unavailable'), false);
  });

  for (const start of ['3 enable without to', '4 enable to own', '5 enable to the server', '13b disable']) {
    test(`9.6-L3 and L4 ${server}: ${start} is answered with the addresses that the server took`, async () => {
      const it = await world();
      replay(it, start);
      const [command] = it.events.commands;
      assert.ok(command?.kind === 'enable' || command?.kind === 'disable-service');
      assert.equal(command.owner, `bob@${server}.lab`);
      command.reply.answeredEnabled(command.tag, { kind: 'done', count: 1 });
      assert.deepEqual(
        it.sent().map((stanza) => envelope(parseXml(stanza))),
        answered(start),
      );
    });
  }

  test(`9.6-L5 ${server}: bob's enable for alice, which the server forwards, is forbidden inside`, async () => {
    const it = await world();
    replay(it, '6 enable to ALICE');
    assert.deepEqual([it.sent().map(word), it.events.commands], [['auth/forbidden'], []]);
    const [outer, ...inner] = envelope(parseXml(it.sent()[0] ?? ''));
    const [asked] = answered('6 enable to ALICE');
    assert.deepEqual(outer, asked?.[0]);
    assert.match(inner.join(' '), new RegExp(`type=error from=alice@${server}.lab to=bob@${server}.lab/phone id=x6`));
  });

  test(`6.24 ${server}: a forwarded question is refused inside`, async () => {
    const it = await world();
    replay(it, '13 get');
    assert.deepEqual([it.sent().map(word), it.events.commands], [['modify/bad-request'], []]);
  });
}

function statuses(commands: readonly EventActorMessage[]): string[] {
  return commands.map((command) => {
    assert.ok(command.kind === 'event' && command.event.kind === 'status', command.kind);
    const { jid, status, show } = command.event;
    assert.match(jid, /^bob@/);
    return `${jid.replace(/^.*\//, '')} ${status} ${show}`;
  });
}

/** Each element from the outside in, with the attributes that bring an answer home. */
function envelope(stanza: XmlElement): string[] {
  const found: string[] = [];
  for (let at: XmlElement | undefined = stanza; at !== undefined; at = onlyChild(at)) {
    const { attrs } = at;
    const words = ['xmlns', 'type', 'from', 'to', 'id'].flatMap((name) =>
      name in attrs ? [`${name}=${attrs[name]}`] : [],
    );
    found.push([localName(at), ...words].join(' '));
  }
  return found;
}

function onlyChild({ children }: XmlElement): XmlElement | undefined {
  assert.ok(children.length <= 1);
  const [child] = children;
  return typeof child === 'string' ? undefined : child;
}
