/** From navigation to a shell that has answered, at the first and the second visit; and what the page weighs. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { type PartSize, weigh } from '../../.ci/size-budget.ts';
import type { Bench } from '../driver/bench.ts';
import { caseResult, type CaseResult } from '../driver/case.ts';

/** What a start may take, in seconds. */
const BUDGET = 1.5;

/** Seconds on the page's clock, which starts with the navigation. */
async function visit(page: Page, url: string): Promise<number> {
  await page.goto(url, { waitUntil: 'commit' });
  await page.waitForFunction(() => 'lab' in window);
  const milliseconds = await page.evaluate(async () => {
    const { lab } = window;
    await lab.ready;
    let screen = '';
    return new Promise<number>((resolve) => {
      const decoder = new TextDecoder();
      lab.console.listen((bytes) => {
        screen += decoder.decode(bytes, { stream: true });
        if (screen.includes('usable-42')) resolve(performance.now());
      });
      lab.console.write(new TextEncoder().encode('echo usable-$((6*7))\r'));
    });
  });
  return milliseconds / 1000;
}

/** The second visit finds what the first has kept, once it has kept it. */
async function isKept(page: Page): Promise<void> {
  await page.waitForFunction(() =>
    window.lab.trace({ type: 'snapshot' }).some(({ event }) => event.type === 'snapshot' && event.outcome === 'kept'),
  );
}

/** Of the lab's own files as they were built. */
function sizes(folder: string): readonly PartSize[] {
  const names = ['index.html', ...readdirSync(join(folder, 'assets')).map((name) => `assets/${name}`)];
  return weigh(names.map((name) => ({ name, data: readFileSync(join(folder, name)) }))).parts;
}

export async function start(bench: Bench): Promise<CaseResult[]> {
  // Starting takes both cores: nobody else may be there.
  await bench.close();
  bench.log('start');
  const [first, second]: [number[], number[]] = [[], []];
  for (let round = 0; round < bench.rounds; round++) {
    const context = await bench.browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    first.push(await visit(page, bench.site.labUrl));
    await isKept(page);
    second.push(await visit(page, bench.site.labUrl));
    await context.close();
  }
  const page = sizes(bench.site.folder).find(({ title }) => title === 'page');
  return [
    caseResult('usable shell, first visit', 's', { ours: first, limit: [BUDGET] }),
    caseResult('usable shell, second visit', 's', { ours: second, limit: [BUDGET] }),
    ...(page ? [caseResult('page, compressed', 'kB', { ours: [page.bytes / 1000], limit: [page.budget / 1000] })] : []),
  ];
}
