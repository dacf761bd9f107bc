/**
 * The conformance ledger: which test covers which requirement of the specification.
 *
 * A requirement is covered if at least one unit test that names its id in its title ran, and every test that
 * names it passed. What no test names needs a judgement: not applicable, or open, each with a reason. So there
 * are three lists and one rule, and none of them can drift alone: a judgement that tests have overtaken (it is
 * stale), an id that nobody knows, and a requirement that nobody speaks of are all errors.
 *
 * End-to-end tests can break a row and cannot cover one: they need a browser and a booted guest, and the
 * document must come out the same without.
 */

export interface Requirement {
  readonly id: string;
  /** MUST, MUST NOT, SHOULD, SHOULD NOT, MAY, or DESC: no keyword, but needed to work together. */
  readonly level: string;
  /** Of Virtio 1.4. */
  readonly section: string;
  readonly when: string;
  readonly text: string;
  readonly group: string;
}

export interface Judgement {
  readonly status: 'not-applicable' | 'open';
  readonly reason: string;
}

export interface TestResult {
  readonly title: string;
  readonly file: string;
  readonly passed: boolean;
}

export interface Row extends Requirement {
  readonly status: 'covered' | 'not-applicable' | 'open';
  /** Why it is not covered; empty if it is. */
  readonly reason: string;
  readonly tests: readonly TestResult[];
}

export interface Ledger {
  readonly rows: readonly Row[];
  /** What contradicts itself; a ledger with problems is not to be believed. */
  readonly problems: readonly string[];
}

/** What a host model breaks on purpose: the test holds the breach, not the requirement. */
const BREACH = /([A-Z]+(?:-[A-Z]+)*)-\d{2} (?:is )?not met/g;
const NUMBERS = /([A-Z]+(?:-[A-Z]+)*)-(\d{2})((?:\s*(?:,|and|to)\s*-\d{2})*)/g;
const MORE = /(,|and|to)\s*-(\d{2})/g;

/** `NET-RX-01, -05 and -07 to -09` names five ids, `NET-RX-01 is not met` none. */
export function idsIn(title: string): string[] {
  const ids: string[] = [];
  for (const [, name = '', first = '', rest = ''] of title.replaceAll(BREACH, '').matchAll(NUMBERS)) {
    let last = Number(first);
    ids.push(`${name}-${first}`);
    for (const [, how, number = ''] of rest.matchAll(MORE)) {
      const from = how === 'to' ? last + 1 : Number(number);
      last = Number(number);
      for (let n = from; n <= last; n++) ids.push(`${name}-${String(n).padStart(2, '0')}`);
    }
  }
  return ids;
}

export function ledger(
  requirements: readonly Requirement[],
  judgements: Readonly<Record<string, Judgement>>,
  unit: readonly TestResult[],
  endToEnd: readonly TestResult[] = [],
): Ledger {
  const known = new Set(requirements.map(({ id }) => id));
  const problems = [...unknownIds(known, [...unit, ...endToEnd])];
  for (const id of Object.keys(judgements))
    if (!known.has(id)) problems.push(`A judgement names ${id}, which does not exist.`);

  const covering = byId(unit);
  const besides = byId(endToEnd);
  const rows = requirements.map((requirement): Row => {
    const { id } = requirement;
    const tests = covering.get(id) ?? [];
    const named = [...tests, ...(besides.get(id) ?? [])];
    const judgement = judgements[id];
    if (judgement && named.length > 0)
      problems.push(`${id}: the judgement “${judgement.status}” is stale, tests name it.`);
    const failed = named.filter(({ passed }) => !passed);
    if (failed.length > 0) {
      return { ...requirement, status: 'open', reason: `fails: ${failed.map(({ title }) => title).join('; ')}`, tests };
    }
    if (tests.length > 0) return { ...requirement, status: 'covered', reason: '', tests };
    if (judgement) return { ...requirement, ...judgement, tests };
    problems.push(`${id} is neither named by a unit test nor judged.`);
    return { ...requirement, status: 'open', reason: 'no unit test names it', tests };
  });
  return { rows, problems };
}

function byId(tests: readonly TestResult[]): Map<string, TestResult[]> {
  const found = new Map<string, TestResult[]>();
  for (const test of tests)
    for (const id of new Set(idsIn(test.title))) found.set(id, [...(found.get(id) ?? []), test]);
  return found;
}

/** Other names look alike (UTF-08); an unknown number in a known family is a mistake. */
function* unknownIds(known: ReadonlySet<string>, tests: readonly TestResult[]): Iterable<string> {
  const families = new Set([...known].map(familyOf));
  for (const { title } of tests)
    for (const id of new Set(idsIn(title)))
      if (families.has(familyOf(id)) && !known.has(id)) yield `${id} does not exist: “${title}”`;
}

const familyOf = (id: string): string => id.slice(0, -3);

/** What `--json` prints. */
export function summary({ rows }: Ledger): {
  total: number;
  covered: number;
  notApplicable: number;
  open: { id: string; level: string; reason: string }[];
} {
  const count = (status: Row['status']): number => rows.filter((row) => row.status === status).length;
  return {
    total: rows.length,
    covered: count('covered'),
    notApplicable: count('not-applicable'),
    open: rows.filter(({ status }) => status === 'open').map(({ id, level, reason }) => ({ id, level, reason })),
  };
}

const MARK: Readonly<Record<Row['status'], string>> = { covered: '✓', 'not-applicable': '–', open: '○' };

/** The document, in the order of the specification. */
export function markdown({ rows }: Ledger, mutation: string): string {
  const { total, covered, notApplicable, open } = summary({ rows, problems: [] });
  const groups = [...new Set(rows.map(({ group }) => group))];
  const lines = [
    '# Conformance',
    '',
    'What Virtio 1.4 requires of a network device on a PCI bus, row by row, and the tests that hold it here. Made by',
    '`npm run conformance`; do not edit. Requirements are paraphrased; ids are ours and stable. Left out are',
    'administration queues, flow filters and IPsec, none of which this device offers.',
    '',
    `**${String(covered)} of ${String(total)} covered, ${String(notApplicable)} not applicable, ${String(open.length)} open.**`,
    '✓ at least one unit test names it, and all that do pass. – it cannot apply here, for the reason given. ○ open.',
    '',
    ...(mutation === '' ? [] : [mutation, '']),
    '| group | rows | ✓ | – | ○ |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...groups.map((group) => {
      const own = rows.filter((row) => row.group === group);
      const cell = (status: Row['status']): string => String(own.filter((row) => row.status === status).length);
      return `| ${group} | ${String(own.length)} | ${cell('covered')} | ${cell('not-applicable')} | ${cell('open')} |`;
    }),
  ];
  for (const group of groups) {
    lines.push(
      '',
      `## ${group}`,
      '',
      '| | id | level | § | requirement | tests or reason |',
      '| --- | --- | --- | --- | --- | --- |',
    );
    for (const row of rows.filter((each) => each.group === group)) {
      // Only what changes with the tests themselves: not their number, nor the order in which they happened to run.
      const files = [...new Set(row.tests.map(({ file }) => file))].sort();
      const why = row.status === 'covered' ? files.join(', ') : row.reason;
      const cells = [MARK[row.status], row.id, row.level, row.section, `${row.text} _(${row.when})_`, why];
      lines.push(`| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}
