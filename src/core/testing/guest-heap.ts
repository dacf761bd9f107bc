/**
 * Where a fake driver puts its buffers: guest memory handed out with random gaps, so that a device that
 * reads past one buffer into the next cannot pass a test by luck.
 */
import type { GuestMemory } from '../virtio/guest-memory.ts';

/** Small seeded generator (mulberry32): the same seed gives the same run. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to `limit - 1`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b_79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  }

  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [items[i], items[j]] = [items[j] as T, items[i] as T];
    }
    return items;
  }
}

const GAP_MAX = 48;

/**
 * Hands out memory upwards. `keep` marks the end of what lives for ever (rings, receive buffers); what
 * comes after is for requests and is handed out again from the mark when the end of memory is reached.
 */
export class GuestHeap {
  readonly #memory: GuestMemory;
  readonly #random: Random;
  readonly #start: number;
  #mark: number;
  #next: number;

  constructor(memory: GuestMemory, random: Random, start: number) {
    this.#memory = memory;
    this.#random = random;
    this.#start = start;
    this.#mark = start;
    this.#next = start;
  }

  allocate(length: number, align = 1): number {
    const start = this.#next + this.#random.below(GAP_MAX);
    const addr = Math.ceil(start / align) * align;
    if (addr + length > this.#memory.size) {
      if (this.#next === this.#mark) throw new RangeError(`guest heap has no room for ${length} bytes`);
      this.#next = this.#mark;
      return this.allocate(length, align);
    }
    this.#next = addr + length;
    return addr;
  }

  /** What was allocated so far is never handed out again. */
  keep(): void {
    this.#mark = this.#next;
  }

  /** Everything is free again. */
  release(): void {
    this.#mark = this.#start;
    this.#next = this.#start;
  }
}
