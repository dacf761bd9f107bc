/** What every case is given: the sides of the comparison, opened when they are first asked for. */
import type { Browser } from '@playwright/test';
import { inTurn, type Measure, warmUp, type Watch } from './rounds.ts';
import { LabSide } from './lab-side.ts';
import { NicSide } from './nic-side.ts';
import type { Site } from './site.ts';

export interface Sides {
  readonly lab: LabSide;
  readonly nic: NicSide;
}

export const ADDRESSES = ['10.0.2.15', '10.0.2.16'] as const;

export class Bench {
  readonly rounds: number;
  readonly site: Site;
  readonly browser: Browser;
  readonly log: (line: string) => void;
  readonly watch: Watch;
  #open: (Sides & { readonly guests: number }) | null = null;

  constructor(parts: Pick<Bench, 'rounds' | 'site' | 'browser' | 'log' | 'watch'>) {
    this.rounds = parts.rounds;
    this.site = parts.site;
    this.browser = parts.browser;
    this.log = parts.log;
    this.watch = parts.watch;
  }

  /** Both sides with so many guests each. Those that were open with another number are closed. */
  async sides(guests: 1 | 2): Promise<Sides> {
    if (this.#open?.guests === guests) return this.#open;
    await this.close();
    this.log(guests === 1 ? 'a guest on each side starts' : 'two guests on each side start');
    const { browser, site } = this;
    const nic = await NicSide.open(browser, site, ADDRESSES.slice(0, guests));
    const lab = await LabSide.open(browser, site, guests);
    this.#open = { guests, nic, lab };
    return this.#open;
  }

  /**
   * Warms every subject up, then measures them in turn.
   * @param measures of rates, more is faster; or of times, with `less` for better
   * @param times so many rounds for one of another case: where the difference that is looked for is small
   */
  async compare<Subject extends string>(
    measures: Readonly<Record<Subject, Measure>>,
    better: 'more' | 'less' = 'more',
    times = 1,
  ): Promise<Record<Subject, readonly number[]>> {
    for (const [subject, measure] of Object.entries<Measure>(measures)) {
      const watch = (rate: number): void => {
        this.watch(subject, better === 'more' ? rate : 1 / rate, true);
      };
      await warmUp(async () => (better === 'more' ? measure() : 1 / (await measure())), this.#open?.guests ?? 1, watch);
    }
    return inTurn(this.rounds * times, measures, this.watch);
  }

  async close(): Promise<void> {
    await this.#open?.lab.close();
    await this.#open?.nic.close();
    this.#open = null;
  }
}
