/**
 * What every implementation of the gateway port must do below HTTP/2: the TLS session of a lost connection is resumed,
 * and nothing is sent to a peer that cannot prove its name or does not speak HTTP/2. Run it with
 * `gatewayTlsConformance(name, open)`.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:tls';
import { systemClock } from '../../src/core/clock.ts';
import { makeAuthority } from '../../src/fake/certificates.ts';
import { openWorld, sharedCertificates, test } from './gateway-session-world.ts';
import { answerOk } from './http2-peer.ts';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { TLSSocket, TlsOptions } from 'node:tls';
import type { OpenGatewaySession } from '../../src/transport/gateway-session.ts';
import type { Changes, World } from './gateway-session-world.ts';

interface Handshake {
  readonly protocol: string | null;
  readonly reused: boolean;
  /** SNI; false: none was sent. */
  readonly serverName: string | false;
}

// @types/node 20 does not know `servername`, which Node.js documents since 0.11.3.
type NamedSocket = TLSSocket & { readonly servername: string | false };

export function gatewayTlsConformance(name: string, open: OpenGatewaySession): void {
  const setup = async (t: TestContext, changes: Changes = {}): Promise<World & { readonly shakes: Handshake[] }> => {
    const world = await openWorld(t, open, changes);
    const shakes: Handshake[] = [];
    world.peer.answer = answerOk;
    world.peer.greet = ({ socket }) => {
      const tls = socket as NamedSocket;
      shakes.push({ protocol: tls.getProtocol(), reused: tls.isSessionReused(), serverName: tls.servername });
    };
    return { ...world, shakes };
  };

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`${name}: the connection after a lost one resumes its session, ${version}`, async (t) => {
      const { peer, watch, shakes, send, ended, kinds } = await setup(t, { peer: { tlsVersionMax: version } });
      peer.answer = (request) => {
        if (Number(request.headers['x-tag']) % 2 === 0) answerOk(request);
      };
      for (let tag = 0; tag < 6; tag += 2) {
        send(tag);
        await ended(tag + 1);
        send(tag + 1);
        await watch.until('the unanswered request', () => peer.requests.length === tag + 2);
        peer.cut();
        await ended(tag + 2);
      }
      assert.deepEqual(kinds(), ['200', 'no-answer', '200', 'no-answer', '200', 'no-answer']);
      assert.deepEqual(
        shakes.map(({ protocol, reused }) => [protocol, reused]),
        [
          [version, false],
          [version, true],
          [version, true],
        ],
      );
    });
  }

  test(`${name}: the server name is sent, also where another host is dialled`, async (t) => {
    const { shakes, send, ended } = await setup(t, { servername: 'localhost' });
    send(0);
    await ended(1);
    assert.equal(shakes[0]?.serverName, 'localhost');
  });

  test(`${name}: an address is checked against the certificate, and is no server name (RFC 6066 §3)`, async (t) => {
    const { shakes, send, ended, kinds } = await setup(t, { servername: '' });
    send(0);
    await ended(1);
    assert.deepEqual(kinds(), ['200']);
    assert.equal(shakes[0]?.serverName, false);
  });

  test(`${name}: an address that the certificate does not carry is refused`, async (t) => {
    const { ends, send, ended } = await setup(t, { servername: '127.0.0.2' });
    send(0);
    await ended(1);
    const end = ends.get(0);
    assert.ok(end?.kind === 'failed' && end.failure === 'not-sent', JSON.stringify(end));
    assert.match(end.reason, /ALTNAME|does not match/);
  });

  test(`${name}: the certificate is checked even where Node.js was told not to`, async (t) => {
    checkNoCertificates(t);
    const { caPem } = await makeAuthority(systemClock);
    const { send, ended, kinds } = await setup(t, { ca: caPem });
    send(0);
    await ended(1);
    assert.deepEqual(kinds(), ['not-sent']);
  });

  for (const [what, options, reason] of [
    ['without ALPN', {}, /does not speak HTTP\/2/],
    ['that speaks HTTP/1.1 alone', { ALPNProtocols: ['http/1.1'] }, /does not speak HTTP\/2/],
    ['that knows TLS 1.1 alone', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }, /^ERR_SSL_\w*PROTOCOL/],
  ] as const) {
    test(`${name}: a gateway ${what} gets nothing, and the reason says why`, async (t) => {
      const port = await listen(t, options);
      const { ends, send, ended } = await setup(t, { port });
      send(0);
      await ended(1);
      const end = ends.get(0);
      assert.ok(end?.kind === 'failed' && end.failure === 'not-sent', JSON.stringify(end));
      assert.match(end.reason, reason);
    });
  }
}

/** Until the test ends, by the environment: what Node.js does where a program does not say otherwise. */
export function checkNoCertificates(t: TestContext): void {
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  t.after(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
  });
}

async function listen(t: TestContext, options: TlsOptions): Promise<number> {
  const { server } = await sharedCertificates();
  const sockets = new Set<TLSSocket>();
  const listener = createServer({ cert: server.certPem, key: server.keyPem, ...options });
  listener.on('tlsClientError', () => undefined);
  listener.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  return (listener.address() as AddressInfo).port;
}
