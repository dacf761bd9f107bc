/**
 * The device's requests to the host, on their way to the other thread: in order, and never more than a few.
 *
 * In a real VMM a request is a call, and the guest stands still meanwhile. Here it is a message, and the guest
 * stands still for its control commands only. One that resets its device in a loop makes messages faster than the
 * other thread reads them. So beyond a bound
 * requests wait here, and a reset takes the place of everything that waits: what it undoes, nobody need be
 * told of. Those that were never sent are counted, and their promises are rejected.
 */
import type { HostAnswer, RxEvent } from '../src/core/host/host-model.ts';

/** Requests that may be unanswered. A driver that behaves has one or two. */
const UNANSWERED_MAX = 32;

interface Waiting {
  readonly event: RxEvent;
  readonly resolve: (answer: HostAnswer) => void;
  readonly reject: (error: Error) => void;
}

export class HostRequests {
  readonly #ask: (event: RxEvent) => Promise<HostAnswer>;
  readonly #onLost: (count: number) => void;
  /** A reset, then at most what one driver can ask before its next reset. */
  #waiting: Waiting[] = [];
  #unanswered = 0;
  #lost = 0;

  /** @param onLost so many requests were overtaken by a reset and never sent */
  constructor(ask: (event: RxEvent) => Promise<HostAnswer>, onLost: (count: number) => void) {
    this.#ask = ask;
    this.#onLost = onLost;
  }

  rxEvent(event: RxEvent): Promise<HostAnswer> {
    if (this.#waiting.length === 0 && this.#unanswered < UNANSWERED_MAX) return this.#send(event);
    const next = event.type === 'reset' ? this.#overtake(event) : event;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ event: next, resolve, reject });
    });
  }

  #overtake(reset: Extract<RxEvent, { type: 'reset' }>): RxEvent {
    const overtaken = this.#waiting;
    this.#waiting = [];
    this.#lost += overtaken.length;
    for (const { reject } of overtaken) reject(new Error('overtaken by a reset'));
    // A machine reset undoes more than a driver's: it must not be forgotten.
    const machine = overtaken.some(({ event }) => event.type === 'reset' && event.kind === 'machine');
    return machine ? { type: 'reset', kind: 'machine' } : reset;
  }

  #send(event: RxEvent): Promise<HostAnswer> {
    this.#unanswered++;
    return this.#ask(event).finally(() => {
      this.#unanswered--;
      this.#next();
    });
  }

  #next(): void {
    while (this.#unanswered < UNANSWERED_MAX) {
      const next = this.#waiting.shift();
      if (!next) break;
      this.#send(next.event).then(next.resolve, next.reject);
    }
    if (this.#waiting.length > 0 || this.#lost === 0) return;
    this.#onLost(this.#lost);
    this.#lost = 0;
  }
}
