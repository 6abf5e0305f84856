/** Every benchmark runs with its small parameters, checks its own results, and says what it measured; not how fast. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { programPath } from '../../bench/programs.ts';

/** Each with the ratios it promises, and their goals. */
const benches: Readonly<Record<string, readonly string[]>> = {
  calibration: [],
  mailbox: [],
  parse: [],
  registration: [],
  crossing: [],
  render: [],
  core: ['core/parse 0.6'],
  events: [
    'events/core 0.6',
    'online/events 3',
    'online/core 1.8',
    'present/core 1.8',
    'stored/all-bytes, after loading 0.99',
    'stored/all-bytes, opened and idle 0.99',
  ],
  wire: [
    'wire-cpu/node-http2 15',
    'wire-cpu/http2-wrapper 25',
    'wire-cpu/undici 60',
    'wire-rate/node-http2 5',
    // Of a program that is not ours, where it is installed.
    ...(programPath('h2load') === undefined ? [] : ['wire-rate/h2load 0.5']),
    'heap-in-flight/kib 1',
  ],
  delivery: ['delivery-rate/node-apn 4', 'delivery-cpu/node-apn 6'],
  gateway: ['gateway-rate/node-apn 1.5'],
  stalls: ['stalls/unstalled 0.8'],
};
const runner = new URL('../../bench/run.js', import.meta.url).pathname;

for (const [name, promises] of Object.entries(benches)) {
  test(
    `bench ${name}: runs in smoke mode and writes rows and the ratios it promises`,
    { timeout: 120_000 },
    async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'meerkat-smoke-'));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      const file = join(folder, 'results.json');
      const { stdout } = await promisify(execFile)(process.execPath, [runner, name, '--smoke', '--json', file]);
      const results: unknown = JSON.parse(readFileSync(file, 'utf8'));
      assert.ok(Array.isArray(results) && results.length > 0);
      const ratios = results.flatMap((result) => ('ratio' in result ? [`${result.ratio} ${result.goal}`] : []));
      assert.deepEqual(ratios, promises);
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
    },
  );
}

test('bench: a name that does not exist is refused with those that do', async () => {
  const refused = promisify(execFile)(process.execPath, [runner, 'nonsense']);
  await assert.rejects(refused, (error: { code: number; stderr: string }) => {
    assert.equal(error.code, 2);
    assert.match(error.stderr, /No such benchmark: nonsense\. There are: calibration, mailbox/);
    return true;
  });
});
