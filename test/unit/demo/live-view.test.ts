import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderView } from '../../../src/demo/live-view.ts';

describe('demo view', () => {
  const view = {
    elapsedSeconds: 75,
    ratePerSecond: 12_345,
    recentRates: [0, 5_000, 10_000],
    p50Ms: 3.21,
    p99Ms: 42.4,
    sent: 1_000_000,
    delivered: 990_000,
    rejected: 9_000,
    waiting: 1_000,
    outcomes: [
      ['accepted', 990_000],
      ['unavailable', 0],
      ['unregistered', 9_000],
    ] as const,
    queues: [{ name: 'dispatch/apns', depth: 50, capacity: 100 }],
    residentMb: 123.4,
  };

  it('shows time, rate, latency, counts, outcomes that happened, and queues', () => {
    const text = renderView(view).join('\n');
    for (const part of ['01:15', '12,345', 'p50 3.2 ms', 'p99 42 ms', '1,000,000', 'unregistered', '50 / 100', '▁▅█']) {
      assert.ok(text.includes(part), `${part} in\n${text}`);
    }
    assert.ok(!text.includes('unavailable'), 'a kind that never happened is not shown');
  });

  it('keeps within 80 columns', () => {
    const wide = { ...view, recentRates: Array.from({ length: 500 }, (_, index) => index) };
    for (const line of renderView(wide)) assert.ok(line.length <= 80, line);
  });
});
