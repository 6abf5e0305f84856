/** A child process that opens the shards of a folder, says so, and holds them open until it is told to end. */
import { openShardStores } from '../../../src/storage/shard-folder.ts';

const [dataDir = '', shards = ''] = process.argv.slice(2);
const config = { store: 'lmdb', shards: Number(shards), perOwnerMax: 1, mapBytes: 64 * 1024 * 1024, dataDir } as const;
const stores = await openShardStores(config);
// The stores are file mappings: nothing else would keep the process.
const alive = setInterval(() => undefined, 60_000);
process.once('SIGTERM', () => {
  clearInterval(alive);
  void Promise.all(stores.map((store) => store.close()));
});
process.stdout.write('open\n');
