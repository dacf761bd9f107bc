/** What a case of the benchmark is, and what it comes to. */
import { median, range, type Range, type Samples } from './stats.ts';

/** Whom the lab is compared with. */
export type Other = Exclude<Subject, 'ours'>;

/** Who was measured: this lab's device, v86's own NIC, and the same guest without either. (Of starts and sizes the limit is a budget.) */
export const SUBJECTS = ['ours', 'v86', 'limit'] as const;
export type Subject = (typeof SUBJECTS)[number];

/** One line of the result, and one element of `cases` in the JSON. */
export interface CaseResult {
  readonly name: string;
  /** Of `ours`, `v86` and `limit`: `packets/s`, `Mbit/s`, `ms`, `%`, `s`, `kB`, `million instructions`. */
  readonly unit: string;
  /** Medians; null where there is no such thing. */
  readonly ours: number | null;
  readonly v86: number | null;
  readonly limit: number | null;
  /** `ratios.v86`; where v86's NIC has no part in it, `ratios.limit`. */
  readonly ratio: number | null;
  /**
   * `ours` over each of the others: the median of the rounds' own ratios, since what disturbs one subject of a round
   * mostly disturbs the others as well. Null if there is nothing to divide by.
   */
  readonly ratios: Readonly<Record<Other, number | null>>;
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
  const over = (other: Other): number | null => ratioOf(samples.ours ?? [], samples[other] ?? []);
  const ratios = { v86: over('v86'), limit: over('limit') };
  const measured = SUBJECTS.filter((subject) => of(subject) !== null);
  return {
    name,
    unit,
    ours,
    v86,
    limit,
    ratio: v86 === null ? ratios.limit : ratios.v86,
    ratios,
    range: Object.fromEntries(measured.map((subject) => [subject, range(samples[subject] ?? [])])),
  };
}

/** By rounds, where both have as many; a budget is the same for all. Null if either is missing or can be 0. */
function ratioOf(ours: Samples, other: Samples): number | null {
  if (ours.length === 0 || other.length === 0 || other.includes(0)) return null;
  const [only = NaN] = other;
  return median(ours.map((sample, round) => sample / (other.length === 1 ? only : (other[round] ?? NaN))));
}
