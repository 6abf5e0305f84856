import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import { test } from 'node:test';
import { systemClock } from '../../../src/core/clock.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { makeAuthority } from '../../../src/fake/certificates.ts';
import { HttpsRequests } from '../../../src/transport/https-requests.ts';
import { checkNoCertificates } from '../../conformance/gateway-tls.ts';
import { ConnectProxy } from '../../peers/connect-proxy.ts';
import { Watch } from '../../conformance/http2-peer.ts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { HttpsResult } from '../../../src/transport/https-exchange.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const shared = makeAuthority(systemClock);

interface Options {
  readonly connections?: number;
  readonly waitingMax?: number;
  readonly trusted?: boolean;
  readonly httpVersion?: '1.1' | '2';
  readonly proxyUrl?: string;
}

async function setup(t: TestContext, options: Options = {}) {
  const authority = await shared;
  const { certPem, keyPem } = await authority.server();
  const server = https.createServer({ cert: certPem, key: keyPem });
  const watch = new Watch();
  const held: ServerResponse[] = [];
  let answer: Answer = (_request, response) => {
    held.push(response);
  };
  server.on('request', (request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (text: string) => (body += text));
    request.on('end', () => {
      answer(request, response, body);
      watch.changed();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const requests = new HttpsRequests({
    clock: systemClock,
    origin: `https://localhost:${(server.address() as AddressInfo).port}`,
    ca: options.trusted === false ? (await makeAuthority(systemClock)).caPem : authority.caPem,
    proxyUrl: options.proxyUrl ?? '',
    httpVersion: options.httpVersion ?? '1.1',
    connections: options.connections ?? 2,
    waitingMax: options.waitingMax ?? 10,
  });
  t.after(async () => {
    await requests.drain(0);
    server.closeAllConnections();
    server.close();
  });
  const post = (lifeMs = 5_000, path = '/a?b=1'): Promise<HttpsResult> =>
    requests.post({ path, fields: { 'content-type': 'text/plain' }, body: 'hello' }, epochMs(Date.now() + lifeMs));
  return { server, requests, post, held, watch, answers: (next: Answer) => (answer = next) };
}

function failureOf(result: HttpsResult): string {
  return result.kind === 'failed' ? result.failure : result.kind;
}

test('https: a request arrives whole and its response comes back', async (t) => {
  const { post, answers } = await setup(t);
  answers((request, response, body) => {
    response.setHeader('X-Seen', `${request.method} ${request.url} ${request.headers['content-type']} ${body}`);
    response.end('{"ok":true}');
  });
  const result = await post();
  assert.ok(result.kind === 'response');
  assert.equal(result.status, 200);
  assert.equal(result.body, '{"ok":true}');
  assert.equal(result.fields['x-seen'], 'POST /a?b=1 text/plain hello');
});

test('https: what flies and what waits are bounded', async (t) => {
  const { post, held, watch, answers } = await setup(t, { connections: 2, waitingMax: 1 });
  const results = [post(), post(), post()];
  assert.deepEqual(await post(), { kind: 'full' });
  await watch.until('two requests', () => held.length === 2);
  answers((_request, response) => response.end());
  for (const response of held) response.end();
  for (const result of await Promise.all(results)) assert.equal(result.kind, 'response');
});

test('https: a stalled request ends at its deadline, one that waited behind it says it was not sent', async (t) => {
  const { post, held, watch } = await setup(t, { connections: 1 });
  const stalled = post(400);
  const behind = post(300);
  await watch.until('a request', () => held.length === 1);
  assert.equal(failureOf(await behind), 'deadline-unsent');
  assert.equal(failureOf(await stalled), 'deadline');
});

test('https: after a stalled request its connection is free for the next', async (t) => {
  const { post, held, watch, answers } = await setup(t, { connections: 1 });
  const stalled = post(200);
  await watch.until('a request', () => held.length === 1);
  await stalled;
  answers((_request, response) => response.end('next'));
  const result = await post();
  assert.ok(result.kind === 'response' && result.body === 'next');
});

test('https: a connection that is cut leaves no answer', async (t) => {
  const { post, answers } = await setup(t);
  answers((request) => request.socket.destroy());
  assert.equal(failureOf(await post()), 'no-answer');
});

test('https: a server that is not there, or not trusted, was sent nothing', async (t) => {
  const { server, post } = await setup(t);
  server.close();
  assert.equal(failureOf(await post()), 'not-sent');
  const untrusted = await setup(t, { trusted: false });
  assert.equal(failureOf(await untrusted.post()), 'not-sent');
});

test('https: the certificate is checked even where Node.js was told not to', async (t) => {
  checkNoCertificates(t);
  const { post, answers } = await setup(t, { trusted: false });
  answers((_request, response) => response.end());
  assert.equal(failureOf(await post()), 'not-sent');
});

test('https: what is sent in answer to a failure finds the next connection, or fails as well', async (t) => {
  for (const httpVersion of ['1.1', '2'] as const) {
    const { server, requests } = await setup(t, { connections: 2, waitingMax: 100, httpVersion });
    server.close();
    const watch = new Watch();
    const ends: string[] = [];
    let left = 50;
    const send = (): void => {
      const request = { method: 'POST', path: '/', fields: {}, body: 'x' } as const;
      requests.send(request, epochMs(Date.now() + 10_000), {
        ended(result) {
          ends.push(failureOf(result));
          if (left-- > 0) send();
          watch.changed();
        },
      });
    };
    for (let count = 0; count < 20; count++) send();
    await watch.until('70 ends', () => ends.length === 70);
    assert.deepEqual([...new Set(ends)], ['not-sent']);
  }
});

test('https: a response larger than the bound is told by its status', async (t) => {
  const { post, answers } = await setup(t);
  answers((_request, response) => response.writeHead(500).end('x'.repeat(limits.gatewayResponseBytesMax + 1)));
  const result = await post();
  assert.ok(result.kind === 'response' && result.status === 500 && result.body === '');
});

test('https: drain fails what is in flight when its budget is spent, and takes nothing more', async (t) => {
  const { requests, post, held, watch } = await setup(t, { connections: 1 });
  const results = [post(), post()];
  await watch.until('a request', () => held.length === 1);
  await requests.drain(50);
  assert.deepEqual((await Promise.all(results)).map(failureOf), ['no-answer', 'not-sent']);
  assert.equal(failureOf(await post()), 'not-sent');
});

test('https: through a proxy a request arrives by CONNECT; the password is for the proxy alone', async (t) => {
  const proxy = await ConnectProxy.start(() => undefined);
  t.after(() => proxy.close());
  const proxyUrl = `http://user:p%40ss@127.0.0.1:${proxy.port}`;
  const { post, answers, server } = await setup(t, { proxyUrl });
  const seen: unknown[] = [];
  answers((request, response) => {
    seen.push(request.headers['proxy-authorization']);
    response.end('through');
  });
  const result = await post();
  assert.ok(result.kind === 'response');
  assert.equal(result.body, 'through');
  const { port } = server.address() as AddressInfo;
  const basic = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
  assert.deepEqual(
    proxy.asked.map(({ target, headers }) => [target, headers['proxy-authorization']]),
    [[`localhost:${port}`, basic]],
  );
  assert.deepEqual(seen, [undefined]);
});

test('https: a proxy that refuses is a request not sent, and the reason holds no secret', async (t) => {
  const proxy = await ConnectProxy.start(() => undefined);
  t.after(() => proxy.close());
  proxy.answer = 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n';
  const { post } = await setup(t, { proxyUrl: `http://user:secret@127.0.0.1:${proxy.port}` });
  assert.deepEqual(await post(), {
    kind: 'failed',
    failure: 'not-sent',
    reason: 'proxy: 407, user and password are refused',
  });
});
