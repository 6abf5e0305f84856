/**
 * How tests wait for something outside this process: by asking until it is true, or failing at a deadline that names
 * what was waited for. Nothing here waits for a fixed time.
 */
import { setTimeout as after } from 'node:timers/promises';

// Many times what anything takes on an idle machine: a busy one is not a failure.
const deadlineDefaultMs = 30_000;
// Short against a server's start (1 s), long against one question (1 ms).
const askEveryMs = 20;

/** Thrown by a question of `until`: it cannot come true any more. */
export class GiveUp extends Error {
  override readonly name = 'GiveUp';
}

/** Asks `question` until it answers other than `undefined`; a thrown error other than `GiveUp` counts as "not yet". */
export async function until<T>(
  what: string,
  question: () => T | undefined | Promise<T | undefined>,
  deadlineMs: number = deadlineDefaultMs,
): Promise<T> {
  const endsAtMs = performance.now() + deadlineMs;
  let trouble: unknown;
  for (;;) {
    try {
      const answer = await question();
      if (answer !== undefined) return answer;
    } catch (error) {
      if (error instanceof GiveUp) throw error;
      trouble = error;
    }
    if (performance.now() > endsAtMs) {
      throw new Error(`within ${deadlineMs} ms it did not come true: ${what}`, { cause: trouble });
    }
    await after(askEveryMs);
  }
}

/** The promise's value, or a failure that names `what` when it takes longer than `deadlineMs`. */
export async function within<T>(what: string, promise: Promise<T>, deadlineMs: number = deadlineDefaultMs): Promise<T> {
  const stop = new AbortController();
  const late = after(deadlineMs, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`within ${deadlineMs} ms it did not happen: ${what}`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    stop.abort();
    late.catch(() => undefined); // the aborted wait rejects, and nobody is left to hear it
  }
}
