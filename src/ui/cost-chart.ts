/** What the chart of costs draws, worked out of the counters: values, scale and paths. No elements. */
import { HOST_MODEL_IDS } from '../core/host/host-model.ts';
import type { HostModelId } from '../core/host/host-model.ts';
import type { CostMetric } from '../core/trace/cost-history.ts';
import type { FrameCounters } from '../core/trace/frame-counters.ts';

/** Totals so far, or what each bucket added, per second. */
export type CostView = 'sum' | 'rate';

export interface CostLine {
  readonly model: HostModelId;
  /** At the end of each bucket (`sum`), or over it (`rate`). */
  readonly values: readonly number[];
}

export interface CostChart {
  /** Nanoseconds since the lab was opened. */
  readonly start: number;
  readonly width: number;
  /** The last one is still being filled. 0 before any frame. */
  readonly buckets: number;
  readonly lines: readonly CostLine[];
  /** Top of the scale: 1, 2, 3 or 5 times a power of ten. */
  readonly top: number;
}

/** In the order of `models`. */
export function costChart(
  counters: FrameCounters,
  metric: CostMetric,
  view: CostView,
  models: readonly HostModelId[],
): CostChart {
  const { history } = counters;
  const { start, width, closed } = history;
  if (counters.injected === 0) return { start: 0, width, buckets: 0, lines: [], top: 1 };
  const totals = counters.models();
  let most = 0;
  const lines = models.map((model) => {
    const index = HOST_MODEL_IDS.indexOf(model);
    const values: number[] = [];
    let before = 0;
    for (let bucket = 0; bucket <= closed; bucket++) {
      const sum = bucket < closed ? history.sum(bucket, index, metric) : (totals[index]?.[metric] ?? 0);
      const value = view === 'sum' ? sum : ((sum - before) * 1e9) / width;
      values.push(value);
      if (value > most) most = value;
      before = sum;
    }
    return { model, values };
  });
  return { start, width, buckets: closed + 1, lines, top: niceTop(most) };
}

export function niceTop(most: number): number {
  if (most <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return power * ([1, 2, 3, 5].find((factor) => factor * power >= most) ?? 10);
}

/** A path in a box of `buckets` by 100, y downwards. Sums climb from zero; rates are steps. */
export function linePath({ values }: CostLine, view: CostView, top: number): string {
  const y = (value: number): string => (100 - (100 * value) / top).toFixed(2);
  if (view === 'sum') return values.reduce((path, value, i) => `${path}L${i + 1} ${y(value)}`, 'M0 100');
  return values.reduce(
    (path, value, i) => `${path}${i === 0 ? 'M0' : 'L' + String(i)} ${y(value)}L${i + 1} ${y(value)}`,
    '',
  );
}
