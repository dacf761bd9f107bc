/** What the command line asks for. */
import { parseArgs } from 'node:util';

/** In the order in which they run: first those with one guest a side, then those with two, then those with none. */
export const CASE_IDS = ['transmit', 'receive', 'trace', 'filtered', 'chart', 'ping', 'iperf', 'start'] as const;
export type CaseId = (typeof CASE_IDS)[number];

export interface Options {
  /** How often each subject is measured. */
  readonly rounds: number;
  /** The cases to run, in the order of `CASE_IDS`. */
  readonly only: readonly CaseId[];
  /** File for the numbers. */
  readonly json: string | null;
  /** File for a CPU profile of the machine's thread. */
  readonly profile: string | null;
  /** Print every sample. */
  readonly verbose: boolean;
  readonly help: boolean;
}

const ROUNDS = 7;
const QUICK_ROUNDS = 3;
/** Only on demand: it is many more measurements. */
const CHART: CaseId = 'chart';

export const USAGE = `npm run bench -- [options]

  --quick          ${QUICK_ROUNDS} rounds instead of ${ROUNDS}
  --rounds N       so many
  --only A,B       only these cases: ${CASE_IDS.join(', ')}
  --chart          besides the others the case ${CHART}: draws packets/s over frame size and batch size
                   into docs/images/performance-*.svg
  --json FILE      writes the numbers: { cases: [{ name, unit, ours, v86, limit, ratio, range }] }
  --profile FILE   writes a CPU profile of the lab's machine thread, of all cases with one guest; for Chromium's DevTools
  --verbose        prints every sample, as absolute numbers
  --help           this`;

/** Throws a sentence that says what is wrong. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      only: { type: 'string' },
      chart: { type: 'boolean', default: false },
      json: { type: 'string' },
      profile: { type: 'string' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const only = values.only === undefined ? CASE_IDS.filter((id) => id !== CHART) : parseCases(values.only);
  return {
    rounds: values.rounds === undefined ? (values.quick ? QUICK_ROUNDS : ROUNDS) : parseRounds(values.rounds),
    only: CASE_IDS.filter((id) => only.includes(id) || (values.chart && id === CHART)),
    json: fileName('--json', values.json),
    profile: fileName('--profile', values.profile),
    verbose: values.verbose,
    help: values.help,
  };
}

function fileName(option: string, value: string | undefined): string | null {
  if (value === '') throw new Error(`${option} wants the name of a file.`);
  return value ?? null;
}

function parseRounds(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new Error(`--rounds wants a number from 1 to 999, not “${text}”.`);
  return Number(text);
}

function parseCases(list: string): readonly CaseId[] {
  return list.split(',').map((text) => {
    const id = CASE_IDS.find((each) => each === text.trim());
    if (id === undefined) throw new Error(`There is no case “${text.trim()}”; there are ${CASE_IDS.join(', ')}.`);
    return id;
  });
}
