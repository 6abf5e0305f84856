import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { reactionTo, reconnectWaitMs, streamErrorText } from '../../../src/xmpp/stream-errors.ts';
import type { ReactionKind } from '../../../src/xmpp/stream-errors.ts';

const table: readonly (readonly [string, string, ReactionKind, boolean])[] = [
  ['not-authorized', '', 'retry-slow', true],
  ['host-unknown', 'x does not match', 'retry-slow', true],
  ['conflict', 'Component already connected', 'conflict', false],
  ['conflict', '', 'conflict', false],
  ['conflict', 'Replaced by a new connection', 'replaced', false],
  ['conflict', 'Unable to register route on existing local domain', 'retry-slow', true],
  ['invalid-namespace', '', 'retry-slow', true],
  ['improper-addressing', '', 'retry-slow', true],
  ['bad-format', '', 'retry-slow', true],
  ['invalid-from', '', 'fault', true],
  ['not-well-formed', '', 'fault', true],
  ['policy-violation', 'XML stanza is too big', 'fault', true],
  ['unsupported-stanza-type', '', 'fault', true],
  ['invalid-xml', '', 'fault', true],
  ['restricted-xml', '', 'fault', true],
  ['system-shutdown', '', 'retry', false],
  ['reset', '', 'retry', false],
  ['see-other-host', '', 'retry', false],
  ['connection-timeout', '', 'retry', false],
  ['undefined-condition', '', 'retry', false],
  ['something-new', '', 'retry', false],
  ['constructor', '', 'retry', false],
];

for (const [condition, text, kind, alarm] of table) {
  test(`1.13 ${condition} "${text}" means ${kind}`, () => {
    assert.deepEqual(reactionTo(condition, text), { kind, alarm });
  });
}

test('1.13 being replaced for the third time is an alarm', () => {
  const alarms = [0, 1, 2].map((before) => reactionTo('conflict', 'Replaced by a new connection', before).alarm);
  assert.deepEqual(alarms, [false, false, true]);
});

test('1.20 attempt n waits between 0 and min(60 s, 0.5 s times 2^n)', () => {
  const random = seededRandom(3);
  for (const [attempt, mostMs] of [
    [0, 500],
    [1, 1000],
    [4, 8000],
    [7, 60_000],
    [1000, 60_000],
  ] as const) {
    const waits = Array.from({ length: 400 }, () => reconnectWaitMs('retry', attempt, random));
    assert.ok(Math.min(...waits) >= 0 && Math.max(...waits) < mostMs, `attempt ${attempt}`);
    assert.ok(Math.max(...waits) > mostMs * 0.9 && Math.min(...waits) < mostMs * 0.1, `attempt ${attempt} is spread`);
  }
});

test('1.20 a thousand engines do not synchronise', () => {
  const engines = 1000;
  const slotMs = 100;
  const arrivals = new Map<number, number>();
  for (let engine = 0; engine < engines; engine++) {
    const random = seededRandom(engine * 7919);
    let atMs = 0;
    for (let attempt = 0; attempt < 8; attempt++) {
      atMs += reconnectWaitMs('retry', attempt, random);
      if (attempt < 4) continue; // the first waits are short for everybody
      const slot = Math.floor(atMs / slotMs);
      arrivals.set(slot, (arrivals.get(slot) ?? 0) + 1);
    }
  }
  assert.ok(Math.max(...arrivals.values()) < engines / 20, `${Math.max(...arrivals.values())} in one slot`);
});

test('1.13 what needs a person is retried no sooner than after half of the longest back-off', () => {
  const random = seededRandom(5);
  const waits = Array.from({ length: 400 }, () => reconnectWaitMs('retry-slow', 0, random));
  assert.ok(Math.min(...waits) >= limits.reconnectMaxMs / 2);
  assert.ok(Math.max(...waits) <= limits.reconnectMaxMs);
});

test('1.13 a conflict waits 15 s and more, a replacement 30 s and more', () => {
  const random = seededRandom(6);
  for (const [kind, leastMs] of [
    ['conflict', 15_000],
    ['replaced', 30_000],
  ] as const) {
    const waits = Array.from({ length: 200 }, () => reconnectWaitMs(kind, 0, random));
    assert.ok(Math.min(...waits) >= leastMs && Math.max(...waits) > leastMs * 1.5, kind);
  }
});

test('1.14 an error of ours names the condition and closes the stream', () => {
  assert.equal(
    streamErrorText('not-well-formed'),
    `<stream:error><not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`,
  );
});
