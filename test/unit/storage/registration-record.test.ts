import { test } from 'node:test';
import assert from 'node:assert/strict';
import { row } from '../../registration-rows.ts';
import { variety } from '../../conformance/store.ts';
import { decodeRegistration, encodeRegistration } from '../../../src/storage/registration-record.ts';
import { seededRandom } from '../../../src/core/random.ts';

test('a record gives back the row it was made of, known name or not', () => {
  for (const one of variety()) {
    assert.deepEqual(decodeRegistration(encodeRegistration(one), one.node), one);
    assert.deepEqual(decodeRegistration(encodeRegistration(one)), one);
  }
});

test('a record under the name of another node is refused', () => {
  assert.equal(decodeRegistration(encodeRegistration(row('one')), row('two').node), undefined);
});

test('a record of a typical device takes less than 256 bytes', () => {
  const bytes = encodeRegistration(row('m1fAAAAAAAAAAAAAAAAAAAAAA', { deviceId: '0123456789abcdef' }));
  assert.ok(bytes.length < 256, `${bytes.length} bytes`);
});

test('a record that was cut or prolonged anywhere is refused', () => {
  const bytes = encodeRegistration(row('one', { deviceName: 'Annas Telefon \u{1f4f1}', publishers: ['example.com'] }));
  for (let size = 0; size < bytes.length; size++) {
    assert.equal(decodeRegistration(bytes.subarray(0, size)), undefined, `${size} of ${bytes.length} bytes`);
  }
  assert.equal(decodeRegistration(Buffer.concat([bytes, Buffer.of(65)])), undefined);
});

test('a record of a format that is not known is refused', () => {
  const bytes = encodeRegistration(row('one'));
  bytes[0] = 2;
  assert.equal(decodeRegistration(bytes), undefined);
});

test('a choice that is not known is refused', () => {
  const bytes = encodeRegistration(row('one'));
  bytes[1] = (bytes[1] ?? 0) | 128;
  assert.equal(decodeRegistration(bytes), undefined);
});

test('a time that is no whole number of milliseconds is refused', () => {
  for (const time of [Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5]) {
    const bytes = encodeRegistration(row('one'));
    bytes.writeDoubleLE(time, 6);
    assert.equal(decodeRegistration(bytes), undefined, String(time));
  }
});

test('no bytes make the decoder throw', () => {
  const random = seededRandom(1);
  const samples = variety().map((one) => encodeRegistration(one));
  for (let round = 0; round < 20_000; round++) {
    const sample = samples[round % samples.length];
    assert.ok(sample !== undefined);
    const bytes = Buffer.from(sample);
    for (let flips = 0; flips < 3; flips++) {
      bytes[Math.floor(random.unit() * Math.min(bytes.length, 80))] = Math.floor(random.unit() * 256);
    }
    const decoded = decodeRegistration(bytes);
    if (decoded !== undefined) assert.equal(typeof decoded.node, 'string');
  }
});
