import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { seededRandom } from '../../../src/core/random.ts';
import { componentOf, loadCaptures } from '../../../src/fake/xmpp-captures.ts';
import type { CapturedScenario } from '../../../src/fake/xmpp-captures.ts';
import { attributeOf } from '../../../src/fake/stanza-scanner.ts';
import { FakeXmppServer } from '../../../src/fake/xmpp-server.ts';
import type { FakeXmppServerOptions } from '../../../src/fake/xmpp-server.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import { handshakeOf } from '../../../src/xmpp/handshake.ts';

const deadline = { timeout: 10_000 };
const secret = 'lab-secret';
const captures = loadCaptures(new URL('../../../../test/fixtures/xmpp-captures.jsonl', import.meta.url).pathname);

/** A component without an engine: what a scenario sent, with the proof for the fake's stream id. */
class RawComponent {
  readonly #socket;
  #received = '';
  #changed: () => void = () => undefined;
  ended = false;

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.setNoDelay(true);
    this.#socket.setEncoding('utf8');
    this.#socket.on('data', (text: string) => {
      this.#received += text;
      this.#changed();
    });
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      this.ended = true;
      this.#changed();
    });
  }

  get received(): string {
    return this.#received;
  }

  send(text: string): void {
    if (!this.#socket.destroyed) this.#socket.write(text);
  }

  async until(done: (received: string) => boolean): Promise<void> {
    while (!this.ended && !done(this.#received)) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  /** Header and proof; `change` spoils the proof. */
  async open(domain: string, change = (proof: string) => proof): Promise<void> {
    this.send(
      `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' ` +
        `xmlns:stream='http://etherx.jabber.org/streams' to='${domain}'>`,
    );
    await this.prove(change);
  }

  async prove(change = (proof: string) => proof): Promise<void> {
    await this.until((received) => / id='[^']+'/.test(received));
    const id = attributeOf(this.#received.slice(this.#received.indexOf('<stream:stream')), 'id') ?? '';
    this.send(`<handshake>${change(handshakeOf(id, secret))}</handshake>`);
    await this.until((received) => /<handshake\/>|<stream:error>/.test(received));
  }

  close(): void {
    this.#socket.destroy();
  }
}

async function setup(t: TestContext, options: Partial<FakeXmppServerOptions> = {}) {
  const profile = options.profile ?? 'ejabberd';
  const component = `push.${profile}.lab`;
  const server = new FakeXmppServer({
    domain: `${profile}.lab`,
    components: { [component]: secret },
    random: seededRandom(5),
    ...options,
  });
  const port = await server.start();
  const open: RawComponent[] = [];
  t.after(async () => {
    for (const raw of open) raw.close();
    await server.stop();
  });
  const raw = (): RawComponent => {
    const client = new RawComponent(port);
    open.push(client);
    return client;
  };
  return { server, port, component, raw };
}

/** The conditions of stream and stanza errors, in order. */
function conditionsIn(text: string): string[] {
  return [...text.matchAll(/<(?:stream:error|error [^>]*)><([\w-]+)/g)].map((match) => match[1] ?? '');
}

function scenarioOf(profile: string, letter: string, stream: string): CapturedScenario {
  const found = captures.find(
    (capture) =>
      capture.file === `stream_${profile}.log` &&
      capture.scenario.startsWith(`${letter} `) &&
      capture.stream === stream,
  );
  assert.ok(found !== undefined, `${profile} ${letter} ${stream}`);
  return found;
}

const scenarios: readonly (readonly [letter: string, stream: string])[] = [
  ['C', 'COMP3'],
  ['D', 'COMP4'],
  ['D2', 'COMP4b'],
  ['E', 'E'],
  ['F', 'F'],
  ['G', 'G'],
  ['H', 'H'],
  ['H2', 'H2'],
  ['I', 'X'],
  ['J', 'X'],
  ['K', 'X'],
  ['L', 'X'],
  ['M', 'X'],
  ['N', 'X'],
  ['O', 'X'],
  ['P', 'X'],
  ['Q', 'X'],
  ['W', 'X'],
];

for (const profile of ['ejabberd', 'prosody'] as const) {
  for (const [letter, stream] of scenarios) {
    const scenario = scenarioOf(profile, letter, stream);
    test(`1.10 ${profile}: "${scenario.scenario}" ends as it was captured`, deadline, async (t) => {
      const { raw } = await setup(t, { profile });
      const component = raw();
      for (const { dir, data } of scenario.segments) {
        if (dir === 'in') continue;
        if (!data.startsWith('<handshake>')) component.send(data);
        else if (letter === 'C') await component.prove(() => '0'.repeat(40));
        else await component.prove(letter === 'H' ? (proof) => proof.toUpperCase() : undefined);
      }
      component.send('</stream:stream>');
      await component.until(() => false);
      const inbound = scenario.segments.filter(({ dir }) => dir === 'in').map(({ data }) => data);
      assert.deepEqual(conditionsIn(component.received), conditionsIn(inbound.join('')));
      assert.equal(component.received.includes('<handshake/>'), inbound.join('').includes('<handshake/>'));
    });
  }

  test(`1.2 ${profile}: header and id have the captured form`, deadline, async (t) => {
    const { raw, component } = await setup(t, { profile });
    const client = raw();
    await client.open(component);
    const captured = scenarioOf(profile, 'W', 'X').segments.find(({ dir }) => dir === 'in')?.data ?? '';
    const masked = (text: string): string => text.replace(/ id='[^']*'/, ` id='?'`);
    assert.equal(masked(client.received.replace('<handshake/>', '')), masked(captured));
    const id = / id='([^']*)'/.exec(client.received)?.[1] ?? '';
    assert.match(id, profile === 'ejabberd' ? /^\d{1,20}$/ : /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
  });

  test(`1.10 ${profile}: a stanza over 512 KiB costs the stream`, deadline, async (t) => {
    const { raw, component } = await setup(t, { profile });
    const client = raw();
    await client.open(component);
    client.send(`<message from='${component}' to='x@y'><body>${'x'.repeat(700_000)}</body></message>`);
    await client.until(() => false);
    assert.deepEqual(conditionsIn(client.received), [profile === 'ejabberd' ? 'policy-violation' : 'not-well-formed']);
  });
}

test('9.5.12 ejabberd lets several streams in and takes any of them at random', deadline, async (t) => {
  const { server, raw, component } = await setup(t);
  const clients = [raw(), raw(), raw()];
  for (const client of clients) await client.open(component);
  await server.whenOnline(3);
  for (let index = 0; index < 300; index++) server.send(`<message to='${component}' id='m${index}'/>`);
  for (const stream of server.online) stream.write('<end/>');
  for (const client of clients) await client.until((received) => received.includes('<end/>'));
  const counts = clients.map(({ received }) => received.split('<message').length - 1);
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    300,
  );
  assert.ok(Math.min(...counts) > 60, counts.join());
});

test('1.13 prosody refuses a second stream, or gives the first up, as configured', deadline, async (t) => {
  for (const conflict of ['kick_new', 'kick_old'] as const) {
    const { raw, component } = await setup(t, { profile: 'prosody', conflict });
    const [first, second] = [raw(), raw()];
    await first.open(component);
    await second.open(component);
    const loser = conflict === 'kick_new' ? second : first;
    await loser.until(() => false);
    assert.deepEqual(conditionsIn(loser.received), ['conflict']);
    assert.match(loser.received, conflict === 'kick_new' ? /already connected/ : /Replaced/);
  }
});

test('1.E a scenario knows the domain of its component', () => {
  assert.equal(componentOf(scenarioOf('prosody', 'A', 'COMP')), 'push.prosody.lab');
});

test('an IQ of a component is answered: pings to the server, nothing else', deadline, async (t) => {
  const { raw, component } = await setup(t);
  const client = raw();
  await client.open(component);
  const ask = (id: string, payload: string): void =>
    client.send(`<iq type='get' id='${id}' from='${component}' to='ejabberd.lab'>${payload}</iq>`);
  ask('p1', `<ping xmlns='urn:xmpp:ping'/>`);
  ask('d1', `<query xmlns='http://jabber.org/protocol/disco#info'/>`);
  await client.until((received) => received.includes(`id='d1'`));
  assert.match(client.received, /<iq type='result' id='p1' from='ejabberd.lab' to='push.ejabberd.lab'\/>/);
  assert.match(client.received, /<iq type='error' id='d1'.*service-unavailable/);
});

test('a publish gets its answer; a second answer, or one of a stranger, is counted apart', deadline, async (t) => {
  const { server, raw, component } = await setup(t);
  const client = raw();
  await client.open(component);
  await server.whenOnline();
  const publishing = server.publish({ node: 'n1', secret: 's1' });
  await client.until((received) => received.includes('</iq>'));
  const id = /<iq [^>]* id='([^']*)'/.exec(client.received)?.[1] ?? '';
  const error = `<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`;
  const answer = `<iq type='error' id='${id}' from='${component}' to='ejabberd.lab'>${error}</iq>`;
  client.send(`${answer}${answer}<presence from='${component}' to='ejabberd.lab'/>`);
  const answered = await publishing;
  assert.ok(answered.kind === 'error');
  assert.equal(`${answered.type} ${answered.condition}`, 'cancel item-not-found');
  await server.when(() => server.received.length === 1);
  assert.deepEqual([server.counters.errors, server.counters.unasked, server.counters.unanswered], [2, 1, 0]);
});

test('a publish that nobody answers is unanswered after its time', deadline, async (t) => {
  const clock = new VirtualClock();
  const { server, raw, component } = await setup(t, { clock });
  const client = raw();
  await client.open(component);
  const publishing = server.publish({ node: 'n1' }, 5000);
  await clock.advance(5000);
  assert.equal((await publishing).kind, 'unanswered');
  assert.equal(server.counters.unanswered, 1);
});
