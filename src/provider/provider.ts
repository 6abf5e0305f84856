// Thread: any
/**
 * The port to a gateway's meaning: a provider is render + send + classify. `render` and `classify` are pure functions
 * over tables, in the provider's own file; `publish` joins them to a transport.
 */
import type { Clock } from '../core/clock.ts';
import type { EpochMs, ProviderName } from '../core/ids.ts';
import type { Notification } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Random } from '../core/random.ts';
import type { Result } from '../core/result.ts';

/** Called exactly once for each tag given to `publish`; `tag` is the caller's own number. */
export type Settle = (tag: number, outcome: Outcome) => void;

export interface Provider {
  /**
   * Starts one notification; its end is told by the `settle` given at creation, later or at once; never throws.
   * No promise here: this is the hot path.
   * @param authorization value of the authorization field, `''` when the provider needs none.
   * @param deadlineMs when the caller stops waiting: the outcome is then `expired` or `unavailable`.
   */
  publish(notification: Notification, authorization: string, deadlineMs: EpochMs, tag: number): void;
  /** Resolves when nothing is in flight and all connections are closed, at the latest after `budgetMs`. */
  drain(budgetMs: number): Promise<void>;
}

export interface ProviderContext {
  readonly name: ProviderName;
  readonly clock: Clock;
  readonly random: Random;
  readonly settle: Settle;
}

/** A minted authorization value and when to mint the next; times are on the clock that `mint` was told. */
export interface Credential {
  readonly authorization: string;
  readonly mintedAtMs: EpochMs;
  /** From now on a new one should be minted; the old one still works. */
  readonly renewAtMs: EpochMs;
  /** From now on it does not work. */
  readonly expiresAtMs: EpochMs;
  /** What the clock of a token endpoint said; 0 = not said, or nobody was asked. */
  readonly gatewayAtMs: number;
}

/** `transient`: try again later; otherwise the configured key is refused and only a person can help. */
export interface CredentialFailure {
  readonly transient: boolean;
  readonly reason: string;
  /** As in `Credential`: an assertion may be refused because of our clock. */
  readonly gatewayAtMs: number;
}

/**
 * Mints authorization values on the main thread; keys never leave it. One flight at a time is the keeper's business.
 */
export interface CredentialSource {
  /** Sources with the same id mint with the same key, so that one keeper does for all; `''`: shared with nobody. */
  readonly id: string;
  /** Absent: the gateway does not mind how often values change. */
  readonly watched?: WatchedKey;
  /** @param nowMs the time to put into the value: the gateway's, where our own clock is wrong. */
  mint(nowMs: EpochMs): Promise<Result<Credential, CredentialFailure>>;
  close(): Promise<void>;
}

/** What a gateway asks that counts how often the values of a key change: they outlive the process, too. */
export interface WatchedKey {
  /** A value younger than this is not replaced, whatever the gateway says of it. */
  readonly spacingMs: number;
  /** The gateway's reason for `throttled` when values changed too often. */
  readonly tooOftenReason: string;
  /** What an earlier process minted. `undefined`: not with this key, or not a value at all. */
  restore(authorization: string): Credential | undefined;
}

/** How a kind of provider is made from its configuration; one for each kind, listed in `provider-kinds.ts`. */
export interface ProviderKind<C> {
  readonly kind: string;
  /** `worker`: created in publishing threads; `main`: needs something that lives on the main thread. */
  readonly thread: 'worker' | 'main';
  /** Absent: the provider needs no authorization field (client certificate, or none). `undefined`: not in this mode. */
  readonly credentials?: (config: C, clock: Clock) => CredentialSource | undefined;
  readonly create: (config: C, context: ProviderContext) => Provider;
}
