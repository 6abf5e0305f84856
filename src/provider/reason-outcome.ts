// Thread: any
/** What a row of a gateway's reason table makes of an answer: the step all providers with a table share. */
import { unreachable } from '../core/assert.ts';
import { rejected, throttled, unauthorized, unavailable, unregistered } from '../core/outcome.ts';
import type { Outcome, OutcomeKind } from '../core/outcome.ts';

/** An answer, as a provider judges it. */
export interface GatewayResponse {
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
  readonly nowMs: number;
}

/** The part of a row that decides the outcome. */
export interface ReasonMeaning {
  readonly kind: Exclude<OutcomeKind, 'accepted' | 'expired'>;
  /** For `unavailable`. */
  readonly reached: 'no' | 'unknown';
  /** For `unauthorized`: a fresh value of the same credential may be taken. Default true. */
  readonly renewable?: boolean;
}

export interface SaidBeside {
  readonly reason: string;
  /** For `unregistered`: epoch ms since when, 0 = not said. */
  readonly sinceMs: number;
  /** For `throttled` and `unavailable`: a duration, 0 = not said. */
  readonly laterMs: number;
  /** For `unauthorized`: epoch ms, 0 = not said. */
  readonly gatewayAtMs: number;
}

export function outcomeOfReason(
  meaning: ReasonMeaning,
  { reason, sinceMs, laterMs, gatewayAtMs }: SaidBeside,
): Outcome {
  switch (meaning.kind) {
    case 'unregistered':
      return unregistered(reason, sinceMs);
    case 'rejected':
      return rejected(reason);
    case 'throttled':
      return throttled(reason, laterMs);
    case 'unauthorized':
      return unauthorized(reason, gatewayAtMs, meaning.renewable ?? true);
    case 'unavailable':
      return unavailable(meaning.reached, reason, laterMs);
    default:
      return unreachable(meaning.kind);
  }
}
