import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandLine } from './command-line.ts';

test('demo --json prints what arrived as one document', { timeout: 60_000 }, async (t) => {
  const { run } = commandLine(t);
  const { exitCode, stdout, stderr } = await run([
    'demo',
    '--seconds',
    '1',
    '--rate',
    '200',
    '--users',
    '20',
    '--json',
  ]);
  assert.equal(exitCode, 0, stderr);
  const summary = JSON.parse(stdout);
  assert.ok(summary.sent > 0, stdout);
  assert.equal(summary.lost, 0);
  assert.equal(summary.delivered + summary.rejected, summary.sent);
});
