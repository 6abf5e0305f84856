// Thread: worker
/**
 * How many frames the peer may send that serve no request: SETTINGS, PING, empty ones, those we do not know. Past the
 * bound the connection ends with ENHANCE_YOUR_CALM (RFC 9113 §10.5). Each response allows for one more: servers that
 * measure bandwidth send a PING for each, others WINDOW_UPDATE. The clock is read once for each allowance, not for each
 * frame.
 */
import { limits } from '../../core/limits.ts';
import type { Clock } from '../../core/clock.ts';

const second = 1_000;

export class CalmMeter {
  readonly #clock: Clock;
  #count = 0;
  #sinceMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.monotonicMs();
  }

  /** A response has come. */
  served(): void {
    if (this.#count >= 1) this.#count -= 1;
  }

  /** False: enough. @param weight 1 for a frame that asks for an answer or says nothing; less for cheap ones. */
  allows(weight: number): boolean {
    this.#count += weight;
    if (this.#count <= limits.h2IdleFramesPerSecondMax) return true;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#sinceMs < second) return false;
    this.#sinceMs = nowMs;
    this.#count = weight;
    return true;
  }
}
