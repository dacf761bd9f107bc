/**
 * Runs the device's tests for Stryker, within its one worker process.
 *
 * A mutant needs no new process: all of them are in the code, behind a switch. So every test file is loaded
 * once, and then a mutant costs what its tests cost, most of them less than a millisecond. The quickest go
 * first, and the first that fails ends it. (vitest would load every file anew for each mutant, which takes
 * seconds, and there are thousands.) A mutant that makes a test run for ever is ended by a count of how often
 * the switch was asked, or by Stryker, which then starts another process.
 *
 * That only works for tests that leave nothing behind. Those of `src/core` cannot: it has no state of modules.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { MutantCoverage, MutantResult } from '@stryker-mutator/api/core';
import { declareClassPlugin, declareFactoryPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import type { Reporter } from '@stryker-mutator/api/report';
import {
  determineHitLimitReached,
  DryRunStatus,
  type DryRunResult,
  type MutantRunOptions,
  type MutantRunResult,
  type TestResult,
  type TestRunner,
  TestStatus,
  toMutantRunResult,
} from '@stryker-mutator/api/test-runner';
import type * as Vitest from './vitest.ts';

/**
 * A mutant runs for ever if a test asks the switch so many times more often than without it. (Stryker's own
 * limit is a hundred times what all tests together ask, which takes minutes.)
 */
const TIMES = 20;
const AT_LEAST = 5000;

const SURVIVORS = 'test-results/mutation-survivors.txt';

const FOLDERS = ['src/core/virtio', 'src/core/virtio-pci', 'src/core/virtio-net'];

/**
 * Tests whose titles say this are left out. The first counts over all its cases, and there are fewer of them here;
 * the others go round all positions of 16 bits, which takes seconds, and no mutant shortens a position.
 */
const LEFT_OUT = ['any header before any packet', 'laps', 'positions run freely over 16 bits'];

/** In the sandbox: what the run without a mutant found out, for a process that takes another one's place. */
const FACTS = 'dry-run.json';

/** What the switch in the code under test looks at. */
interface Switch {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
  mutantCoverage?: MutantCoverage;
}
const theGlobal = globalThis as unknown as { __stryker__?: Switch };

interface Listed extends Vitest.Test {
  readonly id: string;
  facts: Facts;
}

/** Of the run without a mutant: how long a test took, ms, and how often it came by each mutant. */
interface Facts {
  readonly time: number;
  readonly hits: Readonly<Record<string, number>>;
}
const NO_FACTS: Facts = { time: 0, hits: {} };

/** Nothing in the core waits for time: a test that is not done when the process has nothing to do never will be. */
function ended(test: Promise<void>): Promise<void> {
  return new Promise((done, fail) => {
    const idle = setTimeout(() => fail(new Error('waits for ever')), 20);
    test.finally(() => clearTimeout(idle)).then(done, fail);
  });
}

class InProcessRunner implements TestRunner {
  readonly #tests = new Map<string, Listed>();
  readonly #switch: Switch = (theGlobal.__stryker__ ??= {});

  capabilities(): { reloadEnvironment: boolean } {
    return { reloadEnvironment: false };
  }

  async init(): Promise<void> {
    const [vitest, fastCheck] = ['vitest.ts', 'fast-check.ts'].map((name) => new URL(name, import.meta.url).href);
    register('./hooks.mjs', { parentURL: import.meta.url, data: { vitest, 'fast-check': fastCheck } });
    const { enterFile, tests } = (await import(String(vitest))) as typeof Vitest;
    for (const folder of FOLDERS) {
      for (const name of readdirSync(folder).filter((each) => each.endsWith('.test.ts'))) {
        enterFile(`${folder}/${name}`);
        await import(pathToFileURL(resolve(folder, name)).href);
      }
    }
    const known = existsSync(FACTS) ? (JSON.parse(readFileSync(FACTS, 'utf8')) as Record<string, Facts>) : {};
    for (const test of tests.filter(({ title }) => !LEFT_OUT.some((part) => title.includes(part)))) {
      let id = `${test.file}#${test.title}`;
      while (this.#tests.has(id)) id += "'";
      this.#tests.set(id, { ...test, id, facts: known[id] ?? NO_FACTS });
    }
  }

  async dryRun(): Promise<DryRunResult> {
    const tests: TestResult[] = [];
    for (const test of this.#tests.values()) tests.push(await this.#ask(test));
    const { mutantCoverage } = this.#switch;
    for (const { id, timeSpentMs } of tests) {
      const test = this.#tests.get(id);
      if (test) test.facts = { time: timeSpentMs, hits: mutantCoverage?.perTest[id] ?? {} };
    }
    const facts = Object.fromEntries([...this.#tests].map(([id, test]) => [id, test.facts]));
    writeFileSync(FACTS, JSON.stringify(facts));
    return { status: DryRunStatus.Complete, tests, ...(mutantCoverage && { mutantCoverage }) };
  }

  async mutantRun({ activeMutant, testFilter, disableBail }: MutantRunOptions): Promise<MutantRunResult> {
    const all = testFilter ?? [...this.#tests.keys()];
    const wanted = all.map((id) => this.#tests.get(id)).filter((test) => test !== undefined);
    const tests: TestResult[] = [];
    for (const test of wanted.sort((a, b) => a.facts.time - b.facts.time)) {
      const hitLimit = AT_LEAST + TIMES * (test.facts.hits[activeMutant.id] ?? 0);
      Object.assign(this.#switch, { activeMutant: activeMutant.id, hitCount: 0, hitLimit });
      const result = await this.#ask(test);
      this.#switch.activeMutant = undefined;
      const timeout = determineHitLimitReached(this.#switch.hitCount, hitLimit);
      if (timeout) return toMutantRunResult(timeout);
      tests.push(result);
      if (result.status === TestStatus.Failed && !disableBail) break;
    }
    return toMutantRunResult({ status: DryRunStatus.Complete, tests });
  }

  async #ask(test: Listed): Promise<TestResult> {
    this.#switch.currentTestId = test.id;
    const start = performance.now();
    let failure: string | null = null;
    try {
      await ended(test.run());
    } catch (error) {
      failure = error instanceof Error ? error.message : JSON.stringify(error);
    }
    this.#switch.currentTestId = undefined;
    const asked = { id: test.id, name: test.title, fileName: test.file, timeSpentMs: performance.now() - start };
    if (failure === null) return { ...asked, status: TestStatus.Success };
    return { ...asked, status: TestStatus.Failed, failureMessage: failure };
  }
}

/** Tells each survivor as soon as it is known: the report comes at the end, and that may be an hour away. */
class SurvivorReporter implements Reporter {
  onDryRunCompleted(): void {
    mkdirSync('test-results', { recursive: true });
    writeFileSync(SURVIVORS, '');
  }

  onMutantTested({ status, fileName, location, mutatorName, replacement }: Readonly<MutantResult>): void {
    if (status === 'Killed' || status === 'Ignored') return;
    const { line, column } = location.start;
    const place = `${relative('.', fileName)}:${line}:${column}`;
    appendFileSync(SURVIVORS, `${status} ${place} ${mutatorName}: ${replacement.replaceAll(/\s+/g, ' ')}\n`);
  }
}

export const strykerPlugins = [
  declareFactoryPlugin(PluginKind.TestRunner, 'in-process', () => new InProcessRunner()),
  declareClassPlugin(PluginKind.Reporter, 'survivors', SurvivorReporter),
];
