/** Measuring in turns: A, B, C, A, B, C, … so that what the machine does meanwhile meets all of them alike. */

export type Measure = () => Promise<number>;

/** A guest that has just started runs slowly. It is warm when a rate has not risen by this much, twice in a row. */
const STILL_RISING = 1.03;
const WARM_UP_MAX = 20_000;

/**
 * Runs a workload until its rate no longer rises. Every subject goes through it before its first sample.
 * @param measure a rate: more is faster
 * @param now milliseconds
 */
export async function warmUp(measure: Measure, now: () => number = Date.now): Promise<void> {
  const end = now() + WARM_UP_MAX;
  let best = 0;
  for (let settled = 0; settled < 2 && now() < end;) {
    const rate = await measure();
    settled = rate > best * STILL_RISING ? 0 : settled + 1;
    best = Math.max(best, rate);
  }
}

/** One sample of each subject in each round. */
export async function inTurn<Subject extends string>(
  rounds: number,
  measures: Readonly<Record<Subject, Measure>>,
): Promise<Record<Subject, readonly number[]>> {
  const entries = Object.entries(measures) as [Subject, Measure][];
  const samples = new Map<Subject, number[]>(entries.map(([subject]) => [subject, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [subject, measure] of entries) samples.get(subject)?.push(await measure());
  }
  return Object.fromEntries(samples) as Record<Subject, number[]>;
}

/** Warms every subject up, then measures them in turn. For rates: more is faster. */
export async function warmInTurn<Subject extends string>(
  rounds: number,
  measures: Readonly<Record<Subject, Measure>>,
): Promise<Record<Subject, readonly number[]>> {
  for (const measure of Object.values<Measure>(measures)) await warmUp(measure);
  return inTurn(rounds, measures);
}
