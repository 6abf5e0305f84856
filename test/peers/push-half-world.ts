/**
 * The XMPP server's half of push from end to end: a real server that has delegated its users' push registrations, a
 * whole engine with LMDB behind a wire-tap, the fakes of Apple, Google and MongoosePush, and a push service of somebody
 * else.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits } from '../../src/core/limits.ts';
import { systemClock } from '../../src/core/clock.ts';
import { systemRandom } from '../../src/core/random.ts';
import { makeAuthority } from '../../src/fake/certificates.ts';
import { MongoosePushGateway } from '../../src/fake/mongoosepush-gateway.ts';
import { createEngine } from '../../src/index.ts';
import { until } from './deadline.ts';
import { lastFirst } from './last-first.ts';
import { apnsTopic, openPushGateways } from './push-gateways.ts';
import { PushService } from './push-service.ts';
import { freePorts } from './server-process.ts';
import { StreamTap } from './stream-tap.ts';
import { XmppUser } from './xmpp-user.ts';
import type { TestContext } from 'node:test';
import type { EngineConfigInput } from '../../config/provider-schema.ts';
import type { EnabledRegistration } from '../../src/core/enabled.ts';
import type { Engine, EventResult, MessageInput } from '../../src/index.ts';
import type { Cleanup } from './last-first.ts';
import type { PushGateways } from './push-gateways.ts';
import type { RealServer, RealServerOptions } from './real-server.ts';

export type StartServer = (options: RealServerOptions) => Promise<RealServer>;

/** The topic whose devices are reached through MongoosePush. */
export const mongooseTopic = 'net.example.mongoose';

const requestMs = 15_000;
const eventWaitMs = 20_000;
const serviceDomain = 'push-5.client.lab';
export const eventsToken = 'a-token-of-the-tests-0123456789';

export interface PushHalfWorld {
  readonly server: RealServer;
  readonly tap: StreamTap;
  readonly gateways: PushGateways;
  readonly mongoose: MongoosePushGateway;
  /** A push service at the same server that is not ours. */
  readonly openService: () => Promise<PushService>;
  readonly after: (step: Cleanup) => void;
  readonly engine: () => Engine;
  /** Stops the engine and starts another one with the same data, to which the domain is delegated when it resolves. */
  readonly restartEngine: () => Promise<void>;
  /** Makes the account, if there is none, and signs in. */
  readonly user: (name: string) => Promise<XmppUser>;
  /** bob: does `before` while he is signed in, and is gone when this resolves. */
  readonly bobAsleep: (before: (bob: XmppUser) => Promise<void>) => Promise<void>;
  /** Tells the engine of a message from alice to bob, who is offline unless the event says otherwise. */
  readonly tell: (event: MessageInput) => Promise<EventResult>;
  readonly rows: () => Promise<readonly EnabledRegistration[]>;
  /** Resolves when the server has said that the domain is ours. */
  readonly untilDelegated: () => Promise<void>;
}

export async function pushHalfWorld(
  t: TestContext,
  start: StartServer,
  optionsAt: (eventsPort: number) => RealServerOptions = () => ({}),
): Promise<PushHalfWorld> {
  const after = lastFirst(t);
  const [eventsPort = 0] = await freePorts(1);
  const server = await start({ delegation: true, moreComponents: [serviceDomain], ...optionsAt(eventsPort) });
  after(() => server.stop());
  const tap = await StreamTap.open(server.componentPort);
  after(() => tap.close());
  const gateways = await openPushGateways();
  after(() => gateways.close());
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-half-'));
  after(() => rmSync(dataDir, { recursive: true, force: true }));
  const { mongoose, provider } = await openMongoosePush(dataDir);
  after(() => mongoose.stop());

  const config = configuration({
    server,
    tap,
    dataDir,
    eventsPort,
    providers: [...gateways.providers.map(forItsApp), provider],
  });
  let engine = await createEngine(config);
  after(() => engine.stop());
  await engine.start();
  const untilDelegated = async (): Promise<void> => {
    await until('the domain is delegated', () => isDelegated(engine, server.domain));
  };
  await untilDelegated();

  const accounts = new Set<string>();
  const user = async (name: string): Promise<XmppUser> => {
    if (!accounts.has(name)) await XmppUser.register(server, name);
    accounts.add(name);
    const connected = await XmppUser.connect(server, name);
    after(() => connected.disconnect());
    return connected;
  };
  const bobsJid = `bob@${server.domain}`;
  return {
    ...{ server, tap, gateways, mongoose, after, user, untilDelegated },
    engine: () => engine,
    async openService() {
      const service = await PushService.connect(serviceConfig(server));
      after(() => service.close());
      return service;
    },
    async restartEngine() {
      await engine.stop();
      engine = await createEngine(config);
      await engine.start();
      await untilDelegated();
    },
    async bobAsleep(before) {
      const bob = await user('bob');
      await before(bob);
      await bob.disconnect();
    },
    tell: (event) =>
      engine.onEvent(
        { from: `alice@${server.domain}/phone`, to: bobsJid, userStatus: 'offline', ...event },
        eventWaitMs,
      ),
    rows: async () => (await engine.push.enabledOf(bobsJid)) ?? [],
  };
}

/** Apple's provider has its topic, so that other topics find MongoosePush; and a busy machine is no outage. */
function forItsApp(provider: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const patient = { ...provider, request_ms: requestMs };
  return provider['kind'] === 'apns' ? { ...patient, apps: [apnsTopic] } : patient;
}

function isDelegated(engine: Engine, domain: string): true | undefined {
  return engine.figures().routers.some(({ delegating }) => delegating.includes(domain)) || undefined;
}

async function openMongoosePush(
  folder: string,
): Promise<{ mongoose: MongoosePushGateway; provider: Readonly<Record<string, unknown>> }> {
  const authority = await makeAuthority(systemClock);
  const tls = await authority.server();
  const caFile = join(folder, 'mongoosepush-ca.pem');
  writeFileSync(caFile, authority.caPem);
  const mongoose = new MongoosePushGateway({ clock: systemClock, random: systemRandom, tls });
  const { port } = await mongoose.start();
  const url = `https://127.0.0.1:${port}`;
  const served = { apps: [mongooseTopic], services: ['apns'] };
  return {
    mongoose,
    provider: { name: 'mongoose', kind: 'mongoosepush', urls: [url], api: 'v3', ca_file: caFile, ...served },
  };
}

interface Parts {
  readonly server: RealServer;
  readonly tap: StreamTap;
  readonly dataDir: string;
  readonly eventsPort: number;
  readonly providers: readonly Readonly<Record<string, unknown>>[];
}

function configuration({ server, tap, dataDir, eventsPort, providers }: Parts): EngineConfigInput {
  const config: Readonly<Record<string, unknown>> = {
    engine: { data_dir: dataDir, secret_key: 'sixteen bytes or more', iq_reply_ms: eventWaitMs },
    servers: [
      {
        name: server.kind,
        host: '127.0.0.1',
        port: tap.port,
        domain: server.componentDomain,
        secret: server.componentSecret,
        error_profile: server.kind,
        delegated_domains: [server.domain],
      },
    ],
    registrations: { shards: 2, map_bytes: 16_777_216 },
    workers: { threads: 1 },
    notifications: { content: 'full' },
    push: { store: 'lmdb', content: 'full', deregister_refusals: 2, deregister_hours: 0 },
    http: { port: eventsPort, token: eventsToken },
    providers,
  };
  return config;
}

function serviceConfig(server: RealServer): Parameters<typeof PushService.connect>[0] {
  return {
    name: server.kind,
    host: '127.0.0.1',
    port: server.componentPort,
    domain: serviceDomain,
    secret: server.componentSecret,
    connections: 1,
    allowMultiple: false,
    tls: { mode: 'off', caFile: '', servername: '' },
    allowPlaintext: false,
    stanzaBytesMax: limits.stanzaBytesDefault,
    errorProfile: server.kind,
    delegatedDomains: [],
  };
}
