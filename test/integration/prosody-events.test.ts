/** The Prosody module of src/http/README.md, as it stands there, in a real Prosody. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { eventOf } from '../../src/event/event-input.ts';
import { until } from '../peers/deadline.ts';
import { prosodyAbsent, startProsody } from '../peers/prosody.ts';
import { XmppUser } from '../peers/xmpp-user.ts';
import { openWorld, token } from '../unit/http/http-world.ts';

describe('Prosody', { skip: prosodyAbsent }, () => {
  it('6.2 the module of the API page tells of messages that nobody has seen', { timeout: 60_000 }, async (t) => {
    const { door, port } = await openWorld(t);
    const page = readFileSync(join('src', 'http', 'README.md'), 'utf8');
    const source = /```lua\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    const settings = [`meerkat_url = "http://127.0.0.1:${port}/v1/events"`, `meerkat_token = "${token}"`];
    const server = await startProsody({ module: { name: 'meerkat_events', source, settings } });
    t.after(() => server.stop());
    await XmppUser.register(server, 'alice');
    await XmppUser.register(server, 'bob');
    const alice = await XmppUser.connect(server, 'alice');
    t.after(() => alice.disconnect());
    const body = 'Grüße & <tags> "quoted" 🎉';
    await alice.write(`bob@${server.domain}`, body);
    const [input] = await until('the event is told', () => door.batches[0]?.inputs);
    const event = eventOf(input);
    assert.ok(event.ok);
    assert.ok(event.value.kind === 'message');
    const { from, to, type, userStatus, isStored, body: text } = event.value;
    assert.match(from, /^alice@prosody\.lab\/.+/);
    assert.deepEqual([to, type, userStatus, isStored, text], ['bob@prosody.lab', 'chat', 'offline', 'yes', body]);

    const bob = await XmppUser.connect(server, 'bob');
    await bob.vanish();
    await alice.write(bob.bareJid, 'are you there?');
    // The first message, which the session was given and did not acknowledge, may be told as well.
    const addressee = await until('the session that waits is told', () => {
      for (const { inputs } of door.batches) {
        const told = eventOf(inputs[0]);
        if (!told.ok || told.value.kind !== 'unacknowledged') continue;
        if (told.value.body === 'are you there?') return told.value.to;
      }
      return undefined;
    });
    assert.equal(addressee, 'bob@prosody.lab/phone');
  });
});
