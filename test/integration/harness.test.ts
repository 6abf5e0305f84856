/**
 * The peers themselves: a real server, a real user and a component of thirty lines, before any engine is involved.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { ejabberdAbsent, startEjabberd } from '../peers/ejabberd.ts';
import { prosodyAbsent, startProsody } from '../peers/prosody.ts';
import { lastFirst } from '../peers/last-first.ts';
import { StreamTap } from '../peers/stream-tap.ts';
import { XmppUser } from '../peers/xmpp-user.ts';
import { until } from '../peers/deadline.ts';
import type { TestContext } from 'node:test';
import type { RealServer, RealServerOptions } from '../peers/real-server.ts';
import type { Socket } from 'node:net';

const servers = [
  { name: 'ejabberd', absent: ejabberdAbsent, start: startEjabberd },
  { name: 'Prosody', absent: prosodyAbsent, start: startProsody },
] as const;

type Answer = 'result' | 'cancel' | 'wait';

/** A component that answers every publish in one way. */
class Component {
  answer: Answer = 'result';
  readonly #socket: Socket;
  readonly #domain: string;
  #text = '';

  constructor(server: RealServer, port: number) {
    this.#domain = server.componentDomain;
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.on('error', () => undefined);
    this.#socket.write(
      `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' ` +
        `xmlns:stream='http://etherx.jabber.org/streams' to='${this.#domain}'>`,
    );
    this.#socket.setEncoding('utf8').on('data', (text: string) => this.#read(text, server.componentSecret));
  }

  async close(): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#socket.end('</stream:stream>');
    await closed;
  }

  #read(text: string, secret: string): void {
    this.#text += text;
    const id = /<stream:stream [^>]*\bid='([^']+)'/.exec(text)?.[1];
    if (id !== undefined) {
      this.#socket.write(
        `<handshake>${createHash('sha1')
          .update(id + secret)
          .digest('hex')}</handshake>`,
      );
    }
    for (;;) {
      const publish = /<iq ([^>]*)><pubsub.*?<\/iq>/s.exec(this.#text);
      if (publish === null) return;
      this.#text = this.#text.slice(publish.index + publish[0].length);
      const attributes = publish[1] ?? '';
      const value = (name: string): string => new RegExp(`\\b${name}='([^']*)'`).exec(attributes)?.[1] ?? '';
      const type = this.answer === 'result' ? 'result' : 'error';
      const condition = `<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>`;
      const error = `<error type='${this.answer}'>${condition}</error>`;
      this.#socket.write(
        `<iq type='${type}' id='${value('id')}' from='${this.#domain}' to='${value('from')}'>` +
          `${type === 'result' ? '' : error}</iq>`,
      );
    }
  }
}

interface World {
  readonly server: RealServer;
  readonly tap: StreamTap;
  readonly component: Component;
  readonly alice: XmppUser;
  /** Registers the account, enables push to the node of that name, leaves. */
  readonly offline: (username: string, node: string) => Promise<void>;
}

async function setup(
  t: TestContext,
  start: (options?: RealServerOptions) => Promise<RealServer>,
  options: RealServerOptions,
): Promise<World> {
  const after = lastFirst(t);
  const server = await start(options);
  after(() => server.stop());
  const tap = await StreamTap.open(server.componentPort);
  after(() => tap.close());
  const component = new Component(server, tap.port);
  await tap.untilOnline(1);
  await XmppUser.register(server, 'alice');
  const alice = await XmppUser.connect(server, 'alice');
  after(() => alice.disconnect());
  return {
    server,
    tap,
    component,
    alice,
    async offline(username, node) {
      await XmppUser.register(server, username);
      const user = await XmppUser.connect(server, username);
      await user.enablePush({ jid: server.componentDomain, node, options: { secret: 'eruio234vzxc2kla-91' } });
      await user.disconnect();
    },
  };
}

for (const { name, absent, start } of servers) {
  describe(`harness: ${name}`, { skip: absent }, () => {
    it('9.5.1 publishes for an offline user and is content with a result', async (t) => {
      const { tap, alice, offline, server } = await setup(t, start, {});
      await offline('bob', 'node1');
      await alice.write(`bob@${server.domain}`, 'hello');
      await tap.untilSaid("type='result'");
      assert.equal(tap.publishes('node1'), 1);
      assert.equal(await server.pushRegistrations('bob'), 1);
    });

    it('9.5.4 drops a registration for cancel, and keeps it for wait (9.5.6)', async (t) => {
      const { tap, alice, offline, component, server } = await setup(t, start, { pushMaxErrors: 2 });
      await offline('bob', 'node1');
      const errorsMax = server.kind === 'ejabberd' ? 1 : 2;
      for (const [sent, answer] of (['wait', 'wait', 'wait'] as const).entries()) {
        component.answer = answer;
        await alice.write(`bob@${server.domain}`, 'hello');
        await tap.untilSaid("type='wait'", sent + 1);
      }
      assert.equal(await server.pushRegistrations('bob'), 1);
      component.answer = 'cancel';
      for (let errors = 1; errors <= errorsMax; errors++) {
        await alice.write(`bob@${server.domain}`, 'hello');
        await tap.untilSaid("type='cancel'", errors);
      }
      await until('the registration is gone', async () =>
        (await server.pushRegistrations('bob')) === 0 ? true : undefined,
      );
    });
  });
}
