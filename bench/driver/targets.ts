/** What the lab has set itself to reach, in the terms of the benchmark. */
import type { CaseResult, Other } from './case.ts';

export interface Target {
  readonly of: Other;
  readonly bound: 'at least' | 'at most';
  readonly factor: number;
}

const atLeast = (factor: number, of: Target['of']): Target => ({ of, bound: 'at least', factor });
const atMost = (factor: number, of: Target['of']): Target => ({ of, bound: 'at most', factor });

/** The first pattern that fits a case's name has its targets. */
const TARGETS: readonly (readonly [name: RegExp, targets: readonly Target[]])[] = [
  [/trace live$/, [atLeast(0.9, 'limit')]],
  [/trace recorded$/, [atLeast(0.95, 'limit')]],
  [/^transmit \d+ B$/, [atLeast(3, 'v86'), atLeast(0.5, 'limit')]],
  [/^receive \d+ B/, [atLeast(1.3, 'v86')]],
  [/filtered frames/, [atMost(1.05, 'limit')]],
  [/^ping/, [atMost(0.6, 'v86')]],
  [/^TCP/, [atLeast(4, 'v86')]],
  [/^UDP .*lost$/, [atMost(1, 'v86')]],
  [/^UDP/, [atLeast(1, 'v86')]],
  [/^usable shell|^page/, [atMost(1, 'limit')]],
];

export function targetsOf(name: string): readonly Target[] {
  return TARGETS.find(([pattern]) => pattern.test(name))?.[1] ?? [];
}

/** Null if what it is compared with was not measured. */
export function isMet({ of, bound, factor }: Target, result: CaseResult): boolean | null {
  const { ours, [of]: other } = result;
  if (ours === null || other === null) return null;
  const ratio = result.ratios[of];
  // What can be 0 has no ratio.
  const [have, want] = ratio === null ? [ours, factor * other] : [ratio, factor];
  return bound === 'at least' ? have >= want : have <= want;
}
