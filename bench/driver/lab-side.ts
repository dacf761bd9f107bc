/** The lab's guests, from the driver's side: through its facade, as any script would. */
import type { Browser, Page } from '@playwright/test';
import type { Lab } from '../../src/app/lab.ts';
import { type Guest, outputOf } from './guest.ts';
import type { Site } from './site.ts';

declare global {
  interface Window {
    lab: Lab;
  }
}

/** A stream has begun, or ended, everywhere after this long, in milliseconds. */
const SETTLE = 200;

export interface LabCounts {
  /** Of the page's clock, in milliseconds. */
  readonly time: number;
  /** Frames that the driver was given. */
  readonly received: number;
  /** Frames for it that were lost anywhere after the filter. */
  readonly lost: number;
  readonly sent: number;
  /** Frames from it that were lost. */
  readonly unsent: number;
}

export class LabGuest implements Guest {
  readonly address = '10.0.2.15';
  readonly mac = '02:00:00:00:00:15';
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  async exec(command: string): Promise<string> {
    return outputOf(command, await this.#page.evaluate((text) => window.lab.exec(text), command));
  }
}

export class LabSide {
  readonly page: Page;
  readonly guest: LabGuest;

  static async open(browser: Browser, site: Site): Promise<LabSide> {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(site.labUrl);
    await page.evaluate(() => window.lab.ready);
    const side = new LabSide(page);
    await side.guest.exec('ip link set eth0 up');
    return side;
  }

  private constructor(page: Page) {
    this.page = page;
    this.guest = new LabGuest(page);
  }

  async counts(): Promise<LabCounts> {
    const { time, nic, link, silent } = await this.page.evaluate(async () => {
      const [device, { honest, silent }] = await Promise.all([window.lab.nic(), window.lab.link()]);
      return { time: performance.now(), nic: device.counters, link: honest, silent };
    });
    return {
      time,
      received: nic.rx_packets ?? 0,
      lost: sum(nic, ['rx_drops']) + sum(link, ['rx_drops', 'rx_errors']) + sum(silent, Object.keys(silent)),
      sent: nic.tx_packets ?? 0,
      unsent: sum(nic, ['tx_drops']) + sum(link, ['tx_drops', 'tx_errors']),
    };
  }

  /**
   * A steady stream from the host's thread.
   * @returns frames a second that the driver was given, and how many were lost in all
   */
  async receiveAt(rate: number, frame: Uint8Array, milliseconds: number): Promise<{ received: number; lost: number }> {
    const raw = Buffer.from(frame).toString('hex');
    const before = await this.counts();
    await this.page.evaluate(([frames, perSecond]) => window.lab.startTraffic({ frames, rate: perSecond }), [
      [{ raw }],
      rate,
    ] as const);
    await this.page.waitForTimeout(SETTLE);
    const from = await this.counts();
    await this.page.waitForTimeout(milliseconds);
    const to = await this.counts();
    await this.page.evaluate(() => window.lab.stopTraffic());
    await this.page.waitForTimeout(SETTLE);
    const after = await this.counts();
    return {
      received: ((to.received - from.received) * 1000) / (to.time - from.time),
      lost: after.lost - before.lost,
    };
  }

  close(): Promise<void> {
    return this.page.close();
  }
}

function sum(counters: Readonly<Record<string, number>>, names: readonly string[]): number {
  return names.reduce((total, name) => total + (counters[name] ?? 0), 0);
}
