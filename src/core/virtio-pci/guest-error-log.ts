/**
 * Records guest errors, each one as an event, up to a bound per kind and epoch: a driver in a loop must not
 * fill the trace. The event that reaches the bound says so, and the count goes on.
 */
import type { GuestErrorCode, GuestErrorEvent } from '../virtio/guest-error.ts';

export const GUEST_ERRORS_RECORDED = 256;

export class GuestErrorLog {
  readonly #emit: (event: GuestErrorEvent) => void;
  readonly #seen = new Map<GuestErrorCode, number>();
  #total = 0;

  constructor(emit: (event: GuestErrorEvent) => void) {
    this.#emit = emit;
  }

  /** Since the lab was opened, recorded or not. */
  get total(): number {
    return this.#total;
  }

  record(code: GuestErrorCode, queue: number | null, detail: string): void {
    const seen = (this.#seen.get(code) ?? 0) + 1;
    this.#seen.set(code, seen);
    this.#total++;
    if (seen > GUEST_ERRORS_RECORDED) return;
    const bound = seen === GUEST_ERRORS_RECORDED ? '; from here on this error is only counted, until reset' : '';
    this.#emit({ type: 'guest-error', code, queue, detail: detail + bound });
  }

  newEpoch(): void {
    this.#seen.clear();
  }
}
