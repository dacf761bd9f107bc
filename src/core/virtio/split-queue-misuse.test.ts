import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayMemory } from '../testing/array-memory.ts';
import { F_INDIRECT, F_NEXT, FakeRing, type Segment } from '../testing/fake-ring.ts';
import { GuestHeap, Random } from '../testing/guest-heap.ts';
import { DescriptorChain } from './descriptor-chain.ts';
import { POP } from './queue.ts';
import { SplitQueue } from './split-queue.ts';

const SIZE = 8;

let memory: ArrayMemory;
let heap: GuestHeap;
let ring: FakeRing;
let queue: SplitQueue;
let chain: DescriptorChain;

beforeEach(() => setUp());

function setUp(size = SIZE, maximum = 64): void {
  memory = new ArrayMemory(0x1_0000);
  const random = new Random(7);
  heap = new GuestHeap(memory, random, 0x100);
  ring = new FakeRing(memory, heap, random, size);
  queue = new SplitQueue(memory, maximum);
  queue.indirect = true;
  chain = new DescriptorChain(maximum);
  expect(queue.setSize(size)).toBe(true);
  expect(queue.enable({ desc: ring.desc, driver: ring.avail, device: ring.used })).toBeNull();
}

const segment = (length: number, write: boolean): Segment => ({ addr: heap.allocate(length), length, write });

/** Pops, expecting the queue to break with that code, and to stay broken. */
function expectFault(code: string): void {
  expect(queue.pop(chain)).toBe(POP.BROKEN);
  expect(queue.fault?.code).toBe(code);
  expect(queue.pop(chain)).toBe(POP.BROKEN);
}

describe('SplitQueue and misuse: each has its guest error and stops the queue', () => {
  it('avail-index-jump: more than a ring full', () => {
    ring.setAvailIdx(SIZE + 1);
    expectFault('avail-index-jump');
  });

  it('avail-index-jump: backwards', () => {
    ring.setAvailIdx(0xffff);
    expectFault('avail-index-jump');
  });

  it('head-out-of-range', () => {
    ring.offer(SIZE);
    expectFault('head-out-of-range');
  });

  it('next-out-of-range', () => {
    ring.writeDescriptor(0, 0x8000, 1, F_NEXT, SIZE);
    ring.offer(0);
    expectFault('next-out-of-range');
  });

  it('next-out-of-range, inside a table', () => {
    const table = heap.allocate(32, 16);
    ring.writeEntry(table, 0, 0x8000, 5, F_NEXT, 2);
    ring.writeDescriptor(0, table, 32, F_INDIRECT, 0);
    ring.offer(0);
    expectFault('next-out-of-range');
  });

  it('descriptor-loop', () => {
    ring.writeDescriptor(0, 0x8000, 1, F_NEXT, 1);
    ring.writeDescriptor(1, 0x8000, 1, F_NEXT, 0);
    ring.offer(0);
    expectFault('descriptor-loop');
  });

  it('descriptor-loop, inside a table', () => {
    const table = heap.allocate(16, 16);
    ring.writeEntry(table, 0, 0x8000, 0, F_NEXT, 0);
    ring.writeDescriptor(0, table, 16, F_INDIRECT, 0);
    ring.offer(0);
    expectFault('descriptor-loop');
  });

  it('indirect-not-negotiated', () => {
    queue.indirect = false;
    ring.add([segment(4, false)], 'indirect');
    expectFault('indirect-not-negotiated');
  });

  it('indirect-nested', () => {
    const table = heap.allocate(16, 16);
    ring.writeEntry(table, 0, table, 16, F_INDIRECT, 0);
    ring.writeDescriptor(0, table, 16, F_INDIRECT, 0);
    ring.offer(0);
    expectFault('indirect-nested');
  });

  it('indirect-with-next', () => {
    const table = heap.allocate(16, 16);
    ring.writeDescriptor(0, table, 16, F_INDIRECT | F_NEXT, 1);
    ring.offer(0);
    expectFault('indirect-with-next');
  });

  it.each([0, 15, 17, 0xffff_ffff])('indirect-bad-length: %i bytes', (length) => {
    ring.writeDescriptor(0, 0x8000, length, F_INDIRECT, 0);
    ring.offer(0);
    expectFault('indirect-bad-length');
  });

  it('readable-after-writable', () => {
    ring.add([segment(4, true), segment(4, false)]);
    expectFault('readable-after-writable');
  });

  it.each([
    [0x1_0000, 1],
    [0xffff, 2],
    [0xffff_ffff_ffff_0000, 16],
    [0, 0xffff_ffff],
  ])('address-outside-ram: %i, %i bytes', (addr, length) => {
    ring.writeDescriptor(0, addr, length, 0, 0);
    ring.offer(0);
    expectFault('address-outside-ram');
  });

  it('address-outside-ram: an indirect table', () => {
    ring.writeDescriptor(0, 0xfff0, 32, F_INDIRECT, 0);
    ring.offer(0);
    expectFault('address-outside-ram');
  });

  it('SPLIT-FRAME-02: chain-over-limit caps what indirect tables can add up to', () => {
    setUp(SIZE, SIZE);
    ring.add(
      Array.from({ length: SIZE + 1 }, () => segment(1, false)),
      'indirect',
    );
    expectFault('chain-over-limit');
  });

  it('chain-too-long: more than 2^32 bytes', () => {
    // RAM that claims to be vast: only the ring is ever looked at.
    const vast = Object.assign(Object.create(memory) as ArrayMemory, { contains: () => true });
    for (const name of ['readU16', 'readU32', 'readU64'] as const) {
      Object.assign(vast, { [name]: (addr: number) => memory[name](addr) });
    }
    queue = new SplitQueue(vast, SIZE);
    queue.enable({ desc: ring.desc, driver: ring.avail, device: ring.used });
    ring.writeDescriptor(0, 0, 0xffff_ffff, F_NEXT, 1);
    ring.writeDescriptor(1, 0, 1, F_NEXT, 2);
    ring.writeDescriptor(2, 0, 1, 0, 0);
    ring.offer(0);
    expectFault('chain-too-long');
  });

  it('no bytes in the ring make it throw, loop or overrun', () => {
    const bytes = fc.uint8Array({ minLength: 16 * SIZE, maxLength: 16 * SIZE });
    const smallBytes = fc.array(fc.nat(0x1_0000), { minLength: 4 * SIZE, maxLength: 4 * SIZE });
    fc.assert(
      fc.property(bytes, smallBytes, fc.uint8Array({ maxLength: 64 }), (garbage, words, avail) => {
        setUp();
        memory.write(ring.desc, garbage, 0, garbage.length);
        // Plausible addresses and lengths get further than noise does.
        words.forEach((word, i) => memory.writeU32(ring.desc + 4 * i, i % 4 === 3 ? word & 7 : i % 4 === 1 ? 0 : word));
        memory.write(ring.avail, avail, 0, Math.min(avail.length, 6 + 2 * SIZE));
        let pops = 0;
        while (queue.pop(chain) === POP.CHAIN) {
          expect(++pops).toBeLessThanOrEqual(SIZE);
          expect(chain.count).toBeLessThanOrEqual(chain.capacity);
          chain.read(memory, 0, new Uint8Array(chain.readable), 0, chain.readable);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('reset mends it: positions and size are as new', () => {
    ring.offer(SIZE);
    expectFault('head-out-of-range');
    queue.reset();
    expect(queue.save()).toMatchObject({ size: 64, enabled: false, availIdx: 0, usedIdx: 0, desc: 0 });
    expect(queue.fault).toBeNull();
    expect(queue.pop(chain)).toBe(POP.EMPTY);
  });
});
