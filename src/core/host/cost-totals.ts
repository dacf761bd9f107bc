/**
 * What every model would have cost, summed up.
 *
 * Totals are doubles that only ever grow by small integers, so they are exact up to 2^53. They live in one
 * typed array: counting a frame allocates nothing.
 */
import type { Verdict } from './verdict.ts';
import { isCount } from './validate.ts';

export interface CostTotals {
  readonly frames: number;
  readonly looked: number;
  readonly copied: number;
  readonly delivered: number;
  readonly discarded: number;
  /** Frames taken that the literal reading of the specification drops: legal, but work for nothing. */
  readonly leak: number;
  /** Frames dropped that the driver had asked for: the bug. */
  readonly loss: number;
}

const FRAMES = 0;
const LOOKED = 1;
const COPIED = 2;
const DELIVERED = 3;
const DISCARDED = 4;
const LEAK = 5;
const LOSS = 6;
const WIDTH = 7;

export class CostCounters {
  readonly #totals: Float64Array;

  constructor(models: number) {
    this.#totals = new Float64Array(models * WIDTH);
  }

  count(model: number, verdict: Verdict, exact: Verdict): void {
    const totals = this.#totals;
    const base = model * WIDTH;
    const { cost } = verdict;
    add(totals, base + FRAMES, 1);
    add(totals, base + LOOKED, cost.looked);
    add(totals, base + COPIED, cost.copied);
    add(totals, base + DELIVERED, cost.delivered);
    add(totals, base + DISCARDED, cost.discarded);
    if (verdict.accept !== exact.accept) add(totals, base + (verdict.accept ? LEAK : LOSS), 1);
  }

  of(model: number): CostTotals {
    const at = (field: number): number => this.#totals[model * WIDTH + field] ?? 0;
    return {
      frames: at(FRAMES),
      looked: at(LOOKED),
      copied: at(COPIED),
      delivered: at(DELIVERED),
      discarded: at(DISCARDED),
      leak: at(LEAK),
      loss: at(LOSS),
    };
  }

  snapshot(): readonly number[] {
    return Array.from(this.#totals);
  }

  /** Null if the data does not fit that many models. */
  static restore(data: unknown, models: number): CostCounters | null {
    if (!Array.isArray(data) || data.length !== models * WIDTH) return null;
    const totals: readonly unknown[] = data;
    if (!totals.every(isCount)) return null;
    const counters = new CostCounters(models);
    counters.#totals.set(totals);
    return counters;
  }
}

function add(totals: Float64Array, index: number, amount: number): void {
  totals[index] = (totals[index] ?? 0) + amount;
}
