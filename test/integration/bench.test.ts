/** Every benchmark runs with its small parameters, checks its own results, and says what it measured; not how fast. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const names = [
  'calibration',
  'mailbox',
  'parse',
  'registration',
  'crossing',
  'render',
  'core',
  'events',
  'gateway',
  'stalls',
];
const runner = new URL('../../bench/run.js', import.meta.url).pathname;

for (const name of names) {
  test(`bench ${name}: runs in smoke mode and writes rows and ratios`, { timeout: 120_000 }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'meerkat-smoke-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'results.json');
    const { stdout } = await promisify(execFile)(process.execPath, [runner, name, '--smoke', '--json', file]);
    const results: unknown = JSON.parse(readFileSync(file, 'utf8'));
    assert.ok(Array.isArray(results) && results.length > 0);
    for (const result of results) {
      if ('ratio' in result) {
        assert.deepEqual(Object.keys(result), ['ratio', 'value', 'goal']);
        assert.ok(result.value > 0 && result.goal > 0, JSON.stringify(result));
      } else {
        assert.deepEqual(Object.keys(result), ['bench', 'task', 'opsPerSecond', 'cpuMicrosPerOp']);
        assert.equal(result.bench, name);
        assert.ok(result.opsPerSecond > 0 && result.cpuMicrosPerOp >= 0, JSON.stringify(result));
        assert.ok(stdout.includes(result.task), stdout);
      }
    }
  });
}

test('bench: the promised ratios are measured by the benches that promise them', { timeout: 120_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-smoke-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'results.json');
  await promisify(execFile)(process.execPath, [runner, 'core', 'events', 'stalls', '--smoke', '--json', file]);
  const results: { ratio?: string; goal?: number }[] = JSON.parse(readFileSync(file, 'utf8'));
  const ratios = results.filter((result) => result.ratio !== undefined).map(({ ratio, goal }) => `${ratio} ${goal}`);
  assert.deepEqual(ratios, [
    'core/parse 0.6',
    'events/core 0.6',
    'online/events 3',
    'online/core 1.8',
    'present/core 1.8',
    'stored/all-bytes, after loading 0.99',
    'stored/all-bytes, opened and idle 0.99',
    'stalls/unstalled 0.5',
  ]);
});

test('bench: a name that does not exist is refused with those that do', async () => {
  const refused = promisify(execFile)(process.execPath, [runner, 'nonsense']);
  await assert.rejects(refused, (error: { code: number; stderr: string }) => {
    assert.equal(error.code, 2);
    assert.match(error.stderr, /No such benchmark: nonsense\. There are: calibration, mailbox/);
    return true;
  });
});
