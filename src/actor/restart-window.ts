// Thread: any
/** Counts the restarts of one actor: how long to wait before the next, or that it has failed too often. */
import type { Supervision } from './actor.ts';

export class RestartWindow {
  readonly #policy: Supervision;
  #times: number[] = [];

  constructor(policy: Supervision) {
    this.#policy = policy;
  }

  /** The back-off before the next restart in ms, doubled for each in the window; `undefined`: escalate. */
  next(nowMs: number): number | undefined {
    const policy = this.#policy;
    if (policy.kind === 'escalate') return undefined;
    this.#times = this.#times.filter((time) => nowMs - time < policy.windowMs);
    if (this.#times.length >= policy.restartsMax) return undefined;
    const [firstMs, maxMs] = policy.backoffMs;
    const delayMs = Math.min(maxMs, firstMs * 2 ** this.#times.length);
    this.#times.push(nowMs);
    return delayMs;
  }
}
