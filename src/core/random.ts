// Thread: any
/**
 * Chance as an input. The only user of the system's random source; tests pass `seededRandom`.
 */
import { randomFillSync } from 'node:crypto';
import { notificationId } from './ids.ts';
import { assert } from './assert.ts';
import type { NotificationId } from './ids.ts';

export interface Random {
  /** `count` random bytes, 1 to 4096. */
  bytes(count: number): Buffer;
  /** A number in [0, 1). */
  unit(): number;
  /** A UUID in lower case that no other has, nor will have (RFC 9562 §5.8). Not secret: neighbours look alike. */
  uuid(): string;
}

// One system call fills this many bytes; ids of 16 bytes then cost a copy, not a call.
const poolBytes = 4096;

// A block of ids shares its first 74 random bits; the last 12 hex digits count. Drawing 16 bytes for each would cost
// ten times as much, on the path of every notification.
const idsOfBlock = 2 ** 20;

function cryptoRandom(): Random {
  const pool = Buffer.alloc(poolBytes);
  let used = poolBytes;
  const bytes = (count: number): Buffer => {
    assert(count > 0 && count <= poolBytes, `random bytes: 1 to ${poolBytes}, asked for ${count}`);
    if (used + count > poolBytes) {
      randomFillSync(pool);
      used = 0;
    }
    const taken = Buffer.from(pool.subarray(used, used + count));
    pool.fill(0, used, used + count); // what was handed out is not kept
    used += count;
    return taken;
  };
  return { bytes, unit: () => bytes(6).readUIntBE(0, 6) / 2 ** 48, uuid: uuids(bytes) };
}

/** Chance from the operating system's cryptographic source. */
export const systemRandom: Random = cryptoRandom();

/** Reproducible, not secret: for tests, the simulator and the demo's traffic (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const unit = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const bytes = (count: number): Buffer => {
    const filled = Buffer.alloc(count);
    for (let index = 0; index < count; index++) filled[index] = Math.floor(unit() * 256);
    return filled;
  };
  return { unit, bytes, uuid: uuids(bytes) };
}

/** Version 8 (RFC 9562 §5.8): what the bits mean is ours. */
function uuids(bytes: (count: number) => Buffer): () => string {
  let prefix = '';
  let next = idsOfBlock;
  return () => {
    if (next === idsOfBlock) {
      const raw = bytes(10);
      raw[6] = ((raw[6] ?? 0) & 0x0f) | 0x80;
      raw[8] = ((raw[8] ?? 0) & 0x3f) | 0x80;
      prefix = raw.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})$/, '$1-$2-$3-$4-');
      next = 0;
    }
    return prefix + (next++).toString(16).padStart(12, '0');
  };
}

/** An id for a new notification, in the canonical form that Apple asks for. */
export function newNotificationId(random: Random): NotificationId {
  return notificationId(random.uuid());
}

/**
 * Full jitter: a uniform wait in [0, min(maxMs, firstMs * 2^attempt)), so that a thousand engines do not march in step.
 */
export function fullJitterMs(random: Random, attempt: number, firstMs: number, maxMs: number): number {
  return random.unit() * Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30));
}
