/**
 * `npm run fuzz`: a million spoilt server streams against our HTTP/2 client; `-- --streams N --seed S` for others. The
 * streams run in a thread, so that one that never ends is seen and named as well.
 */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { fuzzConnection } from './fuzz-connection.ts';

const streamsDefault = 1_000_000;
const stepStreams = 1_000;
const lookMs = 1_000;
// A stream takes tens of microseconds.
const stuckLooks = 20;
const heapGrowthBytesMax = 16 * 1_048_576;

interface Task {
  readonly seed: number;
  readonly streams: number;
  /** How many are done, for both threads. */
  readonly done: Int32Array;
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}

function work({ seed, streams, done }: Task): void {
  const warm = Math.min(streams, Math.max(stepStreams, Math.floor(streams / 10)));
  let before = 0;
  for (let at = 0; at < streams; at++) {
    if (at === warm) before = heapBytes();
    fuzzConnection(seed + at);
    Atomics.store(done, 0, at + 1);
  }
  if (before === 0) return;
  const grown = heapBytes() - before;
  if (grown > heapGrowthBytesMax) throw new Error(`the heap has grown by ${grown} bytes in ${streams - warm} streams`);
}

function look(seed: number, streams: number): void {
  const done = new Int32Array(new SharedArrayBuffer(4));
  const startedMs = Date.now();
  const worker = new Worker(new URL(import.meta.url), { workerData: { seed, streams, done } satisfies Task });
  let last = -1;
  let stuck = 0;
  let looks = 0;
  const timer = setInterval(() => {
    const now = Atomics.load(done, 0);
    stuck = now === last ? stuck + 1 : 0;
    last = now;
    if (++looks % 10 === 0) console.log(`fuzz: ${now} of ${streams} streams`);
    if (stuck < stuckLooks) return;
    console.error(`fuzz: seed ${seed + now} does not end`);
    process.exit(1);
  }, lookMs);
  worker.on('error', (error) => {
    console.error(error);
    process.exitCode = 1;
  });
  worker.on('exit', () => {
    clearInterval(timer);
    const count = Atomics.load(done, 0);
    const microseconds = Math.round(((Date.now() - startedMs) * 1_000) / Math.max(1, count));
    const verdict = process.exitCode === 1 ? 'FAILED' : 'no failure';
    console.log(`fuzz: ${count} streams from seed ${seed}, ${microseconds} us each: ${verdict}`);
  });
}

if (isMainThread) {
  const { values } = parseArgs({ options: { streams: { type: 'string' }, seed: { type: 'string' } } });
  const seed = Number(values.seed ?? Date.now() % 1_000_000_000);
  const streams = Number(values.streams ?? streamsDefault);
  if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(streams) || seed < 0 || streams < 1) {
    console.error('fuzz: --streams N --seed S are whole numbers');
    process.exitCode = 2;
  } else look(seed, streams);
} else {
  work(workerData as Task);
  parentPort?.close();
}
