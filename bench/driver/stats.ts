/** Medians and ranges of repeated measurements. */

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** What was measured of one thing, in the order measured. */
export type Samples = readonly number[];

/** The middle one, or the mean of the middle two; NaN of nothing. */
export function median(samples: Samples): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

export function range(samples: Samples): Range {
  return { min: Math.min(...samples), max: Math.max(...samples) };
}
