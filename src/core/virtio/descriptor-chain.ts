/**
 * One buffer of a driver, however it cut it into descriptors.
 *
 * A buffer is a list of readable segments followed by a list of writable ones. Devices never see the
 * segments: they read and write two byte streams, so the way a driver frames a request cannot matter.
 *
 * One object serves a queue for ever: `Queue.pop` refills it, nothing is allocated. Every segment was
 * checked against guest RAM when it was added, so reads and writes cannot fail.
 *
 * @spec 2.7.4.1 MUST NOT depend on the framing (SPLIT-FRAME-01)
 * @spec 6.3 VIRTIO_F_ANY_LAYOUT: what makes framing free for a legacy driver, too
 */
import type { GuestErrorCode } from './guest-error.ts';
import type { GuestMemory } from './guest-memory.ts';

/** @spec 2.7.5.2 a buffer holds at most 2^32 bytes */
export const CHAIN_BYTES_MAX = 0x1_0000_0000;

export class DescriptorChain {
  readonly capacity: number;
  /** Readable segments lie in `[0, readableCount)`, writable ones in `[readableCount, count)`. */
  readonly #addr: Float64Array;
  readonly #len: Float64Array;
  #readableCount = 0;
  #count = 0;
  #readable = 0;
  #writable = 0;
  /** What names the buffer when it is used: the head descriptor's index, or the buffer id of a packed ring. */
  head = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#addr = new Float64Array(capacity);
    this.#len = new Float64Array(capacity);
  }

  /** Bytes the device may read. */
  get readable(): number {
    return this.#readable;
  }

  /** Bytes the device may write. */
  get writable(): number {
    return this.#writable;
  }

  /** Segments, both parts. */
  get count(): number {
    return this.#count;
  }

  /** True once a writable segment was added: from then on readable ones are out of order. */
  get inWritable(): boolean {
    return this.#count > this.#readableCount;
  }

  /** Address of the readable bytes from `position` on if they lie in one piece, else -1. */
  readableAt(position: number): number {
    let skip = position;
    for (let i = 0; i < this.#readableCount; i++) {
      const size = this.#len[i] ?? 0;
      if (skip < size) return i === this.#readableCount - 1 ? (this.#addr[i] ?? 0) + skip : -1;
      skip -= size;
    }
    return -1;
  }

  reset(head: number): void {
    this.head = head;
    this.#readableCount = 0;
    this.#count = 0;
    this.#readable = 0;
    this.#writable = 0;
  }

  /** Adds a segment of the driver's, or says what is wrong with it. */
  offer(memory: GuestMemory, addr: number, length: number, writable: boolean): GuestErrorCode | null {
    // @spec 2.7.4.2, 2.8.17 a driver MUST place writable elements after readable ones
    if (!writable && this.inWritable) return 'readable-after-writable';
    if (!memory.contains(addr, length)) return 'address-outside-ram';
    if (this.#readable + this.#writable + length > CHAIN_BYTES_MAX) return 'chain-too-long';
    // @spec 2.7.4.1, 2.8.18 MAY cap the chain (SPLIT-FRAME-02, PACK-SG-02). The cap is our largest queue, not the
    // size the driver chose: a small ring with large indirect tables is a fair thing to ask for.
    if (this.#count === this.capacity) return 'chain-over-limit';
    this.add(addr, length, writable);
    return null;
  }

  /** Adds a segment that was checked. */
  add(addr: number, length: number, writable: boolean): void {
    this.#addr[this.#count] = addr;
    this.#len[this.#count] = length;
    this.#count++;
    if (writable) {
      this.#writable += length;
    } else {
      this.#readable += length;
      this.#readableCount = this.#count;
    }
  }

  /** Copies readable bytes from `position` on into `into`; fewer than `length` if the part ends. */
  read(memory: GuestMemory, position: number, into: Uint8Array, offset: number, length: number): number {
    let skip = position;
    let done = 0;
    for (let i = 0; i < this.#readableCount && done < length; i++) {
      const size = this.#len[i] ?? 0;
      if (skip >= size) {
        skip -= size;
        continue;
      }
      const part = Math.min(size - skip, length - done);
      memory.read((this.#addr[i] ?? 0) + skip, into, offset + done, part);
      done += part;
      skip = 0;
    }
    return done;
  }

  /** Copies bytes into the writable part from `position` on; fewer than `length` if the part ends. */
  write(memory: GuestMemory, position: number, from: Uint8Array, offset: number, length: number): number {
    let skip = position;
    let done = 0;
    // @spec 2.7.5.1 MUST NOT write into a readable buffer (SPLIT-DESC-01): start behind them.
    for (let i = this.#readableCount; i < this.#count && done < length; i++) {
      const size = this.#len[i] ?? 0;
      if (skip >= size) {
        skip -= size;
        continue;
      }
      const part = Math.min(size - skip, length - done);
      memory.write((this.#addr[i] ?? 0) + skip, from, offset + done, part);
      done += part;
      skip = 0;
    }
    return done;
  }
}
