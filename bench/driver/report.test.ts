import { describe, expect, it } from 'vitest';
import { caseResult } from './case.ts';
import { json, summary } from './report.ts';

const transmit = caseResult('transmit 60 B', 'packets/s', {
  ours: [75_000, 50_000, 100_000],
  v86: [25_000, 20_000, 30_000],
  limit: [150_000, 150_000, 150_000],
});

describe('a case', () => {
  it('is medians, a ratio and ranges', () => {
    expect(transmit).toEqual({
      name: 'transmit 60 B',
      unit: 'packets/s',
      ours: 75_000,
      v86: 25_000,
      limit: 150_000,
      ratio: 3,
      ratios: { v86: 3, limit: 0.5 },
      range: {
        ours: { min: 50_000, max: 100_000 },
        v86: { min: 20_000, max: 30_000 },
        limit: { min: 150_000, max: 150_000 },
      },
    });
  });

  it('has the median of the ratios of each round: what halves a whole round changes none of them', () => {
    const result = caseResult('transmit', 'packets/s', { ours: [60, 30, 66], v86: [20, 10, 20] });
    expect(result).toMatchObject({ ours: 60, v86: 20, ratio: 3 });
    expect(caseResult('start', 's', { ours: [1, 2, 4], limit: [2] }).ratios).toEqual({ v86: null, limit: 1 });
  });

  it('is held against the limit where v86 has no part', () => {
    const result = caseResult('work', 's', { ours: [1.02], limit: [1] });
    expect(result).toMatchObject({ v86: null, ratio: 1.02 });
    expect(result.range).not.toHaveProperty('v86');
  });

  it('has no ratio without something to divide by', () => {
    expect(caseResult('lost', '%', { ours: [0], v86: [0], limit: [0] }).ratio).toBeNull();
    expect(caseResult('start', 's', { ours: [2] })).toMatchObject({ ours: 2, v86: null, limit: null, ratio: null });
    expect(caseResult('nothing', 's', { ours: [] })).toMatchObject({ ours: null, range: {} });
  });
});

describe('the summary', () => {
  it('has ratios and no rate', () => {
    const text = summary([transmit, caseResult('usable shell', 's', { ours: [1.25] })]);
    const [head = '', first = '', second = ''] = text.split('\n').map((line) => line.trim().replace(/ {2,}/g, ' | '));
    expect(head).toBe('ours / v86 | ours / limit | range of ours | target');
    expect(first).toBe('transmit 60 B | 3.00 | 0.50 | −33 % +33 % | ✓ at least 3 of v86, ✓ at least 0.5 of limit');
    expect(second).toBe('usable shell | – | – | +0 % +0 %');
    expect(text).not.toMatch(/75.?000|25.?000/);
  });
});

describe('the JSON', () => {
  it('is an object with the cases', () => {
    const { cases } = JSON.parse(json([transmit])) as { cases: unknown[] };
    expect(cases).toEqual([transmit]);
    expect(Object.keys(cases[0] as object)).toEqual([
      'name',
      'unit',
      'ours',
      'v86',
      'limit',
      'ratio',
      'ratios',
      'range',
    ]);
  });
});
