/**
 * `npm run conformance`: runs the unit tests, holds them against the requirements, writes docs/conformance.md.
 *
 *     --results FILE   take the unit tests' JSON report from there instead of running them
 *     --json           print { total, covered, notApplicable, open: [{ id, level, reason }] }
 *     --check          write nothing; fail if the document is not what it should be
 *
 * Fails if the ledger contradicts itself, or if a MUST or MUST NOT is open.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { argv, execPath, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { type Judgement, ledger, markdown, type Requirement, summary, type TestResult } from './ledger.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const data = join(root, 'docs', 'conformance');
const document = join(root, 'docs', 'conformance.md');
const json = argv.includes('--json');

interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

function fail(message: string): never {
  console.error(`conformance: ${message}`);
  exit(1);
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** The report of a run made now. Failing tests are the ledger's to report. */
function runTests(): string {
  const file = join(root, 'test-results', 'conformance.json');
  mkdirSync(dirname(file), { recursive: true });
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', 'src', 'workers', '--reporter=json', `--outputFile=${file}`];
  spawnSync(execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  return file;
}

const at = argv.indexOf('--results');
const results = at >= 0 ? (argv[at + 1] ?? fail('--results wants a file.')) : runTests();
if (!existsSync(results)) fail(`there is no ${results}: the unit tests left no report.`);

const tests = (read(results) as VitestReport).testResults.flatMap(({ name, assertionResults }) =>
  assertionResults
    .filter(({ status }) => status === 'passed' || status === 'failed')
    .map(({ fullName, status }): TestResult => {
      return { title: fullName, file: relative(root, name), passed: status === 'passed' };
    }),
);
const found = ledger(
  read(join(data, 'requirements.json')) as Requirement[],
  read(join(data, 'judgements.json')) as Record<string, Judgement>,
  tests,
);
const mutationFile = join(data, 'mutation.md');
const mutation = existsSync(mutationFile) ? readFileSync(mutationFile, 'utf8').trim() : '';
const text = markdown(found, mutation);

const sum = summary(found);
if (json) console.log(JSON.stringify(sum, null, 2));
const say = json ? console.error : console.log;
say(
  `conformance: ${String(sum.covered)} of ${String(sum.total)} covered, ${String(sum.notApplicable)} not applicable, ` +
    `${String(sum.open.length)} open`,
);
for (const problem of found.problems) console.error(`conformance: ${problem}`);
const owed = sum.open.filter(({ level }) => level.startsWith('MUST'));
for (const { id, level, reason } of owed) console.error(`conformance: ${level} ${id} is open: ${reason}`);

const stale = !existsSync(document) || readFileSync(document, 'utf8') !== text;
if (!argv.includes('--check')) writeFileSync(document, text);
else if (stale) console.error('conformance: docs/conformance.md is not up to date: “npm run conformance” writes it.');
exit(found.problems.length + owed.length > 0 || (argv.includes('--check') && stale) ? 1 : 0);
