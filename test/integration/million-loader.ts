/**
 * A child process with a million registrations: `node million-loader.js <dataDir> load|find`. `load` writes them in the
 * order of their names, as an import does, four shards at a time, finds some of them, says so, and goes on writing
 * until it is killed. `find` opens what is there. Both print one line of JSON.
 */
import { readFileSync } from 'node:fs';
import { bare, node, row } from '../registration-rows.ts';
import { epochMs } from '../../src/core/ids.ts';
import { openShardStores } from '../../src/storage/shard-folder.ts';
import { shardOfNode, slotCount } from '../../src/registration/slots.ts';
import type { NodeId } from '../../src/core/ids.ts';
import type { Registration } from '../../src/core/registration.ts';
import type { RegistrationStore } from '../../src/storage/registration-store.ts';

const total = 1_000_000;
const shards = 4;
const batchRows = 2_000;
const samples = 20_000;
const perShard = total / shards;

const [dataDir = '', mode = ''] = process.argv.slice(2);
const config = { store: 'lmdb', shards, perOwnerMax: 100, mapBytes: 4_294_967_296, dataDir } as const;
const stores = await openShardStores(config);
const startMs = performance.now();
if (mode === 'load') {
  await Promise.all(stores.map(load));
  await say(performance.now() - startMs);
  for (let extra = 0; ; extra++) await stores[0]?.writeMany([row(`extra ${extra}`)]);
} else {
  await say(0);
  await Promise.all(stores.map((store) => store.close()));
}

/** Of the shard's slots, as evenly as may be, in the order of the names. */
function nameOf(shard: number, index: number): NodeId {
  const slots = slotCount / shards;
  const slot = shard * slots + Math.floor((index * slots) / perShard);
  return node(`m${slot.toString(16).padStart(2, '0')}${index.toString(36).padStart(22, '0')}`);
}

function rowOf(shard: number, index: number): Registration {
  const number = shard * perShard + index;
  return row(nameOf(shard, index), {
    owner: bare(`user${number >> 1}@example.com`),
    deviceId: number.toString(16).padStart(16, '0'),
    createdAtMs: epochMs(1_760_000_000_000 + number),
  });
}

async function load(store: RegistrationStore, shard: number): Promise<void> {
  for (let from = 0; from < perShard; from += batchRows) {
    await store.writeMany(Array.from({ length: batchRows }, (_, index) => rowOf(shard, from + index)));
  }
}

async function say(loadMs: number): Promise<void> {
  const readMs = performance.now();
  let found = 0;
  for (let sample = 0; sample < samples; sample++) {
    const number = (sample * 7_919_003) % total;
    const shard = Math.floor(number / perShard);
    const wanted = rowOf(shard, number % perShard);
    const [read] = (await stores[shardOfNode(wanted.node, shards)]?.readMany([wanted.node])) ?? [];
    if (read?.owner === wanted.owner && read.deviceId === wanted.deviceId) found++;
  }
  const counts = await Promise.all(stores.map((store) => store.count()));
  const line = {
    found,
    samples,
    count: counts.reduce((sum, one) => sum + one, 0),
    rowsPerSecond: loadMs === 0 ? 0 : Math.round(total / (loadMs / 1_000)),
    sampleMicroseconds: ((performance.now() - readMs) * 1_000) / samples,
    anonymousMiB: Math.round(residentKiB('RssAnon') / 1024),
    fileMiB: Math.round(residentKiB('RssFile') / 1024),
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Linux says apart what is the process's own, and what is the mapped file and can be dropped at any time. */
function residentKiB(field: 'RssAnon' | 'RssFile'): number {
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}
