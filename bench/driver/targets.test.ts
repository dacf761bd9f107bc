import { describe, expect, it } from 'vitest';
import { caseResult } from './case.ts';
import { isMet, targetsOf } from './targets.ts';

describe('targets', () => {
  it.each([
    ['transmit 60 B', ['at least 3 v86', 'at least 0.5 limit']],
    ['transmit 60 B, trace live', ['at least 0.9 limit']],
    ['receive 60 B, trace recorded', ['at least 0.95 limit']],
    ['receive 1514 B, nothing lost', ['at least 1.3 v86']],
    ['ping round trip, p50', ['at most 0.6 v86']],
    ['TCP between guests', ['at least 4 v86']],
    ['UDP 1400 B between guests', ['at least 1 v86']],
    ["UDP 1400 B at v86's rate, lost", ['at most 1 v86']],
    ['usable shell, second visit', ['at most 1 limit']],
    ['chart: transmit 60 B', []],
  ])('of %s', (name, expected) => {
    expect(targetsOf(name).map(({ of, bound, factor }) => `${bound} ${factor} ${of}`)).toEqual(expected);
  });

  it('are met at the bound, and not beyond it', () => {
    const [target] = targetsOf('ping round trip, p50');
    const ping = (ours: number) => caseResult('ping round trip, p50', 'ms', { ours: [ours], v86: [10] });
    expect([5, 6, 6.1].map((ours) => target && isMet(target, ping(ours)))).toEqual([true, true, false]);
  });

  it('hold a loss of nothing against nothing', () => {
    const [target] = targetsOf("UDP 1400 B at v86's rate, lost");
    const lost = (ours: number) => caseResult('UDP', '%', { ours: [ours], v86: [0] });
    expect([0, 0.1].map((ours) => target && isMet(target, lost(ours)))).toEqual([true, false]);
  });

  it('hold a loss now and then against another', () => {
    const [target] = targetsOf("UDP 1400 B at v86's rate, lost");
    const lost = (ours: readonly number[]) => caseResult('UDP', '%', { ours, v86: [0, 2, 3] });
    expect(
      [
        [0, 1, 9],
        [0, 4, 9],
      ].map((ours) => target && isMet(target, lost(ours))),
    ).toEqual([true, false]);
  });

  it('are open where nothing was measured', () => {
    const [target] = targetsOf('TCP between guests');
    expect(target && isMet(target, caseResult('TCP between guests', 'Mbit/s', { ours: [1] }))).toBeNull();
  });
});
