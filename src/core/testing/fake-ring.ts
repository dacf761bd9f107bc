/**
 * The driver's side of a virtqueue, laid out in guest memory: what both layouts share.
 *
 * Written from chapters 2.7 and 2.8 alone: offsets and flags are declared here and beside again, so that a
 * mistake in the device's constants cannot agree with itself. Whatever a misbehaving driver could write is
 * reachable through the raw writes of each layout.
 */
import type { GuestMemory } from '../virtio/guest-memory.ts';
import type { GuestHeap } from './guest-heap.ts';

export const F_NEXT = 1;
export const F_WRITE = 2;
export const F_INDIRECT = 4;

export const DESC_SIZE = 16;

export interface Segment {
  readonly addr: number;
  readonly length: number;
  readonly write: boolean;
}

/**
 * How segments become descriptors: all in the ring, all in one indirect table, or so many in the ring first.
 * A packed ring knows no mixture (2.8.19): there the last is all in the ring.
 */
export type ChainLayout = 'direct' | 'indirect' | { readonly direct: number };

export interface UsedBuffer {
  /** What `add` returned for it. */
  readonly head: number;
  readonly length: number;
}

/** What was negotiated, as far as a ring cares. */
export interface FakeRingOptions {
  readonly eventIdx?: boolean;
  readonly inOrder?: boolean;
  /** The legacy interface: one contiguous area on a page boundary (2.7.2). */
  readonly legacy?: boolean;
}

/** What goes into the registers queue_desc, queue_driver and queue_device. */
export interface FakeRingAreas {
  readonly desc: number;
  readonly driver: number;
  readonly device: number;
}

export interface RingDescriptor {
  readonly addr: number;
  readonly length: number;
  /** WRITE or INDIRECT. */
  readonly flags: number;
}

interface Owned {
  readonly descriptors: number;
  readonly writable: number;
}

export abstract class FakeRing implements FakeRingAreas {
  readonly size: number;
  readonly desc: number;
  readonly driver: number;
  readonly device: number;
  protected readonly memory: GuestMemory;
  protected readonly options: FakeRingOptions;
  readonly #heap: GuestHeap;
  /** By head, in the order in which they were made available. */
  readonly #owned = new Map<number, Owned>();
  /** Buffers of a batch that stand behind the one `poll` returned. */
  readonly #ready: UsedBuffer[] = [];
  #suppressed = false;

  protected constructor(
    memory: GuestMemory,
    heap: GuestHeap,
    size: number,
    areas: FakeRingAreas,
    options: FakeRingOptions,
  ) {
    this.size = size;
    this.memory = memory;
    this.options = options;
    this.#heap = heap;
    this.desc = areas.desc;
    this.driver = areas.driver;
    this.device = areas.device;
  }

  abstract get freeDescriptors(): number;
  /** The position that comes next, as NOTIFICATION_DATA tells it. */
  abstract get position(): number;

  /** Makes a buffer available and returns what names it, or -1 if descriptors ran out. */
  add(segments: readonly Segment[], layout: ChainLayout = 'direct'): number {
    const direct = this.direct(layout, segments.length);
    const needed = Math.min(direct + 1, segments.length);
    if (needed === 0 || needed > this.freeDescriptors) return -1;
    const descriptors = this.#cut(segments, direct);
    const head = this.make(descriptors);
    const writable = segments.reduce((sum, { length, write }) => sum + (write ? length : 0), 0);
    this.#owned.set(head, { descriptors: descriptors.length, writable });
    return head;
  }

  /** Whether `poll` would find something. */
  get hasUsed(): boolean {
    return this.#ready.length > 0 || this.look() !== null;
  }

  /** Takes back one used buffer. */
  poll(): UsedBuffer | null {
    const waiting = this.#ready.shift();
    if (waiting) return waiting;
    const used = this.look();
    if (!used) return null;
    if (!this.#owned.has(used.head)) throw new Error(`the device used buffer ${used.head}, which it does not own`);
    // 2.7.9, 2.8.8: with IN_ORDER the entry may stand for all before it, which then were used completely.
    const heads = this.options.inOrder ? [...this.#owned.keys()] : [used.head];
    let descriptors = 0;
    let buffers = 0;
    for (const head of heads) {
      const { descriptors: own, writable } = this.#owned.get(head) as Owned;
      this.#owned.delete(head);
      this.release(head);
      this.#ready.push({ head, length: head === used.head ? used.length : writable });
      descriptors += own;
      buffers++;
      if (head === used.head) break;
    }
    this.advance(buffers, descriptors);
    if (this.options.eventIdx && !this.#suppressed) this.ask(0);
    return this.#ready.shift() ?? null;
  }

  /** Asks the device not to interrupt, or to interrupt again. */
  suppressInterrupts(suppress: boolean): void {
    this.#suppressed = suppress;
    if (suppress) this.forbid();
    else this.ask(0);
  }

  /**
   * What a driver does before it sleeps: asks for an interrupt at the next used buffer, or with EVENT_IDX after
   * `buffers` more. True if a used buffer is there already, for which there may be none: take it first.
   */
  awaitInterrupt(buffers = 0): boolean {
    this.#suppressed = false;
    this.ask(buffers);
    return this.hasUsed;
  }

  /** Whether the device wants a kick for what was added since this was asked last. */
  abstract needsKick(): boolean;

  // Raw access, for drivers that misbehave.

  /** Any descriptor anywhere. `other` is what the layout has besides: `next`, or the buffer id. */
  abstract writeDescriptor(index: number, addr: number, length: number, flags: number, other: number): void;
  /** Makes available whatever stands at a descriptor. */
  abstract offer(index: number): void;

  /** Writes descriptors into the ring, makes them available and returns what names the buffer. */
  protected abstract make(descriptors: readonly RingDescriptor[]): number;
  protected abstract writeTable(at: number, entries: readonly RingDescriptor[]): void;
  /** The used buffer that comes next, if it is there. */
  protected abstract look(): UsedBuffer | null;
  /** The descriptors of a buffer may be used again. */
  protected abstract release(head: number): void;
  protected abstract advance(buffers: number, descriptors: number): void;
  protected abstract forbid(): void;
  protected abstract ask(buffers: number): void;

  /** How many of so many segments lie in the ring. */
  protected direct(layout: ChainLayout, segments: number): number {
    if (layout === 'direct') return segments;
    return layout === 'indirect' ? 0 : Math.min(layout.direct, segments);
  }

  #cut(segments: readonly Segment[], direct: number): RingDescriptor[] {
    const all = segments.map(({ addr, length, write }) => ({ addr, length, flags: write ? F_WRITE : 0 }));
    const inTable = all.slice(direct);
    if (inTable.length === 0) return all;
    const length = DESC_SIZE * inTable.length;
    const addr = this.#heap.allocate(length, 16);
    this.writeTable(addr, inTable);
    return [...all.slice(0, direct), { addr, length, flags: F_INDIRECT }];
  }

  protected writeAddress(at: number, addr: number): void {
    this.memory.writeU32(at, addr % 0x1_0000_0000);
    this.memory.writeU32(at + 4, Math.floor(addr / 0x1_0000_0000));
  }
}

/** 2.7.10, 2.8.10: whether going from `old` to `now` went past `event`, over 16 bits. */
export const needEvent = (event: number, now: number, old: number): boolean =>
  ((now - event - 1) & 0xffff) < ((now - old) & 0xffff);

/** Zeroed memory for an area. */
export function placeArea(memory: GuestMemory, heap: GuestHeap, length: number, align: number): number {
  const addr = heap.allocate(length, align);
  memory.write(addr, new Uint8Array(length), 0, length);
  return addr;
}
