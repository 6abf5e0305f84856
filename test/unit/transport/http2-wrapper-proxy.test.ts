import assert from 'node:assert/strict';
import { limits } from '../../../src/core/limits.ts';
import { openHttp2WrapperSession } from '../../../src/transport/http2-wrapper-session.ts';
import { HandClock, openWorld, test, turn } from '../../conformance/gateway-session-world.ts';
import { answerOk } from '../../conformance/http2-peer.ts';
import { ConnectProxy } from '../../peers/connect-proxy.ts';
import type { TestContext } from 'node:test';
import type { Changes, End, World } from '../../conformance/gateway-session-world.ts';

interface ProxyWorld extends World {
  readonly proxy: ConnectProxy;
}

async function setup(t: TestContext, changes: Changes = {}, user = ''): Promise<ProxyWorld> {
  let changed = (): void => undefined;
  const proxy = await ConnectProxy.start(() => changed());
  t.after(() => proxy.close());
  const proxyUrl = `http://${user}127.0.0.1:${proxy.port}`;
  const world = await openWorld(t, openHttp2WrapperSession, { proxyUrl, ...changes });
  changed = () => world.watch.changed();
  world.peer.answer = answerOk;
  return { ...world, proxy };
}

function reasonOf(end: End | undefined): string {
  assert.ok(end?.kind === 'failed' && end.failure === 'not-sent', JSON.stringify(end));
  return end.reason;
}

test('http2-wrapper: through a proxy, requests reach the gateway by one CONNECT for each connection', async (t) => {
  const { proxy, peer, send, ended, kinds } = await setup(t);
  for (let tag = 0; tag < 50; tag++) send(tag);
  await ended(50);
  assert.ok(kinds().every((kind) => kind === '200'));
  assert.deepEqual(
    proxy.asked.map(({ target, headers }) => [target, headers.host, headers['proxy-authorization']]),
    [[`127.0.0.1:${peer.port}`, `127.0.0.1:${peer.port}`, undefined]],
  );
});

test('http2-wrapper: user and password of the proxy are sent unescaped, to the proxy alone', async (t) => {
  const { proxy, peer, send, ended } = await setup(t, {}, 'us%40er:p%C3%A4ss%3Aword@');
  send(0);
  await ended(1);
  const basic = `Basic ${Buffer.from('us@er:päss:word').toString('base64')}`;
  assert.equal(proxy.asked[0]?.headers['proxy-authorization'], basic);
  assert.equal(proxy.asked[0]?.headers.authorization, undefined);
  assert.equal(peer.requests[0]?.headers['proxy-authorization'], undefined);
});

test('http2-wrapper: a refused password is a reason without the secret, and its socket is closed', async (t) => {
  const { proxy, watch, ends, send, ended } = await setup(t, {}, 'user:secret@');
  proxy.answer = 'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 6\r\n\r\nsecret';
  send(0);
  await ended(1);
  assert.equal(reasonOf(ends.get(0)), 'proxy: 407, user and password are refused');
  await watch.until('no connection at the proxy', () => proxy.open === 0);
});

for (const [what, answer, reason] of [
  ['refuses the target', 'HTTP/1.1 403 Forbidden\r\n\r\n', 'proxy: status 403'],
  ['cannot reach the gateway', 'HTTP/1.1 502 Bad Gateway\r\n\r\n', 'proxy: status 502'],
  ['redirects', 'HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\n\r\n', 'proxy: status 302'],
  ['does not speak HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 'proxy: HPE_INVALID_CONSTANT'],
  [
    'answers without end',
    `HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(limits.proxyResponseBytesMax)}\r\n`,
    'proxy: HPE_HEADER_OVERFLOW',
  ],
] as const) {
  test(`http2-wrapper: a proxy that ${what} is named as the reason`, async (t) => {
    const { proxy, watch, ends, send, ended } = await setup(t);
    proxy.answer = answer;
    send(0);
    await ended(1);
    assert.equal(reasonOf(ends.get(0)), reason);
    await watch.until('no connection at the proxy', () => proxy.open === 0);
  });
}

test('http2-wrapper: a proxy that is not there is told from a gateway that is not there', async (t) => {
  const { proxy, ends, send, ended } = await setup(t);
  proxy.close();
  send(0);
  await ended(1);
  assert.equal(reasonOf(ends.get(0)), 'proxy: ECONNREFUSED');
});

test('http2-wrapper: through a proxy too the gateway must show the right name', async (t) => {
  const { proxy, watch, ends, send, ended } = await setup(t, { servername: 'elsewhere.example' });
  send(0);
  await ended(1);
  assert.match(reasonOf(ends.get(0)), /CERT|ALTNAME/);
  await watch.until('no connection at the proxy', () => proxy.open === 0);
});

test('http2-wrapper: a proxy that never answers is given up like a gateway that never answers', async (t) => {
  const clock = new HandClock();
  const { proxy, watch, ends, send, ended } = await setup(t, { clock });
  proxy.answer = 'hold';
  send(0, 600_000);
  for (let dials = 1; dials <= limits.gatewayConnectAttemptsMax; dials++) {
    while (proxy.asked.length < dials) {
      await clock.advance(1);
      await turn();
    }
    await clock.advance(limits.gatewayConnectMs);
    await watch.until('its end', () => proxy.closed === dials);
  }
  await ended(1);
  assert.equal(reasonOf(ends.get(0)), 'connect timeout');
});

test('http2-wrapper: after a tunnel that broke another is made', async (t) => {
  const { proxy, peer, watch, send, ended, kinds } = await setup(t);
  peer.answer = () => undefined;
  send(0);
  await watch.until('a request', () => peer.requests.length === 1);
  peer.cut();
  await ended(1);
  peer.answer = answerOk;
  send(1);
  await ended(2);
  assert.deepEqual(kinds(), ['no-answer', '200']);
  assert.equal(proxy.asked.length, 2);
});

test('http2-wrapper: drain closes the tunnel', async (t) => {
  const { proxy, session, watch, send, ended } = await setup(t);
  send(0);
  await ended(1);
  await session.drain(1_000);
  await watch.until('no connection at the proxy', () => proxy.open === 0);
});
