import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertWrong, configOf, issuesOf, trial } from './config-fixture.ts';
import type { WrongRow } from './config-fixture.ts';
import type { PushCondition } from '../../../config/engine-config.ts';

const skip = '[[push.rules]]\naction = "skip"\n';
const push = '[[push.rules]]\naction = "push"\ncontent = "message"\n';

const known: Readonly<Record<keyof PushCondition, readonly string[]>> = {
  event: ['"msg"', '"unack_msg"'],
  type: ['"chat"', '"groupchat"'],
  body: ['"absent"', '"empty"', '"non_empty"'],
  hint: ['"no_store"', '"store"'],
  jingle: ['true', 'false'],
  user_status: ['"online"', '"offline"'],
  client_state: ['"active"', '"inactive"'],
};

for (const [key, values] of Object.entries(known)) {
  for (const value of values) {
    test(`mongooseim 2.18: the condition ${key} = ${value} is kept, and no other key appears`, () => {
      const [rule] = configOf(`${push}conditions = [{ ${key} = ${value} }]\n${trial}`).push.rules;
      assert.deepEqual(rule, {
        conditions: [{ [key]: JSON.parse(value) }],
        action: 'push',
        content: 'message',
      });
    });
  }

  test(`mongooseim 2.18: the condition ${key} has no other values`, () => {
    const [issue, ...others] = issuesOf(`${push}conditions = [{ ${key} = "sometimes" }]\n${trial}`);
    assert.deepEqual(others, []);
    assert.equal(issue?.key, `push.rules.0.conditions.0.${key}`);
    assert.match(issue?.remedy ?? '', key === 'jingle' ? /true or false/ : new RegExp(values.join('.*')));
  });
}

test('mongooseim 2.18: tables are alternatives, keys of one table are not, and a rule may have no conditions', () => {
  const text = `${push}conditions = [
    { event = "msg", body = "non_empty", user_status = "offline" },
    { event = "unack_msg", jingle = false },
  ]\n${skip}`;
  assert.deepEqual(configOf(text + trial).push.rules, [
    {
      conditions: [
        { event: 'msg', body: 'non_empty', user_status: 'offline' },
        { event: 'unack_msg', jingle: false },
      ],
      action: 'push',
      content: 'message',
    },
    { conditions: [], action: 'skip', content: '' },
  ]);
});

test('mongooseim 2.18: conditions may have headers of their own', () => {
  const text = `${push}[[push.rules.conditions]]\ntype = "chat"\n[[push.rules.conditions]]\nhint = "store"\n`;
  assert.deepEqual(configOf(text + trial).push.rules[0]?.conditions, [{ type: 'chat' }, { hint: 'store' }]);
  const [issue] = issuesOf(`${skip}${text}hnit = "store"\n${trial}`);
  assert.deepEqual([issue?.key, issue?.line], ['push.rules.1.conditions.1.hnit', 10]);
});

const manyLines = `${skip}${push}conditions = [
  { type = "chat" },
  # a comment [{
  {
    type = "chat",
    bdy = "empty" },
]
`;

const wrong: readonly WrongRow[] = [
  ['an unknown condition', manyLines, 'push.rules.1.conditions.1.bdy', 11, /not a key/, /mean body\?$/],
  ['no conditions', `${push}conditions = []\n`, 'push.rules.0.conditions', 4, /is empty/, /or remove it: always/],
  ['an empty condition', `${push}conditions = [{}]\n`, 'push.rules.0.conditions.0', 4, /is empty/, /event, type, body/],
  [
    'a condition that is no list',
    `${push}conditions = { type = "chat" }\n`,
    'push.rules.0.conditions',
    4,
    /not a list/,
    /\[\[push\.rules\.conditions\]\]/,
  ],
  [
    'a condition that is no table',
    `${push}conditions = [1]\n`,
    'push.rules.0.conditions.0',
    4,
    /not a table/,
    /write/i,
  ],
  ['a rule without action', '[[push.rules]]\n', 'push.rules.0.action', 1, /is missing/, /"push" or "skip"/],
  ['another action', '[[push.rules]]\naction = "drop"\n', 'push.rules.0.action', 2, /is "drop"/, /"push" or "skip"/],
  [
    'a push of nothing',
    '[[push.rules]]\naction = "push"\n',
    'push.rules.0.content',
    1,
    /is missing/,
    /"message" or "jingle"/,
  ],
  [
    'other content',
    '[[push.rules]]\naction = "push"\ncontent = "body"\n',
    'push.rules.0.content',
    3,
    /is "body"/,
    /"message" or "jingle"/,
  ],
  ['content of a skip', `${skip}content = "message"\n`, 'push.rules.0.content', 3, /pushes nothing/, /Remove it/],
  ['an unknown key', `${skip}contnt = "message"\n`, 'push.rules.0.contnt', 3, /not a key/, /mean content\?/],
  ['a rule twice', `${skip}${push}${skip}`, 'push.rules.2', 6, /same as push\.rules\.0/, /Remove one/],
  [
    'a rule twice whose conditions have another order',
    `${push}conditions = [{ type = "chat", body = "empty" }, { jingle = true }]\n` +
      `${push}conditions = [{ jingle = true }, { body = "empty", type = "chat" }]\n`,
    'push.rules.1',
    5,
    /same as push\.rules\.0/,
    /Remove one/,
  ],
  ['rules beside a behaviour', `[push]\nbehaviour = "meerkat"\n${skip}`, 'push.behaviour', 2, /beside/, /Remove one/],
  ['no rules', '[push]\nrules = []\n', 'push.rules', 2, /no member/, /\[\[push\.rules\]\]/],
  ['rules that are no list', '[push.rules]\naction = "skip"\n', 'push.rules', 1, /not a list/, /\[\[push\.rules\]\]/],
];

for (const row of wrong) {
  test(`mongooseim 2.18: ${row[0]} is reported with its place and what to write instead`, () => assertWrong(row));
}

test('mongooseim 2.18: rules that are wrong are not compared, for what they say is not known', () => {
  const rule = `${push}conditions = [{ type = "normal" }]\n`;
  assert.deepEqual(
    issuesOf(rule + rule + trial).map(({ key, line }) => [key, line]),
    [
      ['push.rules.0.conditions.0.type', 4],
      ['push.rules.1.conditions.0.type', 8],
    ],
  );
});

test('mongooseim 2.18: a behaviour without rules, and rules without a behaviour, are each right', () => {
  assert.equal(configOf(`[push]\nbehaviour = "hints"\n${trial}`).push.behaviour, 'hints');
  assert.equal(configOf(skip + trial).push.rules.length, 1);
});

test('mongooseim 2.18: rules that differ in one thing are not the same', () => {
  const jingle = '[[push.rules]]\naction = "push"\ncontent = "jingle"\n';
  const chat = `${push}conditions = [{ type = "chat" }]\n`;
  const called = `${push}conditions = [{ jingle = true }]\n`;
  const quiet = `${push}conditions = [{ jingle = false }]\n`;
  assert.deepEqual(issuesOf(skip + push + jingle + chat + called + quiet + trial), []);
});

test('mongooseim 2.18: more rules than a thousand are a problem', () => {
  const text = Array.from(
    { length: 1001 },
    (_, at) => `${skip}conditions = [{ ${at % 2 === 0 ? 'jingle = true' : ''} }]\n`,
  );
  assert.ok(issuesOf(text.join('') + trial).some(({ key, problem }) => key === 'push.rules' && /1001/.test(problem)));
});
