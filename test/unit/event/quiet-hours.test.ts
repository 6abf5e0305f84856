import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../../../src/core/ids.ts';
import { pushDecider } from '../../../src/event/decide-push.ts';
import { quietHours } from '../../../src/event/quiet-hours.ts';
import { bodyless, message, pushConfig } from '../../message-events.ts';

const night = { from: 22 * 60, to: 7 * 60, timeZone: 'Europe/Berlin', action: 'silence' } as const;

function isQuiet(hours: Parameters<typeof quietHours>[0], utc: string): boolean {
  return quietHours(hours)(epochMs(Date.parse(utc)));
}

describe('quiet hours', () => {
  it('are by the clocks of their time zone, over midnight, with the first minute and without the last', () => {
    assert.equal(isQuiet(night, '2026-01-10T20:59:59Z'), false);
    assert.equal(isQuiet(night, '2026-01-10T21:00:00Z'), true);
    assert.equal(isQuiet(night, '2026-01-11T00:00:00Z'), true);
    assert.equal(isQuiet(night, '2026-01-11T05:59:59Z'), true);
    assert.equal(isQuiet(night, '2026-01-11T06:00:00Z'), false);
  });

  it('follow summer time', () => {
    assert.equal(isQuiet(night, '2026-07-10T20:00:00Z'), true);
    assert.equal(isQuiet(night, '2026-07-11T05:00:00Z'), false);
    // The night in which 2:00 becomes 3:00, and the one in which 3:00 becomes 2:00.
    const early = { ...night, from: 2 * 60, to: 3 * 60 };
    const spring = ['2026-03-29T00:59:00Z', '2026-03-29T01:00:00Z'];
    assert.deepEqual(
      spring.map((at) => isQuiet(early, at)),
      [false, false],
    );
    const autumn = ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-10-25T02:00:00Z'];
    assert.deepEqual(
      autumn.map((at) => isQuiet(early, at)),
      [true, true, false],
    );
  });

  it('may lie within one day, in zones that are half an hour off', () => {
    const noon = { ...night, from: 12 * 60, to: 13 * 60, timeZone: 'Asia/Kolkata' };
    assert.equal(isQuiet(noon, '2026-01-10T06:29:00Z'), false);
    assert.equal(isQuiet(noon, '2026-01-10T06:30:00Z'), true);
    assert.equal(isQuiet(noon, '2026-01-10T07:30:00Z'), false);
  });

  it('are the whole day when both ends are the same', () => {
    assert.equal(isQuiet({ ...night, to: night.from }, '2026-01-10T12:00:00Z'), true);
  });

  it('are asked again when the minute has passed, and when the clock is set back', () => {
    const quiet = quietHours({ ...night, timeZone: 'UTC' });
    assert.equal(quiet(epochMs(Date.parse('2026-01-10T21:59:59Z'))), false);
    assert.equal(quiet(epochMs(Date.parse('2026-01-10T22:00:00Z'))), true);
    assert.equal(quiet(epochMs(Date.parse('2026-01-10T21:59:00Z'))), false);
  });

  it('silence messages or leave them, and never touch calls', () => {
    const at = epochMs(Date.parse('2026-01-10T23:00:00Z'));
    const call = { ...bodyless, jingle: 'propose', jingleId: 'call-1' } as const;
    for (const behaviour of ['meerkat', 'default'] as const) {
      const silencing = pushDecider(pushConfig({ behaviour, quietHours: night }), () => 'offline');
      const verdict = silencing(message(), at);
      assert.deepEqual(verdict, { push: true, kind: 'message', content: 'message', audience: 'all', isSilent: true });
    }
    const skipping = pushDecider(pushConfig({ quietHours: { ...night, action: 'skip' } }), () => 'offline');
    assert.deepEqual(skipping(message(), at), { push: false, reason: 'quiet hours' });
    assert.equal(skipping(message(), epochMs(Date.parse('2026-01-10T12:00:00Z'))).push, true);
    const ringing = skipping(message(call), at);
    assert.ok(ringing.push && ringing.kind === 'call' && !ringing.isSilent);
  });
});
