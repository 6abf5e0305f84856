// Thread: main
/** An engine whose gateway is another process, over TLS HTTP/2, that does nothing but answer. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGateways } from '../src/fake/gateways-process.ts';
import { startBenchEngine } from './engine-bench.ts';
import type { BenchEngine } from './engine-bench.ts';
import type { GatewaysProcess } from '../src/fake/gateways-process.ts';

export interface GatewayEngine extends BenchEngine {
  readonly gateways: GatewaysProcess;
}

export async function startGatewayEngine(users: number): Promise<GatewayEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-bench-'));
  const gateways = await startGateways({ gateways: ['answering'] });
  const caFile = join(folder, 'authority.pem');
  writeFileSync(caFile, gateways.caPem);
  const { apns } = gateways.credentials;
  const bench = await startBenchEngine(
    [
      {
        name: 'apns-bench',
        kind: 'apns',
        host: 'localhost',
        port: gateways.ports.answering,
        ca_file: caFile,
        key: apns.keyPem,
        key_id: apns.keyId,
        team_id: apns.teamId,
        topic: apns.topic,
      },
      // Half of the users have Android phones; their publishes are not part of this benchmark.
      { name: 'fcm-bench', kind: 'blackhole', services: ['fcm'] },
    ],
    users,
  );
  return {
    ...bench,
    targets: bench.targets.filter((_, index) => index % 2 === 0),
    gateways,
    async stop() {
      await bench.stop();
      await gateways.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
