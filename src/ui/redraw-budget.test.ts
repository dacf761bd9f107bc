import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RedrawBudget } from './redraw-budget.ts';

/** Draws as often as allowed, each time at that cost, for so many milliseconds; returns when drawings began. */
function flood(budget: RedrawBudget, cost: number, until: number): number[] {
  const begun: number[] = [];
  for (let now = 0; now < until; now++) {
    if (budget.wait(now) > 0) continue;
    begun.push(now);
    now += cost;
    budget.spend(now, cost);
  }
  return begun;
}

describe('the budget for drawing', () => {
  it('lets the first drawings after a rest begin at once', () => {
    expect(flood(new RedrawBudget(0.05, 200), 20, 200).length).toBeGreaterThanOrEqual(5);
  });

  it('comes down to its share in a flood, whatever a drawing costs', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), (cost) => {
        const late = flood(new RedrawBudget(0.05, 200), cost, 60_000).filter((begun) => begun > 30_000);
        expect((late.length * cost) / 30_000).toBeLessThan(0.06);
        expect(late.length).toBeGreaterThan(20);
      }),
    );
  });

  it('says how long to wait', () => {
    const budget = new RedrawBudget(0.05, 100);
    budget.spend(1000, 120);
    const wait = budget.wait(1000);
    expect(wait).toBeCloseTo(400);
    expect(budget.wait(1000 + wait - 1)).toBeGreaterThan(0);
    expect(budget.wait(1000 + wait + 1)).toBe(0);
  });

  it('makes nobody wait for more than a second, and saves no more than its limit', () => {
    const budget = new RedrawBudget(0.05, 100);
    budget.spend(0, 10_000);
    expect(budget.wait(0)).toBeLessThanOrEqual(1000);
    expect(budget.wait(1_000_000)).toBe(0);
    budget.spend(1_000_000, 120);
    expect(budget.wait(1_000_000)).toBeGreaterThan(0);
  });
});
