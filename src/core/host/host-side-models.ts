/**
 * The states of all host models, side by side: what each request and each frame makes of them.
 *
 * A model's link counts in counters of its own. Only the model in force handles frames, so a shadow's stay at
 * zero until it takes over; and a model that comes back into force goes on where it was.
 */
import type { FrameHeader } from '../net/ethernet.ts';
import type { CounterSnapshot } from '../viona/kstat.ts';
import { LinkCounters } from '../viona/kstat.ts';
import type { LinkConfig, LinkState } from '../viona/link.ts';
import type { HostModel, Transition } from './host-model.ts';
import { HOST_MODELS } from './models.ts';
import type { Verdict } from './verdict.ts';

export type Step = (model: HostModel, state: unknown) => Transition<unknown>;
/** Told each model's transition, in order. */
export type Stepped = (model: HostModel, transition: Transition<unknown>, active: boolean) => void;

export class ModelStates {
  #states: unknown[] = [];
  #links: (LinkState | null)[] = [];
  #counters: readonly LinkCounters[] = [];
  /** Position of the model in force. */
  active: number;
  /** Some model spreads frames over rings: their flows have to be known. */
  spreads = false;

  constructor(config: LinkConfig, active: number) {
    this.active = active;
    this.begin(config);
  }

  get model(): HostModel {
    return HOST_MODELS[this.active] as HostModel;
  }

  /** The link of the model in force, or null if it has none. */
  get link(): LinkState | null {
    return this.#links[this.active] ?? null;
  }

  /** Of the model in force. */
  get counters(): LinkCounters {
    return this.#counters[this.active] as LinkCounters;
  }

  /** Of the model in force. */
  get state(): unknown {
    return this.#states[this.active];
  }

  get states(): readonly unknown[] {
    return this.#states;
  }

  /** Every model starts anew, on a new link. */
  begin(config: LinkConfig): void {
    this.replace(
      HOST_MODELS.map((model) => model.init(config)),
      HOST_MODELS.map(() => new LinkCounters()),
    );
  }

  /** Puts states and counters in place as a snapshot has them. */
  replace(states: readonly unknown[], counters: readonly LinkCounters[]): void {
    this.#states = [...states];
    this.#counters = counters;
    this.#links = HOST_MODELS.map((model, index) => model.link(states[index]));
    this.#look();
  }

  saveCounters(): CounterSnapshot[] {
    return this.#counters.map((counters) => counters.save());
  }

  /** Hot path: every model judges; their codes go to `codes`. Returns what the model in force said. */
  decide(header: FrameHeader, codes: Uint16Array): Verdict {
    const states = this.#states;
    let ruling: Verdict | undefined;
    for (let index = 0; index < HOST_MODELS.length; index++) {
      const verdict = (HOST_MODELS[index] as HostModel).decide(states[index], header);
      codes[index] = verdict.code;
      if (index === this.active) ruling = verdict;
    }
    return ruling as Verdict;
  }

  /** Every model makes a step. True if any state changed. */
  step(make: Step, told: Stepped): boolean {
    let changed = false;
    for (const [index, model] of HOST_MODELS.entries()) {
      const transition = make(model, this.#states[index]);
      if (this.#set(index, transition.state)) changed = true;
      told(model, transition, index === this.active);
    }
    this.#look();
    return changed;
  }

  /** Puts another state under the model in force, past its VMM. True if it is another one. */
  set(state: unknown): boolean {
    const changed = this.#set(this.active, state);
    this.#look();
    return changed;
  }

  #set(index: number, state: unknown): boolean {
    if (state === this.#states[index]) return false;
    const before = this.#links[index] ?? null;
    const after = (HOST_MODELS[index] as HostModel).link(state);
    this.#states[index] = state;
    this.#links[index] = after;
    if (before && after && before !== after) this.#counters[index]?.follow(before, after);
    return true;
  }

  #look(): void {
    this.spreads = this.#links.some((link) => link !== null && link.usePairs > 1);
  }
}
