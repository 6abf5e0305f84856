// Thread: main
/**
 * Notices that a gateway refuses one notification after the other for what is a mistake of ours: tokens of the other
 * environment, a wrong topic. Told in the log, once an hour; no registration ends for it, since all of them may be
 * well (Apple: "Handling notification responses from APNs"; its BadDeviceToken means both).
 */
import type { Logger } from '../core/log.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Mode } from '../core/registration.ts';

export interface RefusalPatternOptions {
  readonly provider: string;
  readonly mode: Mode;
  readonly logger: Logger;
}

// Phones that are gone and clients that lie make a few of these; not so many without one good token between them.
const sinceStart = 20;
const inARow = 50;
const tellGapMs = 3_600_000;

const environment =
  'every device token is refused: are they of the other environment? Compare the mode of the provider';
const key = 'the credential is refused for its environment: compare the mode of the provider with what it was made for';
const topic = 'every notification is refused for its topic: is it the bundle id of the app, and the credential for it?';

const hints: ReadonlyMap<string, string> = new Map([
  ['BadDeviceToken', environment],
  ['BadEnvironmentKeyIdInToken', key],
  ['BadCertificateEnvironment', key],
  ['BadTopic', topic],
  ['DeviceTokenNotForTopic', topic],
  ['TopicDisallowed', topic],
]);

export class RefusalPattern {
  readonly #options: RefusalPatternOptions;
  #row = 0;
  #accepted = 0;
  #hadGoodToken = false;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: RefusalPatternOptions) {
    this.#options = options;
  }

  /**
   * For each outcome but `accepted`, which costs nothing here: the number of those is looked at instead.
   *
   * @param accepted how many were, until now.
   * @param nowMs monotonic.
   */
  note(outcome: Outcome, accepted: number, nowMs: number): void {
    // A token that is dead now was good here once: the environment is right, and so is the topic.
    if (outcome.kind === 'unregistered') {
      this.#hadGoodToken = true;
      this.#row = 0;
    }
    if (outcome.kind !== 'rejected' && outcome.kind !== 'unauthorized') return;
    const hint = hints.get(outcome.reason);
    if (hint === undefined) return;
    if (accepted !== this.#accepted) {
      this.#accepted = accepted;
      this.#row = 0;
    }
    this.#row++;
    if (this.#row < (accepted === 0 && !this.#hadGoodToken ? sinceStart : inARow)) return;
    if (nowMs - this.#toldAtMs < tellGapMs) return;
    this.#toldAtMs = nowMs;
    const { provider, mode, logger } = this.#options;
    logger.error({ provider, mode, reason: outcome.reason, inARow: this.#row, accepted }, hint);
  }
}
