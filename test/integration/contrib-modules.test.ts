/**
 * Meerkat in the place of a server's own push module, with nothing between a message and the gateway but what operators
 * install: delegation for what clients enable, and the module of `contrib` for messages.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { until } from '../peers/deadline.ts';
import { ejabberdAbsent, startEjabberd } from '../peers/ejabberd.ts';
import { prosodyAbsent, startProsody } from '../peers/prosody.ts';
import { apnsTopic } from '../peers/push-gateways.ts';
import { eventsToken, pushHalfWorld } from '../peers/push-half-world.ts';
import { apnsToken } from '../peers/push-world.ts';
import { XmppUser } from '../peers/xmpp-user.ts';
import { projectRoot } from '../tidy/tree.ts';
import type { TestContext } from 'node:test';
import type { PushHalfWorld, StartServer } from '../peers/push-half-world.ts';
import type { RealServer, ServerModule } from '../peers/real-server.ts';

const name = 'mod_meerkat_events';

const modules: Readonly<Record<RealServer['kind'], (url: string) => ServerModule>> = {
  prosody: (url) => ({
    name: 'meerkat_events',
    source: readFileSync(join(projectRoot(), 'contrib', 'prosody', `${name}.lua`), 'utf8'),
    settings: [`meerkat_url = "${url}"`, `meerkat_token = "${eventsToken}"`],
  }),
  ejabberd: (url) => ({
    name,
    source: readFileSync(join(projectRoot(), 'contrib', 'ejabberd', `${name}.erl`), 'utf8'),
    settings: [`url: "${url}"`, `token: "${eventsToken}"`],
  }),
};

function contribSuite(start: StartServer, kind: RealServer['kind']): void {
  const open = (t: TestContext): Promise<PushHalfWorld> =>
    pushHalfWorld(t, start, (port) => ({ module: modules[kind](`http://127.0.0.1:${port}/v1/events`) }));

  /** Bodies that Apple was given for a device, in order. */
  const shownTo = ({ gateways }: PushHalfWorld, token: string): readonly string[] =>
    gateways
      .apns()
      .received.items.filter(({ deviceToken }) => deviceToken === token)
      .map(({ payload }) => /"body":"([^"]*)"/.exec(payload)?.[1] ?? payload);

  const enable = async (bob: XmppUser, { server }: PushHalfWorld): Promise<string> => {
    const token = apnsToken();
    const options = { service: 'apns', device_id: token, topic: apnsTopic };
    await bob.enablePush({ jid: server.componentDomain, node: `phone-${token.slice(0, 8)}`, options });
    return token;
  };

  const events = ({ engine }: PushHalfWorld): number => engine().figures().events?.events ?? 0;

  it('6.2 who is offline is pushed, once, and who is there is not', async (t) => {
    const world = await open(t);
    const alice = await world.user('alice');
    let token = '';
    /** His client hears it while he is there. A server may write again, to nobody, what was not acknowledged. */
    const isThere = async (bob: XmppUser, body: string): Promise<void> => {
      await bob.settle();
      const toldBefore = events(world);
      await alice.write(bob.bareJid, body);
      await until('Meerkat was told of it', () => (events(world) > toldBefore ? true : undefined));
      await bob.settle();
      assert.ok(!shownTo(world, token).includes(body));
      await bob.becomesUnavailable();
    };
    const isPushed = async (body: string): Promise<void> => {
      await alice.write(`bob@${world.server.domain}`, body);
      await until(`${body} is pushed`, () => (shownTo(world, token).includes(body) ? true : undefined));
    };
    await world.bobAsleep(async (bob) => {
      token = await enable(bob, world);
      await isThere(bob, 'you are there');
    });
    await isPushed('Grüße & <tags> 🎉');
    const bob = await world.user('bob');
    await isThere(bob, 'you are back');
    await bob.disconnect();
    await isPushed('last');
    const shown = shownTo(world, token);
    assert.equal(new Set(shown).size, shown.length, shown.join());
  });

  it('9.5.15 a phone that vanished without a word is pushed, by what its session waits with', async (t) => {
    const world = await open(t);
    const alice = await world.user('alice');
    await XmppUser.register(world.server, 'bob');
    const bob = await XmppUser.connect(world.server, 'bob'); // nobody waits for the end of a session that waits
    const token = await enable(bob, world);
    await bob.vanish();
    await alice.write(bob.bareJid, 'are you there?');
    await until('the push arrives', () => (shownTo(world, token).length > 0 ? true : undefined));
    assert.deepEqual(shownTo(world, token), ['are you there?']);
  });

  it('9.5.15 what a phone out of reach was sent is pushed when its connection has died', async (t) => {
    const world = await open(t);
    const alice = await world.user('alice');
    await XmppUser.register(world.server, 'bob');
    const bob = await XmppUser.connect(world.server, 'bob');
    const token = await enable(bob, world);
    await bob.settle();
    bob.deafen();
    await alice.write(bob.bareJid, 'can you hear me?');
    await until('Meerkat was told that he is there', () => (events(world) > 0 ? true : undefined));
    assert.deepEqual(shownTo(world, token), []);
    await bob.vanish();
    await until('the push arrives', () => (shownTo(world, token).length > 0 ? true : undefined));
    assert.deepEqual(shownTo(world, token), ['can you hear me?']);
  });

  it('6.2 what Meerkat cannot be told while it is away is told when it is back', async (t) => {
    const world = await open(t);
    const alice = await world.user('alice');
    let token = '';
    await world.bobAsleep(async (bob) => {
      token = await enable(bob, world);
      await bob.becomesUnavailable();
    });
    await world.engine().stop();
    await alice.write(`bob@${world.server.domain}`, 'nobody hears this yet');
    await world.restartEngine();
    await until('the push arrives', () => (shownTo(world, token).length > 0 ? true : undefined));
    assert.deepEqual(shownTo(world, token), ['nobody hears this yet']);
  });
}

describe('contrib: Prosody', { skip: prosodyAbsent }, () => contribSuite(startProsody, 'prosody'));

describe('contrib: ejabberd', { skip: ejabberdAbsent }, () => contribSuite(startEjabberd, 'ejabberd'));
