import assert from 'node:assert/strict';
import { test } from 'node:test';
import { componentOf, inboundOf, loadCaptures, replayCapture } from '../../../src/fake/xmpp-captures.ts';
import { iqResult } from '../../../src/xmpp/stanza.ts';
import { attribute, localName } from '../../../src/xmpp/xml.ts';
import type { XmlElement } from '../../../src/xmpp/xml.ts';
import { RecordingOwner, secret, serverConfig, streamTo } from '../xmpp/stream-harness.ts';
import { FakeXmppServer } from '../../../src/fake/xmpp-server.ts';
import { seededRandom } from '../../../src/core/random.ts';
import type { ComponentStream } from '../../../src/xmpp/component-stream.ts';

const deadline = { timeout: 20_000 };
const captures = loadCaptures(new URL('../../../../test/fixtures/xmpp-captures.jsonl', import.meta.url).pathname);

/** Answers every question at once. */
class AnsweringOwner extends RecordingOwner {
  override stanza(stream: ComponentStream, element: XmlElement): void {
    super.stanza(stream, element);
    const type = attribute(element, 'type');
    if (localName(element) !== 'iq' || (type !== 'get' && type !== 'set')) return;
    const address = (name: string): string => attribute(element, name) ?? '';
    stream.send(iqResult({ id: address('id'), from: address('from'), to: address('to') }, ''));
    stream.flush();
  }
}

test('a captured file is read whole, stream by stream', () => {
  assert.ok(captures.length > 150);
  assert.deepEqual([...new Set(captures.map(({ server }) => server))], ['ejabberd', 'prosody']);
});

test('1.2 the header and the handshake of a capture are not replayed', () => {
  const first = captures.find(({ file, scenario }) => file === 'push_ejabberd.log' && scenario === '');
  assert.ok(first !== undefined);
  assert.deepEqual(inboundOf(first), []);
  assert.equal(componentOf(first), 'push.ejabberd.lab');
});

for (const profile of ['ejabberd', 'prosody'] as const) {
  for (const pieceBytesMax of [0, 40]) {
    const how = pieceBytesMax === 0 ? 'as captured' : 'in random pieces';
    test(`9.6 all that ${profile} sent is read and answered once, ${how}`, deadline, async (t) => {
      const component = `push.${profile}.lab`;
      const server = new FakeXmppServer({
        profile,
        domain: `${profile}.lab`,
        components: { [component]: secret },
        random: seededRandom(11),
      });
      const owner = new AnsweringOwner();
      const stream = streamTo(serverConfig(await server.start(), { domain: component }), owner);
      t.after(async () => {
        await stream.close();
        await server.stop();
      });
      stream.open();
      await server.whenOnline();
      server.behaviour.pieceBytesMax = pieceBytesMax;
      const wanted = captures.filter(
        (capture) =>
          capture.server === profile &&
          !capture.file.startsWith('stream_') &&
          capture.stream === 'COMP' &&
          inboundOf(capture).every((segment) => !segment.includes('stream:')),
      );
      let questions = 0;
      for (const scenario of wanted) {
        const answered = await replayCapture(server, scenario, 5_000);
        assert.deepEqual(
          answered.map(({ answer }) => answer.kind),
          answered.map(() => 'result'),
          scenario.scenario,
        );
        questions += answered.length;
      }
      assert.ok(questions > 40, `${questions}`);
      assert.equal(server.counters.results, questions);
      assert.equal(server.counters.unasked, 0);
      assert.equal(stream.counters.faults, 0);
      assert.equal(stream.counters.reconnects, 0);
    });
  }
}
