import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgressBar } from '../../../src/cli/progress-bar.ts';

function setup(isTTY: boolean, columns = 60): { bar: ProgressBar; written: string[] } {
  const written: string[] = [];
  return { bar: new ProgressBar('copying', { isTTY, columns, write: (text) => written.push(text) }), written };
}

test('on a terminal the bar is redrawn in place and never wider than the terminal', () => {
  const { bar, written } = setup(true);
  bar.update(0, 200);
  bar.update(100, 200);
  bar.update(200, 200);
  bar.end();
  assert.equal(written.length, 4);
  assert.match(written[1] ?? '', /^\rcopying \[#+-+\] 50 % {2}100 of 200/);
  assert.match(written[2] ?? '', /\[#+\] 100 %/);
  assert.equal(written[3], '\n');
  for (const drawn of written) assert.ok(drawn.replaceAll(/[\r\n]|\u001b\[K/g, '').length <= 60, drawn);
});

test('a narrow terminal gets the figures without a bar', () => {
  const { bar, written } = setup(true, 10);
  bar.update(1, 2);
  assert.match(written[0] ?? '', /copying \[\] 50 %/);
});

test('elsewhere there is a line for each tenth', () => {
  const { bar, written } = setup(false);
  for (let done = 0; done <= 1000; done++) bar.update(done, 1000);
  bar.end();
  assert.equal(written.length, 11);
  assert.equal(written.at(-1), 'copying 100 %  1000 of 1000\n');
});

test('nothing to do is done', () => {
  const { bar, written } = setup(false);
  bar.update(0, 0);
  assert.deepEqual(written, ['copying 100 %  0 of 0\n']);
});
