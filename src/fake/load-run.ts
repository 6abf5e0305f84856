// Thread: any
/**
 * Sends many stanzas and accounts for each exactly once: result, error by type and condition, or lost. With a rate the
 * latency counts from when the stanza was due, not from when it could be sent, so a stalled engine cannot hide.
 */
import type { Clock } from '../core/clock.ts';
import { LatencyHistogram } from './latency-histogram.ts';

export interface FireOptions {
  readonly count: number;
  /** Sends no more after this time, however many are left; 0 = all of them. */
  readonly durationMs: number;
  /** 0 = as fast as `inFlightMax` lets. */
  readonly ratePerSecond: number;
  readonly inFlightMax: number;
  /** Stanzas of one turn; they share a segment. */
  readonly batchMax: number;
  /** After the last stanza: what has no answer by then is lost. */
  readonly settleMs: number;
}

export interface FireReport {
  readonly sent: number;
  readonly results: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly conditions: Readonly<Record<string, number>>;
  /** Neither result nor error. */
  readonly lost: number;
  readonly elapsedMs: number;
  /** Answers in a second, from the first stanza to the last answer. */
  readonly perSecond: number;
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number };
}

export interface LoadRunPorts {
  readonly clock: Clock;
  /** Writes a batch; false while no stream takes output. */
  write(count: number, makeStanza: (index: number) => string): boolean;
  /** Names the stanza `index`. */
  newId(index: number): string;
  makeStanza(id: string, index: number): string;
}

const tickMs = 1;

export class LoadRun {
  readonly finished: Promise<FireReport>;
  readonly #ports: LoadRunPorts;
  readonly #options: FireOptions;
  /** Id → when it was due. */
  readonly #pending = new Map<string, number>();
  readonly #latency = new LatencyHistogram();
  readonly #errors: Record<string, number> = {};
  readonly #conditions: Record<string, number> = {};
  readonly #startedMs: number;
  #lastAnswerMs: number;
  #lastSentMs: number;
  #sent = 0;
  #results = 0;
  #scheduled = false;
  #ended = false;
  #countMax: number;
  #finish: (report: FireReport) => void = () => undefined;
  #cancelSettle: () => void = () => undefined;

  constructor(ports: LoadRunPorts, options: FireOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#countMax = options.count;
    this.#startedMs = ports.clock.monotonicMs();
    this.#lastAnswerMs = this.#startedMs;
    this.#lastSentMs = this.#startedMs;
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#schedule(0);
  }

  /** False: this id is not pending here. */
  settle(id: string, errorType: string, condition: string): boolean {
    const dueMs = this.#pending.get(id);
    if (dueMs === undefined) return false;
    this.#pending.delete(id);
    this.#lastAnswerMs = this.#ports.clock.monotonicMs();
    this.#latency.record(this.#lastAnswerMs - dueMs);
    if (errorType === '') this.#results++;
    else {
      this.#errors[errorType] = (this.#errors[errorType] ?? 0) + 1;
      this.#conditions[condition] = (this.#conditions[condition] ?? 0) + 1;
    }
    if (this.#sent < this.#countMax) this.#schedule(0);
    else if (this.#pending.size === 0) this.#end();
    return true;
  }

  /** Sends no more; ends when what was sent is answered. */
  finish(): void {
    this.#countMax = this.#sent;
    this.#schedule(0);
  }

  /** The figures so far; `lost` are those that still wait. */
  get progress(): FireReport {
    return this.#report(this.#pending.size);
  }

  #schedule(delayMs: number): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const turn = (): void => {
      this.#scheduled = false;
      if (!this.#ended) this.#turn();
    };
    if (delayMs === 0) this.#ports.clock.soon(turn);
    else this.#ports.clock.after(delayMs, turn);
  }

  #turn(): void {
    const { durationMs, ratePerSecond, inFlightMax, batchMax, settleMs } = this.#options;
    const nowMs = this.#ports.clock.monotonicMs();
    if (durationMs > 0 && nowMs - this.#startedMs >= durationMs) this.#countMax = this.#sent;
    const count = this.#countMax;
    const msPerStanza = ratePerSecond === 0 ? 0 : 1000 / ratePerSecond;
    const due = msPerStanza === 0 ? count : Math.min(count, Math.floor((nowMs - this.#startedMs) / msPerStanza) + 1);
    const room = inFlightMax - this.#pending.size;
    const batch = Math.min(due - this.#sent, room, batchMax);
    if (nowMs - Math.max(this.#lastAnswerMs, this.#lastSentMs) > settleMs) {
      this.#end(); // nothing moves any more
      return;
    }
    let wrote = true;
    if (batch > 0) {
      const first = this.#sent;
      wrote = this.#ports.write(batch, (offset) => {
        const index = first + offset;
        const id = this.#ports.newId(index);
        this.#pending.set(id, msPerStanza === 0 ? nowMs : this.#startedMs + index * msPerStanza);
        return this.#ports.makeStanza(id, index);
      });
      if (wrote) {
        this.#sent += batch;
        this.#lastSentMs = nowMs;
      }
    }
    if (this.#sent === count && this.#pending.size === 0) this.#end();
    else if (this.#sent === count) this.#settleLater(settleMs);
    else if (!wrote || due === this.#sent) this.#schedule(tickMs);
    else if (this.#pending.size < inFlightMax) this.#schedule(0);
    else this.#schedule(tickMs); // or earlier, by an answer
  }

  #settleLater(settleMs: number): void {
    this.#cancelSettle();
    this.#cancelSettle = this.#ports.clock.after(settleMs, () => this.#end());
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelSettle();
    const lost = this.#pending.size;
    this.#pending.clear(); // a late answer is the answer of nobody
    this.#finish(this.#report(lost));
  }

  #report(lost: number): FireReport {
    const elapsedMs = Math.max(this.#lastAnswerMs - this.#startedMs, 0.001);
    const { count } = this.#latency;
    return {
      sent: this.#sent,
      results: this.#results,
      errors: this.#errors,
      conditions: this.#conditions,
      lost,
      elapsedMs,
      perSecond: (count * 1000) / elapsedMs,
      latencyMs: {
        p50: this.#latency.quantileMs(0.5),
        p95: this.#latency.quantileMs(0.95),
        p99: this.#latency.quantileMs(0.99),
        max: this.#latency.maxMs,
      },
    };
  }
}
