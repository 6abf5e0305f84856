import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvFields, csvRecord } from '../../../src/cli/csv-fields.ts';
import { csvLine, hasPreferences, ndjsonLine, readRow, rowColumns } from '../../../src/cli/enabled-rows.ts';
import { noPreferences } from '../../../src/core/enabled.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { enabledRow } from '../../enabled-rows.ts';
import { bare } from '../../registration-rows.ts';
import type { EnabledRegistration } from '../../../src/core/enabled.ts';

const now = epochMs(1_800_000_000_000);
const good = {
  owner_jid: 'anna@example.com',
  node: 'n',
  pubsub_jid: 'push.example.net',
  form: '{"service":"fcm","device_id":"t"}',
  created_at: '1700000000123456',
};

function read(fields: Readonly<Record<string, unknown>>): EnabledRegistration | string {
  const row = readRow(new Map(Object.entries(fields)), now);
  return row.ok ? row.value.row : row.error;
}

const odd: readonly EnabledRegistration[] = [
  enabledRow('plain'),
  enabledRow('no options', { options: [] }),
  enabledRow('a, "b"\r\nc \u{1f600} \u2028'),
  enabledRow('values', {
    options: [
      ['device_id', 'a,b "c" \\ \n\r\t \u0000 ü \u{1f600}'],
      ['__proto__', 'x'],
      ['constructor', ''],
      ['', 'no name'],
    ],
  }),
  enabledRow('long ago', { enabledAtMs: epochMs(0), service: bare('pub-sub@push.example.net') }),
];

for (const row of odd) {
  test(`mongooseim 2.6: ${JSON.stringify(row.node)} is the same after CSV and after NDJSON`, () => {
    const fields = csvFields(csvLine(row)) ?? [];
    assert.deepEqual(read(Object.fromEntries(rowColumns.map((name, index) => [name, fields[index]]))), row);
    assert.doesNotMatch(ndjsonLine(row), /\n/);
    assert.deepEqual(read(JSON.parse(ndjsonLine(row))), row);
  });
}

test('mongooseim 2.6: NDJSON keeps session, preferences and the order of names that are numbers', () => {
  const preferences = {
    ...noPreferences,
    priority: true,
    muted: [bare('b@example.com')],
    rooms: [{ room: bare('r@muc.example.com'), allow: 'mentioned' as const, nick: 'a' }],
    encryptionKey: Buffer.alloc(16, 7).toString('base64'),
    encryptedBytesMax: 3000,
  };
  const options = [['b', '1'] as const, ['10', '2'] as const, ['2', '3'] as const];
  const row = enabledRow('n', { session: 'phone', preferences, options });
  assert.ok(hasPreferences(row));
  assert.deepEqual(read(JSON.parse(ndjsonLine(row))), row);
});

/** Forms as they are found, and what they mean. */
const forms: readonly (readonly [string, unknown, readonly (readonly [string, string])[]])[] = [
  [
    'an object',
    { service: 'fcm', device_id: 't' },
    [
      ['service', 'fcm'],
      ['device_id', 't'],
    ],
  ],
  ['text in JSON', '{"service":"fcm"}', [['service', 'fcm']]],
  ['text in JSON, twice', '"{\\"service\\":\\"fcm\\"}"', [['service', 'fcm']]],
  [
    'pairs, as before 6.2',
    [
      ['service', 'fcm'],
      ['device_id', 't'],
    ],
    [
      ['service', 'fcm'],
      ['device_id', 't'],
    ],
  ],
  ['an empty object', '{}', []],
  ['an empty list', [], []],
  ['a field without a value, as up to 6.0', '{"silent":null}', [['silent', '']]],
  [
    'a number and a flag',
    '{"time_to_live":30,"silent":true}',
    [
      ['time_to_live', '30'],
      ['silent', 'true'],
    ],
  ],
  ['a FORM_TYPE', '{"FORM_TYPE":"x","service":"fcm"}', [['service', 'fcm']]],
  [
    'a name twice',
    [
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
    ],
    [
      ['a', '3'],
      ['b', '2'],
    ],
  ],
];

for (const [name, form, options] of forms) {
  test(`mongooseim 2.6: a form may be ${name}`, () => {
    const row = read({ ...good, form });
    assert.ok(typeof row === 'object');
    assert.deepEqual(row.options, options);
  });
}

test('mongooseim 2.6: created_at is microseconds, of any JID the bare one is kept', () => {
  const row = read({ ...good, owner_jid: 'Anna@Example.com/phone' });
  assert.deepEqual(row, enabledRow('n', { ...(typeof row === 'object' ? row : {}), owner: bare('anna@example.com') }));
  assert.ok(typeof row === 'object');
  assert.equal(row.enabledAtMs, 1_700_000_000_123);
  const undated = read({ ...good, created_at: '' });
  assert.ok(typeof undated === 'object');
  assert.equal(undated.enabledAtMs, now);
});

const secret = 'very-secret-token';
const bad: readonly (readonly [Readonly<Record<string, unknown>>, RegExp])[] = [
  [{ ...good, owner_jid: '' }, /^owner_jid is missing/],
  [{ ...good, owner_jid: 7 }, /^owner_jid is missing/],
  [{ ...good, owner_jid: '@example.com' }, /^owner_jid is not a JID \(empty-part\)/],
  [{ ...good, pubsub_jid: 'a b' }, /^pubsub_jid is not a JID/],
  [{ ...good, node: '' }, /^node is missing/],
  [{ ...good, node: 'n'.repeat(1025) }, /^node is longer/],
  [{ ...good, form: undefined }, /^form is not an object/],
  [{ ...good, form: secret }, /^form is not JSON/],
  [{ ...good, form: '"x"' }, /^form is not JSON/],
  [{ ...good, form: '7' }, /^form is not an object/],
  [{ ...good, form: { device_id: [secret] } }, /^form is not an object of texts/],
  [{ ...good, form: ['service', 'fcm'] }, /^form is not an object of texts/],
  [{ ...good, form: { device_id: secret.repeat(300) } }, /^form has a field of more than 4096 bytes/],
  [{ ...good, form: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`f${n}`, ''])) }, /more than 64 fields/],
  [{ ...good, created_at: 'yesterday' }, /^created_at is not a number/],
  [{ ...good, created_at: -1 }, /^created_at is not a number/],
  [{ ...good, created_at: 1.5 }, /^created_at is not a number/],
  [{ ...good, session: 1 }, /^session is not/],
  [{ ...good, preferences: [] }, /^preferences are not an object/],
  [{ ...good, preferences: { away: 'yes' } }, /^preferences: priority, away/],
  [{ ...good, preferences: { muted: ['@'] } }, /^preferences: muted/],
  [{ ...good, preferences: { rooms: [{ room: 'r@m', allow: 'maybe' }] } }, /^preferences: rooms/],
  [{ ...good, preferences: { encryptionKey: secret } }, /^preferences: encryptionKey/],
  [{ ...good, preferences: { encryptedBytesMax: -1 } }, /^preferences: encryptedBytesMax/],
];

for (const [index, [fields, problem]] of bad.entries()) {
  test(`mongooseim 2.6: bad row ${index} is refused because ${problem.source}`, () => {
    const answer = read(fields);
    assert.ok(typeof answer === 'string');
    assert.match(answer, problem);
    assert.doesNotMatch(answer, /secret/);
  });
}

const records: readonly (readonly [string, readonly string[] | undefined])[] = [
  ['a,b', ['a', 'b']],
  ['', ['']],
  ['a,', ['a', '']],
  [',,', ['', '', '']],
  ['"a,b",c', ['a,b', 'c']],
  ['"a ""b""",""', ['a "b"', '']],
  ['"a\nb"', ['a\nb']],
  ['"a', undefined],
  ['"a"b', undefined],
  ['a"b', undefined],
];

for (const [record, fields] of records) {
  test(`the CSV record ${JSON.stringify(record)} is read by RFC 4180`, () => {
    assert.deepEqual(csvFields(record), fields);
    if (fields !== undefined) assert.deepEqual(csvFields(csvRecord(fields)), fields);
  });
}
