// Thread: main
/**
 * One dispatcher's way through the quota of its project: asks the pace that all providers of the project share, lets
 * the dispatcher wait, and tells people when waiting begins and ends.
 */
import { limits } from '../core/limits.ts';
import { QuotaPace } from './quota-pace.ts';
import type { ProviderConfig } from '../../config/engine-config.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Random } from '../core/random.ts';
import type { QuotaPaceFigures } from './quota-pace.ts';

export interface QuotaGateOptions {
  readonly pace: QuotaPace;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly provider: string;
}

const spreadMs = 10;

export class QuotaGate {
  readonly #options: QuotaGateOptions;
  #cancelWait: Cancel | undefined;
  #cancelLook: Cancel | undefined;
  #heldAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: QuotaGateOptions) {
    this.#options = options;
  }

  get figures(): QuotaPaceFigures {
    return this.#options.pace.figures(this.#nowMs);
  }

  take(wanted: number): number {
    return this.#options.pace.take(wanted, this.#nowMs);
  }

  takeAll(count: number): boolean {
    return this.#options.pace.takeAll(count, this.#nowMs);
  }

  note(outcome: Outcome): void {
    this.#options.pace.note(outcome, this.#nowMs);
  }

  /** Monotonic ms at which it is worth asking again. */
  nextAtMs(): number {
    this.#held();
    const nowMs = this.#nowMs;
    const { pace, random } = this.#options;
    // Whole milliseconds, since a timer that fires a little early would ask in vain. Of several that wait chance
    // decides who is first, so that none starves; what that delays is not lost, for the bucket goes on filling.
    return nowMs + Math.ceil(pace.waitMs(nowMs) + 1 + random.unit() * spreadMs);
  }

  /** Until it is worth asking again, or until somebody's deadline may have passed. After `stop` it never resolves. */
  wait(): Promise<void> {
    const waitMs = Math.min(this.nextAtMs() - this.#nowMs, limits.quotaLookMs);
    return new Promise((resolve) => {
      this.#cancelWait = this.#options.clock.after(waitMs, resolve);
    });
  }

  stop(): void {
    this.#cancelWait?.();
    this.#cancelLook?.();
  }

  get #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  #held(): void {
    this.#heldAtMs = this.#nowMs;
    if (this.#cancelLook !== undefined) return;
    const { logger, provider } = this.#options;
    logger.warn({ provider, ...this.figures }, 'notifications wait for the quota of the project');
    this.#lookLater();
  }

  #lookLater(): void {
    this.#cancelLook = this.#options.clock.after(limits.quotaLogGapMs, () => this.#look(), false);
  }

  #look(): void {
    this.#cancelLook = undefined;
    const { logger, provider } = this.#options;
    // Still so, or again.
    if (this.#nowMs - this.#heldAtMs <= limits.quotaLookMs) this.#lookLater();
    else logger.info({ provider, ...this.figures }, 'the quota of the project suffices again');
  }
}

/**
 * One pace for each Google project, however many providers it has; `undefined` for a provider without a quota. Where
 * providers of one project are given different quotas, the smallest counts.
 */
export function quotaPaces(
  providers: readonly ProviderConfig[],
  nowMs: number,
): (provider: ProviderConfig) => QuotaPace | undefined {
  const quotas = new Map<string, number>();
  for (const provider of providers) {
    if (provider.kind !== 'fcm') continue;
    const { projectId, quotaPerMinute } = provider;
    quotas.set(projectId, Math.min(quotaPerMinute, quotas.get(projectId) ?? quotaPerMinute));
  }
  const paces = new Map([...quotas].map(([projectId, quota]) => [projectId, new QuotaPace(quota, nowMs)]));
  return (provider) => (provider.kind === 'fcm' ? paces.get(provider.projectId) : undefined);
}
