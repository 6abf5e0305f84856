// Thread: any
/**
 * Durations in fixed memory: buckets of 1/16 of a power of two, from one microsecond to over an hour, so every figure
 * is right to about 6 %.
 */
const subBuckets = 16;
const powers = 33;

export class LatencyHistogram {
  readonly #counts = new Float64Array(powers * subBuckets);
  #count = 0;
  #maxMs = 0;

  record(durationMs: number): void {
    const micros = Math.max(1, durationMs * 1000);
    const power = Math.min(powers - 1, Math.floor(Math.log2(micros)));
    const sub = Math.min(subBuckets - 1, Math.floor((micros / 2 ** power - 1) * subBuckets));
    const bucket = power * subBuckets + sub;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count++;
    if (durationMs > this.#maxMs) this.#maxMs = durationMs;
  }

  get count(): number {
    return this.#count;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  /** Upper edge of the bucket that holds the quantile, 0 to 1; 0 without any record. */
  quantileMs(quantile: number): number {
    let left = Math.ceil(this.#count * quantile);
    if (this.#count === 0) return 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      left -= this.#counts[bucket] ?? 0;
      if (left <= 0) {
        const power = Math.floor(bucket / subBuckets);
        return Math.min(this.#maxMs, (2 ** power * (1 + ((bucket % subBuckets) + 1) / subBuckets)) / 1000);
      }
    }
    return this.#maxMs;
  }
}
