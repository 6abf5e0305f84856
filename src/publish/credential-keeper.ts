// Thread: main
/**
 * Keeps one provider's authorization value: mints it, renews it before it ends, one mint at a time. Keys never leave
 * the source. A source that fails is asked again with full-jitter back-off, and meanwhile the old value is used as long
 * as it lives.
 */
import { fullJitterMs } from '../core/random.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Random } from '../core/random.ts';
import type { Credential, CredentialFailure, CredentialSource } from '../provider/provider.ts';

export interface CredentialKeeperOptions {
  readonly source: CredentialSource;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly provider: string;
}

// A refused mint is repeated within these bounds, by itself or because notifications wait: the token endpoint must not
// be hammered, nor an outage outlive itself.
const retryFirstMs = 1_000;
const retryMaxMs = 60_000;
// A gateway that refuses a fresh value again and again must not make us mint in a loop: Apple counts updates (429).
const renewSpacingMs = 10_000;

export class CredentialKeeper {
  readonly #options: CredentialKeeperOptions;
  #credential: Credential | undefined;
  #failure: CredentialFailure | undefined;
  #flight: Promise<void> | undefined;
  #failures = 0;
  /** Monotonic: after a jump back of wall time a refused value must not pass for a fresh one. */
  #mintedAtMs = Number.NEGATIVE_INFINITY;
  #cancelTimer: Cancel | undefined;
  #failedAtMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: CredentialKeeperOptions) {
    this.#options = options;
  }

  /** The value to send, or `undefined` when there is none that works now. */
  current(): string | undefined {
    const credential = this.#credential;
    if (credential === undefined || credential.expiresAtMs <= this.#options.clock.now()) return undefined;
    return credential.authorization;
  }

  /** Why there is none. */
  get failure(): CredentialFailure | undefined {
    return this.#failure;
  }

  /** Resolves when a mint has ended, well or not. Starts one if none flies, and none has failed within a second. */
  mint(): Promise<void> {
    if (this.#closed || this.#options.clock.monotonicMs() - this.#failedAtMs < retryFirstMs) return Promise.resolve();
    return this.#mintNow();
  }

  /** The gateway has refused the value: mints a new one, unless the present one is younger than 10 s. */
  async refused(): Promise<void> {
    const { clock } = this.#options;
    if (this.#flight === undefined && clock.monotonicMs() - this.#mintedAtMs < renewSpacingMs) return;
    await this.mint();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    await this.#flight;
    await this.#options.source.close();
  }

  #mintNow(): Promise<void> {
    this.#flight ??= this.#fly();
    return this.#flight;
  }

  async #fly(): Promise<void> {
    const { source, clock, random, logger, provider } = this.#options;
    this.#cancelTimer?.();
    const minted = await source.mint(clock.now());
    this.#flight = undefined;
    if (this.#closed) return;
    if (minted.ok) {
      this.#credential = minted.value;
      this.#failure = undefined;
      this.#failures = 0;
      this.#mintedAtMs = clock.monotonicMs();
      this.#mintAfter(Math.max(1_000, minted.value.renewAtMs - clock.now()));
      return;
    }
    this.#failure = minted.error;
    logger.error({ provider, reason: minted.error.reason, transient: minted.error.transient }, 'no authorization');
    this.#failedAtMs = clock.monotonicMs();
    this.#mintAfter(fullJitterMs(random, ++this.#failures, retryFirstMs, retryMaxMs) + retryFirstMs);
  }

  #mintAfter(delayMs: number): void {
    this.#cancelTimer = this.#options.clock.after(delayMs, () => void this.#mintNow(), false);
  }
}
