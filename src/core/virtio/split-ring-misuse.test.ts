import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { F_INDIRECT, F_NEXT } from '../testing/fake-ring.ts';
import type { FakeSplitRing } from '../testing/fake-split-ring.ts';
import { POP } from './queue.ts';
import { type QueueBench, splitBench, VastMemory } from './queue.test-kit.ts';
import { Virtqueue } from './virtqueue.ts';

const SIZE = 8;

let b: QueueBench<FakeSplitRing>;
let ring: FakeSplitRing;

function setUp(options: Parameters<typeof splitBench>[0] = {}): void {
  b = splitBench({ size: SIZE, ...options });
  ring = b.ring;
}

beforeEach(() => setUp());

describe('split ring and misuse: each has its guest error and stops the queue', () => {
  it('avail-index-jump: more than a ring full', () => {
    ring.setAvailIdx(SIZE + 1);
    b.expectFault('avail-index-jump');
  });

  it('avail-index-jump: backwards', () => {
    ring.setAvailIdx(0xffff);
    b.expectFault('avail-index-jump');
  });

  it('avail-index-jump: more than what is not in flight', () => {
    b.offer(SIZE);
    const [first = 0] = b.take(3);
    ring.setAvailIdx(SIZE + 1);
    expect(b.queue.available(1)).toBe(1);
    b.expectFault('avail-index-jump');
    expect(b.queue.available(1)).toBe(0);
    b.queue.pushUsed(first, 0);
    expect(b.queue.pop(b.chain)).toBe(POP.BROKEN);
  });

  it('avail-index-jump: a buffer that is pushed but not shown is not free either', () => {
    b.offer(SIZE);
    for (const head of b.take(SIZE)) b.queue.pushUsed(head, 0);
    expect(b.queue.pop(b.chain)).toBe(POP.EMPTY);
    ring.offer(0);
    b.expectFault('avail-index-jump');
  });

  it('head-out-of-range', () => {
    ring.offer(SIZE);
    b.expectFault('head-out-of-range');
  });

  it('next-out-of-range', () => {
    ring.writeDescriptor(0, 0x8000, 1, F_NEXT, SIZE);
    ring.offer(0);
    b.expectFault('next-out-of-range');
  });

  it('next-out-of-range, inside a table', () => {
    const table = b.heap.allocate(32, 16);
    ring.writeEntry(table, 0, 0x8000, 5, F_NEXT, 2);
    ring.writeDescriptor(0, table, 32, F_INDIRECT, 0);
    ring.offer(0);
    b.expectFault('next-out-of-range');
  });

  it('descriptor-loop', () => {
    ring.writeDescriptor(0, 0x8000, 1, F_NEXT, 1);
    ring.writeDescriptor(1, 0x8000, 1, F_NEXT, 0);
    ring.offer(0);
    b.expectFault('descriptor-loop');
  });

  it('descriptor-loop, inside a table', () => {
    const table = b.heap.allocate(16, 16);
    ring.writeEntry(table, 0, 0x8000, 0, F_NEXT, 0);
    ring.writeDescriptor(0, table, 16, F_INDIRECT, 0);
    ring.offer(0);
    b.expectFault('descriptor-loop');
  });

  it('indirect-not-negotiated', () => {
    setUp({ features: { indirect: false } });
    b.offer(1, 4, false, 'indirect');
    b.expectFault('indirect-not-negotiated');
  });

  it('indirect-nested', () => {
    const table = b.heap.allocate(16, 16);
    ring.writeEntry(table, 0, table, 16, F_INDIRECT, 0);
    ring.writeDescriptor(0, table, 16, F_INDIRECT, 0);
    ring.offer(0);
    b.expectFault('indirect-nested');
  });

  it('indirect-with-next', () => {
    const table = b.heap.allocate(16, 16);
    ring.writeDescriptor(0, table, 16, F_INDIRECT | F_NEXT, 1);
    ring.offer(0);
    b.expectFault('indirect-with-next');
  });

  it.each([0, 15, 17, 0xffff_ffff])('indirect-bad-length: %i bytes', (length) => {
    ring.writeDescriptor(0, 0x8000, length, F_INDIRECT, 0);
    ring.offer(0);
    b.expectFault('indirect-bad-length');
  });

  it('readable-after-writable', () => {
    ring.add([b.segment(4, true), b.segment(4, false)]);
    b.expectFault('readable-after-writable');
  });

  it.each([
    [0x1_0000, 1],
    [0xffff, 2],
    [0xffff_ffff_ffff_0000, 16],
    [0, 0xffff_ffff],
  ])('address-outside-ram: %i, %i bytes', (addr, length) => {
    ring.writeDescriptor(0, addr, length, 0, 0);
    ring.offer(0);
    b.expectFault('address-outside-ram');
  });

  it('address-outside-ram: an indirect table', () => {
    ring.writeDescriptor(0, 0xfff0, 32, F_INDIRECT, 0);
    ring.offer(0);
    b.expectFault('address-outside-ram');
  });

  it('SPLIT-FRAME-02: chain-over-limit caps what indirect tables can add up to', () => {
    setUp({ maximumSize: SIZE });
    ring.add(
      Array.from({ length: SIZE + 1 }, () => b.segment(1, false)),
      'indirect',
    );
    b.expectFault('chain-over-limit');
  });

  it('chain-too-long: more than 2^32 bytes', () => {
    const queue = new Virtqueue(new VastMemory(b.memory), SIZE);
    queue.enable({ desc: ring.desc, driver: ring.avail, device: ring.used });
    ring.writeDescriptor(0, 0, 0xffff_ffff, F_NEXT, 1);
    ring.writeDescriptor(1, 0, 1, F_NEXT, 2);
    ring.writeDescriptor(2, 0, 1, 0, 0);
    ring.offer(0);
    expect(queue.pop(b.chain)).toBe(POP.BROKEN);
    expect(queue.fault?.code).toBe('chain-too-long');
  });

  it('no bytes in the ring make it throw, loop or overrun', () => {
    const bytes = fc.uint8Array({ minLength: 16 * SIZE, maxLength: 16 * SIZE });
    const smallBytes = fc.array(fc.nat(0x1_0000), { minLength: 4 * SIZE, maxLength: 4 * SIZE });
    fc.assert(
      fc.property(bytes, smallBytes, fc.uint8Array({ maxLength: 64 }), (garbage, words, avail) => {
        setUp();
        const { memory, queue, chain } = b;
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

  it('reset mends it', () => {
    ring.offer(SIZE);
    b.expectFault('head-out-of-range');
    b.queue.reset();
    expect(b.queue.fault).toBeNull();
    expect(b.queue.pop(b.chain)).toBe(POP.EMPTY);
  });
});
