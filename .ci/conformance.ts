/**
 * `npm run conformance`: holds the tests against the requirements and writes docs/conformance.md.
 *
 *     --results FILE   the unit tests' JSON report. Without it test-results/unit.json is taken, which `npm test` and
 *                      this program leave there, unless something that tests depend on is newer: then they run
 *     --e2e FILE       Playwright's JSON report. What fails there is open; the document does not depend on it
 *     --json           prints { total, covered, notApplicable, open: [{ id, level, reason }] }, and nothing else
 *     --check          writes nothing; fails if the document is not what it should be
 *
 * Fails if the ledger contradicts itself, or if a MUST or MUST NOT is open. Rows are counted by tests of the
 * product, src and workers: the ledger's own tests are full of ids.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { argv, execPath, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { type Judgement, ledger, markdown, type Requirement, summary, type TestResult } from './ledger.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const data = join(root, 'docs', 'conformance');
const document = join(root, 'docs', 'conformance.md');
const unitResults = join(root, 'test-results', 'unit.json');
/** What the outcome of unit tests depends on. */
const SOURCES = ['src', 'workers', 'guest', 'package-lock.json', 'vite.config.ts'];
const TESTED = ['src', 'workers'];
const json = argv.includes('--json');
const check = argv.includes('--check');
const say = json ? console.error : console.log;

interface VitestReport {
  /** Milliseconds since 1970. */
  readonly startTime: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

interface PlaywrightSuite {
  readonly title: string;
  readonly file: string;
  readonly specs: readonly { readonly title: string; readonly file: string; readonly ok: boolean }[];
  readonly suites?: readonly PlaywrightSuite[];
}

function fail(message: string): never {
  console.error(`conformance: ${message}`);
  exit(1);
}

function option(name: string): string | null {
  const at = argv.indexOf(name);
  return at < 0 ? null : (argv[at + 1] ?? fail(`${name} wants a file.`));
}

function read(file: string): unknown {
  if (!existsSync(file)) fail(`there is no ${file}.`);
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** When the file, or anything in the directory, was changed last: milliseconds since 1970. */
function changed(path: string): number {
  const stat = statSync(path);
  const inside = stat.isDirectory() ? readdirSync(path).map((name) => changed(join(path, name))) : [];
  return Math.max(stat.mtimeMs, ...inside);
}

function lastRun(): VitestReport | null {
  if (!existsSync(unitResults)) return null;
  const report = read(unitResults) as VitestReport;
  return SOURCES.every((name) => changed(join(root, name)) < report.startTime) ? report : null;
}

/** Failing tests are the ledger's to report. */
function runTests(): VitestReport {
  say('conformance: running the unit tests, which takes some minutes');
  mkdirSync(dirname(unitResults), { recursive: true });
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--reporter=json', `--outputFile=${unitResults}`];
  spawnSync(execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  return read(unitResults) as VitestReport;
}

function unitTests({ testResults }: VitestReport): TestResult[] {
  return testResults.flatMap(({ name, assertionResults }) => {
    const file = relative(root, name).split(sep).join('/');
    if (!TESTED.some((directory) => file.startsWith(`${directory}/`))) return [];
    return assertionResults
      .filter(({ status }) => status === 'passed' || status === 'failed')
      .map(({ fullName, status }) => ({ title: fullName, file, passed: status === 'passed' }));
  });
}

function endToEndTests(suites: readonly PlaywrightSuite[]): TestResult[] {
  return suites.flatMap(({ specs, suites: inner = [] }) => [
    ...specs.map(({ title, file, ok }) => ({ title, file, passed: ok })),
    ...endToEndTests(inner),
  ]);
}

const results = option('--results');
const unit = unitTests(results === null ? (lastRun() ?? runTests()) : (read(results) as VitestReport));
const e2e = option('--e2e');
const endToEnd = e2e === null ? [] : endToEndTests((read(e2e) as { suites: PlaywrightSuite[] }).suites);

const requirements = read(join(data, 'requirements.json')) as Requirement[];
const judgements = read(join(data, 'judgements.json')) as Record<string, Judgement>;
const found = ledger(requirements, judgements, unit, endToEnd);
const mutationFile = join(data, 'mutation.md');
const mutation = existsSync(mutationFile) ? readFileSync(mutationFile, 'utf8').trim() : '';
const text = markdown(ledger(requirements, judgements, unit), mutation);

const sum = summary(found);
if (json) console.log(JSON.stringify(sum, null, 2));
say(
  `conformance: ${String(sum.covered)} of ${String(sum.total)} covered, ${String(sum.notApplicable)} not applicable, ` +
    `${String(sum.open.length)} open`,
);
for (const problem of found.problems) console.error(`conformance: ${problem}`);
const owed = sum.open.filter(({ level }) => level.startsWith('MUST'));
for (const { id, level, reason } of owed) console.error(`conformance: ${level} ${id} is open: ${reason}`);

const outdated = !existsSync(document) || readFileSync(document, 'utf8') !== text;
if (outdated && check)
  console.error('conformance: docs/conformance.md is out of date: “npm run conformance” writes it.');
if (outdated && !check) writeFileSync(document, text);
exit(found.problems.length + owed.length > 0 || (check && outdated) ? 1 : 0);
