/**
 * Storage of the frame table: one typed array per column, one slot per row.
 *
 * Slots are reused and carry no order. `order` holds the slots sorted by time and id. Two threads record
 * frames, so a row can arrive after younger rows; it then slips in a little before the end.
 */
import { lowerBound } from './log.ts';
import { MAX_MODELS } from './packed.ts';

const FIRST_CAPACITY = 1024;

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
  queue = new Uint16Array(0);
  head = new Uint16Array(0);
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
  /** MAX_MODELS verdict codes per slot. */
  verdicts = new Uint16Array(0);

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

  /** Puts a filled slot into the order; returns its index. */
  insert(slot: number): number {
    if (this.#start + this.#length === this.#order.length) this.#makeRoom();
    const order = this.#order;
    const last = this.#start + this.#length;
    const previous = order[last - 1] ?? 0;
    const index =
      this.#length === 0 || this.#before(previous, slot)
        ? this.#length
        : lowerBound(this.#length, (i) => this.#before(order[this.#start + i] ?? 0, slot));
    const at = this.#start + index;
    if (at < last) order.copyWithin(at + 1, at, last);
    order[at] = slot;
    this.#length++;
    return index;
  }

  slotAt(index: number): number {
    return this.#order[this.#start + index] ?? 0;
  }

  indexOf(slot: number): number {
    const order = this.#order;
    return lowerBound(this.#length, (i) => this.#before(order[this.#start + i] ?? 0, slot));
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

  #before(a: number, b: number): boolean {
    const ta = this.time[a] ?? 0;
    const tb = this.time[b] ?? 0;
    return ta < tb || (ta === tb && (this.id[a] ?? 0) < (this.id[b] ?? 0));
  }

  #makeRoom(): void {
    // Half of the array is slack, so this runs once per as many rows as there are.
    const size = Math.max(2 * FIRST_CAPACITY, 2 * this.#length);
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
    this.queue = grown(this.queue, new Uint16Array(capacity));
    this.head = grown(this.head, new Uint16Array(capacity));
    this.buffers = grown(this.buffers, new Uint16Array(capacity));
    this.offload = grown(this.offload, new Uint32Array(capacity));
    this.toGuest = grown(this.toGuest, new Uint8Array(capacity));
    this.active = grown(this.active, new Uint8Array(capacity));
    this.models = grown(this.models, new Uint8Array(capacity));
    this.fate = grown(this.fate, new Uint8Array(capacity));
    this.judged = grown(this.judged, new Uint16Array(capacity));
    this.verdicts = grown(this.verdicts, new Uint16Array(capacity * MAX_MODELS));
  }
}

function grown<T extends Float64Array | Uint32Array | Uint16Array | Uint8Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
