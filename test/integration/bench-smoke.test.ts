/**
 * Every benchmark in small, as its own process: it runs, checks its own result and reports what it measured. Times are
 * not looked at; they belong to `npm run bench`.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { projectRoot } from '../tidy/tree.ts';
import type { Result } from '../../bench/harness.ts';

const root = projectRoot();
const subjects = readdirSync(join(root, 'bench'))
  .filter((name) => name.endsWith('.bench.ts'))
  .map((name) => name.replace('.bench.ts', ''));

function smoke(subject: string): readonly Result[] {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-smoke-'));
  try {
    const file = join(folder, 'results.json');
    const run = [join(root, 'dist', 'bench', 'run.js'), subject, '--smoke', '--json', file];
    execFileSync(process.execPath, run, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'], timeout: 120_000 });
    return JSON.parse(readFileSync(file, 'utf8')) as Result[];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('benches in small', () => {
  for (const subject of ['calibration', ...subjects]) {
    it(`${subject} runs and reports what it measured`, () => {
      const results = smoke(subject);
      assert.ok(results.length > 0, 'it reported nothing');
      for (const result of results) {
        if ('ratio' in result) {
          assert.ok(Number.isFinite(result.value) && result.value > 0, JSON.stringify(result));
          continue;
        }
        assert.equal(result.bench, subject);
        assert.match(result.task, new RegExp(`^${subject}: `));
        assert.ok(Number.isFinite(result.opsPerSecond) && result.opsPerSecond > 0, JSON.stringify(result));
        assert.ok(Number.isFinite(result.cpuMicrosPerOp) && result.cpuMicrosPerOp >= 0, JSON.stringify(result));
      }
    });
  }
});
