import { expect, it } from 'vitest';
import { median, range } from './stats.ts';

it.each([
  [[3], 3],
  [[9, 1, 5], 5],
  [[4, 1, 3, 2], 2.5],
  [[10, 9, 100], 10],
])('median of %j is %d', (samples, expected) => {
  expect(median(samples)).toBe(expected);
});

it('leaves the samples in their order', () => {
  const samples = [3, 1, 2];
  median(samples);
  expect(samples).toEqual([3, 1, 2]);
});

it('has no median of nothing', () => {
  expect(median([])).toBeNaN();
});

it('has the range', () => {
  expect(range([4, -1, 3])).toEqual({ min: -1, max: 4 });
});
