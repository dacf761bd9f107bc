/** Guests with v86's own NIC, from the driver's side. */
import type { Browser, Page } from '@playwright/test';
import type { Nics } from '../page/main.ts';
import { type Guest, outputOf } from './guest.ts';
import type { Site } from './site.ts';

declare global {
  interface Window {
    nics: Nics;
  }
}

/** v86 makes an address up at each start; a driver that was there before has to look again. */
const LOOK_AGAIN = `
  date -s @$NOW > /dev/null
  ip link set eth0 down
  lab-reprobe > /dev/null || exit 1
  ip addr flush dev eth0
  ip addr add $ADDRESS/24 brd + dev eth0
  ip link set eth0 up
  cat /sys/class/net/eth0/address`;

class NicGuest implements Guest {
  readonly address: string;
  mac = '';
  readonly #page: Page;
  readonly #index: number;

  constructor(page: Page, index: number, address: string) {
    this.#page = page;
    this.#index = index;
    this.address = address;
  }

  async prepare(): Promise<void> {
    const now = Math.round(Date.now() / 1000);
    this.mac = await this.exec(LOOK_AGAIN.replace('$NOW', String(now)).replace('$ADDRESS', this.address));
  }

  async exec(command: string): Promise<string> {
    const run = ([index, text]: [number, string]): Promise<{ output: string; exitCode: number }> =>
      window.nics.exec(index, text);
    return outputOf(command, await this.#page.evaluate(run, [this.#index, command] as [number, string]));
  }
}

export class NicSide {
  readonly guests: readonly Guest[];
  readonly #page: Page;

  static async open(browser: Browser, site: Site, addresses: readonly string[]): Promise<NicSide> {
    const page = await browser.newPage();
    await page.goto(site.nicUrl);
    const guests: NicGuest[] = [];
    for (const [index, address] of addresses.entries()) {
      const options = { state: site.stateUrl, network: addresses.length > 1 };
      await page.evaluate((start) => window.nics.add(start), options);
      const guest = new NicGuest(page, index, address);
      await guest.prepare();
      guests.push(guest);
    }
    return new NicSide(page, guests);
  }

  private constructor(page: Page, guests: readonly Guest[]) {
    this.#page = page;
    this.guests = guests;
  }

  get guest(): Guest {
    const [guest] = this.guests;
    if (!guest) throw new Error('there is no guest');
    return guest;
  }

  /** Frames that the first guest's NIC has sent so far. */
  sent(): Promise<number> {
    return this.#page.evaluate(() => window.nics.sent(0));
  }

  /** Frames a second that the first guest takes if each of its buffers is filled as soon as it is there. */
  async flood(frame: Uint8Array, batch: number, milliseconds: number): Promise<number> {
    const result = await this.#page.evaluate(
      ([bytes, size, time]) => window.nics.flood(0, { frame: Uint8Array.from(bytes), batch: size, milliseconds: time }),
      [[...frame], batch, milliseconds] as const,
    );
    return (result.frames * 1000) / result.milliseconds;
  }
}
