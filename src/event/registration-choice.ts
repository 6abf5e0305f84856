// Thread: main
/**
 * Which of a user's registrations one event is pushed to: those that live, that the message is for, that it has not
 * reached before, and that no plugin takes out.
 */
import { isExpired } from './decide-enable.ts';
import { isFromPushService } from './registration-filter.ts';
import type { MessageDedupe } from './message-dedupe.ts';
import type { RefusalOf } from './registration-filter.ts';
import type { PositiveVerdict } from './verdicts.ts';
import type { EnabledRegistration } from '../core/enabled.ts';
import type { MessageEvent } from '../core/event.ts';
import type { EpochMs } from '../core/ids.ts';
import type { PluginChain } from '../plugin/plugin-chain.ts';

export interface RegistrationChoiceOptions {
  readonly refusalOf: RefusalOf;
  readonly dedupe: MessageDedupe;
  readonly plugins: PluginChain | undefined;
  /** `push.expire_days`; 0: never. */
  readonly expireDays: number;
}

/** An event that is to be pushed, if there is a registration for it. */
export interface DecidedEvent {
  readonly event: MessageEvent;
  readonly verdict: PositiveVerdict;
}

export class RegistrationChoice {
  readonly #options: RegistrationChoiceOptions;

  constructor(options: RegistrationChoiceOptions) {
    this.#options = options;
  }

  /** At least one registration; or why there is none: of several reasons, that of the newest registration. */
  choose(
    decided: DecidedEvent,
    rows: readonly EnabledRegistration[],
    nowMs: EpochMs,
  ): readonly EnabledRegistration[] | string {
    const { event } = decided;
    if (isFromPushService(event, rows)) return 'comes from a push service of the user';
    let reason = 'the user has enabled no push service';
    const wanted: EnabledRegistration[] = [];
    for (const row of rows) {
      const refusal = this.#refusalOf(decided, row, nowMs);
      if (refusal === '') wanted.push(row);
      else reason = refusal;
    }
    if (wanted.length === 0) return reason;
    const { plugins } = this.#options;
    if (plugins?.hasEventCallbacks !== true) return wanted;
    const left = plugins.filter(event, wanted);
    return left.length === 0 ? 'a plugin filtered it' : left;
  }

  #refusalOf({ event, verdict }: DecidedEvent, row: EnabledRegistration, nowMs: EpochMs): string {
    const { expireDays, refusalOf, dedupe } = this.#options;
    if (isExpired(row, nowMs, expireDays)) return 'the registration has expired';
    const refusal = refusalOf(event, verdict, row);
    if (refusal !== '') return refusal;
    return dedupe.isKnown(event, row) ? 'the message has been pushed already' : '';
  }
}
