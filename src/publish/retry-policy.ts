// Thread: main
/**
 * What to do after an outcome, while the asker still waits: tell it, try again, or renew the credential and try again.
 * Retries live in memory only as long as somebody waits for the answer; past that the asker was told to come back.
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
  /** Sends that have ended before this one: 0 at the first. */
  readonly attempt: number;
  readonly nowMs: number;
  readonly deadlineMs: number;
  readonly random: Random;
}

// A retry that cannot be answered in this time is not worth a request.
const usefulMs = 200;
const backoffFirstMs = 50;
const backoffMaxMs = 1_000;
const settle: Retry = { kind: 'settle' };

export function retryAfter(outcome: Outcome, after: Attempt): Retry {
  switch (outcome.kind) {
    case 'accepted':
    case 'unregistered':
    case 'rejected':
    case 'expired':
    // The gateway has said "later", and later is after the asker's patience: it is told so.
    case 'throttled':
      return settle;
    case 'unauthorized':
      return after.attempt === 0 && isUseful(after.nowMs, after) ? { kind: 'renew' } : settle;
    case 'unavailable':
      if (outcome.reached === 'unknown') {
        // Perhaps it was delivered: a second copy is invisible only where it replaces the first.
        if (after.notification.collapseId === '' || after.attempt > 0) return settle;
      }
      return retryAt(after.nowMs + waitMs(outcome.retryAfterMs, after), after);
    default:
      return unreachable(outcome);
  }
}

function waitMs(askedMs: number, after: Attempt): number {
  if (askedMs > 0) return askedMs;
  // The first goes at once to another session; the next ones spread out.
  return after.attempt === 0 ? 0 : fullJitterMs(after.random, after.attempt, backoffFirstMs, backoffMaxMs);
}

function retryAt(atMs: number, after: Attempt): Retry {
  return isUseful(atMs, after) ? { kind: 'retry', atMs } : settle;
}

function isUseful(atMs: number, after: Attempt): boolean {
  return atMs + usefulMs < after.deadlineMs;
}
