// Thread: main
/** An engine whose gateway is another process, over TLS HTTP/2, that does nothing but answer. */
import { startAnswering } from './bench-gateway.ts';
import { startBenchEngine } from './engine-bench.ts';
import type { AnsweringProcess } from './bench-gateway.ts';
import type { BenchEngine } from './engine-bench.ts';
import type { EngineConfigInput } from '../src/index.ts';

export interface GatewayEngine extends BenchEngine {
  readonly gateway: AnsweringProcess;
}

/** An APNs provider whose gateway is that process. */
export function apnsProvider({ port, caFile, key }: AnsweringProcess): ApnsInput {
  return {
    name: 'apns-bench',
    kind: 'apns',
    host: 'localhost',
    port,
    ca_file: caFile,
    key: key.keyPem,
    key_id: key.keyId,
    team_id: key.teamId,
    topic: key.topic,
  };
}

type ApnsInput = NonNullable<EngineConfigInput['providers']>[number];

export async function startGatewayEngine(users: number): Promise<GatewayEngine> {
  const gateway = await startAnswering();
  const bench = await startBenchEngine(
    [
      apnsProvider(gateway),
      // Half of the users have Android phones; their publishes are not part of this benchmark.
      { name: 'fcm-bench', kind: 'blackhole', services: ['fcm'] },
    ],
    users,
  );
  return {
    ...bench,
    targets: bench.targets.filter((_, index) => index % 2 === 0),
    gateway,
    async stop() {
      await bench.stop();
      await gateway.stop();
    },
  };
}
