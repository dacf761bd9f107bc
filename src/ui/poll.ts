/** What is not in the trace is asked for, while somebody looks and something may have changed. */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { ActionsController, StoreController } from './store.ts';
import type { LabActions, LabStore } from './store.ts';

const INTERVAL_MS = 400;

/**
 * Keeps the last answer of `ask` for its host, and asks again when `select` gives another value (see
 * `StoreController`), though never while it waits for an answer.
 */
export class PollController<T> implements ReactiveController {
  readonly #host: ReactiveControllerHost & HTMLElement;
  readonly #ask: (actions: LabActions) => Promise<T>;
  readonly #select: (store: LabStore) => unknown;
  readonly #store: StoreController;
  readonly #actions: ActionsController;
  #asked: unknown = Symbol('nothing yet');
  #waiting = false;
  #value: T | null = null;

  constructor(
    host: ReactiveControllerHost & HTMLElement,
    ask: (actions: LabActions) => Promise<T>,
    select: (store: LabStore) => unknown,
  ) {
    this.#host = host;
    this.#ask = ask;
    this.#select = select;
    this.#store = new StoreController(host, select, INTERVAL_MS);
    this.#actions = new ActionsController(host);
    host.addController(this);
  }

  /** Null before the first answer. */
  get value(): T | null {
    return this.#value;
  }

  get actions(): LabActions | null {
    return this.#actions.actions;
  }

  /** Asks anew, whatever the trace says. */
  refresh(): void {
    this.#asked = Symbol('again');
    this.#host.requestUpdate();
  }

  hostUpdated(): void {
    const store = this.#store.store;
    const actions = this.#actions.actions;
    if (!store || !actions || this.#waiting) return;
    const now = this.#select(store);
    if (Object.is(now, this.#asked)) return;
    this.#asked = now;
    this.#waiting = true;
    this.#ask(actions)
      // A thread that has not started, or has died, is told of elsewhere: the last answer stays.
      .then(
        (value) => (this.#value = value),
        () => undefined,
      )
      .finally(() => {
        this.#waiting = false;
        this.#host.requestUpdate();
      });
  }
}
