// Thread: any
/**
 * How one publish ended. Seven kinds; every decision after a send (retry? disable? what does the IQ say?) is an
 * exhaustive `switch` over them. `accepted` and `rejected` were answered; `unavailable` was not: never fold it into
 * `rejected`. The outcome is data: it crosses threads and is never thrown.
 */
export type Outcome =
  /**
   * The gateway took it. `gatewayId`: its own name for the notification (`apns-id`, FCM message name), `''` if none.
   */
  | { readonly kind: 'accepted'; readonly gatewayId: string }
  /** The device token is dead. `sinceMs`: epoch ms since when, as the gateway says; 0 = it did not say. */
  | { readonly kind: 'unregistered'; readonly reason: string; readonly sinceMs: number }
  /** This notification can never succeed (too large, bad topic ...); the device may be fine. */
  | { readonly kind: 'rejected'; readonly reason: string }
  /** Its time passed before an answer. */
  | { readonly kind: 'expired'; readonly reason: string }
  /** Later, says the gateway. `retryAfterMs`: a duration, 0 = it did not say. */
  | { readonly kind: 'throttled'; readonly reason: string; readonly retryAfterMs: number }
  /**
   * Our credential is refused: nothing is wrong with the device or the notification. `gatewayAtMs`: epoch ms, what the
   * gateway's clock said when it answered, 0 = not said: a clock of ours that is wrong makes credentials that are.
   * `renewable`: a fresh authorization of the same credential may be taken; otherwise only a person can help.
   */
  | {
      readonly kind: 'unauthorized';
      readonly reason: string;
      readonly gatewayAtMs: number;
      readonly renewable: boolean;
    }
  /** Nobody answered. `reached`: whether the gateway may have acted on it. `retryAfterMs` as above. */
  | {
      readonly kind: 'unavailable';
      readonly reached: 'no' | 'unknown';
      readonly reason: string;
      readonly retryAfterMs: number;
    };

export type OutcomeKind = Outcome['kind'];

export const outcomeKinds: readonly OutcomeKind[] = [
  'accepted',
  'unregistered',
  'rejected',
  'expired',
  'throttled',
  'unauthorized',
  'unavailable',
];

export function accepted(gatewayId: string): Outcome {
  return { kind: 'accepted', gatewayId };
}

export function unregistered(reason: string, sinceMs: number): Outcome {
  return { kind: 'unregistered', reason, sinceMs };
}

export function rejected(reason: string): Outcome {
  return { kind: 'rejected', reason };
}

export function expired(reason: string): Outcome {
  return { kind: 'expired', reason };
}

export function throttled(reason: string, retryAfterMs: number): Outcome {
  return { kind: 'throttled', reason, retryAfterMs };
}

export function unauthorized(reason: string, gatewayAtMs = 0, renewable = true): Outcome {
  return { kind: 'unauthorized', reason, gatewayAtMs, renewable };
}

export function unavailable(reached: 'no' | 'unknown', reason: string, retryAfterMs = 0): Outcome {
  return { kind: 'unavailable', reached, reason, retryAfterMs };
}
