import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { seededRandom } from '../../../src/core/random.ts';
import type { PublishCommand } from '../../../src/registration/commands.ts';
import { routeIq } from '../../../src/router/iq-routes.ts';
import type { Routed, RouteSettings } from '../../../src/router/routed.ts';
import { CommandSessions } from '../../../src/xmpp/command-sessions.ts';
import { StreamParser } from '../../../src/xmpp/stream-parser.ts';
import { attribute, localName } from '../../../src/xmpp/xml.ts';
import type { XmlElement } from '../../../src/xmpp/xml.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';

interface Capture {
  readonly server: string;
  readonly dir: string;
  readonly data: string;
}

const header = "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>";

/** Stanzas of one segment; segments that end in the middle of one, or were shortened for the fixture, have fewer. */
function stanzasOf(data: string): XmlElement[] {
  const found: XmlElement[] = [];
  const parser = new StreamParser(
    { stanzaBytesMax: 1_048_576 },
    {
      opened: () => undefined,
      stanza: (element) => found.push(element),
      oversized: () => undefined,
      closed: () => undefined,
      failed: () => undefined,
    },
  );
  parser.write(Buffer.from(header + data));
  return found;
}

function captured(): readonly { readonly text: string; readonly iq: XmlElement }[] {
  const path = new URL('../../../../test/fixtures/xmpp-captures.jsonl', import.meta.url);
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  const segments = lines.map((line): Capture => JSON.parse(line)).filter(({ dir }) => dir === 'in');
  return segments.flatMap(({ data }) =>
    stanzasOf(data)
      .filter((stanza) => localName(stanza) === 'iq')
      .map((iq) => ({ text: data, iq })),
  );
}

function setup(domain: string): RouteSettings {
  const clock = new VirtualClock();
  const services = new Set(['apns', 'fcm'] as const);
  const sessions = new CommandSessions({ key: Buffer.alloc(32), clock, random: seededRandom(1) });
  return {
    domain,
    clock,
    iqReplyMs: 5_000,
    allowedDomains: new Set(),
    strictErrors: false,
    delegatedDomains: new Set(),
    disco: {
      name: 'Meerkat',
      version: '1',
      jid: domain,
      create: true,
      commands: true,
      services,
      apps: [],
      delegation: false,
    },
    commands: { enabled: true, services, jid: domain, secrets: true, sessions },
  };
}

function routed(iq: XmlElement): Routed {
  const to = attribute(iq, 'to') ?? '';
  return routeIq(iq, setup(to.replace(/^[^@]*@/, '').replace(/\/.*$/, '')));
}

type Publish = Omit<PublishCommand, 'reply' | 'tag'>;

/** Every publish of the captures that has a node. */
function publishes(): Publish[] {
  return captured().flatMap(({ iq }) => {
    const route = routed(iq);
    return route.kind === 'command' && route.command.kind === 'publish' ? [route.command] : [];
  });
}

test('every publish that ejabberd and Prosody sent decodes', () => {
  let seen = 0;
  for (const { iq } of captured()) {
    if (attribute(iq, 'type') !== 'set' || !iq.children.some((child) => isNamed(child, 'pubsub'))) continue;
    seen += 1;
    const route = routed(iq);
    assert.ok(route.kind === 'command' && route.command.kind === 'publish', JSON.stringify(route));
    assert.equal(route.request.id, attribute(iq, 'id'));
    const { node, from, summary, options } = route.command;
    assert.notEqual(node, '');
    assert.ok(from === 'ejabberd.lab' || from === 'prosody.lab', from);
    assert.ok(summary.messageCount === -1 || summary.messageCount === 1);
    assert.ok(options.present || options.secret === '');
  }
  assert.ok(seen >= 120, `only ${seen} publishes were found`);
});

function isNamed(child: XmlElement | string, name: string): boolean {
  return typeof child !== 'string' && localName(child) === name;
}

test('9.6 dummy bodies, real bodies, none at all, senders and secrets are read from the captures', () => {
  const all = publishes();
  const bodies = new Set(all.map(({ summary }) => summary.lastMessageBody));
  for (const body of ['', 'New message', 'New Message!', '(encrypted)', 'hello', 'Tom & Jerry <3 😀\nline2']) {
    assert.ok(bodies.has(body), body);
  }
  assert.ok(all.some(({ summary }) => summary.lastMessageSender === 'alice@ejabberd.lab/laptop'));
  assert.ok(all.some(({ options }) => options.secret === 'eruio234vzxc2kla-91'));
});

/** The same segment with every default namespace turned into a prefix. */
function withPrefixes(text: string): string {
  const stack: string[] = [];
  const tags = /<(\/?)([a-z_-]+)([^>]*?)(\/?)>/g;
  return text.replace(tags, (_, close: string, name: string, rest: string, empty: string) => {
    if (close === '/') return `</${stack.pop() ?? ''}>`;
    const declared = /\sxmlns='([^']*)'/.exec(rest);
    const parent = stack.at(-1) ?? '';
    const inherited = parent.includes(':') ? parent.slice(0, parent.indexOf(':') + 1) : '';
    const prefix = declared === null ? inherited : `p${stack.length}:`;
    const attributes = declared === null ? rest : rest.replace(' xmlns=', ` xmlns:p${stack.length}=`);
    if (empty === '') stack.push(prefix + name);
    return `<${prefix}${name}${attributes}${empty}>`;
  });
}

test('8.12 every captured IQ means the same when it is written with prefixes', () => {
  let seen = 0;
  for (const { text, iq } of captured()) {
    if (text.includes('[...]') || text.includes('<?xml') || attribute(iq, 'id') === undefined) continue;
    const prefixed = stanzasOf(withPrefixes(text)).find((other) => attribute(other, 'id') === attribute(iq, 'id'));
    assert.ok(prefixed !== undefined, text);
    assert.deepEqual(routed(prefixed), routed(iq));
    seen += 1;
  }
  assert.ok(seen >= 150, `only ${seen} IQs were compared`);
});
