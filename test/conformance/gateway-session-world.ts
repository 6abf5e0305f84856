/**
 * The world of a test of the gateway port: a peer on real sockets with real TLS, a session under test, and what became
 * of each request.
 */
import assert from 'node:assert/strict';
import { test as nodeTest } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { epochMs } from '../../src/core/ids.ts';
import { seededRandom } from '../../src/core/random.ts';
import { makeAuthority } from '../../src/fake/certificates.ts';
import { Http2Peer, Watch } from './http2-peer.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';
import type { TestContext } from 'node:test';
import type { Clock } from '../../src/core/clock.ts';
import type { GatewaySession, GatewaySessionOptions, OpenGatewaySession } from '../../src/transport/gateway-session.ts';
import type { Authority, IssuedCertificate } from '../../src/fake/certificates.ts';
import type { PeerOptions } from './http2-peer.ts';

export type End =
  | {
      readonly kind: 'responded';
      readonly status: number;
      readonly fields: Readonly<Record<string, string>>;
      readonly body: string;
    }
  | { readonly kind: 'failed'; readonly failure: string; readonly reason: string };

export interface World {
  readonly peer: Http2Peer;
  readonly session: GatewaySession;
  readonly ends: Map<number, End>;
  readonly watch: Watch;
  /** One request with this tag; `lifeMs` until its deadline. */
  readonly send: (tag: number, lifeMs?: number) => 'taken' | 'full' | 'closed';
  readonly ended: (count: number) => Promise<void>;
  readonly kinds: () => readonly string[];
}

export type Changes = Partial<GatewaySessionOptions> & { readonly peer?: PeerOptions };

export const farMs = 30_000;

export function test(title: string, run: (t: TestContext) => Promise<void>): void {
  void nodeTest(title, { timeout: 20_000 }, run);
}

export interface Certificates {
  readonly authority: Authority;
  readonly server: IssuedCertificate;
}

let shared: Promise<Certificates> | undefined;

/** One authority for all tests of a process: making keys costs more than a test. */
export function sharedCertificates(): Promise<Certificates> {
  shared ??= makeCertificates();
  return shared;
}

async function makeCertificates(): Promise<Certificates> {
  const authority = await makeAuthority(systemClock);
  return { authority, server: await authority.server() };
}

/** Real sockets with timers that a test moves: `soon` and the passing of turns stay real. */
export class HandClock extends VirtualClock {
  override soon(task: () => void): void {
    setImmediate(task);
  }
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export async function openWorld(t: TestContext, open: OpenGatewaySession, changes: Changes = {}): Promise<World> {
  const { authority, server } = await sharedCertificates();
  const watch = new Watch();
  const peer = await Http2Peer.start(watch, server, changes.peer);
  const ends = new Map<number, End>();
  const end = (tag: number, how: End): void => {
    assert.ok(!ends.has(tag), `tag ${tag} ends once`);
    ends.set(tag, how);
    watch.changed();
  };
  const clock: Clock = changes.clock ?? systemClock;
  const session = open({
    clock,
    random: seededRandom(7),
    replies: {
      responded: (tag, status, fields, body) => end(tag, { kind: 'responded', status, fields, body }),
      failed: (tag, failure, reason) => end(tag, { kind: 'failed', failure, reason }),
    },
    host: '127.0.0.1',
    port: peer.port,
    servername: 'localhost',
    ca: authority.caPem,
    certificatePem: '',
    keyPem: '',
    proxyUrl: '',
    fields: { 'content-type': 'application/json' },
    replyFields: ['apns-id'],
    sessionsMax: 2,
    streamsMax: 1000,
    waitingMax: 1000,
    firstAlone: false,
    pingAfterMs: 0,
    idleMs: 0,
    ageMs: 0,
    ...changes,
  });
  t.after(async () => {
    peer.cut();
    await Promise.race([session.drain(0), new Promise((resolve) => setTimeout(resolve, 1_000).unref())]);
    await peer.close();
  });
  const send = (tag: number, lifeMs = farMs): 'taken' | 'full' | 'closed' => {
    const request = {
      path: `/3/device/${tag}`,
      shared: {},
      fields: { 'x-tag': String(tag) },
      body: `{"tag":${tag}}`,
    };
    return session.request(request, tag, epochMs(clock.now() + lifeMs));
  };
  const kinds = (): readonly string[] =>
    [...ends.values()].map((how) => (how.kind === 'responded' ? String(how.status) : how.failure));
  const ended = (count: number): Promise<void> => watch.until(`${count} ends`, () => ends.size >= count);
  return { peer, session, ends, watch, send, ended, kinds };
}
