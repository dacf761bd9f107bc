import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { weigh } from './size-budget.ts';

/** Noise, which does not compress: `kilobytes` of it. */
const file = (name: string, kilobytes: number) => ({ name, data: randomBytes(kilobytes * 1000) });

test('a build within its budgets has nothing to complain of', () => {
  const { lines, problems } = weigh([file('assets/index-a.js', 200), file('assets/host.worker-b.js', 50)]);
  expect(problems).toEqual([]);
  expect(lines.join('\n')).toMatch(/page: 200\.\d kB of 250\.0 kB/);
});

test('scripts of the page count together, lazily loaded or not, and what is too large is named, largest first', () => {
  const { problems } = weigh([file('assets/small-a.js', 20), file('assets/large-b.js', 240)]);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(/The page is 260\.\d kB.*250\.0 kB.*large-b\.js 240\.\d kB, assets\/small-a\.js 20/);
});

test('the emulator and the workers do not count as page', () => {
  const { problems } = weigh([
    file('assets/machine-a.js', 150),
    file('assets/v86-b.wasm', 400),
    file('assets/x.worker-c.js', 90),
  ]);
  expect(problems).toEqual([]);
});

test('scripts count compressed', () => {
  expect(weigh([{ name: 'index.js', data: new Uint8Array(10_000_000) }]).problems).toEqual([]);
});
