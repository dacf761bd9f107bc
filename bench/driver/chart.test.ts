import { describe, expect, it } from 'vitest';
import { chart, gridStep } from './chart.ts';

const spec = {
  title: 'Sent & <received>',
  xLabel: 'bytes',
  yLabel: 'packets/s',
  ticks: [60, 1514],
  lines: [
    { name: 'ours', points: [[60, 100_000] as const, [1514, 50_000] as const] },
    { name: 'v86', points: [[60, 25_000] as const, [1514, 20_000] as const] },
  ],
};

describe('the grid', () => {
  it.each([
    [1, 0.2],
    [5, 1],
    [7, 2],
    [119_000, 50_000],
    [100_000, 20_000],
    [896_232, 200_000],
  ])('up to %d goes in steps of %d', (highest, step) => {
    expect(gridStep(highest)).toBeCloseTo(step, 9);
  });
});

describe('a chart', () => {
  const svg = chart(spec);
  const circles = [...svg.matchAll(/cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)] as const);

  it('has a point for each value, the higher the higher', () => {
    expect(circles).toHaveLength(4);
    const heights = circles.map(([, y]) => y);
    expect(heights).toEqual(heights.toSorted((a, b) => a - b));
  });

  it('has its words, and none of them is markup', () => {
    expect(svg).toContain('Sent &amp; &lt;received>');
    for (const word of ['bytes', 'packets/s', 'ours', 'v86', '100 k', '>60<', '>1514<']) expect(svg).toContain(word);
  });

  it('knows a light page and a dark one', () => {
    expect(svg).toContain('prefers-color-scheme: dark');
  });

  it('keeps names of lines that end together apart', () => {
    const together = chart({
      ...spec,
      lines: spec.lines.map((line) => ({ ...line, points: [[1514, 50_000] as const] })),
    });
    const places = [...together.matchAll(/x="504\.0" y="([\d.]+)"[^>]*>(?:ours|v86)/g)].map(([, y]) => Number(y));
    expect(Math.abs((places[0] ?? 0) - (places[1] ?? 0))).toBeGreaterThanOrEqual(14);
  });

  it('is refused without a value', () => {
    expect(() => chart({ ...spec, lines: [] })).toThrow(RangeError);
  });
});
