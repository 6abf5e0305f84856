/** A second opinion: the HPACK of nghttp2, inside `node:http2`, reads what we write and we read what it writes. */
import assert from 'node:assert/strict';
import { createServer, sensitiveHeaders } from 'node:http2';
import type { ServerHttp2Stream } from 'node:http2';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { seededRandom } from '../../../../src/core/random.ts';
import type { GatewayRequest } from '../../../../src/transport/gateway-session.ts';
import {
  frameFlags,
  frameHeadBytes,
  frameTypes,
  preface,
  readUint24,
  readUint32,
  settingIds,
  smallFrame,
} from '../../../../src/transport/h2/frames.ts';
import { HpackDecoder } from '../../../../src/transport/h2/hpack-decoder.ts';
import { HpackEncoder } from '../../../../src/transport/h2/hpack-encoder.ts';

const requests = 2_000;
const constant = { ':method': 'POST', ':scheme': 'http', ':authority': 'localhost' };
const settings = smallFrame(frameTypes.settings, 0, 0, Buffer.from([0, settingIds.enablePush, 0, 0, 0, 0]));

/** Calls back with each whole frame. */
function readFrames(socket: Socket, take: (type: number, streamId: number, payload: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= frameHeadBytes) {
      const end = frameHeadBytes + readUint24(rest, 0);
      if (rest.length < end) return;
      take(rest[3] ?? 0, readUint32(rest, 5), rest.subarray(frameHeadBytes, end));
      rest = rest.subarray(end);
    }
  });
}

/** What the server has understood of each request, by `:path`; it answers with the same `apns-id`. */
async function answeringServer(
  context: TestContext,
  headerTableSize: number,
  seen: Map<string, object>,
): Promise<Socket> {
  const server = createServer({ settings: { headerTableSize, maxConcurrentStreams: 10_000 } });
  server.on('stream', (stream: ServerHttp2Stream, { ...headers }) => {
    seen.set(String(headers[':path']), headers);
    const id = String(headers['apns-id']);
    stream.respond(
      { ':status': id.length % 2 === 0 ? 200 : 410, 'apns-id': id, 'x-more': id.slice(0, 5) },
      { endStream: true },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  context.after(() => {
    socket.destroy();
    server.close();
  });
  return socket;
}

function randomRequests(): GatewayRequest[] {
  const random = seededRandom(9113);
  const value = (max: number): string =>
    Array.from({ length: 1 + Math.floor(random.unit() * max) }, () =>
      String.fromCharCode(0x21 + Math.floor(random.unit() * 94)),
    ).join('');
  const shareds = Array.from({ length: 20 }, () => ({
    authorization: `bearer ${value(300)}`,
    'x-topic': value(40),
    accept: value(10),
  }));
  return Array.from({ length: requests }, (_, number) => ({
    path: `/3/device/${number}`,
    shared: shareds[Math.floor(random.unit() * shareds.length)] ?? {},
    fields: { 'apns-id': value(60) },
    body: '',
  }));
}

for (const headerTableSize of [4_096, 0, 200, 65_536]) {
  test(`hpack: node:http2 with a table of ${headerTableSize} reads our requests, we its replies`, async (context) => {
    const seen = new Map<string, object>();
    const socket = await answeringServer(context, headerTableSize, seen);
    const encoder = new HpackEncoder(constant);
    const decoder = new HpackDecoder({ wanted: ['apns-id'], listBytesMax: 10_000 });
    const sent = randomRequests();
    let answered = 0;
    await new Promise<void>((resolve, reject) => {
      const deadline = setTimeout(() => reject(new Error(`${answered} answers`)), 20_000);
      const sendAll = (): void => {
        sent.forEach((request, number) => {
          const bytes = Buffer.alloc(encoder.boundOf(request));
          const block = bytes.subarray(0, encoder.write(bytes, 0, request));
          const flags = frameFlags.endHeaders | frameFlags.endStream;
          socket.write(smallFrame(frameTypes.headers, flags, number * 2 + 1, block));
        });
      };
      socket.once('error', reject);
      readFrames(socket, (type, streamId, payload) => {
        if (type === frameTypes.goaway || type === frameTypes.resetStream) {
          reject(new Error(`frame ${type}: ${payload.toString('latin1')}`));
        }
        if (type === frameTypes.settings && payload.length > 0) {
          encoder.setTableBytesMax(headerTableSize);
          socket.write(smallFrame(frameTypes.settings, frameFlags.ack, 0, Buffer.alloc(0)));
          sendAll();
        }
        if (type !== frameTypes.headers) return;
        const id = sent[(streamId - 1) / 2]?.fields['apns-id'] ?? '';
        assert.equal(decoder.decode(payload, 0, payload.length, false), 'ok');
        assert.equal(decoder.status, id.length % 2 === 0 ? 200 : 410);
        assert.deepEqual(decoder.fields, { 'apns-id': id });
        if (++answered < requests) return;
        clearTimeout(deadline);
        resolve();
      });
      socket.write(preface);
      socket.write(settings);
    });
    for (const { path, shared, fields } of sent) {
      const all = { ...constant, ':path': path, ...shared, ...fields };
      // Never indexed, and known to be so (RFC 7541 §6.2.3).
      assert.deepEqual(seen.get(path), { ...all, [sensitiveHeaders]: [':path'] });
    }
  });
}
