import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { parseForm, parseQuery } from '../../../src/http/form-fields.ts';

const table: readonly (readonly [text: string, fields: Readonly<Record<string, string>>])[] = [
  ['', {}],
  ['&&', {}],
  ['a', { a: '' }],
  ['a=', { a: '' }],
  ['a=b=c', { a: 'b=c' }],
  ['a=1&b=2', { a: '1', b: '2' }],
  ['a=1+%2B+2', { a: '1 + 2' }],
  ['m=Hi%2C+Bob%21', { m: 'Hi, Bob!' }],
  ['m=%26%3D%2B%25', { m: '&=+%' }],
  ['m=%C3%A9%F0%9F%8E%89', { m: 'é🎉' }],
  ['m=é🎉', { m: 'é🎉' }],
  ['__proto__=x', { ['__proto__']: 'x' }],
  ['%61=1', { a: '1' }],
];

for (const [text, fields] of table) {
  test(`mongooseim 5.2: the form ${JSON.stringify(text)} is read`, () => {
    const read = parseForm(text);
    assert.ok(read.ok);
    assert.deepEqual([...read.value], Object.entries(fields));
  });
}

const wrong: readonly (readonly [text: string, error: string])[] = [
  ['a=1&a=2', '"a": given twice'],
  ['a=1&%61=2', '"a": given twice'],
  ['a=%', '"a": not percent-encoded UTF-8'],
  ['a=%zz', '"a": not percent-encoded UTF-8'],
  ['a=%ff', '"a": not percent-encoded UTF-8'],
  ['a=%C3', '"a": not percent-encoded UTF-8'],
  ['a=%ED%A0%80', '"a": not percent-encoded UTF-8'],
  ['%ff=1', '"%ff": not percent-encoded UTF-8'],
];

for (const [text, error] of wrong) {
  test(`mongooseim 5.2: the form ${JSON.stringify(text)} is refused by name`, () => {
    assert.deepEqual(parseForm(text), { ok: false, error });
  });
}

test('mongooseim 5.2: every text of any signs comes through a form unchanged', () => {
  for (const text of ['&=+', ' ', 'a&b=c+d%20', '\r\n\t', '100 %', '日本語', '\u0000', '=&'.repeat(1000)]) {
    const read = parseForm(new URLSearchParams({ message: text }).toString());
    assert.ok(read.ok);
    assert.equal(read.value.get('message'), text);
  }
});

test('mongooseim 5.2: a form of too many fields is refused', () => {
  const fields = Array.from({ length: limits.formFieldsMax + 1 }, (_, index) => `f${index}=1`).join('&');
  assert.deepEqual(parseForm(fields), { ok: false, error: `more than ${limits.formFieldsMax} fields` });
});

test('mongooseim 5.2: a URL without a query has no fields', () => {
  const none = parseQuery('/v1/registrations');
  assert.ok(none.ok && none.value.size === 0);
  const one = parseQuery('/v1/registrations?owner=a%40b?c');
  assert.ok(one.ok);
  assert.equal(one.value.get('owner'), 'a@b?c');
});
