/** Moves bytes between a fake driver and its buffers in guest memory. */
import type { GuestMemory } from '../virtio/guest-memory.ts';
import type { Segment } from './fake-ring.ts';
import type { GuestHeap } from './guest-heap.ts';

export class DriverMemory {
  readonly #memory: GuestMemory;
  readonly #heap: GuestHeap;

  constructor(memory: GuestMemory, heap: GuestHeap) {
    this.#memory = memory;
    this.#heap = heap;
  }

  /** Puts bytes into guest memory, cut into segments of these lengths and one of the rest, with gaps between. */
  place(bytes: Uint8Array, write: boolean, split: readonly number[] = []): Segment[] {
    const segments: Segment[] = [];
    let at = 0;
    for (const wanted of [...split, bytes.length]) {
      const length = Math.min(wanted, bytes.length - at);
      const addr = this.#heap.allocate(length);
      this.#memory.write(addr, bytes, at, length);
      segments.push({ addr, length, write });
      at += length;
      if (at === bytes.length) break;
    }
    return segments;
  }

  /** The first `length` bytes that lie in the segments. */
  read(segments: readonly Segment[], length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const segment of segments) {
      const part = Math.min(segment.length, length - at);
      this.#memory.read(segment.addr, bytes, at, part);
      at += part;
    }
    return bytes;
  }

  readByte(addr: number): number {
    const byte = new Uint8Array(1);
    this.#memory.read(addr, byte, 0, 1);
    return byte[0] ?? 0;
  }
}
