/**
 * Storage of the frame table: one typed array per column, one slot per row.
 *
 * Slots are reused and carry no order. `order` holds the slots sorted by time and id. Two threads record
 * frames, so a row can arrive after younger rows; it then slips in a little before the end.
 */
import { lowerBound } from './log.ts';
import { MAX_MODELS } from './packed.ts';

/** Powers of two, as they grow. */
const FIRST_CAPACITY = 1024;
export const VERDICT_WORDS = MAX_MODELS / 2;

export class FrameColumns {
  capacity = 0;
  time = new Float64Array(0);
  /** Sequence number of the record that holds the captured bytes. */
  seq = new Float64Array(0);
  fateTime = new Float64Array(0);
  id = new Uint32Array(0);
  wire = new Uint32Array(0);
  used = new Uint32Array(0);
  generation = new Uint32Array(0);
  /** Queue, head << 16. */
  place = new Uint32Array(0);
  /** Receive buffers used. */
  buffers = new Uint16Array(0);
  /** Of `struct virtio_net_hdr`: flags, gso_type << 8, gso_size << 16. */
  offload = new Uint32Array(0);
  toGuest = new Uint8Array(0);
  active = new Uint8Array(0);
  models = new Uint8Array(0);
  fate = new Uint8Array(0);
  /** Leaks and losses, as bits. */
  judged = new Uint16Array(0);
  /** MAX_MODELS verdict codes per slot; and the same, two in a word, as records have them. */
  verdicts = new Uint16Array(0);
  verdictPairs = new Uint32Array(0);

  #order = new Uint32Array(0);
  #start = 0;
  #length = 0;
  readonly #free: number[] = [];
  #unused = 0;

  /** Rows in the table. */
  get length(): number {
    return this.#length;
  }

  /** A slot for a new row; its columns hold rubbish. */
  take(): number {
    const freed = this.#free.pop();
    if (freed !== undefined) return freed;
    if (this.#unused === this.capacity) this.#grow(Math.max(FIRST_CAPACITY, this.capacity * 2));
    return this.#unused++;
  }

  /**
   * Puts filled slots into the order, `slots[0, count)`. They come nearly sorted, and belong at the end or a little
   * before it.
   */
  insert(slots: Uint32Array, count: number): void {
    if (count === 0) return;
    this.#sort(slots, count);
    this.#makeRoom(count);
    const order = this.#order;
    const start = this.#start;
    // Merged from the end: what is older than all of them stays where it is.
    let from = start + this.#length - 1;
    let to = from + count;
    for (let next = count - 1; next >= 0;) {
      const slot = slots[next] ?? 0;
      const held = order[from] ?? 0;
      if (from >= start && this.before(slot, held)) {
        order[to--] = held;
        from--;
      } else {
        order[to--] = slot;
        next--;
      }
    }
    this.#length += count;
  }

  slotAt(index: number): number {
    return this.#order[this.#start + index] ?? 0;
  }

  indexOf(slot: number): number {
    const order = this.#order;
    return lowerBound(this.#length, (i) => this.before(order[this.#start + i] ?? 0, slot));
  }

  /** Takes the oldest row out and returns its slot, which may be reused by the next `take`. */
  removeFirst(): number {
    const slot = this.slotAt(0);
    this.#start++;
    this.#length--;
    this.#free.push(slot);
    return slot;
  }

  clear(): void {
    this.#start = 0;
    this.#length = 0;
    this.#unused = 0;
    this.#free.length = 0;
  }

  /** Row `a` stands before row `b`. */
  before(a: number, b: number): boolean {
    const ta = this.time[a] ?? 0;
    const tb = this.time[b] ?? 0;
    return ta < tb || (ta === tb && (this.id[a] ?? 0) < (this.id[b] ?? 0));
  }

  /** By insertion: records of one thread are in order of time, and mostly of id. */
  #sort(slots: Uint32Array, count: number): void {
    for (let i = 1; i < count; i++) {
      const slot = slots[i] ?? 0;
      let at = i;
      for (; at > 0 && this.before(slot, slots[at - 1] ?? 0); at--) slots[at] = slots[at - 1] ?? 0;
      slots[at] = slot;
    }
  }

  #makeRoom(count: number): void {
    if (this.#start + this.#length + count <= this.#order.length) return;
    // Half of the array is slack, so this runs once per as many rows as there are.
    const size = Math.max(2 * FIRST_CAPACITY, 2 * (this.#length + count));
    const next = size > this.#order.length ? new Uint32Array(size) : this.#order;
    next.set(this.#order.subarray(this.#start, this.#start + this.#length));
    this.#order = next;
    this.#start = 0;
  }

  #grow(capacity: number): void {
    this.capacity = capacity;
    this.time = grown(this.time, new Float64Array(capacity));
    this.seq = grown(this.seq, new Float64Array(capacity));
    this.fateTime = grown(this.fateTime, new Float64Array(capacity));
    this.id = grown(this.id, new Uint32Array(capacity));
    this.wire = grown(this.wire, new Uint32Array(capacity));
    this.used = grown(this.used, new Uint32Array(capacity));
    this.generation = grown(this.generation, new Uint32Array(capacity));
    this.place = grown(this.place, new Uint32Array(capacity));
    this.buffers = grown(this.buffers, new Uint16Array(capacity));
    this.offload = grown(this.offload, new Uint32Array(capacity));
    this.toGuest = grown(this.toGuest, new Uint8Array(capacity));
    this.active = grown(this.active, new Uint8Array(capacity));
    this.models = grown(this.models, new Uint8Array(capacity));
    this.fate = grown(this.fate, new Uint8Array(capacity));
    this.judged = grown(this.judged, new Uint16Array(capacity));
    this.verdictPairs = grown(this.verdictPairs, new Uint32Array(capacity * VERDICT_WORDS));
    this.verdicts = new Uint16Array(this.verdictPairs.buffer);
  }
}

function grown<T extends Float64Array | Uint32Array | Uint16Array | Uint8Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
