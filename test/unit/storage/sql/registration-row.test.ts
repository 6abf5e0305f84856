import { test } from 'node:test';
import assert from 'node:assert/strict';
import { variety } from '../../../conformance/store.ts';
import { row } from '../../../registration-rows.ts';
import { decodeRow, encodeRow } from '../../../../src/storage/sql/registration-row.ts';
import { limits } from '../../../../src/core/limits.ts';
import type { Registration } from '../../../../src/core/registration.ts';

/** As a database gives it back: BIGINT as text or number. */
function roundTrip(one: Registration): Registration | undefined {
  const [node, , owner, state, createdAtMs, record] = encodeRow(one, 7);
  assert.deepEqual(decodeRow([node, owner, state, createdAtMs, record]), one);
  return decodeRow([node, owner, state, String(createdAtMs), record]);
}

test('every field comes back', () => {
  for (const one of variety()) assert.deepEqual(roundTrip(one), one);
});

test('the slot is a column of its own', () => {
  assert.equal(encodeRow(row('one'), 7)[1], 7);
});

test('a row with anything else in it is none', () => {
  const [node, , owner, state, createdAtMs, record] = encodeRow(row('one'), 7);
  const parsed: object = JSON.parse(record);
  const changed = (over: object): readonly unknown[] => [
    node,
    owner,
    state,
    createdAtMs,
    JSON.stringify({ ...parsed, ...over }),
  ];
  const target = { kind: 'device', service: 'fcm', token: 't', voipToken: '', topic: '', mode: '' };
  assert.notEqual(decodeRow(changed({ target })), undefined);
  const wrong: readonly (readonly unknown[])[] = [
    ['', owner, state, createdAtMs, record],
    ['n'.repeat(1025), owner, state, createdAtMs, record],
    [null, owner, state, createdAtMs, record],
    [node, '', state, createdAtMs, record],
    [node, owner, 'gone', createdAtMs, record],
    [node, owner, state, -1, record],
    [node, owner, state, 'soon', record],
    [node, owner, state, createdAtMs, null],
    [node, owner, state, createdAtMs, '['],
    [node, owner, state, createdAtMs, '[]'],
    changed({ target: 'device' }),
    changed({ target: { ...target, service: 'other' } }),
    changed({ target: { ...target, mode: 'test' } }),
    changed({ target: { ...target, token: 1 } }),
    changed({ deathReason: null }),
    changed({ deviceId: 1 }),
    changed({ app: [] }),
    changed({ deviceName: false }),
    changed({ room: undefined }),
    changed({ publishModel: 'closed' }),
    changed({ publishers: 'all' }),
    changed({ publishers: Array(limits.publishersMax + 1).fill('a.example') }),
    changed({ secretVersion: 'x' }),
    changed({ confirmedAtMs: -1 }),
    changed({ diedAtMs: null }),
  ];
  for (const columns of wrong) assert.equal(decodeRow(columns), undefined, JSON.stringify(columns).slice(0, 300));
});
