/**
 * A fake XMPP server, the engine with real publishing threads, and the fakes of all gateways over TLS: everything real
 * but the peers.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import { seededRandom } from '../../src/core/random.ts';
import { ApnsGateway } from '../../src/fake/apns-gateway.ts';
import { makeApnsKey } from '../../src/fake/apns-token.ts';
import { makeAuthority } from '../../src/fake/certificates.ts';
import { FcmGateway } from '../../src/fake/fcm-gateway.ts';
import { MongoosePushGateway } from '../../src/fake/mongoosepush-gateway.ts';
import { makeServiceAccount, OAuthServer } from '../../src/fake/oauth-server.ts';
import { registeredTarget } from '../../src/fake/traffic.ts';
import { FakeXmppServer } from '../../src/fake/xmpp-server.ts';
import { createEngine } from '../../src/index.ts';
import { ns } from '../../src/xmpp/namespaces.ts';
import { within } from '../peers/deadline.ts';
import { lastFirst } from '../peers/last-first.ts';
import type { TestContext } from 'node:test';
import type { Clock } from '../../src/core/clock.ts';
import type { Engine } from '../../src/engine.ts';
import type { EngineConfigInput } from '../../src/index.ts';
import type { PushTarget } from '../../src/fake/traffic.ts';
import type { FakeAnswer } from '../../src/fake/xmpp-server.ts';

export const component = 'push.example.net';
export const topic = 'com.example.app';

export interface FakeWorldOptions {
  readonly errorProfile?: 'common' | 'mongooseim';
  /** MongoosePush between us and the gateways, instead of the gateways. */
  readonly mongoosePush?: boolean;
  /** The wait for a gateway; default 1500, for tests of what happens then. */
  readonly requestMs?: number;
  /** The section `push`. */
  readonly push?: EngineConfigInput['push'];
  /** Before the engine starts. */
  readonly before?: (parts: { readonly oauth: OAuthServer }) => void;
}

export interface FakeWorld {
  readonly server: FakeXmppServer;
  readonly engine: Engine;
  readonly apns: ApnsGateway;
  readonly fcm: FcmGateway;
  readonly oauth: OAuthServer;
  readonly mongoosePush: MongoosePushGateway;
  /** Lets monotonic time pass for the engine. */
  readonly skip: (durationMs: number) => void;
  readonly command: (node: string, fields: Readonly<Record<string, string>>, from?: string) => Promise<FakeAnswer>;
  /** A device by the commonest command. */
  readonly device: (service: 'apns' | 'fcm', token: string) => Promise<PushTarget>;
  /** `result`, or type/condition. */
  readonly publish: (target: PushTarget) => Promise<string>;
}

const requestMsDefault = 1_500;
const iqReplyMs = 4_000;

export async function fakeWorld(t: TestContext, options: FakeWorldOptions = {}): Promise<FakeWorld> {
  const { requestMs = requestMsDefault } = options;
  const after = lastFirst(t);
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-fakes-'));
  after(() => rmSync(dataDir, { recursive: true, force: true }));
  const common = { clock: systemClock, random: seededRandom(1) };
  const authority = await makeAuthority(systemClock);
  const tls = await authority.server();
  const ca_file = join(dataDir, 'ca.pem');
  writeFileSync(ca_file, authority.caPem);
  const key = await makeApnsKey({ keyId: 'KEY1234567', teamId: 'TEAM123456' });
  const apns = new ApnsGateway({ ...common, tls, keys: [key], environment: 'production' });
  const oauth = new OAuthServer({ ...common, tls, accounts: [] });
  const fcm = new FcmGateway({ ...common, tls, oauth, projectIds: ['demo-project'] });
  const mongoosePush = new MongoosePushGateway({ ...common, tls });
  const gateways = [apns, oauth, fcm, mongoosePush];
  const ports: number[] = [];
  for (const gateway of gateways) {
    ports.push((await gateway.start()).port);
    after(() => gateway.stop());
  }
  const [apnsPort = 0, oauthPort = 0, fcmPort = 0, mongoosePort = 0] = ports;
  const tokenUri = `https://127.0.0.1:${oauthPort}/token`;
  const account = await makeServiceAccount({ projectId: 'demo-project', tokenUri });
  oauth.addAccount(account);
  options.before?.({ oauth });
  const server = new FakeXmppServer({ components: { [component]: 'secret' }, random: seededRandom(2) });
  const port = await server.start();
  after(() => server.stop());

  let skippedMs = 0;
  const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + skippedMs };
  const gateway = { host: '127.0.0.1', ca_file, request_ms: requestMs };
  const urls = [`https://127.0.0.1:${mongoosePort}`];
  const engine = await createEngine(
    {
      engine: { data_dir: join(dataDir, 'data'), iq_reply_ms: iqReplyMs, stop_ms: 3_000 },
      servers: [
        {
          ...{ name: 'fake', host: '127.0.0.1', port, domain: component, secret: 'secret' },
          error_profile: options.errorProfile ?? 'common',
        },
      ],
      registrations: { shards: 2, map_bytes: 16_777_216 },
      workers: { threads: 1 },
      notifications: { content: 'full' },
      push: { store: 'memory', ...options.push },
      providers:
        options.mongoosePush === true
          ? (['prod', 'dev'] as const).map((mode) => ({
              ...{ name: `mp-${mode}`, kind: 'mongoosepush', mode, services: ['apns', 'fcm'] },
              ...{ urls, ca_file, request_ms: requestMs },
            }))
          : [
              {
                ...{ ...gateway, name: 'apns', kind: 'apns', port: apnsPort, topic },
                ...{ key: key.keyPem, key_id: key.keyId, team_id: key.teamId },
              },
              {
                ...{ ...gateway, name: 'fcm', kind: 'fcm', port: fcmPort, token_url: tokenUri },
                service_account: account.json,
              },
            ],
    },
    { clock },
  );
  await engine.start();
  after(() => engine.stop());
  await within('the component is online', server.whenOnline());

  const command: FakeWorld['command'] = (node, fields, from = 'anna@example.com/phone') => {
    const id = server.newId();
    const form = Object.entries(fields).map(([name, value]) => field(name, value));
    const xml =
      `<iq type='set' id='${id}' from='${from}' to='${component}'>` +
      `<command xmlns='${ns.commands}' node='${node}' action='execute'>` +
      `<x xmlns='${ns.data}' type='submit'>${form.join('')}</x></command></iq>`;
    return server.request(id, xml);
  };
  return {
    ...{ server, engine, apns, fcm, oauth, mongoosePush, command },
    skip: (durationMs) => (skippedMs += durationMs),
    device: async (service, token) => {
      const answer = await command(`register-push-${service}`, { token, 'device-id': token.slice(0, 20) });
      const target = answer.kind === 'result' ? registeredTarget(answer.xml) : null;
      if (target === null) throw new Error(`not registered: ${JSON.stringify(answer)}`);
      return target;
    },
    publish: async ({ node, secret }) => verdictOf(await server.publish({ node, secret, sender: 'boris@example.com' })),
  };
}

export function verdictOf(answer: FakeAnswer): string {
  return answer.kind === 'error' ? `${answer.type}/${answer.condition}` : answer.kind;
}

export function field(name: string, value: string): string {
  return `<field var='${name}'><value>${value}</value></field>`;
}
