/**
 * Fates whose frame has not arrived: two threads record a frame, and what the second one says of it is often here
 * first. In columns, as under load they are every second fate.
 */
import { IdIndex } from './id-index.ts';

const FIRST_CAPACITY = 1024;
/** Bounded by what can be under way between two threads. */
const MOST = 1 << 17;

export class EarlyFates {
  time = new Float64Array(0);
  /** Words of the record: length in the used ring; code and queue; head and buffers. */
  used = new Uint32Array(0);
  code = new Uint32Array(0);
  place = new Uint32Array(0);
  #ids = new Uint32Array(0);
  readonly #index = new IdIndex(this.#ids);
  readonly #free: number[] = [];
  #unused = 0;

  get size(): number {
    return this.#unused - this.#free.length;
  }

  /** False if there is no room for it, or another one waits for that frame already. */
  add(id: number, time: number, used: number, code: number, place: number): boolean {
    if (this.#index.find(id) >= 0) return false;
    const slot = this.#take();
    if (slot < 0) return false;
    this.#ids[slot] = id;
    this.time[slot] = time;
    this.used[slot] = used;
    this.code[slot] = code;
    this.place[slot] = place;
    this.#index.add(id, slot);
    return true;
  }

  /** The slot of that frame's fate, or -1. Its columns stay readable until the next `add`. */
  take(id: number): number {
    if (this.size === 0) return -1;
    const slot = this.#index.find(id);
    if (slot < 0) return -1;
    this.#index.remove(id);
    this.#free.push(slot);
    return slot;
  }

  #take(): number {
    const freed = this.#free.pop();
    if (freed !== undefined) return freed;
    if (this.#unused === MOST) return -1;
    if (this.#unused === this.#ids.length) this.#grow(Math.max(FIRST_CAPACITY, 2 * this.#unused));
    return this.#unused++;
  }

  #grow(capacity: number): void {
    const grown = (from: Uint32Array): Uint32Array<ArrayBuffer> => {
      const into = new Uint32Array(capacity);
      into.set(from);
      return into;
    };
    const time = new Float64Array(capacity);
    time.set(this.time);
    this.time = time;
    this.used = grown(this.used);
    this.code = grown(this.code);
    this.place = grown(this.place);
    this.#ids = grown(this.#ids);
    this.#index.grow(this.#ids);
  }
}
