// Thread: main
/**
 * Keeps the authorization value of one key, for all providers and threads that use it: mints it, renews it before it
 * ends, one mint at a time. Keys never leave the source. A source that fails is asked again with full-jitter back-off,
 * and meanwhile the old value is used as long as it lives. Ages are monotonic: wall time may jump.
 */
import { skewMsMax } from './gateway-time.ts';
import { fullJitterMs } from '../core/random.ts';
import type { GatewayTime } from './gateway-time.ts';
import type { SignerStore } from './signer-store.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import type { Random } from '../core/random.ts';
import type { Result } from '../core/result.ts';
import type { Credential, CredentialFailure, CredentialSource } from '../provider/provider.ts';

export interface CredentialKeeperOptions {
  readonly source: CredentialSource;
  /** One for all keepers: there is one time. */
  readonly time: GatewayTime;
  /** Of a watched key, where values are to outlive the process. */
  readonly store?: SignerStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** For the log: one of those that use it. */
  readonly provider: string;
}

interface Held {
  readonly authorization: string;
  /** On the clock it was minted by, which may not be ours. */
  readonly mintedAtMs: EpochMs;
  readonly bornMonotonicMs: number;
  readonly endMonotonicMs: number;
}

/** An answer of the source, and when it was asked: by the time it was told, and monotonic. */
interface Minted {
  readonly result: Result<Credential, CredentialFailure>;
  readonly nowMs: EpochMs;
  readonly monotonicMs: number;
}

// A refused mint is repeated within these bounds, by itself or because notifications wait: the token endpoint must not
// be hammered, nor an outage outlive itself.
const retryFirstMs = 1_000;
const retryMaxMs = 60_000;
// A gateway that refuses a fresh value again and again must not make us mint in a loop. Watched keys have their own.
const renewSpacingMs = 10_000;

export class CredentialKeeper {
  readonly #options: CredentialKeeperOptions;
  #newest: Held | undefined;
  /** The one before, as long as it works. */
  #older: Held | undefined;
  #usesOlder = false;
  #failure: CredentialFailure | undefined;
  #flight: Promise<void> | undefined;
  #failures = 0;
  #cancelTimer: Cancel | undefined;
  #failedAtMs = Number.NEGATIVE_INFINITY;
  #looked = false;
  #closed = false;

  constructor(options: CredentialKeeperOptions) {
    this.#options = options;
  }

  /** The value to send, or `undefined` when there is none that works now. */
  current(): string | undefined {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#usesOlder && this.#older !== undefined && this.#older.endMonotonicMs > nowMs) {
      return this.#older.authorization;
    }
    const held = this.#newest;
    return held === undefined || held.endMonotonicMs <= nowMs ? undefined : held.authorization;
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

  /**
   * The gateway has refused the value: mints a new one, unless the present one is too young for that and our clock was
   * right when it was made.
   *
   * @param gatewayAtMs epoch ms by the gateway's clock; 0 = not said.
   */
  async refused(gatewayAtMs: number): Promise<void> {
    this.#options.time.observe(gatewayAtMs);
    this.#usesOlder = false;
    if (this.#flight === undefined && !this.#isReplaceable(gatewayAtMs)) return;
    await this.mint();
  }

  /**
   * The gateway has throttled for this reason. True: because values changed too often, and from now on the one before
   * is sent, as long as it works.
   */
  changedTooOften(reason: string): boolean {
    const { source, clock, logger, provider } = this.#options;
    if (source.watched?.tooOftenReason !== reason) return false;
    if (this.#older === undefined || this.#older.endMonotonicMs <= clock.monotonicMs()) return false;
    if (!this.#usesOlder) logger.warn({ provider, reason }, 'the previous provider token is used until it ends');
    this.#usesOlder = true;
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    // First, since it ends the request of a mint that would otherwise be waited for.
    await this.#options.source.close();
    await this.#flight;
  }

  #isReplaceable(gatewayAtMs: number): boolean {
    const { source, clock } = this.#options;
    if (this.#newest === undefined) return true;
    const ageMs = clock.monotonicMs() - this.#newest.bornMonotonicMs;
    if (ageMs >= (source.watched?.spacingMs ?? renewSpacingMs)) return true;
    // At the gateway it has another age: it was minted with a wrong time, or this machine has slept since.
    return gatewayAtMs !== 0 && Math.abs(gatewayAtMs - this.#newest.mintedAtMs - ageMs) > skewMsMax;
  }

  #mintNow(): Promise<void> {
    this.#flight ??= this.#fly();
    return this.#flight;
  }

  async #fly(): Promise<void> {
    const { clock, random, logger, provider } = this.#options;
    this.#cancelTimer?.();
    const { result, nowMs, monotonicMs } = (await this.#kept()) ?? (await this.#minted());
    this.#flight = undefined;
    if (this.#closed) return;
    if (result.ok) {
      const { authorization, mintedAtMs, renewAtMs, expiresAtMs } = result.value;
      this.#older = this.#newest;
      this.#usesOlder = false;
      this.#newest = {
        authorization,
        mintedAtMs,
        bornMonotonicMs: monotonicMs - (nowMs - mintedAtMs),
        endMonotonicMs: monotonicMs + (expiresAtMs - nowMs),
      };
      this.#failure = undefined;
      this.#failures = 0;
      this.#mintAfter(Math.max(1_000, renewAtMs - nowMs));
      return;
    }
    this.#failure = result.error;
    logger.error({ provider, reason: result.error.reason, transient: result.error.transient }, 'no authorization');
    this.#failedAtMs = clock.monotonicMs();
    this.#mintAfter(fullJitterMs(random, ++this.#failures, retryFirstMs, retryMaxMs) + retryFirstMs);
  }

  /** What an earlier process has minted, once; `undefined` when it is of no use. */
  async #kept(): Promise<Minted | undefined> {
    const { store, time, clock } = this.#options;
    if (store === undefined || this.#looked) return undefined;
    this.#looked = true;
    const credential = await store.load();
    const nowMs = time.now();
    // From the future: the clock has been set since, and nobody knows yet when it was right.
    if (credential === undefined || credential.mintedAtMs > nowMs + skewMsMax) return undefined;
    if (credential.expiresAtMs <= nowMs) return undefined;
    return { result: { ok: true, value: credential }, nowMs, monotonicMs: clock.monotonicMs() };
  }

  async #minted(): Promise<Minted> {
    const { store, time } = this.#options;
    let minted = await this.#ask();
    // Refused because of our clock, perhaps: once more with the time that came with the refusal.
    const wasWrong = time.observe(minted.result.ok ? minted.result.value.gatewayAtMs : minted.result.error.gatewayAtMs);
    if (!minted.result.ok && wasWrong) minted = await this.#ask();
    if (minted.result.ok) await store?.save(minted.result.value);
    return minted;
  }

  async #ask(): Promise<Minted> {
    const { source, time, clock } = this.#options;
    const nowMs = time.now();
    const monotonicMs = clock.monotonicMs();
    return { result: await source.mint(nowMs), nowMs, monotonicMs };
  }

  #mintAfter(delayMs: number): void {
    this.#cancelTimer = this.#options.clock.after(delayMs, () => void this.#mintNow(), false);
  }
}
