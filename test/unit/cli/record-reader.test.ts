import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordReader } from '../../../src/cli/record-reader.ts';
import { limits } from '../../../src/core/limits.ts';
import type { RecordFormat, RowRecord } from '../../../src/cli/record-reader.ts';

function readAll(format: RecordFormat, text: string | Buffer, chunkBytes: number): readonly RowRecord[] {
  const reader = new RecordReader(format);
  const bytes = Buffer.from(text);
  const records: RowRecord[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    records.push(...reader.push(bytes.subarray(at, at + chunkBytes)));
  return [...records, ...reader.end()];
}

const csv = 'h1,h2\r\n"a\nb",1\n\n"say ""x""\r\n",ü\n"\u{1f600}",last';

for (let size = 1; size <= Buffer.byteLength(csv); size++) {
  test(`records of CSV are the same in chunks of ${size} bytes, with their lines`, () => {
    const records = readAll('csv', csv, size);
    assert.deepEqual(
      records.map(({ text, line }) => [line, text]),
      [
        [1, 'h1,h2'],
        [2, '"a\nb",1'],
        [5, '"say ""x""\r\n",ü'],
        [7, '"\u{1f600}",last'],
      ],
    );
    assert.equal(records.at(-1)?.endsAt, Buffer.byteLength(csv));
  });
}

test('reading goes on at the end of any record as if it had never stopped', () => {
  const bytes = Buffer.from(csv);
  const whole = readAll('csv', csv, bytes.length);
  for (const [index, { endsAt, nextLine }] of whole.entries()) {
    const reader = new RecordReader('csv', { at: endsAt, line: nextLine });
    assert.deepEqual([...reader.push(bytes.subarray(endsAt)), ...reader.end()], whole.slice(index + 1));
  }
});

test('a quote that is not closed costs its own line alone', () => {
  const records = readAll('csv', 'a,b\n"c,d\ne,f\ng,h\n', 5);
  assert.deepEqual(
    records.map(({ text, problem, line }) => [line, text, problem]),
    [
      [1, 'a,b', ''],
      [2, undefined, 'a quote is not closed'],
      [3, 'e,f', ''],
      [4, 'g,h', ''],
    ],
  );
});

test('a line that is too long, or no UTF-8, is told and the next is read', () => {
  const long = 'x'.repeat(limits.importRecordBytesMax + 1);
  const text = Buffer.concat([Buffer.from('1\n'), Buffer.from([0xff, 0x0a]), Buffer.from(`${long}\n4\n`)]);
  const records = readAll('ndjson', text, 65_536);
  assert.deepEqual(
    records.map((record) => [record.line, record.text, record.problem]),
    [
      [1, '1', ''],
      [2, undefined, 'is not UTF-8'],
      [3, undefined, `is longer than ${limits.importRecordBytesMax} bytes`],
      [4, '4', ''],
    ],
  );
});

test('a byte order mark at the beginning is no part of the first record', () => {
  assert.deepEqual(
    readAll('csv', '\ufeffa,b\n', 2).map(({ text }) => text),
    ['a,b'],
  );
});
