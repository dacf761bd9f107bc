/** What the command line asks for. */

/** In the order in which they run: first those with one guest a side, then those with two, then those with none. */
export const CASE_IDS = ['transmit', 'receive', 'trace', 'filtered', 'ping', 'iperf', 'start'] as const;
export type CaseId = (typeof CASE_IDS)[number];

export interface Options {
  /** Fewer rounds. */
  readonly quick: boolean;
  /** The cases to run, in the order of `CASE_IDS`. */
  readonly only: readonly CaseId[];
  /** File for the numbers. */
  readonly json: string | null;
  /** Draw packets/s over frame size and batch size. */
  readonly chart: boolean;
  /** File for a CPU profile of the machine's thread. */
  readonly profile: string | null;
  readonly help: boolean;
}

export const USAGE = `npm run bench -- [options]

  --quick          three rounds instead of seven
  --only A,B       only these cases: ${CASE_IDS.join(', ')}
  --json FILE      writes the numbers: { cases: [{ name, unit, ours, v86, limit, ratio, range }] }
  --chart          measures packets/s over frame size and batch size too, and draws docs/images/performance-*.svg
  --profile FILE   writes a CPU profile of the lab's machine thread while transmit and receive run
  --help           this`;

/** Throws a sentence that says what is wrong. */
export function parseOptions(args: readonly string[]): Options {
  let [quick, chart, help] = [false, false, false];
  let only: readonly CaseId[] = CASE_IDS;
  let json: string | null = null;
  let profile: string | null = null;
  const rest = args.flatMap((arg) =>
    /^--[a-z]+=/.test(arg) ? [arg.slice(0, arg.indexOf('=')), arg.slice(arg.indexOf('=') + 1)] : [arg],
  );
  const valueOf = (option: string, what: string): string => {
    const value = rest.shift();
    if (value === undefined || value === '' || value.startsWith('--')) throw new Error(`${option} wants ${what}.`);
    return value;
  };
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--quick') quick = true;
    else if (arg === '--chart') chart = true;
    else if (arg === '--help') help = true;
    else if (arg === '--only') only = parseCases(valueOf(arg, `a list of cases: ${CASE_IDS.join(', ')}`));
    else if (arg === '--json') json = valueOf(arg, 'the name of a file');
    else if (arg === '--profile') profile = valueOf(arg, 'the name of a file');
    else throw new Error(`There is no option ${arg}.\n\n${USAGE}`);
  }
  return { quick, only, json, chart, profile, help };
}

function parseCases(list: string): readonly CaseId[] {
  const names = list.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !CASE_IDS.some((id) => id === name));
  if (unknown !== undefined) throw new Error(`There is no case “${unknown}”; there are ${CASE_IDS.join(', ')}.`);
  return CASE_IDS.filter((id) => names.includes(id));
}
