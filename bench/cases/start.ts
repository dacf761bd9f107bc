/** From navigation to a shell that has answered, at the first and the second visit; and what the page weighs. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { type PartSize, weigh } from '../../.ci/size-budget.ts';
import type { Bench } from '../driver/bench.ts';
import { openBrowser } from '../driver/browser.ts';
import { caseResult, type CaseResult } from '../driver/case.ts';

/** What a start may take, in seconds. */
const BUDGET = 1.5;

/** What a new window is left before it navigates, in milliseconds. */
const SETTLE = 1500;

/** Seconds on the page's clock, which starts with the navigation. */
interface Visit {
  /** The shell showed its prompt, was asked at once, and has answered. */
  readonly usable: number;
  /** The guest has its network device, with addresses. */
  readonly ready: number;
}

async function visit(page: Page, url: string): Promise<Visit> {
  await page.goto(url, { waitUntil: 'commit' });
  await page.waitForFunction(() => 'lab' in window);
  return page.evaluate(async () => {
    const { lab } = window;
    const ready = lab.ready.then(() => performance.now() / 1000);
    const usable = new Promise<number>((resolve) => {
      const decoder = new TextDecoder();
      let screen = '';
      let asked = false;
      lab.console.listen((bytes) => {
        screen += decoder.decode(bytes, { stream: true });
        if (screen.includes('usable-42')) resolve(performance.now() / 1000);
        if (asked || !screen.includes('# ')) return;
        asked = true;
        lab.console.write(new TextEncoder().encode('echo usable-$((6*7))\r'));
      });
    });
    return { ready: await ready, usable: await usable };
  });
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
  const [first, second]: [Visit[], Visit[]] = [[], []];
  const browser = await openBrowser();
  try {
    for (let round = 0; round < bench.rounds; round++) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
      const page = await context.newPage();
      // A visitor's browser has long been there. A new window's blank page takes half a second of one core to start.
      await page.waitForTimeout(SETTLE);
      first.push(await visit(page, bench.site.labUrl));
      await isKept(page);
      second.push(await visit(page, bench.site.labUrl));
      await context.close();
    }
  } finally {
    await browser.close();
  }
  const page = sizes(bench.site.folder).find(({ title }) => title === 'page');
  return [
    caseResult('usable shell, first visit', 's', { ours: first.map(({ usable }) => usable), limit: [BUDGET] }),
    caseResult('usable shell, second visit', 's', { ours: second.map(({ usable }) => usable), limit: [BUDGET] }),
    caseResult('network ready, first visit', 's', { ours: first.map(({ ready }) => ready) }),
    caseResult('network ready, second visit', 's', { ours: second.map(({ ready }) => ready) }),
    ...(page ? [caseResult('page, compressed', 'kB', { ours: [page.bytes / 1000], limit: [page.budget / 1000] })] : []),
  ];
}
