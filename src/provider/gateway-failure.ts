// Thread: worker
/**
 * What a request without a response means for its notification (RFC 9113 §6.8, §8.7 say what was certainly not acted
 * on).
 */
import { unreachable } from '../core/assert.ts';
import { expired, unavailable } from '../core/outcome.ts';
import type { Outcome } from '../core/outcome.ts';
import type { GatewayFailure } from '../transport/gateway-session.ts';

/** @param unansweredMs how long the gateway wants what it may have got not to be sent again; 0 = no word of it. */
export function outcomeOfFailure(failure: GatewayFailure, reason: string, unansweredMs = 0): Outcome {
  switch (failure) {
    case 'not-sent':
      return unavailable('no', reason);
    case 'no-answer':
      return unavailable('unknown', reason, unansweredMs);
    // The gateway has it and may yet deliver it.
    case 'deadline':
      return unavailable('unknown', 'deadline', unansweredMs);
    // Nobody has it; whether somebody still waits for it, the dispatcher knows.
    case 'deadline-unsent':
      return expired('deadline-unsent');
    default:
      return unreachable(failure);
  }
}
