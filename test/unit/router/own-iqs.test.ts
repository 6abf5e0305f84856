import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { OwnIqs } from '../../../src/router/own-iqs.ts';
import { parseXml } from '../../parse-xml.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import type { IqAnswer } from '../../../src/event/commands.ts';

const service = 'push.example.org';
const result = parseXml("<iq type='result'/>");

interface World {
  readonly clock: VirtualClock;
  readonly iqs: OwnIqs;
  readonly answers: (readonly [tag: number, answer: IqAnswer])[];
  readonly open: (tag: number, waitMs?: number, sizeMax?: number) => string | undefined;
}

function world(): World {
  const clock = new VirtualClock();
  const iqs = new OwnIqs(clock, seededRandom(1));
  const answers: (readonly [number, IqAnswer])[] = [];
  const reply = { iqAnswered: (tag: number, answer: IqAnswer) => void answers.push([tag, answer]) };
  const open = (tag: number, waitMs = 30_000, sizeMax = 10): string | undefined =>
    iqs.open({ to: service, through: '', waitMs, reply, tag }, sizeMax);
  return { clock, iqs, answers, open };
}

const timedOut = (tag: number): readonly [number, IqAnswer] => [tag, { kind: 'timeout' }];

test('2.17 an IQ of ours has an id of 96 random bits, and no two are alike', () => {
  const { open } = world();
  const ids = new Set(Array.from({ length: 10 }, (_, tag) => open(tag)));
  assert.equal(ids.size, 10);
  for (const id of ids) assert.match(id ?? '', /^[\w-]{16}$/);
});

test('2.17 an answer counts once, by its id and its sender together', () => {
  const { iqs, answers, open } = world();
  const id = open(7) ?? '';
  assert.equal(iqs.answered(id, 'evil.example', result), false);
  assert.equal(iqs.answered(id, `x@${service}`, result), false);
  assert.equal(iqs.answered(`${id}x`, service, result), false);
  assert.deepEqual(answers, []);
  assert.equal(iqs.answered(id, service, result), true);
  assert.equal(iqs.answered(id, service, result), false);
  assert.deepEqual([answers, iqs.size], [[[7, { kind: 'result' }]], 0]);
});

test('2.17 an IQ that nobody answers ends at its deadline, and a late answer is none', async () => {
  const { clock, iqs, answers, open } = world();
  const id = open(1, 5_000) ?? '';
  await clock.advance(4_999);
  assert.deepEqual(answers, []);
  await clock.advance(1);
  assert.deepEqual(answers, [timedOut(1)]);
  assert.equal(iqs.answered(id, service, result), false);
  await clock.advance(60_000);
  assert.deepEqual([answers.length, clock.pending], [1, 0]);
});

test('2.17 waits of different length end in their own order, a shorter one that came later first', async () => {
  const { clock, answers, open } = world();
  open(1, 20_000);
  open(2, 1_000);
  open(3, 10_000);
  await clock.advance(1_000);
  assert.deepEqual(answers, [timedOut(2)]);
  open(4, 500);
  await clock.advance(500);
  assert.deepEqual(answers, [timedOut(2), timedOut(4)]);
  await clock.advance(18_500);
  assert.deepEqual(answers, [timedOut(2), timedOut(4), timedOut(3), timedOut(1)]);
});

test('the table is read at most once in a while, however close the deadlines lie', async () => {
  const { clock, answers, open } = world();
  for (let tag = 0; tag < 10; tag++) {
    open(tag, 1_000);
    await clock.advance(1);
  }
  await clock.advance(990);
  await clock.advance(limits.ownIqSweepGapMs - 1);
  assert.deepEqual(answers, [timedOut(0)]);
  await clock.advance(1);
  assert.equal(answers.length, 10);
});

test('a full table takes no more until one is answered, timed out or forgotten', async () => {
  const { clock, iqs, open } = world();
  const [first, second] = [open(1, 1_000, 2), open(2, 60_000, 2)];
  assert.equal(open(3, 1_000, 2), undefined);
  iqs.forget(first ?? '');
  assert.notEqual(open(4, 1_000, 2), undefined);
  assert.equal(open(5, 1_000, 2), undefined);
  await clock.advance(1_000);
  assert.notEqual(open(6, 1_000, 2), undefined);
  assert.equal(iqs.answered(second ?? '', service, result), true);
  assert.notEqual(open(7, 1_000, 2), undefined);
});

test('what is forgotten is not answered', async () => {
  const { clock, iqs, answers, open } = world();
  iqs.forget(open(1, 1_000) ?? '');
  await clock.advance(2_000);
  iqs.end();
  assert.deepEqual(answers, []);
});

test('at the end all that wait are told, once', async () => {
  const { clock, iqs, answers, open } = world();
  open(1);
  open(2);
  iqs.end();
  iqs.end();
  await clock.advance(60_000);
  assert.deepEqual([answers, iqs.size, clock.pending], [[timedOut(1), timedOut(2)], 0, 0]);
});
