/** The lab's guests, from the driver's side: through its facade, as any script would. */
import type { Browser, Page } from '@playwright/test';
import type { Lab } from '../../src/app/lab.ts';
import type { TraceMode } from '../../src/core/trace/event.ts';
import type { FrameSpec } from '../../src/protocol/api.ts';
import { type Guest, outputOf } from './guest.ts';
import type { Site } from './site.ts';

declare global {
  interface Window {
    lab: Lab;
  }
}

/** A stream has begun, or ended, everywhere after this long, in milliseconds. */
const SETTLE = 200;

/** Of the first guest, since it started. */
export interface LabCounts {
  /** Of the page's clock, in milliseconds. */
  readonly time: number;
  /** Frames that the driver was given. */
  readonly received: number;
  /** Frames for it that were lost anywhere behind the filter. */
  readonly lost: number;
}

class LabGuest implements Guest {
  readonly mac: string;
  readonly address: string;
  readonly #page: Page;
  readonly #index: number;

  constructor(page: Page, index: number, { mac, ipv4 }: { readonly mac: string; readonly ipv4: string }) {
    this.#page = page;
    this.#index = index;
    this.mac = mac;
    this.address = ipv4;
  }

  async exec(command: string): Promise<string> {
    const outcome = await this.#page.evaluate(
      ([index, text]) => {
        const guest = window.lab.guests[index];
        if (!guest) throw new Error(`there is no guest ${index + 1}`);
        return guest.exec(text);
      },
      [this.#index, command] as const,
    );
    return outputOf(command, outcome);
  }
}

export class LabSide {
  readonly page: Page;
  readonly guests: readonly Guest[];

  /** A page as a visitor has it, with so many guests, and their interfaces up. */
  static async open(browser: Browser, site: Site, guests: number): Promise<LabSide> {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(site.labUrl);
    const addresses = await page.evaluate(async (count) => {
      const { lab } = window;
      while (lab.guests.length < count) await lab.addGuest();
      await Promise.all(lab.guests.map(({ ready }) => ready));
      return lab.guests.map((guest) => guest.addresses);
    }, guests);
    const side = new LabSide(
      page,
      addresses.map((each, index) => new LabGuest(page, index, each)),
    );
    for (const guest of side.guests) await guest.exec('ip link set eth0 up');
    return side;
  }

  private constructor(page: Page, guests: readonly Guest[]) {
    this.page = page;
    this.guests = guests;
  }

  get guest(): Guest {
    const [guest] = this.guests;
    if (!guest) throw new Error('there is no guest');
    return guest;
  }

  async counts(): Promise<LabCounts> {
    const { time, nic, link, silent } = await this.page.evaluate(async () => {
      const [device, { honest, silent: uncounted }] = await Promise.all([window.lab.nic(), window.lab.link()]);
      return { time: performance.now(), nic: device.counters, link: honest, silent: uncounted };
    });
    return {
      time,
      received: nic.rx_packets ?? 0,
      lost: sum(nic, ['rx_drops']) + sum(link, ['rx_drops', 'rx_errors']) + sum(silent, Object.keys(silent)),
    };
  }

  async startTraffic(frame: FrameSpec, rate: number): Promise<void> {
    await this.page.evaluate(([one, each]) => window.lab.startTraffic({ frames: [one], rate: each }), [
      frame,
      rate,
    ] as const);
    await this.page.waitForTimeout(SETTLE);
  }

  async stopTraffic(): Promise<void> {
    await this.page.evaluate(() => window.lab.stopTraffic());
    await this.page.waitForTimeout(SETTLE);
  }

  /**
   * A steady stream from the host's thread.
   * @returns frames a second that the driver was given, and how many were lost in all
   */
  async receiveAt(rate: number, frame: Uint8Array, milliseconds: number): Promise<{ received: number; lost: number }> {
    const before = await this.counts();
    await this.startTraffic({ raw: Buffer.from(frame).toString('hex') }, rate);
    const from = await this.counts();
    await this.page.waitForTimeout(milliseconds);
    const to = await this.counts();
    await this.stopTraffic();
    const after = await this.counts();
    return {
      received: ((to.received - from.received) * 1000) / (to.time - from.time),
      lost: after.lost - before.lost,
    };
  }

  /** Offers more or less than the model does, in every guest, and has the drivers negotiate. */
  async offer(request: { readonly add?: readonly string[]; readonly remove?: readonly string[] }): Promise<void> {
    await this.page.evaluate(async (wanted) => {
      for (const guest of window.lab.guests) {
        await guest.setPersonality(wanted);
        await guest.reprobe();
      }
    }, request);
    for (const guest of this.guests) await guest.exec('ip link set eth0 up');
  }

  async setTrace(mode: TraceMode): Promise<void> {
    await this.page.evaluate((wanted) => window.lab.setTrace(wanted), mode);
  }
}

function sum(counters: Readonly<Record<string, number>>, names: readonly string[]): number {
  return names.reduce((total, name) => total + (counters[name] ?? 0), 0);
}
