/**
 * Every test there is: the guest image and the lab are built, unit tests run in Node and end-to-end tests in
 * Chromium, and what they cover is held against the requirements. The last line sums up, alone on its line, for
 * whoever counts: "N passed, N failed". A step that breaks before it can count anything is one failure.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { env, execPath, exit } from 'node:process';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const results = join(root, 'test-results');
const unitResults = join(results, 'unit.json');
const e2eResults = join(results, 'e2e.json');

interface Count {
  passed: number;
  failed: number;
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  /** One for each file; a file that cannot even be loaded has failed without a failed test. */
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

interface PlaywrightReport {
  readonly stats: { readonly expected: number; readonly unexpected: number; readonly flaky: number };
  /** Outside any test. */
  readonly errors: readonly unknown[];
}

function node(program: string, args: readonly string[], extra: Record<string, string> = {}): boolean {
  const file = join(root, 'node_modules', ...program.split('/'));
  const result = spawnSync(execPath, [file, ...args], { cwd: root, stdio: 'inherit', env: { ...env, ...extra } });
  return result.status === 0;
}

function step(title: string, run: () => boolean): boolean {
  console.log(`\n== ${title}`);
  return run();
}

function report(file: string): unknown {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

function countUnit(): Count {
  const found = report(unitResults) as VitestReport | undefined;
  if (found === undefined) return { passed: 0, failed: 0 };
  const broken = found.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  return { passed: found.numPassedTests, failed: found.numFailedTests + broken.length };
}

function countE2e(): Count {
  const found = report(e2eResults) as PlaywrightReport | undefined;
  if (found === undefined) return { passed: 0, failed: 0 };
  const { expected, unexpected, flaky } = found.stats;
  return { passed: expected + flaky, failed: unexpected + found.errors.length };
}

rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });

const total: Count = { passed: 0, failed: 0 };
function add(ok: boolean, count: Count = { passed: 0, failed: 0 }): void {
  total.passed += count.passed;
  total.failed += ok ? count.failed : Math.max(1, count.failed);
}

const tsx = 'tsx/dist/cli.mjs';
const vite = 'vite/bin/vite.js';
const vitest = 'vitest/vitest.mjs';
const playwright = '@playwright/test/cli.js';

// The test of the v86 seam runs the image's firmware.
const guest = step('guest image', () => node(tsx, ['guest/build.ts']) && node(tsx, ['guest/snapshot/build.ts']));
if (!guest) add(false);
const unitOk = step('unit tests', () =>
  node(vitest, ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${unitResults}`]),
);
add(unitOk, countUnit());
const built = step('build', () => node(vite, ['build']));
if (!built) add(false);
if (guest && built) {
  const browser = step('Chromium', () => node(tsx, ['.ci/chromium.ts']));
  if (!browser) add(false);
  else {
    const ok = step('end-to-end tests', () =>
      node(playwright, ['test', '--reporter=list,json'], { PLAYWRIGHT_JSON_OUTPUT_NAME: e2eResults }),
    );
    add(ok, countE2e());
  }
}

if (existsSync(unitResults)) {
  const besides = existsSync(e2eResults) ? ['--e2e', e2eResults] : [];
  const kept = step('conformance', () =>
    node(tsx, ['.ci/conformance.ts', '--check', '--results', unitResults, ...besides]),
  );
  if (!kept) add(false);
}

console.log(`\n${String(total.passed)} passed, ${String(total.failed)} failed`);
exit(total.failed === 0 ? 0 : 1);
