/** Measuring in turns: A, B, C, A, B, C, … so that what the machine does meanwhile meets all of them alike. */

export type Measure = () => Promise<number>;

/**
 * A guest that has just started runs slowly. It is warm when a rate has not risen by this much, twice in a row, and not
 * before it has run for some time: other users of the machine can make a rate stand still.
 */
const STILL_RISING = 1.03;
/** Milliseconds: of a guest that has run nothing yet, and of one that has run something else. */
const [MIN_FRESH, MIN_USED] = [30_000, 12_000];
const MAX = 60_000;

export interface Runners {
  /** That take part in the workload, on the same cores. */
  readonly guests: number;
  /** They have run nothing yet. */
  readonly fresh: boolean;
}

/** Hears of every sample, and of every one that is only for warming up. */
export type Watch = (subject: string, sample: number, warming: boolean) => void;

/**
 * Runs a workload until its rate no longer rises. Every subject goes through it before its first sample.
 * @param measure a rate: more is faster
 * @param now milliseconds
 */
export async function warmUp(
  measure: Measure,
  { guests, fresh }: Runners,
  watch: (rate: number) => void = () => undefined,
  now: () => number = Date.now,
): Promise<void> {
  const start = now();
  const passed = (): number => (now() - start) / guests;
  const least = fresh ? MIN_FRESH : MIN_USED;
  let best = 0;
  for (let settled = 0; (settled < 2 || passed() < least) && passed() < MAX;) {
    const rate = await measure();
    watch(rate);
    settled = rate > best * STILL_RISING ? 0 : settled + 1;
    best = Math.max(best, rate);
  }
}

/** One sample of each subject in each round. */
export async function inTurn<Subject extends string>(
  rounds: number,
  measures: Readonly<Record<Subject, Measure>>,
  watch: Watch = () => undefined,
): Promise<Record<Subject, readonly number[]>> {
  const entries = Object.entries(measures) as [Subject, Measure][];
  const samples = new Map<Subject, number[]>(entries.map(([subject]) => [subject, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [subject, measure] of entries) {
      const sample = await measure();
      watch(subject, sample, false);
      samples.get(subject)?.push(sample);
    }
  }
  return Object.fromEntries(samples) as Record<Subject, number[]>;
}
