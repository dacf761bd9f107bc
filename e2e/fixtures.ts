/**
 * One booted guest for all tests of a worker, brought to a known state before each of them.
 *
 * A failed test ends its worker, and the next one boots a guest of its own: what a test broke is not there
 * for the others to find.
 */
import { writeFile } from 'node:fs/promises';
import { type Browser, test as base, type Page, type TestInfo } from '@playwright/test';
import type { HostModelId } from '../src/core/host/host-model.ts';
import { LabClient } from './lab-client.ts';
import { LabPage } from './lab-page.ts';

export { expect } from '@playwright/test';

/** Pages of this worker, and what went wrong in them since somebody asked. */
export class OpenPages {
  readonly #browser: Browser;
  readonly #options: NonNullable<Parameters<Browser['newPage']>[0]>;
  readonly #pages = new Set<Page>();
  #problems: string[] = [];

  constructor(browser: Browser, options: NonNullable<Parameters<Browser['newPage']>[0]>) {
    this.#browser = browser;
    this.#options = options;
  }

  async open(): Promise<Page> {
    const page = await this.#browser.newPage(this.#options);
    page.on('pageerror', (error) => this.#problems.push(`uncaught: ${error.message}`));
    page.on('crash', () => this.#problems.push('the page crashed'));
    page.on('console', (message) => {
      if (message.type() === 'error') this.#problems.push(`console: ${message.text()}`);
    });
    page.on('close', () => this.#pages.delete(page));
    this.#pages.add(page);
    return page;
  }

  takeProblems(): string[] {
    const problems = this.#problems;
    this.#problems = [];
    return problems;
  }

  /** Files, so that they are there to look at whatever the reporter does with attachments. */
  async attachTo(testInfo: TestInfo): Promise<void> {
    for (const [index, page] of [...this.#pages].entries()) {
      const attach = async (name: string, contentType: string, body: string | Buffer): Promise<void> => {
        const path = testInfo.outputPath(`page-${index + 1}-${name}`);
        await writeFile(path, body);
        await testInfo.attach(name, { path, contentType });
      };
      const trace = await new LabClient(page).trace().catch(String);
      await attach('console.txt', 'text/plain', await new LabPage(page).consoleText().catch(String));
      await attach('trace.json', 'application/json', JSON.stringify(trace, null, 1));
      await attach('screenshot.png', 'image/png', await page.screenshot());
    }
  }

  async close(): Promise<void> {
    for (const page of this.#pages) await page.close();
  }
}

interface TestFixtures {
  /** The host model that the test begins under. */
  readonly hostModel: HostModelId;
  /** The facade, after a reset: the interface is down, the driver freshly probed, the link new. */
  readonly lab: LabClient;
  readonly ui: LabPage;
  readonly evidence: undefined;
}

interface WorkerFixtures {
  readonly pages: OpenPages;
  readonly bootedPage: Page;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  hostModel: ['propolis-372a574', { option: true }],

  pages: [
    async ({ browser }, use, { project }) => {
      const { baseURL, viewport } = project.use;
      const pages = new OpenPages(browser, {
        ...(baseURL === undefined ? {} : { baseURL }),
        ...(viewport === undefined ? {} : { viewport }),
      });
      await use(pages);
      await pages.close();
    },
    { scope: 'worker' },
  ],

  bootedPage: [
    async ({ pages }, use) => {
      const page = await pages.open();
      await page.goto('/');
      await new LabClient(page).ready();
      await use(page);
    },
    { scope: 'worker', timeout: 170_000 },
  ],

  lab: async ({ bootedPage, hostModel }, use) => {
    const lab = new LabClient(bootedPage);
    await test.step(`reset the lab to ${hostModel}`, () => lab.reset(hostModel));
    await use(lab);
  },

  ui: async ({ bootedPage }, use) => {
    await use(new LabPage(bootedPage));
  },

  evidence: [
    async ({ pages }, use, testInfo) => {
      await use(undefined);
      const problems = pages.takeProblems();
      const failed = testInfo.status !== testInfo.expectedStatus || problems.length > 0;
      if (failed) await pages.attachTo(testInfo);
      if (problems.length > 0) throw new Error(`The page reported errors:\n${problems.join('\n')}`);
    },
    { auto: true },
  ],
});
