/** What our HTTP/2 client must do with any real server, over real sockets and TLS: `h2Interop(name, start)`. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { epochMs } from '../../src/core/ids.ts';
import { seededRandom } from '../../src/core/random.ts';
import { makeAuthority } from '../../src/fake/certificates.ts';
import { openH2Session } from '../../src/transport/h2/h2-session.ts';
import { Watch } from '../conformance/http2-peer.ts';
import { usual } from '../peers/h2-servers.ts';
import type { IssuedCertificate } from '../../src/fake/certificates.ts';
import type { GatewaySession, GatewaySessionOptions } from '../../src/transport/gateway-session.ts';
import type { H2Server, H2ServerOptions } from '../peers/h2-servers.ts';

type Start = (certificate: IssuedCertificate, changes: Partial<H2ServerOptions>) => Promise<H2Server>;

const requestsTotal = 3_000;
const lifeMs = 60_000;

/** `-`: nothing yet. */
type End = '-' | 'ok' | `status ${number}` | `wrong body of ${number}` | `failed ${string}`;

interface Load {
  readonly session: GatewaySession;
  readonly ends: End[];
  /** Sends so many requests, as fast as they are taken, and resolves when each has ended. */
  readonly run: (count: number, during?: (done: number) => void) => Promise<void>;
}

function bodyOf(tag: number): string {
  return tag % 3 === 0 ? '' : String(tag % 10).repeat((tag * 7_919) % 40_001);
}

function load(
  server: H2Server,
  {
    caPem,
    path,
    expect,
    ...changes
  }: Partial<GatewaySessionOptions> & {
    readonly caPem: string;
    readonly path: string;
    readonly expect: (tag: number) => string;
  },
): Load {
  const ends: End[] = [];
  const again: number[] = [];
  const watch = new Watch();
  let done = 0;
  const end = (tag: number, how: End): void => {
    assert.equal(ends[tag], '-', `tag ${tag} ends once; now by ${how}`);
    ends[tag] = how;
    done++;
    watch.changed();
  };
  const session = openH2Session({
    clock: systemClock,
    random: seededRandom(1),
    replies: {
      responded: (tag, status, _fields, body) =>
        end(tag, status !== 200 ? `status ${status}` : body === expect(tag) ? 'ok' : `wrong body of ${body.length}`),
      // Sent by the session itself a second time, and again above the last stream id of a GOAWAY: the caller's turn.
      failed: (tag, failure, reason) => {
        if (failure !== 'not-sent') end(tag, `failed ${failure}: ${reason}`);
        else {
          assert.equal(ends[tag], '-');
          again.push(tag);
          watch.changed();
        }
      },
    },
    host: '127.0.0.1',
    port: server.port,
    servername: 'localhost',
    ca: caPem,
    certificatePem: '',
    keyPem: '',
    proxyUrl: '',
    fields: { 'content-type': 'application/json' },
    replyFields: ['apns-id'],
    sessionsMax: 3,
    streamsMax: 100,
    waitingMax: 200,
    firstAlone: false,
    pingAfterMs: 0,
    idleMs: 0,
    ageMs: 0,
    ...changes,
  });
  const run = async (count: number, during: (done: number) => void = () => undefined): Promise<void> => {
    const shared = { 'apns-topic': 'org.example.app' };
    const total = ends.length + count;
    let sendings = 0;
    for (;;) {
      if (done >= total) return;
      const tag = again[0] ?? ends.length;
      if (tag < total) {
        assert.ok(sendings < 3 * count, `${sendings} sendings of ${count} requests`);
        const request = { path, shared, fields: { 'x-tag': String(tag) }, body: bodyOf(tag) };
        if (session.request(request, tag, epochMs(Date.now() + lifeMs)) === 'taken') {
          sendings++;
          if (again.length > 0) again.shift();
          else ends.push('-');
          continue;
        }
      }
      const before = done + again.length;
      await watch.until(`an end of ${total - done}`, () => done + again.length > before);
      during(done);
    }
  };
  return { session, ends, run };
}

function assertOk(ends: readonly End[], server: H2Server): void {
  const wrong = ends.flatMap((end, tag) => (end === 'ok' ? [] : [`${tag} (${bodyOf(tag).length} bytes): ${end}`]));
  assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} of ${ends.length}; ${server.tail()}`);
}

export interface InteropOptions {
  /** Answers with a page of its own instead of what it got. */
  readonly page?: boolean;
  /** It can let its connections go, by itself or when it is told. */
  readonly letsGo?: Partial<H2ServerOptions>;
  readonly more?: readonly Partial<H2ServerOptions>[];
}

export function h2Interop(name: string, start: Start, { page = false, letsGo, more = [] }: InteropOptions): void {
  const expect = page ? (): string => 'p'.repeat(usual.pageBytes) : bodyOf;
  const authority = makeAuthority(systemClock);
  const stops: (() => Promise<unknown>)[] = [];
  after(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });

  async function world(
    serverOptions: Partial<H2ServerOptions>,
    changes: Partial<GatewaySessionOptions> = {},
  ): Promise<Load & { readonly server: H2Server }> {
    const issuer = await authority;
    const server = await start(await issuer.server(), serverOptions);
    stops.push(server.stop);
    const loaded = load(server, { caPem: issuer.caPem, path: '/echo', expect, ...changes });
    stops.push(() => loaded.session.drain(0));
    return { ...loaded, server };
  }

  // Go's server is built first.
  const options = { timeout: 400_000 };

  test(`${name}: ${requestsTotal} requests with bodies of 0 to 40 KB on three connections`, options, async () => {
    const { run, ends, server } = await world({});
    await run(requestsTotal);
    assertOk(ends, server);
  });

  for (const limits of [{ streamsMax: 1 }, { streamsMax: 10 }, ...more]) {
    test(`${name}: the server's own limits ${JSON.stringify(limits)}`, options, async () => {
      const { run, ends, server } = await world(limits);
      await run(600);
      assertOk(ends, server);
    });
  }

  test(`${name}: one connection after the other is opened, used and drained`, options, async () => {
    for (let turn = 0; turn < 5; turn++) {
      const { run, ends, server, session } = await world({}, { sessionsMax: 1 });
      await run(50);
      assertOk(ends, server);
      await session.drain(5_000);
    }
  });

  if (letsGo === undefined) return;
  test(`${name}: connections that it lets go while requests fly cost no request`, options, async () => {
    const { run, ends, server } = await world(letsGo);
    let next = 100;
    await run(requestsTotal, (done) => {
      if (done < next) return;
      next += 500;
      server.letGo();
    });
    assertOk(ends, server);
    assert.deepEqual(server.handledTwice(), []);
  });
}
