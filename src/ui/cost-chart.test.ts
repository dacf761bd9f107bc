import { expect, test } from 'vitest';
import { verdict } from '../core/host/verdict.ts';
import { FrameTable } from '../core/trace/frame-table.ts';
import { TraceLog } from '../core/trace/log.ts';
import { PackedWriter } from '../core/trace/packed.ts';
import { costChart, linePath, niceTop } from './cost-chart.ts';

const MULTI = verdict('promisc-multi', 'promisc-multi', { looked: 3, copied: 1, delivered: 1, discarded: 1 });
const HIT = verdict('multicast-table', 'filter', { looked: 1, copied: 0, delivered: 1, discarded: 0 });
const QUARTER = 250e6;

function counters(times: readonly number[]) {
  const table = new FrameTable();
  const log = new TraceLog();
  let now = 0;
  const writer = new PackedWriter(
    (batch) => table.add(log.add('viona', batch)),
    () => now,
  );
  times.forEach((time, index) => {
    now = time;
    writer.endBatch();
    writer.frameRx(
      2 + 2 * index,
      new Uint8Array(60),
      0,
      60,
      0,
      0,
      Uint16Array.of(MULTI.code, HIT.code, HIT.code),
      3,
      0,
    );
  });
  writer.flush();
  return table.counters;
}

test('sums climb, and the bucket that is being filled counts', () => {
  const chart = costChart(counters([0, 1, QUARTER, 3 * QUARTER]), 'looked', 'sum', ['exact', 'propolis-before-1125']);
  expect(chart).toMatchObject({ start: 0, width: QUARTER, buckets: 4, top: 20 });
  expect(chart.lines).toEqual([
    { model: 'exact', values: [2, 3, 3, 4] },
    { model: 'propolis-before-1125', values: [6, 9, 9, 12] },
  ]);
});

test('rates are per second, whatever the width of a bucket', () => {
  const chart = costChart(counters([0, 1, QUARTER, 3 * QUARTER]), 'looked', 'rate', ['propolis-before-1125']);
  expect(chart.lines[0]?.values).toEqual([24, 12, 0, 12]);
  expect(chart.top).toBe(30);
});

test('without frames there is nothing to draw', () => {
  expect(costChart(counters([]), 'leak', 'sum', ['exact'])).toMatchObject({ buckets: 0, lines: [] });
});

test.each([
  [0, 1],
  [1, 1],
  [1.5, 2],
  [20, 20],
  [21, 30],
  [31, 50],
  [51, 100],
  [12_345, 20_000],
])('a scale for %d ends at %d', (most, top) => {
  expect(niceTop(most)).toBe(top);
});

test('a sum starts at zero, a rate is a step for each bucket', () => {
  const line = { model: 'exact', values: [1, 2] } as const;
  expect(linePath(line, 'sum', 2)).toBe('M0 100L1 50.00L2 0.00');
  expect(linePath(line, 'rate', 2)).toBe('M0 50.00L1 50.00L1 0.00L2 0.00');
});
