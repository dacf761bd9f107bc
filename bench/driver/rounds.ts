/** Measuring in turns: A, B, C, A, B, C, … so that what the machine does meanwhile meets all of them alike. */
import type { CaseSamples, Subject } from './case.ts';

export type Measure = () => Promise<number>;
export type Measures = Readonly<Partial<Record<Subject, Measure>>>;

/** Guests run slowly at first: a rate counts when two in a row bring no more than this over the best before. */
const STILL_RISING = 1.03;
const WARM_UP_MAX = 30_000;

/** Runs a workload until its rate no longer rises. Every subject goes through it before its first sample. */
export async function warmUp(measure: Measure, now: () => number = Date.now): Promise<void> {
  const end = now() + WARM_UP_MAX;
  let best = 0;
  for (let settled = 0; settled < 2 && now() < end;) {
    const rate = await measure();
    if (process.env.BENCH_DEBUG) console.log('  warm', Math.round(rate));
    settled = rate > best * STILL_RISING ? 0 : settled + 1;
    best = Math.max(best, rate);
  }
}

/** One sample of each subject in each round. */
export async function inTurn(rounds: number, measures: Measures): Promise<CaseSamples> {
  const subjects = Object.keys(measures) as Subject[];
  const samples: Partial<Record<Subject, number[]>> = {};
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) {
      const measure = measures[subject];
      if (measure) (samples[subject] ??= []).push(await measure());
      if (process.env.BENCH_DEBUG) console.log('  ', subject, Math.round(samples[subject]!.at(-1)!));
    }
  }
  return samples;
}

/** Warms every subject up, then measures them in turn. For rates: more is faster. */
export async function warmInTurn(rounds: number, measures: Measures): Promise<CaseSamples> {
  for (const measure of Object.values(measures)) await warmUp(measure);
  return inTurn(rounds, measures);
}
