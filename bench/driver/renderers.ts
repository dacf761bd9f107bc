/** The processes of a browser that run its pages. They are stopped while it is another's turn: idle guests are not free. */
import { kill } from 'node:process';
import type { Browser } from '@playwright/test';

export class Renderers {
  readonly #pids: readonly number[];

  /** Those that are there now. */
  static async of(browser: Browser): Promise<Renderers> {
    const session = await browser.newBrowserCDPSession();
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    await session.detach();
    return new Renderers(processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id));
  }

  constructor(pids: readonly number[]) {
    this.#pids = pids;
  }

  stop(): void {
    this.#signal('SIGSTOP');
  }

  goOn(): void {
    this.#signal('SIGCONT');
  }

  #signal(signal: NodeJS.Signals): void {
    for (const pid of this.#pids) {
      try {
        kill(pid, signal);
      } catch (error) {
        // The browser keeps one in reserve, and lets it go when it likes.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  }
}
