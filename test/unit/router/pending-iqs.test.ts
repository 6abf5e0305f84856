import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pendingIqs } from '../../../src/router/pending-iqs.ts';

describe('pending IQs', () => {
  it('gives each entry out once', () => {
    const table = pendingIqs<string>(10, 5_000);
    const tag = table.add('a', 0);
    assert.ok(tag !== undefined);
    assert.equal(table.peek(tag), 'a');
    assert.equal(table.take(tag), 'a');
    assert.equal(table.take(tag), undefined);
    assert.equal(table.size, 0);
  });

  it('refuses past its bound and accepts again when one has left', () => {
    const table = pendingIqs<string>(2, 5_000);
    const first = table.add('a', 0);
    table.add('b', 0);
    assert.equal(table.add('c', 0), undefined);
    assert.ok(first !== undefined);
    table.take(first);
    assert.notEqual(table.add('c', 0), undefined);
  });

  it('expires in order, only those that are due, and each once', () => {
    const table = pendingIqs<string>(10, 100);
    table.add('a', 0);
    const second = table.add('b', 50);
    assert.equal(table.nextMs, 100);
    assert.deepEqual(table.expire(99), []);
    assert.deepEqual(table.expire(100), ['a']);
    assert.equal(table.nextMs, 150);
    assert.deepEqual(table.expire(1_000), ['b']);
    assert.ok(second !== undefined);
    assert.equal(table.take(second), undefined);
    assert.equal(table.nextMs, undefined);
  });
});
