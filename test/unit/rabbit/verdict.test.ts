import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNodeId, preparedBareJID } from '../../../src/core/ids.ts';
import {
  accepted,
  expired,
  rejected,
  throttled,
  unauthorized,
  unavailable,
  unregistered,
} from '../../../src/core/outcome.ts';
import { verdictOn } from '../../../src/rabbit/verdict.ts';
import type { EventResult } from '../../../src/core/event.ts';
import type { Outcome } from '../../../src/core/outcome.ts';

const parsed = parseNodeId('n');
assert.ok(parsed.ok);
const node = parsed.value;
const owner = preparedBareJID('bob@chat.example');
const service = preparedBareJID('push.example');

function pushed(...outcomes: readonly Outcome[]): EventResult {
  return { kind: 'pushed', publishes: outcomes.map((outcome) => ({ owner, service, node: node, outcome })) };
}

const rows: readonly [name: string, result: EventResult, verdict: ReturnType<typeof verdictOn>][] = [
  ['skipped', { kind: 'skipped', reason: 'online' }, { kind: 'done' }],
  ['noted', { kind: 'noted' }, { kind: 'done' }],
  ['invalid', { kind: 'invalid', reason: 'to: not a JID' }, { kind: 'poison', reason: 'to: not a JID' }],
  ['overloaded', { kind: 'refused', reason: 'overloaded' }, { kind: 'again', waitMs: 0 }],
  ['store failed', { kind: 'refused', reason: 'store-failed' }, { kind: 'again', waitMs: 0 }],
  ['stopping', { kind: 'refused', reason: 'stopping' }, { kind: 'again', waitMs: 0 }],
  ['pushed to nobody', pushed(), { kind: 'done' }],
  [
    'accepted, rejected, unregistered, expired',
    pushed(accepted('1'), rejected('BadTopic'), unregistered('Unregistered', 0), expired('late')),
    { kind: 'done' },
  ],
  ['may have arrived', pushed(unavailable('unknown', 'timeout')), { kind: 'done' }],
  ['has not arrived', pushed(accepted('1'), unavailable('no', 'refused')), { kind: 'again', waitMs: 0 }],
  ['throttled', pushed(throttled('429', 5_000), accepted('1')), { kind: 'again', waitMs: 5_000 }],
  ['the longest wait', pushed(throttled('429', 5_000), unavailable('no', '', 9_000)), { kind: 'again', waitMs: 9_000 }],
  ['unauthorized', pushed(unauthorized('ExpiredProviderToken')), { kind: 'again', waitMs: 0 }],
];
for (const [name, result, verdict] of rows) {
  test(`a message whose event ended ${name}: ${verdict.kind}`, () => {
    assert.deepEqual(verdictOn(result), verdict);
  });
}
