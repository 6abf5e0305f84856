import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';

interface Report {
  readonly found: number;
  readonly samples: number;
  readonly count: number;
  readonly rowsPerSecond: number;
  readonly anonymousMiB: number;
  readonly fileMiB: number;
}

const loader = new URL('./million-loader.js', import.meta.url).pathname;
const total = 1_000_000;
const anonymousMiBMax = 300;

function setup(t: TestContext): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-million-'));
  t.after(() => rmSync(dataDir, { recursive: true }));
  return dataDir;
}

/** The line the loader says; then it is killed, if it has not ended by itself. */
async function run(t: TestContext, dataDir: string, mode: 'load' | 'find'): Promise<Report> {
  const child = spawn(process.execPath, [loader, dataDir, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  let report: Report | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    report = JSON.parse(line) as Report;
    if (mode === 'load') child.kill('SIGKILL');
  }
  assert.deepEqual(await exited, mode === 'load' ? [null, 'SIGKILL'] : [0, null]);
  assert.ok(report !== undefined, 'the loader said something');
  t.diagnostic(`${mode}: ${JSON.stringify(report)}`);
  return report;
}

test('a million registrations are kept in a few hundred MiB and survive kill -9', { timeout: 300_000 }, async (t) => {
  const dataDir = setup(t);
  const loaded = await run(t, dataDir, 'load');
  assert.deepEqual([loaded.count, loaded.found], [total, loaded.samples]);
  assert.ok(loaded.anonymousMiB < anonymousMiBMax, `${loaded.anonymousMiB} MiB while loading`);
  const again = await run(t, dataDir, 'find');
  // What was written after the report, until the kill, may be there or not.
  assert.ok(again.count >= total, `${again.count} rows after the kill`);
  assert.equal(again.found, again.samples);
  assert.ok(again.anonymousMiB < anonymousMiBMax, `${again.anonymousMiB} MiB after opening`);
});
