/**
 * The conformance ledger: which test covers which requirement of the specification.
 *
 * A requirement is covered if at least one test that names its id in its title ran, and every such test
 * passed. What no test names needs a judgement: not applicable, or open, each with a reason. So there are
 * three lists and one rule, and none of them can drift alone: a judgement about a covered requirement, an id
 * that nobody knows, and a requirement that nobody speaks of are all errors.
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

const NUMBERS = /([A-Z]+(?:-[A-Z]+)*)-(\d{2})((?:\s*(?:,|and|to)\s*-\d{2})*)/g;
const MORE = /(,|and|to)\s*-(\d{2})/g;

/** `NET-RX-01, -05 and -07 to -09` names five ids. */
export function idsIn(title: string): string[] {
  const ids: string[] = [];
  for (const [, name = '', first = '', rest = ''] of title.matchAll(NUMBERS)) {
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
  tests: readonly TestResult[],
): Ledger {
  const problems: string[] = [];
  const families = new Set(requirements.map(({ id }) => id.slice(0, -3)));
  const known = new Set(requirements.map(({ id }) => id));
  const byId = new Map<string, TestResult[]>();
  for (const test of tests) {
    for (const id of new Set(idsIn(test.title))) {
      byId.set(id, [...(byId.get(id) ?? []), test]);
      // Other names look alike (UTF-08); an unknown number in a known family is a mistake.
      if (families.has(id.slice(0, -3)) && !known.has(id)) problems.push(`${id} does not exist: “${test.title}”`);
    }
  }
  for (const id of Object.keys(judgements))
    if (!known.has(id)) problems.push(`A judgement names ${id}, which does not exist.`);

  const rows = requirements.map((requirement): Row => {
    const named = byId.get(requirement.id) ?? [];
    const judgement = judgements[requirement.id];
    if (named.length > 0) {
      if (judgement) problems.push(`${requirement.id} is judged ${judgement.status}, but tests cover it.`);
      const failed = named.filter(({ passed }) => !passed);
      if (failed.length === 0) return { ...requirement, status: 'covered', reason: '', tests: named };
      return {
        ...requirement,
        status: 'open',
        reason: `fails: ${failed.map(({ title }) => title).join('; ')}`,
        tests: named,
      };
    }
    if (judgement) return { ...requirement, ...judgement, tests: [] };
    return { ...requirement, status: 'open', reason: 'no test names it', tests: [] };
  });
  return { rows, problems };
}

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
    '✓ at least one test names it, and all that do pass. – it cannot apply here, for the reason given. ○ open.',
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
      const files = [...new Set(row.tests.map(({ file }) => file))];
      const why = row.status === 'covered' ? `${String(row.tests.length)} in ${files.join(', ')}` : row.reason;
      const cells = [MARK[row.status], row.id, row.level, row.section, `${row.text} _(${row.when})_`, why];
      lines.push(`| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}
