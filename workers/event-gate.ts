/**
 * Bounds what a guest can make the trace say: so many events pass in one interval, as they come.
 *
 * Behind the bound only the last event of each kind is kept until the interval ends; the others are counted.
 * The page's model is a fold in which the last event of a kind wins, so it is right again after each
 * interval, however fast a guest writes its status register.
 */
import type { TraceEvent } from '../src/core/trace/event.ts';

/** With 16 ms to an interval some 60,000 a second: far beyond any driver, and what a page can still take in. */
export const EVENTS_PER_INTERVAL = 1024;

export class EventGate {
  readonly #pass: (event: TraceEvent) => void;
  /** In the order in which they happened last. */
  readonly #held = new Map<string, TraceEvent>();
  #passed = 0;
  #overwritten = 0;

  constructor(pass: (event: TraceEvent) => void) {
    this.#pass = pass;
  }

  emit(event: TraceEvent): void {
    // Counts of what was lost add up: none of them may be lost itself.
    if (this.#passed < EVENTS_PER_INTERVAL || event.type === 'lost') {
      this.#passed++;
      this.#pass(event);
      return;
    }
    const kind = event.type === 'queue-enabled' ? `${event.type} ${event.queue}` : event.type;
    if (this.#held.delete(kind)) this.#overwritten++;
    this.#held.set(kind, event);
  }

  /** An interval ends and another begins. */
  next(): void {
    this.#passed = 0;
    if (this.#overwritten > 0) {
      this.#pass({ type: 'lost', what: 'events, of which too many happened at once', count: this.#overwritten });
      this.#overwritten = 0;
    }
    for (const event of this.#held.values()) this.#pass(event);
    this.#held.clear();
  }
}
