/** A program that embeds the engine and has nothing else to do: when it has stopped the engine, it ends by itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeApnsKey } from '../../src/fake/apns-token.ts';
import { createEngine } from '../../src/index.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-embedding-'));
const key = await makeApnsKey({ keyId: 'ABC123DEFG', teamId: 'TEAM123456' });
const engine = await createEngine({
  engine: { data_dir: dataDir },
  registrations: { shards: 2, map_bytes: 16_777_216 },
  workers: { threads: 1 },
  // One gateway that answers, and one that is not there.
  providers: [
    { name: 'answers', kind: 'blackhole', services: ['fcm'] },
    {
      ...{ name: 'absent', kind: 'apns', host: '127.0.0.1', port: 1, topic: 'com.example.app' },
      ...{ key: key.keyPem, key_id: key.keyId, team_id: key.teamId },
    },
  ],
});
await engine.start();
const outcomes = await Promise.all([
  engine.publish({ service: 'fcm', token: 'a-phone', body: 'hello' }),
  engine.publish({ service: 'apns', token: 'a1'.repeat(32), body: 'hello', waitMs: 300 }),
]);
await engine.stop();
rmSync(dataDir, { recursive: true, force: true });
console.log(outcomes.map(({ kind }) => kind).join(' '));
