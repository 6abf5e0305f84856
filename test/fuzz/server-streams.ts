/**
 * What HTTP/2 servers send, made up from a seed: good answers in every form the RFC allows, and what becomes of them
 * when bits flip, frames get lost, are doubled, change places, lie about themselves, or belong to another connection.
 */
import { seededRandom } from '../../src/core/random.ts';
import { captureRequests } from '../peers/h2-captures.ts';
import {
  FrameReader,
  continuation,
  data,
  frame,
  goaway,
  headers,
  ping,
  priorityFrame,
  reset,
  settings,
  settingsAck,
  windowUpdate,
} from '../peers/h2-frames.ts';
import { huffmanLiteral, indexed, indexing, literals, tableSize } from '../peers/h2-hpack.ts';
import type { Settings } from '../peers/h2-frames.ts';

/** A number in [0, 1). */
export type Chance = () => number;

export interface ServerStream {
  /** The first is SETTINGS. */
  readonly frames: readonly Buffer[];
  /** Streams 1, 3, 5 … that it answers. */
  readonly requests: number;
  /** What each request ends with; `lost` for one that is reset. Empty where that is not known. */
  readonly ends: readonly string[];
}

export function chanceOf(seed: number): Chance {
  const random = seededRandom(seed);
  return () => random.unit();
}

export function below(chance: Chance, count: number): number {
  return Math.floor(chance() * count);
}

function oneOf<T>(chance: Chance, items: readonly [T, ...T[]]): T {
  return items[below(chance, items.length)] ?? items[0];
}

const headBytes = 9;

/** An answer as frames still to be made: what a block says depends on the table at its turn. */
type Step = (table: string[]) => readonly Buffer[];

export function goodStream(seed: number): ServerStream {
  const chance = chanceOf(seed);
  const requests = 1 + below(chance, 6);
  const frames: Buffer[] = [
    settings(oneOf<Settings>(chance, [{}, { maxConcurrentStreams: 100 }, { headerTableSize: 0 }])),
  ];
  if (chance() < 0.7) frames.push(settingsAck());
  const ends: string[] = [];
  const scripts = Array.from({ length: requests }, (_, index) => answerSteps(chance, 2 * index + 1, ends));
  const table: string[] = [];
  while (scripts.some((steps) => steps.length > 0)) {
    const step = scripts[below(chance, scripts.length)]?.shift();
    if (step !== undefined) frames.push(...step(table));
    if (chance() < 0.15) frames.push(aside(chance, 2 * below(chance, requests) + 1));
  }
  if (chance() < 0.2) frames.push(goaway(2 ** 31 - 1, 0), goaway(2 * requests - 1, 0, 'bye'));
  return { frames, requests, ends };
}

/** What a real server has sent in answer to six requests. */
export function capturedStream(bytes: Buffer): ServerStream {
  const frames = new FrameReader().push(bytes);
  return {
    frames: frames.map(({ type, flags, streamId, payload }) => frame(type, flags, streamId, payload)),
    requests: captureRequests.length,
    ends: [],
  };
}

function answerSteps(chance: Chance, streamId: number, ends: string[]): Step[] {
  const index = (streamId - 1) / 2;
  const status = oneOf(chance, ['200', '400', '410', '503']);
  if (chance() < 0.08) {
    ends[index] = 'lost';
    return [() => [reset(streamId, oneOf(chance, [7, 8, 2]))]];
  }
  const body = 'Grüße! '.repeat(below(chance, 12));
  const trailers = chance() < 0.15;
  const lengthField = chance() < 0.3 ? ([['content-length', String(Buffer.byteLength(body))]] as const) : [];
  ends[index] = `${status} id-${streamId} ${body}`;
  const steps: Step[] = [];
  if (chance() < 0.15) steps.push(() => [headers(streamId, [[':status', '103']])]);
  steps.push((table) =>
    inFrames(chance, streamId, {
      block: Buffer.concat([
        statusBlock(chance, status, table),
        chance() < 0.5 ? literals(['apns-id', `id-${streamId}`]) : huffmanLiteral(['apns-id', `id-${streamId}`]),
        literals(...lengthField),
      ]),
      end: body === '' && !trailers,
    }),
  );
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length;) {
    const to = Math.min(bytes.length, at + 1 + below(chance, 60));
    const part = bytes.subarray(at, to);
    at = to;
    const options = chance() < 0.2 ? { padding: below(chance, 20) } : {};
    steps.push(() => [data(streamId, part, { ...options, end: to === bytes.length && !trailers })]);
  }
  if (trailers) steps.push(() => [headers(streamId, [['x-trailer', 'y']], { end: true })]);
  return steps;
}

function statusBlock(chance: Chance, status: string, table: string[]): Buffer {
  const known = table.indexOf(status);
  if (known !== -1 && chance() < 0.7) return indexed(62 + known);
  if (chance() < 0.1) {
    table.length = 0;
    return Buffer.concat([tableSize(0), tableSize(4_096), literals([':status', status])]);
  }
  if (chance() < 0.5) return literals([':status', status]);
  table.unshift(status);
  return indexing([':status', status]);
}

function inFrames(
  chance: Chance,
  streamId: number,
  { block, end }: { readonly block: Buffer; readonly end: boolean },
): readonly Buffer[] {
  const options = { end, ...(chance() < 0.1 ? { padding: 5 } : {}), priority: chance() < 0.1 };
  if (chance() < 0.8) return [headers(streamId, block, options)];
  const at = below(chance, block.length);
  return [
    headers(streamId, block.subarray(0, at), { ...options, endHeaders: false }),
    continuation(streamId, block.subarray(at), true),
  ];
}

function aside(chance: Chance, streamId: number): Buffer {
  return oneOf(chance, [
    ping(),
    settings({ initialWindowSize: 65_535 + below(chance, 1_000) }),
    settings({ maxConcurrentStreams: below(chance, 1_000), headerTableSize: below(chance, 5_000) }),
    windowUpdate(0, 1 + below(chance, 70_000)),
    windowUpdate(streamId, 1 + below(chance, 70_000)),
    priorityFrame(streamId),
    frame(0xbb, 0xff, streamId, Buffer.alloc(10)),
  ]);
}

/** Frames of a stream, spoilt. The first stays what it is mostly: without SETTINGS nothing else is read. */
export function spoilt(chance: Chance, frames: readonly Buffer[], other: readonly Buffer[]): Buffer[] {
  const spoiling = [...frames];
  const from = chance() < 0.05 ? 0 : 1;
  for (let left = 1 + below(chance, 4); left > 0 && spoiling.length > from; left--) {
    const at = from + below(chance, spoiling.length - from);
    spoil(chance, spoiling, at);
    if (chance() < 0.05) spoiling.splice(at, Infinity, ...other.slice(below(chance, other.length)));
  }
  return spoiling;
}

function spoil(chance: Chance, frames: Buffer[], at: number): void {
  const bytes = Buffer.from(frames[at] ?? Buffer.alloc(0));
  if (bytes.length < headBytes) return; // cut already
  const place = below(chance, bytes.length);
  switch (below(chance, 13)) {
    case 0:
      bytes[place] = (bytes[place] ?? 0) ^ (1 << below(chance, 8));
      break;
    case 1:
      bytes[place] = below(chance, 256);
      break;
    case 2:
      frames.splice(at, 1, bytes.subarray(0, place));
      return;
    case 3:
      frames.splice(at, 1);
      return;
    case 4:
      for (let times = 1 + below(chance, chance() < 0.1 ? 100 : 3); times > 0; times--) frames.splice(at, 0, bytes);
      return;
    case 5:
      frames.splice(at, 1);
      frames.splice(1 + below(chance, frames.length), 0, bytes);
      return;
    case 6:
      bytes.writeUIntBE(below(chance, chance() < 0.5 ? 64 : 2 ** 24), 0, 3);
      break;
    case 7:
      bytes[3] = below(chance, 12);
      break;
    case 8:
      bytes[4] = below(chance, 256);
      break;
    case 9:
      bytes.writeUInt32BE(chance() < 0.8 ? below(chance, 20) : below(chance, 2 ** 32), 5);
      break;
    case 10:
      frames.splice(at, 0, noise(chance, 1 + below(chance, 40)));
      return;
    case 11:
      frames.splice(at, 0, frame(below(chance, 12), below(chance, 256), below(chance, 16), noise(chance, 30)));
      return;
    default:
      bytes.set(noise(chance, bytes.length - place), place);
  }
  frames[at] = bytes;
}

function noise(chance: Chance, most: number): Buffer {
  const bytes = Buffer.allocUnsafe(below(chance, most + 1));
  for (let at = 0; at < bytes.length; at++) bytes[at] = below(chance, 256);
  return bytes;
}
