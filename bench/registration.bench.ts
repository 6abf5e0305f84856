// Thread: main
/** What the store costs: reads in batches as a shard makes them, and durable writes in group commits. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/core/clock.ts';
import { epochMs, parseNodeId } from '../src/core/ids.ts';
import { bareJID } from '../src/core/jid.ts';
import { seededRandom } from '../src/core/random.ts';
import { openShardStores } from '../src/storage/shard-folder.ts';
import { measure } from './harness.ts';
import type { BenchFile, Mode, Result } from './harness.ts';
import type { NodeId } from '../src/core/ids.ts';
import type { Registration } from '../src/core/registration.ts';

const readBatch = 64;
const writeBatch = 1_024;

function rowAt(index: number): Registration {
  const node = parseNodeId(`m00${seededRandom(index).bytes(16).toString('base64url')}`);
  const owner = bareJID(`user${index}@example.com`);
  if (!node.ok || !owner.ok) throw new Error('the bench made an id that is none');
  const nowMs = systemClock.now();
  return {
    node: node.value,
    owner: owner.value,
    target: {
      kind: 'device',
      service: 'apns',
      token: seededRandom(index + 1)
        .bytes(32)
        .toString('hex'),
      voipToken: '',
      topic: 'com.example.app',
      mode: 'prod',
    },
    state: 'live',
    deathReason: '',
    deviceId: `device-${index}`,
    app: '',
    deviceName: `Phone of user ${index}`,
    room: '',
    secretVersion: 1,
    publishModel: 'publishers',
    publishers: [],
    createdAtMs: nowMs,
    confirmedAtMs: nowMs,
    diedAtMs: epochMs(0),
  };
}

async function run(mode: Mode): Promise<readonly Result[]> {
  const rowCount = mode === 'smoke' ? 2_048 : 204_800;
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-bench-'));
  const [store] = await openShardStores({
    store: 'lmdb',
    shards: 1,
    perOwnerMax: 10,
    mapBytes: 2 ** 30,
    dataDir,
  });
  if (store === undefined) throw new Error('no store');
  const rows = Array.from({ length: rowCount }, (_, index) => rowAt(index));
  const random = seededRandom(3);
  const nodes = rows.map((row) => row.node);
  let written = 0;
  const writes = await measure('registration', mode, [
    {
      name: `registration: durable writes, ${writeBatch} to a commit`,
      operations: writeBatch,
      async run() {
        const from = written % rowCount;
        await store.writeMany(rows.slice(from, from + writeBatch));
        written += writeBatch;
      },
    },
  ]);
  for (let from = 0; from < rowCount; from += writeBatch) await store.writeMany(rows.slice(from, from + writeBatch));
  const batches = Array.from({ length: mode === 'smoke' ? 4 : 500 }, () =>
    Array.from({ length: readBatch }, (): NodeId => {
      const node = nodes[Math.floor(random.unit() * nodes.length)];
      if (node === undefined) throw new Error('no node');
      return node;
    }),
  );
  const reads = await measure('registration', mode, [
    {
      name: `registration: reads of random rows, ${readBatch} at once`,
      operations: batches.length * readBatch,
      async run() {
        let found = 0;
        for (const batch of batches) {
          const some = store.readMany(batch);
          for (const row of 'then' in some ? await some : some) if (row?.state === 'live') found++;
        }
        if (found !== batches.length * readBatch) throw new Error(`${found} rows were found`);
      },
    },
  ]);
  await store.close();
  rmSync(dataDir, { recursive: true, force: true });
  return [...reads, ...writes];
}

export const registrationBench: BenchFile = { name: 'registration', run };
