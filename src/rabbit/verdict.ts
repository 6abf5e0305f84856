// Thread: main
/** What becomes of a message of the broker once its event has ended. Pure. */
import { unreachable } from '../core/assert.ts';
import type { EventResult } from '../core/event.ts';
import type { Outcome } from '../core/outcome.ts';

export type Verdict =
  /** Nothing is left to do. */
  | { readonly kind: 'done' }
  /** `waitMs`: as a gateway asks, 0 if none does. */
  | { readonly kind: 'again'; readonly waitMs: number }
  | { readonly kind: 'poison'; readonly reason: string };

const done: Verdict = { kind: 'done' };

export function verdictOn(result: EventResult): Verdict {
  switch (result.kind) {
    case 'skipped':
    case 'noted':
      return done;
    case 'invalid':
      return { kind: 'poison', reason: result.reason };
    case 'refused':
      return { kind: 'again', waitMs: 0 };
    case 'pushed': {
      // Whoever has got it already is left out by the engine, which knows the message again by its id.
      let waitMs = -1;
      for (const { outcome } of result.publishes) waitMs = Math.max(waitMs, againAfterMs(outcome));
      return waitMs < 0 ? done : { kind: 'again', waitMs };
    }
    default:
      return unreachable(result);
  }
}

/** -1: not again. `unauthorized` is our own trouble, which may be mended. */
function againAfterMs(outcome: Outcome): number {
  switch (outcome.kind) {
    case 'accepted':
    case 'rejected':
    case 'unregistered':
    case 'expired':
      return -1;
    case 'throttled':
      return outcome.retryAfterMs;
    case 'unauthorized':
      return 0;
    case 'unavailable':
      // It may have arrived: twice is worse than a chance of never.
      return outcome.reached === 'no' ? outcome.retryAfterMs : -1;
    default:
      return unreachable(outcome);
  }
}
