/**
 * How often what changes all the time is drawn: as often as drawing may cost.
 *
 * Time to draw is earned while time passes, a small share of it, and saved up to a limit. A page at rest has enough for
 * some drawings in a row, so that what a user causes is seen at once; in a flood it comes down to the share, whatever
 * a drawing costs on this machine.
 */
/** Milliseconds. */
const LONGEST_WAIT = 1000;

export class RedrawBudget {
  readonly #share: number;
  readonly #most: number;
  #saved: number;
  #at = 0;

  /**
   * @param share of the time that may be spent, 0 to 1
   * @param most milliseconds that are saved up
   */
  constructor(share = 0.05, most = 200) {
    this.#share = share;
    this.#most = most;
    this.#saved = most;
  }

  /** Milliseconds from `now` until the next drawing may begin; 0 if it may now. */
  wait(now: number): number {
    this.#earn(now);
    return this.#saved > 0 ? 0 : -this.#saved / this.#share;
  }

  /** A drawing ended at `now` and has cost so many milliseconds. One that took very long is not held against the page for ever. */
  spend(now: number, cost: number): void {
    this.#earn(now);
    this.#saved = Math.max(this.#saved - cost, -LONGEST_WAIT * this.#share);
  }

  #earn(now: number): void {
    this.#saved = Math.min(this.#most, this.#saved + Math.max(0, now - this.#at) * this.#share);
    this.#at = Math.max(this.#at, now);
  }
}
