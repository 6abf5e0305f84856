/** The first few thousand streams of `npm run fuzz`. */
import { test } from 'node:test';
import { fuzzConnection } from '../../../fuzz/fuzz-connection.ts';

test('five thousand spoilt server streams: nothing is thrown, and each request ends once', () => {
  for (let seed = 1; seed <= 5_000; seed++) fuzzConnection(seed);
});
