// Thread: main
/**
 * HTTP/2 clients that send the same requests, each as its documentation says: ours and http2-wrapper through the
 * gateway port, `node:http2` by its own streams, undici by its pool.
 */
import { connect } from 'node:http2';
import { Pool } from 'undici';
import { systemClock } from '../src/core/clock.ts';
import { epochMs } from '../src/core/ids.ts';
import { limits } from '../src/core/limits.ts';
import { newNotificationId, seededRandom } from '../src/core/random.ts';
import { openH2Session } from '../src/transport/h2/h2-session.ts';
import { openHttp2WrapperSession } from '../src/transport/http2-wrapper-session.ts';
import type { GatewayRequest, GatewaySessionOptions, OpenGatewaySession } from '../src/transport/gateway-session.ts';
import type { BenchGateway } from './bench-gateway.ts';

/** Requests that fly at any time. */
export const inFlightMax = 500;
export const bodyBytes = 220;
const requestMs = 60_000;

export interface WireClient {
  /** Starts one request; its end is told to `ended`. */
  send(number: number): void;
  close(): Promise<void>;
}

/** @param ended told the status of each response, 0 for none. */
export type OpenWireClient = (gateway: BenchGateway, ended: (status: number) => void) => WireClient;

// What a push has: a token of Apple's length, the same in many requests, and an id of its own.
const sharedFields: Readonly<Record<string, string>> = {
  authorization: `bearer ${'eyJhbGciOiJFUzI1NiIsImtpZCI6IkFCQzEyMzQ1NjcifQ'.repeat(4)}`,
  'apns-topic': 'com.example.app',
  'apns-push-type': 'alert',
  'apns-priority': '10',
  'apns-expiration': '0',
};
export const contentFields: Readonly<Record<string, string>> = { 'content-type': 'application/json' };

const distinct = 4_096;

/** The same for each client; made before, because what is measured begins with sending. */
export function wireRequests(tokens: readonly string[]): readonly GatewayRequest[] {
  const random = seededRandom(7);
  return Array.from({ length: distinct }, (_, index) =>
    wireRequest(tokens[index % tokens.length] ?? '', newNotificationId(random), index),
  );
}

export function wireRequest(token: string, id: string, number: number): GatewayRequest {
  const alert = { title: 'boris@example.org', body: `Number ${number}: see you at eight` };
  const empty = JSON.stringify({ aps: { alert, badge: 3, sound: 'default' }, filler: '' });
  const body = empty.replace('""', `"${'x'.repeat(bodyBytes - empty.length)}"`);
  return { path: `/3/device/${token}`, shared: sharedFields, fields: { 'apns-id': id }, body };
}

/** Requests in turn, for ever. */
function requestAt<T>(requests: readonly T[], number: number): T {
  const request = requests[number % requests.length];
  if (request === undefined) throw new Error('no requests');
  return request;
}

/** Through the gateway port, as an APNs provider opens it. */
function throughPort(open: OpenGatewaySession): OpenWireClient {
  return (gateway, ended) => {
    const requests = wireRequests(gateway.tokens);
    const session = open({
      clock: systemClock,
      random: seededRandom(1),
      replies: { responded: (_tag, status) => ended(status), failed: () => ended(0) },
      ...portOptions(gateway),
      streamsMax: limits.apnsStreamsMax,
      waitingMax: inFlightMax,
    });
    return {
      send(number) {
        const deadlineMs = epochMs(systemClock.now() + requestMs);
        if (session.request(requestAt(requests, number), number, deadlineMs) !== 'taken') ended(0);
      },
      close: () => session.drain(1_000),
    };
  };
}

type PortOptions = Omit<GatewaySessionOptions, 'clock' | 'random' | 'replies' | 'streamsMax' | 'waitingMax'>;

/** What every use of the port in benchmarks says alike. */
export function portOptions({ port, caPem }: BenchGateway): PortOptions {
  return {
    host: 'localhost',
    port,
    servername: '',
    ca: caPem,
    certificatePem: '',
    keyPem: '',
    proxyUrl: '',
    fields: contentFields,
    replyFields: ['apns-id', 'retry-after', 'date'],
    sessionsMax: 1,
    firstAlone: true,
    pingAfterMs: limits.gatewayPingAfterMs,
    idleMs: 0,
    ageMs: limits.gatewayAgeMs,
  };
}

const openNodeClient: OpenWireClient = ({ port, caPem, tokens }, ended) => {
  const requests = wireRequests(tokens).map(({ path, fields, body }) => ({
    headers: { ':method': 'POST', ':path': path, ...contentFields, ...sharedFields, ...fields },
    body,
  }));
  const session = connect(`https://localhost:${port}`, { ca: caPem });
  session.on('error', () => undefined);
  return {
    send(number) {
      const { headers, body } = requestAt(requests, number);
      const stream = session.request(headers);
      let status = 0;
      stream.on('response', (response) => (status = response[':status'] ?? 0));
      stream.on('error', () => undefined);
      stream.on('close', () => ended(status));
      stream.resume();
      stream.end(body);
    },
    close: () => new Promise((resolve) => session.close(() => resolve())),
  };
};

const openUndici: OpenWireClient = ({ port, caPem, tokens }, ended) => {
  const requests = wireRequests(tokens).map(({ path, fields, body }) => ({
    path,
    method: 'POST' as const,
    headers: { ...contentFields, ...sharedFields, ...fields },
    body,
  }));
  const pool = new Pool(`https://localhost:${port}`, {
    connections: 1,
    allowH2: true,
    maxConcurrentStreams: inFlightMax,
    pipelining: inFlightMax,
    connect: { ca: caPem },
  });
  return {
    send(number) {
      void pool
        .request(requestAt(requests, number))
        .then(async ({ statusCode, body }) => {
          await body.dump();
          ended(statusCode);
        })
        .catch(() => ended(0));
    },
    close: () => pool.close(),
  };
};

export const openOurs: OpenGatewaySession = openH2Session;

export const ours = 'wire: our client';
export const wireClients: Readonly<Record<string, OpenWireClient>> = {
  [ours]: throughPort(openOurs),
  'wire: http2-wrapper': throughPort(openHttp2WrapperSession),
  'wire: node:http2': openNodeClient,
  'wire: undici': openUndici,
};
