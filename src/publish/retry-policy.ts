// Thread: main
/**
 * What to do after an outcome, while the asker still waits: tell it, try again, or renew the credential and try again.
 * Retries live in memory only as long as somebody waits for the answer; past that the asker was told to come back. How
 * long a gateway wants to be left alone is in the outcome: its own word, or its row in the provider's reason table.
 */
import { unreachable } from '../core/assert.ts';
import { fullJitterMs } from '../core/random.ts';
import type { Notification } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Random } from '../core/random.ts';

export type Retry =
  { readonly kind: 'settle' } | { readonly kind: 'retry'; readonly atMs: number } | { readonly kind: 'renew' };

export interface Attempt {
  readonly notification: Notification;
  /** The provider's gateway replaces a notification by a later one with the same collapse id. */
  readonly collapses: boolean;
  /** Sends that have ended before this one: 0 at the first. */
  readonly attempt: number;
  readonly nowMs: number;
  readonly deadlineMs: number;
  readonly random: Random;
}

// What came together must not come back together: up to this share of the wait is added.
const spreadShare = 0.25;
// A retry that cannot be answered in this time is not worth a request.
const usefulMs = 200;
const backoffFirstMs = 50;
const backoffMaxMs = 1_000;
// Past these no asker waits any more.
const doublingsMax = 10;
const settle: Retry = { kind: 'settle' };

export function retryAfter(outcome: Outcome, after: Attempt): Retry {
  switch (outcome.kind) {
    case 'accepted':
    case 'unregistered':
    case 'rejected':
      return settle;
    // It was not sent within `request_ms`, and nobody has it; the asker may wait longer than that.
    case 'expired':
      return retryAt(after.nowMs + waitMs(0, after), after);
    // Nobody has it. Without a time it is about this device, and only the asker knows whether it can wait.
    case 'throttled':
      return outcome.retryAfterMs > 0 ? retryAt(after.nowMs + waitMs(outcome.retryAfterMs, after), after) : settle;
    case 'unauthorized':
      return outcome.renewable && after.attempt === 0 && isUseful(after.nowMs, after) ? { kind: 'renew' } : settle;
    case 'unavailable':
      if (outcome.reached === 'unknown') {
        // Perhaps it was delivered: a second copy is invisible only where it replaces the first.
        if (!after.collapses || after.notification.collapseId === '' || after.attempt > 0) return settle;
      }
      return retryAt(after.nowMs + waitMs(outcome.retryAfterMs, after), after);
    default:
      return unreachable(outcome);
  }
}

function waitMs(askedMs: number, after: Attempt): number {
  if (askedMs > 0) {
    const doubledMs = askedMs * 2 ** Math.min(after.attempt, doublingsMax);
    return doubledMs + after.random.unit() * doubledMs * spreadShare;
  }
  // The first goes at once to another session; the next ones spread out.
  return after.attempt === 0 ? 0 : fullJitterMs(after.random, after.attempt, backoffFirstMs, backoffMaxMs);
}

function retryAt(atMs: number, after: Attempt): Retry {
  return isUseful(atMs, after) ? { kind: 'retry', atMs } : settle;
}

function isUseful(atMs: number, after: Attempt): boolean {
  return atMs + usefulMs < after.deadlineMs;
}
