import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import { domain, eventually, noWait, serverConfig, setup, streamTo, RecordingOwner } from './stream-harness.ts';
import type { World, WorldOptions } from './stream-harness.ts';

const deadline = { timeout: 10_000 };

async function setupVirtual(t: TestContext, options: WorldOptions = {}): Promise<World & { clock: VirtualClock }> {
  const clock = new VirtualClock();
  const world = await setup(t, { ...options, clock });
  return { ...world, clock };
}

test('1.8 a handshake that is not acknowledged within 10 s is given up', deadline, async (t) => {
  const { server, stream, owner, clock } = await setupVirtual(t);
  server.behaviour.acknowledge = false;
  stream.open();
  await owner.when(() => stream.counters.bytesIn > 0);
  await owner.when(() => owner.mailbox.length === 0);
  await clock.advance(limits.handshakeMs - 1);
  assert.equal(stream.state, 'handshaking');
  await clock.advance(1);
  assert.equal(stream.state, 'waiting');
  assert.match(owner.events.join(), /handshake timeout/);
});

test('1.8 a server that accepts and says nothing is given up too', deadline, async (t) => {
  const { server, stream, owner, clock } = await setupVirtual(t);
  server.behaviour.header = false;
  stream.open();
  await server.when(() => (server.connected[0]?.header ?? '') !== '');
  await clock.advance(limits.handshakeMs);
  assert.match(owner.events.join(), /handshake timeout/);
});

test('8.33 an empty stream id is not answered; after a moment the stream is given up', deadline, async (t) => {
  const { server, stream, owner, clock } = await setupVirtual(t);
  server.behaviour.streamId = '';
  stream.open();
  await owner.when(() => stream.counters.bytesIn > 0 && owner.mailbox.length === 0);
  await clock.advance(limits.closeMs);
  assert.match(owner.events.join(), /no stream id/);
  assert.equal(owner.has('online'), false);
  assert.equal(stream.counters.bytesOut, serverHeaderBytes);
});

const serverHeaderBytes =
  `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' `.length +
  `xmlns:stream='http://etherx.jabber.org/streams' to='${domain}'>`.length;

test('1.15 a space goes out after 30 s without output, and only then', deadline, async (t) => {
  const { stream, owner, clock } = await setupVirtual(t);
  stream.open();
  await owner.when(() => owner.has('online'));
  await clock.advance(20_000);
  stream.send(`<message from='${domain}' to='example.com'/>`);
  stream.flush();
  await clock.advance(20_000);
  assert.equal(stream.counters.keepalives, 0);
  await clock.advance(10_000);
  assert.equal(stream.counters.keepalives, 1);
  await clock.advance(60_000);
  assert.equal(stream.counters.keepalives, 3);
});

test('1.17 silence is visible to the owner, who may recycle the connection', deadline, async (t) => {
  const { stream, owner, clock } = await setupVirtual(t, { random: noWait });
  stream.open();
  await owner.when(() => owner.has('online'));
  const since = stream.lastInboundMs;
  await clock.advance(45_000);
  assert.equal(stream.lastInboundMs, since);
  assert.equal(clock.monotonicMs() - stream.lastOutboundMs, 15_000);
  stream.recycle('no pong');
  assert.match(owner.events.join(), /offline: no pong/);
  await clock.advance(0);
  await owner.when(() => owner.count('online') === 2);
  assert.equal(stream.counters.reconnects, 1);
});

test('1.20 the wait grows with every failure and starts anew after a minute online', deadline, async (t) => {
  const clock = new VirtualClock();
  const { server, port } = await setup(t, {});
  await server.stop();
  const owner = new RecordingOwner();
  const stream = streamTo(serverConfig(port), owner, { clock, random: { ...noWait, unit: () => 0.999 } });
  t.after(() => stream.close());
  stream.open();
  for (let failure = 1; failure <= 4; failure++) {
    await owner.when(() => owner.count('warn') === failure);
    await clock.advance(1 + (waitsOf(owner).at(-1) ?? 0)); // no further: connecting takes real time
  }
  await owner.when(() => owner.count('warn') === 5);
  assert.deepEqual(waitsOf(owner), [500, 999, 1998, 3996, 7992]);
  await server.start(port);
  await clock.advance(8_000);
  await owner.when(() => owner.has('online'));
  await clock.advance(limits.stableMs);
  server.online[0]?.vanish();
  await owner.when(() => owner.has('offline'));
  assert.equal(waitsOf(owner).at(-1), 500);
});

function waitsOf(owner: RecordingOwner): number[] {
  return owner.events
    .filter((event) => event.startsWith('warn'))
    .map((event) => Number(/"waitMs":(\d+)/.exec(event)?.[1]));
}

test('1.20 a connection that breaks within a minute does not reset the wait', deadline, async (t) => {
  const { server, stream, owner, clock } = await setupVirtual(t, { random: { ...noWait, unit: () => 0.999 } });
  stream.open();
  for (let round = 1; round <= 3; round++) {
    await owner.when(() => owner.count('online') === round);
    server.online[0]?.vanish(true);
    await owner.when(() => owner.count('offline') === round);
    await clock.advance(1 + (waitsOf(owner).at(-1) ?? 0));
  }
  assert.deepEqual(waitsOf(owner).slice(0, 3), [500, 999, 1998]);
});

test('1.7 a peer that does not close its half is left after 2 s', deadline, async (t) => {
  const { server, stream, owner, clock } = await setupVirtual(t);
  stream.open();
  await owner.when(() => owner.has('online'));
  server.online[0]?.playDead();
  const closed = stream.close();
  await clock.advance(limits.closeMs - 1);
  assert.equal(stream.state, 'closing');
  await clock.advance(1);
  await closed;
  assert.equal(stream.state, 'closed');
});

test('8.31 output that the peer does not take for a minute ends the connection', deadline, async (t) => {
  const { server, stream, owner, clock } = await setupVirtual(t);
  stream.open();
  await owner.when(() => owner.has('online'));
  server.online[0]?.stopReading();
  while (!stream.congested) {
    stream.send(`<message from='${domain}' to='example.com' id='${'m'.repeat(60_000)}'/>`);
    stream.flush();
  }
  await clock.advance(limits.outputStalledMs);
  assert.match(owner.events.join(), /offline: the server has stopped reading/);
});

test('8.31 a lost connection whose chunks the owner has lost is not waited for', deadline, async (t) => {
  const { server, stream, owner, clock } = await setupVirtual(t);
  stream.open();
  await owner.when(() => owner.has('online'));
  owner.drains = false;
  server.send('<presence/>');
  await owner.when(() => owner.mailbox.length === 1);
  owner.mailbox.length = 0;
  server.online[0]?.vanish();
  await eventually(() => !stream.send('<presence/>'));
  assert.equal(stream.state, 'online');
  await clock.advance(limits.closeMs);
  assert.equal(stream.state, 'waiting');
});

test(
  '1.20 after an orderly shutdown of a stable stream the first attempt comes within a second',
  deadline,
  async (t) => {
    const { server, stream, owner, clock } = await setupVirtual(t, { random: { ...noWait, unit: () => 0.999 } });
    stream.open();
    await owner.when(() => owner.has('online'));
    await clock.advance(limits.stableMs);
    server.online[0]?.streamError('system-shutdown');
    await owner.when(() => owner.has('offline'));
    assert.ok((waitsOf(owner)[0] ?? Infinity) <= 1000);
  },
);

test(
  '1.13 an engine that is replaced again and again waits long each time, and raises an alarm',
  deadline,
  async (t) => {
    const { server, stream, owner, clock } = await setupVirtual(t);
    stream.open();
    for (let round = 1; round <= 3; round++) {
      await owner.when(() => owner.count('online') === round);
      server.online[0]?.streamError('conflict', 'Replaced by a new connection');
      await owner.when(() => owner.count('offline') === round);
      assert.equal(owner.count('error'), round === 3 ? 1 : 0);
      await clock.advance(limits.replacedMs - 1);
      assert.equal(stream.state, 'waiting');
      await clock.advance(1 + waitLeft(owner));
    }
  },
);

/** What is left of the last wait after the first `replacedMs`. */
function waitLeft(owner: RecordingOwner): number {
  const waits = owner.events.map((event) => Number(/"waitMs":(\d+)/.exec(event)?.[1] ?? 0)).filter((wait) => wait > 0);
  return (waits.at(-1) ?? 0) - limits.replacedMs + 1;
}

test('8.31 after close no timer is left, whatever the stream was doing', deadline, async (t) => {
  for (const doing of ['connecting', 'handshaking', 'online', 'waiting'] as const) {
    const { server, stream, owner, clock } = await setupVirtual(t);
    server.behaviour.acknowledge = doing !== 'handshaking';
    stream.open();
    if (doing === 'handshaking') await owner.when(() => stream.counters.bytesIn > 0 && owner.mailbox.length === 0);
    if (doing === 'online' || doing === 'waiting') await owner.when(() => owner.has('online'));
    if (doing === 'waiting') server.online[0]?.vanish();
    if (doing === 'waiting') await owner.when(() => owner.has('offline'));
    assert.equal(stream.state, doing);
    await stream.close();
    await server.when(() => server.connected.length === 0);
    await owner.when(() => clock.pending === 0);
    assert.equal(clock.pending, 0, doing);
  }
});
