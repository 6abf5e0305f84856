import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/core/clock.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { checkNoCertificates } from '../../conformance/gateway-tls.ts';
import { makeAuthority } from '../../../src/fake/certificates.ts';
import { handshakeOf } from '../../../src/xmpp/handshake.ts';
import { attribute } from '../../../src/xmpp/xml.ts';
import { domain, eventually, noWait, secret, setup } from './stream-harness.ts';

const deadline = { timeout: 10_000 };
const ping = `<iq type='get' id='p1' from='example.com' to='${domain}'><ping xmlns='urn:xmpp:ping'/></iq>`;

test('1.1 the header is the one of XEP-0114: to, no from, no version, no id', deadline, async (t) => {
  const { server, stream, owner } = await setup(t);
  stream.open();
  await owner.when(() => owner.has('online'));
  assert.equal(
    server.online[0]?.header,
    `<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${domain}'>`,
  );
});

test('1.E the header asks Openfire for several streams only when configured', deadline, async (t) => {
  const { server, stream, owner } = await setup(t, { config: { allowMultiple: true } });
  stream.open();
  await owner.when(() => owner.has('online'));
  assert.match(server.online[0]?.header ?? '', / allowMultiple='true'>$/);
});

for (const profile of ['ejabberd', 'prosody'] as const) {
  test(`1.4 the stream is online after the handshake with ${profile}, and not before`, deadline, async (t) => {
    const { stream, owner } = await setup(t, { server: { profile } });
    assert.equal(stream.state, 'closed');
    stream.open();
    assert.equal(stream.state, 'connecting');
    assert.equal(stream.send('<presence/>'), false);
    await owner.when(() => owner.has('online'));
    assert.equal(stream.state, 'online');
    assert.equal(stream.send(`<message from='${domain}' to='example.com'/>`), true);
  });
}

test('1.2 the stream id is unescaped before it is hashed', deadline, async (t) => {
  const { server, stream, owner } = await setup(t);
  server.behaviour.streamId = 'a&b1<"';
  stream.open();
  await owner.when(() => owner.has('online'));
});

test('1.3 the handshake is the lower-case hex SHA-1 of id and secret', () => {
  assert.equal(handshakeOf('3BF96D32', 'secret'), 'b09ea9b3b7f586be8a08d0a3dd7466f110aeb136');
  assert.equal(handshakeOf('a&b1', 's3cr3t-é'), 'ff22f87c73d6e620dcce9600b6a045eed13d49ba');
});

test('8.33 a stream id of 10 KiB, and one that comes twice, are hashed like any other', deadline, async (t) => {
  const { server, stream, owner } = await setup(t, { random: noWait });
  server.behaviour.streamId = 'x'.repeat(10_240);
  stream.open();
  await owner.when(() => owner.has('online'));
  server.online[0]?.vanish();
  await owner.when(() => owner.count('online') === 2);
});

test('1.5 stanzas in the segment of the acknowledgement are delivered, after online', deadline, async (t) => {
  const { server, stream, owner } = await setup(t, { server: { profile: 'prosody' } });
  server.behaviour.withHandshake = ping.repeat(4);
  stream.open();
  await owner.when(() => owner.stanzas.length === 4);
  assert.equal(owner.events.filter((event) => event === 'online').length, 1);
});

test('1.5 everything arrives whatever the pieces it comes in', deadline, async (t) => {
  const { server, stream, owner } = await setup(t, { server: { random: seededRandom(99) } });
  server.behaviour.pieceBytesMax = 5;
  server.behaviour.withHandshake = `<message from='example.com' to='${domain}' id='ü😀'/>${ping}`;
  stream.open();
  await owner.when(() => owner.stanzas.length === 2);
  const [message, iq] = owner.stanzas;
  assert.ok(message !== undefined && iq !== undefined);
  assert.equal(attribute(message, 'id'), 'ü😀');
  assert.equal(attribute(iq, 'id'), 'p1');
});

test('1.6 an error in the segment of the header is the cause, and no handshake is sent', deadline, async (t) => {
  const { server, stream, owner } = await setup(t, { server: { profile: 'prosody', components: {} } });
  stream.open();
  await owner.when(() => owner.has('error'));
  const [refusal] = owner.events;
  assert.match(refusal ?? '', /stream error host-unknown/);
  assert.match(refusal ?? '', /E_STREAM_REFUSED/);
  assert.equal(stream.state, 'waiting');
  assert.equal(server.counters.connections, 1);
  assert.equal(owner.has('online'), false);
});

test('1.13 a wrong secret is an alarm that does not contain the secret', deadline, async (t) => {
  const { stream, owner } = await setup(t, { server: { components: { [domain]: 'another' } } });
  stream.open();
  await owner.when(() => owner.has('error'));
  assert.match(owner.events.join(), /not-authorized/);
  assert.equal(owner.events.join().includes(secret), false);
  assert.equal(stream.state, 'waiting');
});

test('1.13 a conflict with another connection is told apart from being replaced', deadline, async (t) => {
  const first = await setup(t, { server: { profile: 'prosody', conflict: 'kick_old' } });
  first.stream.open();
  await first.owner.when(() => first.owner.has('online'));
  const second = await setup(t, { config: { port: first.port } });
  second.stream.open();
  await second.owner.when(() => second.owner.has('online'));
  await first.owner.when(() => first.owner.has('offline'));
  assert.match(first.owner.events.join(), /stream error conflict/);
  assert.ok(Number(/"waitMs":(\d+)/.exec(first.owner.events.join())?.[1]) >= 30_000);
});

test(
  '1.13 after an error for something of ours the log shows the shape of the last stanzas only',
  deadline,
  async (t) => {
    const { server, stream, owner } = await setup(t);
    stream.open();
    await owner.when(() => owner.has('online'));
    stream.send(
      `<iq type='result' id='i1' from='elsewhere.example' to='example.com'><secret>token-of-anna</secret></iq>`,
    );
    stream.flush();
    await owner.when(() => owner.has('offline'));
    const logged = owner.events.join('\n');
    assert.match(logged, /stream error invalid-from/);
    assert.match(logged, /<iq type='result' id='\(2\)'/);
    assert.equal(logged.includes('token-of-anna'), false);
    assert.equal(stream.counters.faults, 1);
    assert.equal(server.counters.connections, 1);
  },
);

test(
  '1.10 one write carries everything of a turn, and a bad stanza is the only reason for a fault',
  deadline,
  async (t) => {
    const { server, stream, owner } = await setup(t, { server: { profile: 'prosody' } });
    stream.open();
    await owner.when(() => owner.has('online'));
    for (let index = 0; index < 100; index++)
      stream.send(`<message from='${domain}' to='example.com' id='m${index}'/>`);
    assert.equal(server.received.length, 0);
    stream.flush();
    await server.when(() => server.received.length === 100);
    assert.equal(stream.counters.faults, 0);
  },
);

test('1.11 stray text between stanzas is ignored', deadline, async (t) => {
  const { server, stream, owner } = await setup(t);
  stream.open();
  await owner.when(() => owner.has('online'));
  server.send(`${ping}300${ping} \n`);
  await owner.when(() => owner.stanzas.length === 2);
  assert.equal(stream.state, 'online');
});

test('1.14 input that cannot be parsed is answered with the stream error, then closed', deadline, async (t) => {
  const { server, stream, owner } = await setup(t);
  stream.open();
  await owner.when(() => owner.has('online'));
  server.send(`${ping}<iq></message>${ping}`);
  await owner.when(() => owner.has('offline'));
  assert.match(owner.events.join(), /offline: not-well-formed/);
  assert.equal(owner.stanzas.length, 1);
  await server.when(() => server.received.some((text) => /^<stream:error><not-well-formed /.test(text)));
});

test('1.7 closing says goodbye, waits for the peer, and resolves', deadline, async (t) => {
  const { server, stream, owner } = await setup(t);
  stream.open();
  await owner.when(() => owner.has('online'));
  stream.send(`<message from='${domain}' to='example.com' id='last'/>`);
  await stream.close();
  assert.equal(stream.state, 'closed');
  assert.equal(server.received.length, 1);
  assert.deepEqual(
    owner.events.filter((event) => event.startsWith('offline')),
    ['offline: closed'],
  );
});

test('8.32 a stanza cut off by a restart is discarded, and the next connection starts afresh', deadline, async (t) => {
  const { server, stream, owner, port } = await setup(t, { random: noWait });
  stream.open();
  await owner.when(() => owner.has('online'));
  server.send(ping.slice(0, 40));
  await owner.when(() => stream.counters.bytesIn > 200);
  await server.stop();
  await owner.when(() => owner.has('offline'));
  await server.start(port);
  await owner.when(() => owner.count('online') === 2);
  server.send(ping);
  await owner.when(() => owner.stanzas.length === 1);
});

test(
  '3.4 a full mailbox keeps one chunk and pauses the socket; resume goes on where it stopped',
  deadline,
  async (t) => {
    const { server, stream, owner } = await setup(t);
    stream.open();
    await owner.when(() => owner.has('online'));
    owner.drains = false;
    owner.capacity = 1;
    const count = 20_000;
    for (let sent = 0; sent < count; sent += 100) server.send(ping.repeat(100));
    await owner.when(() => owner.has('full'));
    const readBefore = stream.counters.bytesIn;
    while (owner.stanzas.length < count) {
      assert.ok(owner.mailbox.length <= 1);
      await owner.when(() => owner.mailbox.length > 0);
      owner.drain(stream);
      stream.resume();
    }
    assert.ok(readBefore < ping.length * count, 'the rest waited outside');
    assert.equal(owner.stanzas.length, count);
  },
);

test(
  '1.6 chunks that wait in the mailbox when the connection ends are read, and name the cause',
  deadline,
  async (t) => {
    const { server, stream, owner } = await setup(t, { server: { profile: 'prosody' } });
    stream.open();
    await owner.when(() => owner.has('online'));
    owner.drains = false;
    server.send(ping);
    server.online[0]?.streamError('system-shutdown');
    await server.when(() => server.connected.length === 0);
    assert.equal(stream.state, 'online');
    assert.equal(stream.send('<presence/>'), false);
    owner.drain(stream);
    await owner.when(() => owner.has('offline'));
    assert.equal(owner.stanzas.length, 1);
    assert.match(owner.events.join(), /offline: stream error system-shutdown/);
  },
);

test('1.20 bytes of an old connection never reach the parser of the new one', deadline, async (t) => {
  const { server, stream, owner } = await setup(t, { random: noWait });
  stream.open();
  await owner.when(() => owner.has('online'));
  owner.drains = false;
  server.send('<iq><half');
  await owner.when(() => owner.mailbox.length === 1);
  const old = owner.mailbox.splice(0);
  stream.recycle('test');
  assert.equal(stream.state, 'waiting');
  owner.drains = true;
  await owner.when(() => owner.count('online') === 2);
  for (const bytes of old) stream.parse(bytes);
  server.send(ping);
  await owner.when(() => owner.stanzas.length === 1);
  assert.equal(stream.state, 'online');
});

test('an owner that has stopped closes the stream for good', deadline, async (t) => {
  const { server, stream, owner } = await setup(t);
  stream.open();
  await owner.when(() => owner.has('online'));
  owner.stopped = true;
  server.send(ping);
  await owner.when(() => owner.has('offline'));
  assert.equal(stream.state, 'closed');
});

test('8.31 a peer that stops reading makes the stream congested, then bounded, then recycled', deadline, async (t) => {
  const { server, stream, owner } = await setup(t);
  stream.open();
  await owner.when(() => owner.has('online'));
  server.online[0]?.stopReading();
  const stanza = `<message from='${domain}' to='example.com' id='${'m'.repeat(65_000)}'/>`;
  let sent = 0;
  while (stream.send(stanza)) {
    sent++;
    stream.flush();
  }
  assert.ok(stream.congested);
  assert.ok(sent * stanza.length > 8_000_000 && sent * stanza.length < 40_000_000, `${sent} stanzas`);
  assert.equal(stream.counters.droppedOutput, 1);
  assert.equal(stream.send('<presence/>'), false);
  assert.equal(stream.state, 'online');
  stream.flush();
  assert.equal(stream.state, 'waiting');
  assert.match(owner.events.join(), /offline: too much unsent output/);
});

test('1.55 direct TLS is verified against the configured authority and name', deadline, async (t) => {
  const authority = await makeAuthority(systemClock);
  const { certPem, keyPem } = await authority.server(['xmpp.example.com']);
  const { stream, owner } = await setup(t, {
    server: { tls: { key: keyPem, cert: certPem } },
    config: { tls: { mode: 'direct', caFile: '', servername: 'xmpp.example.com' } },
    ca: authority.caPem,
  });
  stream.open();
  await owner.when(() => owner.has('online'));
  assert.equal(stream.state, 'online');
});

for (const [what, servername, trusted, checked] of [
  ['an authority we do not trust', 'xmpp.example.com', false, true],
  ['an authority we do not trust, where Node.js was told to check none,', 'xmpp.example.com', false, false],
  ['a certificate for another name', 'other.example.com', true, true],
] as const) {
  test(`1.55 ${what} is an alarm and no connection`, deadline, async (t) => {
    if (!checked) checkNoCertificates(t);
    const [authority, stranger] = [await makeAuthority(systemClock), await makeAuthority(systemClock)];
    const { certPem, keyPem } = await authority.server(['xmpp.example.com']);
    const { server, stream, owner } = await setup(t, {
      server: { tls: { key: keyPem, cert: certPem } },
      config: { tls: { mode: 'direct', caFile: '', servername } },
      ca: trusted ? authority.caPem : stranger.caPem,
    });
    stream.open();
    await owner.when(() => owner.has('error') || owner.has('online'));
    assert.equal(stream.state, 'waiting');
    assert.equal(server.online.length, 0);
  });
}

test('1.21 every address of the name is tried', deadline, async (t) => {
  const { stream, owner } = await setup(t, { config: { host: 'localhost' } }); // the fake listens on 127.0.0.1 alone
  stream.open();
  await owner.when(() => owner.has('online'));
});

test(
  '1.20 without an error the reason is the closed connection, told after the waiting chunks',
  deadline,
  async (t) => {
    const { server, stream, owner } = await setup(t);
    stream.open();
    await owner.when(() => owner.has('online'));
    owner.drains = false;
    server.send(ping);
    await owner.when(() => owner.mailbox.length === 1);
    server.online[0]?.vanish();
    await eventually(() => !stream.send('<presence/>'));
    assert.equal(owner.has('offline'), false);
    owner.drain(stream);
    await owner.when(() => owner.has('offline'));
    assert.equal(owner.stanzas.length, 1);
    assert.match(owner.events.join(), /offline: connection closed by the server/);
  },
);

test('8.31 a server that writes single bytes is read like any other', deadline, async (t) => {
  const { server, stream, owner } = await setup(t);
  server.behaviour.pieceBytesMax = 1;
  stream.open();
  await owner.when(() => owner.has('online'));
  server.send(ping);
  await owner.when(() => owner.stanzas.length === 1);
});
