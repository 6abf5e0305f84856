import { test } from 'node:test';
import assert from 'node:assert/strict';
import { enabledRow, keyOf } from '../../enabled-rows.ts';
import { bare, node } from '../../registration-rows.ts';
import { noPreferences } from '../../../src/core/enabled.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { decideDisable, decideEnable, expiredKeys } from '../../../src/event/decide-enable.ts';
import { changedRows } from '../../../src/storage/enabled-changes.ts';
import type { EnabledRegistration } from '../../../src/core/enabled.ts';
import type { EnableCommand } from '../../../src/event/commands.ts';
import type { EnableContext, EnableDecision } from '../../../src/event/decide-enable.ts';

const dayMs = 86_400_000;
const nowMs = epochMs(1_760_000_000_000);
const push = bare('push.example.net');
const done = (count: number): EnableDecision['answer'] => ({ kind: 'done', count });

function enable(name: string, over: Partial<EnableCommand> = {}): EnableCommand {
  return {
    kind: 'enable',
    owner: bare('anna@example.com'),
    session: 'phone',
    service: push,
    node: node(name),
    options: [['secret', 'abc']],
    preferences: noPreferences,
    reply: { answeredEnabled: () => undefined },
    tag: 0,
    ...over,
  };
}

function row(name: string, over: Partial<EnabledRegistration> = {}): EnabledRegistration {
  return enabledRow(name, { options: [['secret', 'abc']], enabledAtMs: nowMs, ...over });
}

function decide(
  rows: Parameters<typeof decideEnable>[0],
  command: EnableCommand,
  over: Partial<EnableContext> = {},
): EnableDecision {
  return decideEnable(rows, command, { perUserMax: 20, expireDays: 365, nowMs, optionsProblem: () => '', ...over });
}

/** The rows after a decision, as a store has them. */
function after(rows: readonly EnabledRegistration[], decision: EnableDecision): readonly EnabledRegistration[] {
  return changedRows(rows, decision.changes);
}

test('mongooseim 2.3: the first enable writes one row with everything the client said', () => {
  const preferences = { ...noPreferences, priority: true };
  const decision = decide([], enable('one', { preferences }));
  assert.deepEqual(decision, {
    changes: [{ kind: 'put', row: row('one', { session: 'phone', preferences }) }],
    answer: done(1),
  });
});

test('mongooseim 2.3: enabling the same key again overwrites the form', () => {
  const before = [
    row('one', {
      session: 'phone',
      options: [
        ['secret', 'old'],
        ['service', 'fcm'],
      ],
    }),
  ];
  assert.deepEqual(after(before, decide(before, enable('one'))), [row('one', { session: 'phone' })]);
});

test('mongooseim 2.3: an enable without a form clears the options', () => {
  const before = [row('one', { session: 'phone' })];
  const rows = after(before, decide(before, enable('one', { options: [] })));
  assert.deepEqual(rows, [row('one', { session: 'phone', options: [] })]);
});

test('mongooseim 2.3: another node, or another service, is a second registration', () => {
  const before = [row('one')];
  const elsewhere = bare('push.example.org');
  assert.equal(after(before, decide(before, enable('two'))).length, 2);
  assert.equal(after(before, decide(before, enable('one', { service: elsewhere }))).length, 2);
});

test('mongooseim 2.3: a session has one slot: enabling another node moves it', () => {
  const other = row('of tablet', { session: 'tablet' });
  const before = [row('one', { session: 'phone', enabledAtMs: epochMs(5) }), other];
  const rows = after(before, decide(before, enable('two')));
  assert.deepEqual(
    rows.map((one) => [one.node, one.session]),
    [
      ['one', ''],
      ['of tablet', 'tablet'],
      ['two', 'phone'],
    ],
  );
  assert.equal(rows[0]?.enabledAtMs, 5, 'its age stays');
});

test('mongooseim 2.3: another session that enables the same node takes the slot over', () => {
  const before = [row('one', { session: 'phone' })];
  const rows = after(before, decide(before, enable('one', { session: 'tablet' })));
  assert.deepEqual(rows, [row('one', { session: 'tablet' })]);
});

test('an enable by nobody in particular moves no slot', () => {
  const before = [row('one', { session: 'phone' }), row('two', { session: '' })];
  const rows = after(before, decide(before, enable('one', { session: '', options: [] })));
  assert.deepEqual(
    rows.map((one) => [one.node, one.session]),
    [
      ['two', ''],
      ['one', 'phone'],
    ],
  );
});

test('the same once more is not written for a day', () => {
  const preferences = {
    ...noPreferences,
    muted: [bare('boris@example.org')],
    rooms: [{ room: bare('room@muc.example.org'), allow: 'never', nick: 'a' }] as const,
  };
  const copy = structuredClone(preferences);
  for (const [ageMs, writes] of [
    [0, 0],
    [dayMs, 0],
    [dayMs + 1, 1],
    [-1, 1],
  ] as const) {
    const before = [row('one', { session: 'phone', preferences, enabledAtMs: epochMs(nowMs - ageMs) })];
    const decision = decide(before, enable('one', { preferences: { ...copy, rooms: preferences.rooms } }));
    assert.equal(decision.changes.length, writes, `${ageMs} ms later`);
    assert.deepEqual(decision.answer, done(1));
  }
});

test('whatever differs is written at once', () => {
  const full = {
    ...noPreferences,
    muted: [bare('boris@example.org')],
    rooms: [{ room: bare('room@muc.example.org'), allow: 'never', nick: 'a' }] as const,
  };
  const before = [
    row('one', {
      session: 'phone',
      preferences: full,
      options: [
        ['a', '1'],
        ['b', '2'],
      ],
    }),
  ];
  const same = enable('one', {
    preferences: { ...full },
    options: [
      ['a', '1'],
      ['b', '2'],
    ],
  });
  assert.deepEqual(decide(before, same).changes, []);
  const others: readonly Partial<EnableCommand>[] = [
    { session: 'tablet' },
    {
      options: [
        ['a', '1'],
        ['b', '3'],
      ],
    },
    {
      options: [
        ['a', '1'],
        ['c', '2'],
      ],
    },
    {
      options: [
        ['b', '2'],
        ['a', '1'],
      ],
    },
    { options: [['a', '1']] },
    { preferences: { ...full, priority: true } },
    { preferences: { ...full, away: true } },
    { preferences: { ...full, ignoreUnknown: true } },
    { preferences: { ...full, muted: [] } },
    { preferences: { ...full, muted: [bare('carl@example.org')] } },
    { preferences: { ...full, rooms: [] } },
    { preferences: { ...full, rooms: [{ ...full.rooms[0], allow: 'always' }] } },
    { preferences: { ...full, rooms: [{ ...full.rooms[0], nick: 'b' }] } },
    { preferences: { ...full, encryptionKey: `${'A'.repeat(22)}==` } },
    { preferences: { ...full, encryptedBytesMax: 100 } },
  ];
  for (const over of others) {
    assert.equal(decide(before, { ...same, ...over }).changes.length, 1, JSON.stringify(over));
  }
});

test('5.46 past the limit the registrations that were enabled longest ago go, never the new one', () => {
  const before = [30, 10, 20].map((age) => row(`age ${age}`, { enabledAtMs: epochMs(age), session: 'phone' }));
  const decision = decide(before, enable('new'), { perUserMax: 2, nowMs: epochMs(1) });
  assert.deepEqual(
    after(before, decision).map((one) => one.node),
    ['new', 'age 30'],
  );
  assert.deepEqual(decision.answer, done(1));
  const [first] = before;
  assert.ok(first !== undefined);
  const again = decide([first], enable('age 30', { options: [] }), { perUserMax: 1 });
  assert.deepEqual(
    after([first], again).map((one) => one.node),
    ['age 30'],
    'replacing evicts nobody',
  );
});

test('mongooseim 2.11: options that cannot work are refused, and nothing is written', () => {
  const command = enable('one');
  const asked: EnableCommand[] = [];
  const decision = decide([], command, {
    optionsProblem(given) {
      asked.push(given);
      return "the field 'mode' is wrong";
    },
  });
  assert.deepEqual(decision, {
    changes: [],
    answer: { kind: 'refused', refusal: 'options', problem: "the field 'mode' is wrong" },
  });
  assert.deepEqual(asked, [command]);
});

test('an unreadable record is begun anew by an enable, and fails a disable', () => {
  assert.equal(decide('unreadable', enable('one')).changes.length, 1);
  assert.deepEqual(decideDisable('unreadable', { service: push, node: '' }), {
    changes: [],
    answer: { kind: 'refused', refusal: 'store-failed' },
  });
});

test('mongooseim 2.4: disable takes one node, or all at that service, or nothing', () => {
  const elsewhere = row('one', { service: bare('push.example.org') });
  const rows = [row('one', { session: 'phone' }), row('two'), elsewhere];
  const [one, two] = rows;
  assert.ok(one !== undefined && two !== undefined);
  const removal = (...gone: readonly EnabledRegistration[]): EnableDecision => ({
    changes: gone.map((each) => ({ kind: 'remove', key: keyOf(each) })),
    answer: done(gone.length),
  });
  assert.deepEqual(decideDisable(rows, { service: push, node: node('one') }), removal(one));
  assert.deepEqual(decideDisable(rows, { service: push, node: '' }), removal(one, two));
  assert.deepEqual(decideDisable(rows, { service: push, node: node('three') }), removal());
  assert.deepEqual(decideDisable(rows, { service: bare('example.net'), node: '' }), removal());
  assert.deepEqual(decideDisable([], { service: push, node: '' }), removal());
});

test('a client that comes each day keeps its registration, however soon rows expire', () => {
  const old = (ageMs: number): readonly EnabledRegistration[] => [
    row('n', { session: 'phone', enabledAtMs: epochMs(nowMs - ageMs) }),
  ];
  const again = enable('n');
  for (const [expireDays, ageMs, writes] of [
    [1, dayMs / 24, 0],
    [1, dayMs / 24 + 1, 1],
    [24, dayMs, 0],
    [0, dayMs, 0],
  ] as const) {
    assert.equal(decide(old(ageMs), again, { expireDays }).changes.length, writes, `${expireDays} ${ageMs}`);
  }
});

test('rows expire when no client has enabled them for more than so many days', () => {
  const rows = [1, 30, 31].map((days) => row(`${days}`, { enabledAtMs: epochMs(nowMs - days * dayMs) }));
  const exactly = row('30 days and 1 ms', { enabledAtMs: epochMs(nowMs - 30 * dayMs - 1) });
  const names = (days: number): readonly string[] =>
    expiredKeys([...rows, exactly], nowMs, days).map((key) => key.node);
  assert.deepEqual(names(30), ['31', '30 days and 1 ms']);
  assert.deepEqual(names(0), []);
  assert.deepEqual(names(365), []);
});
