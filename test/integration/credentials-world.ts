/** An engine without XMPP servers against the fake of Apple's gateway, and what it says in its log. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import { ApnsGateway } from '../../src/fake/apns-gateway.ts';
import { makeApnsKey } from '../../src/fake/apns-token.ts';
import { makeAuthority } from '../../src/fake/certificates.ts';
import { createEngine } from '../../src/index.ts';
import { lastFirst } from '../peers/last-first.ts';
import type { TestContext } from 'node:test';
import type { EngineConfigInput } from '../../config/provider-schema.ts';
import type { Logger } from '../../src/core/log.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import type { ApnsSigningKey } from '../../src/fake/apns-token.ts';
import type { Authority, IssuedCertificate } from '../../src/fake/certificates.ts';
import type { Engine, EngineOptions } from '../../src/engine.ts';

export const topic = 'com.example.app';

export interface CredentialsWorld {
  readonly apns: ApnsGateway;
  readonly authority: Authority;
  /** Both known to the gateway, of one team. */
  readonly keys: readonly [ApnsSigningKey, ApnsSigningKey];
  readonly lines: string[];
  readonly dataDir: string;
  /** The address of the gateway, for a provider of its own. */
  readonly gateway: { readonly host: string; readonly port: number; readonly ca_file: string };
  readonly providerOf: (key: ApnsSigningKey, name?: string) => ApnsProvider;
  readonly certificateProvider: (certificate: IssuedCertificate) => ApnsProvider;
  readonly configOf: (providers: Providers) => EngineConfigInput;
  readonly start: (providers: Providers, options?: EngineOptions) => Promise<Engine>;
}

type Providers = NonNullable<EngineConfigInput['providers']>;
type ApnsProvider = Extract<Providers[number], { readonly kind: 'apns' }>;

export async function credentialsWorld(t: TestContext, threads = 1): Promise<CredentialsWorld> {
  const after = lastFirst(t);
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-credentials-'));
  after(() => rmSync(dataDir, { recursive: true, force: true }));
  const authority = await makeAuthority(systemClock);
  const tls = await authority.server();
  const ca_file = join(dataDir, 'ca.pem');
  writeFileSync(ca_file, authority.caPem);
  const keys = [
    await makeApnsKey({ keyId: 'KEY1111111', teamId: 'TEAM123456' }),
    await makeApnsKey({ keyId: 'KEY2222222', teamId: 'TEAM123456' }),
  ] as const;
  const fake = { clock: systemClock, random: seededRandom(1), receivedMax: 20_000, clientCaPem: authority.caPem };
  const apns = new ApnsGateway({ ...fake, tls, keys, environment: 'production' });
  const { port } = await apns.start();
  after(() => apns.stop());
  const gateway = { host: 'localhost', port, ca_file };
  const lines: string[] = [];
  const say = (_fields: unknown, message: string): unknown => lines.push(message);
  const logger: Logger = { ...silentLogger, error: say, warn: say, info: say };
  const configOf = (providers: Providers): EngineConfigInput => ({
    engine: { data_dir: join(dataDir, 'data'), stop_ms: 5_000 },
    registrations: { store: 'memory' },
    push: { store: 'memory' },
    workers: { threads },
    providers,
  });
  return {
    ...{ apns, authority, keys, lines, dataDir, gateway, configOf },
    providerOf: ({ keyPem, keyId, teamId }, name = 'apns') => ({
      ...{ ...gateway, name, kind: 'apns', topic },
      ...{ key: keyPem, key_id: keyId, team_id: teamId },
    }),
    certificateProvider: ({ certPem, keyPem }) => ({
      ...{ ...gateway, name: 'apns', kind: 'apns', topic },
      ...{ certificate: certPem, certificate_key: keyPem },
    }),
    async start(providers, options = {}) {
      const engine = await createEngine(configOf(providers), { logger, ...options });
      await engine.start();
      after(() => engine.stop());
      return engine;
    },
  };
}

let devices = 0;

export function push(engine: Engine): Promise<Outcome> {
  const token = (++devices).toString(16).padStart(64, '0');
  return engine.publish({ service: 'apns', token, body: 'Hello' });
}
