/**
 * The driver's side of a split virtqueue, laid out in guest memory.
 *
 * Written from chapter 2.7 alone: offsets and flags are declared here again, so that a mistake in the
 * device's constants cannot agree with itself. Everything a misbehaving driver could write is reachable:
 * the areas' addresses are public and so are the raw writes at the end.
 */
import type { GuestMemory } from '../virtio/guest-memory.ts';
import type { GuestHeap, Random } from './guest-heap.ts';

export const F_NEXT = 1;
export const F_WRITE = 2;
export const F_INDIRECT = 4;

export interface Segment {
  readonly addr: number;
  readonly length: number;
  readonly write: boolean;
}

/** How segments become descriptors: all in the ring, all in one indirect table, or so many in the ring first. */
export type ChainLayout = 'direct' | 'indirect' | { readonly direct: number };

export interface UsedBuffer {
  readonly head: number;
  readonly length: number;
}

const DESC_SIZE = 16;

export class FakeRing {
  readonly size: number;
  readonly desc: number;
  readonly avail: number;
  readonly used: number;
  readonly #memory: GuestMemory;
  readonly #heap: GuestHeap;
  readonly #free: number[];
  readonly #owned = new Map<number, number[]>();
  #availIdx = 0;
  #usedIdx = 0;

  constructor(memory: GuestMemory, heap: GuestHeap, random: Random, size: number) {
    this.size = size;
    this.#memory = memory;
    this.#heap = heap;
    this.desc = heap.allocate(DESC_SIZE * size, 16);
    this.avail = heap.allocate(6 + 2 * size, 2);
    this.used = heap.allocate(6 + 8 * size, 4);
    for (const [addr, length] of [
      [this.desc, DESC_SIZE * size],
      [this.avail, 6 + 2 * size],
      [this.used, 6 + 8 * size],
    ] as const) {
      memory.write(addr, new Uint8Array(length), 0, length);
    }
    this.#free = random.shuffle([...Array(size).keys()]);
  }

  get freeDescriptors(): number {
    return this.#free.length;
  }
  get availIdx(): number {
    return this.#availIdx;
  }
  /** The used index as the device shows it. */
  get shownUsedIdx(): number {
    return this.#memory.readU16(this.used + 2);
  }
  get usedFlags(): number {
    return this.#memory.readU16(this.used);
  }

  /** Makes a buffer available and returns its head descriptor, or -1 if descriptors ran out. */
  add(segments: readonly Segment[], layout: ChainLayout = 'direct'): number {
    const direct = layout === 'direct' ? segments.length : layout === 'indirect' ? 0 : layout.direct;
    const inRing = segments.slice(0, direct);
    const inTable = segments.slice(direct);
    const needed = inRing.length + (inTable.length > 0 ? 1 : 0);
    if (needed === 0 || needed > this.#free.length) return -1;
    const ids = this.#free.splice(-needed);
    inRing.forEach((segment, i) => {
      const next = ids[i + 1];
      const flags = (segment.write ? F_WRITE : 0) | (next === undefined ? 0 : F_NEXT);
      this.writeDescriptor(ids[i] ?? 0, segment.addr, segment.length, flags, next ?? 0);
    });
    if (inTable.length > 0) {
      this.writeDescriptor(ids.at(-1) ?? 0, this.#table(inTable), DESC_SIZE * inTable.length, F_INDIRECT, 0);
    }
    const head = ids[0] ?? 0;
    this.#owned.set(head, ids);
    this.offer(head);
    return head;
  }

  /** Takes back one used buffer. */
  poll(): UsedBuffer | null {
    if (this.#usedIdx === this.shownUsedIdx) return null;
    const at = this.used + 4 + 8 * (this.#usedIdx % this.size);
    const head = this.#memory.readU32(at);
    const length = this.#memory.readU32(at + 4);
    this.#usedIdx = (this.#usedIdx + 1) & 0xffff;
    const ids = this.#owned.get(head);
    if (!ids) throw new Error(`the device used buffer ${head}, which it does not own`);
    this.#owned.delete(head);
    this.#free.push(...ids);
    return { head, length };
  }

  /** Asks the device not to interrupt, or to interrupt again. */
  suppressInterrupts(suppress: boolean): void {
    this.#memory.writeU16(this.avail, suppress ? 1 : 0);
  }

  // Raw access, for drivers that misbehave.

  writeDescriptor(index: number, addr: number, length: number, flags: number, next: number): void {
    this.writeEntry(this.desc, index, addr, length, flags, next);
  }

  writeEntry(table: number, index: number, addr: number, length: number, flags: number, next: number): void {
    const at = table + DESC_SIZE * index;
    this.#memory.writeU32(at, addr % 0x1_0000_0000);
    this.#memory.writeU32(at + 4, Math.floor(addr / 0x1_0000_0000));
    this.#memory.writeU32(at + 8, length);
    this.#memory.writeU16(at + 12, flags);
    this.#memory.writeU16(at + 14, next);
  }

  /** Puts any head into the available ring. */
  offer(head: number): void {
    this.#memory.writeU16(this.avail + 4 + 2 * (this.#availIdx % this.size), head);
    this.setAvailIdx((this.#availIdx + 1) & 0xffff);
  }

  setAvailIdx(index: number): void {
    this.#availIdx = index;
    this.#memory.writeU16(this.avail + 2, index);
  }

  #table(segments: readonly Segment[]): number {
    const table = this.#heap.allocate(DESC_SIZE * segments.length, 16);
    segments.forEach((segment, i) => {
      const last = i === segments.length - 1;
      const flags = (segment.write ? F_WRITE : 0) | (last ? 0 : F_NEXT);
      this.writeEntry(table, i, segment.addr, segment.length, flags, last ? 0 : i + 1);
    });
    return table;
  }
}
