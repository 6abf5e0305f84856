import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpsExchange } from '../../../src/transport/https-exchange.ts';
import type { Dispatcher } from 'undici';
import type { HttpsResult } from '../../../src/transport/https-exchange.ts';

function setup() {
  const results: HttpsResult[] = [];
  const aborted: string[] = [];
  let left = 0;
  const exchange = new HttpsExchange(
    { method: 'POST', path: '/', fields: {}, body: 'x' },
    { ended: (result) => results.push(result) },
    { left: () => left++ },
  );
  const controllerOf = (name: string): Dispatcher.DispatchController => ({
    ...{ aborted: false, paused: false, reason: null, rawHeaders: null, rawTrailers: null },
    abort: () => aborted.push(name),
    pause: () => undefined,
    resume: () => undefined,
  });
  return { exchange, results, aborted, controllerOf, lefts: () => left };
}

test('https: what undici would write a second time is abandoned, because the first copy may have arrived', () => {
  const { exchange, results, aborted, controllerOf, lefts } = setup();
  exchange.onRequestStart(controllerOf('first'));
  exchange.onRequestStart(controllerOf('second'));
  assert.deepEqual(aborted, ['second']);
  exchange.onResponseError(undefined, new Error('aborted'));
  assert.equal(lefts(), 1);
  exchange.finish();
  assert.deepEqual(results, [{ kind: 'failed', failure: 'no-answer', reason: 'connection lost' }]);
});

test('https: nobody is told of an end before undici is left', () => {
  const { exchange, results, controllerOf, lefts } = setup();
  exchange.onRequestStart(controllerOf('only'));
  exchange.onResponseStart(controllerOf('only'), 200, { 'X-A': 'b', many: ['c', 'd'] });
  exchange.onResponseData(controllerOf('only'), Buffer.from('a'));
  exchange.onResponseData(controllerOf('only'), Buffer.from('€').subarray(0, 1));
  exchange.onResponseData(controllerOf('only'), Buffer.from('€').subarray(1));
  exchange.onResponseEnd();
  assert.deepEqual([results.length, lefts()], [0, 1]);
  exchange.finish();
  exchange.finish();
  assert.deepEqual(results, [{ kind: 'response', status: 200, fields: { 'x-a': 'b' }, body: 'a€' }]);
});

test('https: one that ended before it was written is not written, and leaves once', () => {
  const { exchange, results, aborted, controllerOf, lefts } = setup();
  exchange.abandon('deadline', 'deadline');
  exchange.onRequestStart(controllerOf('late'));
  assert.deepEqual(aborted, ['late']);
  exchange.onResponseError(undefined, new Error('aborted'));
  exchange.onResponseError(undefined, new Error('aborted'));
  exchange.finish();
  assert.equal(lefts(), 1);
  assert.deepEqual(results, [{ kind: 'failed', failure: 'deadline-unsent', reason: 'deadline' }]);
});
