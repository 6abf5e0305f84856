import { test } from 'node:test';
import assert from 'node:assert/strict';
import { enabledVariety } from '../../../conformance/enabled-store.ts';
import { enabledRow } from '../../../enabled-rows.ts';
import { limits } from '../../../../src/core/limits.ts';
import { decodeEnabled, encodeEnabled } from '../../../../src/storage/sql/enabled-row.ts';
import type { EnabledRegistration } from '../../../../src/core/enabled.ts';

function roundTrip(row: EnabledRegistration): EnabledRegistration | undefined {
  const { owner, service, node, form, createdAt, extra } = encodeEnabled(row);
  return decodeEnabled([owner, service, node, form, String(createdAt), extra === '' ? null : extra]);
}

test('every field comes back', () => {
  for (const row of enabledVariety()) assert.deepEqual(roundTrip(row), row);
});

test('mongooseim 2.6: options keep their order and odd names, in one flat object', () => {
  const options = [
    ['2', 'b'],
    ['__proto__', 'p'],
    ['1', 'a"\\'],
    ['constructor', ''],
    ['\u2028', '{"a":1}'],
  ] as const;
  const row = enabledRow('one', { options });
  assert.deepEqual(roundTrip(row), row);
  assert.equal(encodeEnabled(row).form.startsWith('{"2":"b","__proto__":"p"'), true);
});

test('mongooseim 2.6: only rows with something to keep need a row of ours', () => {
  assert.equal(encodeEnabled(enabledRow('one')).extra, '');
  assert.equal(encodeEnabled(enabledRow('one', { session: 'phone' })).extra, '{"session":"phone"}');
});

test('a form is a flat object of texts, or nothing', () => {
  const table = [
    ['{}', []],
    ['{"a":"b","a":"c"}', [['a', 'c']]],
    [
      '{"1":"x","0":"y","1":"z"}',
      [
        ['1', 'z'],
        ['0', 'y'],
      ],
    ],
    ['{"FORM_TYPE":"x","a":"b"}', [['a', 'b']]],
    ['', undefined],
    ['{', undefined],
    ['null', undefined],
    ['[]', undefined],
    ['"a"', undefined],
    ['{"a":1}', undefined],
    ['{"a":{"b":"c"}}', undefined],
    ['{"1":["a"]}', undefined],
  ] as const;
  for (const [form, options] of table) {
    assert.deepEqual(decodeEnabled(['a@b', 'c', 'n', form, 0, null])?.options, options, form);
  }
});

test('a row without owner, service or node is none', () => {
  for (const columns of [
    ['', 'c', 'n'],
    ['a@b', '', 'n'],
    ['a@b', 'c', ''],
    [null, 'c', 'n'],
    ['a@b', 'c', 'n'.repeat(1025)],
  ]) {
    assert.equal(decodeEnabled([...columns, '{}', 0, null]), undefined);
  }
});

test('what was kept besides is refused when it is not what is written there', () => {
  const many = Array.from({ length: limits.mutedMax + 1 }, () => 'a@b');
  const room = { room: 'r@m', allow: 'never', nick: '' };
  for (const preferences of [
    { priority: 'yes' },
    { muted: [1] },
    { muted: many },
    { rooms: 'all' },
    { rooms: [{ ...room, allow: 'sometimes' }] },
    { rooms: [{ room: 'r@m', allow: 'never' }] },
    { rooms: [null] },
    { encryptionKey: 7 },
    { encryptedBytesMax: 0.5 },
    7,
  ]) {
    const extra = JSON.stringify({ session: '', preferences });
    assert.equal(decodeEnabled(['a@b', 'c', 'n', '{}', 0, extra]), undefined, extra);
  }
  assert.equal(decodeEnabled(['a@b', 'c', 'n', '{}', 0, '{}']), undefined);
  const found = decodeEnabled([
    'a@b',
    'c',
    'n',
    '{}',
    0,
    JSON.stringify({ session: 's', preferences: { rooms: [room] } }),
  ]);
  assert.deepEqual(found?.preferences.rooms, [room]);
});
