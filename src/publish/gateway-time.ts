// Thread: main
/**
 * What time it is at the gateways. A clock of ours that is wrong makes tokens that are refused (reference 3.5:
 * ExpiredProviderToken "or clock skew"), so the `date` fields that come with refusals and tokens are compared with it:
 * where they differ, tokens are minted with the gateway's time, and a person is told.
 */
import { epochMs } from '../core/ids.ts';
import type { Clock } from '../core/clock.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';

/**
 * The field counts whole seconds and has been on its way; a token has ten minutes between its renewal and its end at
 * Apple, and Google allows minutes as well. A minute is far from both.
 */
export const skewMsMax = 60_000;
const sayEveryMs = 3_600_000;

export class GatewayTime {
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** What a gateway's clock said, and when by our monotonic one. */
  #said: { readonly gatewayAtMs: number; readonly monotonicMs: number } | undefined;
  #loggedAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Our own time while it agrees, also from the moment on at which somebody has set the clock right. */
  now(): EpochMs {
    const ownMs = this.#clock.now();
    if (this.#said === undefined) return ownMs;
    const theirMs = this.#said.gatewayAtMs + this.#clock.monotonicMs() - this.#said.monotonicMs;
    return Math.abs(theirMs - ownMs) > skewMsMax ? epochMs(Math.round(theirMs)) : ownMs;
  }

  /** By how much gateways are ahead of our clock; 0 = it is right as far as we know. */
  get offsetMs(): number {
    return this.now() - this.#clock.now();
  }

  /** @param gatewayAtMs epoch ms; 0 = not said. @returns whether we have believed in another time until now. */
  observe(gatewayAtMs: number): boolean {
    if (gatewayAtMs === 0) return false;
    const wasWrong = Math.abs(gatewayAtMs - this.now()) > skewMsMax;
    this.#said = { gatewayAtMs, monotonicMs: this.#clock.monotonicMs() };
    const aheadMs = gatewayAtMs - this.#clock.now();
    if (Math.abs(aheadMs) > skewMsMax) this.#say(aheadMs);
    return wasWrong;
  }

  /** What an earlier process has found out, until a gateway says more. */
  assume(offsetMs: number): void {
    if (this.#said !== undefined || offsetMs === 0) return;
    this.#said = { gatewayAtMs: this.#clock.now() + offsetMs, monotonicMs: this.#clock.monotonicMs() };
  }

  #say(aheadMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#loggedAtMs < sayEveryMs) return;
    this.#loggedAtMs = nowMs;
    const seconds = Math.round(Math.abs(aheadMs) / 1_000);
    const side = aheadMs > 0 ? 'behind' : 'ahead of';
    this.#logger.error(
      { offsetMs: aheadMs },
      `this machine's clock is ${seconds} s ${side} the gateways': tokens get their time; set the clock (NTP)`,
    );
  }
}
