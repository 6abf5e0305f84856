// Thread: main
/** Troubles of requests, told in few lines: callers that do it wrong do it a thousand times a second. */
import { limits } from '../core/limits.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';

export class SparseLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #kinds = new Map<'warn' | 'error', { untilMs: number; untold: number }>();

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** The first of its level at once; then a line each `limits.httpLogGapMs`, `times` being how many it stands for. */
  note(level: 'warn' | 'error', fields: Readonly<Record<string, unknown>>, message: string): void {
    const nowMs = this.#clock.monotonicMs();
    const kind = this.#kinds.get(level) ?? { untilMs: nowMs, untold: 0 };
    this.#kinds.set(level, kind);
    kind.untold++;
    if (nowMs < kind.untilMs) return;
    this.#logger[level]({ ...fields, times: kind.untold }, message);
    kind.untold = 0;
    kind.untilMs = nowMs + limits.httpLogGapMs;
  }
}
