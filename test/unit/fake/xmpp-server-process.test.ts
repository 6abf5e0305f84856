import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { XmppServerProcess } from '../../../src/fake/xmpp-server-process.ts';
import { iqError, iqResult } from '../../../src/xmpp/stanza.ts';
import { stanzaErrors } from '../../../src/xmpp/stanza-errors.ts';
import type { ComponentStream } from '../../../src/xmpp/component-stream.ts';
import { attribute } from '../../../src/xmpp/xml.ts';
import type { XmlElement } from '../../../src/xmpp/xml.ts';
import { domain, RecordingOwner, secret, serverConfig, streamTo } from '../xmpp/stream-harness.ts';

const deadline = { timeout: 20_000 };

/** Accepts, refuses every tenth, and leaves every hundredth without an answer. */
class TenthRefusingOwner extends RecordingOwner {
  override stanza(stream: ComponentStream, element: XmlElement): void {
    this.stanzas.push(element);
    const request = {
      id: attribute(element, 'id') ?? '',
      from: attribute(element, 'from') ?? '',
      to: attribute(element, 'to') ?? '',
    };
    const count = this.stanzas.length;
    if (count % 100 === 0) return;
    stream.send(count % 10 === 0 ? iqError(request, stanzaErrors.waitUnavailable) : iqResult(request, ''));
  }

  override drain(stream: ComponentStream): void {
    super.drain(stream);
    stream.flush();
  }
}

for (const profile of ['ejabberd', 'prosody'] as const) {
  test(`9.5.30 the fake ${profile} in its own process fires and accounts for every publish`, deadline, async (t) => {
    const server = await XmppServerProcess.start({
      profile,
      domain: 'example.com',
      component: domain,
      secret,
      port: 0,
      seed: 1,
    });
    const owner = new TenthRefusingOwner();
    const stream = streamTo(serverConfig(server.port), owner);
    t.after(async () => {
      await stream.close();
      await server.stop();
    });
    stream.open();
    await server.whenOnline();
    const targets = await server.makeTargets(10);
    assert.equal(targets.length, 10);
    const report = await server.fire({
      count: 2000,
      durationMs: 0,
      ratePerSecond: 0,
      inFlightMax: 500,
      batchMax: 32,
      settleMs: 300,
    });
    assert.equal(report.sent, 2000);
    assert.equal(report.results, 1800);
    assert.deepEqual(report.errors, { wait: 180 });
    assert.equal(report.lost, 20);
    const counters = await server.counters();
    assert.deepEqual([counters.results, counters.errors, counters.unasked], [1800, 180, 0]);
  });
}

test('the fake server also runs as a worker thread', deadline, async () => {
  const worker = new Worker(new URL('../../../src/fake/xmpp-server-main.js', import.meta.url));
  const options = { profile: 'prosody', domain: 'example.com', component: domain, secret, port: 0, seed: 1 };
  worker.postMessage({ number: 7, message: { kind: 'start', options } });
  const [started] = await once(worker, 'message');
  assert.equal(started.number, 7);
  assert.ok(started.message.port > 0);
  worker.postMessage({ number: 8, message: { kind: 'stop' } });
  await once(worker, 'exit');
});
