import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CheckpointFile } from '../../../src/cli/checkpoint-file.ts';
import { StoreSink, runExport } from '../../../src/cli/export-job.ts';
import { MemoryEnabledStore } from '../../../src/storage/memory-enabled-store.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { enabledRow, put } from '../../enabled-rows.ts';
import { bare } from '../../registration-rows.ts';
import type { ExportCounts } from '../../../src/cli/export-job.ts';
import type { EnabledRegistration } from '../../../src/core/enabled.ts';
import type { EnabledStore } from '../../../src/storage/enabled-store.ts';
import type { TestContext } from 'node:test';

interface World {
  readonly from: EnabledStore;
  readonly to: EnabledStore;
  readonly rejected: string[];
  readonly move: (resume?: boolean) => Promise<ExportCounts>;
}

async function setup(t: TestContext, rows: readonly EnabledRegistration[], failAt = Infinity): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-export-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [from, to] = [new MemoryEnabledStore(100_000), new MemoryEnabledStore(100_000)];
  await from.writeMany(put(...rows));
  const rejected: string[] = [];
  let left = failAt;
  const move: World['move'] = (resume = false) => {
    const sink = new StoreSink('there', to, {
      problemOf: (row) => (row.node.length > 250 ? 'node is longer than 250 characters' : ''),
      onRejected: (row, reason) => rejected.push(`${row.owner}: ${reason}`),
    });
    return runExport({
      store: from,
      source: 'here',
      sink,
      checkpoint: new CheckpointFile(join(folder, 'c')),
      resume,
      onProgress(done) {
        if (done < left) return;
        left = Infinity;
        throw new Error('the power went');
      },
      onUnreadable: () => assert.fail('all can be read'),
    });
  };
  return { from, to, rejected, move };
}

function many(count: number): readonly EnabledRegistration[] {
  return Array.from({ length: count }, (_, index) =>
    enabledRow('n', { owner: bare(`u${100_000 + index}@example.com`) }),
  );
}

test('rows move from store to store; what cannot be kept there is told, what is newer there stays', async (t) => {
  const long = enabledRow('n'.repeat(251), { owner: bare('long@example.com') });
  const { to, rejected, move } = await setup(t, [...many(2_500), long]);
  const newer = enabledRow('n', { owner: bare('u100007@example.com'), enabledAtMs: epochMs(1_790_000_000_000) });
  await to.writeMany(put(newer));
  const { rows } = await move();
  assert.equal(rows, 2_501);
  assert.deepEqual(rejected, ['long@example.com: node is longer than 250 characters']);
  assert.equal(await to.count(), 2_500);
  assert.deepEqual((await to.readMany([newer.owner]))[0], [newer]);
});

test('a move that failed goes on after its checkpoint, and one that is complete leaves none', async (t) => {
  const { from, to, move } = await setup(t, many(25_000), 23_000);
  await assert.rejects(move(), /power/);
  const { rows } = await move(true);
  assert.equal(rows, 25_000);
  assert.deepEqual(await to.scan(undefined, 30_000), await from.scan(undefined, 30_000));
  assert.equal((await move(true)).rows, 25_000, 'without a checkpoint it begins at the beginning');
});
