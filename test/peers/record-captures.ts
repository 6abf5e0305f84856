/**
 * Writes test/fixtures/h2/*.bin anew, from the servers that are installed here; run it by hand:
 * `node dist/test/peers/record-captures.js`. The README there names the versions.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { systemClock } from '../../src/core/clock.ts';
import { makeAuthority } from '../../src/fake/certificates.ts';
import { H2Connection } from '../../src/transport/h2/h2-connection.ts';
import { captureRequests, capturesFolder } from './h2-captures.ts';
import { startGo, startNghttpd, startNginx, startNode } from './h2-servers.ts';
import { Ends, replyFields } from './h2-world.ts';
import type { H2Server } from './h2-servers.ts';

async function record(name: string, server: H2Server, caPem: string): Promise<void> {
  const socket = connect({
    host: '127.0.0.1',
    port: server.port,
    servername: 'localhost',
    ca: caPem,
    ALPNProtocols: ['h2'],
  });
  await once(socket, 'secureConnect');
  const ends = new Ends();
  const connection = new H2Connection({
    clock: systemClock,
    events: ends,
    wire: {
      write: (bytes, written) => void socket.write(bytes, () => written()),
      end: () => void socket.end(),
      destroy: () => void socket.destroy(),
    },
    authority: `localhost:${server.port}`,
    fields: { 'content-type': 'application/json' },
    replyFields,
  });
  const parts: Buffer[] = [];
  const plain = ends.opened.bind(ends);
  ends.opened = (): void => {
    plain();
    captureRequests.forEach((request, slot) => connection.send(slot, request));
  };
  socket.on('data', (bytes: Buffer) => {
    parts.push(Buffer.from(bytes));
    connection.received(bytes);
    if (ends.bySlot.size < captureRequests.length) return;
    // A turn later: what it still says of its own accord is recorded, too.
    server.letGo();
    setTimeout(() => socket.end(), 2_000).unref();
  });
  connection.start();
  await once(socket, 'close');
  writeFileSync(`${capturesFolder}${name}.bin`, Buffer.concat(parts));
  console.log(`${name}.bin: ${Buffer.concat(parts).length} bytes, ${server.version}`);
  await server.stop();
}

const authority = await makeAuthority(systemClock);
const certificate = await authority.server();
await record('nghttpd', await startNghttpd(certificate, {}), authority.caPem);
await record('nghttpd-padded-trailers', await startNghttpd(certificate, { paddingBytes: 30 }), authority.caPem);
await record('nghttpd-small-windows', await startNghttpd(certificate, { windowBits: 8 }), authority.caPem);
await record('nginx-goaway', await startNginx(certificate, { requestsMax: 6, pageBytes: 900 }), authority.caPem);
await record('go', await startGo(certificate, {}), authority.caPem);
await record('node', await startNode(certificate, {}), authority.caPem);
