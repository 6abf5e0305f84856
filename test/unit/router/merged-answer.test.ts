import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { mergedAnswer } from '../../../src/router/merged-answer.ts';
import { node, row } from '../../registration-rows.ts';
import type { CommandAnswer } from '../../../src/registration/commands.ts';

const nothing: CommandAnswer = { kind: 'refused', refusal: 'nothing-matched' };
const failed: CommandAnswer = { kind: 'refused', refusal: 'store-failed' };
const removed = (...names: string[]): CommandAnswer => ({ kind: 'unregistered', nodes: names.map(node) });
const listed = (count: number, cut = false): CommandAnswer => ({
  kind: 'listed',
  registrations: Array.from({ length: count }, (_, index) => row(`n${index}`)),
  cut,
});

describe('answers of several shards', () => {
  it('what was found is put together', () => {
    assert.deepEqual(mergedAnswer(removed('a'), removed('b', 'c')), removed('a', 'b', 'c'));
    const both = mergedAnswer(listed(2), listed(3));
    assert.ok(both.kind === 'listed' && both.registrations.length === 5 && !both.cut);
  });

  it('5.44 a list is cut at its limit, and says so', () => {
    const both = mergedAnswer(listed(limits.listMax), listed(1));
    assert.ok(both.kind === 'listed' && both.registrations.length === limits.listMax && both.cut);
    const already = mergedAnswer(listed(1, true), listed(1));
    assert.ok(already.kind === 'listed' && already.cut);
  });

  it('nothing matched only when it is true of all', () => {
    assert.deepEqual(mergedAnswer(nothing, nothing), nothing);
    assert.deepEqual(mergedAnswer(nothing, removed('a')), removed('a'));
    assert.deepEqual(mergedAnswer(removed('a'), nothing), removed('a'));
  });

  it('trouble of one shard wins over what the others found', () => {
    for (const other of [removed('a'), nothing, listed(1)]) {
      assert.deepEqual(mergedAnswer(failed, other), failed);
      assert.deepEqual(mergedAnswer(other, failed), failed);
    }
  });
});
