import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { field, formTypeField, formXml, readForm, tableXml } from '../../../src/xmpp/data-form.ts';
import { parseXml } from '../../parse-xml.ts';

function form(fields: string, attributes = "type='submit'"): ReturnType<typeof readForm> {
  return readForm(parseXml(`<x xmlns='jabber:x:data' ${attributes}>${fields}</x>`));
}

test('5.21 a field without a value is absent, while an empty value and 0 are values', () => {
  const read = form("<field var='none'/><field var='empty'><value/></field><field var='zero'><value>0</value></field>");
  assert.equal(read.get('none'), undefined);
  assert.equal(read.get('empty'), '');
  assert.equal(read.get('zero'), '0');
  assert.equal(read.get('missing'), undefined);
});

test('4.45 the first value of a field and the first field of a name count', () => {
  const read = form("<field var='a'><value>1</value><value>2</value></field><field var='a'><value>3</value></field>");
  assert.equal(read.get('a'), '1');
  assert.deepEqual(read.all('a'), ['1', '2']);
  assert.deepEqual(read.all('b'), []);
});

test('8.24 a form without a type, or with one nobody knows, counts as submitted', () => {
  assert.equal(form('', '').type, 'submit');
  assert.equal(form('', "type='nonsense'").type, 'submit');
  assert.equal(form('', "type='cancel'").type, 'cancel');
});

test('8.11 names of Object.prototype are names like any other', () => {
  const read = form("<field var='__proto__'><value>p</value></field><field var='toString'><value>t</value></field>");
  assert.equal(read.get('__proto__'), 'p');
  assert.equal(read.get('toString'), 't');
  assert.equal(read.get('constructor'), undefined);
  assert.equal(Object.hasOwn(Object.prototype, 'p'), false);
});

test('8.12 prefixed elements read the same', () => {
  const read = readForm(
    parseXml("<d:x xmlns:d='jabber:x:data' type='form'><d:field var='v'><d:value>1</d:value></d:field></d:x>"),
  );
  assert.equal(read.type, 'form');
  assert.equal(read.get('v'), '1');
});

test('8.21 fields beyond the limit are not read, and an oversized value is absent', () => {
  const many = Array.from(
    { length: limits.formFieldsMax + 1 },
    (_, n) => `<field var='f${n}'><value>v</value></field>`,
  );
  const read = form(many.join(''));
  assert.equal(read.get(`f${limits.formFieldsMax - 1}`), 'v');
  assert.equal(read.get(`f${limits.formFieldsMax}`), undefined);
  const long = 'ä'.repeat(limits.fieldBytesMax / 2);
  assert.equal(form(`<field var='a'><value>${long}</value></field>`).get('a'), long);
  assert.equal(form(`<field var='a'><value>${long}x</value></field>`).get('a'), undefined);
});

test('a written form reads back as it was, markup in it included', () => {
  const text = `<&"'>`;
  const label = "l'abel";
  const fields = [
    formTypeField('urn:example'),
    field('a', 'text-multi', text, ''),
    { ...field('b', 'list-single', 'x'), label, required: true, options: [{ label, value: 'x' }] },
  ];
  const element = parseXml(formXml('result', fields, text));
  const read = readForm(element);
  assert.equal(read.type, 'result');
  assert.equal(read.formType, 'urn:example');
  assert.deepEqual(read.all('a'), [text, '']);
  assert.equal(read.get('b'), 'x');
});

test('a table puts the columns first and gives every item all of them', () => {
  const columns = [
    { name: 'a', label: 'A' },
    { name: 'b', label: 'B' },
  ];
  assert.equal(
    tableXml(columns, [['1', "'"], ['2']]),
    "<x xmlns='jabber:x:data' type='result'><reported><field var='a' type='text-single' label='A'></field>" +
      "<field var='b' type='text-single' label='B'></field></reported>" +
      "<item><field var='a'><value>1</value></field><field var='b'><value>&apos;</value></field></item>" +
      "<item><field var='a'><value>2</value></field><field var='b'><value></value></field></item></x>",
  );
});
