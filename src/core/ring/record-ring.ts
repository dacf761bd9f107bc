/**
 * A ring of records between two threads, over a SharedArrayBuffer.
 *
 * Contract. One producer and one consumer, each in one thread, roles fixed for life. The storage is
 * allocated once and each side constructs its own view of it. A record is never split, so the consumer
 * gets it as a range of the ring's own bytes: nothing is copied out. The producer's records become visible
 * when it publishes; their room is free again when the consumer has read them and its `read` returns.
 *
 *     0    producer's position     i32, bytes written since the start, modulo 2^32
 *     64   consumer's position     i32, bytes read likewise
 *     128  what the consumer does  i32: 0 is awake, 1 sleeps, 2 dozes
 *     192  records                 capacity bytes, a power of two
 *
 * Positions run on and are masked where the ring is touched, so full (difference = capacity) and empty
 * (difference = 0) differ and no byte is wasted. Each lies in a cache line of its own. A record that would
 * run over the end starts at 0 instead, and a skip marker says so; hence a record may need twice its room,
 * and the longest one that always finds room in an empty ring is half the capacity.
 *
 * Doorbell: virtio's notification suppression. A consumer that finds the ring empty says that it sleeps
 * and then looks once more; a producer publishes and then looks whether the consumer sleeps. Atomics are
 * sequentially consistent, so one of the two sees the other, and whoever takes the flag (exchange) rings
 * or stays awake: no doorbell is lost, and none is rung for a consumer that is awake. A consumer with nothing else to
 * do for a while dozes: its thread waits in `Atomics.wait`, at the flag, and is woken there, without a message.
 */
import { type FrameMeta, type FrameSink, newFrameMeta, PLAIN_FRAME } from './frames.ts';
import { copyBytes, LOOP_BYTES, readMeta, RECORD_HEADER_BYTES, recordBytes, writeMeta } from './record.ts';

const PRODUCER = 0;
const CONSUMER = 16;
const STATE = 32;
const RECORDS_AT = 192;

const [AWAKE, SLEEPS, DOZES] = [0, 1, 2];

/** In place of a length: the next record starts at 0. */
const SKIP = 0xffff_ffff;

/**
 * The length's upper byte says how many bytes lie between header and body. Copying to shared memory is
 * word by word only if both sides are equally far from a word boundary, and else byte by byte: five times
 * slower for a frame of 1514 bytes (measured with V8 in Node 20). So a body lies where its source lay, modulo 8.
 */
const GAP_SHIFT = 24;
const LENGTH_MASK = (1 << GAP_SHIFT) - 1;

/**
 * Storage for a ring of `capacity` bytes, a power of two.
 * @param start both positions at first, a multiple of 8: lets a test reach the wrap at 2^32
 */
export function createRingStorage(capacity: number, start = 0): SharedArrayBuffer {
  if (capacity < 64 || capacity > 2 ** 30 || (capacity & (capacity - 1)) !== 0 || start % 8 !== 0) {
    throw new RangeError(
      `no ring of ${capacity} bytes from ${start}: a power of two from 64 to 2^30, from a multiple of 8`,
    );
  }
  const storage = new SharedArrayBuffer(RECORDS_AT + capacity);
  const control = new Int32Array(storage, 0, RECORDS_AT / 4);
  control[PRODUCER] = start;
  control[CONSUMER] = start;
  return storage;
}

/** The longest record body that a ring of `capacity` bytes is sure to take once it is empty. */
export function longestRecord(capacity: number): number {
  return Math.min(capacity / 2 - RECORD_HEADER_BYTES - 7, LENGTH_MASK);
}

class RingView {
  protected readonly control: Int32Array;
  protected readonly bytes: Uint8Array;
  protected readonly words: Uint32Array;
  protected readonly capacity: number;
  protected readonly mask: number;

  constructor(storage: SharedArrayBuffer) {
    this.control = new Int32Array(storage, 0, RECORDS_AT / 4);
    this.bytes = new Uint8Array(storage, RECORDS_AT);
    this.words = new Uint32Array(storage, RECORDS_AT);
    this.capacity = this.bytes.length;
    this.mask = this.capacity - 1;
  }
}

/** The writing side. Not re-entrant. */
export class RingProducer extends RingView {
  /** Written, whether published or not. */
  #written: number;
  #published: number;
  /** The consumer's position as last seen: it can only have moved on since. */
  #read: number;

  constructor(storage: SharedArrayBuffer) {
    super(storage);
    this.#written = Atomics.load(this.control, PRODUCER);
    this.#published = this.#written;
    this.#read = Atomics.load(this.control, CONSUMER);
  }

  /** Writes a record, not yet visible. False if there is no room, and then nothing was written. */
  push(id: number, from: Uint8Array, offset: number, length: number, meta: Readonly<FrameMeta> = PLAIN_FRAME): boolean {
    if (length > LENGTH_MASK) return false;
    const gap = length > LOOP_BYTES ? (from.byteOffset + offset) & 7 : 0;
    const size = recordBytes(gap + length);
    const toEnd = this.capacity - (this.#written & this.mask);
    const skipped = size > toEnd ? toEnd : 0;
    if (size + skipped > this.#room() && size + skipped > this.#room(true)) return false;
    if (skipped > 0) {
      this.words[(this.#written & this.mask) >>> 2] = SKIP;
      this.#written = (this.#written + skipped) | 0;
    }
    const at = this.#written & this.mask;
    this.words[at >>> 2] = length | (gap << GAP_SHIFT);
    this.words[(at >>> 2) + 1] = id;
    writeMeta(this.words, at >>> 2, meta);
    copyBytes(from, offset, length, this.bytes, at + RECORD_HEADER_BYTES + gap);
    this.#written = (this.#written + size) | 0;
    return true;
  }

  /** Makes every record visible, and wakes a consumer that dozes. True if it slept: then the caller must wake it. */
  publish(): boolean {
    if (this.#published === this.#written) return false;
    this.#published = this.#written;
    Atomics.store(this.control, PRODUCER, this.#written);
    if (Atomics.load(this.control, STATE) === AWAKE) return false;
    const state = Atomics.exchange(this.control, STATE, AWAKE);
    if (state === DOZES) Atomics.notify(this.control, STATE);
    return state === SLEEPS;
  }

  /** At least a quarter of the ring is free. */
  roomy(): boolean {
    return 4 * this.#room(true) >= this.capacity;
  }

  #room(fresh = false): number {
    if (fresh) this.#read = Atomics.load(this.control, CONSUMER);
    return this.capacity - ((this.#written - this.#read) | 0);
  }
}

/** The reading side. Not re-entrant. */
export class RingConsumer extends RingView {
  #read: number;
  readonly #meta = newFrameMeta();

  constructor(storage: SharedArrayBuffer) {
    super(storage);
    this.#read = Atomics.load(this.control, CONSUMER);
  }

  /**
   * Hands visible records to `sink` in order, until `maxRecords` were taken, their bodies come to `maxBytes` or
   * more, the sink refuses one, or none is left. Bytes and meta are valid only during each call. Returns how many
   * were taken.
   */
  read(sink: FrameSink, maxRecords: number, maxBytes: number): number {
    const written = Atomics.load(this.control, PRODUCER);
    let records = 0;
    let bytes = 0;
    try {
      while (this.#read !== written && records < maxRecords && bytes < maxBytes) {
        const at = this.#read & this.mask;
        const first = this.words[at >>> 2] as number;
        if (first === SKIP) {
          this.#read = (this.#read + this.capacity - at) | 0;
          continue;
        }
        const length = first & LENGTH_MASK;
        const gap = first >>> GAP_SHIFT;
        const id = this.words[(at >>> 2) + 1] as number;
        const here = this.#read;
        // Past the record before the sink sees it: should the sink throw, the ring goes on behind it.
        this.#read = (here + recordBytes(gap + length)) | 0;
        const meta = readMeta(this.words, at >>> 2, this.#meta);
        if (sink(id, this.bytes, at + RECORD_HEADER_BYTES + gap, length, meta) === false) {
          this.#read = here;
          break;
        }
        records++;
        bytes += length;
      }
    } finally {
      Atomics.store(this.control, CONSUMER, this.#read);
    }
    return records;
  }

  /** True: nothing is left and the producer will ask for a wake-up. False: there is more to read. */
  sleep(): boolean {
    Atomics.store(this.control, STATE, SLEEPS);
    if (Atomics.load(this.control, PRODUCER) === this.#read) return true;
    // If the flag is already taken, a doorbell that is not needed is on its way. It finds what it finds.
    Atomics.store(this.control, STATE, AWAKE);
    return false;
  }

  /**
   * Holds the thread until something is published, or for so many milliseconds. False, at once, if there is more to
   * read. Not for a browser's main thread, which may not wait.
   */
  doze(milliseconds: number): boolean {
    Atomics.store(this.control, STATE, DOZES);
    const empty = Atomics.load(this.control, PRODUCER) === this.#read;
    // A producer that was faster has taken the flag, and this does not wait.
    if (empty) Atomics.wait(this.control, STATE, DOZES, milliseconds);
    Atomics.store(this.control, STATE, AWAKE);
    return empty;
  }
}
