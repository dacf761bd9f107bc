/**
 * The lab: the switch, and the guests on it. `window.lab` is an instance of it.
 *
 * The lab is its own first guest, so that with one guest there is nothing to choose: `lab.exec(...)` runs a command in
 * the first, `lab.guests[1].exec(...)` in the second.
 */
import { GUESTS } from '../core/net/guests.ts';
import type { SwitchPortInfo } from '../protocol/api.ts';
import { Engine } from './engine.ts';
import { GuestLab, type GuestOptions } from './guest-lab.ts';

export type { InjectResult, ModelOpinion, TraceQuery } from './guest-lab.ts';

export class Lab extends GuestLab {
  readonly #threads: Engine;
  readonly #options: GuestOptions;
  readonly #listeners = new Set<() => void>();
  #guests: readonly GuestLab[] = [this];

  /** Starts the first guest. Those that follow are started with the same options. */
  constructor(options: GuestOptions = {}) {
    const threads = new Engine();
    super(threads, 1, options);
    this.#threads = threads;
    this.#options = options;
  }

  /** Those that there are, in order; the first one is the lab itself. */
  get guests(): readonly GuestLab[] {
    return this.#guests;
  }

  /**
   * Starts another guest on the same switch. Resolves at once: its `ready` tells when it is at its shell. Rejects if
   * there are as many as the lab has room for.
   */
  // eslint-disable-next-line @typescript-eslint/require-await -- a refusal is a rejection, as everywhere in the facade
  async addGuest(): Promise<GuestLab> {
    const free = GUESTS.findIndex((_, index) => this.#guests.every(({ number }) => number !== index + 1));
    if (free < 0) throw new Error(`The lab has room for ${GUESTS.length} guests, and all are there: remove one first.`);
    const guest = new GuestLab(this.#threads, free + 1, this.#options);
    this.#changed([...this.#guests, guest]);
    return guest;
  }

  /** Switches the guest off for good. Its calls that have no answer yet are rejected. The first guest stays. */
  async removeGuest(guest: GuestLab): Promise<void> {
    if (guest === this) throw new Error('The first guest cannot be removed: reload the page instead.');
    if (!this.#guests.includes(guest)) throw new Error(`${guest.name} is not there any more.`);
    this.#changed(this.#guests.filter((each) => each !== guest));
    await guest.end();
  }

  /** The switch between the guests: what it has learned, and what each port's frames came to. */
  switchPorts(): Promise<readonly SwitchPortInfo[]> {
    return this.#threads.ports();
  }

  /** Calls `listener` when a guest came or went. Returns the way to stop it. */
  onGuests(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #changed(guests: readonly GuestLab[]): void {
    this.#guests = guests;
    for (const listener of this.#listeners) listener();
  }
}
