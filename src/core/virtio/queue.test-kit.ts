/** A queue, the driver's side of it, and guest memory between them. */
import { expect } from 'vitest';
import { ArrayMemory } from '../testing/array-memory.ts';
import { FakePackedRing } from '../testing/fake-packed-ring.ts';
import type { ChainLayout, FakeRing, Segment, UsedBuffer } from '../testing/fake-ring.ts';
import { FakeSplitRing } from '../testing/fake-split-ring.ts';
import { GuestHeap, Random } from '../testing/guest-heap.ts';
import { DescriptorChain } from './descriptor-chain.ts';
import { POP, type QueueFeatures } from './queue.ts';
import { Virtqueue } from './virtqueue.ts';

export interface QueueBenchOptions {
  readonly size?: number;
  readonly maximumSize?: number;
  readonly features?: Partial<QueueFeatures>;
  readonly legacy?: boolean;
  readonly seed?: number;
}

export const LAYOUTS = ['split', 'packed'] as const;
export type Layout = (typeof LAYOUTS)[number];

export const PLAIN: QueueFeatures = {
  packed: false,
  eventIdx: false,
  indirect: true,
  inOrder: false,
  notifyOnEmpty: false,
};

type RingClass<R> = new (...args: ConstructorParameters<typeof FakeSplitRing>) => R;

export class QueueBench<R extends FakeRing = FakeRing> {
  readonly memory = new ArrayMemory(0x1_0000);
  readonly heap: GuestHeap;
  ring: R;
  readonly queue: Virtqueue;
  readonly chain: DescriptorChain;

  readonly #newRing: (size: number) => R;

  constructor(Ring: RingClass<R>, packed: boolean, options: QueueBenchOptions) {
    const { size = 8, maximumSize = 64, legacy = false } = options;
    const features = { ...PLAIN, packed, ...options.features };
    const { eventIdx, inOrder } = features;
    const random = new Random(options.seed ?? 7);
    this.heap = new GuestHeap(this.memory, random, 0x100);
    this.#newRing = (count) => new Ring(this.memory, this.heap, random, count, { eventIdx, inOrder, legacy });
    this.ring = this.#newRing(size);
    this.heap.keep();
    this.queue = new Virtqueue(this.memory, maximumSize);
    this.chain = new DescriptorChain(maximumSize);
    expect(this.queue.configure(features)).toBeNull();
    this.#enable();
  }

  /** The driver resets the queue and sets it up with other memory and another size. */
  renew(size: number): void {
    this.queue.reset();
    this.ring = this.#newRing(size);
    this.#enable();
  }

  #enable(): void {
    const { size, desc, driver, device } = this.ring;
    expect(this.queue.setSize(size)).toBe(true);
    expect(this.queue.enable({ desc, driver, device })).toBeNull();
  }

  segment(length: number, write: boolean): Segment {
    return { addr: this.heap.allocate(length), length, write };
  }

  /** Offers a buffer of one segment; `count` of them. Their heads. */
  offer(count = 1, length = 4, write = true, layout: ChainLayout = 'direct'): number[] {
    return Array.from({ length: count }, () => this.ring.add([this.segment(length, write)], layout));
  }

  /** Takes so many buffers, which must be there. Their heads. */
  take(count = 1): number[] {
    return Array.from({ length: count }, () => {
      expect(this.queue.pop(this.chain)).toBe(POP.CHAIN);
      return this.chain.head;
    });
  }

  /** Takes so many buffers and shows them as used, `length` bytes each. */
  serve(count = 1, length = 1): void {
    for (const head of this.take(count)) this.queue.pushUsed(head, length);
    this.queue.publish();
  }

  /** Everything that came back to the driver. */
  collect(): UsedBuffer[] {
    const used: UsedBuffer[] = [];
    for (let next = this.ring.poll(); next; next = this.ring.poll()) used.push(next);
    return used;
  }

  /** So many buffers all the way round, one by one. */
  turn(count: number): void {
    for (let i = 0; i < count; i++) {
      this.ring.add([{ addr: 0x8000, length: 4, write: true }]);
      this.queue.pop(this.chain);
      this.queue.pushUsed(this.chain.head, 1);
      this.queue.publish();
      this.ring.poll();
    }
  }

  /** Pops, expecting the queue to break with that code, and to stay broken. */
  expectFault(code: string): void {
    expect(this.queue.pop(this.chain)).toBe(POP.BROKEN);
    expect(this.queue.fault?.code).toBe(code);
    expect(this.queue.pop(this.chain)).toBe(POP.BROKEN);
  }
}

export const splitBench = (options: QueueBenchOptions = {}): QueueBench<FakeSplitRing> =>
  new QueueBench(FakeSplitRing, false, options);

export const packedBench = (options: QueueBenchOptions = {}): QueueBench<FakePackedRing> =>
  new QueueBench(FakePackedRing, true, options);

export const queueBench = (layout: Layout, options: QueueBenchOptions = {}): QueueBench =>
  layout === 'split' ? splitBench(options) : packedBench(options);

/** RAM that claims to be vast: only what lies in the small one is ever looked at. */
export class VastMemory extends ArrayMemory {
  constructor(small: ArrayMemory) {
    super(0);
    this.redirect(small);
  }

  override contains(): boolean {
    return true;
  }
}
