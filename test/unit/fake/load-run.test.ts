import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatencyHistogram } from '../../../src/fake/latency-histogram.ts';
import { LoadRun } from '../../../src/fake/load-run.ts';
import type { FireOptions } from '../../../src/fake/load-run.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';

const deadline = { timeout: 5_000 };

function setup(changes: Partial<FireOptions> = {}) {
  const clock = new VirtualClock();
  const sent: { readonly id: string; readonly atMs: number }[] = [];
  const startMs = clock.monotonicMs();
  const state = { writable: true };
  const run = new LoadRun(
    {
      clock,
      write(count, makeStanza) {
        if (!state.writable) return false;
        for (let index = 0; index < count; index++) {
          sent.push({ id: makeStanza(index), atMs: clock.monotonicMs() - startMs });
        }
        return true;
      },
      newId: (index) => `i${index}`,
      makeStanza: (id) => id,
    },
    { count: 10, durationMs: 0, ratePerSecond: 0, inFlightMax: 100, batchMax: 4, settleMs: 1000, ...changes },
  );
  return { clock, sent, run, state };
}

test('every stanza is accounted for once: result, error by type and condition, or lost', deadline, async () => {
  const { clock, sent, run } = setup();
  await clock.advance(5);
  assert.equal(sent.length, 10);
  for (let index = 0; index < 6; index++) assert.equal(run.settle(`i${index}`, '', ''), true);
  assert.equal(run.settle('i0', '', ''), false);
  assert.equal(run.settle('i6', 'wait', 'service-unavailable'), true);
  assert.equal(run.settle('i7', 'cancel', 'item-not-found'), true);
  assert.equal(run.settle('i99', '', ''), false);
  await clock.advance(1000);
  const report = await run.finished;
  assert.equal(report.sent, 10);
  assert.equal(report.results, 6);
  assert.deepEqual(report.errors, { wait: 1, cancel: 1 });
  assert.deepEqual(report.conditions, { 'service-unavailable': 1, 'item-not-found': 1 });
  assert.equal(report.lost, 2);
  assert.equal(run.settle('i8', '', ''), false);
  assert.equal(clock.pending, 0);
});

test('no more than the window are in flight', deadline, async () => {
  const { clock, sent, run } = setup({ inFlightMax: 3 });
  await clock.advance(10);
  assert.equal(sent.length, 3);
  run.settle('i1', '', '');
  await clock.advance(2);
  assert.equal(sent.length, 4);
});

test('a rate is kept, and the latency counts from when a stanza was due', deadline, async () => {
  const { clock, sent, run, state } = setup({ count: 100, ratePerSecond: 100, batchMax: 1000 });
  await clock.advance(200);
  assert.ok(Math.abs(sent.length - 20) <= 1, `${sent.length}`);
  state.writable = false;
  await clock.advance(500);
  state.writable = true;
  await clock.advance(400);
  assert.equal(sent.length, 100);
  for (const { id } of sent) run.settle(id, '', '');
  const report = await run.finished;
  assert.equal(report.lost, 0);
  assert.ok(report.latencyMs.max >= 1000, `${report.latencyMs.max}`);
});

test('a run whose answers stop comes to an end', deadline, async () => {
  const { clock, run } = setup({ inFlightMax: 3, settleMs: 500 });
  await clock.advance(1000);
  const report = await run.finished;
  assert.equal(report.sent, 3);
  assert.equal(report.lost, 3);
});

test('quantiles are right to 7 %', () => {
  const histogram = new LatencyHistogram();
  for (let value = 1; value <= 10_000; value++) histogram.record(value / 10);
  for (const [quantile, expected] of [
    [0.5, 500],
    [0.95, 950],
    [0.99, 990],
  ] as const) {
    const found = histogram.quantileMs(quantile);
    assert.ok(Math.abs(found - expected) / expected < 0.07, `${quantile}: ${found}`);
  }
  assert.equal(histogram.maxMs, 1000);
  assert.equal(histogram.count, 10_000);
});

test('a run with a duration stops sending when it is over, and ends with the last answer', deadline, async () => {
  const { clock, sent, run } = setup({ count: 1_000_000, ratePerSecond: 100, durationMs: 500, settleMs: 60_000 });
  await clock.advance(700);
  assert.ok(sent.length >= 49 && sent.length <= 52, `${sent.length} sent in half a second at 100 a second`);
  assert.equal(run.progress.lost, sent.length);
  for (const { id } of sent) run.settle(id, '', '');
  const report = await run.finished;
  assert.deepEqual([report.sent, report.results, report.lost], [sent.length, sent.length, 0]);
});

test('a run that is finished early sends no more', deadline, async () => {
  const { clock, sent, run } = setup({ count: 1_000_000, ratePerSecond: 100 });
  await clock.advance(100);
  run.finish();
  const before = sent.length;
  await clock.advance(1_100);
  assert.equal(sent.length, before);
  assert.equal((await run.finished).sent, before);
});
