import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'smol-toml';
import { findKeyLines, lineOf } from '../../../config/key-lines.ts';
import { root } from './config-fixture.ts';

const text = `# a comment with [brackets] and "quotes
top = 1

[engine] # the section
data_dir = "a # not a comment"
"quoted" = 'x'

[[servers]]
name = """
several
lines = 5
"""
tls = { mode = "off", ca_file = "[x]" }
[[servers]]
list = [
  "a", # one
  'b]',
  { deep = 1 },
]
[servers.tls]
mode = 'off'
[a.b]
c.d = 2026-01-01 # dotted
last = '''it''s'''
end = true`;

const expected: readonly (readonly [string, number])[] = [
  ['top', 2],
  ['engine', 4],
  ['engine.data_dir', 5],
  ['engine.quoted', 6],
  ['servers.0', 8],
  ['servers.0.name', 9],
  ['servers.0.tls', 13],
  ['servers.0.tls.mode', 13],
  ['servers.0.tls.ca_file', 13],
  ['servers.1', 14],
  ['servers.1.list', 15],
  ['servers.1.list.0', 16],
  ['servers.1.list.1', 17],
  ['servers.1.list.2.deep', 18],
  ['servers.1.tls', 20],
  ['servers.1.tls.mode', 21],
  ['a.b.c.d', 23],
  ['a.b.last', 24],
  ['a.b.end', 25],
];

for (const [path, line] of expected) {
  test(`${path} is found on line ${line}`, () => {
    assert.equal(findKeyLines(text).get(path), line);
  });
}

test('a key that is not there has the line of the table around it', () => {
  const lines = findKeyLines(text);
  assert.equal(lineOf(lines, 'servers.1.name'), 14);
  assert.equal(lineOf(lines, 'nothing.of.it'), 1);
});

test('line breaks of Windows count once', () => {
  assert.equal(findKeyLines('a = 1\r\n\r\n[b]\r\nc = 2\r\n').get('b.c'), 4);
});

test('text that is not TOML ends all the same', () => {
  for (const odd of ['[', '[[', '"', '= =', 'a = [', 'a = {', "a = '''", '\\', 'a = ]', '{}', ']']) findKeyLines(odd);
});

test('every key of a file that smol-toml has written is found on the line that names it', () => {
  const toml = readFileSync(new URL('config/meerkat.toml', root), 'utf8').replaceAll(/^# (?=\w+ = |\[\[)/gm, '');
  const lines = findKeyLines(toml);
  const rows = toml.split('\n');
  let keys = 0;
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, member] of Object.entries(value)) {
      const place = path === '' ? name : `${path}.${name}`;
      const line = lines.get(place);
      if (!Array.isArray(member) || typeof member[0] !== 'object') {
        assert.ok(line !== undefined, place);
        if (!/^\d+$/.test(name)) assert.match(rows[line - 1] ?? '', new RegExp(`\\b${name}\\b`), place);
        keys += 1;
      }
      visit(member, place);
    }
  };
  visit(parse(toml), '');
  assert.ok(keys > 60, `${keys} keys`);
});
