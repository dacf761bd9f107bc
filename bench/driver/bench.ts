/** What every case is given: the sides of the comparison, opened when they are first asked for. */
import { setTimeout } from 'node:timers/promises';
import type { Browser } from '@playwright/test';
import { openBrowser } from './browser.ts';
import { LabSide } from './lab-side.ts';
import { NicSide } from './nic-side.ts';
import { Renderers } from './renderers.ts';
import { inTurn, type Measure, warmUp, type Watch } from './rounds.ts';
import type { Site } from './site.ts';

export interface Sides {
  readonly lab: LabSide;
  readonly nic: NicSide;
}

type SideName = keyof Sides;
const SIDES: readonly SideName[] = ['lab', 'nic'];

export const ADDRESSES = ['10.0.2.15', '10.0.2.16'] as const;

/** What a side that was stopped is left to catch up with its timers, in milliseconds. */
const CATCH_UP = 100;

/** Sides that are open. */
interface Open extends Sides {
  readonly guests: number;
  readonly renderers: Readonly<Record<SideName, Renderers>>;
}

export class Bench {
  readonly rounds: number;
  readonly site: Site;
  readonly log: (line: string) => void;
  readonly watch: Watch;
  #open: Open | null = null;
  /** One for each side. */
  #browsers: Browser[] = [];
  /** Whose turn it is; null: everybody's. */
  #turn: SideName | null = null;
  /** The sides that have been warmed up with anything since they were opened. */
  readonly #warm = new Set<SideName>();

  constructor(parts: Pick<Bench, 'rounds' | 'site' | 'log' | 'watch'>) {
    this.rounds = parts.rounds;
    this.site = parts.site;
    this.log = parts.log;
    this.watch = parts.watch;
  }

  /** Both sides with so many guests each. Those that were open with another number are closed. */
  async sides(guests: 1 | 2): Promise<Sides> {
    if (this.#open?.guests === guests) return this.#open;
    await this.close();
    this.log(guests === 1 ? 'a guest on each side starts' : 'two guests on each side start');
    const [theirs, ours] = [await this.#browser(), await this.#browser()];
    const nic = await NicSide.open(theirs, this.site, ADDRESSES.slice(0, guests));
    const lab = await LabSide.open(ours, this.site, guests);
    const renderers = { lab: await Renderers.of(ours), nic: await Renderers.of(theirs) };
    this.#open = { guests, nic, lab, renderers };
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
      const side = sideOf(subject);
      await this.#give(side);
      const watch = (rate: number): void => {
        this.watch(subject, better === 'more' ? rate : 1 / rate, true);
      };
      const rate = async (): Promise<number> => (better === 'more' ? measure() : 1 / (await measure()));
      await warmUp(rate, { guests: this.#open?.guests ?? 1, fresh: !this.#warm.has(side) }, watch);
      this.#warm.add(side);
    }
    return this.inTurn(measures, times);
  }

  /** Measures every subject in turn, with only its own side running. All run again when it is done. */
  async inTurn<Subject extends string>(
    measures: Readonly<Record<Subject, Measure>>,
    times = 1,
  ): Promise<Record<Subject, readonly number[]>> {
    const alone = Object.entries<Measure>(measures).map(([subject, measure]) => {
      const inItsTurn: Measure = async () => {
        await this.#give(sideOf(subject));
        return measure();
      };
      return [subject, inItsTurn] as const;
    });
    const samples = await inTurn(
      this.rounds * times,
      Object.fromEntries(alone) as Record<Subject, Measure>,
      this.watch,
    );
    await this.#give(null);
    return samples;
  }

  async close(): Promise<void> {
    await this.#give(null);
    for (const browser of this.#browsers) await browser.close();
    this.#browsers = [];
    this.#open = null;
    this.#warm.clear();
  }

  async #browser(): Promise<Browser> {
    const browser = await openBrowser();
    this.#browsers.push(browser);
    return browser;
  }

  async #give(turn: SideName | null): Promise<void> {
    if (turn === this.#turn || !this.#open) return;
    this.#turn = turn;
    const { renderers } = this.#open;
    for (const side of SIDES) {
      if (turn === null || side === turn) renderers[side].goOn();
      else renderers[side].stop();
    }
    await setTimeout(CATCH_UP);
  }
}

/** Everything but v86's own NIC is measured in the lab: its limits and its settings, too. */
function sideOf(subject: string): SideName {
  return subject === 'v86' ? 'nic' : 'lab';
}
