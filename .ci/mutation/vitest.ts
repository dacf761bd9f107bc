/**
 * As much of vitest as the tests of the device use, to run them many thousand times within one process. Each
 * file's tests are listed when it is loaded; the runner calls them, one by one and as often as it likes.
 */
import { format } from 'node:util';
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  GLOBAL_EXPECT,
  getState,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from '@vitest/expect';

type Body = () => unknown;

export interface Test {
  readonly title: string;
  readonly file: string;
  run(): Promise<void>;
}

interface Suite {
  readonly title: string;
  readonly hooks: Body[];
}

/** Every test of every file that was loaded. */
export const tests: Test[] = [];
let file = '';
let suites: readonly Suite[] = [];

/** What is listed from here on belongs to that file. */
export function enterFile(name: string): void {
  file = name;
  suites = [{ title: '', hooks: [] }];
}

export function describe(title: string, list: Body): void {
  const outer = suites;
  suites = [...outer, { title, hooks: [] }];
  list();
  suites = outer;
}

export function it(title: string, body: Body): void {
  const within = suites;
  tests.push({
    title: [...within.map((suite) => suite.title), title].join(' ').trim(),
    file,
    async run() {
      for (const { hooks } of within) for (const hook of hooks) await hook();
      await body();
    },
  });
}

export function beforeEach(hook: Body): void {
  suites.at(-1)?.hooks.push(hook);
}

/** `.each` of `it` and `describe`. A row that is an array is the body's arguments. */
function each(register: (title: string, body: Body) => void) {
  return (rows: readonly unknown[]) =>
    (title: string, body: (...row: readonly unknown[]) => unknown): void => {
      for (const row of rows) {
        const values: readonly unknown[] = Array.isArray(row) ? row : [row];
        const used = title.match(/%[^%]/g)?.length ?? 0;
        register(format(title, ...values.slice(0, used)), () => body(...values));
      }
    };
}

describe.each = each(describe);
it.each = each(it);

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

const matchers = globalThis as unknown as Record<symbol, object>;

export const expect = Object.assign(
  (value: unknown, message?: string) => chai.expect(value, message),
  chai.expect,
  matchers[ASYMMETRIC_MATCHERS_OBJECT],
  {
    unreachable(message = 'was reached'): never {
      throw new Error(message);
    },
  },
);
setState({ ...getState(expect as never), assertionCalls: 0 }, expect as never);
matchers[GLOBAL_EXPECT] = expect;
