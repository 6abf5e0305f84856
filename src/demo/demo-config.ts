// Thread: main
/** The embedded default as a configuration: the fakes of the demo on one side and on the other, LMDB in between. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineConfigInput } from '../../config/provider-schema.ts';
import type { GatewaySetAccess } from '../fake/gateway-set.ts';

export interface DemoAddresses {
  readonly dataDir: string;
  readonly xmppPort: number;
  readonly component: string;
  readonly secret: string;
  readonly gateways: GatewaySetAccess;
}

export function demoConfig({ dataDir, xmppPort, component, secret, gateways }: DemoAddresses): EngineConfigInput {
  mkdirSync(dataDir, { recursive: true });
  const caFile = join(dataDir, 'demo-authority.pem');
  writeFileSync(caFile, gateways.caPem);
  const { apns, fcm } = gateways.credentials;
  return {
    engine: { data_dir: dataDir, log_level: 'warn' },
    servers: [{ name: 'fake-xmpp', host: '127.0.0.1', port: xmppPort, domain: component, secret }],
    // A demo has a few thousand devices: 64 MiB a shard are plenty.
    registrations: { shards: 4, map_bytes: 67_108_864 },
    providers: [
      {
        name: 'apns-demo',
        kind: 'apns',
        host: 'localhost',
        port: gateways.ports.apns,
        ca_file: caFile,
        key: apns.keyPem,
        key_id: apns.keyId,
        team_id: apns.teamId,
        topic: apns.topic,
      },
      {
        name: 'fcm-demo',
        kind: 'fcm',
        host: 'localhost',
        port: gateways.ports.fcm,
        ca_file: caFile,
        project_id: fcm.projectId,
        client_email: fcm.clientEmail,
        private_key: fcm.privateKeyPem,
        private_key_id: fcm.privateKeyId,
        token_url: fcm.tokenUrl,
        // Nobody has granted a quota to the fake: the demo shows what the engine does.
        quota_per_minute: 100_000_000,
      },
    ],
  };
}
