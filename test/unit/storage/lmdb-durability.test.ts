import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { node } from '../../registration-rows.ts';
import { LmdbStore } from '../../../src/storage/lmdb-store.ts';
import type { TestContext } from 'node:test';

const writer = new URL('./store-writer.js', import.meta.url).pathname;
const mapBytes = 256 * 1024 * 1024;

function setup(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-kill-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'shard-00.mdb');
}

test('every write that has resolved survives kill -9, and none is there by half', async (t) => {
  const path = setup(t);
  const child = spawn(process.execPath, [writer, path, '1000000', '50'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  let resolved = -1;
  for await (const line of createInterface({ input: child.stdout })) {
    resolved = Number(line);
    // Further lines may be on the way: the writer is in the middle of some write when the signal comes.
    if (resolved === 20) child.kill('SIGKILL');
  }
  assert.deepEqual(await ended, [null, 'SIGKILL']);
  const store = new LmdbStore({ path, shard: 0, shards: 1, mapBytes, create: false });
  t.after(() => store.close());
  const count = await store.count();
  assert.equal(count % 50, 0, `${count} rows are whole lots of 50`);
  assert.ok(count >= (resolved + 1) * 50, `${count} rows of at least ${(resolved + 1) * 50}`);
  for (let lot = 0; lot < count / 50; lot++) {
    assert.ok(store.readMany([node(`row ${lot}-0`), node(`row ${lot}-49`)]).every((found) => found !== undefined));
  }
});

test('a commit that the disk refuses is E_STORE_IO with the reason, and nothing of it is kept', async (t) => {
  const path = setup(t);
  // A limit on the size of files stands for a full disk: 1024 blocks of 512 bytes.
  const script = `ulimit -f 1024; exec "${process.execPath}" "${writer}" "${path}" 1000 100`;
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) lines.push(line);
  assert.match(
    lines.at(-1) ?? '',
    /^failed E_STORE_IO .*shard-00\.mdb could not be written: (Input\/output error|File too large)/,
  );
  const store = new LmdbStore({ path, shard: 0, shards: 1, mapBytes, create: false });
  t.after(() => store.close());
  assert.equal(await store.count(), (lines.length - 1) * 100);
});
