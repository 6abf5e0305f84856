/**
 * A child process that writes rows and says so, one line for each resolved write: `node store-writer.js <file> <lots>
 * <rows>`. It goes on until it is killed, or until a write fails, whose code it prints.
 */
import { row } from '../../registration-rows.ts';
import { LmdbStore } from '../../../src/storage/lmdb-store.ts';

const [path = '', lots = '', rows = ''] = process.argv.slice(2);
const store = new LmdbStore({ path, shard: 0, shards: 1, mapBytes: 256 * 1024 * 1024, create: true });
try {
  for (let lot = 0; lot < Number(lots); lot++) {
    await store.writeMany(Array.from({ length: Number(rows) }, (_, index) => row(`row ${lot}-${index}`)));
    process.stdout.write(`${lot}\n`);
  }
  await store.close();
} catch (error) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'none';
  process.stdout.write(`failed ${code} ${String(error)}\n`);
}
