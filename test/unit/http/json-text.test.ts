import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJSON } from '../../../src/http/json-text.ts';

const wrong: readonly (readonly [text: string, place: string])[] = [
  ['', 'line 1, column 1: the text ends too early'],
  ['   ', 'line 1, column 4: the text ends too early'],
  ['{', 'line 1, column 2: the text ends too early'],
  ['{"a":x}', 'line 1, column 6: not JSON'],
  ['{"a":1,}', 'line 1, column 8: not JSON'],
  ['{"a" 1}', 'line 1, column 6: not JSON'],
  ['{a:1}', 'line 1, column 2: not JSON'],
  ['[1,]', 'line 1, column 4: not JSON'],
  ['[1 2]', 'line 1, column 4: not JSON'],
  ['[1}', 'line 1, column 3: not JSON'],
  ['}', 'line 1, column 1: not JSON'],
  ['[{"a":1}\n,\n {"b":01}]', 'line 3, column 8: not JSON'],
  ['{"a":"\n"}', 'line 1, column 7: not JSON'],
  ['{"a":"\\x"}', 'line 1, column 7: not JSON'],
  ['{"\\u12G4":1}', 'line 1, column 3: not JSON'],
  ['{"a":"b', 'line 1, column 8: the text ends too early'],
  ['{"a":1} x', 'line 1, column 9: not JSON'],
  ['nul', 'line 1, column 1: not JSON'],
  ['[1.]', 'line 1, column 3: not JSON'],
  ['[+1]', 'line 1, column 2: not JSON'],
  ["{'a':1}", 'line 1, column 2: not JSON'],
  ['\ufeff{}', 'line 1, column 1: not JSON'],
];

for (const [text, place] of wrong) {
  test(`mongooseim 5.5: JSON: ${JSON.stringify(text)} is refused with its place`, () => {
    assert.deepEqual(parseJSON(text), { ok: false, error: place });
  });
}

test('mongooseim 5.5: JSON: what is right comes out, with own keys only', () => {
  const text = ' {"a":[1,-2.5e3,true,null,"\\u00e9\\n"],"__proto__":{"b":{}}} ';
  assert.deepEqual(parseJSON(text), { ok: true, value: JSON.parse(text) as unknown });
});

test('mongooseim 5.5: JSON: every prefix of a text is refused, and none repeats a part of it', () => {
  const text = '{"body":"secret \\"x\\"","n":[1,2,{"deep":[[],{}]}],"last":false}';
  for (let length = 0; length < text.length; length++) {
    const read = parseJSON(text.slice(0, length));
    assert.equal(read.ok, false, text.slice(0, length));
    assert.match(read.ok ? '' : read.error, /^line 1, column \d+: (?:the text ends too early|not JSON)$/);
  }
});

test('mongooseim 5.5: JSON: a deep and a long text are walked without recursion', () => {
  assert.deepEqual(parseJSON('['.repeat(500_000)), {
    ok: false,
    error: 'line 1, column 500001: the text ends too early',
  });
  const long = 'x'.repeat(500_000);
  assert.deepEqual(parseJSON(`["${long}"`), { ok: false, error: 'line 1, column 500004: the text ends too early' });
});
