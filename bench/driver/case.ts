/** What a case of the benchmark is, and what it comes to. */
import { median, range, type Range, type Samples } from './stats.ts';

/** Who was measured: this lab's device, v86's own NIC, and the same guest without either. (Of starts and sizes the limit is a budget.) */
export const SUBJECTS = ['ours', 'v86', 'limit'] as const;
export type Subject = (typeof SUBJECTS)[number];

/** One line of the result, and one element of `cases` in the JSON. */
export interface CaseResult {
  readonly name: string;
  /** Of `ours`, `v86` and `limit`: `packets/s`, `Mbit/s`, `ms`, `%`, `frames`, `s`, `kB`. */
  readonly unit: string;
  /** Medians; null where there is no such thing. */
  readonly ours: number | null;
  readonly v86: number | null;
  readonly limit: number | null;
  /** `ours / v86`; where v86's NIC has no part in it, `ours / limit`. Null if there is nothing to divide by. */
  readonly ratio: number | null;
  /** Lowest and highest sample of each. */
  readonly range: Readonly<Partial<Record<Subject, Range>>>;
}

/** The samples of each subject; one that is left out was not measured. */
export type CaseSamples = Readonly<Partial<Record<Subject, Samples>>>;

export function caseResult(name: string, unit: string, samples: CaseSamples): CaseResult {
  const of = (subject: Subject): number | null => {
    const list = samples[subject];
    return list === undefined || list.length === 0 ? null : median(list);
  };
  const [ours, v86, limit] = [of('ours'), of('v86'), of('limit')];
  const measured = SUBJECTS.filter((subject) => of(subject) !== null);
  return {
    name,
    unit,
    ours,
    v86,
    limit,
    ratio: quotient(ours, v86 ?? limit),
    range: Object.fromEntries(measured.map((subject) => [subject, range(samples[subject] ?? [])])),
  };
}

/** Null if either is missing, or there is nothing to divide by. */
export function quotient(a: number | null, b: number | null): number | null {
  return a === null || b === null || b === 0 ? null : a / b;
}
