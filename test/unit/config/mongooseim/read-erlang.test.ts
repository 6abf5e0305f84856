import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readErlang } from '../../../../config/mongooseim/read-erlang.ts';
import type { ErlangTerm } from '../../../../config/mongooseim/read-erlang.ts';

/** A term as plain data: atoms as `a:name`, texts as themselves, tuples marked. */
function plain(term: ErlangTerm): unknown {
  switch (term.kind) {
    case 'atom':
      return `a:${term.text}`;
    case 'text':
      return term.text;
    case 'number':
      return term.value;
    case 'tuple':
      return { tuple: term.items.map(plain) };
    case 'list':
      return term.items.map(plain);
    default:
      return assert.fail('a kind of term that is not known');
  }
}

function read(text: string): unknown {
  const terms = readErlang(text);
  return terms.ok ? terms.value.map(plain) : terms.error;
}

const good: readonly (readonly [string, string, unknown])[] = [
  ['nothing', '', []],
  ['comments alone', '% one\n%% two "not a string', []],
  ['an empty list', '[].', [[]]],
  ['an atom', 'override_global.', ['a:override_global']],
  ['an atom with @ and digits', 'a1_b@c.', ['a:a1_b@c']],
  ['a quoted atom', "'Not an atom'.", ['a:Not an atom']],
  ['an escaped quote in an atom', "'it\\'s'.", ["a:it's"]],
  ['a string', '"text".', ['text']],
  ['strings beside each other', '"a" "b"\n"c".', ['abc']],
  ['escapes', String.raw`"\"\\\n\t\x41\x{1F600}\101\e".`, ['"\\\n\tA\u{1f600}A\u001b']],
  ['a percent sign in a string', '"50 % [x]".', ['50 % [x]']],
  ['a binary', '<<"pubsub.@HOSTS@">>.', ['pubsub.@HOSTS@']],
  ['an empty binary', '<<>>.', ['']],
  ['a binary of bytes', '<<104, 105>>.', ['hi']],
  ['a binary with a type', '<<"ü"/utf8>>.', ['ü']],
  ['numbers', '[1, -2, 3.5, 1.0e3, 16#FF, 1_000, $a, $\\n].', [[1, -2, 3.5, 1000, 255, 1000, 97, 10]]],
  ['a tuple', '{a, "b", 1}.', [{ tuple: ['a:a', 'b', 1] }]],
  [
    'nested terms',
    '{m, [{x, []}, {y, {1, 2}}]}.',
    [{ tuple: ['a:m', [{ tuple: ['a:x', []] }, { tuple: ['a:y', { tuple: [1, 2] }] }]] }],
  ],
  ['several terms with comments between', '{a, 1}. % one\n{b, 2}.', [{ tuple: ['a:a', 1] }, { tuple: ['a:b', 2] }]],
  ['a name that objects have', '{\'__proto__\', "x"}.', [{ tuple: ['a:__proto__', 'x'] }]],
];

for (const [name, text, expected] of good) {
  test(`mongooseim 7.2: the reader of Erlang terms takes ${name}`, () => assert.deepEqual(read(text), expected));
}

const bad: readonly (readonly [string, string, number, RegExp])[] = [
  ['a missing full stop', '{a, 1}\n{b, 2}.', 2, /full stop is missing/],
  ['a missing comma', '{a\n\n1}.', 3, /comma or \} is missing/],
  ['a bracket that is never closed', '{a, [1, 2}.', 1, /comma or \] is missing/],
  ['a string that is never closed', '{a, 1}.\n{b, "secret', 2, /" is not closed/],
  ['a binary that is never closed', '<<"a".', 1, />> is missing/],
  ['a variable', '\n{a, Variable}.', 2, /a term is missing, before "V"/],
  ['a map', '{a, #{}}.', 1, /a term is missing/],
  ['a comma too many', '[1, ].', 1, /a term is missing/],
  ['the end of the file inside a term', '{a,', 1, /the end of the file/],
  ['terms nested without end', '['.repeat(100_000), 1, /deeper than 64/],
  ['a character beyond Unicode', String.raw`"\x{FFFFFF}".`, 1, /beyond Unicode/],
];

for (const [name, text, line, problem] of bad) {
  test(`mongooseim 7.2: the reader of Erlang terms names the line of ${name}`, () => {
    const terms = readErlang(text);
    assert.ok(!terms.ok);
    assert.equal(terms.error.line, line);
    assert.match(terms.error.problem, problem);
    assert.doesNotMatch(terms.error.problem, /secret/);
  });
}

test('mongooseim 7.2: every term knows the line it begins on', () => {
  const terms = readErlang('% one\n{a,\n  [{b, 1},\n   {c, 2}]}.');
  assert.ok(terms.ok);
  const [term] = terms.value;
  assert.ok(term?.kind === 'tuple');
  const [, list] = term.items;
  assert.ok(list?.kind === 'list');
  assert.deepEqual([term.line, list.line, ...list.items.map(({ line }) => line)], [2, 3, 3, 4]);
});
