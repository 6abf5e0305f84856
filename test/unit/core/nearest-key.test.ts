import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestKey } from '../../../src/core/nearest-key.ts';

const known = ['data_dir', 'log_level', 'iq_reply_ms', 'stop_ms'];

const table: readonly (readonly [string, string | undefined])[] = [
  ['log_levle', 'log_level'],
  ['LogLevel', 'log_level'],
  ['log-level', 'log_level'],
  ['datadir', 'data_dir'],
  ['iq_reply_seconds', 'iq_reply_ms'],
  ['stop_after', 'stop_ms'],
  ['colour', undefined],
  ['x'.repeat(10_000), undefined],
];

for (const [wrong, meant] of table) {
  test(`${wrong.slice(0, 20)} means ${String(meant)}`, () => {
    assert.equal(nearestKey(wrong, known), meant);
  });
}
