/**
 * Everything there is between two users, one of them asleep: a real server, the engine behind a wire-tap, the fakes of
 * Apple and Google.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine } from '../../src/index.ts';
import { until, within } from './deadline.ts';
import { lastFirst } from './last-first.ts';
import { openPushGateways } from './push-gateways.ts';
import { StreamTap } from './stream-tap.ts';
import { XmppUser } from './xmpp-user.ts';
import type { TestContext } from 'node:test';
import type { Logger } from '../../src/core/log.ts';
import type { Engine } from '../../src/engine.ts';
import type { Cleanup } from './last-first.ts';
import type { PushGateways } from './push-gateways.ts';
import type { RealServer, RealServerOptions } from './real-server.ts';
import type { PushTarget } from './xmpp-user.ts';

export interface PushWorld {
  readonly server: RealServer;
  readonly tap: StreamTap;
  readonly gateways: PushGateways;
  /** The one who writes. */
  readonly alice: XmppUser;
  readonly after: (step: Cleanup) => void;
  /** One more engine on the same store, online when it resolves. */
  readonly startEngine: (options?: EngineOptions) => Promise<Engine>;
  /** An account that does `before` while signed in, and is offline when this resolves. */
  readonly asleep: <T>(username: string, before: (user: XmppUser) => Promise<T>) => Promise<T>;
  /** bob: one iPhone, registered by ad-hoc command and enabled; offline. */
  readonly bobAsleep: () => Promise<{ readonly token: string; readonly target: PushTarget }>;
  /** Alice writes to bob. */
  readonly write: (body: string) => Promise<void>;
  /** Resolves when Apple has taken that many notifications. */
  readonly untilApple: (count: number) => Promise<void>;
  /** What the engine's logger was told, as text. */
  readonly log: () => string;
}

export interface EngineOptions {
  readonly connections?: number;
  readonly componentSecret?: string;
  /** False: do not wait until it is online. */
  readonly online?: boolean;
}

export interface WorldOptions extends RealServerOptions {
  readonly engine?: EngineOptions | 'none';
}

export async function pushWorld(
  t: TestContext,
  start: (options: RealServerOptions) => Promise<RealServer>,
  options: WorldOptions = {},
): Promise<PushWorld> {
  const after = lastFirst(t);
  const server = await start(options);
  after(() => server.stop());
  const tap = await StreamTap.open(server.componentPort);
  after(() => tap.close());
  const gateways = await openPushGateways();
  after(() => gateways.close());
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-data-'));
  after(() => rmSync(dataDir, { recursive: true, force: true }));
  const lines: string[] = [];
  const startEngine = async (engine: EngineOptions = {}): Promise<Engine> => {
    const started = await createEngine(configuration({ server, tap, gateways, dataDir, engine }), {
      logger: remember(lines),
    });
    after(() => started.stop());
    const starting = started.start();
    if (engine.online ?? true) await starting;
    else starting.catch(() => undefined); // the test looks at the log
    return started;
  };
  if (options.engine !== 'none') await startEngine(options.engine);
  await XmppUser.register(server, 'alice');
  const alice = await XmppUser.connect(server, 'alice');
  after(() => alice.disconnect());
  const asleep = async <T>(username: string, before: (user: XmppUser) => Promise<T>): Promise<T> => {
    await XmppUser.register(server, username);
    const user = await XmppUser.connect(server, username);
    const result = await before(user);
    await user.disconnect();
    return result;
  };
  return {
    ...{ server, tap, gateways, alice, after, startEngine, asleep },
    async bobAsleep() {
      const token = apnsToken();
      const target = await asleep('bob', async (bob) => {
        const registered = await bob.registerApns(server.componentDomain, token, 'iphone');
        await bob.enablePush(registered);
        return registered;
      });
      return { token, target };
    },
    write: (body) => alice.write(`bob@${server.domain}`, body),
    async untilApple(count) {
      await until(`Apple has accepted ${count}`, () => (gateways.apns().accepted >= count ? true : undefined)).catch(
        (error: unknown) => {
          throw new Error(`${String(error)}\n${tap.tail()}\n${lines.join('\n')}`, { cause: error });
        },
      );
    },
    log: () => lines.join('\n'),
  };
}

// Longer than the wait for a gateway, short enough for tests in which one is down.
const iqReplyMs = 1_500;

/** A device token as Apple's: 32 bytes in hex. */
export function apnsToken(): string {
  return randomBytes(32).toString('hex');
}

/** A registration token as Google's. */
export function fcmToken(): string {
  return `${randomBytes(11).toString('base64url')}:APA91b${randomBytes(96).toString('base64url')}`;
}

interface Parts {
  readonly server: RealServer;
  readonly tap: StreamTap;
  readonly gateways: PushGateways;
  readonly dataDir: string;
  readonly engine: EngineOptions;
}

function configuration({ server, tap, gateways, dataDir, engine }: Parts): Readonly<Record<string, unknown>> {
  return {
    engine: { data_dir: dataDir, log_level: 'debug', secret_key: 'sixteen bytes or more', iq_reply_ms: iqReplyMs },
    servers: [
      {
        name: server.kind,
        host: '127.0.0.1',
        port: tap.port,
        domain: server.componentDomain,
        secret: engine.componentSecret ?? server.componentSecret,
        connections: engine.connections ?? 1,
        error_profile: server.kind,
      },
    ],
    registrations: { shards: 2, map_bytes: 16_777_216 },
    workers: { threads: 1 },
    notifications: { content: 'full' },
    providers: gateways.providers,
  };
}

function remember(lines: string[]): Logger {
  const keep =
    (level: string) =>
    (fields: Readonly<Record<string, unknown>>, message: string): void => {
      lines.push(`${level} ${message} ${JSON.stringify(fields, (_, value: unknown) => errorText(value))}`);
    };
  return { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
}

function errorText(value: unknown): unknown {
  return value instanceof Error ? `${value.name}: ${value.message}` : value;
}

/** What Apple has taken, in order. */
export async function appleReceived(
  world: PushWorld,
  count: number,
): Promise<readonly { readonly token: string; readonly topic: string; readonly payload: unknown }[]> {
  const items = await within(`Apple receives ${count}`, world.gateways.apns().received.waitFor(count));
  return items.map(({ deviceToken, fields, payload }) => ({
    token: deviceToken,
    topic: fields['apns-topic'] ?? '',
    payload: JSON.parse(payload) as unknown,
  }));
}
