import { test } from 'node:test';
import assert from 'node:assert/strict';
import { enabledVariety } from '../../conformance/enabled-store.ts';
import { enabledRow } from '../../enabled-rows.ts';
import { bare } from '../../registration-rows.ts';
import { noPreferences } from '../../../src/core/enabled.ts';
import { limits } from '../../../src/core/limits.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { decodeEnabled, encodeEnabled, rowCountOf } from '../../../src/storage/enabled-record.ts';

const anna = bare('anna@example.com');
const typical = enabledRow('yxs32', { session: 'phone', options: [['secret', 'x'.repeat(24)]] });

test('a record gives back the rows it was made of, known owner or not', () => {
  const rows = enabledVariety();
  const bytes = encodeEnabled(anna, rows);
  assert.deepEqual(decodeEnabled(bytes, anna), rows);
  assert.deepEqual(decodeEnabled(bytes), rows);
  assert.equal(rowCountOf(bytes), rows.length);
});

test('a row without preferences shares the one object for that', () => {
  assert.equal(decodeEnabled(encodeEnabled(anna, [typical]))?.[0]?.preferences, noPreferences);
});

test('a record under the key of another owner is refused', () => {
  assert.equal(decodeEnabled(encodeEnabled(anna, [typical]), bare('anna@example.co')), undefined);
});

test('a record of one typical device takes less than 160 bytes', () => {
  const bytes = encodeEnabled(anna, [typical]);
  assert.ok(bytes.length < 160, `${bytes.length} bytes`);
});

test('a record that was cut or prolonged anywhere is refused', () => {
  const bytes = encodeEnabled(anna, enabledVariety());
  for (let size = 0; size < bytes.length; size++) {
    assert.equal(decodeEnabled(bytes.subarray(0, size)), undefined, `${size} of ${bytes.length} bytes`);
  }
  assert.equal(decodeEnabled(Buffer.concat([bytes, Buffer.of(65)])), undefined);
});

test('a head or a row that says what nobody writes is refused', () => {
  const changes: readonly (readonly [at: number, value: number])[] = [
    [0, 2], // format
    [1, 2], // flags
    [2, 0], // no rows
    [3, 1], // 257 rows
    [4, 8], // bits of the row
    [6, 1], // 257 options
    [8, 255], // muted
    [10, 255], // rooms
    [21, 0xff], // a time that is negative
  ];
  for (const [at, value] of changes) {
    const bytes = encodeEnabled(anna, [typical]);
    bytes[at] = value;
    // The sign of a double is in its last byte.
    if (at === 21) bytes[22] = 0xff;
    assert.equal(decodeEnabled(bytes), undefined, `byte ${at}`);
  }
});

test('a preference that is none is refused', () => {
  const rooms = [{ room: bare('room@muc.example.org'), allow: 'never', nick: '' }] as const;
  const bytes = encodeEnabled(anna, [enabledRow('one', { preferences: { ...noPreferences, rooms } })]);
  bytes.write('maybe', bytes.lastIndexOf('never'));
  assert.equal(decodeEnabled(bytes), undefined);
});

test('what a record cannot hold is an error that says what it is, not what is in it', () => {
  const options = Array.from({ length: limits.enabledOptionsMax + 1 }, (_, index) => [`f${index}`, 'secret'] as const);
  assert.throws(() => encodeEnabled(anna, [enabledRow('one', { options })]), /65 publish-options$/);
  assert.throws(() => encodeEnabled(anna, [enabledRow('one', { session: 's'.repeat(70_000) })]), /70000 units/);
  const muted = Array.from({ length: limits.mutedMax + 1 }, () => anna);
  assert.throws(() => encodeEnabled(anna, [enabledRow('one', { preferences: { ...noPreferences, muted } })]), /mutes/);
});

test('no bytes make the decoder throw', () => {
  const random = seededRandom(1);
  const samples = enabledVariety().map((row) => encodeEnabled(anna, [row, typical]));
  for (let round = 0; round < 20_000; round++) {
    const sample = samples[round % samples.length];
    assert.ok(sample !== undefined);
    const bytes = Buffer.from(sample);
    for (let flips = 0; flips < 3; flips++) {
      bytes[Math.floor(random.unit() * Math.min(bytes.length, 80))] = Math.floor(random.unit() * 256);
    }
    const decoded = decodeEnabled(bytes);
    if (decoded !== undefined) assert.ok(decoded.length >= 1 && rowCountOf(bytes) === decoded.length);
  }
});
