/**
 * Our component stream with the real servers: what the fake server imitates must also be true of these.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import type { ServerConfig } from '../../config/engine-config.ts';
import type { ComponentStream } from '../../src/xmpp/component-stream.ts';
import { iqRequest } from '../../src/xmpp/stanza.ts';
import { attribute } from '../../src/xmpp/xml.ts';
import { within } from '../peers/deadline.ts';
import { ejabberdAbsent, startEjabberd } from '../peers/ejabberd.ts';
import { lastFirst } from '../peers/last-first.ts';
import { prosodyAbsent, startProsody } from '../peers/prosody.ts';
import type { RealServer } from '../peers/real-server.ts';
import { noWait, RecordingOwner, serverConfig, streamTo } from '../unit/xmpp/stream-harness.ts';

const servers = [
  { name: 'ejabberd', absent: ejabberdAbsent, start: startEjabberd },
  { name: 'Prosody', absent: prosodyAbsent, start: startProsody },
] as const;

interface Connected {
  readonly stream: ComponentStream;
  readonly owner: RecordingOwner;
}

function world(t: TestContext, server: RealServer) {
  const cleanup = lastFirst(t);
  return (changes: Partial<ServerConfig> = {}): Connected => {
    const owner = new RecordingOwner();
    const config = { domain: server.componentDomain, secret: server.componentSecret, ...changes };
    const stream = streamTo(serverConfig(server.componentPort, config), owner, { random: noWait });
    cleanup(() => stream.close());
    stream.open();
    return { stream, owner };
  };
}

async function online({ owner }: Connected): Promise<void> {
  await within(
    'the stream is online',
    owner.when(() => owner.has('online')),
  );
}

function ping({ stream }: Connected, server: RealServer, id: string): void {
  stream.send(iqRequest('get', id, server.componentDomain, server.domain, `<ping xmlns='urn:xmpp:ping'/>`));
  stream.flush();
}

for (const { name, absent, start } of servers) {
  void describe(`component stream with ${name}`, { skip: absent, timeout: 120_000 }, () => {
    void it('1.1 to 1.19 shakes hands, is answered, sends white space, is refused, and takes its leave', async (t) => {
      const server = await start();
      const open = world(t, server);
      t.after(() => server.stop());

      const first = open();
      await online(first);
      first.stream.send(' \n');
      ping(first, server, 'k1-1');
      await within(
        'the answer to a ping',
        first.owner.when(() => first.owner.stanzas.length === 1),
      );
      const [pong] = first.owner.stanzas;
      assert.ok(pong !== undefined);
      assert.equal(attribute(pong, 'id'), 'k1-1');
      assert.equal(attribute(pong, 'from'), server.domain);
      await within('goodbye', first.stream.close());
      assert.equal(first.stream.counters.faults, 0);

      const again = open();
      await online(again);

      const wrong = open({ secret: 'wrong' });
      await within(
        'a refusal',
        wrong.owner.when(() => wrong.owner.has('error')),
      );
      assert.match(wrong.owner.events.join(), /stream error not-authorized/);

      const stranger = open({ domain: 'stranger.example' });
      await within(
        'a refusal',
        stranger.owner.when(() => stranger.owner.has('error')),
      );
      assert.match(stranger.owner.events.join(), /stream error (?:not-authorized|host-unknown)/);

      const broken = open();
      await online(broken);
      broken.stream.send(
        `<iq type='get' id='x' from='else.where' to='${server.domain}'><ping xmlns='urn:xmpp:ping'/></iq>`,
      );
      broken.stream.flush();
      await within(
        'the end of the stream',
        broken.owner.when(() => broken.owner.has('offline')),
      );
      assert.match(broken.owner.events.join(), /stream error invalid-from/);
      assert.equal(broken.stream.counters.faults, 1);
      await within(
        'a new connection',
        broken.owner.when(() => broken.owner.count('online') === 2),
      );
    });

    void it('1.40 a second stream of one domain joins at ejabberd and replaces the first at Prosody', async (t) => {
      const server = await start();
      const open = world(t, server);
      t.after(() => server.stop());
      const [first, second] = [open(), open()];
      await online(first);
      await online(second);
      if (name === 'ejabberd') {
        for (let count = 0; count < 20; count++) ping(first, server, `k${count}`);
        await within(
          'answers on the other stream',
          second.owner.when(() => second.owner.stanzas.length > 0),
        );
      } else {
        const replaced = (): boolean => first.owner.has('offline') || second.owner.has('offline');
        await within('one gives way', Promise.race([first, second].map(({ owner }) => owner.when(replaced))));
        assert.match([...first.owner.events, ...second.owner.events].join(), /stream error conflict/);
      }
    });

    void it('1.7 an orderly stop of the server is a loss like any other, not an alarm', async (t) => {
      const server = await start();
      const open = world(t, server);
      t.after(() => server.stop());
      const only = open();
      await online(only);
      await server.stop();
      await within(
        'the loss',
        only.owner.when(() => only.owner.has('offline')),
      );
      assert.equal(only.owner.has('error'), false);
      assert.notEqual(only.stream.state, 'closed');
    });
  });
}
