import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvariantError, unreachable } from '../../../src/core/assert.ts';

test('a broken invariant names the kind of a value, and nothing else that it holds', () => {
  const values: readonly (readonly [unknown, string])[] = [
    [{ kind: 'publish', token: 'a-device-token' }, 'unreachable: kind publish'],
    [{ token: 'a-device-token' }, 'unreachable: an object'],
    ['throttled', 'unreachable: throttled'],
    [null, 'unreachable: null'],
  ];
  for (const [value, message] of values) {
    assert.throws(
      () => Reflect.apply(unreachable, undefined, [value]),
      (error) => {
        assert.ok(error instanceof InvariantError);
        assert.equal(error.message, message);
        return true;
      },
    );
  }
});
