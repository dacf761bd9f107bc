/**
 * What each host model has cost, over time: cumulative totals at the ends of equally wide buckets.
 *
 * Nothing is counted here. The totals are those of `FrameCounters`, read when the first frame of a later
 * bucket comes, before it is counted; so the chart and the table beside it are the same numbers. Memory is
 * fixed: when all buckets are closed, each two become one and their width doubles. Time in which no frame
 * came costs nothing and changes nothing.
 */
import type { ModelTotals } from './frame-counters.ts';
import { MAX_MODELS } from './packed.ts';

export const COST_METRICS = ['looked', 'copied', 'delivered', 'leak', 'loss'] as const;
export type CostMetric = (typeof COST_METRICS)[number];

/** Even: two of them become one. */
const BUCKETS = 240;
/** Nanoseconds. A minute fits before the first doubling. */
const FIRST_WIDTH = 250e6;
const STRIDE = MAX_MODELS * COST_METRICS.length;

export class CostHistory {
  #start = 0;
  #width = FIRST_WIDTH;
  #closed = 0;
  #end = -Infinity;
  readonly #sums = new Float64Array(BUCKETS * STRIDE);

  /** Begin of the first bucket, in nanoseconds since the lab was opened; 0 before any frame. */
  get start(): number {
    return this.#start;
  }

  /** Of one bucket, in nanoseconds. */
  get width(): number {
    return this.#width;
  }

  /** Buckets that are over. Behind them is one that is being filled: its totals are those of now. */
  get closed(): number {
    return this.#closed;
  }

  /** Where the bucket that is being filled ends; -Infinity before any frame. A frame from there on asks for `advance`. */
  get end(): number {
    return this.#end;
  }

  /** Total of all frames up to the end of that closed bucket. `model` is an index of HOST_MODEL_IDS. */
  sum(bucket: number, model: number, metric: CostMetric): number {
    return this.#sums[bucket * STRIDE + model * COST_METRICS.length + COST_METRICS.indexOf(metric)] ?? 0;
  }

  /**
   * A frame at that time is about to be counted: closes the buckets before it.
   * @param totals of all frames so far
   */
  advance(time: number, totals: () => readonly ModelTotals[]): void {
    if (this.#end === -Infinity) {
      this.#start = Math.floor(time / this.#width) * this.#width;
      this.#end = this.#start + this.#width;
      return;
    }
    const now = totals();
    let bucket = this.#bucketOf(time);
    for (;;) {
      while (this.#closed < Math.min(bucket, BUCKETS)) this.#close(now);
      if (bucket < BUCKETS) break;
      this.#halve();
      bucket = this.#bucketOf(time);
    }
    this.#end = this.#start + (this.#closed + 1) * this.#width;
  }

  #bucketOf(time: number): number {
    return Math.floor((time - this.#start) / this.#width);
  }

  #close(totals: readonly ModelTotals[]): void {
    let at = this.#closed++ * STRIDE;
    for (const each of totals) for (const metric of COST_METRICS) this.#sums[at++] = each[metric];
  }

  /** Sums are cumulative, so of each two buckets the later one says it all. */
  #halve(): void {
    for (let bucket = 0; bucket < BUCKETS / 2; bucket++) {
      const from = (2 * bucket + 1) * STRIDE;
      this.#sums.copyWithin(bucket * STRIDE, from, from + STRIDE);
    }
    this.#closed = BUCKETS / 2;
    this.#width *= 2;
  }
}
